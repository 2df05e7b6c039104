package import CommitLog
package import LogInterface
import RecordFormat
package import SluiceCore
import Synchronization

/// What the broker asks of the log; see `LogEngine`.
extension LogRuntime: LogEngine {
    // MARK: Streams

    /// See `LogEngine`.
    package var streams: [StreamDescription] { shared.streams }

    /// See `LogEngine`.
    package var catalogueGeneration: UInt64 { shared.catalogueGeneration.load(ordering: .acquiring) }

    /// See `LogEngine`.
    package func administer(_ request: StreamRequest, number: UInt64, for loop: LoopID) {
        let task = HousekeepingThread.Task(request: request, number: number, loop: loop)
        shared.monitor.lock()
        let isTaken = housekeeping.administer(task)
        shared.monitor.unlock()
        if !isTaken { housekeeping.refuse([task]) }
    }

    /// See `LogEngine`.
    package func takeAdministered(
        _ loop: LoopID
    ) -> [(number: UInt64, result: Result<StreamDescription, StreamFault>)] {
        shared.withState { _ in housekeeping.takeAnswers(loop) }
    }

    /// One journal write has all batches of an append.
    package var appendsAtomically: Bool { true }

    /// See `LogEngine`.
    package func setPolicy(_ policy: StreamPolicy, of stream: String) {
        shared.withState { state in
            state.setPolicy(policy, of: stream)
            housekeeping.signal()
        }
        shared.publishCatalogue()
    }

    // MARK: Appends

    /// See `LogEngine`.
    package func register(wake: @escaping @Sendable () -> Void) -> LoopID {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        shared.loops.append(SharedLog.RegisteredLoop(wake: wake))
        return shared.state.register()
    }

    /// See `LogEngine`.
    package func append(_ appends: [Append], from loop: LoopID) -> AppendTicket {
        shared.monitor.lock()
        let ticket: AppendTicket
        let outcome = shared.state.append(appends)
        switch outcome {
        case .appended(let lsn):
            ticket = shared.loops[loop.index].settlements.add(lsn, shared.state.level(of: appends))
            unlock(behindAppend: true, isRefused: false, from: loop)
        case .refusedFull, .refusedPoisoned, .refusedUnknown:
            ticket = shared.loops[loop.index].settlements.refuse(outcome.refusal ?? .failed)
            unlock(behindAppend: false, isRefused: outcome == .refusedFull, from: loop)
        }
        return ticket
    }

    /// See `LogEngine`.
    package func append(sequenced append: Append, with companions: [Append], from loop: LoopID) -> AppendTicket {
        shared.monitor.lock()
        let level = shared.state.level(of: [append] + companions)
        let outcome = shared.state.appendSequenced(append, with: companions)
        let ticket: AppendTicket
        var (isAppended, isFull) = (false, false)
        switch outcome {
        case .appended(_, let lsn):
            isAppended = true
            ticket = shared.loops[loop.index].settlements.add(lsn, level)
        case .duplicate(let offset, let lsn):
            ticket = shared.loops[loop.index].settlements.add(lsn, level, .duplicate(offset))
        case .outOfOrder(let due): ticket = shared.loops[loop.index].settlements.refuse(.outOfOrder(due: due))
        case .fenced(let epoch): ticket = shared.loops[loop.index].settlements.refuse(.fenced(epoch: epoch))
        case .refusedFull:
            isFull = true
            ticket = shared.loops[loop.index].settlements.refuse(.full)
        case .refusedPoisoned: ticket = shared.loops[loop.index].settlements.refuse(.failed)
        case .refusedUnknown: ticket = shared.loops[loop.index].settlements.refuse(.unknownStream)
        }
        unlock(behindAppend: isAppended, isRefused: isFull, from: loop)
        return ticket
    }

    /// Wakes whoever an append concerns; the lock is held, and given back.
    private func unlock(behindAppend isAppended: Bool, isRefused: Bool, from loop: LoopID) {
        // The append is the first to find the quota used up.
        let isAtQuota = isRefused && shared.state.full == nil
        let wakesJournal = isAppended && journal.claimWakeBehindAppend()
        shared.publishPressure()
        let woken = shared.scanned.load(ordering: .relaxed) ? shared.loopsWithNews(besides: loop) : []
        shared.monitor.unlock()
        if wakesJournal { journal.wake() }
        for wake in woken { wake() }
        if isAtQuota { shared.quotaReached() }
    }

    /// See `LogEngine`.
    package func fence(from loop: LoopID) -> AppendTicket {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        journal.signal()
        return shared.loops[loop.index].settlements.add(shared.state.barrier(), .durable)
    }

    /// See `LogEngine`.
    package func takeSettlements(of loop: LoopID, into settlements: inout [Settlement]) {
        shared.monitor.lock()
        shared.loops[loop.index].settlements.take(
            written: shared.state.written, durable: shared.state.durable, into: &settlements)
        shared.monitor.unlock()
    }

    /// How far the log has come.
    package var progress: (written: LSN, durable: LSN) {
        (
            LSN(rawValue: shared.writtenLSN.load(ordering: .acquiring)),
            LSN(rawValue: shared.durableLSN.load(ordering: .acquiring))
        )
    }

    /// See `LogEngine`.
    package var patience: Int64 { journal.patience }

    /// See `LogEngine`.
    package var isUnderPressure: Bool { shared.underPressure.load(ordering: .relaxed) }

    /// See `LogEngine`.
    package var trouble: LogTrouble? {
        shared.withState { state in
            let error = state.poison ?? state.full
            return error.map { LogTrouble(isPassing: $0.isFull, description: $0.description) }
        }
    }

    // MARK: The newest records

    /// See `LogEngine`.
    package func setInterest(_ loop: LoopID, appended: Bool, durable: Bool) {
        shared.withState { state in
            state.setInterest(loop, appended: appended, durable: durable)
            shared.scanned.store(state.isScanned, ordering: .relaxed)
        }
    }

    /// See `LogEngine`.
    package func scanOffsets(_ loop: LoopID) -> [Offset] { shared.withState { $0.scanOffsets(loop) } }

    /// See `LogEngine`.
    package func endOffsets() -> [Offset] { shared.withState { $0.endOffsets() } }

    /// See `LogEngine`.
    package var isScanned: Bool { shared.scanned.load(ordering: .relaxed) }

    /// See `LogEngine`.
    package func scan(_ loop: LoopID, _ visibility: Visibility, countMax: Int, into entries: inout [TailEntry]) {
        shared.monitor.lock()
        shared.state.scan(loop, visibility, countMax: countMax, into: &entries)
        shared.monitor.unlock()
    }

    /// See `LogEngine`.
    package func readTail(
        _ partition: PartitionID, from offset: Offset, visibility: Visibility, loop: LoopID, byteCountMax: Int
    ) -> PartitionRead? {
        shared.withState {
            $0.readTail(partition, from: offset, visibility: visibility, loop: loop, byteCountMax: byteCountMax)
        }
    }

    // MARK: History

    /// See `LogEngine`.
    package func fetch(_ request: ReadRequest, for loop: LoopID) {
        enqueue(ReaderPool.Fetch(request: request, time: nil, loop: loop))
    }

    /// See `LogEngine`.
    package func fetchOffset(_ partition: PartitionID, at time: Timestamp, number: UInt64, for loop: LoopID) {
        let request = ReadRequest(partition, from: .zero, byteCountMax: 0, number: number)
        enqueue(ReaderPool.Fetch(request: request, time: time, loop: loop))
    }

    private func enqueue(_ fetch: ReaderPool.Fetch) {
        shared.monitor.lock()
        readers.fetch(fetch)
        shared.monitor.unlock()
    }

    /// See `LogEngine`.
    package func takeFetched(_ loop: LoopID) -> [(number: UInt64, read: PartitionRead)] {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        return readers.takeAnswers(loop)
    }

    /// See `LogEngine`.
    package func bounds(_ partition: PartitionID) -> PartitionBounds {
        shared.withState { $0.partitions[partition.index].bounds }
    }

    /// See `LogEngine`.
    package func figures(_ partition: PartitionID) -> PartitionFigures {
        shared.withState { $0.partitions[partition.index].figures }
    }

    /// See `LogEngine`.
    package func newestTime(_ partition: PartitionID) -> Timestamp? {
        shared.withState { $0.partitions[partition.index].newestTime }
    }

    /// See `LogEngine`.
    package func producers(_ partition: PartitionID) -> [ProducerFigures] {
        shared.withState { $0.partitions[partition.index].producers }.figures
    }

    // MARK: Retention

    /// See `LogEngine`.
    package func trim(_ partition: PartitionID, before offset: Offset) {
        shared.withState { $0.partitions[partition.index].trimmedBefore = offset }
    }

    /// See `LogEngine`.
    package func hold(_ partition: PartitionID, from offset: Offset?, for loop: LoopID) -> Bool {
        shared.withState { $0.partitions[partition.index].hold(from: offset, for: loop) }
    }

    // MARK: Erasure

    /// See `LogEngine`.
    package func erase(_ order: ErasureOrder, number: UInt64, for loop: LoopID) {
        let task = ErasureQueue.Task(order: order, number: number, loop: loop)
        shared.monitor.lock()
        let isTaken = housekeeping.erase(task)
        shared.monitor.unlock()
        if !isTaken { housekeeping.refuse(task) }
    }

    /// See `LogEngine`.
    package func takeErasures(_ loop: LoopID) -> [(number: UInt64, report: ErasureReport)] {
        shared.withState { _ in housekeeping.erasures.takeReports(loop) }
    }
}
