package import LogInterface
package import RecordFormat
package import SluiceCore

/// The log in memory: every partition, the pending commit group, and the tail in LSN order. Does no I/O and takes no
/// lock.
///
/// Invariants: `durable LSN <= written LSN < pending LSN`; the tail's sequence numbers are dense; `flushableEnd <=
/// visibleEnd`.
/// A batch goes to its segment file only when its group is durable: what a crash tears in a segment is then always
/// covered by the journal, with its bytes or with a reservation of its offsets.
/// More than twenty stored properties: an append or a commit moves most of them together, under one lock.
/// Isolation: guarded by the runtime's lock; each call is short.
package struct LogState: ~Copyable {
    /// Every partition, by its number, those of deleted streams among them.
    package internal(set) var partitions: [PartitionState]
    /// The streams that the partitions belong to.
    package internal(set) var registry: StreamRegistry
    /// The bounds that it keeps to.
    package let limits: LogLimits
    private var pending: CommitGroup
    /// The group that is with whoever writes it, if any is.
    private var inFlight: LSN?
    private var tail = Ring<LogEntry>(capacity: 1024)
    private var tailStart: UInt64 = 0
    /// Bytes of memory that the newest records take.
    package private(set) var tailBytes = 0
    private var visibleEnd: UInt64 = 0
    private var visibleTimes = VisibleTimes()
    /// The parts of segments whose headers were looked at for regions.
    var walked = WalkedSegments()
    private var flushableEnd: UInt64 = 0
    private var scans: [Scan] = []
    private var flushQueue = Ring<PartitionID>()
    /// The newest group that the operating system has.
    package private(set) var written: LSN
    /// The newest group that the device has.
    package private(set) var durable: LSN
    /// Bytes that are not in segment files.
    package internal(set) var unflushedBytes = 0
    /// Bytes that are not in segment files and may go there, since their groups are durable.
    package internal(set) var flushableBytes = 0
    /// Bytes that went to segment files in this run.
    package private(set) var flushedBytes: Int64 = 0
    /// Whether batches whose bytes are in no journal may go to their segment file: they are flushed sooner.
    package private(set) var hasUnjournaled = false
    /// What bounds the log as a whole.
    package var policy = LogPolicy()
    /// Why the log refuses work, for good.
    package private(set) var poison: StorageError?
    /// Whether a stream was deleted in this run, or before: some partition is gone.
    var hasGone = false
    private var fullCauses: [FullCause: StorageError] = [:]
    /// Bytes that may be appended until the directory is at its quota, as far as was last looked; nil without one.
    private var quotaRoom: Int64?

    /// Why there is no space.
    package enum FullCause: Hashable, Sendable {
        /// The device, or the system's quota, has no more; or a call fails that can be made again.
        case device
        /// The data directory has reached its own quota.
        case quota
    }

    private struct Scan {
        var appended: UInt64?
        var durable: UInt64?
        var oldest: UInt64 { min(appended ?? UInt64.max, durable ?? UInt64.max) }
    }

    /// A log whose partitions were recovered, and whose next group is `nextLSN`.
    package init(
        partitions: [PartitionState], nextLSN: LSN, limits: LogLimits, streams: [StreamDescription] = []
    ) {
        precondition(nextLSN > .zero)
        registry = StreamRegistry(streams)
        self.partitions = partitions
        self.limits = limits
        hasGone = partitions.contains(where: \.isGone)
        pending = CommitGroup(lsn: nextLSN)
        written = nextLSN.previous
        durable = nextLSN.previous
    }

    // MARK: Appending

    /// Appends a tick's batches to the pending group.
    /// - Complexity: O(batches).
    package mutating func append(_ appends: [Append]) -> AppendOutcome {
        if poison != nil { return .refusedPoisoned }
        if hasGone(appends) { return .refusedUnknown }
        // Sessions and offsets have a reserve: what is in flight can come to its end.
        if !fullCauses.isEmpty, appends.contains(where: { !partitions[$0.partition.index].isInternal }) {
            return .refusedFull
        }
        guard takeQuotaRoom(appends) else { return .refusedFull }
        let lsn = pending.lsn
        let isAwaitedByScan = hasDurableScan
        for append in appends {
            let partition = partitions[append.partition.index]
            append.batch.assign(partition.appended)
            let isJournaled =
                switch partition.durability {
                case .fsync: append.isAwaited
                case .interval: true
                case .memory: false
                }
            // Also what nobody waits for becomes visible with its group: a reader that has seen an offset must not see
            // it given again.
            let entry = LogEntry(
                batch: append.batch, partition: append.partition, sequence: tailStart + UInt64(tail.count), lsn: lsn,
                topicHashes: append.topicHashes, isJournaled: isJournaled, visibility: partition.durability)
            partition.append(entry)
            tail.append(entry)
            pending.append(entry)
            if append.isAwaited || isAwaitedByScan {
                pending.request(
                    partition.durability, count: append.isAwaited ? append.batch.recordCount : 0,
                    isPatient: append.isPatient || !append.isAwaited)
            }
            tailBytes += entry.memoryByteCount
            unflushedBytes += append.batch.byteCount
        }
        advanceVisible(at: nil)
        trim()
        return .appended(lsn)
    }

    /// How far the log must get for everybody who waits for one of `appends`.
    package func level(of appends: [Append]) -> SettlementQueue.Level {
        var level = SettlementQueue.Level.taken
        for append in appends where append.isAwaited {
            level = max(level, SettlementQueue.Level(partitions[append.partition.index].durability))
        }
        return level
    }

    /// Says how many bytes may be appended from now on; nil is any number.
    package mutating func setQuotaRoom(_ byteCount: Int64?) { quotaRoom = byteCount }

    /// Whether there was room within the quota, which is less by that now. What the node itself notes always fits.
    private mutating func takeQuotaRoom(_ appends: [Append]) -> Bool {
        guard let room = quotaRoom else { return true }
        var byteCount: Int64 = 0
        for append in appends where !partitions[append.partition.index].isInternal {
            byteCount += Int64(append.batch.byteCount)
        }
        guard byteCount == 0 || room > 0 else { return false }
        quotaRoom = room - byteCount
        return true
    }

    /// Appends a batch of an idempotent producer, unless it is there already or its number does not follow on.
    /// - Parameter companions: batches of no producer that are appended with it, and not without it.
    /// - Complexity: O(batches).
    package mutating func appendSequenced(_ append: Append, with companions: [Append] = []) -> SequencedOutcome {
        let partition = partitions[append.partition.index]
        if partition.isGone { return .refusedUnknown }
        switch partition.producers.verdict(of: append.batch.header) {
        case .duplicate(let offset, let lsn): return .duplicate(offset, lsn)
        case .outOfOrder(let due): return .outOfOrder(due: due)
        case .fenced(let epoch): return .fenced(epoch)
        case .accepted: break
        }
        let offset = partition.appended
        switch self.append([append] + companions) {
        case .appended(let lsn): return .appended(offset, lsn)
        case .refusedFull: return .refusedFull
        case .refusedPoisoned: return .refusedPoisoned
        case .refusedUnknown: return .refusedUnknown
        }
    }

    /// Whether publishers should wait.
    package var isUnderPressure: Bool {
        pending.byteCount > limits.pendingBytesMax || unflushedBytes > limits.unflushedBytesMax || poison != nil
    }

    /// Whether so much waits for the device that the next group should be synchronised though nobody asks for it.
    package var wantsSync: Bool { unflushedBytes - flushableBytes > limits.pendingBytesMax }

    /// Asks for the pending group to be synchronised, be it empty.
    /// - Returns: its number: when it is durable, so is everything before.
    package mutating func barrier() -> LSN {
        pending.request(.fsync, count: 0, isPatient: false)
        return pending.lsn
    }

    // MARK: Commit groups

    /// Whether the pending group holds batches, how many bytes the journal would write, and who waits.
    package var pendingDemand: (isEmpty: Bool, byteCount: Int, wantsWrite: Bool, wantsSync: Bool) {
        (pending.isEmpty, pending.byteCount, pending.wantsWrite, pending.wantsSync)
    }

    /// Records of the pending group that a publisher waits for.
    package var pendingAwaitedCount: Int { pending.awaitedCount }

    /// Whether somebody waits for the pending group, and nobody minds two milliseconds more.
    package var pendingIsPatient: Bool { pending.awaitedCount > 0 && !pending.isHasty }

    /// Hands the pending group over to be written; a new one begins. One is in flight at a time, until it is given back
    /// to `completed(write:)`, or the log is poisoned.
    package mutating func takeGroup() -> CommitGroup {
        precondition(inFlight == nil, "Cannot take a group while one is in flight")
        inFlight = pending.lsn
        var taken = CommitGroup(lsn: pending.lsn.next)
        swap(&taken, &pending)
        return taken
    }

    /// Notes every partition's high watermark in a group that will be the first of a journal file: the file that
    /// said it before may go.
    package func reserveAll(in group: inout CommitGroup) {
        for partition in partitions where partition.highWatermark > .zero && !partition.isGone {
            group.reserve(partition.id, end: partition.highWatermark)
        }
    }

    /// The group was written; it is settled, and given up.
    /// - Parameter time: when, in nanoseconds of the clock that the engine's loops have; nil where nobody measures.
    package mutating func completed(write group: consuming CommitGroup, at time: Int64? = nil) -> SettledGroup {
        precondition(group.lsn == inFlight)
        precondition(group.lsn == written.next)
        inFlight = nil
        written = group.lsn
        advanceVisible(at: time)
        return SettledGroup(group)
    }

    /// Every group up to `lsn` is on the device.
    /// - Parameter time: as for `completed(write:at:)`.
    package mutating func completed(synchronize lsn: LSN, at time: Int64? = nil) {
        precondition(lsn >= durable && lsn <= written)
        durable = lsn
        advanceVisible(at: time)
        advanceFlushable()
    }

    /// A write or fsync failed: nothing is acknowledged from here on.
    package mutating func poison(_ error: StorageError) {
        if poison == nil { poison = error }
    }

    /// Why publishes are refused until space returns.
    package var full: StorageError? { fullCauses[.device] ?? fullCauses[.quota] }

    /// Space ran out (an error), or came back (nil).
    /// - Returns: whether that changes what is refused.
    package mutating func setFull(_ cause: FullCause, _ error: StorageError?) -> Bool {
        let wasFull = full != nil
        if error == nil || fullCauses[cause] == nil { fullCauses[cause] = error }
        return wasFull != (full != nil)
    }

    /// Whether the device has no space, or wants something else that comes back.
    package var isDeviceFull: Bool { fullCauses[.device] != nil }

    /// Whether it is the device's space that is wanting.
    package var isDeviceOutOfSpace: Bool { fullCauses[.device]?.isSpace == true }

    // MARK: Flushing

    /// The partitions with batches for their segment files, and up to which offset, as of now. They are off the
    /// flusher's list then.
    package mutating func takeFlushTargets() -> [(partition: PartitionID, end: Offset)] {
        var targets: [(partition: PartitionID, end: Offset)] = []
        while let id = flushQueue.popFirst() {
            partitions[id.index].isQueuedForFlush = false
            if partitions[id.index].isGone { continue }
            targets.append((id, partitions[id.index].flushable))
        }
        hasUnjournaled = false
        return targets
    }

    /// Batches of a partition that are not in its segment file, from before `end`; empty when there are none.
    package func unflushed(
        _ id: PartitionID, before end: Offset, countMax: Int = 512, byteCountMax: Int = 4 << 20
    ) -> [RecordBatch] {
        let partition = partitions[id.index]
        guard partition.flushed < end, !partition.isGone else { return [] }
        return partition.unflushed(countMax: countMax, byteCountMax: byteCountMax)
    }

    /// Puts a partition back on the flusher's list, after a flush that failed.
    package mutating func requeueFlush(_ id: PartitionID) { queueFlush(partitions[id.index]) }

    /// The first `count` batches of a flush reached the segment file; `segments` are those that changed.
    package mutating func completed(flush id: PartitionID, batches: ArraySlice<RecordBatch>, segments: [SegmentInfo]) {
        let partition = partitions[id.index]
        // What was written meanwhile goes with its files, and was dropped from the count.
        if partition.isGone { return }
        partition.flushed(count: batches.count, changed: segments)
        for batch in batches {
            unflushedBytes -= batch.byteCount
            flushableBytes -= batch.byteCount
            flushedBytes += Int64(batch.byteCount)
        }
        precondition(unflushedBytes >= flushableBytes)
        precondition(flushableBytes >= 0)
        if partition.flushed < partition.flushable { queueFlush(partition) }
        trim()
    }

    private mutating func queueFlush(_ partition: PartitionState) {
        guard !partition.isQueuedForFlush, !partition.isGone else { return }
        partition.isQueuedForFlush = true
        flushQueue.append(partition.id)
    }

    // MARK: Scanning the tail

    /// Adds a reader that scans nothing yet.
    package mutating func register() -> LoopID {
        scans.append(Scan())
        return LoopID(index: scans.count - 1)
    }

    /// Whether some reader waits for what is durable.
    private var hasDurableScan: Bool { scans.contains { $0.durable != nil } }

    /// Whether some reader scans.
    package var isScanned: Bool { scans.contains { $0.appended != nil || $0.durable != nil } }

    /// Starts or stops a reader's scans; one that starts does so at the end.
    package mutating func setInterest(_ loop: LoopID, appended: Bool, durable: Bool) {
        let end = tailStart + UInt64(tail.count)
        scans[loop.index].appended = appended ? scans[loop.index].appended ?? end : nil
        scans[loop.index].durable = durable ? scans[loop.index].durable ?? visibleEnd : nil
        trim()
    }

    /// Whether a reader has batches to scan.
    package func hasNews(_ loop: LoopID) -> Bool {
        let scan = scans[loop.index]
        return scan.appended.map { $0 < tailStart + UInt64(tail.count) } == true
            || scan.durable.map { $0 < visibleEnd } == true
    }

    /// Moves a reader's scan on and collects what it passes.
    package mutating func scan(_ loop: LoopID, _ visibility: Visibility, countMax: Int, into entries: inout [TailEntry])
    {
        let end = end(visibility)
        guard var position = position(loop, visibility) else { return }
        let stop = min(end, position + UInt64(countMax))
        var times = visibility == .durable ? visibleTimes.lookup(from: position) : VisibleTimes.Lookup()
        while position < stop {
            let entry = tail[Int(position - tailStart)]
            let time = times.time(of: position)
            position += 1
            if partitions[entry.partition.index].isGone { continue }
            entries.append(
                TailEntry(
                    batch: entry.batch, partition: entry.partition, topicHashes: entry.topicHashes, durableAt: time))
        }
        switch visibility {
        case .appended: scans[loop.index].appended = position
        case .durable: scans[loop.index].durable = position
        }
    }

    /// Where a reader's durable scan goes on in each partition; what is visible without one.
    /// - Complexity: O(partitions and batches that the scan has not passed).
    package func scanOffsets(_ loop: LoopID) -> [Offset] {
        var offsets = partitions.map(\.highWatermark)
        var position = visibleEnd
        let start = scans[loop.index].durable ?? visibleEnd
        while position > start {
            position -= 1
            let entry = tail[Int(position - tailStart)]
            offsets[entry.partition.index] = entry.batch.baseOffset
        }
        return offsets
    }

    /// The offset behind the newest record of each partition.
    package func endOffsets() -> [Offset] { partitions.map(\.appended) }

    private func end(_ visibility: Visibility) -> UInt64 {
        switch visibility {
        case .appended: tailStart + UInt64(tail.count)
        case .durable: visibleEnd
        }
    }

    private func position(_ loop: LoopID, _ visibility: Visibility) -> UInt64? {
        switch visibility {
        case .appended: scans[loop.index].appended
        case .durable: scans[loop.index].durable
        }
    }

    /// Reads a partition's tail from `offset` up to where the reader's scan is.
    /// - Returns: nil when `offset` is older than the tail.
    package func readTail(
        _ id: PartitionID, from offset: Offset, visibility: Visibility, loop: LoopID, byteCountMax: Int
    ) -> PartitionRead? {
        let partition = partitions[id.index]
        if partition.isGone {
            var read = PartitionRead(nextOffset: offset)
            read.isGone = true
            read.isCaughtUp = true
            return read
        }
        guard offset >= partition.tailStart || partition.tail.isEmpty && offset >= partition.flushed else { return nil }
        let limit = position(loop, visibility) ?? end(visibility)
        var read = PartitionRead(nextOffset: offset)
        var index = partition.tailIndex(of: offset)
        var byteCount = 0
        // A client that stands still keeps what was read, and with it all that shares the memory. The batches of a
        // partition with few messages lie far apart, so the memory counts too: a slab for each who appends, and two.
        var keptBytes = 0
        var kept: Set<ObjectIdentifier> = []
        while index < partition.tail.count, byteCount < byteCountMax {
            let entry = partition.tail[index]
            guard entry.sequence < limit else { break }
            let memory = entry.batch.keptMemory
            if kept.insert(memory.id).inserted { keptBytes += memory.byteCount }
            guard keptBytes <= (scans.count + 2) * BatchMemory.slabBytes || read.batches.isEmpty else { break }
            read.batches.append(entry.batch)
            read.nextOffset = entry.batch.nextOffset
            byteCount += entry.batch.byteCount
            index += 1
        }
        read.isCaughtUp = index == partition.tail.count || partition.tail[index].sequence >= limit
        return read
    }

    // MARK: Positions

    /// Moves the end of what is visible as far as durability allows, in the order of the appends.
    private mutating func advanceVisible(at time: Int64?) {
        guard poison == nil else { return }
        let end = tailStart + UInt64(tail.count)
        defer { visibleTimes.note(visibleEnd, at: time) }
        while visibleEnd < end {
            let entry = tail[Int(visibleEnd - tailStart)]
            let isVisible =
                switch entry.visibility {
                case .fsync: entry.lsn <= durable
                case .interval: entry.lsn <= written
                case .memory: true
                }
            guard isVisible else { return }
            let partition = partitions[entry.partition.index]
            if !partition.isGone { partition.reachedHighWatermark(entry.batch.nextOffset) }
            visibleEnd += 1
        }
    }

    /// Moves the end of what may go to segment files as far as the device has the journal.
    private mutating func advanceFlushable() {
        guard poison == nil else { return }
        while flushableEnd < visibleEnd {
            let entry = tail[Int(flushableEnd - tailStart)]
            guard entry.lsn <= durable else { return }
            let partition = partitions[entry.partition.index]
            flushableEnd += 1
            if partition.isGone { continue }
            partition.reachedFlushable(entry.batch.nextOffset)
            flushableBytes += entry.batch.byteCount
            if !entry.isJournaled { hasUnjournaled = true }
            queueFlush(partition)
        }
    }

    /// Where the next batch goes in the tail: a number that only grows.
    package var tailEnd: UInt64 { tailStart + UInt64(tail.count) }

    /// Lets batches before `sequence` go that are in segment files and that every scan has passed: readers get them
    /// from their files from here on.
    /// - Returns: whether all of them are gone.
    package mutating func releaseTail(before sequence: UInt64) -> Bool {
        trim(over: 0, before: sequence)
        return tailStart >= sequence
    }

    /// Drops the oldest batches that are in segment files while the tail is over its bound. Batches that a scan has not
    /// passed stay.
    private mutating func trim() { trim(over: limits.tailBytesMax, before: .max) }

    private mutating func trim(over byteCountMax: Int, before sequence: UInt64) {
        guard tailBytes > byteCountMax else { return }
        var oldestScan = visibleEnd
        for scan in scans { oldestScan = min(oldestScan, scan.oldest) }
        oldestScan = min(oldestScan, sequence)
        while tailBytes > byteCountMax, tailStart < oldestScan, let entry = tail.first {
            let partition = partitions[entry.partition.index]
            // What is flushed has passed the device; what is gone waits for that in its place.
            guard partition.isGone ? tailStart < flushableEnd : entry.batch.nextOffset <= partition.flushed else {
                return
            }
            _ = tail.popFirst()
            if !partition.isGone { partition.trimFirst() }
            tailStart += 1
            tailBytes -= entry.memoryByteCount
        }
    }
}
