import SluiceCore

/// How far a shard's scan of the durable tail has come in each partition: where its live readers go on.
///
/// Readers that are asked for their positions share one vector for as long as few partitions have moved since it was
/// made; what has moved is said with each.
/// Isolation: one shard's.
struct ScannedOffsets {
    private var offsets: [Offset] = []
    /// How many batches were passed.
    private(set) var passedCount: UInt64 = 0
    private var shared: Positions.Vector?
    private var changed: [PartitionID] = []
    private var isChanged: [Bool] = []

    /// The scan begins, or begins anew, at `offsets`.
    mutating func restart(_ offsets: [Offset]) {
        assert(offsets.count >= self.offsets.count, "a log's partitions do not become fewer")
        self.offsets = offsets
        guard let shared, shared.offsets.count == offsets.count else { return self.shared = nil }
        isChanged = zip(offsets, shared.offsets).map { $0 != $1 }
        changed = offsets.indices.filter { isChanged[$0] }.map { PartitionID(rawValue: UInt32($0)) }
    }

    /// The log has so many partitions now; the scan comes to those that are new from their beginnings.
    mutating func grow(to count: Int) {
        guard !offsets.isEmpty, offsets.count < count else { return }
        offsets += [Offset](repeating: .zero, count: count - offsets.count)
        // What the shared vector lacks counts as the beginning.
        assert(shared == nil || isChanged.count <= count)
        if shared != nil { isChanged += [Bool](repeating: false, count: count - isChanged.count) }
    }

    /// The scan has passed a batch.
    mutating func passed(_ partition: PartitionID, _ next: Offset) {
        assert(next >= offsets[partition.index])
        offsets[partition.index] = next
        passedCount &+= 1
        guard shared != nil, !isChanged[partition.index] else { return }
        isChanged[partition.index] = true
        changed.append(partition)
    }

    /// Where the scan goes on in a partition.
    func offset(in partition: PartitionID) -> Offset { offsets[partition.index] }

    /// Whether the scan has yet to pass something before `ends`, but for partitions of deleted streams, which it passes
    /// over.
    func isBehind(_ ends: [Offset], _ streams: StreamTable) -> Bool {
        if offsets == ends { return false }
        return ends.indices.contains { index in
            let offset = index < offsets.count ? offsets[index] : .zero
            return offset != ends[index] && !streams.isGone(PartitionID(rawValue: UInt32(index)))
        }
    }

    /// Every partition.
    var partitions: [PartitionID] { offsets.indices.map { PartitionID(rawValue: UInt32($0)) } }

    /// Where a reader goes on that is elsewhere in some partitions.
    mutating func positions(except exceptions: [Positions.Exception]) -> Positions {
        if shared == nil || changed.count > max(8, offsets.count / 8) {
            shared = Positions.Vector(offsets)
            changed = []
            isChanged = [Bool](repeating: false, count: offsets.count)
        }
        assert(isChanged.count == offsets.count && changed.count <= offsets.count)
        guard let shared else { preconditionFailure("Cannot be without a vector that was just made") }
        var all = exceptions
        for partition in changed where !exceptions.contains(where: { $0.partition == partition }) {
            all.append(Positions.Exception(partition: partition, offset: offsets[partition.index]))
        }
        return Positions(base: shared, exceptions: all)
    }
}
