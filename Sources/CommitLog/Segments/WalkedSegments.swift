import LogInterface
import SluiceCore

/// How far the headers of segments' batches were looked at in this run: who reads a region there again need not look at
/// each.
///
/// Isolation: a value of the log's state.
struct WalkedSegments {
    private static let countMax = 4096

    /// A segment, as its files are now.
    struct Segment: Hashable {
        var partition: PartitionID
        var baseOffset: Offset
        var revision: UInt32
    }

    private var ranges: [Segment: Range<Int64>] = [:]

    /// The part of a segment's file whose headers were looked at; nil when none was.
    subscript(segment: Segment) -> Range<Int64>? { ranges[segment] }

    /// The headers of a part were looked at, from one batch to another.
    mutating func add(_ range: Range<Int64>, of segment: Segment) {
        if let known = ranges[segment], known.overlaps(range) || known.upperBound == range.lowerBound {
            let start = min(known.lowerBound, range.lowerBound)
            ranges[segment] = start..<max(known.upperBound, range.upperBound)
            return
        }
        if ranges.count >= Self.countMax { ranges.removeAll(keepingCapacity: true) }
        ranges[segment] = range
    }
}
