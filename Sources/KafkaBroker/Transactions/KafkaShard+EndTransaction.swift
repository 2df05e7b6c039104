import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// How transactions end.
extension KafkaShard {
    /// Ends the transaction of a producer as it asks, which may be asked again when the answer was lost.
    ///
    /// From version 5 on the producer goes on with another epoch after each end (KIP-890), so that nothing of the
    /// former transaction can come into the next. Then it may also give up a transaction of which it does not know
    /// whether any of its batches has arrived.
    func endTransaction(_ request: EndTxnRequest, _ call: KafkaCall) {
        let name = request.transactionalID
        let bumps = call.version >= 5
        func respond(_ code: KafkaErrorCode) {
            var response = EndTxnResponse(errorCode: code.known(to: call.version, from: 2))
            if bumps, code == .none, let now = peers.withTransactions({ $0[name] }) {
                (response.producerID, response.producerEpoch) = (now.producerID, now.epoch)
            }
            answer(call, response)
        }
        guard may(.transact, name, call) else { return respond(.transactionalIDAuthorizationFailed) }
        guard let transaction = peers.withTransactions({ $0[name] }) else {
            return respond(.invalidProducerIDMapping)
        }
        let claimed = Transaction.Former(producerID: request.producerID, epoch: request.producerEpoch)
        if bumps, transaction.former == claimed, transaction.phase == (request.committed ? .committed : .aborted) {
            return respond(.none)
        }
        if let fault = Self.fault(transaction, request.producerID, request.producerEpoch) { return respond(fault) }
        switch transaction.phase {
        case .ongoing: break
        case .empty, .committed, .aborted:
            if bumps, !request.committed { break }
            // Before version 5 the end leaves the epoch, and this is the same end once more.
            let isRepeated = !bumps && transaction.phase == (request.committed ? .committed : .aborted)
            return respond(isRepeated ? .none : .invalidTxnState)
        case .ending: return respond(.concurrentTransactions)
        }
        guard bumps else { return end(name, transaction, commits: request.committed, .same, respond) }
        guard transaction.epoch < Int16.max - 1 else {
            return giveNumber { [unowned self] number in
                guard let number else { return respond(.coordinatorNotAvailable) }
                end(name, transaction, commits: request.committed, .number(number), respond)
            }
        }
        end(name, transaction, commits: request.committed, .epoch, respond)
    }

    /// Gives up transactions that have gone on for too long: their producers are fenced.
    func elapsedTransactions() {
        for name in peers.withTransactions({ $0.expired(at: wallClock) }) {
            report(
                .kafkaTransactionExpired,
                "the transaction '\(name, as: .transaction)' has gone on for longer than it may, and is given up")
            guard let transaction = peers.withTransactions({ $0[name] }), transaction.phase == .ongoing else {
                continue
            }
            end(name, transaction, commits: false, .fencing(timeout: transaction.timeout)) { _ in }
        }
    }

    /// What the end of a transaction is made of.
    private struct End {
        var transaction: Transaction
        var over: Transaction
        /// Where it has records that were given up.
        var ranges: [(partition: StreamPartition, range: TransactionTable.AbortedRange)] = []
        var appends: [Append] = []
    }

    /// As whom the producer goes on when its transaction has ended.
    enum Succession {
        /// As who it was.
        case same
        /// With the next epoch.
        case epoch
        /// With another number, since its epochs are used up.
        case number(Int64)
        /// Somebody else has come under its name, or it was too slow: with the next epoch, of which it does not hear.
        case fencing(timeout: Int32)
    }

    /// Ends a transaction: one append has all there is to say of it.
    /// - Parameter judged: the transaction as it was when it was decided that it may end. When another loop has ended
    ///   it since, or somebody has come under its name, it is left alone (CONCURRENT_TRANSACTIONS).
    func end(
        _ name: String, _ judged: Transaction, commits: Bool, _ succession: Succession,
        _ respond: @escaping (KafkaErrorCode) -> Void
    ) {
        followTopics()
        // All of its batches are in the log before the mark: they are appended under the same lock.
        let result = peers.withTransactions { table -> Result<(end: End, ticket: AppendTicket), LookupFault> in
            guard let transaction = table[name] else { return .failure(LookupFault(code: .invalidProducerIDMapping)) }
            guard transaction.phase != .ending, transaction.phase == judged.phase, transaction.epoch == judged.epoch,
                transaction.producerID == judged.producerID
            else { return .failure(LookupFault(code: .concurrentTransactions)) }
            guard let end = end(name, transaction, commits: commits, succession, &table) else {
                return .failure(LookupFault(code: .coordinatorNotAvailable))
            }
            var stopped = transaction
            stopped.phase = .ending
            table.set(name, stopped)
            return .success((end, log.append(end.appends, from: loop)))
        }
        switch result {
        case .failure(let fault): respond(fault.code)
        case .success(let (end, ticket)):
            appends.add(
                ticket,
                .then { [unowned self] outcome in
                    ended(name, end, outcome)
                    respond(outcome == .stored ? .none : .coordinatorNotAvailable)
                })
        }
    }

    private func end(
        _ name: String, _ transaction: Transaction, commits: Bool, _ succession: Succession,
        _ table: inout TransactionTable
    ) -> End? {
        var end = End(transaction: transaction, over: transaction)
        end.over.phase = commits ? .committed : .aborted
        end.over.former = nil
        // The marks have the next epoch: behind them the log refuses what the former one sends.
        var markEpoch = transaction.epoch
        switch succession {
        case .same: break
        case .epoch, .number, .fencing:
            if markEpoch < Int16.max { markEpoch += 1 }
            end.over.epoch = markEpoch
        }
        if case .fencing(let timeout) = succession {
            end.over.timeout = timeout
        } else if markEpoch != transaction.epoch {
            end.over.former = Transaction.Former(producerID: transaction.producerID, epoch: transaction.epoch)
        }
        if case .number(let number) = succession { (end.over.producerID, end.over.epoch) = (number, 0) }
        (end.over.partitions, end.over.offsets, end.over.groups) = ([:], [:], [])
        var records = [TransactionTable.Record.transaction(name, end.over)]
        for (partition, first) in transaction.partitions.sorted(by: { $0.key < $1.key }) {
            // One whose topic was deleted needs no mark.
            guard let id = topics[partition.stream]?.partition(partition.number) else { continue }
            let mark = RecordBatch.endOfTransaction(
                producer: ProducerID(rawValue: transaction.producerID), epoch: markEpoch, commits: commits,
                at: wallClock)
            end.appends.append(Append(partition: id, batch: mark, isAwaited: true, topicHashes: nil))
            guard !commits else { continue }
            let bounds = log.bounds(id)
            let range = TransactionTable.AbortedRange(
                producerID: transaction.producerID, first: first, last: bounds.end)
            end.ranges.append((partition, range))
            records.append(.aborted(partition, range))
            records += table.forget(in: partition, before: bounds.start).map { .forgotten(partition, $0) }
        }
        if commits, let committed = offsets(of: transaction) { end.appends.append(committed) }
        guard let append = append(of: records) else { return nil }
        end.appends.append(append)
        return end
    }

    /// The records of groups' offsets that a transaction commits.
    private func offsets(of transaction: Transaction) -> Append? {
        let records = records(of: transaction)
        guard !records.isEmpty, let partition = internalPartition(GroupRecord.stream) else { return nil }
        return Append(partition: partition, batch: batch(of: records), isAwaited: true, topicHashes: nil)
    }

    private func records(of transaction: Transaction) -> [GroupRecord] {
        transaction.offsets.sorted { $0.key < $1.key }.flatMap { group, offsets in
            offsets.sorted { $0.key < $1.key }.map { GroupRecord.offset(group: group, $0.key, $0.value) }
        }
    }

    /// The end of a transaction has settled. Until then its partitions count as open, so that nobody reads in them what
    /// may be given up.
    private func ended(_ name: String, _ end: End, _ outcome: Settlement.Outcome) {
        peers.withTransactions { table in
            // When it was refused nothing of it is there, and the transaction goes on.
            guard outcome == .stored else { return table.set(name, end.transaction) }
            for (partition, range) in end.ranges { table.note(range, in: partition) }
            table.set(name, end.over)
        }
        guard outcome == .stored else { return }
        let partitions = end.appends.map(\.partition)
        decided(partitions)
        for shard in 0..<peers.shardCount where shard != settings.index { peers.post(.decided(partitions), to: shard) }
        guard end.over.phase == .committed else { return }
        let records = records(of: end.transaction)
        peers.withOffsets { table in for record in records { table.apply(record) } }
    }
}
