import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// What tools ask of a cluster, and what there is to say of one node.
extension KafkaShard {
    func describeDirectories(_ request: DescribeLogDirsRequest, _ call: KafkaCall) {
        typealias Described = DescribeLogDirsResponse.DescribeLogDirsTopic
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
                    guard let partition = topics[wanted.name]?.partition(number) else {
                        return Part(
                            partitionIndex: number, errorCode: .unknownTopicOrPartition,
                            errorMessage: "There is no such partition.")
                    }
                    return Part(
                        partitionIndex: number,
                        activeProducers: log.producers(partition).map {
                            DescribeProducersResponse.ProducerState(
                                producerID: $0.id.rawValue, producerEpoch: Int32($0.epoch),
                                lastSequence: $0.lastSequence, lastTimestamp: -1, coordinatorEpoch: -1,
                                currentTxnStartOffset: -1)
                        })
                })
        }
        answer(call, response)
    }

    /// The only node leads everything: there is nothing to elect.
    func electLeaders(_ request: ElectLeadersRequest, _ call: KafkaCall) {
        typealias Part = ElectLeadersResponse.PartitionResult
        var response = ElectLeadersResponse()
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

    /// There are no quotas of users.
    func describeQuotas(_ request: DescribeClientQuotasRequest, _ call: KafkaCall) {
        answer(call, DescribeClientQuotasResponse(entries: []))
    }
}
