/// A record key made from a topic's captures: `{site}/{device}`, `{topic}`, literal text between them.
package struct KeyTemplate: Equatable, Sendable {
    /// The template as it was written.
    package let text: String
    private let parts: [Part]

    private enum Part: Equatable, Sendable {
        case literal([UInt8])
        case capture(index: Int)
        case topic
    }

    /// The key that is the whole topic.
    static let wholeTopic = KeyTemplate(text: "{\(Rule.wholeTopic)}", parts: [.topic])

    private init(text: String, parts: [Part]) {
        self.text = text
        self.parts = parts
    }

    /// Reads a template that may use `captureNames` and `topic`.
    package init(_ text: String, captureNames: [String]) throws(RuleError) {
        if text.isEmpty { throw .keyEmpty }
        let bytes = Array(text.utf8)
        var parts: [Part] = []
        var position = 0
        while position < bytes.count {
            if bytes[position] == ASCII.closeBrace { throw .keyBrace(key: text, byteOffset: position) }
            if bytes[position] != ASCII.openBrace {
                let end =
                    bytes[position...].firstIndex { $0 == ASCII.openBrace || $0 == ASCII.closeBrace } ?? bytes.count
                parts.append(.literal(Array(bytes[position..<end])))
                position = end
                continue
            }
            let name = bytes[(position + 1)...].prefix { $0 != ASCII.closeBrace && $0 != ASCII.openBrace }
            guard name.endIndex < bytes.count, bytes[name.endIndex] == ASCII.closeBrace else {
                throw .keyBrace(key: text, byteOffset: position)
            }
            parts.append(try Self.part(String(decoding: name, as: UTF8.self), captureNames))
            position = name.endIndex + 1
        }
        self.init(text: text, parts: parts)
    }

    /// The key of `topic`, whose captures lie at `captures`.
    func key(of topic: Span<UInt8>, captures: [Range<Int>]) -> [UInt8] {
        var key: [UInt8] = []
        for part in parts {
            switch part {
            case .literal(let bytes): key += bytes
            case .capture(let index): key.append(copying: topic.extracting(captures[index]))
            case .topic: key.append(copying: topic)
            }
        }
        return key
    }

    private static func part(_ name: String, _ captureNames: [String]) throws(RuleError) -> Part {
        if name == Rule.wholeTopic { return .topic }
        guard let index = captureNames.firstIndex(of: name) else {
            throw .keyUnknownCapture(name: name, known: captureNames)
        }
        return .capture(index: index)
    }
}
