import Compression
import LogInterface
import RecordFormat
import SluiceCore
import Testing

@testable import SluiceBroker

/// A Kafka client that produces to a test's log.
struct KafkaProducer {
    /// A record as it says it.
    struct Record {
        var key: String?
        var value: String?
        var headers: [(String, String)] = []
        var time: Int64 = 1000
    }

    private let test: TestShard
    private let loop: LoopID

    init(_ test: TestShard) {
        self.test = test
        loop = test.log.register {}
    }

    /// Appends a batch to the first partition of a stream.
    func produce(
        _ records: [Record], to stream: String = "mqtt", _ codec: Codec = .none, hashes: [UInt64]? = nil
    ) throws {
        let description = try #require(test.log.streams.first { $0.settings.name == stream })
        let batch = try Self.batch(records, codec)
        _ = test.log.append(
            [Append(partition: description.partitions[0], batch: batch, isAwaited: true, topicHashes: hashes)],
            from: loop)
        var settlements: [Settlement] = []
        test.log.takeSettlements(of: loop, into: &settlements)
        test.commit()
        test.tick()
    }

    /// Appends the mark of a transaction's end.
    func endTransaction(in stream: String = "mqtt") throws {
        let description = try #require(test.log.streams.first { $0.settings.name == stream })
        let mark = RecordBatch.endOfTransaction(
            producer: ProducerID(rawValue: 1), epoch: 0, commits: true, at: Timestamp(rawValue: 1000))
        let append = Append(
            partition: description.partitions[0], batch: mark, isAwaited: true, topicHashes: nil)
        _ = test.log.append([append], from: loop)
        var settlements: [Settlement] = []
        test.log.takeSettlements(of: loop, into: &settlements)
        test.commit()
        test.tick()
    }

    /// A batch as the Kafka endpoint stores it.
    static func batch(_ records: [Record], _ codec: Codec = .none) throws -> RecordBatch {
        var builder = RecordBatchBuilder()
        for record in records {
            let headers = RecordFields.headers(
                record.headers.map { RecordHeader(name: $0.0, value: Array($0.1.utf8)) })
            let key = record.key.map { RecordFields.key(Array($0.utf8)) } ?? RecordFields.nullKey
            let time = Timestamp(rawValue: record.time)
            if let value = record.value.map({ Array($0.utf8) }) {
                builder.append(at: time, keyField: key.span, value: value.span, headersField: headers.span)
            } else {
                builder.appendTombstone(at: time, keyField: key.span, headersField: headers.span)
            }
        }
        let plain = builder.finish()
        let batch = codec.rawValue == Codec.none.rawValue ? plain : try #require(plain.compressed(codec))
        var header = batch.header
        header.markFromKafka()
        let bytes = batch.bytes
        return RecordBatch(copying: bytes, checksumming: header)
    }
}
