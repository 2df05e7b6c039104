package import RecordFormat
package import SluiceCore

/// Where a sequential reader left off in a segment's file, so that it need not search again.
package struct SegmentHint: Sendable {
    /// The segment.
    package var baseOffset: Offset
    /// Which version of its files.
    package var revision: UInt32
    /// The file position of the batch that holds `offset`, where it is known.
    package var position: Int64?
    /// The offset that the reader wants next.
    package var offset: Offset
    /// How a reader with a selection goes on.
    package var plan: TopicPlan?
    /// The number of an index entry at or before it.
    var entry: Int64 = 0

    /// Whether it was made with the files that `segment` has now.
    func isOf(_ segment: SegmentInfo) -> Bool { baseOffset == segment.baseOffset && revision == segment.revision }
}

/// What a read of a segment's file found.
package struct SegmentRead: Sendable {
    /// Whole, verified batches; the first may start before the offset asked for.
    package var batches: [RecordBatch] = []
    /// Where the next read continues; nil at the end of what was asked.
    package var hint: SegmentHint?
    /// Bytes that were no valid batch and were passed over.
    package var damagedByteCount: Int64 = 0
}

/// Reads verified batches out of a segment's files.
///
/// Isolation: any thread that may wait for the disk. Files are opened for each read, so that a million sealed segments
/// cost no descriptors, and a segment that retention removes meanwhile fails to open.
package enum SegmentReader {
    /// Reads about `byteCountMax` bytes (at least one batch) from the batch that holds `offset`.
    /// - Throws: `StorageError`. Damage is no error: it is skipped and counted.
    package static func read(
        _ storage: any Storage, _ paths: SegmentPaths, _ segment: SegmentInfo, from offset: Offset, hint: SegmentHint?,
        byteCountMax: Int
    ) throws(StorageError) -> SegmentRead {
        let log = try storage.open(paths.log(segment.baseOffset), creating: false)
        defer { storage.close(log) }
        var position: Int64
        var taking = Taking(segment: segment, from: offset)
        if let hint, hint.isOf(segment), hint.offset == offset, let known = hint.position {
            position = known
            taking.expected = offset
        } else if let floor = try floor(storage, paths, segment, log, offset) {
            position = floor.position
            taking.expected = floor.offset
        } else {
            position = 0
        }
        var result = SegmentRead()
        var wanted = byteCountMax
        while position < segment.byteCount, result.batches.isEmpty {
            let left = segment.byteCount - position
            let count = Int(min(Int64(wanted), left))
            var bytes = ByteBuffer(capacity: count)
            let start = position
            try unsafe bytes.append(upTo: count) { (memory) throws(StorageError) in
                try unsafe storage.read(log, into: memory, at: start)
            }
            let slab = BatchSlab(bytes)
            let taken = taking.take(slab, leftInFile: left, into: &result)
            position += Int64(taken.byteCount)
            wanted = max(byteCountMax, taken.neededByteCount)
            if slab.count < count { break }
        }
        if let last = result.batches.last, position < segment.byteCount {
            result.hint = SegmentHint(
                baseOffset: segment.baseOffset, revision: segment.revision, position: position, offset: last.nextOffset)
        }
        return result
    }

    /// The position and base offset of an indexed batch at or before the one that holds `offset`; nil is the segment's
    /// start.
    ///
    /// The index is a cache that nothing checks as a whole: the entry that is used must name the last offset of the
    /// batch at its position, and any other damage to it leads to an earlier position only.
    /// - Complexity: O(log n) reads of the index file, and one of the batch's header.
    static func floor(
        _ storage: any Storage, _ paths: SegmentPaths, _ segment: SegmentInfo, _ log: FileID, _ offset: Offset
    ) throws(StorageError) -> (position: Int64, offset: Offset)? {
        guard offset > segment.baseOffset, let index = SegmentIndexFile(storage, paths, segment) else { return nil }
        defer { index.close() }
        guard let entry = try index.floor(of: offset) else { return nil }
        return try index.batch(at: entry, in: log).map { (entry.position, $0.baseOffset) }
    }
}

/// Takes whole batches off a segment's bytes, in order.
private struct Taking {
    /// The offset that the reader wants.
    let from: Offset
    /// Batches end at or before this: what claims more is no batch of this segment.
    let end: Offset
    /// The next batch starts here or later: a copy of an older block does not.
    var expected: Offset
    /// Whether bytes were passed over just before.
    private var isBehindDamage = false

    struct Taken {
        var byteCount = 0
        var neededByteCount = 0
    }

    init(segment: SegmentInfo, from offset: Offset) {
        from = offset
        end = segment.nextOffset
        expected = segment.baseOffset
    }

    /// The batches share the slab's memory.
    mutating func take(_ slab: BatchSlab, leftInFile: Int64, into result: inout SegmentRead) -> Taken {
        let bytes = slab.bytes
        var taken = Taken()
        while taken.byteCount < bytes.count {
            let rest = bytes.extracting(taken.byteCount..<bytes.count)
            let left = leftInFile - Int64(taken.byteCount)
            do throws(BatchError) {
                guard let header = try RecordBatch.verify(rest) else {
                    taken.neededByteCount = try BatchHeader(rest)?.byteCount ?? BatchLayout.headerByteCount
                    guard Int64(taken.neededByteCount) > left else { return taken }
                    throw .length(rest.count)
                }
                guard header.baseOffset >= expected, header.nextOffset <= end else {
                    throw .offset(header.baseOffset.rawValue)
                }
                let neededByteCount = BatchSearch.neededByteCount(
                    toTrust: header, expected: expected, isBehindDamage: isBehindDamage)
                if rest.count < neededByteCount, left >= Int64(neededByteCount) {
                    taken.neededByteCount = neededByteCount
                    return taken
                }
                try BatchSearch.checkOffset(
                    header, rest, expected: expected, isBehindDamage: isBehindDamage, end: end)
                isBehindDamage = false
                expected = header.nextOffset
                if header.nextOffset > from {
                    result.batches.append(
                        RecordBatch(
                            slab, at: taken.byteCount, memoryByteCount: header.byteCount, header: header))
                }
                taken.byteCount += header.byteCount
            } catch {
                let skipped = BatchSearch.next(rest, after: 1, leftInFile: left)
                result.damagedByteCount += Int64(skipped)
                taken.byteCount += skipped
                isBehindDamage = true
            }
        }
        return taken
    }
}

/// Looks for the next batch behind damage.
enum BatchSearch {
    /// Bytes that `checkOffset` wants to see: behind a gap or damage, the header of the next batch too.
    static func neededByteCount(toTrust header: BatchHeader, expected: Offset, isBehindDamage: Bool) -> Int {
        let isDoubted = header.baseOffset > expected || isBehindDamage
        return header.byteCount + (isDoubted ? BatchLayout.headerByteCount : 0)
    }

    /// Checks a verified batch at the start of `bytes` that does not follow on: a gap is a hole, or damage to the base
    /// offset, which no checksum covers. The next batch tells: one that belongs into the gap says that it is none.
    ///
    /// Damage that ends within a batch's first eight bytes leaves a right batch at a wrong offset. So behind damage a
    /// batch counts only if the next one, or the segment's end where it is known, follows on.
    static func checkOffset(
        _ header: BatchHeader, _ bytes: Span<UInt8>, expected: Offset, isBehindDamage: Bool, end: Offset?
    ) throws(BatchError) {
        if isBehindDamage {
            let isConfirmed =
                bytes.count > header.byteCount
                ? follows(header, bytes) : end == header.nextOffset
            guard isConfirmed else { throw .offset(header.baseOffset.rawValue) }
        }
        guard header.baseOffset > expected, bytes.count > header.byteCount else { return }
        let next: BatchHeader?
        do throws(BatchError) {
            next = try BatchHeader(bytes.extracting(header.byteCount..<bytes.count))
        } catch {
            return
        }
        guard let next, next.baseOffset > expected, next.baseOffset < header.nextOffset else { return }
        throw .offset(header.baseOffset.rawValue)
    }

    /// Whether the batch behind the first one in `bytes` goes on where it ends.
    private static func follows(_ header: BatchHeader, _ bytes: Span<UInt8>) -> Bool {
        do throws(BatchError) {
            let next = try BatchHeader(bytes.extracting(header.byteCount..<bytes.count))
            return next?.baseOffset == header.nextOffset
        } catch {
            return false
        }
    }

    /// The index, from `start` on, of the next verified batch, or of a header whose batch `bytes` cut off; behind both
    /// when there is none, as far as a header that begins in `bytes` cannot be missed.
    /// - Parameter leftInFile: bytes from the start of `bytes` to the end of the file.
    /// - Complexity: O(n), plus a checksum for each place that looks like a header.
    static func next(_ bytes: Span<UInt8>, after start: Int, leftInFile: Int64) -> Int {
        var index = start
        while index + BatchLayout.headerByteCount <= bytes.count {
            // Magic 2, and a base offset and length that start with zero bytes in any file of ours below 2^56 records
            // and 16 MiB.
            if bytes[index + 16] == BatchLayout.magic, bytes[index] == 0, bytes[index + 8] == 0,
                isBatch(bytes.extracting(index..<bytes.count), leftInFile: leftInFile - Int64(index))
            {
                return index
            }
            index += 1
        }
        return leftInFile > Int64(bytes.count) ? index : bytes.count
    }

    private static func isBatch(_ bytes: Span<UInt8>, leftInFile: Int64) -> Bool {
        do throws(BatchError) {
            if let whole = try RecordBatch.verify(bytes) { return whole.byteCount > 0 }
            guard let cut = try BatchHeader(bytes) else { return false }
            return Int64(cut.byteCount) <= leftInFile
        } catch {
            // Not a batch after all; the next byte may start one.
            return false
        }
    }
}
