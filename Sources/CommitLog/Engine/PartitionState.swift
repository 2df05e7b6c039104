package import RecordFormat
package import SluiceCore

/// One partition's offsets, tail and segments, in memory.
///
/// Invariants: `start <= flushed <= flushable <= durable <= appended`, asserted on every change; the tail's batches are
/// consecutive up to holes, the first `flushedCount` of them are in segment files.
/// Isolation: guarded by the log's lock.
package final class PartitionState {
    /// Its number in the node.
    package let id: PartitionID
    /// The stream that it belongs to, as an index into the catalogue.
    package let streamIndex: Int
    /// What acknowledgements of it wait for.
    package let durability: Durability
    /// The offset behind the newest record.
    package private(set) var appended: Offset
    /// The offset behind the newest record that its durability covers: the high watermark.
    package private(set) var durable: Offset
    /// The offset behind the newest record whose group the device has, so that it may go to its segment file.
    package private(set) var flushable: Offset
    /// The offset behind the newest record in a segment file.
    package private(set) var flushed: Offset
    /// The offset of the oldest record kept.
    package private(set) var start: Offset
    /// Its segments, oldest first; never empty.
    package private(set) var segments: [SegmentInfo]
    /// The batches in memory.
    package private(set) var tail = Ring<TailEntry>()
    /// How many of the tail's batches are in segment files.
    package private(set) var flushedCount = 0
    /// The offset before which its owner has given records up.
    package var trimmedBefore = Offset.zero
    /// Whether the flusher has it on its list.
    package var isQueuedForFlush = false

    /// A partition as recovery found it: everything is in its segments, and `end` is where offsets go on.
    package init(id: PartitionID, streamIndex: Int, durability: Durability, segments: [SegmentInfo], end: Offset) {
        precondition(!segments.isEmpty)
        self.id = id
        self.streamIndex = streamIndex
        self.durability = durability
        self.segments = segments
        appended = end
        durable = end
        flushable = end
        flushed = end
        start = segments[0].baseOffset
        check()
    }

    /// The first offset that is in memory.
    package var tailStart: Offset { tail.first?.batch.baseOffset ?? appended }

    /// Takes a batch in; its base offset is set already.
    package func append(_ entry: TailEntry) {
        precondition(entry.batch.baseOffset == appended)
        appended = entry.batch.nextOffset
        tail.append(entry)
        check()
    }

    /// Notes that everything before `offset` is covered by its durability.
    package func reachedDurable(_ offset: Offset) {
        precondition(offset >= durable)
        durable = offset
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
            if let last = segments.last, last.baseOffset == segment.baseOffset {
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

    /// Drops the oldest segment from the list; the caller removes its files.
    package func removeFirstSegment() -> SegmentInfo {
        precondition(segments.count > 1)
        let removed = segments.removeFirst()
        start = segments[0].baseOffset
        check()
        return removed
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
        precondition(flushable <= durable)
        precondition(durable <= appended)
    }
}
