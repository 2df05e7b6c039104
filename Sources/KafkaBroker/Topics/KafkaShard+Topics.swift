import GroupCoordination
import KafkaWire
import LogInterface
import SluiceCore

/// Topics that are made, changed and deleted.
extension KafkaShard {
    /// The largest number of partitions that a request may ask for: as many as a node may have.
    private static let partitionCountMax = Limits.partitionsMax - Limits.ownPartitionsMax

    /// Makes streams, one after the other.
    /// - Parameter body: hears why some could not be made.
    func create(_ wanted: [StreamSettings], for call: KafkaCall, _ body: @escaping ([String: StreamFault]) -> Void) {
        final class Work {
            var faults: [String: StreamFault] = [:]
            var awaitedCount = 0
        }
        let work = Work()
        work.awaitedCount = wanted.count
        guard !wanted.isEmpty else { return body([:]) }
        for settings in wanted {
            administer(.create(settings)) { [unowned self] result in
                switch result {
                case .success:
                    report(
                        .kafkaStreamMade,
                        "stream '\(settings.name, as: .stream)' was made for \(call.connection.label)")
                case .failure(let fault): work.faults[settings.name] = fault
                }
                work.awaitedCount -= 1
                if work.awaitedCount == 0 { body(work.faults) }
            }
        }
    }

    // MARK: Making

    func createTopics(_ request: CreateTopicsRequest, _ call: KafkaCall) {
        followTopics()
        var response = CreateTopicsResponse()
        var wanted: [StreamSettings] = []
        let counts = Dictionary(grouping: request.topics, by: \.name).mapValues(\.count)
        for topic in request.topics {
            var result = CreateTopicsResponse.CreatableTopicResult(name: topic.name)
            switch settings(of: topic, call, isRepeated: counts[topic.name] ?? 0 > 1) {
            case .failure(let fault):
                result.errorCode = fault.code
                if call.version >= 1 { result.errorMessage = fault.words }
                result.numPartitions = -1
                result.replicationFactor = -1
            case .success(let settings):
                wanted.append(settings)
                if call.version >= 5 { fill(&result, settings) }
            }
            response.topics.append(result)
        }
        guard !request.validateOnly else { return answer(call, response) }
        create(wanted, for: call) { [unowned self] faults in
            for index in response.topics.indices where response.topics[index].errorCode == .none {
                let name = response.topics[index].name
                if call.version >= 7, let topic = topics[name] { response.topics[index].topicID = topic.id }
                guard let fault = faults[name] else { continue }
                response.topics[index].errorCode = fault.code
                if call.version >= 1 { response.topics[index].errorMessage = fault.words }
            }
            answer(call, response)
        }
    }

    private func fill(_ result: inout CreateTopicsResponse.CreatableTopicResult, _ settings: StreamSettings) {
        result.numPartitions = Int32(settings.partitionCount)
        result.replicationFactor = 1
        result.configs = TopicConfigs.sorted.map { setting in
            CreateTopicsResponse.CreatableTopicConfigs(
                name: setting.name, value: TopicConfigs.value(setting, in: settings), readOnly: false,
                configSource: TopicConfigs.isGiven(setting, in: settings)
                    ? ConfigSource.topic : ConfigSource.standard, isSensitive: false)
        }
    }

    private func settings(
        of topic: CreateTopicsRequest.CreatableTopic, _ call: KafkaCall, isRepeated: Bool
    ) -> Result<StreamSettings, BatchFault> {
        func refused(_ code: KafkaErrorCode, _ words: String) -> Result<StreamSettings, BatchFault> {
            .failure(BatchFault(code, words))
        }
        if isRepeated { return refused(.invalidRequest, "The request names the topic more than once.") }
        guard StreamName.isValid(topic.name) else {
            return refused(.invalidTopicException, "A topic's name is made of a-z, A-Z, 0-9, '.', '_' and '-'.")
        }
        guard !topic.name.hasPrefix("__") else {
            return refused(.invalidTopicException, "Names with '__' in front are the node's own.")
        }
        guard may(.write, topic.name, call) || mayAdminister(call) else {
            return refused(.topicAuthorizationFailed, "Not authorized to make the topic.")
        }
        if topics[topic.name] != nil { return refused(.topicAlreadyExists, "Topic '\(topic.name)' already exists.") }
        var settings = StreamSettings(name: topic.name)
        if !topic.assignments.isEmpty {
            guard topic.numPartitions == -1, topic.replicationFactor == -1 else {
                return refused(.invalidRequest, "Either numbers or an assignment is given, not both.")
            }
            let numbers = topic.assignments.map(\.partitionIndex).sorted()
            guard numbers == Array(0..<Int32(numbers.count)),
                topic.assignments.allSatisfy({ $0.brokerIDs == [KafkaSettings.nodeID] })
            else { return refused(.invalidReplicaAssignment, "Every partition is on node 1, and nowhere else.") }
            settings.partitionCount = numbers.count
        } else {
            guard topic.numPartitions == -1 || (1...Self.partitionCountMax).contains(Int(topic.numPartitions)) else {
                return refused(.invalidPartitions, "From 1 to \(Self.partitionCountMax) partitions are possible.")
            }
            // Frameworks ask for three copies by themselves; there is one node, and what is here is what they get.
            guard topic.replicationFactor == -1 || topic.replicationFactor >= 1 else {
                return refused(.invalidReplicationFactor, "There is one copy at least.")
            }
            settings.partitionCount = max(1, Int(topic.numPartitions))
        }
        for config in topic.configs {
            if let fault = TopicConfigs.set(config.name, config.value, in: &settings) {
                return refused(.invalidConfig, fault)
            }
        }
        return .success(settings)
    }

    // MARK: Growing

    func createPartitions(_ request: CreatePartitionsRequest, _ call: KafkaCall) {
        followTopics()
        var changes: [(index: Int, request: StreamRequest)] = []
        var response = CreatePartitionsResponse()
        for wanted in request.topics {
            var result = CreatePartitionsResponse.CreatePartitionsTopicResult(name: wanted.name)
            let count = Int(wanted.count)
            if !mayAdminister(call) {
                (result.errorCode, result.errorMessage) = (.topicAuthorizationFailed, "Not authorized.")
            } else if let topic = topics[wanted.name] {
                if let fault = faultOfChange(topic) {
                    (result.errorCode, result.errorMessage) = (fault.code, fault.words)
                } else if count <= topic.partitions.count || count > Self.partitionCountMax {
                    result.errorCode = .invalidPartitions
                    result.errorMessage =
                        "Topic has \(topic.partitions.count) partitions; more are possible, up to "
                        + "\(Self.partitionCountMax) in all, not \(count)."
                } else {
                    var change = StreamAlteration()
                    change.partitionCount = count
                    changes.append((response.results.count, .alter(wanted.name, change)))
                }
            } else {
                (result.errorCode, result.errorMessage) = (.unknownTopicOrPartition, "There is no such topic.")
            }
            response.results.append(result)
        }
        guard !request.validateOnly else { return answer(call, response) }
        change(changes) { [unowned self] faults in
            for (index, fault) in faults {
                (response.results[index].errorCode, response.results[index].errorMessage) = (fault.code, fault.words)
            }
            answer(call, response)
        }
    }

    /// Changes streams, one after the other; `body` hears which changes came to nothing.
    func change(
        _ changes: [(index: Int, request: StreamRequest)], _ body: @escaping ([Int: StreamFault]) -> Void
    ) {
        final class Work {
            var faults: [Int: StreamFault] = [:]
            var awaitedCount = 0
        }
        let work = Work()
        work.awaitedCount = changes.count
        guard !changes.isEmpty else { return body([:]) }
        for (index, request) in changes {
            administer(request) { result in
                if case .failure(let fault) = result { work.faults[index] = fault }
                work.awaitedCount -= 1
                if work.awaitedCount == 0 { body(work.faults) }
            }
        }
    }

    /// Why a topic cannot be changed by clients; nil when it can.
    func faultOfChange(_ topic: Topic) -> BatchFault? {
        if topic.isInternal { return BatchFault(.invalidTopicException, "The topic is the node's own.") }
        guard settings.declared.contains(topic.name) else { return nil }
        return BatchFault(
            .policyViolation,
            "Stream '\(topic.name)' is declared in the configuration file, which would take the change back at the "
                + "next start: change it there.")
    }

    // MARK: Deleting

    func deleteTopics(_ request: DeleteTopicsRequest, _ call: KafkaCall) {
        followTopics()
        typealias Deleted = DeleteTopicsResponse.DeletableTopicResult
        let wanted = call.version >= 6 ? request.topics : request.topicNames.map { .init(name: $0) }
        var response = DeleteTopicsResponse()
        var changes: [(index: Int, request: StreamRequest)] = []
        for state in wanted {
            let topic = state.name.map { topics[$0] } ?? topics[state.topicID]
            var result = Deleted(name: state.name ?? topic?.name, topicID: topic?.id ?? state.topicID)
            if call.version < 6 { result.topicID = .zero }
            if !mayAdminister(call) {
                result.errorCode = .topicAuthorizationFailed
                if state.name == nil { result.name = nil }
            } else if let topic {
                if let fault = faultOfChange(topic) {
                    result.errorCode = fault.code
                    if call.version >= 5 { result.errorMessage = fault.words }
                } else {
                    changes.append((response.responses.count, .delete(topic.name)))
                }
            } else {
                result.errorCode = state.name == nil ? .unknownTopicID : .unknownTopicOrPartition
            }
            response.responses.append(result)
        }
        change(changes) { [unowned self] faults in
            for (index, fault) in faults {
                response.responses[index].errorCode = fault.code
                if call.version >= 5 { response.responses[index].errorMessage = fault.words }
            }
            let gone = changes.filter { faults[$0.index] == nil }.map(\.request.name)
            for name in gone {
                report(
                    .kafkaStreamDeleted, "stream '\(name, as: .stream)' was deleted for \(call.connection.label)")
            }
            forgetOffsets(of: gone) { [unowned self] in answer(call, response) }
        }
    }

    /// Takes deleted streams off the record of all groups: a stream that is made under the name is another one.
    private func forgetOffsets(of streams: [String], _ body: @escaping () -> Void) {
        let records = peers.withOffsets { table in streams.flatMap { table.remove(stream: $0) } }
        guard !records.isEmpty else { return body() }
        append(records) { _ in body() }
    }

    func deleteRecords(_ request: DeleteRecordsRequest, _ call: KafkaCall) {
        followTopics()
        typealias Part = DeleteRecordsResponse.DeleteRecordsPartitionResult
        var response = DeleteRecordsResponse()
        var changes: [(index: Int, request: StreamRequest)] = []
        for (index, wanted) in request.topics.enumerated() {
            let topic = topics[wanted.name]
            var change = StreamAlteration()
            let parts = wanted.partitions.map { part -> Part in
                guard mayAdminister(call) else {
                    return Part(
                        partitionIndex: part.partitionIndex, lowWatermark: -1, errorCode: .topicAuthorizationFailed)
                }
                guard let topic, let partition = topic.partition(part.partitionIndex) else {
                    return Part(
                        partitionIndex: part.partitionIndex, lowWatermark: -1, errorCode: .unknownTopicOrPartition)
                }
                guard !topic.isInternal else {
                    return Part(partitionIndex: part.partitionIndex, lowWatermark: -1, errorCode: .policyViolation)
                }
                let bounds = log.bounds(partition)
                let offset = part.offset == -1 ? bounds.highWatermark.rawValue : part.offset
                guard (0...bounds.highWatermark.rawValue).contains(offset) else {
                    return Part(partitionIndex: part.partitionIndex, lowWatermark: -1, errorCode: .offsetOutOfRange)
                }
                let low = max(bounds.start.rawValue, offset)
                if low > bounds.start.rawValue {
                    change.startOffsets[Int(part.partitionIndex)] = Offset(rawValue: low)
                }
                return Part(partitionIndex: part.partitionIndex, lowWatermark: low)
            }
            response.topics.append(
                DeleteRecordsResponse.DeleteRecordsTopicResult(name: wanted.name, partitions: parts))
            if !change.startOffsets.isEmpty { changes.append((index, .alter(wanted.name, change))) }
        }
        change(changes) { [unowned self] faults in
            for (index, fault) in faults {
                for part in response.topics[index].partitions.indices
                where response.topics[index].partitions[part].errorCode == .none {
                    response.topics[index].partitions[part].errorCode = fault.code
                    response.topics[index].partitions[part].lowWatermark = -1
                }
            }
            answer(call, response)
        }
    }
}

extension StreamFault {
    /// Kafka's code.
    var code: KafkaErrorCode {
        switch self {
        case .exists, .isBeingDeleted: .topicAlreadyExists
        case .unknown: .unknownTopicOrPartition
        case .invalidName, .isInternal: .invalidTopicException
        case .invalidCount, .partitionLimit: .invalidPartitions
        case .storage: .kafkaStorageError
        }
    }

    /// It in words.
    var words: String {
        switch self {
        case .exists: "The topic is there already."
        case .unknown: "There is no such topic."
        case .invalidName: "The name is none of a topic."
        case .invalidCount: "A topic has a partition at least, and never fewer than before."
        case .isInternal: "The topic is the node's own."
        case .partitionLimit(let count): "A node has \(count) partitions at most, deleted ones counted."
        case .isBeingDeleted: "What a deleted topic of the name has left is still being removed."
        case .storage(let reason): "The change cannot be stored: \(reason)."
        }
    }
}
