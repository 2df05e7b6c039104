import RecordFormat
package import SluiceCore

/// Builds the topic indexes, one section at a time, in the background.
///
/// The newest segment's index grows by a section whenever so much was flushed; a segment that is sealed gets its last
/// one. Segments that were sealed without, as those of an earlier version, are made up for when there is nothing else
/// to do, and an index that a reader found wanting is checked and, from the first bad section on, built again.
///
/// An index is a cache: it is never synchronised, a failure to write one is nobody's trouble, and appends do not wait
/// for it. The header of a section is written behind the rest of it, so that a reader sees all of it or nothing.
/// Isolation: one thread. The log's state is looked at through its lock, the files without it.
package final class TopicIndexer {
    /// Where a segment's index ends, in the log and in its own file.
    private struct Progress {
        var segment: Offset
        /// The log is covered up to here.
        var position: Int64 = 0
        /// The offset that is due at `position`.
        var offset: Offset
        /// Where the next section goes.
        var indexPosition: Int64 = 0

        init(_ segment: Offset) {
            self.segment = segment
            offset = segment
        }
    }

    private struct Partition {
        let paths: SegmentPaths
        var isListed = false
        /// The first offset that is not indexed, in the newest segment or one that was sealed since.
        var frontOffset = Offset.zero
        var front: Progress?
        /// How long the newest segment's file was when it was last looked at, and how often it was as long since.
        var quiet = (byteCount: Int64(0), count: 0)
        /// Sealed segments without a whole index.
        var missing: [Offset] = []
        /// How far the index of the last of them is.
        var backfill: Progress?
        /// Sealed segments whose index was not looked at.
        var unchecked: [Offset] = []
        /// Whether batches in memory may stand for those in the files: until they turn out to be others, as where they
        /// are compressed on their way there.
        var trustsTail = true
        /// Segments that cannot be indexed: reading or writing failed, or their end is damaged.
        var settled: Set<Offset> = []
    }

    /// Bytes of the log that are read at a time.
    private static let readBytes = 1 << 20
    /// Bytes of an index that are written at a time: the real disk writes less than 64 KiB through the page cache,
    /// where the first reader looks for them.
    private static let writeBytes = 32 << 10
    /// Looks at a newest segment that does not grow before it gets a section of half the size: five seconds, at five a
    /// second.
    static let quietCountMin = 25
    /// Batches of the tail that are looked up at a time, with the log's lock held.
    private static let tailCountMax = 256
    /// Segments that readers may have on the list to be checked.
    private static let suspectCountMax = 1024

    private let storage: any Storage
    private let access: any LogStateAccess
    private let sectionBytes: Int64
    private var partitions: [(id: PartitionID, state: Partition)]
    private var suspects: [(number: Int, segment: Offset)] = []
    private var findings: [RecoveryFinding] = []
    private var builder = TopicSectionBuilder()
    private var turn = 0
    private var usedTail = false

    /// An indexer of partitions and their files.
    /// - Parameter sectionBytes: bytes of the log that a section covers, unless it has very many topics.
    package init(
        storage: any Storage, access: any LogStateAccess, partitions: [(id: PartitionID, paths: SegmentPaths)],
        sectionBytes: Int
    ) {
        precondition(sectionBytes > 0 && sectionBytes <= 1 << 30)
        self.storage = storage
        self.access = access
        self.sectionBytes = Int64(sectionBytes)
        self.partitions = partitions.map { ($0.id, Partition(paths: $0.paths)) }
    }

    /// Goes on with these partitions: what is known of those that were there already stays.
    package func follow(_ current: [(id: PartitionID, paths: SegmentPaths)]) {
        let ids = partitions.map(\.id)
        var known: [PartitionID: Partition] = [:]
        for (id, state) in partitions { known[id] = state }
        partitions = current.map { ($0.id, known[$0.id] ?? Partition(paths: $0.paths)) }
        let left = suspects.map { (ids[$0.number], $0.segment) }
        suspects = []
        for (id, segment) in left { examine(id, segment: segment) }
        turn = 0
    }

    /// Puts a segment on the list to be checked: a reader found its index missing, damaged or wrong.
    package func examine(_ partition: PartitionID, segment: Offset) {
        guard suspects.count < Self.suspectCountMax,
            let number = partitions.firstIndex(where: { $0.id == partition }),
            !suspects.contains(where: { $0.number == number && $0.segment == segment })
        else { return }
        suspects.append((number, segment))
    }

    /// What was damaged since the last call.
    package func takeFindings() -> [RecoveryFinding] {
        defer { findings = [] }
        return findings
    }

    /// Does one bounded piece of work: writes a section, or looks at what there is.
    /// - Returns: whether there may be more at once.
    /// - Throws: `StorageError`; the segment in question is left alone from then on, unless the disk was full: then the
    ///   piece may be tried again later.
    package func step() throws(StorageError) -> Bool {
        for number in partitions.indices where !partitions[number].state.isListed {
            try list(number)
            return true
        }
        for number in partitions.indices { takeReplaced(number) }
        if let suspect = suspects.popLast() {
            try check(suspect.number, suspect.segment, verifying: true)
            return true
        }
        for index in partitions.indices {
            let number = (turn + index) % partitions.count
            if try extendFront(number) {
                turn = number + 1
                return true
            }
        }
        for number in partitions.indices where try makeUp(number) { return true }
        // The rest needs no hurry: one that is bad is noticed by its first reader at the latest.
        for number in partitions.indices {
            guard let segment = partitions[number].state.unchecked.popLast() else { continue }
            try check(number, segment, verifying: false)
            break
        }
        return false
    }

    // MARK: Which segment

    /// Finds out which sealed segments have an index, by the names alone.
    private func list(_ number: Int) throws(StorageError) {
        let id = partitions[number].id
        let segments = access.withState { $0.partitions[id.index].segments }
        partitions[number].state.frontOffset = segments.last?.baseOffset ?? .zero
        partitions[number].state.isListed = true
        let names = try storage.list(partitions[number].state.paths.directory)
        let present = Set(names.compactMap { SegmentPaths.baseOffset($0, suffix: ".topics") })
        for segment in segments.dropLast() where segment.byteCount > 0 {
            if present.contains(segment.baseOffset) {
                partitions[number].state.unchecked.append(segment.baseOffset)
            } else {
                partitions[number].state.missing.append(segment.baseOffset)
            }
        }
    }

    /// Forgets the indexes of segments whose files were replaced; they are made anew.
    private func takeReplaced(_ number: Int) {
        let id = partitions[number].id
        for base in access.withState({ $0.partitions[id.index].takeReplaced() }) {
            partitions[number].state.settled.remove(base)
            partitions[number].state.unchecked.removeAll { $0 == base }
            partitions[number].state.missing.removeAll { $0 == base }
            if partitions[number].state.backfill?.segment == base { partitions[number].state.backfill = nil }
            if partitions[number].state.front?.segment == base { partitions[number].state.front = nil }
            if base < partitions[number].state.frontOffset { partitions[number].state.missing.append(base) }
        }
    }

    /// The segment that holds `offset`, or the first one behind it.
    private func segment(_ number: Int, _ offset: Offset) -> (info: SegmentInfo, isSealed: Bool)? {
        let id = partitions[number].id
        return access.withState { state in
            let partition = state.partitions[id.index]
            guard let info = partition.segment(holding: offset) else { return nil }
            return (info, info.baseOffset != partition.segments.last?.baseOffset)
        }
    }

    /// Writes the section that is due in the newest segment, or in one that was sealed since.
    private func extendFront(_ number: Int) throws(StorageError) -> Bool {
        while let (info, isSealed) = segment(number, partitions[number].state.frontOffset) {
            let base = info.baseOffset
            let isDone: Bool
            if partitions[number].state.settled.contains(base) {
                isDone = true
            } else {
                if partitions[number].state.front?.segment != base { try adopt(number, info) }
                guard let front = partitions[number].state.front else { return true }
                isDone = front.position >= info.byteCount
                if !isDone {
                    guard isSealed || isDue(number, info, front) else { return false }
                    partitions[number].state.front = try extend(number, info, front)
                    return true
                }
            }
            guard isDone, isSealed else { return false }
            partitions[number].state.frontOffset = info.nextOffset
        }
        return false
    }

    /// Whether enough was flushed to the newest segment for a section: less when nothing more comes, so that little of
    /// a log at rest is read in sequence.
    private func isDue(_ number: Int, _ info: SegmentInfo, _ front: Progress) -> Bool {
        let left = info.byteCount - front.position
        if left >= sectionBytes { return true }
        guard left >= sectionBytes / 2 else { return false }
        let quiet = partitions[number].state.quiet
        let count = quiet.byteCount == info.byteCount ? quiet.count + 1 : 0
        partitions[number].state.quiet = (info.byteCount, count)
        return count >= Self.quietCountMin
    }

    /// Goes on with a segment's index at the front; nobody else does from now on.
    private func adopt(_ number: Int, _ info: SegmentInfo) throws(StorageError) {
        partitions[number].state.missing.removeAll { $0 == info.baseOffset }
        if partitions[number].state.backfill?.segment == info.baseOffset { partitions[number].state.backfill = nil }
        partitions[number].state.front = try resume(number, info, verifying: false)
    }

    /// Writes a section of a sealed segment that lacks some.
    private func makeUp(_ number: Int) throws(StorageError) -> Bool {
        guard let base = partitions[number].state.missing.last else { return false }
        guard let (info, _) = segment(number, base), info.baseOffset == base,
            !partitions[number].state.settled.contains(base)
        else {
            partitions[number].state.missing.removeLast()
            return true
        }
        if partitions[number].state.backfill?.segment != base {
            partitions[number].state.backfill = try resume(number, info, verifying: false)
        }
        guard let backfill = partitions[number].state.backfill, backfill.position < info.byteCount else {
            partitions[number].state.missing.removeLast()
            partitions[number].state.backfill = nil
            return true
        }
        partitions[number].state.backfill = try extend(number, info, backfill)
        return true
    }

    /// Looks at the index of a segment; what is bad in it is cut off and built again.
    private func check(_ number: Int, _ base: Offset, verifying: Bool) throws(StorageError) {
        guard let (info, _) = segment(number, base), info.baseOffset == base,
            !partitions[number].state.settled.contains(base), !partitions[number].state.missing.contains(base),
            let progress = try resume(number, info, verifying: verifying)
        else { return }
        if partitions[number].state.front?.segment == base, partitions[number].state.frontOffset <= base {
            partitions[number].state.front = progress
        } else if progress.position < info.byteCount, base < partitions[number].state.frontOffset {
            partitions[number].state.missing.append(base)
        }
    }

    // MARK: One segment

    /// Where a segment's index ends: behind the sections that follow on and fit the log. What is behind them is cut
    /// off.
    /// - Returns: nil when the segment is gone, or cannot be read; then it is left alone.
    private func resume(_ number: Int, _ info: SegmentInfo, verifying: Bool) throws(StorageError) -> Progress? {
        try guarding(number, info) { () throws(StorageError) in
            let paths = partitions[number].state.paths
            var progress = Progress(info.baseOffset)
            guard let file = TopicIndexFile(storage, paths.topics(info.baseOffset)) else { return progress }
            defer { file.close() }
            let log = try storage.open(paths.log(info.baseOffset), creating: false)
            defer { storage.close(log) }
            while let found = file.section(at: progress.indexPosition) {
                let section = found.section
                guard section.segment == info.baseOffset, section.startPosition >= progress.position,
                    section.baseOffset >= progress.offset, section.endPosition <= info.byteCount,
                    section.nextOffset <= info.nextOffset, try section.fits(storage, log: log),
                    !verifying || Self.isWhole(file, found)
                else { break }
                progress.position = section.endPosition
                progress.offset = section.nextOffset
                progress.indexPosition = found.end
            }
            if file.end > progress.indexPosition {
                if file.isDamaged(at: progress.indexPosition) {
                    let text = "does not fit the log from \(progress.indexPosition) on; that part is built again"
                    findings.append(
                        RecoveryFinding(severity: .notice, path: paths.topics(info.baseOffset), text: text))
                }
                try file.cut(at: progress.indexPosition)
            }
            return progress
        }
    }

    private static func isWhole(_ file: TopicIndexFile, _ found: TopicIndexFile.Found) -> Bool {
        var lookup = TopicLookup(file, found)
        do throws(TopicDamage) {
            try lookup.verify()
            return true
        } catch {
            return false
        }
    }

    /// Writes the next section of a segment's index, or steps over damage in its log.
    /// - Returns: how far the index is now; nil when the segment is gone, or cannot be indexed.
    private func extend(
        _ number: Int, _ info: SegmentInfo, _ progress: Progress
    ) throws(StorageError) -> Progress? {
        try guarding(number, info) { () throws(StorageError) in
            let paths = partitions[number].state.paths
            var next = progress
            builder.begin(info.baseOffset, at: progress.position)
            usedTail = false
            while next.position < info.byteCount, try collect(number, info, &next) {}
            guard !builder.isEmpty else {
                if next.position >= info.byteCount { partitions[number].state.settled.insert(info.baseOffset) }
                return next
            }
            let section = builder.finish()
            if usedTail, try !fits(section.bytes, paths.log(info.baseOffset)) {
                // Nothing is lost but the work: it is done again from the file.
                partitions[number].state.trustsTail = false
                return progress
            }
            try write(section.bytes, paths.topics(info.baseOffset), at: progress.indexPosition)
            next.indexPosition += Int64(section.count)
            return next
        }
    }

    /// Gives the builder more batches.
    /// - Returns: whether the section goes on behind them.
    private func collect(_ number: Int, _ info: SegmentInfo, _ next: inout Progress) throws(StorageError) -> Bool {
        let left = Int(max(1, min(Int64(Self.readBytes), sectionBytes - builder.logByteCount)))
        var batches =
            partitions[number].state.trustsTail
            ? batchesInMemory(number, info, from: next.offset, byteCountMax: left) : []
        if batches.isEmpty {
            batches = try batchesInFile(number, info, &next, byteCountMax: left)
            if batches.isEmpty { return false }
        } else {
            usedTail = true
        }
        for batch in batches {
            builder.add(batch)
            next.position += Int64(batch.byteCount)
            next.offset = batch.nextOffset
            if builder.isFull { return false }
        }
        return builder.logByteCount < sectionBytes
    }

    /// Flushed batches of the tail: without reading what was written past the page cache just now, an index costs half
    /// the time.
    private func batchesInMemory(
        _ number: Int, _ info: SegmentInfo, from offset: Offset, byteCountMax: Int
    ) -> [RecordBatch] {
        let id = partitions[number].id
        return access.withState { state in
            let partition = state.partitions[id.index]
            var batches: [RecordBatch] = []
            guard partition.tailStart <= offset else { return batches }
            var byteCount = 0
            var index = partition.tailIndex(of: offset)
            while index < partition.flushedCount, batches.count < Self.tailCountMax, byteCount < byteCountMax {
                let batch = partition.tail[index].batch
                guard batch.baseOffset >= offset, batch.nextOffset <= info.nextOffset else { break }
                batches.append(batch)
                byteCount += batch.byteCount
                index += 1
            }
            return batches
        }
    }

    /// Batches that follow at `next` in the log.
    /// - Returns: none when there is damage: if the builder is empty, `next` is behind it then.
    private func batchesInFile(
        _ number: Int, _ info: SegmentInfo, _ next: inout Progress, byteCountMax: Int
    ) throws(StorageError) -> [RecordBatch] {
        let hint = SegmentHint(
            baseOffset: info.baseOffset, revision: info.revision, position: next.position, offset: next.offset)
        let read = try SegmentReader.read(
            storage, partitions[number].state.paths, info, from: next.offset, hint: hint, byteCountMax: byteCountMax)
        let end = read.hint?.position ?? info.byteCount
        let byteCount = read.batches.reduce(Int64(0)) { $0 + Int64($1.byteCount) }
        if read.damagedByteCount == 0, byteCount == end - next.position { return read.batches }
        // Where batches are among damage is not known: no section covers them, and readers read in sequence.
        if builder.isEmpty {
            next.position = end
            next.offset = read.batches.last?.nextOffset ?? next.offset
        }
        return []
    }

    /// Whether a section's first and last batch are where it says.
    private func fits(_ section: Span<UInt8>, _ path: String) throws(StorageError) -> Bool {
        let log = try storage.open(path, creating: false)
        defer { storage.close(log) }
        guard let header = TopicSection(section) else { return false }
        return try header.fits(storage, log: log)
    }

    /// Writes a section, its header last.
    private func write(_ section: Span<UInt8>, _ path: String, at position: Int64) throws(StorageError) {
        let file = try storage.open(path, creating: true)
        defer { storage.close(file) }
        var start = TopicSection.headerByteCount
        while start < section.count {
            let end = min(start + Self.writeBytes, section.count)
            try storage.write(file, bytes: section.extracting(start..<end), at: position + Int64(start))
            start = end
        }
        try storage.write(file, bytes: section.extracting(0..<TopicSection.headerByteCount), at: position)
    }

    /// Runs `body`, and finds out what an error of it means.
    /// - Returns: nil when retention has removed the segment meanwhile.
    /// - Throws: `StorageError` of a segment that is still there; it is left alone then, unless the disk is full.
    private func guarding(
        _ number: Int, _ info: SegmentInfo, _ body: () throws(StorageError) -> Progress
    ) throws(StorageError) -> Progress? {
        var progress: Progress?
        var failure: StorageError?
        do throws(StorageError) { progress = try body() } catch { failure = error }
        let id = partitions[number].id
        if access.withState({ $0.partitions[id.index].start > info.baseOffset }) {
            // Retention removes an index with its segment; one that was written behind its back goes, too.
            try storage.remove(partitions[number].state.paths.topics(info.baseOffset))
            partitions[number].state.frontOffset = max(partitions[number].state.frontOffset, info.nextOffset)
            return nil
        }
        if let failure {
            if !failure.isFull { partitions[number].state.settled.insert(info.baseOffset) }
            throw failure
        }
        return progress
    }
}
