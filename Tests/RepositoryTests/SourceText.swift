/// Swift source taken apart: the code without comments and the text of literals, and the comments without the code.
///
/// Both keep every line break, so that a line has the same number in all three.
struct SourceText {
    private(set) var code: [UInt8] = []
    private(set) var comments: [UInt8] = []
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
        takeCode(untilParenthesis: false)
    }

    var codeLines: [String] { Self.lines(code) }
    var commentLines: [String] { Self.lines(comments) }

    private static func lines(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// Takes code up to the end, or up to the parenthesis that closes an interpolation.
    private mutating func takeCode(untilParenthesis: Bool) {
        var depth = 0
        while position < bytes.count {
            if starts("//") {
                takeLineComment()
            } else if starts("/*") {
                takeBlockComment()
            } else if bytes[position] == UInt8(ascii: "\"") || startsRawString {
                takeString()
            } else {
                if bytes[position] == UInt8(ascii: "(") { depth += 1 }
                if bytes[position] == UInt8(ascii: ")") {
                    if untilParenthesis, depth == 0 { return }
                    depth -= 1
                }
                take(toCode: true)
            }
        }
    }

    private mutating func takeLineComment() {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { take(toComments: true) }
    }

    private mutating func takeBlockComment() {
        var depth = 0
        while position < bytes.count {
            if starts("/*") {
                depth += 1
                take(toComments: true)
            } else if starts("*/") {
                depth -= 1
                take(toComments: true)
            }
            take(toComments: true)
            if depth == 0 { return }
        }
    }

    private mutating func takeString() {
        var poundCount = 0
        while position < bytes.count, bytes[position] == UInt8(ascii: "#") {
            poundCount += 1
            take()
        }
        let pounds = String(repeating: "#", count: poundCount)
        let isLong = starts("\"\"\"")
        let delimiter = (isLong ? "\"\"\"" : "\"") + pounds
        for _ in 0..<(isLong ? 3 : 1) { take(toCode: true) }
        while position < bytes.count, !starts(delimiter) {
            if starts("\\\(pounds)(") {
                for _ in 0..<(2 + poundCount) { take() }
                takeCode(untilParenthesis: true)
            } else if starts("\\\(pounds)") {
                for _ in 0..<(1 + poundCount) { take() }
            } else if !isLong, bytes[position] == UInt8(ascii: "\n") {
                return
            }
            if position < bytes.count { take() }
        }
        for _ in 0..<delimiter.utf8.count where position < bytes.count {
            take(toCode: bytes[position] == UInt8(ascii: "\""))
        }
    }

    private var startsRawString: Bool {
        guard bytes[position] == UInt8(ascii: "#") else { return false }
        let rest = bytes[position...].drop { $0 == UInt8(ascii: "#") }
        return rest.first == UInt8(ascii: "\"")
    }

    private func starts(_ text: String) -> Bool {
        bytes[position...].starts(with: text.utf8)
    }

    private mutating func take(toCode: Bool = false, toComments: Bool = false) {
        guard position < bytes.count else { return }
        let byte = bytes[position]
        let isBreak = byte == UInt8(ascii: "\n")
        code.append(toCode || isBreak ? byte : UInt8(ascii: " "))
        comments.append(toComments || isBreak ? byte : UInt8(ascii: " "))
        position += 1
    }
}
