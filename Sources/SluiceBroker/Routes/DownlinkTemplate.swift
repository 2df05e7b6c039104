import RecordFormat

/// The MQTT topic of records that have none of their own, made from their keys: `commands/{key}`.
package struct DownlinkTemplate: Equatable, Sendable {
    /// The template as it was written.
    package let text: String
    private let parts: [Part]

    private enum Part: Equatable, Sendable {
        case literal([UInt8])
        case key
    }

    /// The one name that may stand in braces.
    private static let keyName = "key"

    /// Reads a template.
    package init(_ text: String) throws(DownlinkError) {
        let bytes = Array(text.utf8)
        let (open, close) = (UInt8(ascii: "{"), UInt8(ascii: "}"))
        guard let first = bytes.first else { throw .empty }
        if first == UInt8(ascii: "$") { throw .dollar }
        if let wildcard = bytes.firstIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }) {
            throw .wildcard(byteOffset: wildcard)
        }
        var parts: [Part] = []
        var position = 0
        while position < bytes.count {
            if bytes[position] == close { throw .brace(byteOffset: position) }
            guard bytes[position] == open else {
                let end = bytes[position...].firstIndex { $0 == open || $0 == close }
                let literal = Array(bytes[position..<(end ?? bytes.count)])
                guard TopicHeader.isTopicText(literal.span) else { throw .text }
                parts.append(.literal(literal))
                position += literal.count
                continue
            }
            let name = bytes[(position + 1)...].prefix { $0 != close && $0 != open }
            guard name.endIndex < bytes.count, bytes[name.endIndex] == close else {
                throw .brace(byteOffset: position)
            }
            let placeholder = String(decoding: name, as: UTF8.self)
            guard placeholder == Self.keyName else { throw .placeholder(placeholder) }
            parts.append(.key)
            position = name.endIndex + 1
        }
        self.text = text
        self.parts = parts
    }

    /// The topic of a record with `key`; nil when the key is no topic text, or the whole no topic name.
    package func topic(ofKey key: [UInt8]) -> [UInt8]? {
        guard TopicHeader.isTopicText(key.span) else { return nil }
        var topic: [UInt8] = []
        for part in parts {
            switch part {
            case .literal(let bytes): topic += bytes
            case .key: topic += key
            }
        }
        return TopicHeader.isTopicName(topic.span) ? topic : nil
    }
}

/// What is wrong with a downlink template, told to the person who wrote it.
package enum DownlinkError: Error, Equatable, Sendable {
    /// No text at all.
    case empty
    /// A topic that begins with `$`.
    case dollar
    /// A wildcard: messages have topics, not filters.
    case wildcard(byteOffset: Int)
    /// A brace without its partner.
    case brace(byteOffset: Int)
    /// A name in braces that means nothing here.
    case placeholder(String)
    /// Text that no topic can have in it.
    case text
}

extension DownlinkError: CustomStringConvertible {
    /// One sentence that says what is wrong and what would be right.
    package var description: String {
        switch self {
        case .empty: "'downlink' is empty; give it a topic, such as \"commands/{key}\""
        case .dollar: "'downlink' makes topics that begin with '$', which are not for messages of streams"
        case .wildcard(let offset):
            "'downlink' makes topics of messages, which have no wildcards, but there is one at byte \(offset)"
        case .brace(let offset): "the brace at byte \(offset) of 'downlink' has no partner"
        case .placeholder(let name): "'downlink' uses '{\(name)}', which it does not know; it may use {key}"
        case .text: "'downlink' has characters that no topic has, or too many of them"
        }
    }
}
