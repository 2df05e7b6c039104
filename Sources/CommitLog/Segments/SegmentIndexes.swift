import RecordFormat
package import SluiceCore

/// The two index files of a segment as recovery finds them: caches that may be missing or wrong.
struct SegmentIndexes {
    /// The offset that entries count from.
    let base: Offset
    /// The bytes of `.index`.
    var index: [UInt8]
    /// The bytes of `.timeindex`.
    var times: [UInt8]

    /// An entry of `.index`.
    struct Entry {
        var lastOffset: Offset
        var position: Int64
    }

    static let entryByteCount = 8
    static let timeEntryByteCount = 12
    /// 2 GiB of batches, an entry every 4 KiB, 12 bytes each: 6 MiB. Twice that and more is not an index.
    private static let byteCountMax = 16 << 20

    /// The last entry of `.index`.
    var lastEntry: Entry? { index.isEmpty ? nil : Self.entry(index.span, index.count - Self.entryByteCount, base) }

    /// The largest timestamp indexed, and the last offset of the batch that holds it.
    var lastTime: (timestamp: Timestamp, offset: Offset)? {
        times.isEmpty ? nil : Self.time(times.span, times.count - Self.timeEntryByteCount, base)
    }

    /// Reads both files.
    /// - Returns: nil when one is missing or its entries do not rise.
    static func load(_ storage: any Storage, _ paths: SegmentPaths, _ base: Offset) throws(StorageError)
        -> SegmentIndexes?
    {
        guard let index = bytes(storage, paths.index(base), entryByteCount),
            let times = bytes(storage, paths.timeIndex(base), timeEntryByteCount)
        else { return nil }
        let found = SegmentIndexes(base: base, index: index, times: times)
        return found.isRising ? found : nil
    }

    private var isRising: Bool {
        var last = Entry(lastOffset: Offset(rawValue: base.rawValue - 1), position: 0)
        for at in stride(from: 0, to: index.count, by: Self.entryByteCount) {
            let entry = Self.entry(index.span, at, base)
            guard entry.lastOffset > last.lastOffset, entry.position > last.position else { return false }
            last = entry
        }
        var lastTime = (timestamp: Timestamp(rawValue: Int64.min), offset: base)
        for at in stride(from: 0, to: times.count, by: Self.timeEntryByteCount) {
            let time = Self.time(times.span, at, base)
            guard time.timestamp > lastTime.timestamp, time.offset >= lastTime.offset else { return false }
            lastTime = time
        }
        return true
    }

    /// The entries of batches that end before `offset`; nil when there is none.
    ///
    /// An entry of `.timeindex` was added with one of `.index`, for batches before the one that this points to.
    func prefix(before offset: Offset) -> SegmentIndexes? {
        var kept = self
        while let last = kept.lastEntry, last.lastOffset >= offset { kept.index.removeLast(Self.entryByteCount) }
        guard let last = kept.lastEntry else { return nil }
        while let time = kept.lastTime, time.offset >= last.lastOffset {
            kept.times.removeLast(Self.timeEntryByteCount)
        }
        return kept.times.isEmpty ? nil : kept
    }

    /// The largest timestamp of a sealed segment, out of the ends of its files alone.
    /// - Returns: nil when the ends do not fit: the last index entry must name a batch, whole batches must reach from
    ///   there to the end of the file, none of them may be newer than the last time entry, and the batch that this one
    ///   names must not lie behind them.
    static func closingTimestamp(
        _ storage: any Storage, _ paths: SegmentPaths, _ base: Offset, byteCount: Int64
    ) throws(StorageError) -> Timestamp? {
        guard let index = end(storage, paths.index(base), entryByteCount),
            let times = end(storage, paths.timeIndex(base), timeEntryByteCount), !times.isEmpty
        else { return nil }
        let (timestamp, lastOffset) = time(times.span, 0, base)
        let entry = index.isEmpty ? nil : entry(index.span, 0, base)
        let log = try storage.open(paths.log(base), creating: false)
        defer { storage.close(log) }
        var position = entry?.position ?? 0
        var end = base
        while position < byteCount {
            guard let header = try header(storage, log, at: position), header.maxTimestamp <= timestamp else {
                return nil
            }
            end = header.nextOffset
            if let entry, entry.position == position, header.lastOffset != entry.lastOffset { return nil }
            position += Int64(header.byteCount)
        }
        return position == byteCount && lastOffset < end ? timestamp : nil
    }

    /// The header of the batch at `position`; nil when there is none.
    static func header(_ storage: any Storage, _ log: FileID, at position: Int64) throws(StorageError) -> BatchHeader? {
        guard position >= 0 else { return nil }
        let bytes = try storage.bytes(log, at: position, count: BatchLayout.headerByteCount)
        do throws(BatchError) { return try BatchHeader(bytes.span) } catch { return nil }
    }

    private static func entry(_ bytes: Span<UInt8>, _ at: Int, _ base: Offset) -> Entry {
        Entry(
            lastOffset: base.advanced(by: Int(BatchLayout.load(bytes, at: at, as: Int32.self))),
            position: Int64(BatchLayout.load(bytes, at: at + 4, as: Int32.self)))
    }

    private static func time(_ bytes: Span<UInt8>, _ at: Int, _ base: Offset) -> (timestamp: Timestamp, offset: Offset)
    {
        (
            Timestamp(rawValue: BatchLayout.load(bytes, at: at, as: Int64.self)),
            base.advanced(by: Int(BatchLayout.load(bytes, at: at + 8, as: Int32.self)))
        )
    }

    /// A file's bytes; nil when it cannot be read or does not hold whole entries.
    private static func bytes(_ storage: any Storage, _ path: String, _ entryByteCount: Int) -> [UInt8]? {
        do throws(StorageError) {
            let bytes = try storage.contents(path, byteCountMax: byteCountMax)
            return bytes.count % entryByteCount == 0 ? bytes : nil
        } catch {
            return nil
        }
    }

    /// A file's last entry; nil when it cannot be read or does not hold whole entries, empty when it has none.
    private static func end(_ storage: any Storage, _ path: String, _ entryByteCount: Int) -> [UInt8]? {
        do throws(StorageError) {
            let file = try storage.open(path, creating: false)
            defer { storage.close(file) }
            let byteCount = try storage.byteCount(file)
            guard byteCount % Int64(entryByteCount) == 0 else { return nil }
            guard byteCount > 0 else { return [] }
            let bytes = try storage.bytes(file, at: byteCount - Int64(entryByteCount), count: entryByteCount)
            return bytes.count == entryByteCount ? bytes : nil
        } catch {
            return nil
        }
    }
}

/// Collects the entries that a segment's batches are due in its two indexes.
///
/// Layout of `.index`, 8 bytes an entry: last offset of a batch less the base offset i32, the batch's file position
/// i32.
/// Layout of `.timeindex`, 12 bytes an entry: largest timestamp so far i64, last offset of the batch that holds it less
/// the base i32.
/// Both are big-endian, strictly increasing and sparse, byte-compatible with Kafka's (`index.interval.bytes`).
package struct SparseIndex: ~Copyable {
    private let base: Offset
    private let interval: Int
    private var bytesSinceIndexed = 0
    private var indexedTimestamp: Timestamp
    private var maxTimestampOffset: Offset
    /// The largest timestamp seen.
    package private(set) var maxTimestamp: Timestamp
    /// Entries not taken yet.
    private(set) var index = ByteBuffer()
    /// Entries not taken yet.
    private(set) var timeIndex = ByteBuffer()

    /// The collector of an empty segment.
    package init(base: Offset, interval: Int) {
        self.base = base
        self.interval = interval
        maxTimestamp = Timestamp(rawValue: Int64.min)
        indexedTimestamp = maxTimestamp
        maxTimestampOffset = base
    }

    /// A collector that goes on behind indexes found on disk, whose last batch is noted first.
    init(base: Offset, interval: Int, behind indexes: SegmentIndexes?) {
        self.init(base: base, interval: interval)
        guard let time = indexes?.lastTime else { return }
        maxTimestamp = time.timestamp
        indexedTimestamp = time.timestamp
        maxTimestampOffset = time.offset
    }

    /// Counts a batch at `position`.
    package mutating func note(lastOffset: Offset, maxTimestamp timestamp: Timestamp, byteCount: Int, position: Int64) {
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
    package mutating func addTimeEntry() {
        guard maxTimestamp > indexedTimestamp else { return }
        timeIndex.append(bigEndian: maxTimestamp.rawValue)
        timeIndex.append(bigEndian: Int32(maxTimestampOffset.rawValue - base.rawValue))
        indexedTimestamp = maxTimestamp
    }

    /// Moves the entries to the ends of arrays.
    package mutating func drain(index: inout [UInt8], times: inout [UInt8]) {
        do {
            let (entries, timeEntries) = (self.index.bytes, timeIndex.bytes)
            for at in entries.indices { index.append(entries[at]) }
            for at in timeEntries.indices { times.append(timeEntries[at]) }
        }
        taken()
    }

    /// Forgets the entries; they are in the files.
    mutating func taken() {
        index.removeAll()
        timeIndex.removeAll()
    }
}
