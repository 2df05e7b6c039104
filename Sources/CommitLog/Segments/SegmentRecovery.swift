import RecordFormat
import SluiceCore

/// Brings one partition's segments into a state that can be read and appended to.
///
/// Sealed segments reached the device before the next one existed, so only the newest is read, from the last batch that its index
/// knows. What is there from the journal's first offset on may be torn: it is cut at the first bad batch, and the journal refills it.
/// Before that offset a bad batch is damage: the file is copied aside and rewritten without it; offsets do not move.
struct SegmentRecovery {
    private let storage: any Storage
    private let paths: SegmentPaths
    private let shape: SegmentShape
    /// The first offset that the journal covers.
    private let journalStart: Offset
    private(set) var findings: [RecoveryFinding] = []

    /// What was recovered: the segments, oldest first, and the end of the newest.
    struct Result {
        var segments: [SegmentInfo]
        var writer: SegmentWriter
    }

    init(storage: any Storage, paths: SegmentPaths, shape: SegmentShape, journalStart: Offset) {
        self.storage = storage
        self.paths = paths
        self.shape = shape
        self.journalStart = journalStart
    }

    mutating func recover() throws(StorageError) -> Result {
        let bases = try storage.list(paths.directory)
            .compactMap { SegmentPaths.baseOffset($0, suffix: ".log") }.sorted()
        guard let newest = bases.last else { return try empty() }
        var segments: [SegmentInfo] = []
        for (base, next) in zip(bases, bases.dropFirst()) { segments.append(try sealed(base, next: next)) }
        let recovered = try recoverNewest(newest)
        let active = recovered.info
        let writer = try SegmentWriter(
            storage: storage, paths: paths, shape: shape, active: active, sparse: recovered.takeIndex())
        segments.append(active)
        return Result(segments: segments, writer: writer)
    }

    private func empty() throws(StorageError) -> Result {
        let active = SegmentInfo(baseOffset: .zero)
        let writer = try SegmentWriter(
            storage: storage, paths: paths, shape: shape, active: active,
            sparse: SparseIndex(base: .zero, interval: shape.indexIntervalBytes))
        try storage.synchronizeDirectory(paths.directory)
        return Result(segments: [active], writer: writer)
    }

    private mutating func sealed(_ base: Offset, next: Offset) throws(StorageError) -> SegmentInfo {
        var info = SegmentInfo(baseOffset: base)
        info.nextOffset = next
        info.byteCount = try logByteCount(base)
        if let indexes = try SegmentIndexes.load(storage, paths, base, byteCount: info.byteCount) {
            info.maxTimestamp = indexes.lastTimestamp
        } else if info.byteCount > 0 {
            let scan = try self.scan(base, from: 0, byteCount: info.byteCount)
            info.maxTimestamp = try rewriteIndexes(base, scan, isSealed: true).maxTimestamp
        }
        return info
    }

    private struct Newest: ~Copyable {
        var info: SegmentInfo
        var sparse: SparseIndex

        consuming func takeIndex() -> SparseIndex { sparse }
    }

    private mutating func recoverNewest(_ base: Offset) throws(StorageError) -> Newest {
        var info = SegmentInfo(baseOffset: base)
        let byteCount = try logByteCount(base)
        let indexes = try SegmentIndexes.load(storage, paths, base, byteCount: byteCount)
        var start: Int64 = 0
        if let indexes, indexes.lastPosition > 0 {
            info.byteCount = byteCount
            let covered = try SegmentReader.floorPosition(storage, paths, info, journalStart)
            start = journalStart > base ? min(indexes.lastPosition, covered) : 0
        }
        var found = try scan(base, from: start, byteCount: byteCount)
        if found.damage != nil {
            // Damage in what was durable, or a torn end: look at all of it once, and write what is whole.
            found = try scan(base, from: 0, byteCount: byteCount)
            start = 0
            try settle(base, &found, byteCount: byteCount)
        }
        info.byteCount = found.end
        info.nextOffset = found.batches.last?.nextOffset ?? base
        if let indexes, start == 0 || indexes.lastPosition >= start, found.damage == nil {
            // The index is right; batches behind its last entry only count towards the next one.
            var sparse = SparseIndex(base: base, interval: shape.indexIntervalBytes, behind: indexes)
            for (header, position) in zip(found.batches, found.positions) where position > indexes.lastPosition {
                sparse.note(
                    lastOffset: header.lastOffset, maxTimestamp: header.maxTimestamp, byteCount: header.byteCount,
                    position: position)
            }
            info.maxTimestamp = max(sparse.maxTimestamp, found.batches.map(\.maxTimestamp).max() ?? sparse.maxTimestamp)
            return Newest(info: info, sparse: sparse)
        }
        if start > 0 { found = try scan(base, from: 0, byteCount: info.byteCount) }
        let sparse = try rewriteIndexes(base, found, isSealed: false)
        info.maxTimestamp = sparse.maxTimestamp
        return Newest(info: info, sparse: sparse)
    }

    // MARK: Scanning

    private struct Scan {
        var batches: [BatchHeader] = []
        var positions: [Int64] = []
        /// Where the whole batches end.
        var end: Int64 = 0
        /// Where the first bad batch is, and the offset that was due there.
        var damage: (position: Int64, expected: Offset)?
    }

    /// Reads batch after batch from `start`; behind damage it goes on at the next whole batch.
    private func scan(_ base: Offset, from start: Int64, byteCount: Int64) throws(StorageError) -> Scan {
        let log = try storage.open(paths.log(base), creating: false)
        defer { storage.close(log) }
        var result = Scan()
        result.end = start
        var expected = base
        var position = start
        var chunkByteCount = 4 << 20
        while position < byteCount {
            let bytes = try storage.bytes(
                log, at: position, count: Int(min(Int64(chunkByteCount), byteCount - position)))
            guard !bytes.isEmpty else { break }
            let isLast = position + Int64(bytes.count) >= byteCount
            var index = 0
            while index < bytes.count {
                let rest = bytes.span.extracting(index..<bytes.count)
                var header: BatchHeader?
                var isBad = false
                do throws(BatchError) { header = try RecordBatch.verify(rest) } catch { isBad = true }
                if let header, header.baseOffset >= expected {
                    result.batches.append(header)
                    result.positions.append(position + Int64(index))
                    expected = header.nextOffset
                    index += header.byteCount
                    result.end = position + Int64(index)
                    continue
                }
                if header == nil, !isBad, !isLast { break }
                if result.damage == nil { result.damage = (position + Int64(index), expected) }
                index +=
                    BatchSearch.next(rest, after: 1) ?? max(1, rest.count - (isLast ? 0 : BatchLayout.headerByteCount))
            }
            // A batch larger than the chunk needs a larger chunk.
            if index == 0 { chunkByteCount *= 2 } else { chunkByteCount = 4 << 20 }
            position += Int64(index)
        }
        return result
    }

    /// Cuts a torn end off, or sets a damaged file aside and rewrites it; `found` is left with what is whole, at its new positions.
    private mutating func settle(_ base: Offset, _ found: inout Scan, byteCount: Int64) throws(StorageError) {
        guard let damage = found.damage else { return }
        let isTorn = damage.expected >= journalStart
        let behind = found.positions.firstIndex { $0 > damage.position }
        if isTorn || behind == nil {
            let kept = behind ?? found.batches.count
            found.batches.removeSubrange(kept...)
            found.positions.removeSubrange(kept...)
            found.end = damage.position
            findings.append(
                RecoveryFinding(
                    severity: isTorn ? .notice : .damage, path: paths.log(base),
                    text:
                        "cut at \(damage.position): the last \(byteCount - damage.position) bytes are not whole batches"
                ))
            let log = try storage.open(paths.log(base), creating: false)
            defer { storage.close(log) }
            try storage.truncate(log, to: damage.position)
            try storage.synchronize(log)
            return
        }
        try rewrite(base, &found, byteCount: byteCount)
    }

    /// Copies the file aside and replaces it by its whole batches.
    private mutating func rewrite(_ base: Offset, _ found: inout Scan, byteCount: Int64) throws(StorageError) {
        let path = paths.log(base)
        let source = try storage.open(path, creating: false)
        defer { storage.close(source) }
        try copy(source, to: path + ".damaged", [(0, byteCount)])
        var position: Int64 = 0
        var ranges: [(Int64, Int64)] = []
        for index in found.batches.indices {
            let count = Int64(found.batches[index].byteCount)
            if let last = ranges.last, last.0 + last.1 == found.positions[index] {
                ranges[ranges.count - 1].1 += count
            } else {
                ranges.append((found.positions[index], count))
            }
            found.positions[index] = position
            position += count
        }
        try copy(source, to: path + ".new", ranges)
        try storage.rename(path + ".new", to: path)
        try storage.synchronizeDirectory(paths.directory)
        found.end = position
        findings.append(
            RecoveryFinding(
                severity: .damage, path: path,
                text: "\(byteCount - position) damaged bytes left out; the whole file is kept as \(path).damaged"))
    }

    private func copy(_ source: FileID, to path: String, _ ranges: [(Int64, Int64)]) throws(StorageError) {
        let target = try storage.open(path, creating: true)
        defer { storage.close(target) }
        try storage.truncate(target, to: 0)
        var position: Int64 = 0
        for (start, count) in ranges {
            var done: Int64 = 0
            while done < count {
                let bytes = try storage.bytes(source, at: start + done, count: Int(min(4 << 20, count - done)))
                guard !bytes.isEmpty else { break }
                try storage.write(target, bytes: bytes.span, at: position)
                position += Int64(bytes.count)
                done += Int64(bytes.count)
            }
        }
        try storage.synchronize(target)
    }

    // MARK: Indexes

    /// Writes both indexes anew from the batches of a whole scan.
    private func rewriteIndexes(_ base: Offset, _ found: Scan, isSealed: Bool) throws(StorageError) -> SparseIndex {
        var sparse = SparseIndex(base: base, interval: shape.indexIntervalBytes)
        for (header, position) in zip(found.batches, found.positions) {
            sparse.note(
                lastOffset: header.lastOffset, maxTimestamp: header.maxTimestamp, byteCount: header.byteCount,
                position: position)
        }
        if isSealed { sparse.addTimeEntry() }
        try replace(paths.index(base), sparse.index.bytes)
        try replace(paths.timeIndex(base), sparse.timeIndex.bytes)
        sparse.taken()
        return sparse
    }

    private func replace(_ path: String, _ bytes: Span<UInt8>) throws(StorageError) {
        let file = try storage.open(path, creating: true)
        defer { storage.close(file) }
        try storage.truncate(file, to: 0)
        if !bytes.isEmpty { try storage.write(file, bytes: bytes, at: 0) }
        try storage.synchronize(file)
    }

    private func logByteCount(_ base: Offset) throws(StorageError) -> Int64 {
        let log = try storage.open(paths.log(base), creating: false)
        defer { storage.close(log) }
        return try storage.byteCount(log)
    }
}
