package import SluiceCore

/// What became of the records of one partition from where a bridge began to its position.
///
/// Invariants: `position - start = forwarded + refused + dropped + skipped`, also after a crash: they are kept together
/// with the position. Offsets that hold no record, as compaction leaves them, are skipped.
/// Isolation: a value with one owner.
package struct BridgeCounts: Equatable, Sendable {
    /// Where the bridge began, or was told to go on.
    package var start: Offset
    /// Records that the upstream has acknowledged.
    package var forwarded: UInt64 = 0
    /// Records that the upstream, or this node, refused for good.
    package var refused: UInt64 = 0
    /// Records that retention took before.
    package var dropped: UInt64 = 0
    /// Records that stay here: of other topics, taken in by the bridge itself, or expired.
    package var skipped: UInt64 = 0
    /// Sendings of a record beyond its first.
    package var repeated: UInt64 = 0

    /// Counts of a bridge that begins at `start`.
    package init(start: Offset) { self.start = start }

    mutating func add(_ outcome: PartitionProgress.Outcome, _ count: Int64) {
        switch outcome {
        case .forwarded: forwarded += UInt64(count)
        case .refused: refused += UInt64(count)
        case .dropped: dropped += UInt64(count)
        }
    }

    /// Sets what stays here to what is left when the position is at `position`.
    mutating func fill(to position: Offset) {
        let left = position.rawValue - start.rawValue - Int64(clamping: forwarded + refused + dropped)
        skipped = UInt64(max(0, left))
    }
}

/// What a bridge has counted besides: messages that came, and what partitions had counted before it began anew in them.
package struct BridgeTotals: Equatable, Sendable {
    /// Messages forwarded.
    package var forwarded: UInt64 = 0
    /// Messages that came from upstream and are durable.
    package var received: UInt64 = 0
    /// Messages refused, those from upstream included.
    package var refused: UInt64 = 0
    /// Records that retention took.
    package var dropped: UInt64 = 0
    /// Messages from upstream that had been here before.
    package var looped: UInt64 = 0
    /// Sendings of a record beyond its first.
    package var repeated: UInt64 = 0

    /// Nothing yet.
    package init() {}

    /// Adds what a partition has counted.
    package mutating func add(_ counts: BridgeCounts) {
        forwarded += counts.forwarded
        refused += counts.refused
        dropped += counts.dropped
        repeated += counts.repeated
    }
}
