package import Compression
package import SluiceCore

/// A producer's number, given out by the broker; its batches carry it so that a retry is not stored twice.
///
/// Source: KIP-98.
package struct ProducerID: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    /// The number; negative is none.
    package var rawValue: Int64

    /// Wraps a raw number.
    package init(rawValue: Int64) { self.rawValue = rawValue }

    /// A producer without idempotence.
    package static let none = ProducerID(rawValue: -1)
}

/// The bits of a batch's attributes.
///
/// Kafka leaves the upper byte unused, and its clients do not look at it; one bit there is ours.
/// Source: Kafka message format v2, attributes; bit 6 is KIP-534's.
struct BatchAttributes {
    var rawValue: Int16

    static let codecMask: Int16 = 7
    fileprivate static let appendTimeBit: Int16 = 1 << 3
    static let transactionalBit: Int16 = 1 << 4
    static let controlBit: Int16 = 1 << 5
    private static let deleteHorizonBit: Int16 = 1 << 6

    var codecNumber: UInt8 { UInt8(truncatingIfNeeded: rawValue & Self.codecMask) }
    var isCompressed: Bool { rawValue & Self.codecMask != 0 }
    var isTransactional: Bool { rawValue & Self.transactionalBit != 0 }
    var isControl: Bool { rawValue & Self.controlBit != 0 }
    /// Whether the batch's largest timestamp is that of all its records.
    var hasAppendTime: Bool { rawValue & Self.appendTimeBit != 0 }
    var hasDeleteHorizon: Bool { rawValue & Self.deleteHorizonBit != 0 }

    /// Whether the records are other than MQTT writes them, whoever sent them.
    var isUnusual: Bool { rawValue & (Self.codecMask | Self.controlBit) != 0 }

    func with(_ codec: Codec) -> Int16 { rawValue & ~Self.codecMask | Int16(codec.rawValue) }
}

extension BatchHeader {
    private var bits: BatchAttributes { BatchAttributes(rawValue: attributes) }

    /// Whether the records section is compressed.
    package var isCompressed: Bool { bits.isCompressed }

    /// What the records section is compressed with.
    /// - Throws: `BatchError.codec` when the attributes name no codec.
    package var codec: Codec {
        get throws(BatchError) {
            guard let codec = Codec(rawValue: bits.codecNumber) else { throw .codec(bits.codecNumber) }
            return codec
        }
    }

    /// Whether the batch belongs to a transaction.
    package var isTransactional: Bool { bits.isTransactional }

    /// Whether the records are marks of a transaction's end, which no consumer sees.
    package var isControl: Bool { bits.isControl }

    /// Whether the batch's fields say more than its records do, so that records of another batch cannot join it.
    var standsAlone: Bool {
        producerID.rawValue >= 0 || bits.isTransactional || bits.isControl || bits.hasAppendTime
            || bits.hasDeleteHorizon || isFromKafka
    }

    /// Whether the records' own timestamps do not count.
    var hasAppendTime: Bool { bits.hasAppendTime }
}

extension RecordBatch {
    /// Whether the records section is compressed.
    package var isCompressed: Bool { BatchAttributes(rawValue: attributes).isCompressed }

    /// Whether the batch is compressed, from a Kafka client, or a mark: not as MQTT writes it.
    @inline(__always)
    package var isForeign: Bool { isFromKafka || BatchAttributes(rawValue: attributes).isUnusual }

    /// Whether the records' own timestamps do not count, but the batch's largest.
    package var hasAppendTime: Bool { BatchAttributes(rawValue: attributes).hasAppendTime }

    /// What the records section is compressed with.
    /// - Throws: `BatchError.codec` when the attributes name no codec.
    package var codec: Codec {
        get throws(BatchError) { try header.codec }
    }

    /// The header, decoded anew.
    package var header: BatchHeader {
        do throws(BatchError) {
            if let header = try BatchHeader(bytes) { return header }
        } catch {
            preconditionFailure("Cannot hold a batch that does not verify: \(error)")
        }
        preconditionFailure("Cannot hold a batch that is shorter than its header")
    }
}

extension BatchHeader {
    /// The leader epoch of batches that Kafka clients have sent: none. Those of MQTT have the only one there is. It
    /// lies outside the checksum, so such batches stay as they came.
    private static let kafkaEpoch: Int32 = -1

    /// Whether a Kafka client has sent the batch, so that its records may have any headers; see `TopicHeader`.
    package var isFromKafka: Bool { leaderEpoch == Self.kafkaEpoch }

    /// Notes that a Kafka client has sent the batch.
    package mutating func markFromKafka() { leaderEpoch = Self.kafkaEpoch }

    /// Says of all records that they came at `time`, whatever they say themselves (Kafka's LogAppendTime).
    package mutating func stamp(_ time: Timestamp) {
        attributes |= BatchAttributes.appendTimeBit
        maxTimestamp = time
    }
}
