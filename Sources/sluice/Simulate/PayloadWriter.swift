import Administration
import PayloadFormats
import SluiceBroker

/// Writes payloads that a schema describes.
enum PayloadWriter {
    /// The value of a field.
    enum Value {
        case number(Double, digits: Int)
        case integer(Int64)
        case boolean(Bool)
        case text(String)
        /// Milliseconds since 1970, as the unit has them.
        case time(Int64, TimeUnit)
    }

    /// The payload of these values, in the order of the schema's fields; nil leaves a field out.
    static func payload(_ schema: PayloadSchema, _ values: [Value?]) -> [UInt8] {
        switch schema.format {
        case .json: return Array(tree(schema, values).json.utf8)
        case .cbor: return cbor(tree(schema, values))
        case .delimited: return delimited(schema, values)
        case .number, .text, .raw, .sparkplug: return Array((values.first ?? nil).map(text)?.utf8 ?? "simulated".utf8)
        }
    }

    // MARK: Objects

    /// Values by the names of their paths.
    private indirect enum Node {
        case value(Value)
        case object([(name: String, node: Node)])

        mutating func insert(_ value: Value, at path: ArraySlice<String>) {
            guard let name = path.first else { return self = .value(value) }
            guard case .object(var members) = self else { return }
            var child = Node.object([])
            if let index = members.firstIndex(where: { $0.name == name }) {
                child = members.remove(at: index).node
            }
            child.insert(value, at: path.dropFirst())
            members.append((name, child))
            self = .object(members)
        }

        /// The members in the order of an array, when their names are places in one.
        var elements: [Node]? {
            guard case .object(let members) = self, !members.isEmpty else { return nil }
            let places = members.map { Int($0.name) }
            guard places.compactMap({ $0 }).sorted() == Array(0..<members.count) else { return nil }
            return members.sorted { Int($0.name) ?? 0 < Int($1.name) ?? 0 }.map(\.node)
        }

        var json: String {
            switch self {
            case .value(let value):
                switch value {
                case .text(let text): return JSON.string(text).compact
                case .time(_, .rfc3339), .time(_, .datetimeUTC): return JSON.string(PayloadWriter.text(value)).compact
                case .number, .integer, .boolean, .time: return PayloadWriter.text(value)
                }
            case .object(let members):
                if let elements { return "[" + elements.map(\.json).joined(separator: ",") + "]" }
                let pairs = members.map { JSON.string($0.name).compact + ":" + $0.node.json }
                return "{" + pairs.joined(separator: ",") + "}"
            }
        }
    }

    private static func tree(_ schema: PayloadSchema, _ values: [Value?]) -> Node {
        var root = Node.object([])
        for (field, value) in zip(schema.fields, values) {
            if let value { root.insert(value, at: steps(field.path)[...]) }
        }
        return root
    }

    /// The names of a path: see `PayloadField.path`.
    private static func steps(_ path: String) -> [String] {
        var steps = [""]
        var isEscaped = false
        for character in path {
            switch character {
            case "\\" where !isEscaped: isEscaped = true
            case "." where !isEscaped: steps.append("")
            default:
                steps[steps.count - 1].append(character)
                isEscaped = false
            }
        }
        return steps
    }

    // MARK: Other forms

    private static func delimited(_ schema: PayloadSchema, _ values: [Value?]) -> [UInt8] {
        var columns: [String] = []
        for (field, value) in zip(schema.fields, values) {
            guard let number = Int(field.path), let value else { continue }
            while columns.count < number { columns.append("") }
            columns[number - 1] = text(value)
        }
        let separator = String(decoding: [schema.delimiters.separator], as: UTF8.self)
        return Array(columns.joined(separator: separator).utf8)
    }

    /// One CBOR data item (RFC 8949): maps, arrays, text, integers, booleans, and numbers as 64 bits.
    private static func cbor(_ node: Node) -> [UInt8] {
        switch node {
        case .object(let members):
            if let elements = node.elements { return head(4, UInt64(elements.count)) + elements.flatMap(cbor) }
            return head(5, UInt64(members.count)) + members.flatMap { cbor(text: $0.name) + cbor($0.node) }
        case .value(.integer(let value)):
            return value < 0 ? head(1, UInt64(-1 - value)) : head(0, UInt64(value))
        case .value(.boolean(let value)): return [value ? 0xF5 : 0xF4]
        case .value(.text(let text)): return cbor(text: text)
        case .value(.number(let value, let digits)): return number(rounded(value, digits))
        case .value(.time(_, .rfc3339)), .value(.time(_, .datetimeUTC)):
            if case .value(let value) = node { return cbor(text: text(value)) }
            return []
        case .value(.time(let milliseconds, let unit)): return number(Double(milliseconds) * unit.perMillisecond)
        }
    }

    private static func number(_ value: Double) -> [UInt8] { [0xFB] + bytes(value.bitPattern) }

    private static func cbor(text: String) -> [UInt8] { head(3, UInt64(text.utf8.count)) + Array(text.utf8) }

    private static func head(_ major: UInt8, _ value: UInt64) -> [UInt8] {
        value < 24 ? [major << 5 | UInt8(value)] : [major << 5 | 27] + bytes(value)
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) }
    }

    // MARK: Text

    private static func text(_ value: Value) -> String {
        switch value {
        case .number(let value, let digits):
            let value = rounded(value, digits)
            return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
        case .integer(let value): return String(value)
        case .boolean(let value): return value ? "true" : "false"
        case .text(let text): return text
        case .time(let milliseconds, .rfc3339): return RFC3339.text(milliseconds)
        case .time(let milliseconds, .datetimeUTC): return String(RFC3339.text(milliseconds).prefix(19))
        case .time(let milliseconds, .seconds): return "\(milliseconds / 1000)"
        case .time(let milliseconds, .milliseconds): return "\(milliseconds)"
        case .time(let milliseconds, .microseconds): return "\(milliseconds)000"
        case .time(let milliseconds, .nanoseconds): return "\(milliseconds)000000"
        }
    }

    private static func rounded(_ value: Double, _ digits: Int) -> Double {
        var factor = 1.0
        for _ in 0..<digits { factor *= 10 }
        let scaled = value * factor
        return scaled.magnitude < 1e15 ? scaled.rounded() / factor : value
    }
}

extension TimeUnit {
    /// How many of it are a millisecond.
    fileprivate var perMillisecond: Double {
        switch self {
        case .seconds: 0.001
        case .milliseconds, .rfc3339, .datetimeUTC: 1
        case .microseconds: 1000
        case .nanoseconds: 1_000_000
        }
    }
}
