/// A Swift source file under construction.
struct SwiftFile {
    private(set) var lines: [String] = []
    private var depth = 0

    /// The whole text.
    var text: String { lines.joined(separator: "\n") + "\n" }

    /// Adds a line at the present depth; one of more than 120 columns is broken after its first parenthesis, and before
    /// its last argument if that is not enough.
    mutating func add(_ line: String = "") {
        guard !line.isEmpty else { return lines.append("") }
        let margin = String(repeating: " ", count: depth * 4)
        guard margin.count + line.count > 120, let parenthesis = line.firstIndex(of: "(") else {
            return lines.append(margin + line)
        }
        lines.append(margin + line[...parenthesis])
        let arguments = line[line.index(after: parenthesis)...]
        let inner = margin + "    "
        guard inner.count + arguments.count >= 120, let space = arguments.lastIndex(of: " ") else {
            return lines.append(inner + arguments)
        }
        lines.append(inner + arguments[..<space])
        lines.append(inner + arguments[arguments.index(after: space)...])
    }

    /// Adds a documentation comment.
    mutating func comment(_ text: String) { lines += Spelling.comment(text, indentation: depth * 4) }

    /// Adds `head {`, what `body` adds, and the closing brace.
    mutating func block(_ head: String, _ body: (inout SwiftFile) -> Void) {
        add("\(head) {")
        indented(body)
        add("}")
    }

    /// Adds what `body` adds, one step deeper.
    mutating func indented(_ body: (inout SwiftFile) -> Void) {
        depth += 1
        body(&self)
        depth -= 1
    }

    /// Adds what `body` adds, in a block of its own if there is a condition.
    mutating func when(_ condition: String?, _ body: (inout SwiftFile) -> Void) {
        if let condition { block("if \(condition)", body) } else { body(&self) }
    }

    /// Adds the lines of a parenthesis, each argument on its own line.
    mutating func list(_ head: String, _ items: [String], tail: String) {
        add("\(head)(")
        indented { file in
            for (index, item) in items.enumerated() { file.add(index == items.count - 1 ? item : "\(item),") }
        }
        add(")\(tail)")
    }

    /// The line that says where the file comes from.
    static func header(_ source: String) -> String {
        "// Made from Apache Kafka's \(source) (Apache-2.0) by `swift run kafka-wire-generator`."
    }
}
