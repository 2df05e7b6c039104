import Administration
import HTTPWire
import RecordFormat
import SluiceCore

/// A record that a request brings.
struct RecordOrder {
    var key: [UInt8]?
    /// Nil for a tombstone.
    var payload: [UInt8]?
    var headers: [RecordHeader] = []
    /// When it was made; nil for now.
    var time: Timestamp?

    /// Records that one request may bring.
    static let countMax = 10_000

    /// The records of a body: one object, `{"records": […]}`, or with `application/x-ndjson` an object a line.
    /// - Throws: `HTTPFault` that names the record.
    static func all(in body: [UInt8], type: String?, now: Timestamp) throws(HTTPFault) -> [RecordOrder] {
        if type?.hasPrefix("application/x-ndjson") == true {
            var orders: [RecordOrder] = []
            for line in body.split(separator: 0x0A) where !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) {
                guard let document = JSONReader.read(Array(line)) else {
                    throw HTTPFault(.badRequest, "record \(orders.count + 1) is no JSON document")
                }
                orders.append(try RecordOrder(document, number: orders.count + 1, now))
                try check(orders.count)
            }
            guard !orders.isEmpty else { throw HTTPFault(.badRequest, "there is no record in the body") }
            return orders
        }
        guard let document = JSONReader.read(body) else {
            throw HTTPFault(
                .badRequest, "the body is no JSON document; with 'Content-Type: application/x-ndjson' it is one a line")
        }
        guard let elements = document["records"]?.elements else { return [try RecordOrder(document, number: 1, now)] }
        guard !elements.isEmpty else { throw HTTPFault(.badRequest, "'records' is empty") }
        try check(elements.count)
        var orders: [RecordOrder] = []
        for (index, element) in elements.enumerated() {
            orders.append(try RecordOrder(element, number: index + 1, now))
        }
        return orders
    }

    private static func check(_ count: Int) throws(HTTPFault) {
        guard count <= countMax else {
            throw HTTPFault(.contentTooLarge, "a request brings at most \(countMax) records")
        }
    }

    /// How far a record's time may be ahead, in milliseconds: Kafka's `message.timestamp.after.max.ms`.
    private static let aheadMax: Int64 = 3_600_000

    private static let names = ["topic", "payload", "encoding", "key", "keyEncoding", "timestamp", "headers"]
    /// Members that records have when they are read, and that say nothing when one is written.
    private static let ignored = ["partition", "offset"]

    private init(_ document: JSON, number: Int, _ now: Timestamp) throws(HTTPFault) {
        func fault(_ words: String) -> HTTPFault { HTTPFault(.badRequest, "record \(number): \(words)") }
        guard case .object(let members) = document else { throw fault("expected an object") }
        for member in members where !(Self.names + Self.ignored).contains(member.name) {
            throw fault(
                "there is no member '\(member.name)'\(Nearest.advice(for: member.name, among: Self.names)); there are "
                    + Self.names.joined(separator: ", "))
        }
        payload = try Self.bytes(document, "payload", "encoding", fault)
        key = try Self.bytes(document, "key", "keyEncoding", fault)
        if let value = document["timestamp"], value != .null {
            guard let microseconds = value.integer, microseconds >= 0 else {
                throw fault("'timestamp' is microseconds since 1970")
            }
            // A time that is far ahead would keep its segment from retention until then.
            guard microseconds / 1000 <= now.rawValue + Self.aheadMax else {
                throw fault("'timestamp' is more than an hour ahead")
            }
            time = Timestamp(rawValue: microseconds / 1000)
        }
        if let value = document["topic"], value != .null {
            guard let topic = value.text, TopicHeader.isTopicName(Array(topic.utf8).span) else {
                throw fault("'topic' is no topic name, or one that begins with $")
            }
            headers.append(RecordHeader(name: TopicHeader.name, value: Array(topic.utf8)))
        }
        try takeHeaders(document["headers"], fault)
        guard payload != nil || key != nil else { throw fault("a record has a payload or a key") }
    }

    private mutating func takeHeaders(_ value: JSON?, _ fault: (String) -> HTTPFault) throws(HTTPFault) {
        guard let value, value != .null else { return }
        guard let elements = value.elements, elements.count <= 128 else {
            throw fault("'headers' is an array of at most 128 [NAME, VALUE]")
        }
        for element in elements {
            guard let pair = element.elements, 2...3 ~= pair.count, let name = pair[0].text, let text = pair[1].text,
                pair.count == 2 || pair[2].text == "base64", name != TopicHeader.name
            else { throw fault("a header is [NAME, VALUE], or [NAME, VALUE, \"base64\"]") }
            guard pair.count == 3 else {
                headers.append(RecordHeader(name: name, value: Array(text.utf8)))
                continue
            }
            guard let bytes = Base64.bytes(Array(text.utf8)) else { throw fault("header '\(name)' is not in base64") }
            headers.append(RecordHeader(name: name, value: bytes))
        }
    }

    private static func bytes(
        _ document: JSON, _ name: String, _ encoding: String, _ fault: (String) -> HTTPFault
    ) throws(HTTPFault) -> [UInt8]? {
        guard let value = document[name], value != .null else { return nil }
        let text: String
        switch value {
        case .string(let string): text = string
        // A reading is often an object or a number itself.
        case .object, .array, .integer, .number, .bool: return Array(value.compact.utf8)
        case .null: return nil
        }
        guard let form = document[encoding], form != .null else { return Array(text.utf8) }
        guard form.text == "base64", let bytes = Base64.bytes(Array(text.utf8)) else {
            throw fault("'\(name)' is not in base64, or '\(encoding)' is not 'base64'")
        }
        return bytes
    }
}
