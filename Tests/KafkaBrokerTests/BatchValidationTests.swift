import Compression
import Foundation
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("What producers may not send")
struct BatchValidationTests {
    private typealias Field = TestBatch.Field

    private func code(
        _ bytes: [UInt8], version: Int16 = 9, _ body: (inout KafkaTopic) -> Void = { _ in }
    ) throws -> Int16 {
        var topic = KafkaTopic()
        body(&topic)
        let kafka = TestKafka([TestKafka.stream("t") { $0 = topic.settings($0) }])
        let client = kafka.connect()
        let part = try client.produce(bytes, version: version)
        let stored = kafka.engine.batches(of: try kafka.partition("t"))
        #expect(stored.isEmpty == (part.errorCode != .none))
        #expect(!client.isClosed)
        return part.errorCode.rawValue
    }

    /// Settings of a topic.
    private struct KafkaTopic {
        var configs: [String: String] = [:]

        func settings(_ stream: StreamSettings) -> StreamSettings {
            var settings = stream
            for (name, value) in configs { #expect(TopicConfigs.set(name, value, in: &settings) == nil) }
            return settings
        }
    }

    @Test("Damage is 2")
    func damage() throws {
        let good = TestBatch.bytes(["one", "two", "three"])
        #expect(try code(good) == 0)
        for index in [Field.checksum, Field.attributes, Field.recordCount, good.count - 1] {
            var bytes = good
            bytes[index] ^= 0x40
            #expect(try code(bytes) == 2, "a flipped bit at \(index)")
        }
        #expect(try code(Array(good[..<40])) == 2)
        // Records that are none, with a right checksum.
        #expect(try code(TestBatch.set(UInt8(0xFF), at: 61, in: good)) == 2)
        #expect(try code(TestBatch.set(UInt8(1), at: Field.attributes + 1, in: good)) == 2, "no gzip")
    }

    @Test("A header that says what cannot be is 87 or 2")
    func headers() throws {
        let good = TestBatch.bytes(["one", "two", "three"])
        #expect(try code(good + good) == 87)
        #expect(try code(good + [0]) == 87)
        #expect(try code(Array(good.dropLast())) == 87)
        #expect(try code(TestBatch.set(Int64(5), at: Field.baseOffset, in: good)) == 87)
        #expect(try code(TestBatch.set(Int64(-1), at: Field.baseOffset, in: good)) == 2)
        #expect(try code(TestBatch.set(Int32(3), at: Field.lastOffsetDelta, in: good)) == 87)
        #expect(try code(TestBatch.set(Int32(2), at: Field.recordCount, in: good)) == 87)
        #expect(try code(TestBatch.set(Int32(-1), at: Field.recordCount, in: good)) == 2)
        let miscounted = TestBatch.set(Int32(1), at: Field.lastOffsetDelta, in: good)
        #expect(try code(TestBatch.set(Int32(2), at: Field.recordCount, in: miscounted)) == 2)
        let more = TestBatch.set(Int32(3), at: Field.lastOffsetDelta, in: good)
        #expect(try code(TestBatch.set(Int32(4), at: Field.recordCount, in: more)) == 2)
        #expect(try code(TestBatch.set(Int32.max, at: Field.lastOffsetDelta, in: good)) == 87)
    }

    @Test("An empty batch is 87")
    func empty() throws {
        var bytes = Array(TestBatch.bytes(["one"])[..<61])
        bytes = TestBatch.set(Int32(49), at: Field.length, in: bytes)
        bytes = TestBatch.set(Int32(0), at: Field.recordCount, in: bytes)
        #expect(try code(bytes) == 87)
        #expect(try code([]) == 87)
    }

    @Test("Formats of before are 43")
    func formats() throws {
        for magic in [UInt8(0), 1, 3] {
            #expect(try code(TestBatch.set(magic, at: Field.magic, in: TestBatch.bytes(["one"]))) == 43)
        }
    }

    @Test("Clients write no control records, and transactions have a producer")
    func attributes() throws {
        let good = TestBatch.bytes(["one"])
        #expect(try code(TestBatch.set(UInt8(0x20), at: Field.attributes + 1, in: good)) == 87)
        #expect(try code(TestBatch.set(UInt8(0x30), at: Field.attributes + 1, in: good)) == 87)
        #expect(try code(TestBatch.set(UInt8(0x10), at: Field.attributes + 1, in: good)) == 87)
    }

    @Test("A producer's number comes with an epoch and a sequence")
    func producers() throws {
        let items = [TestBatch.Item()]
        #expect(try code(TestBatch.bytes(items, producer: 3, epoch: 0, sequence: 0)) == 0)
        #expect(try code(TestBatch.bytes(items, producer: 3, epoch: -1, sequence: 0)) == 87)
        #expect(try code(TestBatch.bytes(items, producer: 3, epoch: 0, sequence: -1)) == 87)
    }

    @Test("Codecs: zstd before version 7 is 76, one that nobody has defined too")
    func codecs() throws {
        let zstd = TestBatch.bytes((0..<30).map { _ in "again and again" }, codec: .zstd)
        #expect(try code(zstd, version: 6) == 76)
        #expect(try code(zstd, version: 7) == 0)
        let good = TestBatch.bytes(["one"])
        for codec in UInt8(5)...7 {
            #expect(try code(TestBatch.set(codec, at: Field.attributes + 1, in: good)) == 76)
        }
    }

    @Test("A batch beyond what the topic takes is 10")
    func size() throws {
        let bytes = TestBatch.bytes([String(repeating: "x", count: 1000)])
        #expect(try code(bytes) { $0.configs["max.message.bytes"] = "\(bytes.count)" } == 0)
        #expect(try code(bytes) { $0.configs["max.message.bytes"] = "\(bytes.count - 1)" } == 10)
        #expect(try code(TestBatch.bytes([String(repeating: "x", count: 1_048_588)])) == 10)
    }

    @Test("A compacted topic takes no record without a key", arguments: Codec.allCases)
    func keys(_ codec: Codec) throws {
        let items = (0..<20).map { TestBatch.Item(key: $0 == 7 ? nil : "k", value: "v") }
        let bytes = TestBatch.bytes(items, codec: codec)
        #expect(try code(bytes) == 0)
        #expect(try code(bytes) { $0.configs["cleanup.policy"] = "compact" } == 87)
        #expect(try code(bytes) { $0.configs["cleanup.policy"] = "compact,delete" } == 87)
        let keyed = TestBatch.bytes((0..<20).map { TestBatch.Item(value: $0 == 3 ? nil : "v") }, codec: codec)
        #expect(try code(keyed) { $0.configs["cleanup.policy"] = "compact" } == 0)
    }

    @Test("A record of the future, or of too long ago, is 32")
    func times() throws {
        func at(_ time: Int64) -> [UInt8] { TestBatch.bytes([.init(), .init(time: time)]) }
        #expect(try code(at(3_600_000)) == 0)
        #expect(try code(at(3_600_001)) == 32)
        #expect(try code(at(-1_000_000_000)) == 0)
        #expect(try code(at(5001)) { $0.configs["message.timestamp.after.max.ms"] = "5000" } == 32)
        #expect(try code(at(5000)) { $0.configs["message.timestamp.after.max.ms"] = "5000" } == 0)
        let old = TestBatch.bytes([.init(time: -5001)])
        #expect(try code(old) { $0.configs["message.timestamp.before.max.ms"] = "5000" } == 32)
        #expect(try code(at(9_000_000)) { $0.configs["message.timestamp.type"] = "LogAppendTime" } == 0)
    }

    @Test("The largest time of a header is that of its records, whatever the client says", arguments: Codec.allCases)
    func lies(_ codec: Codec) throws {
        let kafka = TestKafka()
        let items = (0..<20).map { TestBatch.Item(value: "again", time: Int64($0)) }
        let bytes = TestBatch.bytes(items, codec: codec)
        for time in [Int64(0), .max, -1] {
            let lying = TestBatch.set(time, at: TestBatch.Field.maxTimestamp, in: bytes)
            #expect(try kafka.connect().produce(lying).errorCode == .none)
            let batch = try #require(kafka.engine.batches(of: try kafka.partition("t")).last)
            #expect(batch.maxTimestamp.rawValue == TestKafka.start + 19)
        }
        #expect(try kafka.connect().fetch(TestConnection.fetching()).first?.values.count == 60)
    }

    @Test("A topic that stamps its records gives the batch its time")
    func stamps() throws {
        let kafka = TestKafka([
            TestKafka.stream("t") { $0.extra["message.timestamp.type"] = "LogAppendTime" }
        ])
        #expect(try kafka.connect().produce(TestBatch.bytes([.init(time: -500)])).errorCode == .none)
        let batch = try #require(kafka.engine.batches(of: try kafka.partition("t")).last)
        #expect(batch.maxTimestamp.rawValue == TestKafka.start)
        #expect(batch.attributes & 8 == 8)
        #expect(try kafka.connect().fetch(TestConnection.fetching()).first?.values == ["v"])
    }
}
