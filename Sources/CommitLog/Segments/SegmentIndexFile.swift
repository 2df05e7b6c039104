import RecordFormat
import SluiceCore

/// The index file of one segment, looked up where it lies.
///
/// It is a cache that nothing checks as a whole: what is found in it holds when the batch at an entry's position is the
/// one that the entry names.
struct SegmentIndexFile {
    private static let entryByteCount: Int64 = 8
    /// Entries that are read at a time: those of 16 MiB.
    private static let runCountMax = 4096
    /// Bytes of the segment that entries are apart, about; where they are closer, less is found at a time.
    private static let spacing: Int64 = 4096

    private let storage: any Storage
    private let segment: SegmentInfo
    private let file: FileID

    /// What an entry says: a batch, by its last offset less the segment's base offset and by where it is.
    struct Entry {
        var number: Int64
        var lastOffset: Int64
        var position: Int64
    }

    /// Opens the index of a segment, which `close` ends; nil without one: then the segment is read from its start.
    init?(_ storage: any Storage, _ paths: SegmentPaths, _ segment: SegmentInfo) {
        do throws(StorageError) {
            file = try storage.open(paths.index(segment.baseOffset), creating: false)
        } catch {
            return nil
        }
        self.storage = storage
        self.segment = segment
    }

    func close() { storage.close(file) }

    /// The last entry whose batch ends at or before `offset`, and does not begin the segment; nil without one. That
    /// batch or one behind it holds the offset.
    /// - Complexity: O(log n) reads of the file.
    func floor(of offset: Offset) throws(StorageError) -> Entry? {
        let target = offset.rawValue - segment.baseOffset.rawValue
        var low: Int64 = 0
        var high = try storage.byteCount(file) / Self.entryByteCount
        var found: Entry?
        while low < high {
            let middle = (low + high) / 2
            guard let entry = try entries(from: middle, count: 1).first else { break }
            if entry.lastOffset <= target {
                found = entry
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard let found, found.position > 0, found.position < segment.byteCount else { return nil }
        return found
    }

    /// The last entry from number `first` on whose batch begins in `range` of the segment's file; nil without one.
    /// - Complexity: one read of the file.
    func last(from first: Int64, in range: Range<Int64>) throws(StorageError) -> Entry? {
        let count = min(range.count / Int(Self.spacing) + 2, Self.runCountMax)
        return try entries(from: first, count: count).last { range.contains($0.position) }
    }

    /// The header of the batch that an entry names; nil when there is another at its position, or none.
    func batch(at entry: Entry, in log: FileID) throws(StorageError) -> BatchHeader? {
        guard let header = try SegmentIndexes.header(storage, log, at: entry.position),
            header.lastOffset.rawValue == segment.baseOffset.rawValue + entry.lastOffset
        else { return nil }
        return header
    }

    private func entries(from first: Int64, count: Int) throws(StorageError) -> [Entry] {
        let size = Int(Self.entryByteCount)
        let bytes = try storage.bytes(file, at: first * Self.entryByteCount, count: count * size)
        return (0..<bytes.count / size).map { number in
            Entry(
                number: first + Int64(number),
                lastOffset: Int64(BatchLayout.load(bytes.span, at: number * size, as: Int32.self)),
                position: Int64(BatchLayout.load(bytes.span, at: number * size + 4, as: Int32.self)))
        }
    }
}
