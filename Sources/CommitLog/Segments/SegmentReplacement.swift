import RecordFormat
import SluiceCore

/// Writes a segment that will take the place of sealed ones, beside them.
///
/// Its files end in `.cleaned` until they count, as Kafka's log cleaner names them; an opening removes what a crash
/// left of them.
/// Isolation: the housekeeping thread.
final class ReplacementWriter {
    /// Bytes gathered for one write.
    private static let writeBytes = 1 << 20

    private let storage: any Storage
    private let paths: SegmentPaths
    private let log: FileID
    private var sparse: SparseIndex
    private var waiting: [RecordBatch] = []
    private var waitingByteCount = 0
    private var index: [UInt8] = []
    private var times: [UInt8] = []
    private(set) var info: SegmentInfo

    /// A writer of the segment that starts at `base`.
    init(_ storage: any Storage, _ paths: SegmentPaths, base: Offset, indexInterval: Int) throws(StorageError) {
        self.storage = storage
        self.paths = paths
        info = SegmentInfo(baseOffset: base)
        sparse = SparseIndex(base: base, interval: indexInterval)
        log = try storage.open(paths.log(base) + SegmentReplacement.cleaned, creating: true)
        try storage.truncate(log, to: 0)
    }

    deinit { storage.close(log) }

    /// Appends batches behind the last one.
    func append(_ batches: [RecordBatch]) throws(HousekeepingError) {
        do throws(StorageError) {
            for batch in batches { try append(batch) }
        } catch {
            throw .failed(error)
        }
    }

    private func append(_ batch: RecordBatch) throws(StorageError) {
        precondition(batch.baseOffset >= info.nextOffset)
        sparse.note(
            lastOffset: batch.lastOffset, maxTimestamp: batch.maxTimestamp, byteCount: batch.byteCount,
            position: info.byteCount + Int64(waitingByteCount))
        waiting.append(batch)
        waitingByteCount += batch.byteCount
        info.nextOffset = batch.nextOffset
        if waitingByteCount >= Self.writeBytes { try write() }
    }

    private func write() throws(StorageError) {
        var pieces: [UnsafeRawBufferPointer] = unsafe []
        unsafe pieces.reserveCapacity(waiting.count)
        // The batches are held here until the write is done, and their bytes do not move.
        for batch in waiting { unsafe batch.withUnsafeBytes { unsafe pieces.append($0) } }
        if waitingByteCount > 0 { try unsafe storage.write(log, pieces, at: info.byteCount) }
        info.byteCount += Int64(waitingByteCount)
        waiting.removeAll(keepingCapacity: true)
        waitingByteCount = 0
        takeIndexEntries()
    }

    private func takeIndexEntries() {
        sparse.drain(index: &index, times: &times)
    }

    /// Brings all of it to the device.
    /// - Parameter nextOffset: the offset behind what the segment stands for, at or behind its last record's.
    /// - Returns: the segment.
    func finish(nextOffset: Offset) throws(HousekeepingError) -> SegmentInfo {
        precondition(nextOffset >= info.nextOffset)
        do throws(StorageError) { try store() } catch { throw .failed(error) }
        info.nextOffset = nextOffset
        info.maxTimestamp = sparse.maxTimestamp
        return info
    }

    private func store() throws(StorageError) {
        try write()
        sparse.addTimeEntry()
        takeIndexEntries()
        try storage.synchronize(log)
        try put(index, paths.index(info.baseOffset))
        try put(times, paths.timeIndex(info.baseOffset))
    }

    private func put(_ bytes: [UInt8], _ path: String) throws(StorageError) {
        let file = try storage.open(path + SegmentReplacement.cleaned, creating: true)
        defer { storage.close(file) }
        try storage.truncate(file, to: 0)
        if !bytes.isEmpty { try storage.write(file, bytes: bytes.span, at: 0) }
        try storage.synchronize(file)
    }
}

/// Puts a written segment in the place of consecutive sealed ones, so that a crash leaves all of the old or all of the
/// new.
///
/// The steps, each on the device before the next: the `.cleaned` files; the name `<base>-<next>.log.swap` for the
/// batches, from which on the new segment counts; the old segments' names gone; the new names. An opening that finds a
/// `.swap` does the rest of it, and removes every `.cleaned`.
struct SegmentReplacement {
    static let cleaned = ".cleaned"
    private static let swap = ".log.swap"

    let storage: any Storage
    let paths: SegmentPaths
    /// Waits about a millisecond before a step is tried again.
    var pause: () -> Void = {}

    /// How often a step about names is tried: for about a second, in which the partition's readers wait.
    private static let tryCount = 1000

    /// What a name with `.swap` says: the segment stands for all offsets of the range.
    private struct Swap {
        var name: String
        var base: Offset
        var next: Offset
    }

    /// Makes the written files count. The caller has told readers that names do not fit meanwhile.
    /// - Parameter replaced: the segments that it stands for, oldest first; the first one has its base.
    /// - Throws: `HousekeepingError.failed` when the first rename failed: nothing has changed. `.inDoubt` when a later
    ///   step failed, one about names many times over: the next opening puts the partition right, but this run cannot
    ///   know any more what is on the device. The log is poisoned.
    func commit(_ segment: SegmentInfo, replacing replaced: [SegmentInfo]) throws(HousekeepingError) {
        precondition(replaced.first?.baseOffset == segment.baseOffset)
        let base = segment.baseOffset
        let swap = Swap(name: Self.swapName(segment), base: base, next: segment.nextOffset)
        // The names first: the device may still have those of an attempt that was abandoned, and a rename that it keeps
        // without what came before would give one of those its place.
        do throws(StorageError) { try storage.synchronizeDirectory(paths.directory) } catch { throw .inDoubt(error) }
        do throws(StorageError) {
            try storage.rename(paths.log(base) + Self.cleaned, to: "\(paths.directory)/\(swap.name)")
        } catch {
            throw .failed(error)
        }
        do throws(StorageError) {
            try storage.synchronizeDirectory(paths.directory)
            try finish(swap, older: replaced.dropFirst().map(\.baseOffset), indexes: indexes(base))
        } catch {
            throw .inDoubt(error)
        }
    }

    private func indexes(_ base: Offset) -> [String] { [paths.index(base), paths.timeIndex(base)] }

    /// Removes what was written in vain.
    func abandon(_ base: Offset) throws(StorageError) {
        for path in indexes(base) + [paths.log(base)] { try storage.remove(path + Self.cleaned) }
    }

    private func finish(_ swap: Swap, older: [Offset], indexes: [String]) throws(StorageError) {
        // The index of topics belongs to the old batches; it is made anew.
        try remove(paths.topics(swap.base))
        for base in older {
            for path in paths.all(base) { try remove(path) }
        }
        if !older.isEmpty { try storage.synchronizeDirectory(paths.directory) }
        for path in indexes { try rename(path + Self.cleaned, to: path) }
        try rename("\(paths.directory)/\(swap.name)", to: paths.log(swap.base))
        try storage.synchronizeDirectory(paths.directory)
    }

    private func remove(_ path: String) throws(StorageError) {
        for _ in 1..<Self.tryCount {
            do throws(StorageError) { return try storage.remove(path) } catch { pause() }
        }
        try storage.remove(path)
    }

    /// Renames, and takes a name that is missing after a failure for one that the failed call has renamed.
    private func rename(_ path: String, to newPath: String) throws(StorageError) {
        for number in 0..<Self.tryCount {
            do throws(StorageError) {
                return try storage.rename(path, to: newPath)
            } catch {
                if number > 0, error.isMissing { return }
                guard number < Self.tryCount - 1, !error.isMissing else { throw error }
                pause()
            }
        }
    }

    /// Completes or undoes what a crash left.
    /// - Parameter names: the names in the partition's directory.
    /// - Returns: whether anything was done, so that the names are to be read again.
    func recover(_ names: [String]) throws(StorageError) -> Bool {
        var isChanged = false
        for name in names {
            guard let swap = Self.parse(name) else { continue }
            // Of a segment that it stands for the crash may have left any of the files.
            let bases = Set(
                ([".log"] + SegmentPaths.companionSuffixes).flatMap { suffix in
                    names.compactMap { SegmentPaths.baseOffset($0, suffix: suffix) }
                })
            // An index that was renamed before the crash has its name already; one that fits nothing is made anew.
            let left = indexes(swap.base).filter { path in
                names.contains { "\(paths.directory)/\($0)" == path + Self.cleaned }
            }
            try finish(swap, older: bases.filter { $0 > swap.base && $0 < swap.next }.sorted(), indexes: left)
            isChanged = true
        }
        for name in names where name.hasSuffix(Self.cleaned) {
            try storage.remove("\(paths.directory)/\(name)")
            isChanged = true
        }
        return isChanged
    }

    private static func swapName(_ segment: SegmentInfo) -> String {
        "\(SegmentPaths.digits(segment.baseOffset))-\(SegmentPaths.digits(segment.nextOffset))\(swap)"
    }

    private static func parse(_ name: String) -> Swap? {
        guard name.hasSuffix(swap), name.utf8.count == 41 + swap.utf8.count else { return nil }
        let parts = name.dropLast(swap.count).split(separator: "-")
        guard parts.count == 2, let base = Int64(parts[0]), let next = Int64(parts[1]), base < next else { return nil }
        return Swap(name: name, base: Offset(rawValue: base), next: Offset(rawValue: next))
    }
}
