package import CommitLog
package import LogInterface
import RecordFormat
package import SluiceCore
import Synchronization

/// What the broker asks of the log; see `LogEngine`.
extension LogRuntime: LogEngine {
    // MARK: Streams

    /// See `LogEngine`.
    package var streams: [StreamDescription] { withState { _ in catalogue } }

    /// One journal write has all batches of an append.
    package var appendsAtomically: Bool { true }

    /// See `LogEngine`.
    package func setPolicy(_ policy: StreamPolicy, of stream: String) {
        withState { state in
            guard let index = catalogue.firstIndex(where: { $0.settings.name == stream }) else { return }
            catalogue[index].settings.policy = policy
            state.setPolicy(policy, ofStream: index)
            keepWork.signal()
        }
    }

    // MARK: Appends

    /// See `LogEngine`.
    package func register(wake: @escaping @Sendable () -> Void) -> LoopID {
        monitor.lock()
        defer { monitor.unlock() }
        loops.append(RegisteredLoop(wake: wake))
        return state.register()
    }

    /// See `LogEngine`.
    package func append(_ appends: [Append], from loop: LoopID) -> AppendTicket {
        monitor.lock()
        let ticket: AppendTicket
        let outcome = state.append(appends)
        switch outcome {
        case .appended(let lsn):
            ticket = loops[loop.index].settlements.add(lsn, state.level(of: appends))
            unlock(behindAppend: true, isRefused: false, from: loop)
        case .refusedFull, .refusedPoisoned:
            ticket = loops[loop.index].settlements.refuse(outcome.refusal ?? .failed)
            unlock(behindAppend: false, isRefused: outcome == .refusedFull, from: loop)
        }
        return ticket
    }

    /// See `LogEngine`.
    package func append(sequenced append: Append, from loop: LoopID) -> AppendTicket {
        monitor.lock()
        let level = state.level(of: [append])
        let outcome = state.appendSequenced(append)
        let ticket: AppendTicket
        var (isAppended, isFull) = (false, false)
        switch outcome {
        case .appended(_, let lsn):
            isAppended = true
            ticket = loops[loop.index].settlements.add(lsn, level)
        case .duplicate(let offset, let lsn):
            ticket = loops[loop.index].settlements.add(lsn, level, .duplicate(offset))
        case .outOfOrder(let due): ticket = loops[loop.index].settlements.refuse(.outOfOrder(due: due))
        case .fenced(let epoch): ticket = loops[loop.index].settlements.refuse(.fenced(epoch: epoch))
        case .refusedFull:
            isFull = true
            ticket = loops[loop.index].settlements.refuse(.full)
        case .refusedPoisoned: ticket = loops[loop.index].settlements.refuse(.failed)
        }
        unlock(behindAppend: isAppended, isRefused: isFull, from: loop)
        return ticket
    }

    /// Wakes whoever an append concerns; the lock is held, and given back.
    private func unlock(behindAppend isAppended: Bool, isRefused: Bool, from loop: LoopID) {
        // The append is the first to find the quota used up.
        let isAtQuota = isRefused && state.full == nil
        var wakesJournal = false
        if isAppended {
            let demand = state.pendingDemand
            let isWanted = demand.wantsSync || demand.wantsWrite || demand.byteCount > 1 << 20 || state.wantsSync
            let isEnough = isWanted && (state.pendingAwaitedCount >= companyTarget || state.isUnderPressure)
            if isEnough || !journalIsTimed && companyTarget == 0 { wakesJournal = journalWork.claimWake() }
        }
        publishPressure()
        let woken = scanned.load(ordering: .relaxed) ? loopsWithNews(besides: loop) : []
        monitor.unlock()
        if wakesJournal { journalWork.wake() }
        for wake in woken { wake() }
        if isAtQuota { quotaReached() }
    }

    /// See `LogEngine`.
    package func fence(from loop: LoopID) -> AppendTicket {
        monitor.lock()
        defer { monitor.unlock() }
        journalWork.signal()
        return loops[loop.index].settlements.add(state.barrier(), .durable)
    }

    /// See `LogEngine`.
    package func takeSettlements(of loop: LoopID, into settlements: inout [Settlement]) {
        monitor.lock()
        loops[loop.index].settlements.take(written: state.written, durable: state.durable, into: &settlements)
        monitor.unlock()
    }

    /// How far the log has come.
    package var progress: (written: LSN, durable: LSN) {
        (
            LSN(rawValue: writtenLSN.load(ordering: .acquiring)), LSN(rawValue: durableLSN.load(ordering: .acquiring))
        )
    }

    /// See `LogEngine`.
    package var patience: Int64 { patienceNanoseconds.load(ordering: .relaxed) }

    /// See `LogEngine`.
    package var isUnderPressure: Bool { underPressure.load(ordering: .relaxed) }

    /// See `LogEngine`.
    package var trouble: LogTrouble? {
        withState { state in
            let error = state.poison ?? state.full
            return error.map { LogTrouble(isPassing: $0.isFull, description: $0.description) }
        }
    }

    // MARK: The newest records

    /// See `LogEngine`.
    package func setInterest(_ loop: LoopID, appended: Bool, durable: Bool) {
        withState { state in
            state.setInterest(loop, appended: appended, durable: durable)
            scanned.store(state.isScanned, ordering: .relaxed)
        }
    }

    /// See `LogEngine`.
    package func scanOffsets(_ loop: LoopID) -> [Offset] { withState { $0.scanOffsets(loop) } }

    /// See `LogEngine`.
    package func endOffsets() -> [Offset] { withState { $0.endOffsets() } }

    /// See `LogEngine`.
    package var isScanned: Bool { scanned.load(ordering: .relaxed) }

    /// See `LogEngine`.
    package func scan(_ loop: LoopID, _ level: TailLevel, countMax: Int, into entries: inout [TailEntry]) {
        monitor.lock()
        state.scan(loop, level, countMax: countMax, into: &entries)
        monitor.unlock()
    }

    /// See `LogEngine`.
    package func readTail(
        _ partition: PartitionID, from offset: Offset, level: TailLevel, loop: LoopID, byteCountMax: Int
    ) -> PartitionRead? {
        withState { $0.readTail(partition, from: offset, level: level, loop: loop, byteCountMax: byteCountMax) }
    }

    // MARK: History

    /// See `LogEngine`.
    package func fetch(_ request: ReadRequest, for loop: LoopID) {
        enqueue(Fetch(request: request, time: nil, loop: loop))
    }

    /// See `LogEngine`.
    package func fetchOffset(_ partition: PartitionID, at time: Timestamp, number: UInt64, for loop: LoopID) {
        let request = ReadRequest(partition, from: .zero, byteCountMax: 0, number: number)
        enqueue(Fetch(request: request, time: time, loop: loop))
    }

    private func enqueue(_ fetch: Fetch) {
        monitor.lock()
        fetches.append(fetch)
        if let idle = idleReaders.popLast() { readWork[idle].signal() }
        monitor.unlock()
    }

    /// See `LogEngine`.
    package func takeFetched(_ loop: LoopID) -> [(number: UInt64, read: PartitionRead)] {
        monitor.lock()
        defer { monitor.unlock() }
        var taken: [(number: UInt64, read: PartitionRead)] = []
        swap(&taken, &loops[loop.index].fetched)
        return taken
    }

    /// See `LogEngine`.
    package func bounds(_ partition: PartitionID) -> PartitionBounds {
        withState { $0.partitions[partition.index].bounds }
    }

    /// See `LogEngine`.
    package func figures(_ partition: PartitionID) -> PartitionFigures {
        withState { $0.partitions[partition.index].figures }
    }

    // MARK: Retention

    /// See `LogEngine`.
    package func trim(_ partition: PartitionID, before offset: Offset) {
        withState { $0.partitions[partition.index].trimmedBefore = offset }
    }

    /// See `LogEngine`.
    package func hold(_ partition: PartitionID, from offset: Offset?, for loop: LoopID) -> Bool {
        withState { $0.partitions[partition.index].hold(from: offset, for: loop) }
    }
}
