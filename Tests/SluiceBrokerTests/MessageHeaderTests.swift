import MQTTWire
import RecordFormat
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("What a record keeps of a message")
struct MessageHeaderTests {
    private static let properties = PropertyWriter.bytes { buffer in
        func text(_ id: PropertyID, _ value: String) {
            let bytes = Array(value.utf8)
            PropertyWriter.append(id, bytes.span, to: &buffer)
        }
        func user(_ name: String, _ value: String) {
            let (name, value) = (Array(name.utf8), Array(value.utf8))
            PropertyWriter.append(userProperty: name.span, value.span, to: &buffer)
        }
        PropertyWriter.append(.payloadFormatIndicator, 1, to: &buffer)
        PropertyWriter.append(.messageExpiryInterval, 60, to: &buffer)
        text(.contentType, "text/plain")
        text(.responseTopic, "answers/1")
        text(.correlationData, "correlation")
        user("site", "berlin")
        user("line", "berlin")
        user("site", "line")
    }

    private func publish(_ test: TestShard, properties: [UInt8], retain: Bool = false, version: ProtocolVersion = .v5) {
        let (topic, payload) = (Array("a/b".utf8), Array("21.5".utf8))
        test.connect("publisher", version).send {
            PacketEncoder.publish(
                into: &$0, topic: topic.span, payload: payload.span, packetID: 1, qos: .exactlyOnce, retain: retain,
                duplicate: false, properties: properties.span, version: version)
        }
        test.commit()
        test.log.flush()
    }

    /// The headers of the only record stored.
    private func headers(_ test: TestShard) throws -> [String] {
        let batch = try #require(test.log.flushedBatches.first)
        let bytes = batch.bytes
        var records = RecordReader(batch)
        guard let record = try records.next(bytes) else { return [] }
        var headers = HeaderReader(record)
        var found: [String] = []
        while let (name, value) = headers.next(bytes) {
            found.append("\(text(bytes, name.indices))=\(text(bytes, value.indices))")
        }
        return found
    }

    private func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        String(decoding: bytes.copy(ByteRange(start: range.lowerBound, byteCount: range.count)), as: UTF8.self)
    }

    @Test("the headers are those of the documentation, in their order, and only what is not default")
    func writesHeaders() throws {
        let full = TestShard()
        publish(full, properties: Self.properties)
        #expect(
            try headers(full) == [
                "mqtt.topic=a/b", "mqtt.qos=2", "mqtt.payload_format=1", "mqtt.expiry=60",
                "mqtt.content_type=text/plain", "mqtt.response_topic=answers/1", "mqtt.correlation_data=correlation",
                "mqtt.user.site=berlin", "mqtt.user.line=berlin", "mqtt.user.site=line",
            ])
        let plain = TestShard()
        publish(plain, properties: [], version: .v311)
        #expect(try headers(plain) == ["mqtt.topic=a/b", "mqtt.qos=2"])
        let retained = TestShard()
        publish(retained, properties: [], retain: true, version: .v311)
        #expect(try headers(retained) == ["mqtt.topic=a/b", "mqtt.qos=2", "mqtt.retained=1"])
    }

    @Test("a subscriber of MQTT 5 gets every property back, one of 3.1.1 the message")
    func readsHeaders() throws {
        let test = TestShard()
        let modern = test.connect("modern")
        let old = test.connect("old", .v311)
        modern.subscribe("a/b", qos: .exactlyOnce)
        old.subscribe("a/b", qos: .exactlyOnce)
        _ = (modern.take(), old.take())
        publish(test, properties: Self.properties)
        let (packet, bytes) = try #require(modern.takePackets().first)
        guard case .publish(let delivered) = packet else {
            Issue.record("\(packet)")
            return
        }
        let properties = bytes.span.copy(delivered.properties)
        #expect(properties == Self.properties)
        #expect(old.take() == ["a/b 21.5 q2 #1"])
    }
}
