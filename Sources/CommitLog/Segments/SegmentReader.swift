package import RecordFormat
package import SluiceCore

/// Where a sequential reader left off in a segment's file, so that it need not search again.
package struct ReadHint: Sendable, Equatable {
    /// The segment.
    package var baseOffset: Offset
    /// The file position of the batch that holds `offset`.
    package var position: Int64
    /// The offset that the reader wants next.
    package var offset: Offset
}

/// What a read of a segment's file found.
package struct SegmentRead: Sendable {
    /// Whole, verified batches; the first may start before the offset asked for.
    package var batches: [RecordBatch] = []
    /// Where the next read continues; nil at the end of what was asked.
    package var hint: ReadHint?
    /// Bytes that were no valid batch and were passed over.
    package var damagedByteCount: Int64 = 0
}

/// Reads verified batches out of a segment's files.
///
/// Isolation: any thread that may wait for the disk. Files are opened for each read, so that a million sealed segments cost no
/// descriptors, and a segment that retention removes meanwhile fails to open.
package enum SegmentReader {
    /// Reads about `byteCountMax` bytes (at least one batch) from the batch that holds `offset`.
    /// - Throws: `StorageError`. Damage is no error: it is skipped and counted.
    package static func read(
        _ storage: any Storage, _ paths: SegmentPaths, _ segment: SegmentInfo, from offset: Offset, hint: ReadHint?,
        byteCountMax: Int
    ) throws(StorageError) -> SegmentRead {
        let log = try storage.open(paths.log(segment.baseOffset), creating: false)
        defer { storage.close(log) }
        var position: Int64
        if let hint, hint.baseOffset == segment.baseOffset, hint.offset == offset {
            position = hint.position
        } else {
            position = try floorPosition(storage, paths, segment, offset)
        }
        var result = SegmentRead()
        var wanted = byteCountMax
        while position < segment.byteCount, result.batches.isEmpty {
            let count = Int(min(Int64(wanted), segment.byteCount - position))
            let bytes = try storage.bytes(log, at: position, count: count)
            let taken = take(
                bytes.span, from: offset, atEnd: position + Int64(bytes.count) >= segment.byteCount, into: &result)
            position += Int64(taken.byteCount)
            wanted = max(byteCountMax, taken.neededByteCount)
            if bytes.count < count { break }
        }
        if let last = result.batches.last, position < segment.byteCount {
            result.hint = ReadHint(baseOffset: segment.baseOffset, position: position, offset: last.nextOffset)
        }
        return result
    }

    /// The position of an indexed batch at or before the one that holds `offset`.
    /// - Complexity: O(log n) reads of the index file.
    package static func floorPosition(
        _ storage: any Storage, _ paths: SegmentPaths, _ segment: SegmentInfo, _ offset: Offset
    ) throws(StorageError) -> Int64 {
        guard offset > segment.baseOffset else { return 0 }
        let file: FileID
        do throws(StorageError) {
            file = try storage.open(paths.index(segment.baseOffset), creating: false)
        } catch {
            // An index is a cache: without it the segment is read from its start.
            return 0
        }
        defer { storage.close(file) }
        let target = offset.rawValue - segment.baseOffset.rawValue
        var low: Int64 = 0
        var high = try storage.byteCount(file) / 8
        var position: Int64 = 0
        while low < high {
            let middle = (low + high) / 2
            let bytes = try storage.bytes(file, at: middle * 8, count: 8)
            guard bytes.count == 8 else { break }
            let lastOffset = Int64(BatchLayout.load(bytes.span, at: 0, as: Int32.self))
            // The entry's batch ends at `lastOffset`; it, or one behind it, holds every offset from there on.
            if lastOffset <= target {
                position = Int64(BatchLayout.load(bytes.span, at: 4, as: Int32.self))
                low = middle + 1
            } else {
                high = middle
            }
        }
        return position >= 0 && position < segment.byteCount ? position : 0
    }

    private struct Taken {
        var byteCount = 0
        var neededByteCount = 0
    }

    /// Takes whole batches off the front of `bytes`.
    private static func take(
        _ bytes: Span<UInt8>, from offset: Offset, atEnd: Bool, into result: inout SegmentRead
    ) -> Taken {
        var taken = Taken()
        while taken.byteCount < bytes.count {
            let rest = bytes.extracting(taken.byteCount..<bytes.count)
            do throws(BatchError) {
                guard let header = try RecordBatch.verify(rest) else {
                    taken.neededByteCount = try neededByteCount(rest)
                    guard atEnd else { return taken }
                    throw .length(rest.count)
                }
                if header.nextOffset > offset {
                    var buffer = ByteBuffer(capacity: header.byteCount)
                    buffer.append(rest.extracting(0..<header.byteCount))
                    result.batches.append(RecordBatch(buffer, header: header))
                }
                taken.byteCount += header.byteCount
            } catch {
                let skipped = BatchSearch.next(rest, after: 1) ?? rest.count
                result.damagedByteCount += Int64(skipped)
                taken.byteCount += skipped
            }
        }
        return taken
    }

    private static func neededByteCount(_ bytes: Span<UInt8>) throws(BatchError) -> Int {
        try BatchHeader(bytes)?.byteCount ?? BatchLayout.headerByteCount
    }
}

/// Looks for the next whole batch behind damage.
package enum BatchSearch {
    /// The index of the next verified batch at or after `start`.
    /// - Complexity: O(n), plus a checksum for each place that looks like a header.
    package static func next(_ bytes: Span<UInt8>, after start: Int) -> Int? {
        var index = start
        while index + BatchLayout.headerByteCount <= bytes.count {
            // Magic 2, and a base offset and length that start with zero bytes in any file of ours below 2^40 records and 16 MiB.
            if bytes[index + 16] == BatchLayout.magic, bytes[index] == 0, bytes[index + 8] == 0 {
                do throws(BatchError) {
                    if try RecordBatch.verify(bytes.extracting(index..<bytes.count)) != nil { return index }
                } catch {
                    // Not a batch after all; the next byte may start one.
                }
            }
            index += 1
        }
        return nil
    }
}
