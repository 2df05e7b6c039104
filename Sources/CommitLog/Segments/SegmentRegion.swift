import LogInterface
import RecordFormat
import SluiceCore

/// Whole batches in a segment's file, to be sent from there.
///
/// The headers at its ends are looked at, those between only where the index leads to no later batch; checksums are the
/// receiver's to check, as with Kafka. What does not look like the batch that is due ends a region: a read that
/// verifies finds out what is there.
enum SegmentRegion {
    /// A region, and the offset behind its last batch.
    struct Found {
        var region: StoredRegion
        var nextOffset: Offset
        /// Where the next one begins; nil at the segment's end.
        var hint: SegmentHint?
    }

    /// The batches from the one that holds `offset` on, about `byteCountMax` bytes, at least one batch.
    /// - Parameter hint: where a region before this one has ended.
    /// - Returns: nil when the storage has no descriptors, or the batch is not where it should be.
    /// - Throws: `StorageError`.
    /// - Complexity: a read of the index file, and one of each batch's header that it does not lead past; without a
    ///   hint O(log n) reads of the index file more.
    static func find(
        _ storage: any Storage, _ paths: SegmentPaths, _ segment: SegmentInfo, from offset: Offset,
        hint: SegmentHint? = nil, byteCountMax: Int
    ) throws(StorageError) -> Found? {
        let log = try storage.open(paths.log(segment.baseOffset), creating: false)
        guard let descriptor = storage.descriptor(of: log) else {
            storage.close(log)
            return nil
        }
        // It is closed with the last region.
        let file = OpenSegment(storage, log, descriptor)
        var way = Way(position: 0, expected: segment.baseOffset, entry: 0)
        if let index = SegmentIndexFile(storage, paths, segment) {
            defer { index.close() }
            if let hint, hint.isOf(segment), hint.offset == offset, let position = hint.position {
                way = Way(position: position, expected: offset, entry: hint.entry)
            } else if offset > segment.baseOffset, let floor = try index.floor(of: offset),
                let header = try index.batch(at: floor, in: log)
            {
                way = Way(position: floor.position, expected: header.baseOffset, entry: floor.number)
            }
            let reach = way.position..<max(way.position, min(segment.byteCount, way.position + Int64(byteCountMax)))
            if let last = try index.last(from: way.entry, in: reach), let header = try index.batch(at: last, in: log) {
                way.far = (last, header)
            }
        }
        var start: Int64?
        while way.position < segment.byteCount,
            let header = try SegmentIndexes.header(storage, log, at: way.position),
            header.baseOffset >= way.expected, header.nextOffset <= segment.nextOffset,
            way.position + Int64(header.byteCount) <= segment.byteCount
        {
            if header.nextOffset > offset {
                let first = start ?? way.position
                let leads = start == nil && way.leap(past: header)
                start = first
                if leads { continue }
                guard way.position == first || way.position - first + Int64(header.byteCount) <= Int64(byteCountMax)
                else { break }
            }
            way.position += Int64(header.byteCount)
            way.expected = header.nextOffset
        }
        guard let start, way.position > start else { return nil }
        var found = Found(region: StoredRegion(file: file, range: start..<way.position), nextOffset: way.expected)
        if way.position < segment.byteCount {
            var hint = SegmentHint(
                baseOffset: segment.baseOffset, revision: segment.revision, position: way.position, offset: way.expected
            )
            hint.entry = way.entry
            found.hint = hint
        }
        return found
    }

    /// Where a search is.
    private struct Way {
        /// The position of the batch that comes next, and the offset that it begins with or later.
        var position: Int64
        var expected: Offset
        /// The number of an index entry at or before it.
        var entry: Int64
        /// The batch furthest on that the index knows and that can be in the region.
        var far: (entry: SegmentIndexFile.Entry, header: BatchHeader)?

        /// Goes from the region's first batch to the furthest one that is known.
        /// - Returns: whether that lies behind it.
        mutating func leap(past first: BatchHeader) -> Bool {
            guard let far, far.entry.position > position, far.header.baseOffset >= first.nextOffset else {
                return false
            }
            (position, expected, entry) = (far.entry.position, far.header.baseOffset, far.entry.number)
            return true
        }
    }
}

/// A segment's file that stays open for as long as somebody sends from it.
private final class OpenSegment: RegionFile {
    private let storage: any Storage
    private let file: FileID
    let descriptor: Int32

    init(_ storage: any Storage, _ file: FileID, _ descriptor: Int32) {
        self.storage = storage
        self.file = file
        self.descriptor = descriptor
    }

    deinit { storage.close(file) }
}
