import Checksums
import Compression
import KafkaWire
import RecordFormat
import SluiceCore

/// Batches as producers send them, and as nobody should.
enum TestBatch {
    /// A record of a test: a key, a value, and a time after `TestKafka.start` in milliseconds.
    struct Item {
        var key: String? = "k"
        var value: String? = "v"
        var time: Int64 = 0
    }

    /// The bytes of a batch.
    static func bytes(
        _ items: [Item], codec: Codec = .none, producer: Int64 = -1, epoch: Int16 = -1, sequence: Int32 = -1,
        isTransactional: Bool = false
    ) -> [UInt8] {
        var builder = RecordBatchBuilder()
        let headers = RecordFields.headers([])
        for item in items {
            let key = item.key.map { RecordFields.key(Array($0.utf8)) } ?? RecordFields.nullKey
            let time = Timestamp(rawValue: TestKafka.start + item.time)
            if let value = item.value {
                builder.append(
                    at: time, keyField: key.span, value: Array(value.utf8).span, headersField: headers.span)
            } else {
                builder.appendTombstone(at: time, keyField: key.span, headersField: headers.span)
            }
        }
        var batch = builder.finish()
        if codec.rawValue != Codec.none.rawValue { batch = batch.compressed(codec) ?? batch }
        if producer >= 0 || sequence >= 0 {
            batch = batch.with(
                producer: ProducerID(rawValue: producer), epoch: epoch, baseSequence: sequence,
                isTransactional: isTransactional)
        }
        return batch.bytes.copy(ByteRange(start: 0, byteCount: batch.byteCount))
    }

    /// The bytes of a batch of these values.
    static func bytes(_ values: [String], key: String? = "k", codec: Codec = .none) -> [UInt8] {
        bytes(values.map { Item(key: key, value: $0) }, codec: codec)
    }

    /// Where fields of a header stand.
    enum Field {
        static let baseOffset = 0
        static let length = 8
        static let magic = 16
        static let checksum = 17
        static let attributes = 21
        static let lastOffsetDelta = 23
        static let maxTimestamp = 35
        static let producerID = 43
        static let producerEpoch = 51
        static let baseSequence = 53
        static let recordCount = 57
    }

    /// Puts a number into a batch; the checksum is made right again.
    static func set<Value: FixedWidthInteger>(_ value: Value, at index: Int, in bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        put(value, at: index, in: &bytes)
        let checksum = CRC32C.checksum(Array(bytes[Field.attributes...]).span)
        put(checksum, at: Field.checksum, in: &bytes)
        return bytes
    }

    static func put<Value: FixedWidthInteger>(_ value: Value, at index: Int, in bytes: inout [UInt8]) {
        for offset in 0..<Value.bitWidth / 8 {
            bytes[index + offset] = UInt8(truncatingIfNeeded: value >> Value(Value.bitWidth - 8 - 8 * offset))
        }
    }

    /// The values of all records in batches, one behind the other, with their offsets; control records as "#commit"
    /// and "#abort".
    static func records(_ bytes: [UInt8]) throws -> [(offset: Int64, value: String)] {
        var found: [(offset: Int64, value: String)] = []
        var start = 0
        while start < bytes.count {
            let rest = Array(bytes[start...])
            guard let header = try RecordBatch.verify(rest.span) else { break }
            let whole = Array(rest[..<header.byteCount])
            let batch = RecordBatch(copying: whole.span, header)
            start += header.byteCount
            if let endsWell = batch.endsWell {
                found.append((batch.baseOffset.rawValue, endsWell ? "#commit" : "#abort"))
                continue
            }
            let plain = try batch.decompressed(byteCountMax: 1 << 20)
            let content = plain.bytes
            var reader = RecordReader(plain)
            while let record = try reader.next(content) {
                var text = "null"
                if let value = record.value {
                    let bytes = content.extracting(value.indices)
                    text = String(decoding: bytes.copy(ByteRange(start: 0, byteCount: bytes.count)), as: UTF8.self)
                }
                found.append((batch.baseOffset.rawValue + Int64(record.offsetDelta), text))
            }
        }
        return found
    }
}

extension TestConnection {
    /// Produces one batch.
    func produce(
        _ bytes: [UInt8], to topic: String = "t", _ partition: Int32 = 0, version: Int16 = 9, acks: Int16 = -1
    ) throws -> ProduceResponse.PartitionProduceResponse {
        let response: ProduceResponse = try ask(Self.production(bytes, to: topic, partition, acks: acks), version)
        guard let part = response.responses.first?.partitionResponses.first else {
            throw Missing(text: "an answer for the partition")
        }
        return part
    }

    /// A request to append one batch.
    static func production(
        _ bytes: [UInt8], to topic: String = "t", _ partition: Int32 = 0, acks: Int16 = -1,
        transactionalID: String? = nil
    ) -> ProduceRequest {
        ProduceRequest(
            transactionalID: transactionalID, acks: acks, timeoutMs: 1000,
            topicData: [
                ProduceRequest.TopicProduceData(
                    name: topic,
                    partitionData: [ProduceRequest.PartitionProduceData(index: partition, records: .bytes(bytes))])
            ])
    }

    /// A request for records of one topic.
    static func fetching(
        _ topic: String = "t", _ offsets: [Int32: Int64] = [0: 0], wait: Int32 = 0, minBytes: Int32 = 1,
        maxBytes: Int32 = 50 << 20, partitionBytes: Int32 = 1 << 20, readsCommitted: Bool = false
    ) -> FetchRequest {
        FetchRequest(
            maxWaitMs: wait, minBytes: minBytes, maxBytes: maxBytes, isolationLevel: readsCommitted ? 1 : 0,
            topics: [
                FetchRequest.FetchTopic(
                    topic: topic,
                    partitions: offsets.sorted { $0.key < $1.key }.map {
                        FetchRequest.FetchPartition(
                            partition: $0.key, fetchOffset: $0.value, partitionMaxBytes: partitionBytes)
                    })
            ])
    }

    /// What a partition of a response has.
    struct Fetched {
        var part: FetchResponse.PartitionData
        var bytes: [UInt8]
        var values: [String]
        var offsets: [Int64]
    }

    /// The partitions of the next response; nil when it does not come.
    func takeFetched(version: Int16 = 12) throws -> [Fetched]? {
        guard let response = try take(FetchResponse.self, version) else { return nil }
        return try response.responses.flatMap(\.partitions).map { part in
            guard let range = part.records.range else { throw Missing(text: "records, not null") }
            let bytes = Array(lastFrame[range.indices])
            let records = try TestBatch.records(bytes)
            return Fetched(part: part, bytes: bytes, values: records.map(\.value), offsets: records.map(\.offset))
        }
    }

    /// Fetches, and takes the partitions of the answer.
    func fetch(_ request: FetchRequest, version: Int16 = 12) throws -> [Fetched] {
        try send(request, version)
        guard let parts = try takeFetched(version: version) else { throw Missing(text: "an answer to the fetch") }
        return parts
    }
}
