import LogInterface
import RecordFormat
import SluiceCore

/// One call of a reader with a selection: goes from stretch to stretch, and from segment to segment, until it has
/// enough, or has done its share of work.
///
/// What it returns is what reading everything would return, less batches that hold no selected record. Whatever in an
/// index is missing, damaged or does not fit the log makes it read everything there.
/// Isolation: a value for one call, on a thread that may wait for the disk.
struct SelectiveRead {
    /// Sections that one call looks into before it returns, also empty-handed: a reader thread serves others too.
    private static let sectionCountMax = 64
    /// The same, of a call that has found something.
    private static let sectionCountEnough = 16
    /// Bytes that one call reads. Bytes of an index count four times: their topics are compared one by one.
    private static let workBytesMax = 8 << 20
    /// Batches nearer to each other than this are read with what is between them.
    private static let gapBytesMax = 16 << 10

    private let storage: any Storage
    private let paths: SegmentPaths
    private let selection: TopicSelection
    private let byteCountMax: Int
    private(set) var batches: [RecordBatch] = []
    private(set) var damagedByteCount: Int64 = 0
    /// Everything before this was read or ruled out.
    private(set) var offset: Offset
    private(set) var hint: SegmentHint?
    /// A segment whose index was missing, damaged or wrong.
    private(set) var suspect: Offset?
    private var byteCount = 0
    private var workBytes = 0
    private var sectionCount = 0
    /// A section that named a batch that is not there: its stretch is read in sequence.
    private var distrusted: TopicSection?

    init(
        _ storage: any Storage, _ paths: SegmentPaths, _ selection: TopicSelection, from offset: Offset,
        hint: SegmentHint?, byteCountMax: Int
    ) {
        self.storage = storage
        self.paths = paths
        self.selection = selection
        self.byteCountMax = byteCountMax
        self.offset = offset
        self.hint = hint
    }

    /// Whether the call should go on.
    var goesOn: Bool {
        guard workBytes < Self.workBytesMax else { return false }
        if batches.isEmpty { return sectionCount < Self.sectionCountMax }
        return byteCount < byteCountMax && sectionCount < Self.sectionCountEnough
    }

    /// Goes on at `start`, since nothing before it is kept.
    mutating func skip(to start: Offset) {
        if start > offset { offset = start }
    }

    /// Reads on to the end of `segment`, or until the call has done its share.
    /// - Parameter isSealed: whether its index should be complete.
    /// - Throws: `StorageError`; what was read before it counts.
    mutating func read(_ segment: SegmentInfo, isSealed: Bool) throws(StorageError) {
        let log = try storage.open(paths.log(segment.baseOffset), creating: false)
        defer { storage.close(log) }
        let index = TopicIndexFile(storage, paths.topics(segment.baseOffset))
        defer { index?.close() }
        repeat {
            let plan = try plan(segment, isSealed, log, index)
            if plan.batches == nil {
                try takeAll(plan, segment)
            } else {
                try take(plan, log)
            }
        } while goesOn && offset < segment.nextOffset
    }

    // MARK: Planning

    private mutating func plan(
        _ segment: SegmentInfo, _ isSealed: Bool, _ log: FileID, _ index: TopicIndexFile?
    ) throws(StorageError) -> TopicPlan {
        var indexPosition: Int64 = 0
        if let hint, hint.isOf(segment), let plan = hint.plan {
            if plan.serves(offset, of: segment, selection), try isCurrent(plan, log) { return plan }
            if plan.offsets.upperBound <= offset { indexPosition = plan.nextIndexPosition }
        }
        sectionCount += 1
        var found: TopicIndexFile.Found?
        if let index { found = try section(index, segment, log, from: indexPosition) }
        guard let found, let index else {
            // Behind the last batch of a sealed segment there may be a hole, which no section covers.
            if isSealed, hint?.position != segment.byteCount { suspect = suspect ?? segment.baseOffset }
            return TopicPlan(
                segment: segment, selection: selection, offsets: offset..<segment.nextOffset,
                endPosition: segment.byteCount, section: nil, batches: nil, nextIndexPosition: index?.end ?? 0)
        }
        guard found.section.baseOffset <= offset else {
            return TopicPlan(
                segment: segment, selection: selection, offsets: offset..<found.section.baseOffset,
                endPosition: found.section.startPosition, section: found.section, batches: nil,
                nextIndexPosition: found.position)
        }
        return TopicPlan(
            segment: segment, selection: selection, offsets: offset..<found.section.nextOffset,
            endPosition: found.section.endPosition, section: found.section, batches: lookUp(index, found),
            nextIndexPosition: found.end)
    }

    /// Whether what the plan says of the log still holds. Batches of a list are checked one by one; that a stretch
    /// which is read in sequence ends where it does is the index's word.
    private func isCurrent(_ plan: TopicPlan, _ log: FileID) throws(StorageError) -> Bool {
        guard plan.batches == nil, let section = plan.section else { return true }
        return try section.fits(storage, log: log)
    }

    /// The first section with records from `offset` on that fits the log.
    private mutating func section(
        _ index: TopicIndexFile, _ segment: SegmentInfo, _ log: FileID, from indexPosition: Int64
    ) throws(StorageError) -> TopicIndexFile.Found? {
        var isDamaged = false
        var next = index.section(at: indexPosition)
        // A place in an index that was written anew may be the middle of a section.
        if next == nil, indexPosition < index.end { next = index.next(at: 0, isDamaged: &isDamaged) }
        while let found = next {
            let section = found.section
            if section.nextOffset > offset {
                if section.segment == segment.baseOffset, section.endPosition <= segment.byteCount,
                    section.nextOffset <= segment.nextOffset, try section.fits(storage, log: log)
                {
                    if isDamaged { suspect = suspect ?? segment.baseOffset }
                    return found
                }
                isDamaged = true
            }
            next = index.next(at: found.end, isDamaged: &isDamaged)
        }
        if isDamaged { suspect = suspect ?? segment.baseOffset }
        return nil
    }

    private mutating func lookUp(_ index: TopicIndexFile, _ found: TopicIndexFile.Found) -> [PlannedBatch]? {
        guard found.section != distrusted else { return nil }
        var lookup = TopicLookup(index, found)
        defer { workBytes += lookup.byteCount * 4 }
        do throws(TopicDamage) {
            return try lookup.batches(selection, countMax: TopicPlan.batchCountMax)
        } catch {
            suspect = suspect ?? found.section.segment
            return nil
        }
    }

    // MARK: Reading

    /// Reads everything on, up to the stretch's end.
    private mutating func takeAll(_ plan: TopicPlan, _ segment: SegmentInfo) throws(StorageError) {
        var stretch = segment
        stretch.nextOffset = plan.offsets.upperBound
        stretch.byteCount = plan.endPosition
        let read = try SegmentReader.read(
            storage, paths, stretch, from: offset, hint: hint, byteCountMax: max(1, byteCountMax - byteCount))
        for batch in read.batches { count(batch) }
        damagedByteCount += read.damagedByteCount
        workBytes += Int(read.damagedByteCount)
        guard var next = read.hint else { return finish(plan) }
        next.plan = plan
        offset = next.offset
        hint = next
    }

    /// Reads the batches of the list on.
    private mutating func take(_ plan: TopicPlan, _ log: FileID) throws(StorageError) {
        guard let list = plan.batches, let section = plan.section else { return }
        let first = plan.firstBatch(from: offset)
        var number = first
        while number < list.count {
            // Each call gets on, however much the look-up took.
            guard goesOn || number == first else {
                hint = SegmentHint(
                    baseOffset: plan.segment, revision: plan.revision, position: nil, offset: offset, plan: plan)
                return
            }
            let end = runEnd(list, from: number)
            guard try take(list[number..<end], section, log) else {
                // The log is damaged here, or it is another one: what is there is found by reading all of it.
                distrusted = section
                suspect = suspect ?? plan.segment
                hint = nil
                return
            }
            number = end
        }
        finish(plan)
    }

    /// The end of the batches that are read together: near to each other, and no more than are wanted.
    private func runEnd(_ list: [PlannedBatch], from start: Int) -> Int {
        var end = start + 1
        var wanted = byteCount + Int(list[start].byteCount)
        while end < list.count, wanted < byteCountMax,
            Int(list[end].position) - Int(list[end - 1].position + list[end - 1].byteCount) < Self.gapBytesMax
        {
            wanted += Int(list[end].byteCount)
            end += 1
        }
        return end
    }

    /// Takes batches that lie near to each other.
    /// - Returns: false when one is not what the section says; `offset` is at it.
    private mutating func take(
        _ run: ArraySlice<PlannedBatch>, _ section: TopicSection, _ log: FileID
    ) throws(StorageError) -> Bool {
        guard let first = run.first, let last = run.last else { return true }
        let start = Int(first.position)
        let count = Int(last.position) + Int(last.byteCount) - start
        var bytes = ByteBuffer(capacity: count)
        let (storage, position) = (storage, section.startPosition + Int64(start))
        try unsafe bytes.append(upTo: count) { (memory) throws(StorageError) in
            try unsafe storage.read(log, into: memory, at: position)
        }
        workBytes += bytes.count
        let slab = BatchSlab(bytes)
        for planned in run {
            offset = max(offset, section.baseOffset.advanced(by: Int(planned.offset)))
            let from = min(Int(planned.position) - start, slab.count)
            let one = slab.bytes.extracting(from..<min(slab.count, from + Int(planned.byteCount)))
            guard let header = Self.header(planned, section, one) else { return false }
            note(
                RecordBatch(slab, at: from, memoryByteCount: header.byteCount, header: header), planned, section)
        }
        return true
    }

    private mutating func note(_ batch: RecordBatch, _ planned: PlannedBatch, _ section: TopicSection) {
        // A reader that begins in a hole has the batch before it behind it.
        if batch.nextOffset > offset { count(batch) }
        offset = max(offset, section.baseOffset.advanced(by: Int(planned.offset) + Int(planned.advance)))
    }

    /// The header of the batch that the section says is here; nil when another one is, or none.
    private static func header(
        _ planned: PlannedBatch, _ section: TopicSection, _ bytes: Span<UInt8>
    ) -> BatchHeader? {
        do throws(BatchError) {
            guard let header = try RecordBatch.verify(bytes), header.byteCount == Int(planned.byteCount),
                header.baseOffset == section.baseOffset.advanced(by: Int(planned.offset)),
                header.lastOffsetDelta < Int(planned.advance)
            else { return nil }
            return header
        } catch {
            return nil
        }
    }

    private mutating func count(_ batch: RecordBatch) {
        batches.append(batch)
        byteCount += batch.byteCount
    }

    /// The stretch is done: the next one begins where it ends.
    private mutating func finish(_ plan: TopicPlan) {
        offset = max(offset, plan.offsets.upperBound)
        hint = SegmentHint(
            baseOffset: plan.segment, revision: plan.revision, position: plan.endPosition, offset: offset, plan: plan)
    }
}
