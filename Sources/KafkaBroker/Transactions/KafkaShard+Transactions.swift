import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// Transactions: who may write in one, what belongs to it, and how it ends.
extension KafkaShard {
    /// How long a transaction may go on at most, in milliseconds: Kafka's `transaction.max.timeout.ms`.
    private static let timeoutMax: Int32 = 900_000

    private typealias Transaction = TransactionTable.Transaction

    /// Appends records of transactions; `body` hears what became of them.
    private func record(
        _ records: [TransactionTable.Record], with others: [Append] = [], _ body: @escaping (Settlement.Outcome) -> Void
    ) {
        guard let append = append(of: records) else { return body(.refused(.failed)) }
        appends.add(log.append(others + [append], from: loop), .then(body))
    }

    private func append(of records: [TransactionTable.Record]) -> Append? {
        guard let partition = internalPartition(TransactionTable.stream) else { return nil }
        return Append(
            partition: partition, batch: batch(of: records.map { ($0.key, $0.value) }), isAwaited: true,
            topicHashes: nil)
    }

    /// The only partition of one of the node's own streams.
    func internalPartition(_ name: String) -> PartitionID? { topics.internalPartition(name) }

    /// Why a producer may not go on with its transaction; nil when it may.
    private static func fault(_ transaction: Transaction?, _ producerID: Int64, _ epoch: Int16) -> KafkaErrorCode? {
        guard let transaction, transaction.producerID == producerID else { return .invalidProducerIDMapping }
        guard transaction.epoch == epoch else {
            return epoch < transaction.epoch ? .producerFenced : .invalidProducerEpoch
        }
        return transaction.phase == .ending ? .concurrentTransactions : nil
    }

    // MARK: Beginning

    /// A transactional producer begins: whoever has had its name before is fenced, and what that one left open is given
    /// up.
    func initTransactions(_ name: String, _ request: InitProducerIDRequest, _ call: KafkaCall) {
        guard (1...Self.timeoutMax).contains(request.transactionTimeoutMs) else {
            return refuseInit(call, .invalidTransactionTimeout)
        }
        guard let former = peers.withTransactions({ $0[name] }) else {
            guard request.producerID == -1 else { return refuseInit(call, .invalidProducerIDMapping) }
            return giveNumber { [unowned self] number in
                guard let number else { return refuseInit(call, .coordinatorNotAvailable) }
                begin(name, Transaction(producerID: number, epoch: 0, timeout: request.transactionTimeoutMs), call)
            }
        }
        if former.phase == .ending { return refuseInit(call, .concurrentTransactions) }
        // A producer that goes on after an error says who it was.
        if request.producerID != -1 {
            guard request.producerID == former.producerID, request.producerEpoch == former.epoch else {
                return refuseInit(call, .producerFenced)
            }
        }
        if former.phase == .ongoing {
            return end(name, commits: false, fencing: request.transactionTimeoutMs) { [unowned self] code in
                guard code == .none, let now = peers.withTransactions({ $0[name] }) else {
                    return refuseInit(call, code == .none ? .concurrentTransactions : code)
                }
                answerInit(call, now)
            }
        }
        guard former.epoch < Int16.max - 1 else {
            return giveNumber { [unowned self] number in
                guard let number else { return refuseInit(call, .coordinatorNotAvailable) }
                begin(name, Transaction(producerID: number, epoch: 0, timeout: request.transactionTimeoutMs), call)
            }
        }
        var next = former
        next.epoch += 1
        next.timeout = request.transactionTimeoutMs
        next.phase = .empty
        begin(name, next, call)
    }

    private func begin(_ name: String, _ transaction: Transaction, _ call: KafkaCall) {
        peers.withTransactions { $0.set(name, transaction) }
        record([.transaction(name, transaction)]) { [unowned self] outcome in
            guard outcome == .stored else { return refuseInit(call, .coordinatorNotAvailable) }
            answerInit(call, transaction)
        }
    }

    private func answerInit(_ call: KafkaCall, _ transaction: Transaction) {
        answer(
            call, InitProducerIDResponse(producerID: transaction.producerID, producerEpoch: transaction.epoch))
    }

    private func refuseInit(_ call: KafkaCall, _ code: KafkaErrorCode) {
        answer(call, InitProducerIDResponse(errorCode: code, producerID: -1, producerEpoch: -1))
    }

    // MARK: Adding

    func addPartitions(_ request: AddPartitionsToTxnRequest, _ call: KafkaCall) {
        followTopics()
        typealias Part = AddPartitionsToTxnResponse.AddPartitionsToTxnPartitionResult
        let name = request.v3AndBelowTransactionalID
        var wanted: [StreamPartition: Offset] = [:]
        var isWhole = true
        for topic in request.v3AndBelowTopics {
            for number in topic.partitions {
                guard let partition = self.topic(topic.name, .write, call)?.partition(number) else {
                    isWhole = false
                    continue
                }
                wanted[StreamPartition(stream: topic.name, number: number)] = log.bounds(partition).end
            }
        }
        func respond(_ code: KafkaErrorCode) {
            var response = AddPartitionsToTxnResponse()
            response.resultsByTopicV3AndBelow = request.v3AndBelowTopics.map { topic in
                AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult(
                    name: topic.name,
                    resultsByPartition: topic.partitions.map { number in
                        let isKnown = self.topic(topic.name, .write, call)?.partition(number) != nil
                        let part =
                            isKnown ? (isWhole ? code : .operationNotAttempted) : missing(topic.name, .write, call)
                        return Part(partitionIndex: number, partitionErrorCode: part)
                    })
            }
            answer(call, response)
        }
        guard isWhole else { return respond(.none) }
        change(name, request.v3AndBelowProducerID, request.v3AndBelowProducerEpoch, respond) { transaction in
            for (partition, end) in wanted where transaction.partitions[partition] == nil {
                transaction.partitions[partition] = end
            }
        }
    }

    func addOffsets(_ request: AddOffsetsToTxnRequest, _ call: KafkaCall) {
        guard may(.useGroup, request.groupID, call) else {
            return answer(call, AddOffsetsToTxnResponse(errorCode: .groupAuthorizationFailed))
        }
        guard !request.groupID.isEmpty else {
            return answer(call, AddOffsetsToTxnResponse(errorCode: .invalidGroupID))
        }
        change(
            request.transactionalID, request.producerID, request.producerEpoch,
            { [unowned self] code in answer(call, AddOffsetsToTxnResponse(errorCode: code)) },
            { $0.groups.insert(request.groupID) })
    }

    func commitInTransaction(_ request: TxnOffsetCommitRequest, _ call: KafkaCall) {
        followTopics()
        func respond(_ code: KafkaErrorCode) {
            var response = TxnOffsetCommitResponse()
            response.topics = request.topics.map { topic in
                TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic(
                    name: topic.name,
                    partitions: topic.partitions.map { part in
                        TxnOffsetCommitResponse.TxnOffsetCommitResponsePartition(
                            partitionIndex: part.partitionIndex,
                            errorCode: fault(of: part, in: topic.name, call) ?? code)
                    })
            }
            answer(call, response)
        }
        guard may(.useGroup, request.groupID, call) else { return respond(.groupAuthorizationFailed) }
        if call.version >= 3, request.generationID >= 0 || !request.memberID.isEmpty {
            let claim = ClassicClaim(
                memberID: request.memberID, instanceID: request.groupInstanceID, generation: request.generationID)
            if let fault = validateCommit(request.groupID, claim) { return respond(fault.code) }
        }
        var offsets: [StreamPartition: CommittedOffset] = [:]
        for topic in request.topics {
            for part in topic.partitions {
                guard fault(of: part, in: topic.name, call) == nil else { continue }
                var committed = CommittedOffset(
                    offset: Offset(rawValue: part.committedOffset), metadata: part.committedMetadata ?? "",
                    committedAt: wallClock)
                committed.leaderEpoch = part.committedLeaderEpoch
                offsets[StreamPartition(stream: topic.name, number: part.partitionIndex)] = committed
            }
        }
        change(request.transactionalID, request.producerID, request.producerEpoch, respond) { transaction in
            transaction.groups.insert(request.groupID)
            transaction.offsets[request.groupID, default: [:]].merge(offsets) { $1 }
        }
    }

    /// Why a part of a commit comes to nothing, whatever becomes of the transaction; nil when it may be committed.
    private func fault(
        of part: TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition, in topic: String, _ call: KafkaCall
    ) -> KafkaErrorCode? {
        guard may(.read, topic, call) else { return .topicAuthorizationFailed }
        let code = Self.fault(
            of: OffsetCommitRequest.OffsetCommitRequestPartition(
                partitionIndex: part.partitionIndex, committedOffset: part.committedOffset,
                committedMetadata: part.committedMetadata), in: topics[topic])
        return code == .none ? nil : code
    }

    /// Changes the transaction that is going on, or begins it; the change is durable before it is answered.
    private func change(
        _ name: String, _ producerID: Int64, _ epoch: Int16, _ respond: @escaping (KafkaErrorCode) -> Void,
        _ body: (inout Transaction) -> Void
    ) {
        let (fault, changed) = peers.withTransactions { table -> (KafkaErrorCode?, Transaction?) in
            if let fault = Self.fault(table[name], producerID, epoch) { return (fault, nil) }
            guard let former = table[name] else { return (.invalidProducerIDMapping, nil) }
            var transaction = former
            if transaction.phase != .ongoing {
                transaction.phase = .ongoing
                transaction.startedAt = wallClock
            }
            body(&transaction)
            if transaction == former { return (nil, nil) }
            table.set(name, transaction)
            return (nil, transaction)
        }
        if let fault { return respond(fault) }
        guard let changed else { return respond(.none) }
        record([.transaction(name, changed)]) { outcome in
            respond(outcome == .stored ? .none : .coordinatorNotAvailable)
        }
    }

    /// Appends a batch of a transaction, unless its producer may not write there.
    /// - Throws: `BatchFault`.
    func append(
        transactional produced: ProducedBatch, to partition: StreamPartition
    ) throws(BatchFault) -> AppendTicket {
        let header = produced.append.batch.header
        let result = peers.withTransactions { table -> Result<AppendTicket, BatchFault> in
            guard let name = table.name(of: header.producerID.rawValue), let transaction = table[name] else {
                return .failure(
                    BatchFault(.invalidProducerIDMapping, "No transactional producer has this number."))
            }
            guard transaction.epoch == header.producerEpoch else {
                return .failure(
                    BatchFault(.invalidProducerEpoch, "The producer's epoch is \(transaction.epoch) by now."))
            }
            guard transaction.phase == .ongoing, transaction.partitions[partition] != nil else {
                return .failure(
                    BatchFault(.invalidTxnState, "The partition does not belong to the producer's transaction."))
            }
            return .success(log.append(sequenced: produced.append, with: produced.companions, from: loop))
        }
        return try result.get()
    }

    // MARK: Ending

    func endTransaction(_ request: EndTxnRequest, _ call: KafkaCall) {
        let name = request.transactionalID
        func respond(_ code: KafkaErrorCode) { answer(call, EndTxnResponse(errorCode: code)) }
        let transaction = peers.withTransactions { $0[name] }
        if let fault = Self.fault(transaction, request.producerID, request.producerEpoch) { return respond(fault) }
        switch transaction?.phase {
        case .ongoing: end(name, commits: request.committed, respond)
        case .committed: respond(request.committed ? .none : .invalidTxnState)
        case .aborted: respond(request.committed ? .invalidTxnState : .none)
        case .empty, .ending, nil: respond(.invalidTxnState)
        }
    }

    /// Gives up transactions that have gone on for too long: their producers are fenced.
    func elapsedTransactions() {
        for name in peers.withTransactions({ $0.expired(at: wallClock) }) {
            note("the transaction '\(name)' has gone on for longer than it may, and is given up")
            guard let timeout = peers.withTransactions({ $0[name]?.timeout }) else { continue }
            end(name, commits: false, fencing: timeout) { _ in }
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

    /// Ends the transaction that is going on: one append has all there is to say of it.
    /// - Parameter timeout: that of the producer's next transaction, when the epoch goes up so that the former one
    /// cannot
    ///   go on.
    private func end(
        _ name: String, commits: Bool, fencing timeout: Int32? = nil, _ respond: @escaping (KafkaErrorCode) -> Void
    ) {
        followTopics()
        // All of its batches are in the log before the mark: they are appended under the same lock.
        let result = peers.withTransactions { table -> Result<(end: End, ticket: AppendTicket), LookupFault> in
            guard let transaction = table[name] else { return .failure(LookupFault(code: .invalidProducerIDMapping)) }
            guard transaction.phase == .ongoing else { return .failure(LookupFault(code: .concurrentTransactions)) }
            guard let end = end(name, transaction, commits: commits, fencing: timeout, &table) else {
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
        _ name: String, _ transaction: Transaction, commits: Bool, fencing timeout: Int32?,
        _ table: inout TransactionTable
    ) -> End? {
        var end = End(transaction: transaction, over: transaction)
        end.over.phase = commits ? .committed : .aborted
        if let timeout {
            end.over.timeout = timeout
            if end.over.epoch < Int16.max { end.over.epoch += 1 }
        }
        (end.over.partitions, end.over.offsets, end.over.groups) = ([:], [:], [])
        var records = [TransactionTable.Record.transaction(name, end.over)]
        for (partition, first) in transaction.partitions.sorted(by: { $0.key < $1.key }) {
            // One whose topic was deleted needs no mark.
            guard let id = topics[partition.stream]?.partition(partition.number) else { continue }
            let mark = RecordBatch.endOfTransaction(
                producer: ProducerID(rawValue: transaction.producerID), epoch: end.over.epoch, commits: commits,
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
