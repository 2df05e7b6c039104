import RecordFormat
import SluiceCore

/// The batches of a sealed segment, one after the other.
///
/// Isolation: the housekeeping thread, which alone replaces and removes segments.
struct SegmentSequence {
    private let storage: any Storage
    private let paths: SegmentPaths
    private let segment: SegmentInfo
    private let readBytes: Int
    private var offset: Offset
    private var hint: ReadHint?
    private var batches: ArraySlice<RecordBatch> = []
    /// Bytes that were passed over so far.
    private(set) var damagedByteCount: Int64 = 0

    init(_ storage: any Storage, _ paths: SegmentPaths, _ segment: SegmentInfo, _ readBytes: Int) {
        self.storage = storage
        self.paths = paths
        self.segment = segment
        self.readBytes = readBytes
        offset = segment.baseOffset
    }

    /// The next batch as it is stored; nil at the end.
    mutating func next() throws(HousekeepingError) -> RecordBatch? {
        if let batch = batches.popFirst() { return batch }
        guard offset < segment.nextOffset else { return nil }
        let read: SegmentRead
        do throws(StorageError) {
            read = try SegmentReader.read(storage, paths, segment, from: offset, hint: hint, byteCountMax: readBytes)
        } catch {
            throw .failed(error)
        }
        damagedByteCount += read.damagedByteCount
        hint = read.hint
        batches = read.batches[...]
        offset = read.batches.last?.nextOffset ?? segment.nextOffset
        return batches.popFirst()
    }
}
