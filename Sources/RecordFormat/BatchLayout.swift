package import Compression
package import SluiceCore

/// Where the fields of a record batch stand.
///
/// Layout (big-endian), 61 bytes, then the records:
///
///     0 base offset i64 | 8 length i32 (bytes after this field) | 12 leader epoch i32 | 16 magic i8 = 2
///     17 CRC-32C u32 (over everything from attributes on) | 21 attributes i16 | 23 last offset delta i32
///     27 base timestamp i64 | 35 largest timestamp i64 | 43 producer id i64 | 51 producer epoch i16
///     53 base sequence i32 | 57 record count i32
///
/// The base offset and the leader epoch lie outside the checksum, so that they can be set when the batch is appended.
/// Source: Kafka message format v2 (KIP-98).
package enum BatchLayout {
    /// Bytes before the first record.
    package static let headerByteCount = 61
    /// Bytes of the base offset and length fields, which the length does not count.
    package static let prefixByteCount = 12
    /// Where the checksummed part starts.
    package static let checksummedFrom = 21

    /// Bytes that the records of one batch may take when they are decompressed: a batch of Kafka's largest size that
    /// is compressed a hundredfold, which text with much repetition reaches. Producers' batches beyond it are refused.
    package static let plainBytesMax = 100 << 20

    static let lengthAt = 8
    static let leaderEpochAt = 12
    static let magicAt = 16
    static let checksumAt = 17
    static let attributesAt = 21
    static let lastOffsetDeltaAt = 23
    static let baseTimestampAt = 27
    static let maxTimestampAt = 35
    static let producerIDAt = 43
    static let producerEpochAt = 51
    static let baseSequenceAt = 53
    static let recordCountAt = 57

    /// The only message format served.
    package static let magic: UInt8 = 2

    /// The timestamp that the records of a whole batch count from.
    package static func baseTimestamp(_ bytes: Span<UInt8>) -> Timestamp {
        Timestamp(rawValue: load(bytes, at: baseTimestampAt, as: Int64.self))
    }

    /// A big-endian integer at `index`; the caller has checked that it is within `bytes`.
    @inline(__always)
    package static func load<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: Span<UInt8>, at index: Int, as type: Integer.Type
    ) -> Integer {
        precondition(index >= 0 && index + Integer.bitWidth / 8 <= bytes.count)
        return unsafe Integer(bigEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: Integer.self))
    }
}

/// The fixed header of a record batch, decoded.
package struct BatchHeader: Equatable, Sendable {
    /// The offset of the first record.
    package var baseOffset: Offset
    /// Bytes of the whole batch, header included.
    package var byteCount: Int
    /// The stored checksum.
    package var checksum: UInt32
    /// Compression in bits 0-2, timestamp type in 3, transactional in 4, control in 5.
    package var attributes: Int16
    /// The last record's offset, less the first's.
    package var lastOffsetDelta: Int
    /// The timestamp that the records' deltas count from.
    package var baseTimestamp: Timestamp
    /// The largest timestamp of a record.
    package var maxTimestamp: Timestamp
    /// The number of records.
    package var recordCount: Int
    /// The partition leader's epoch when the batch was appended; 0 where there is one node.
    package var leaderEpoch: Int32 = 0
    /// Who sent the batch; `.none` without idempotence.
    package var producerID: ProducerID = .none
    /// The producer's epoch; -1 without idempotence.
    package var producerEpoch: Int16 = -1
    /// The producer's number of the first record; -1 without idempotence.
    package var baseSequence: Int32 = -1

    init(
        baseOffset: Offset, byteCount: Int, checksum: UInt32, attributes: Int16, lastOffsetDelta: Int,
        baseTimestamp: Timestamp, maxTimestamp: Timestamp, recordCount: Int
    ) {
        self.baseOffset = baseOffset
        self.byteCount = byteCount
        self.checksum = checksum
        self.attributes = attributes
        self.lastOffsetDelta = lastOffsetDelta
        self.baseTimestamp = baseTimestamp
        self.maxTimestamp = maxTimestamp
        self.recordCount = recordCount
    }

    /// The offset of the last record.
    package var lastOffset: Offset { baseOffset.advanced(by: lastOffsetDelta) }

    /// The offset behind the last record.
    package var nextOffset: Offset { baseOffset.advanced(by: lastOffsetDelta + 1) }

    /// Reads a header at the start of `bytes`.
    /// - Returns: nil when fewer than 61 bytes are there.
    /// - Throws: `BatchError` when the fields cannot belong to a batch.
    package init?(_ bytes: Span<UInt8>) throws(BatchError) {
        guard bytes.count >= BatchLayout.headerByteCount else { return nil }
        guard bytes[BatchLayout.magicAt] == BatchLayout.magic else { throw .magic(bytes[BatchLayout.magicAt]) }
        let length = Int(BatchLayout.load(bytes, at: BatchLayout.lengthAt, as: Int32.self))
        guard length >= BatchLayout.headerByteCount - BatchLayout.prefixByteCount else { throw .length(length) }
        baseOffset = Offset(rawValue: BatchLayout.load(bytes, at: 0, as: Int64.self))
        byteCount = length + BatchLayout.prefixByteCount
        checksum = BatchLayout.load(bytes, at: BatchLayout.checksumAt, as: UInt32.self)
        attributes = BatchLayout.load(bytes, at: BatchLayout.attributesAt, as: Int16.self)
        lastOffsetDelta = Int(BatchLayout.load(bytes, at: BatchLayout.lastOffsetDeltaAt, as: Int32.self))
        baseTimestamp = Timestamp(rawValue: BatchLayout.load(bytes, at: BatchLayout.baseTimestampAt, as: Int64.self))
        maxTimestamp = Timestamp(rawValue: BatchLayout.load(bytes, at: BatchLayout.maxTimestampAt, as: Int64.self))
        recordCount = Int(BatchLayout.load(bytes, at: BatchLayout.recordCountAt, as: Int32.self))
        leaderEpoch = BatchLayout.load(bytes, at: BatchLayout.leaderEpochAt, as: Int32.self)
        producerID = ProducerID(rawValue: BatchLayout.load(bytes, at: BatchLayout.producerIDAt, as: Int64.self))
        producerEpoch = BatchLayout.load(bytes, at: BatchLayout.producerEpochAt, as: Int16.self)
        baseSequence = BatchLayout.load(bytes, at: BatchLayout.baseSequenceAt, as: Int32.self)
        guard baseOffset.rawValue >= 0, baseOffset.rawValue < Int64.max - Int64(Int32.max) else {
            throw .offset(baseOffset.rawValue)
        }
        guard lastOffsetDelta >= 0, recordCount >= 0, recordCount <= lastOffsetDelta + 1 else {
            throw .counts(records: recordCount, lastOffsetDelta: lastOffsetDelta)
        }
    }
}

/// Why bytes are not a record batch.
package enum BatchError: Error, Equatable {
    /// The magic byte is not 2.
    case magic(UInt8)
    /// The length field is shorter than a header.
    case length(Int)
    /// The base offset is negative or too near the end of the number line.
    case offset(Int64)
    /// Record count and last offset delta contradict each other.
    case counts(records: Int, lastOffsetDelta: Int)
    /// The checksum over the content is not the stored one.
    case checksum(stored: UInt32, computed: UInt32)
    /// A record's fields do not fit its length, or the batch's; also what is no record behind the last one.
    case record(number: Int, position: Int)
    /// The attributes name a codec that nobody has defined.
    case codec(UInt8)
    /// The records section does not decompress.
    case compression(CompressionError)
}
