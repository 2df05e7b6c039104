import Administration
import KafkaWire
import SluiceCore

/// Compares a message with the values that another implementation was given, by the names of the properties.
struct ValueComparison {
    /// The frame that the message was read from.
    var frame: [UInt8]

    /// Where `value` differs from `json`, as paths; none when all is the same.
    func differences(_ value: Any, _ json: JSON, at path: String) -> [String] {
        switch json {
        case .object(let members):
            let children = properties(of: value)
            return members.flatMap { member -> [String] in
                let place = "\(path).\(member.name)"
                guard let child = children[member.name.lowercased()] else { return ["\(place) is missing"] }
                return differences(child, member.value, at: place)
            }
        case .array(let elements):
            let children = Mirror(reflecting: present(value)).children.map(\.value)
            guard children.count == elements.count else { return ["\(path) has \(children.count) elements"] }
            return zip(children, elements).enumerated().flatMap {
                differences($0.element.0, $0.element.1, at: "\(path)[\($0.offset)]")
            }
        case .null:
            return isNull(value) ? [] : ["\(path) is \(value), expected null"]
        case .bool, .integer, .number, .string:
            return isNull(value) || !spellings(present(value)).contains(json)
                ? ["\(path) is \(value), not \(json)"] : []
        }
    }

    private func properties(of value: Any) -> [String: Any] {
        var children: [String: Any] = [:]
        for child in Mirror(reflecting: present(value)).children {
            if let label = child.label { children[label.lowercased()] = child.value }
        }
        return children
    }

    /// The value in an optional.
    private func present(_ value: Any) -> Any {
        let mirror = Mirror(reflecting: value)
        guard mirror.displayStyle == .optional, let inner = mirror.children.first else { return value }
        return inner.value
    }

    private func isNull(_ value: Any) -> Bool {
        if let records = value as? KafkaRecords { return records == .null }
        let mirror = Mirror(reflecting: value)
        return mirror.displayStyle == .optional && mirror.children.isEmpty
    }

    /// How JSON may spell a value.
    private func spellings(_ value: Any) -> [JSON] {
        switch value {
        case let flag as Bool: [.bool(flag)]
        case let number as Double: [.number(number), .integer(Int64(number))]
        case let code as KafkaErrorCode: [.integer(Int64(code.rawValue))]
        case let number as any FixedWidthInteger: [.integer(Int64(truncatingIfNeeded: number))]
        case let text as String: [.string(text)]
        case let identifier as KafkaUUID: [.string(identifier.description)]
        case let bytes as [UInt8]: [.string(Base64.text(bytes))]
        case let records as KafkaRecords: [.string(Base64.text(records.range.map { frame.span.copy($0) } ?? []))]
        default: []
        }
    }
}
