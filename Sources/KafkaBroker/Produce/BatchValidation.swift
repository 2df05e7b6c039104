import Checksums
import Compression
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// Why a producer's batch is not stored.
struct BatchFault: Error, Equatable {
    var code: KafkaErrorCode
    var words: String
    /// What is wrong with records of it, where that is known.
    var records: [ProduceResponse.BatchIndexAndErrorMessage]

    init(_ code: KafkaErrorCode, _ words: String, records: [ProduceResponse.BatchIndexAndErrorMessage] = []) {
        self.code = code
        self.words = words
        self.records = records
    }
}

/// What a partition asks of the batches that are produced to it.
struct BatchRules {
    /// Bytes of a batch as it comes.
    var byteCountMax = KafkaBounds.batchBytesMax
    /// Whether every record must have a key.
    var needsKeys = false
    /// How far ahead of `now` a record's time may be, and how far behind it, in milliseconds.
    var futureMilliseconds = KafkaBounds.futureMilliseconds
    var pastMilliseconds = Int64.max
    /// Whether the codec may be zstd: a client that speaks an old version cannot mean it.
    var takesZstd = true
    /// Whether the records' times are those at which they come.
    var stampsTime = false
    /// Whether the topics in its records are wanted, for readers of MQTT.
    var isScanned = false
    var now: Timestamp
}

/// Looks at what producers send: everything that a reader relies on is checked before a batch is stored as it came.
///
/// Isolation: its shard's; it keeps a decompressor.
/// Source: Kafka's `LogValidator`.
struct BatchValidator: ~Copyable {
    private var decompressor = Decompressor()
    /// Topics that one batch may list; see `BatchAccumulators` of the broker.
    private static let topicHashesMax = 64

    /// A batch that may be stored.
    struct Checked {
        let batch: RecordBatch
        /// It with its records uncompressed, as its producer has stamped it.
        let plain: RecordBatch
        /// The distinct hashes of its topics; nil where nobody asks, and where they are too many.
        let topicHashes: [UInt64]?
    }

    /// Copies the batch that is all of `bytes`, if it is one that may be stored: its records as they came, behind a
    /// header that says where they are from.
    /// - Throws: `BatchFault`.
    /// - Complexity: O(n); a compressed batch is decompressed once, within bounds.
    mutating func batch(_ bytes: Span<UInt8>, _ rules: BatchRules) throws(BatchFault) -> Checked {
        var header = try Self.header(bytes, rules)
        let computed = CRC32C.checksum(bytes.extracting(BatchLayout.checksummedFrom..<bytes.count))
        guard computed == header.checksum else {
            throw BatchFault(.corruptMessage, "The checksum of the batch is not that of its bytes.")
        }
        // Readers of MQTT must know: such records may have any headers, and a QoS that nobody has written down.
        header.markFromKafka()
        let batch = RecordBatch(copying: bytes, header)
        guard header.recordCount > 0 else { throw BatchFault(.invalidRecord, "A batch has a record at least.") }
        let plain: RecordBatch
        do throws(BatchError) {
            plain = try batch.decompressed(byteCountMax: KafkaBounds.plainBytesMax, with: &decompressor)
        } catch {
            throw BatchFault(.corruptMessage, "The records do not decompress: \(error).")
        }
        let found = try Self.check(plain, header, rules)
        guard rules.stampsTime || found.maxTimestamp != header.maxTimestamp.rawValue else {
            return Checked(batch: batch, plain: plain, topicHashes: found.topicHashes)
        }
        // The index goes by the header, whatever the client has put there.
        header.maxTimestamp = Timestamp(rawValue: found.maxTimestamp)
        if rules.stampsTime { header.stamp(rules.now) }
        return Checked(
            batch: RecordBatch(copying: bytes, checksumming: header), plain: plain, topicHashes: found.topicHashes)
    }

    /// A batch without some of its records, whose offsets and numbers stay as the producer counts them.
    /// - Throws: `BatchFault` when it does not decompress.
    mutating func batch(_ batch: RecordBatch, without numbers: Set<Int>) throws(BatchFault) -> RecordBatch {
        do throws(BatchError) {
            let plain = try batch.decompressed(byteCountMax: KafkaBounds.plainBytesMax, with: &decompressor)
            let rest = try plain.filtered { record, _ in !numbers.contains(record.offsetDelta) }
            return rest.compressed(try batch.header.codec) ?? rest
        } catch {
            throw BatchFault(.corruptMessage, "The records do not decompress: \(error).")
        }
    }

    private static func header(_ bytes: Span<UInt8>, _ rules: BatchRules) throws(BatchFault) -> BatchHeader {
        guard bytes.count <= rules.byteCountMax else {
            throw BatchFault(
                .messageTooLarge, "The batch has \(bytes.count) bytes, \(rules.byteCountMax) are taken at most.")
        }
        let read: BatchHeader?
        do throws(BatchError) {
            read = try BatchHeader(bytes)
        } catch {
            if case .magic(let magic) = error {
                throw BatchFault(
                    .unsupportedForMessageFormat, "Message format \(magic) is not taken; format 2 is.")
            }
            throw BatchFault(.corruptMessage, "The header of the batch is damaged: \(error).")
        }
        guard let header = read else {
            throw BatchFault(.corruptMessage, "\(bytes.count) bytes are no batch: its header alone has 61.")
        }
        guard header.byteCount == bytes.count else {
            throw BatchFault(
                .invalidRecord,
                "The partition has \(bytes.count) bytes, its batch \(header.byteCount): one batch is expected.")
        }
        guard !header.isControl else {
            throw BatchFault(.invalidRecord, "Clients write no control records.")
        }
        guard !header.isTransactional || header.producerID.rawValue >= 0 else {
            throw BatchFault(.invalidRecord, "A batch of a transaction has a producer's number.")
        }
        guard header.baseOffset == .zero, header.recordCount == header.lastOffsetDelta + 1 else {
            throw BatchFault(
                .invalidRecord,
                "Offsets of a producer's batch go from 0 without gaps; it says \(header.recordCount) records, "
                    + "\(header.baseOffset.rawValue) for the first and \(header.lastOffsetDelta) more for the last.")
        }
        if header.producerID.rawValue >= 0, header.baseSequence < 0 || header.producerEpoch < 0 {
            throw BatchFault(
                .invalidRecord,
                "A batch with a producer's number has an epoch and a sequence; it says \(header.producerEpoch) "
                    + "and \(header.baseSequence).")
        }
        let codec: Codec
        do throws(BatchError) { codec = try header.codec } catch {
            throw BatchFault(.unsupportedCompressionType, "The batch names a codec that nobody has defined.")
        }
        guard codec.rawValue != Codec.zstd.rawValue || rules.takesZstd else {
            throw BatchFault(.unsupportedCompressionType, "zstd is taken from version 7 on.")
        }
        return header
    }

    /// Looks at every record.
    private static func check(
        _ batch: RecordBatch, _ header: BatchHeader, _ rules: BatchRules
    ) throws(BatchFault) -> (maxTimestamp: Int64, topicHashes: [UInt64]?) {
        let bytes = batch.bytes
        var records = RecordReader(batch)
        var hashes: [UInt64]? = rules.isScanned ? [] : nil
        var maxTimestamp = Int64.min
        var number = 0
        while let record = try next(&records, bytes, number) {
            guard record.offsetDelta == number else {
                throw BatchFault(.invalidRecord, "Record \(number) says that it is number \(record.offsetDelta).")
            }
            if rules.needsKeys, record.key == nil {
                throw BatchFault(
                    .invalidRecord, "Record \(number) has no key, and the topic keeps the last of each key.")
            }
            maxTimestamp = max(maxTimestamp, header.baseTimestamp.rawValue &+ Int64(record.timestampDelta))
            note(record, bytes, in: &hashes)
            number += 1
        }
        guard number == header.recordCount, records.position == batch.byteCount else {
            throw BatchFault(.corruptMessage, "The batch says \(header.recordCount) records and holds other bytes.")
        }
        if !rules.stampsTime { try checkTime(maxTimestamp, rules) }
        return (maxTimestamp, hashes)
    }

    private static func next(
        _ records: inout RecordReader, _ bytes: Span<UInt8>, _ number: Int
    ) throws(BatchFault) -> RecordView? {
        do throws(BatchError) { return try records.next(bytes) } catch {
            throw BatchFault(.corruptMessage, "Record \(number) is damaged.")
        }
    }

    private static func checkTime(_ time: Int64, _ rules: BatchRules) throws(BatchFault) {
        // A record without a time has -1.
        guard time >= 0 else { return }
        let (ahead, behind) = (time - rules.now.rawValue, rules.now.rawValue - time)
        if ahead > rules.futureMilliseconds || behind > rules.pastMilliseconds {
            throw BatchFault(
                .invalidTimestamp,
                "A record's time, \(time), is \(ahead > 0 ? "\(ahead) ms ahead" : "\(behind) ms behind"): "
                    + "more than the topic takes.")
        }
    }

    /// Notes the record's topic of MQTT; a list that is not whole is none.
    private static func note(_ record: RecordView, _ bytes: Span<UInt8>, in hashes: inout [UInt64]?) {
        guard let listed = hashes else { return }
        guard let topic = TopicHeader.topic(of: record, in: bytes, isFromKafka: true), listed.count < topicHashesMax
        else {
            hashes = nil
            return
        }
        let hash = XXH3.hash(bytes.extracting(topic.indices))
        if !listed.contains(hash) { hashes?.append(hash) }
    }
}
