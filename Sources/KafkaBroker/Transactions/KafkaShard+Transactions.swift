import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// Transactions: who may write in one, what belongs to it, and how it ends.
extension KafkaShard {
    /// How long a transaction may go on at most, in milliseconds: Kafka's `transaction.max.timeout.ms`.
    private static let timeoutMax: Int32 = 900_000

    typealias Transaction = TransactionTable.Transaction

    /// Appends records of transactions; `body` hears what became of them.
    private func record(
        _ records: [TransactionTable.Record], with others: [Append] = [], _ body: @escaping (Settlement.Outcome) -> Void
    ) {
        guard let append = append(of: records) else { return body(.refused(.failed)) }
        appends.add(log.append(others + [append], from: loop), .then(body))
    }

    func append(of records: [TransactionTable.Record]) -> Append? {
        guard let partition = internalPartition(TransactionTable.stream) else { return nil }
        return Append(
            partition: partition, batch: batch(of: records.map { ($0.key, $0.value) }), isAwaited: true,
            topicHashes: nil)
    }

    /// The only partition of one of the node's own streams.
    func internalPartition(_ name: String) -> PartitionID? { topics.internalPartition(name) }

    /// Why a producer may not go on with its transaction; nil when it may.
    static func fault(_ transaction: Transaction?, _ producerID: Int64, _ epoch: Int16) -> KafkaErrorCode? {
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
            let claimed = Transaction.Former(producerID: request.producerID, epoch: request.producerEpoch)
            // It may not have heard as whom it goes on.
            let now = Transaction.Former(producerID: former.producerID, epoch: former.epoch)
            guard claimed == now || claimed == former.former else {
                return refuseInit(call, KafkaErrorCode.producerFenced.known(to: call.version, from: 4))
            }
        }
        if former.phase == .ongoing {
            return end(name, former, commits: false, .fencing(timeout: request.transactionTimeoutMs)) {
                [unowned self] code in
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
        next.former = nil
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

    func refuseInit(_ call: KafkaCall, _ code: KafkaErrorCode) {
        answer(call, InitProducerIDResponse(errorCode: code, producerID: -1, producerEpoch: -1))
    }

    // MARK: Adding

    func addPartitions(_ request: AddPartitionsToTxnRequest, _ call: KafkaCall) {
        followTopics()
        typealias Part = AddPartitionsToTxnResponse.AddPartitionsToTxnPartitionResult
        let name = request.v3AndBelowTransactionalID
        let isAllowed = may(.transact, name, call)
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
                        guard isAllowed else {
                            return Part(
                                partitionIndex: number, partitionErrorCode: .transactionalIDAuthorizationFailed)
                        }
                        let isKnown = self.topic(topic.name, .write, call)?.partition(number) != nil
                        let part =
                            isKnown ? (isWhole ? code : .operationNotAttempted) : missing(topic.name, .write, call)
                        return Part(partitionIndex: number, partitionErrorCode: part)
                    })
            }
            answer(call, response)
        }
        guard isAllowed, isWhole else { return respond(.none) }
        change(
            name, request.v3AndBelowProducerID, request.v3AndBelowProducerEpoch,
            { respond($0.known(to: call.version, from: 2)) }
        ) { transaction in
            for (partition, end) in wanted where transaction.partitions[partition] == nil {
                transaction.partitions[partition] = end
            }
        }
    }

    func addOffsets(_ request: AddOffsetsToTxnRequest, _ call: KafkaCall) {
        guard may(.transact, request.transactionalID, call) else {
            return answer(call, AddOffsetsToTxnResponse(errorCode: .transactionalIDAuthorizationFailed))
        }
        guard may(.useGroup, request.groupID, call) else {
            return answer(call, AddOffsetsToTxnResponse(errorCode: .groupAuthorizationFailed))
        }
        guard !request.groupID.isEmpty else {
            return answer(call, AddOffsetsToTxnResponse(errorCode: .invalidGroupID))
        }
        change(
            request.transactionalID, request.producerID, request.producerEpoch,
            { [unowned self] code in
                answer(call, AddOffsetsToTxnResponse(errorCode: code.known(to: call.version, from: 2)))
            },
            { $0.groups.insert(request.groupID) })
    }

    func commitInTransaction(_ request: TxnOffsetCommitRequest, _ call: KafkaCall) {
        followTopics()
        let isAllowed = may(.transact, request.transactionalID, call)
        func respond(_ code: KafkaErrorCode) {
            var response = TxnOffsetCommitResponse()
            response.topics = request.topics.map { topic in
                TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic(
                    name: topic.name,
                    partitions: topic.partitions.map { part in
                        TxnOffsetCommitResponse.TxnOffsetCommitResponsePartition(
                            partitionIndex: part.partitionIndex,
                            errorCode: isAllowed ? fault(of: part, in: topic.name, call) ?? code : code)
                    })
            }
            answer(call, response)
        }
        guard isAllowed else { return respond(.transactionalIDAuthorizationFailed) }
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
            transaction.goOn(at: wallClock)
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
    ///
    /// From version 12 of Produce on a partition belongs to the transaction with its first batch, and the record that
    /// says so is appended with it. Before, it was added by a request of its own.
    /// - Throws: `BatchFault`.
    func append(
        transactional produced: ProducedBatch, to partition: StreamPartition, version: Int16
    ) throws(BatchFault) -> AppendTicket {
        let header = produced.append.batch.header
        let result = peers.withTransactions { table -> Result<AppendTicket, BatchFault> in
            guard let name = table.name(of: header.producerID.rawValue), var transaction = table[name] else {
                return .failure(
                    BatchFault(.invalidProducerIDMapping, "No transactional producer has this number."))
            }
            guard transaction.epoch == header.producerEpoch else {
                return .failure(
                    BatchFault(.invalidProducerEpoch, "The producer's epoch is \(transaction.epoch) by now."))
            }
            var companions = produced.companions
            if transaction.phase != .ongoing || transaction.partitions[partition] == nil {
                if let fault = Self.fault(ofAdding: header, to: transaction, version) { return .failure(fault) }
                transaction.goOn(at: wallClock)
                transaction.partitions[partition] = log.bounds(produced.append.partition).end
                guard let record = append(of: [.transaction(name, transaction)]) else {
                    return .failure(BatchFault(.coordinatorNotAvailable, "No transaction can be put on record."))
                }
                companions.append(record)
                table.set(name, transaction)
            }
            return .success(log.append(sequenced: produced.append, with: companions, from: loop))
        }
        return try result.get()
    }

    /// Why a batch's partition does not become one of the transaction; nil when it does.
    private static func fault(
        ofAdding batch: BatchHeader, to transaction: Transaction, _ version: Int16
    ) -> BatchFault? {
        guard version >= 12 else {
            // A client that knows the code gives its transaction up; for others it is the end.
            return BatchFault(
                version == 11 ? .transactionAbortable : .invalidTxnState,
                "The partition does not belong to the producer's transaction.")
        }
        if transaction.phase == .ending {
            return BatchFault(.concurrentTransactions, "The producer's former transaction is about to end.")
        }
        // Each transaction has an epoch of its own, so that it begins with the first number everywhere.
        guard batch.baseSequence == 0 else {
            return BatchFault(
                .outOfOrderSequenceNumber, "The first batch of a transaction in a partition has number 0.")
        }
        return nil
    }
}

extension KafkaErrorCode {
    /// The code as a version knows it: before `first` a producer that is fenced hears that its epoch is invalid.
    func known(to version: Int16, from first: Int16) -> KafkaErrorCode {
        self == .producerFenced && version < first ? .invalidProducerEpoch : self
    }
}
