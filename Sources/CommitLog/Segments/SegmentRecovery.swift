import RecordFormat
import SluiceCore

/// Brings one partition's segments into a state that can be read and appended to.
///
/// Sealed segments reached the device before the next one existed, so only the newest is read, from the last indexed
/// batch that the journal does not cover. What is there from the journal's first offset on may be torn: it is cut at
/// the first bad batch, and the journal refills it.
/// Before that offset a bad batch is damage: the file is copied aside and rewritten without it; offsets do not move.
struct SegmentRecovery {
    private let storage: any Storage
    private let paths: SegmentPaths
    private let shape: SegmentShape
    /// The first offset that the journal covers.
    private let journalStart: Offset
    /// Where the partition ends as far as the journal knows; nil when it says nothing of it.
    private let journalEnd: Offset?
    private(set) var findings: [RecoveryFinding] = []

    /// What was recovered: the segments, oldest first, and the end of the newest.
    struct Result {
        var segments: [SegmentInfo]
        var writer: SegmentWriter
    }

    init(
        storage: any Storage, paths: SegmentPaths, shape: SegmentShape, journalStart: Offset, journalEnd: Offset?
    ) {
        self.storage = storage
        self.paths = paths
        self.shape = shape
        self.journalStart = journalStart
        self.journalEnd = journalEnd
    }

    mutating func recover() throws(StorageError) -> Result {
        let result = try recoverSegments()
        // Names that this or a killed run made must be on the device before anything depends on them.
        try storage.synchronizeDirectory(paths.directory)
        return result
    }

    private mutating func recoverSegments() throws(StorageError) -> Result {
        var names = try storage.list(paths.directory)
        if try SegmentReplacement(storage: storage, paths: paths).recover(names) {
            names = try storage.list(paths.directory)
        }
        let bases = names.compactMap { SegmentPaths.baseOffset($0, suffix: ".log") }.sorted()
        try removeOrphans(names, Set(bases))
        guard let newest = bases.last else {
            if let journalEnd, journalEnd > .zero {
                let text = "every segment is missing; offsets go on at \(journalEnd.rawValue) or behind"
                findings.append(RecoveryFinding(severity: .damage, path: paths.directory, text: text))
            }
            return try empty()
        }
        var segments: [SegmentInfo] = []
        for (base, next) in zip(bases, bases.dropFirst()) { segments.append(try sealed(base, next: next)) }
        let recovered = try recoverNewest(newest)
        let active = recovered.info
        let producers = try producers(names, bases, end: active.byteCount)
        let writer = try SegmentWriter(
            storage: storage, paths: paths, shape: shape, active: active, sparse: recovered.takeIndex(),
            producers: producers)
        segments.append(active)
        return Result(segments: segments, writer: writer)
    }

    /// The producers as of the newest segment's end; nil when no producer has written to it, and none is remembered.
    private mutating func producers(_ names: [String], _ bases: [Offset], end: Int64) throws(StorageError)
        -> ProducerStates?
    {
        let snapshots = names.compactMap { SegmentPaths.baseOffset($0, suffix: ".snapshot") }
        guard let newest = bases.last, !snapshots.isEmpty else { return nil }
        var states = ProducerStates()
        var start = bases.startIndex
        for (index, base) in bases.enumerated().reversed() where snapshots.contains(base) {
            guard let found = ProducerSnapshot.load(storage, paths, base) else { continue }
            (states, start) = (found, index)
            break
        }
        for base in bases[start...] {
            let byteCount = base == newest ? end : try logByteCount(base)
            for header in try scan(base, from: 0, byteCount: byteCount).batches { states.note(header) }
        }
        guard bases[start] != newest else { return states }
        // A snapshot that no newest segment has says that nobody writes there; with an older one it says too little.
        let text = "made anew from the batches since offset \(bases[start].rawValue)"
        findings.append(RecoveryFinding(severity: .notice, path: paths.snapshot(newest), text: text))
        return states
    }

    /// Removes indexes without a segment: what a crash left of one that retention removed, or that was about to begin.
    /// A time index with entries between two segments is what is left of a lost one: a roll that a crash undid had
    /// written none.
    private mutating func removeOrphans(_ names: [String], _ bases: Set<Offset>) throws(StorageError) {
        let (first, last) = (bases.min(), bases.max())
        var lost: Set<Offset> = []
        for name in names {
            for suffix in SegmentPaths.companionSuffixes {
                guard let base = SegmentPaths.baseOffset(name, suffix: suffix), !bases.contains(base) else { continue }
                let path = "\(paths.directory)/\(name)"
                if let first, let last, base > first, base < last, suffix == ".timeindex", try holdsSomething(path) {
                    lost.insert(base)
                }
                try storage.remove(path)
            }
        }
        for base in lost.sorted() {
            findings.append(
                RecoveryFinding(
                    severity: .damage, path: paths.log(base), text: "is missing, and its records are; it had indexes"))
        }
    }

    private func holdsSomething(_ path: String) throws(StorageError) -> Bool {
        let file = try storage.open(path, creating: false)
        defer { storage.close(file) }
        return try storage.byteCount(file) > 0
    }

    private func empty() throws(StorageError) -> Result {
        let active = SegmentInfo(baseOffset: .zero)
        let writer = try SegmentWriter(
            storage: storage, paths: paths, shape: shape, active: active,
            sparse: SparseIndex(base: .zero, interval: shape.indexIntervalBytes))
        return Result(segments: [active], writer: writer)
    }

    private mutating func sealed(_ base: Offset, next: Offset) throws(StorageError) -> SegmentInfo {
        var info = SegmentInfo(baseOffset: base)
        info.nextOffset = next
        info.byteCount = try logByteCount(base)
        // An empty segment that was about to be replaced has nothing in its indexes either.
        if info.byteCount == 0, try SegmentIndexes.load(storage, paths, base)?.lastTime == nil { return info }
        if let timestamp = try SegmentIndexes.closingTimestamp(storage, paths, base, byteCount: info.byteCount) {
            info.maxTimestamp = timestamp
            return info
        }
        let lastTime = try SegmentIndexes.load(storage, paths, base)?.lastTime
        let found = try scan(base, from: 0, byteCount: info.byteCount, end: next)
        info.maxTimestamp = try rewriteIndexes(base, found, behind: nil, isSealed: true).maxTimestamp
        var severity = RecoveryFinding.Severity.damage
        let text: String
        if let damage = found.damage {
            text = "damaged at \(damage.position); readers pass over it"
        } else if let lastTime, lastTime.offset >= found.expected {
            text = "ends before offset \(found.expected.rawValue), its index knows \(lastTime.offset.rawValue)"
        } else {
            severity = .notice
            text = "the indexes did not fit and are written anew"
        }
        findings.append(RecoveryFinding(severity: severity, path: paths.log(base), text: text))
        return info
    }

    private struct Newest: ~Copyable {
        var info: SegmentInfo
        var sparse: SparseIndex

        consuming func takeIndex() -> SparseIndex { sparse }
    }

    private mutating func recoverNewest(_ base: Offset) throws(StorageError) -> Newest {
        var info = SegmentInfo(baseOffset: base)
        try refresh(base)
        let byteCount = try logByteCount(base)
        // What ends before the journal begins was on the device, and so were the index entries up to there. The rest is
        // read again.
        var indexes = try SegmentIndexes.load(storage, paths, base)?.prefix(before: journalStart)
        if let last = indexes?.lastEntry, try !isRight(last, base, byteCount) { indexes = nil }
        var found = try scan(base, from: indexes?.lastEntry?.position ?? 0, byteCount: byteCount)
        if found.damage != nil {
            // A torn end, or damage in what was durable: look at all of it once, and keep what is whole.
            indexes = nil
            found = try scan(base, from: 0, byteCount: byteCount)
            try settle(base, &found, byteCount: byteCount)
        }
        info.byteCount = found.end
        info.nextOffset = found.batches.last?.nextOffset ?? base
        let sparse = try rewriteIndexes(base, found, behind: indexes, isSealed: false)
        info.maxTimestamp = sparse.maxTimestamp
        return Newest(info: info, sparse: sparse)
    }

    /// Sees to it that what is read is on the device. A run whose synchronisation failed leaves bytes in memory that
    /// the device does not have, and another synchronisation would succeed without them; the journal has them still.
    private func refresh(_ base: Offset) throws(StorageError) {
        let log = try storage.open(paths.log(base), creating: false)
        defer { storage.close(log) }
        try storage.synchronize(log)
        try storage.refresh(log)
    }

    private func isRight(_ entry: SegmentIndexes.Entry, _ base: Offset, _ byteCount: Int64) throws(StorageError) -> Bool
    {
        guard entry.position < byteCount else { return false }
        let log = try storage.open(paths.log(base), creating: false)
        defer { storage.close(log) }
        let header = try SegmentIndexes.header(storage, log, at: entry.position)
        return header?.lastOffset == entry.lastOffset
    }

    /// Reads all of a segment, leaves out what is damaged, and makes its indexes fit.
    /// - Parameter next: the base of the segment behind it; nil for the newest.
    /// - Returns: the bytes that it had.
    mutating func repair(_ base: Offset, next: Offset?) throws(StorageError) -> Int64 {
        let byteCount = try logByteCount(base)
        var found = try scan(base, from: 0, byteCount: byteCount, end: next)
        // What reaches beyond the segment is no batch of it, and readers pass over it.
        if let next { found.leaveOut(from: next) }
        if found.damage != nil {
            try rewrite(base, &found, byteCount: byteCount)
            try storage.remove(paths.topics(base))
        }
        let before = try SegmentIndexes.load(storage, paths, base)
        _ = try rewriteIndexes(base, found, behind: nil, isSealed: next != nil)
        let after = try SegmentIndexes.load(storage, paths, base)
        if before?.index != after?.index || before?.times != after?.times {
            findings.append(
                RecoveryFinding(
                    severity: .notice, path: paths.log(base), text: "the indexes did not fit and are written anew"))
        }
        return byteCount
    }

    // MARK: Scanning

    private struct Scan {
        var batches: [BatchHeader] = []
        var positions: [Int64] = []
        /// Where the whole batches end.
        var end: Int64 = 0
        /// Where the first bad batch is, and the offset that was due there.
        var damage: (position: Int64, expected: Offset)?
        var expected: Offset
        /// The offset behind the last record, where it is known.
        let segmentEnd: Offset?
        /// Whether bytes were passed over just before.
        var isBehindDamage = false

        /// Counts batches that reach behind `end` as damage.
        mutating func leaveOut(from end: Offset) {
            for index in batches.indices.reversed() where batches[index].nextOffset > end {
                if damage.map({ $0.position > positions[index] }) ?? true {
                    damage = (positions[index], batches[index].baseOffset)
                }
                batches.remove(at: index)
                positions.remove(at: index)
            }
        }
    }

    /// Reads batch after batch from `start`; behind damage it goes on at the next whole batch.
    /// - Parameter segmentEnd: the offset behind the segment's last record; nil in the newest, where the journal knows.
    private func scan(
        _ base: Offset, from start: Int64, byteCount: Int64, end segmentEnd: Offset? = nil
    ) throws(StorageError) -> Scan {
        let log = try storage.open(paths.log(base), creating: false)
        defer { storage.close(log) }
        var result = Scan(end: start, expected: base, segmentEnd: segmentEnd ?? journalEnd)
        // An indexed batch was found right; the scan begins with its offset.
        if start > 0, let first = try SegmentIndexes.header(storage, log, at: start) {
            result.expected = first.baseOffset
        }
        var position = start
        var chunkByteCount = 4 << 20
        while position < byteCount {
            let left = byteCount - position
            let bytes = try storage.bytes(log, at: position, count: Int(min(Int64(chunkByteCount), left)))
            guard !bytes.isEmpty else { break }
            let taken = take(bytes.span, at: position, leftInFile: left, into: &result)
            // A batch larger than the chunk needs a larger chunk.
            if taken == 0 { chunkByteCount *= 2 } else { chunkByteCount = 4 << 20 }
            position += Int64(taken)
        }
        return result
    }

    private func take(_ bytes: Span<UInt8>, at position: Int64, leftInFile: Int64, into result: inout Scan) -> Int {
        var index = 0
        while index < bytes.count {
            let rest = bytes.extracting(index..<bytes.count)
            let left = leftInFile - Int64(index)
            do throws(BatchError) {
                guard let header = try RecordBatch.verify(rest) else {
                    let needed = try BatchHeader(rest)?.byteCount ?? BatchLayout.headerByteCount
                    guard Int64(needed) > left else { return index }
                    throw .length(rest.count)
                }
                // A copy of an older block is whole and does not count.
                guard header.baseOffset >= result.expected else { throw .offset(header.baseOffset.rawValue) }
                let needed = BatchSearch.neededByteCount(
                    toTrust: header, expected: result.expected, isBehindDamage: result.isBehindDamage)
                if rest.count < needed, left >= Int64(needed) { return index }
                try BatchSearch.checkOffset(
                    header, rest, expected: result.expected, isBehindDamage: result.isBehindDamage,
                    end: result.segmentEnd)
                // Nothing reaches a segment before the journal says so; a gap that leads beyond is none.
                if let journalEnd, header.baseOffset > result.expected, header.nextOffset > journalEnd {
                    throw .offset(header.baseOffset.rawValue)
                }
                result.batches.append(header)
                result.positions.append(position + Int64(index))
                result.expected = header.nextOffset
                result.isBehindDamage = false
                index += header.byteCount
                result.end = position + Int64(index)
            } catch {
                if result.damage == nil { result.damage = (position + Int64(index), result.expected) }
                index += BatchSearch.next(rest, after: 1, leftInFile: left)
                result.isBehindDamage = true
            }
        }
        return index
    }

    /// Cuts a torn end off, or sets a damaged file aside and rewrites it; `found` is left with what is whole, at its
    /// new positions.
    private mutating func settle(_ base: Offset, _ found: inout Scan, byteCount: Int64) throws(StorageError) {
        guard let damage = found.damage else { return }
        guard damage.expected >= journalStart else { return try rewrite(base, &found, byteCount: byteCount) }
        let kept = found.positions.firstIndex { $0 > damage.position } ?? found.batches.count
        found.batches.removeSubrange(kept...)
        found.positions.removeSubrange(kept...)
        found.end = damage.position
        findings.append(
            RecoveryFinding(
                severity: .notice, path: paths.log(base),
                text: "cut at \(damage.position): the last \(byteCount - damage.position) bytes were torn by the stop"))
        let log = try storage.open(paths.log(base), creating: false)
        defer { storage.close(log) }
        try storage.truncate(log, to: damage.position)
        try storage.synchronize(log)
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

    /// Writes both indexes: what is right of them already, and the entries that the batches found behind it are due.
    private func rewriteIndexes(
        _ base: Offset, _ found: Scan, behind indexes: SegmentIndexes?, isSealed: Bool
    ) throws(StorageError) -> SparseIndex {
        var sparse = SparseIndex(base: base, interval: shape.indexIntervalBytes, behind: indexes)
        for (header, position) in zip(found.batches, found.positions) {
            sparse.note(
                lastOffset: header.lastOffset, maxTimestamp: header.maxTimestamp, byteCount: header.byteCount,
                position: position)
        }
        if isSealed { sparse.addTimeEntry() }
        try replace(paths.index(base), indexes?.index ?? [], sparse.index.bytes)
        try replace(paths.timeIndex(base), indexes?.times ?? [], sparse.timeIndex.bytes)
        sparse.taken()
        return sparse
    }

    private func replace(_ path: String, _ kept: [UInt8], _ added: Span<UInt8>) throws(StorageError) {
        var bytes = kept
        for index in added.indices { bytes.append(added[index]) }
        let file = try storage.open(path, creating: true)
        defer { storage.close(file) }
        let present = try storage.byteCount(file)
        if present == Int64(bytes.count), try storage.bytes(file, at: 0, count: bytes.count) == bytes { return }
        try storage.truncate(file, to: 0)
        if !bytes.isEmpty { try storage.write(file, bytes: bytes.span, at: 0) }
        try storage.synchronize(file)
    }

    private func logByteCount(_ base: Offset) throws(StorageError) -> Int64 {
        let log = try storage.open(paths.log(base), creating: false)
        defer { storage.close(log) }
        return try storage.byteCount(log)
    }
}
