import SluiceCore

/// Where a reader goes on, in each partition of the node.
///
/// Sessions that leave at the same moment stand at the same place in most partitions, so that place is one shared
/// vector, and a session has what differs. 100,000 sessions over 1,000 partitions cost a few vectors and their
/// exceptions, not 100,000,000 numbers (ADR 0009).
/// Isolation: an immutable value.
package struct Positions: Sendable, Equatable {
    /// An offset in each partition, by its number.
    package final class Vector: Sendable {
        let offsets: [Offset]
        init(_ offsets: [Offset]) { self.offsets = offsets }
    }

    /// A partition in which the reader is elsewhere than its vector says.
    package struct Exception: Sendable, Equatable {
        var partition: PartitionID
        var offset: Offset
    }

    let base: Vector
    let exceptions: [Exception]
    /// Bytes of memory that it takes beside the vector, which many share.
    var memoryByteCount: Int { exceptions.count * MemoryLayout<Exception>.stride }

    init(base: Vector, exceptions: [Exception] = []) {
        assert(Set(exceptions.map(\.partition)).count == exceptions.count, "a reader is at one place in a partition")
        self.base = base
        self.exceptions = exceptions
    }

    /// The offset that the reader wants next; a partition that did not exist then is read from its beginning.
    func offset(in partition: PartitionID) -> Offset {
        if let exception = exceptions.first(where: { $0.partition == partition }) { return exception.offset }
        return partition.index < base.offsets.count ? base.offsets[partition.index] : .zero
    }

    /// Every partition's offset.
    var offsets: [Offset] {
        var offsets = base.offsets
        for exception in exceptions {
            while offsets.count <= exception.partition.index { offsets.append(.zero) }
            offsets[exception.partition.index] = exception.offset
        }
        return offsets
    }

    /// Whether both name the same places.
    package static func == (left: Positions, right: Positions) -> Bool { left.offsets == right.offsets }
}

/// What a delivery in flight is known by: its record's place.
///
/// Layout: its kind in the upper two bits, the partition in the next 14, the offset in the lower 48. 16,384 partitions
/// and 2^48 records (a million a second for nine years) are more than one node serves; both are checked.
package struct DeliveryToken: Hashable, Sendable {
    /// The fields in one number.
    package let rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Who sent it.
    enum Kind: UInt64 {
        /// A subscription of the session's own.
        case own
        /// A share group.
        case share
        /// A consumer group.
        case group
        /// Nobody: no token has it.
        case none
    }

    /// The token of a delivery whose record is not in the log any more.
    static let nobodys = DeliveryToken(rawValue: Kind.none.rawValue << 62)

    init(_ partition: PartitionID, _ offset: Offset, kind: Kind = .own) {
        precondition(partition.index < Limits.partitionsMax)
        precondition(offset.rawValue >= 0 && offset.rawValue < 1 << 48)
        rawValue = kind.rawValue << 62 | UInt64(partition.rawValue) << 48 | UInt64(offset.rawValue)
    }

    var kind: Kind { Kind(rawValue: rawValue >> 62) ?? .none }
    var partition: PartitionID { PartitionID(rawValue: UInt32(rawValue >> 48 & (1 << 14 - 1))) }
    var offset: Offset { Offset(rawValue: Int64(rawValue & (1 << 48 - 1))) }
}
