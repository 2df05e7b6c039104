import Compression
import RecordFormat
import SluiceCore

/// The batches of a sealed segment, one after the other.
///
/// Isolation: the housekeeping thread, which alone replaces and removes segments.
struct SegmentSequence: ~Copyable {
    private let storage: any Storage
    private let paths: SegmentPaths
    private let segment: SegmentInfo
    private let readBytes: Int
    private var offset: Offset
    private var hint: SegmentHint?
    private var batches: ArraySlice<RecordBatch> = []
    private var decompressor = Decompressor()
    /// Bytes of the batches handed out so far, as they are stored.
    private(set) var storedByteCount: Int64 = 0
    /// Bytes that were passed over so far.
    private(set) var damagedByteCount: Int64 = 0

    init(_ storage: any Storage, _ paths: SegmentPaths, _ segment: SegmentInfo, _ readBytes: Int) {
        self.storage = storage
        self.paths = paths
        self.segment = segment
        self.readBytes = readBytes
        offset = segment.baseOffset
    }

    /// The next batch, uncompressed; nil at the end.
    mutating func next() throws(HousekeepingError) -> RecordBatch? {
        while let batch = try nextStored() {
            storedByteCount += Int64(batch.byteCount)
            do throws(BatchError) {
                return try batch.decompressed(byteCountMax: PartitionFiles.batchBytesMax, with: &decompressor)
            } catch {
                damagedByteCount += Int64(batch.byteCount)
            }
        }
        return nil
    }

    /// The next batch as it is stored; nil at the end.
    private mutating func nextStored() throws(HousekeepingError) -> RecordBatch? {
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
