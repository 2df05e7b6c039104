/// A value of administration that has one form in JSON, for both directions: what is written is what is read.
package protocol AdministrationValue: Equatable, Sendable {
    /// A value whose fields are to be read.
    init()
    /// Visits each field once, by its name in the document.
    mutating func visit(_ fields: inout Fields)
}

/// The fields of one object, being written or read.
///
/// A field that is missing, or of another kind, makes the whole object unreadable, but for those that may be null.
package struct Fields {
    private var members: [JSON.Member] = []
    private let source: JSON?
    private var isMissing = false

    fileprivate init(reading source: JSON?) { self.source = source }

    fileprivate var written: JSON { .object(members) }
    fileprivate var isComplete: Bool { !isMissing }

    private mutating func field<Value>(
        _ name: String, _ value: inout Value, _ write: (Value) -> JSON, _ read: (JSON) -> Value?
    ) {
        guard let source else { return members.append(JSON.Member(name: name, value: write(value))) }
        guard let member = source[name], let found = read(member) else { return isMissing = true }
        value = found
    }

    /// A text.
    package mutating func text(_ name: String, _ value: inout String) {
        field(name, &value, { .string($0) }, \.text)
    }

    /// A text, or null.
    package mutating func text(_ name: String, _ value: inout String?) {
        field(name, &value, { $0.map { .string($0) } ?? .null }, { $0 == .null ? .some(nil) : $0.text.map { $0 } })
    }

    /// A whole number.
    package mutating func integer(_ name: String, _ value: inout Int64) {
        field(name, &value, { .integer($0) }, \.integer)
    }

    /// A whole number, or null.
    package mutating func integer(_ name: String, _ value: inout Int64?) {
        field(name, &value, JSON.optional, { $0 == .null ? .some(nil) : $0.integer.map { $0 } })
    }

    /// A boolean.
    package mutating func flag(_ name: String, _ value: inout Bool) {
        field(name, &value, { .bool($0) }, \.flag)
    }

    /// Texts in their order.
    package mutating func texts(_ name: String, _ value: inout [String]) {
        field(name, &value, { .array($0.map { .string($0) }) }) { json in
            let texts = json.elements?.compactMap(\.text)
            return texts?.count == json.elements?.count ? texts : nil
        }
    }

    /// Values in their order.
    package mutating func list<Value: AdministrationValue>(_ name: String, _ value: inout [Value]) {
        field(name, &value, { .array($0.map(\.json)) }) { json in
            let values = json.elements?.compactMap(Value.init(json:))
            return values?.count == json.elements?.count ? values : nil
        }
    }

    /// Whole numbers by names that are not known before, beside the other fields: written, and read only by whoever
    /// knows a name.
    package mutating func figures(_ value: inout [String: Int64], known names: [String]) {
        if let source {
            for name in names { value[name] = source[name]?.integer }
        } else {
            for (name, figure) in value.sorted(by: { $0.key < $1.key }) {
                members.append(JSON.Member(name: name, value: .integer(figure)))
            }
        }
    }
}

extension AdministrationValue {
    /// The value as an object.
    package var json: JSON {
        var (copy, fields) = (self, Fields(reading: nil))
        copy.visit(&fields)
        return fields.written
    }

    /// The value in an object; nil when a field is missing or of another kind.
    package init?(json: JSON) {
        self.init()
        var fields = Fields(reading: json)
        visit(&fields)
        guard fields.isComplete else { return nil }
    }
}
