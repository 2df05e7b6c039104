import RecordFormat
import SluiceCore

/// What the two index files of a segment say about its end; nil-able because they are caches that may be missing or wrong.
struct SegmentIndexes {
    /// The position of the last indexed batch; 0 without entries.
    var lastPosition: Int64 = 0
    /// The largest timestamp indexed; `Int64.min` without entries.
    var lastTimestamp = Timestamp(rawValue: Int64.min)
    /// The last offset of the batch that holds it.
    var lastTimestampOffset: Offset

    /// Reads and checks both files.
    /// - Returns: nil when one is missing or cannot be right for a segment of `byteCount` bytes.
    static func load(
        _ storage: any Storage, _ paths: SegmentPaths, _ base: Offset, byteCount: Int64
    ) throws(StorageError) -> SegmentIndexes? {
        guard let index = try bytes(storage, paths.index(base)), let times = try bytes(storage, paths.timeIndex(base)),
            index.count % 8 == 0, times.count % 12 == 0
        else { return nil }
        var result = SegmentIndexes(lastTimestampOffset: base)
        var lastDelta: Int32 = -1
        for at in stride(from: 0, to: index.count, by: 8) {
            let delta = BatchLayout.load(index.span, at: at, as: Int32.self)
            let position = Int64(BatchLayout.load(index.span, at: at + 4, as: Int32.self))
            guard delta > lastDelta, position > result.lastPosition, position < byteCount else { return nil }
            lastDelta = delta
            result.lastPosition = position
        }
        for at in stride(from: 0, to: times.count, by: 12) {
            let timestamp = Timestamp(rawValue: BatchLayout.load(times.span, at: at, as: Int64.self))
            let delta = BatchLayout.load(times.span, at: at + 8, as: Int32.self)
            guard timestamp > result.lastTimestamp, delta >= 0 else { return nil }
            result.lastTimestamp = timestamp
            result.lastTimestampOffset = Offset(rawValue: base.rawValue + Int64(delta))
        }
        guard let closing = try verified(storage, paths.log(base), at: result.lastPosition, byteCount: byteCount),
            result.lastPosition == 0 || closing.lastOffset.rawValue - base.rawValue == Int64(lastDelta)
        else { return nil }
        return result
    }

    /// The header of the batch at `position`; nil when there is none. An empty file has nothing to contradict an index.
    private static func verified(
        _ storage: any Storage, _ path: String, at position: Int64, byteCount: Int64
    ) throws(StorageError) -> BatchHeader? {
        let log = try storage.open(path, creating: false)
        defer { storage.close(log) }
        let bytes = try storage.bytes(log, at: position, count: BatchLayout.headerByteCount)
        do throws(BatchError) { return try BatchHeader(bytes.span) } catch { return nil }
    }

    private static func bytes(_ storage: any Storage, _ path: String) throws(StorageError) -> [UInt8]? {
        do throws(StorageError) {
            // 2 GiB of batches, an entry every 4 KiB, 12 bytes each: 6 MiB. Twice that is not an index.
            return try storage.contents(path, byteCountMax: 16 << 20)
        } catch {
            return nil
        }
    }
}

/// Collects the entries that a segment's batches are due in its two indexes.
///
/// Layout of `.index`, 8 bytes an entry: last offset of a batch less the base offset i32, the batch's file position i32.
/// Layout of `.timeindex`, 12 bytes an entry: largest timestamp so far i64, last offset of the batch that holds it less the base i32.
/// Both are big-endian, strictly increasing and sparse, byte-compatible with Kafka's (`index.interval.bytes`).
struct SparseIndex: ~Copyable {
    private let base: Offset
    private let interval: Int
    private var bytesSinceIndexed = 0
    private var indexedTimestamp: Timestamp
    private var maxTimestampOffset: Offset
    /// The largest timestamp seen.
    private(set) var maxTimestamp: Timestamp
    /// Entries not taken yet.
    private(set) var index = ByteBuffer()
    /// Entries not taken yet.
    private(set) var timeIndex = ByteBuffer()

    /// The collector of an empty segment.
    init(base: Offset, interval: Int) {
        self.base = base
        self.interval = interval
        maxTimestamp = Timestamp(rawValue: Int64.min)
        indexedTimestamp = maxTimestamp
        maxTimestampOffset = base
    }

    /// A collector that goes on behind indexes found on disk.
    init(base: Offset, interval: Int, behind indexes: SegmentIndexes) {
        self.init(base: base, interval: interval)
        maxTimestamp = indexes.lastTimestamp
        indexedTimestamp = indexes.lastTimestamp
        maxTimestampOffset = indexes.lastTimestampOffset
    }

    /// Counts a batch at `position`.
    mutating func note(lastOffset: Offset, maxTimestamp timestamp: Timestamp, byteCount: Int, position: Int64) {
        if bytesSinceIndexed > interval {
            index.append(bigEndian: Int32(lastOffset.rawValue - base.rawValue))
            index.append(bigEndian: Int32(position))
            addTimeEntry()
            bytesSinceIndexed = 0
        }
        bytesSinceIndexed += byteCount
        if timestamp > maxTimestamp {
            maxTimestamp = timestamp
            maxTimestampOffset = lastOffset
        }
    }

    /// Adds the entry for the largest timestamp, which a sealed segment ends with.
    mutating func addTimeEntry() {
        guard maxTimestamp > indexedTimestamp else { return }
        timeIndex.append(bigEndian: maxTimestamp.rawValue)
        timeIndex.append(bigEndian: Int32(maxTimestampOffset.rawValue - base.rawValue))
        indexedTimestamp = maxTimestamp
    }

    /// Forgets the entries; they are in the files.
    mutating func taken() {
        index.removeAll()
        timeIndex.removeAll()
    }
}
