import LogInterface
import SluiceCore

/// How a reader with a selection goes through a stretch of a segment: the batches to read, or everything.
///
/// A stretch is what a section covers, or what lies between sections. The plan is kept from one read to the next, so
/// that a section is looked into once.
/// Invariants: immutable; at most `batchCountMax` batches of 16 bytes, 512 KiB.
package final class TopicPlan: Sendable {
    static let batchCountMax = (512 << 10) / MemoryLayout<PlannedBatch>.stride

    let segment: Offset
    /// Which version of the segment's files.
    let revision: UInt32
    let selection: TopicSelection
    /// The offsets that the plan is for; the end is where the next stretch begins.
    let offsets: Range<Offset>
    /// Where the stretch ends in the log.
    let endPosition: Int64
    /// The section that ties the stretch's end to the log: the one that covers it, or the one behind it.
    let section: TopicSection?
    /// The batches to read; nil is everything.
    let batches: [PlannedBatch]?
    /// Where in the index to look for the next section.
    let nextIndexPosition: Int64

    init(
        segment: SegmentInfo, selection: TopicSelection, offsets: Range<Offset>, endPosition: Int64,
        section: TopicSection?, batches: [PlannedBatch]?, nextIndexPosition: Int64
    ) {
        self.segment = segment.baseOffset
        revision = segment.revision
        self.selection = selection
        self.offsets = offsets
        self.endPosition = endPosition
        self.section = section
        self.batches = batches
        self.nextIndexPosition = nextIndexPosition
    }

    /// Whether the plan says how to go on from `offset`.
    func serves(_ offset: Offset, of segment: SegmentInfo, _ selection: TopicSelection) -> Bool {
        self.segment == segment.baseOffset && revision == segment.revision && offsets.contains(offset)
            && self.selection.isSame(as: selection) && endPosition <= segment.byteCount
    }

    /// The first batch of the list that holds records from `offset` on.
    func firstBatch(from offset: Offset) -> Int {
        guard let batches, let section else { return 0 }
        let delta = offset.rawValue - section.baseOffset.rawValue
        var low = 0
        var high = batches.count
        while low < high {
            let middle = (low + high) / 2
            if Int64(batches[middle].offset) + Int64(batches[middle].advance) <= delta {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
