import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// What tools ask of a cluster, and what there is to say of one node.
extension KafkaShard {
    func describeDirectories(_ request: DescribeLogDirsRequest, _ call: KafkaCall) {
        typealias Described = DescribeLogDirsResponse.DescribeLogDirsTopic
        guard mayAdminister(call) else {
            return answer(call, DescribeLogDirsResponse(errorCode: .clusterAuthorizationFailed))
        }
        var found: [Described] = []
        func add(_ topic: Topic, _ numbers: [Int32]) {
            var described = Described(name: topic.name)
            for number in numbers {
                guard let partition = topic.partition(number) else { continue }
                described.partitions.append(
                    DescribeLogDirsResponse.DescribeLogDirsPartition(
                        partitionIndex: number, partitionSize: log.figures(partition).byteCount, offsetLag: 0))
            }
            found.append(described)
        }
        if let wanted = request.topics {
            for item in wanted { if let topic = topics[item.topic] { add(topic, item.partitions) } }
        } else {
            for topic in topics.topics { add(topic, topic.partitions.indices.map { Int32($0) }) }
        }
        var result = DescribeLogDirsResponse.DescribeLogDirsResult(logDir: settings.directory, topics: found)
        result.totalBytes = -1
        result.usableBytes = -1
        answer(call, DescribeLogDirsResponse(results: [result]))
    }

    func describeProducers(_ request: DescribeProducersRequest, _ call: KafkaCall) {
        typealias Part = DescribeProducersResponse.PartitionResponse
        var response = DescribeProducersResponse()
        response.topics = request.topics.map { wanted in
            DescribeProducersResponse.TopicResponse(
                name: wanted.name,
                partitions: wanted.partitionIndexes.map { number in
                    guard let partition = topic(wanted.name, .read, call)?.partition(number) else {
                        return Part(
                            partitionIndex: number, errorCode: missing(wanted.name, .read, call),
                            errorMessage: "There is no such partition.")
                    }
                    let place = StreamPartition(stream: wanted.name, number: number)
                    return Part(
                        partitionIndex: number,
                        activeProducers: log.producers(partition).map {
                            DescribeProducersResponse.ProducerState(
                                producerID: $0.id.rawValue, producerEpoch: Int32($0.epoch),
                                lastSequence: $0.lastSequence, lastTimestamp: -1, coordinatorEpoch: -1,
                                currentTxnStartOffset: transactionStart($0.id, place))
                        })
                })
        }
        answer(call, response)
    }

    private func transactionStart(_ producer: ProducerID, _ place: StreamPartition) -> Int64 {
        peers.withTransactions { table in
            table.name(of: producer.rawValue).flatMap { table[$0]?.partitions[place]?.rawValue } ?? -1
        }
    }

    // MARK: Transactions

    func listTransactions(_ request: ListTransactionsRequest, _ call: KafkaCall) {
        var response = ListTransactionsResponse()
        let known = Set(["Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort"])
        response.unknownStateFilters = request.stateFilters.filter { !known.contains($0) }
        for (name, transaction) in peers.withTransactions({ $0.transactions }) {
            let age = wallClock.rawValue - transaction.startedAt.rawValue
            guard request.stateFilters.isEmpty || request.stateFilters.contains(transaction.phase.name),
                request.producerIDFilters.isEmpty || request.producerIDFilters.contains(transaction.producerID),
                call.version < 1 || request.durationFilter < 0
                    || transaction.phase == .ongoing && age > request.durationFilter,
                mayDescribe(transaction: name, call, isReported: false)
            else { continue }
            response.transactionStates.append(
                ListTransactionsResponse.TransactionState(
                    transactionalID: name, producerID: transaction.producerID,
                    transactionState: transaction.phase.name))
        }
        response.transactionStates.sort { $0.transactionalID < $1.transactionalID }
        answer(call, response)
    }

    func describeTransactions(_ request: DescribeTransactionsRequest, _ call: KafkaCall) {
        typealias State = DescribeTransactionsResponse.TransactionState
        var response = DescribeTransactionsResponse()
        response.transactionStates = request.transactionalIDs.map { name in
            guard mayDescribe(transaction: name, call) else {
                return State(errorCode: .transactionalIDAuthorizationFailed, transactionalID: name)
            }
            guard let transaction = peers.withTransactions({ $0[name] }) else {
                return State(errorCode: .transactionalIDNotFound, transactionalID: name)
            }
            let topics = Dictionary(grouping: transaction.partitions.keys, by: \.stream)
                .filter { may(.describe, $0.key, call) }.sorted { $0.key < $1.key }
            return State(
                transactionalID: name, transactionState: transaction.phase.name,
                transactionTimeoutMs: transaction.timeout,
                transactionStartTimeMs: transaction.phase == .ongoing ? transaction.startedAt.rawValue : -1,
                producerID: transaction.producerID, producerEpoch: transaction.epoch,
                topics: topics.map { topic, partitions in
                    DescribeTransactionsResponse.TopicData(
                        topic: topic, partitions: partitions.map(\.number).sorted())
                })
        }
        answer(call, response)
    }

    // MARK: What one node has nothing of

    /// The only node leads everything: there is nothing to elect.
    func electLeaders(_ request: ElectLeadersRequest, _ call: KafkaCall) {
        typealias Part = ElectLeadersResponse.PartitionResult
        var response = ElectLeadersResponse()
        guard mayAdminister(call) else {
            response.errorCode = .clusterAuthorizationFailed
            return answer(call, response)
        }
        response.replicaElectionResults = (request.topicPartitions ?? []).map { wanted in
            ElectLeadersResponse.ReplicaElectionResult(
                topic: wanted.topic,
                partitionResult: wanted.partitions.map { number in
                    guard topics[wanted.topic]?.partition(number) != nil else {
                        return Part(
                            partitionID: number, errorCode: .unknownTopicOrPartition,
                            errorMessage: "There is no such partition.")
                    }
                    return Part(
                        partitionID: number, errorCode: .electionNotNeeded,
                        errorMessage: "The only node leads it already.")
                })
        }
        answer(call, response)
    }

    /// Nothing ever moves.
    func listReassignments(_ request: ListPartitionReassignmentsRequest, _ call: KafkaCall) {
        answer(call, ListPartitionReassignmentsResponse())
    }

    // MARK: Access lists

    private static let noAccessLists = "Rights stand in the node's configuration, and are not changed by clients."

    func describeAcls(_ request: DescribeAclsRequest, _ call: KafkaCall) {
        answer(call, DescribeAclsResponse(errorCode: .securityDisabled, errorMessage: Self.noAccessLists))
    }

    func createAcls(_ request: CreateAclsRequest, _ call: KafkaCall) {
        answer(
            call,
            CreateAclsResponse(
                results: request.creations.map { _ in
                    CreateAclsResponse.AclCreationResult(
                        errorCode: .securityDisabled, errorMessage: Self.noAccessLists)
                }))
    }

    func deleteAcls(_ request: DeleteAclsRequest, _ call: KafkaCall) {
        answer(
            call,
            DeleteAclsResponse(
                filterResults: request.filters.map { _ in
                    DeleteAclsResponse.DeleteAclsFilterResult(
                        errorCode: .securityDisabled, errorMessage: Self.noAccessLists)
                }))
    }

    /// There are no quotas of users.
    func describeQuotas(_ request: DescribeClientQuotasRequest, _ call: KafkaCall) {
        answer(call, DescribeClientQuotasResponse(entries: []))
    }
}
