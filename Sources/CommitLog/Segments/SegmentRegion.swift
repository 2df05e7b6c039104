import LogInterface
import RecordFormat
import SluiceCore

/// Whole batches in a segment's file, to be sent from there.
///
/// The header of each is looked at once in a run of the process, by whoever reads it first; who comes later is led past
/// those between by the index. Checksums are the receiver's to check, as with Kafka. What does not look like the batch
/// that is due ends a region: a read that verifies finds out what is there.
enum SegmentRegion {
    /// A region, and the offset behind its last batch.
    struct Found {
        var region: StoredRegion
        var nextOffset: Offset
        /// Where the next one begins; nil at the segment's end, and before what does not look like a batch.
        var hint: SegmentHint?
    }

    /// The batches from the one that holds `offset` on, about `byteCountMax` bytes, at least one batch.
    /// - Parameters:
    ///   - hint: where a region before this one has ended.
    ///   - walked: the part of the file whose headers were looked at.
    /// - Returns: nil when the storage has no descriptors, or the batch is not where it should be; and the part of the
    ///   file whose headers were looked at for this.
    /// - Throws: `StorageError`.
    /// - Complexity: a read of each batch's header, but for those that the index leads past; without a hint O(log n)
    ///   reads of the index file more.
    static func find(
        _ storage: any Storage, _ paths: SegmentPaths, _ segment: SegmentInfo, from offset: Offset,
        hint: SegmentHint?, byteCountMax: Int, walked: Range<Int64>?
    ) throws(StorageError) -> (found: Found, walked: Range<Int64>)? {
        let log = try storage.open(paths.log(segment.baseOffset), creating: false)
        guard let descriptor = storage.descriptor(of: log) else {
            storage.close(log)
            return nil
        }
        // It is closed with the last region.
        let file = OpenSegment(storage, log, descriptor)
        var way = try Way(storage, paths, segment, log, offset, hint, byteCountMax, walked)
        let begin = way.position
        var start: Int64?
        // Whether what comes next is a batch that there was no room for.
        var isNextSound = false
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
                else {
                    isNextSound = true
                    break
                }
            }
            way.position += Int64(header.byteCount)
            way.expected = header.nextOffset
        }
        guard let start, way.position > start else { return nil }
        var found = Found(region: StoredRegion(file: file, range: start..<way.position), nextOffset: way.expected)
        if isNextSound {
            var hint = SegmentHint(
                baseOffset: segment.baseOffset, revision: segment.revision, position: way.position, offset: way.expected
            )
            hint.entry = way.entry
            found.hint = hint
        }
        return (found, begin..<way.position)
    }

    /// Where a search is.
    private struct Way {
        /// The position of the batch that comes next, and the offset that it begins with or later.
        var position: Int64 = 0
        var expected: Offset
        /// The number of an index entry at or before it; 0 when none is known.
        var entry: Int64 = 0
        /// The furthest batch that the index knows, that can be in the region, and up to which headers were looked at.
        var far: (entry: SegmentIndexFile.Entry, header: BatchHeader)?

        init(
            _ storage: any Storage, _ paths: SegmentPaths, _ segment: SegmentInfo, _ log: FileID, _ offset: Offset,
            _ hint: SegmentHint?, _ byteCountMax: Int, _ walked: Range<Int64>?
        ) throws(StorageError) {
            expected = segment.baseOffset
            var isFound = offset <= segment.baseOffset
            if let hint, hint.isOf(segment), hint.offset == offset, let known = hint.position {
                (position, expected, entry, isFound) = (known, offset, hint.entry, true)
            }
            guard !isFound || walked?.contains(position) == true,
                let index = SegmentIndexFile(storage, paths, segment)
            else { return }
            defer { index.close() }
            if !isFound || position > 0 && entry == 0, let floor = try index.floor(of: offset) {
                entry = floor.number
                if !isFound, let header = try index.batch(at: floor, in: log) {
                    (position, expected) = (floor.position, header.baseOffset)
                }
            }
            guard let walked, walked.contains(position) else { return }
            let end = min(walked.upperBound, segment.byteCount, position + Int64(byteCountMax))
            guard end > position, let last = try index.last(from: entry, in: position..<end),
                let header = try index.batch(at: last, in: log)
            else { return }
            far = (last, header)
        }

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
