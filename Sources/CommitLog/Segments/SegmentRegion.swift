import LogInterface
import RecordFormat
import SluiceCore

/// Whole batches in a segment's file, to be sent from there.
///
/// Their headers are looked at, their checksums are the receiver's to check, as with Kafka. What does not look like the
/// batch that is due ends a region: a read that verifies finds out what is there.
enum SegmentRegion {
    /// A region, and the offset behind its last batch.
    struct Found {
        var region: StoredRegion
        var nextOffset: Offset
    }

    /// The batches from the one that holds `offset` on, about `byteCountMax` bytes, at least one batch.
    /// - Returns: nil when the storage has no descriptors, or the batch is not where it should be.
    /// - Throws: `StorageError`.
    /// - Complexity: O(log n) reads of the index file, and one of each batch's header.
    static func find(
        _ storage: any Storage, _ paths: SegmentPaths, _ segment: SegmentInfo, from offset: Offset, byteCountMax: Int
    ) throws(StorageError) -> Found? {
        let log = try storage.open(paths.log(segment.baseOffset), creating: false)
        guard let descriptor = storage.descriptor(of: log) else {
            storage.close(log)
            return nil
        }
        // It is closed with the last region.
        let file = OpenSegment(storage, log, descriptor)
        let floor = try SegmentReader.floor(storage, paths, segment, log, offset)
        var position = floor?.position ?? 0
        var expected = floor?.offset ?? segment.baseOffset
        var start: Int64?
        while position < segment.byteCount, let header = try SegmentIndexes.header(storage, log, at: position),
            header.baseOffset >= expected, header.nextOffset <= segment.nextOffset,
            position + Int64(header.byteCount) <= segment.byteCount
        {
            if header.nextOffset > offset {
                let first = start ?? position
                start = first
                guard position == first || position - first + Int64(header.byteCount) <= Int64(byteCountMax) else {
                    break
                }
            }
            position += Int64(header.byteCount)
            expected = header.nextOffset
        }
        guard let start, position > start else { return nil }
        return Found(region: StoredRegion(file: file, range: start..<position), nextOffset: expected)
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
