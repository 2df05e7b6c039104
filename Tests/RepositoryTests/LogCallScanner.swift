import Foundation
import SluiceCore

/// The log lines that the sources write: which events, and with which keys.
///
/// A line is an event, a comma, and its words: a literal, or the name of words that the same file declares
/// (`let more: LogWords`), which end with the next empty line. What is put into a literal without a key may be such
/// words too.
struct LogCallScanner {
    /// The keys of each event that is written somewhere.
    private(set) var keys: [LogEvent: Set<LogKey>] = [:]

    /// The names of cases in the sources, whose raw values are names with underscores.
    private static let events = names(of: LogEvent.allCases, \.rawValue)
    private static let keys = names(of: LogKey.allCases, \.rawValue)

    private static func names<Case>(of cases: [Case], _ rawValue: (Case) -> String) -> [String: Case] {
        Dictionary(uniqueKeysWithValues: cases.map { (camelCase(rawValue($0)), $0) })
    }

    private static func camelCase(_ name: String) -> String {
        let words = name.split(separator: "_")
        return ([words[0]] + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }).joined()
    }

    /// Takes in what a file writes.
    mutating func scan(_ file: Repository.File) {
        for match in file.text.matches(of: /\.(\w+),\s+(?:(\w+)\)|(?="))/) {
            guard let event = Self.events[String(match.output.1)] else { continue }
            if let name = match.output.2 {
                let words = Self.declarations(of: String(name), in: file)
                guard !words.isEmpty else { continue }
                keys[event, default: []].formUnion(words.flatMap { Self.keys(of: $0, in: file, but: []) })
            } else {
                let literal = Self.literal(Array(file.text[match.range.upperBound...].utf8))
                keys[event, default: []].formUnion(Self.keys(of: literal, in: file, but: []))
            }
        }
    }

    /// - Parameter seen: names of words whose keys are known.
    private static func keys(of words: String, in file: Repository.File, but seen: Set<String>) -> Set<LogKey> {
        var found = Set(words.matches(of: /as: \.(\w+)/).compactMap { keys[String($0.output.1)] })
        // Who speaks, in one piece: HTTP's clients have no identifier.
        if words.contains(/\(who: |[.(]label\)/) {
            found.formUnion(file.target == "HTTPBroker" ? [.address] : [.client, .address])
        }
        for match in words.matches(of: /\\\((\w+)\)/) {
            let name = String(match.output.1)
            guard !seen.contains(name) else { continue }
            for more in declarations(of: name, in: file) {
                found.formUnion(keys(of: more, in: file, but: seen.union([name])))
            }
        }
        return found
    }

    private static func declarations(of name: String, in file: Repository.File) -> [String] {
        file.text.ranges(of: "\(name): LogWords ").map { range in
            let rest = file.text[range.upperBound...]
            return String(rest.firstRange(of: "\n\n").map { rest[..<$0.lowerBound] } ?? rest)
        }
    }

    /// The literal at the start of `bytes`, with those that are added to it.
    private static func literal(_ bytes: [UInt8]) -> String {
        var end = 0
        while true {
            end = self.end(ofLiteral: bytes, at: end)
            var next = end
            while next < bytes.count, [0x20, 0x0A, UInt8(ascii: "+")].contains(bytes[next]) { next += 1 }
            guard bytes[end..<next].contains(UInt8(ascii: "+")), next < bytes.count, bytes[next] == UInt8(ascii: "\"")
            else { return String(decoding: bytes[..<end], as: UTF8.self) }
            end = next
        }
    }

    private static func end(ofLiteral bytes: [UInt8], at start: Int) -> Int {
        var index = start + 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            guard bytes[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            let isInterpolation = bytes[index + 1] == UInt8(ascii: "(")
            index = isInterpolation ? end(ofInterpolation: bytes, at: index + 2) : index + 2
        }
        return index + 1
    }

    private static func end(ofInterpolation bytes: [UInt8], at start: Int) -> Int {
        var (index, depth) = (start, 1)
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index = end(ofLiteral: bytes, at: index)
                continue
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            default: break
            }
            index += 1
            if depth == 0 { break }
        }
        return index
    }
}
