package import LogInterface
package import RecordFormat
package import SluiceCore

/// One partition's offsets, tail and segments, in memory.
///
/// Invariants: `start <= flushed <= flushable <= highWatermark <= appended`, asserted on every change; the tail's
/// batches are consecutive up to holes, the first `flushedCount` of them are in segment files.
/// Isolation: guarded by the log's lock.
package final class PartitionState {
    /// Its number in the node.
    package let id: PartitionID
    /// The stream that it belongs to, as an index into the catalogue.
    package let streamIndex: Int
    /// What acknowledgements of it wait for, from the next append on.
    package internal(set) var durability: Durability
    /// Whether its stream was deleted: what is left of it is the number, and what readers still hold.
    package private(set) var isGone = false
    /// Whether it holds the node's own state, which is stored also when publishes are refused for want of space.
    package let isInternal: Bool
    /// The offset behind the newest record.
    package private(set) var appended: Offset
    /// The offset behind the newest record that its durability covers.
    package private(set) var highWatermark: Offset
    /// The offset behind the newest record whose group the device has, so that it may go to its segment file.
    package private(set) var flushable: Offset
    /// The offset behind the newest record in a segment file.
    package private(set) var flushed: Offset
    /// The offset of the oldest record kept.
    package private(set) var start: Offset
    /// Its segments, oldest first; never empty.
    package private(set) var segments: [SegmentInfo]
    /// Bytes in its segment files.
    package private(set) var byteCount: Int64
    /// Base offsets of segments whose files were replaced, for the topic index to be made anew.
    private var replaced: [Offset] = []
    /// Counts replacements of segments, twice each: odd while one is under way, and names and `segments` may not fit.
    package private(set) var replacementCount: UInt32 = 0
    /// The batches in memory.
    package private(set) var tail = Ring<LogEntry>()
    /// How many of the tail's batches are in segment files.
    package private(set) var flushedCount = 0
    /// The offset before which its owner has given records up.
    package var trimmedBefore = Offset.zero
    private var holds = Holds()
    /// Whether the flusher has it on its list.
    package var isQueuedForFlush = false
    /// The idempotent producers as of the newest record.
    package private(set) var producers: ProducerStates

    private struct Holds {
        /// From where on readers have asked retention to keep it.
        var offsets: [LoopID: Offset] = [:]
        /// Whether that kept a segment lately.
        var hasKept = false
    }

    /// A partition as recovery found it: everything is in its segments, and `end` is where offsets go on.
    package init(
        id: PartitionID, streamIndex: Int, durability: Durability, isInternal: Bool = false, segments: [SegmentInfo],
        end: Offset, producers: ProducerStates = ProducerStates()
    ) {
        precondition(!segments.isEmpty)
        self.id = id
        self.streamIndex = streamIndex
        self.durability = durability
        self.isInternal = isInternal
        self.segments = segments
        self.producers = producers
        byteCount = segments.reduce(0) { $0 + $1.byteCount }
        appended = end
        highWatermark = end
        flushable = end
        flushed = end
        start = segments[0].baseOffset
        check()
    }

    /// The place of a partition whose stream was deleted in a run before.
    package convenience init(gone id: PartitionID) {
        self.init(
            id: id, streamIndex: Int.max, durability: .memory, segments: [SegmentInfo(baseOffset: .zero)], end: .zero)
        isGone = true
    }

    /// Its stream is deleted: nothing of it is in memory any more, or on its way to a file.
    /// - Returns: the bytes that were, and those of them that might have gone to their segment files.
    func leave() -> (unflushedByteCount: Int, flushableByteCount: Int) {
        precondition(!isGone, "Cannot delete a partition twice")
        var dropped = (unflushedByteCount: 0, flushableByteCount: 0)
        for index in flushedCount..<tail.count {
            let batch = tail[index].batch
            dropped.unflushedByteCount += batch.byteCount
            if batch.nextOffset <= flushable { dropped.flushableByteCount += batch.byteCount }
        }
        isGone = true
        tail = Ring<LogEntry>()
        (flushedCount, replaced, holds) = (0, [], Holds())
        return dropped
    }

    /// The files of a deleted partition are removed.
    func removedFiles() {
        precondition(isGone)
        byteCount = 0
    }

    /// Where it begins and ends.
    package var bounds: PartitionBounds {
        PartitionBounds(start: firstOffset, highWatermark: highWatermark, end: appended)
    }

    /// The first offset that is read: what was given up before is gone for readers at once, whenever its files go.
    package var firstOffset: Offset { max(start, min(trimmedBefore, highWatermark)) }

    /// The largest timestamp of its durable records.
    package var newestTime: Timestamp? {
        var newest = segments.lazy.filter { $0.nextOffset > $0.baseOffset }.map(\.maxTimestamp).max()
        for index in 0..<tail.count where tail[index].batch.nextOffset <= highWatermark {
            newest = max(newest ?? tail[index].batch.maxTimestamp, tail[index].batch.maxTimestamp)
        }
        return newest
    }

    /// What it takes, for people to look at.
    package var figures: PartitionFigures {
        var figures = PartitionFigures(byteCount: byteCount, hasRemovable: segments.count > 1)
        figures.details = [.init("flushed", flushed.rawValue), .init("segments", Int64(segments.count))]
        return figures
    }

    /// The first offset that is in memory.
    package var tailStart: Offset { tail.first?.batch.baseOffset ?? appended }

    /// Takes a batch in; its base offset is set already.
    package func append(_ entry: LogEntry) {
        precondition(entry.batch.baseOffset == appended)
        appended = entry.batch.nextOffset
        tail.append(entry)
        if entry.batch.producerID != .none { producers.note(entry.batch.header, lsn: entry.lsn) }
        check()
    }

    /// Notes that everything before `offset` is covered by its durability.
    package func reachedHighWatermark(_ offset: Offset) {
        precondition(offset >= highWatermark)
        highWatermark = offset
        check()
    }

    /// Notes that everything before `offset` may go to its segment file.
    package func reachedFlushable(_ offset: Offset) {
        precondition(offset >= flushable)
        flushable = offset
        check()
    }

    /// The batches that may go to segment files and are not there yet, up to a bound.
    package func unflushed(countMax: Int, byteCountMax: Int) -> [RecordBatch] {
        var batches: [RecordBatch] = []
        var byteCount = 0
        var index = flushedCount
        while index < tail.count, batches.count < countMax, byteCount < byteCountMax {
            let batch = tail[index].batch
            guard batch.nextOffset <= flushable else { break }
            batches.append(batch)
            byteCount += batch.byteCount
            index += 1
        }
        return batches
    }

    /// Notes that the next `count` batches are in segment files, and how the segments look now.
    package func flushed(count: Int, changed: [SegmentInfo]) {
        precondition(flushedCount + count <= tail.count)
        if count > 0 {
            flushed = tail[flushedCount + count - 1].batch.nextOffset
            flushedCount += count
        }
        for segment in changed {
            byteCount += segment.byteCount
            if let last = segments.last, last.baseOffset == segment.baseOffset {
                byteCount -= last.byteCount
                segments[segments.count - 1] = segment
            } else {
                segments.append(segment)
            }
        }
        check()
    }

    /// Drops the oldest batch from memory; it is in a segment file.
    package func trimFirst() {
        precondition(flushedCount > 0)
        _ = tail.popFirst()
        flushedCount -= 1
    }

    // MARK: Segments

    /// The oldest segment, if it may be removed: it is not the newest, and all of it is in its file.
    package var removableSegment: SegmentInfo? {
        // A reader's tail may still hold its batches; it does no harm, their offsets are below the start then.
        guard let oldest = oldestWhole else { return nil }
        guard isHeld(oldest) else { return oldest }
        holds.hasKept = true
        return nil
    }

    private var oldestWhole: SegmentInfo? {
        segments.count > 1 && segments[0].nextOffset <= flushed ? segments[0] : nil
    }

    private func isHeld(_ segment: SegmentInfo) -> Bool {
        holds.offsets.values.min().map { segment.nextOffset > $0 } ?? false
    }

    /// Keeps segments with `offset` and behind it for a loop; nil for none.
    /// - Returns: whether that kept one since the last call.
    package func hold(from offset: Offset?, for loop: LoopID) -> Bool {
        holds.offsets[loop] = offset
        defer { holds.hasKept = false }
        return holds.hasKept && offset != nil
    }

    /// Drops the oldest segments for which `isDoomed` holds from the list; the caller removes their files.
    package func removeSegments(countMax: Int, while isDoomed: (SegmentInfo) -> Bool) -> [SegmentInfo] {
        var removed: [SegmentInfo] = []
        while removed.count < countMax, let oldest = oldestWhole, isDoomed(oldest) {
            guard !isHeld(oldest) else {
                holds.hasKept = true
                break
            }
            removed.append(segments.removeFirst())
            byteCount -= oldest.byteCount
            start = segments[0].baseOffset
        }
        check()
        return removed
    }

    /// Notes that files are about to be replaced: what a reader reads from now on by the names it knows may be wrong.
    package func beginReplacement() {
        precondition(replacementCount & 1 == 0, "Cannot replace segments twice at a time")
        replacementCount += 1
    }

    /// Ends a replacement.
    /// - Parameters:
    ///   - bases: the base offsets of the sealed segments that one takes the place of; empty when nothing came of it.
    ///   - segment: that one.
    package func endReplacement(of bases: [Offset], by segment: SegmentInfo?) {
        precondition(replacementCount & 1 == 1, "Cannot end a replacement that has not begun")
        replacementCount += 1
        guard let segment, let first = segments.firstIndex(where: { $0.baseOffset == bases.first }) else { return }
        let replaced = segments[first..<first + bases.count]
        precondition(replaced.endIndex < segments.count && replaced.elementsEqual(bases) { $0.baseOffset == $1 })
        var taken = segment
        taken.revision = (replaced.map(\.revision).max() ?? 0) + 1
        byteCount += taken.byteCount - replaced.reduce(0) { $0 + $1.byteCount }
        segments.replaceSubrange(replaced.indices, with: [taken])
        if !isInternal { self.replaced.append(segment.baseOffset) }
        check()
    }

    /// The base offsets of segments whose files were replaced since the last call.
    package func takeReplaced() -> [Offset] {
        if replaced.isEmpty { return [] }
        defer { replaced = [] }
        return replaced
    }

    /// The segment that holds `offset`, or the first one behind it.
    /// - Complexity: O(log n).
    package func segment(holding offset: Offset) -> SegmentInfo? {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].nextOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return low < segments.count ? segments[low] : nil
    }

    /// The index in the tail of the batch that holds `offset`, or of the first one behind it.
    /// - Complexity: O(log n).
    package func tailIndex(of offset: Offset) -> Int {
        var low = 0
        var high = tail.count
        while low < high {
            let middle = (low + high) / 2
            if tail[middle].batch.nextOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func check() {
        precondition(start <= flushed)
        precondition(flushed <= flushable)
        precondition(flushable <= highWatermark)
        precondition(highWatermark <= appended)
    }
}
