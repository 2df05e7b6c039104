import KafkaWire
import LogInterface
import SluiceCore
import Speaking

/// Who is there, and which topics there are.
extension KafkaShard {
    /// Rights that a client has who asks for them: none was refused, while there is nothing that refuses.
    static let allTopicOperations: Int32 = [3, 4, 5, 6, 7, 8, 10, 11].reduce(0) { $0 | 1 << $1 }
    static let allClusterOperations: Int32 = [5, 7, 8, 9, 10, 11, 12].reduce(0) { $0 | 1 << $1 }
    static let allGroupOperations: Int32 = [3, 6, 8].reduce(0) { $0 | 1 << $1 }
    /// Kafka's value for rights that were not asked for.
    static let operationsUnasked = Int32.min
    /// The epoch of the only leader that there ever is.
    static let leaderEpoch: Int32 = 0

    // MARK: Versions

    /// What a client may rely on beside the versions of requests: share groups, and transactions whose producers have
    /// another epoch after each end.
    private static let features: [(name: String, level: Int16)] = [("share.version", 1), ("transaction.version", 2)]

    func answerVersions(_ request: ApiVersionsRequest, _ call: KafkaCall) {
        var response = ApiVersionsResponse()
        if call.version >= 3 {
            guard Self.isSoftwareName(request.clientSoftwareName), Self.isSoftwareName(request.clientSoftwareVersion)
            else {
                response.errorCode = .invalidRequest
                return answer(call, response)
            }
        }
        response.apiKeys = ServedVersions.listed
        if call.version >= 3 {
            // Clients before 3.9 take a feature that may be absent for a fault, so that only newer ones hear of it.
            if call.version >= 4 {
                response.supportedFeatures = Self.features.map {
                    .init(name: $0.name, minVersion: 0, maxVersion: $0.level)
                }
            }
            response.finalizedFeaturesEpoch = 0
            response.finalizedFeatures = Self.features.map {
                .init(name: $0.name, maxVersionLevel: $0.level, minVersionLevel: $0.level)
            }
        }
        answer(call, response)
    }

    /// A client that is newer asks in a version that is not known: it is told, in the first version's words, which are.
    func refuseVersion(_ prefix: KafkaRequestPrefix, _ connection: KafkaConnection) {
        var first = prefix
        first.version = 0
        let call = KafkaCall(connection, first, .apiVersions, clientID: nil)
        connection.begin(call)
        answer(call, ApiVersionsResponse(errorCode: .unsupportedVersion, apiKeys: ServedVersions.listed))
    }

    /// Whether `name` is `[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?`, as KIP-511 has it.
    private static func isSoftwareName(_ name: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        guard let first = name.utf8.first, let last = name.utf8.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && name.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    // MARK: Metadata

    func metadata(_ request: MetadataRequest, _ call: KafkaCall) {
        followTopics()
        guard let asked = request.topics, call.version > 0 || !asked.isEmpty else {
            let visible = topics.topics.filter { may(.describe, $0.name, call) }
            return answerMetadata(request, visible.map(describe), call)
        }
        if (10...11).contains(call.version), asked.contains(where: { $0.name == nil || $0.topicID != .zero }) {
            let refused = asked.map {
                MetadataResponse.MetadataResponseTopic(
                    errorCode: .invalidRequest, name: $0.name ?? "", topicID: $0.topicID,
                    topicAuthorizedOperations: Self.operationsUnasked)
            }
            return answerMetadata(request, refused, call)
        }
        let wanted = asked.map(Self.named)
        let mayCreate = settings.createsTopics && (call.version < 4 || request.allowAutoTopicCreation)
        let missing = wanted.compactMap(\.name).filter {
            topics[$0] == nil && StreamName.isValid($0) && !$0.hasPrefix("__")
                && (may(.write, $0, call) || mayAdminister(call))
        }
        guard mayCreate, !missing.isEmpty else {
            return answerMetadata(request, wanted.map { describe($0, call) }, call)
        }
        create(Set(missing).sorted().map(Self.unasked), for: call) { [unowned self] faults in
            for (name, fault) in faults.sorted(by: { $0.key < $1.key }) where fault != .exists {
                report(
                    .kafkaStreamNotMade,
                    "topic '\(name, as: .stream)' was not made for \(call.connection.label): "
                        + "\(fault.words, as: .reason)")
            }
            answerMetadata(request, wanted.map { describe($0, call) }, call)
        }
    }

    /// One that is asked for by its identifier has no name: Java's clients say an empty one.
    private static func named(
        _ asked: MetadataRequest.MetadataRequestTopic
    ) -> MetadataRequest.MetadataRequestTopic {
        guard asked.topicID != .zero else { return asked }
        return MetadataRequest.MetadataRequestTopic(topicID: asked.topicID, name: nil)
    }

    /// A topic that somebody names before it is there. Names by which Kafka's frameworks keep their state mean a stream
    /// whose last record of each key stays.
    static func unasked(_ name: String) -> StreamSettings {
        var settings = StreamSettings(name: name)
        let isState = name == "_schemas" || ["connect-configs", "connect-offsets", "connect-status"].contains(name)
        if isState { settings.policy.cleanup = .compact }
        return settings
    }

    private func describe(
        _ wanted: MetadataRequest.MetadataRequestTopic, _ call: KafkaCall
    ) -> MetadataResponse.MetadataResponseTopic {
        if let name = wanted.name ?? topics[wanted.topicID]?.name, !may(.describe, name, call) {
            // Who asks by the identifier is not told the name.
            return MetadataResponse.MetadataResponseTopic(
                errorCode: .topicAuthorizationFailed, name: wanted.name, topicID: wanted.topicID,
                topicAuthorizedOperations: Self.operationsUnasked)
        }
        if let name = wanted.name {
            if let topic = topics[name] { return describe(topic) }
            return MetadataResponse.MetadataResponseTopic(
                errorCode: StreamName.isValid(name) ? .unknownTopicOrPartition : .invalidTopicException, name: name,
                topicAuthorizedOperations: Self.operationsUnasked)
        }
        if let topic = topics[wanted.topicID] { return describe(topic) }
        return MetadataResponse.MetadataResponseTopic(
            errorCode: .unknownTopicID, name: nil, topicID: wanted.topicID,
            topicAuthorizedOperations: Self.operationsUnasked)
    }

    private func describe(_ topic: Topic) -> MetadataResponse.MetadataResponseTopic {
        let node = KafkaSettings.nodeID
        return MetadataResponse.MetadataResponseTopic(
            name: topic.name, topicID: topic.id, isInternal: topic.isInternal,
            partitions: topic.partitions.indices.map {
                MetadataResponse.MetadataResponsePartition(
                    partitionIndex: Int32($0), leaderID: node, leaderEpoch: Self.leaderEpoch, replicaNodes: [node],
                    isrNodes: [node])
            }, topicAuthorizedOperations: Self.operationsUnasked)
    }

    private func answerMetadata(
        _ request: MetadataRequest, _ described: [MetadataResponse.MetadataResponseTopic], _ call: KafkaCall
    ) {
        let address = address(for: call.connection)
        var response = MetadataResponse(
            brokers: [
                MetadataResponse.MetadataResponseBroker(
                    nodeID: KafkaSettings.nodeID, host: address.host, port: Int32(address.port))
            ], clusterID: settings.clusterID, controllerID: KafkaSettings.nodeID, topics: described)
        if request.includeTopicAuthorizedOperations {
            for index in response.topics.indices {
                response.topics[index].topicAuthorizedOperations = Self.allTopicOperations
            }
        }
        response.clusterAuthorizedOperations =
            request.includeClusterAuthorizedOperations ? Self.allClusterOperations : Self.operationsUnasked
        // The version of a null name is the first of lookups by identifier.
        if call.version < 12 {
            for index in response.topics.indices where response.topics[index].name == nil {
                response.topics[index].name = ""
            }
        }
        answer(call, response)
    }

    func describeCluster(_ request: DescribeClusterRequest, _ call: KafkaCall) {
        let address = address(for: call.connection)
        var response = DescribeClusterResponse(
            endpointType: request.endpointType, clusterID: settings.clusterID, controllerID: KafkaSettings.nodeID,
            brokers: [
                DescribeClusterResponse.DescribeClusterBroker(
                    brokerID: KafkaSettings.nodeID, host: address.host, port: Int32(address.port))
            ],
            clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
                ? Self.allClusterOperations : Self.operationsUnasked)
        if request.endpointType != 1 {
            response.errorCode = .unsupportedEndpointType
            response.errorMessage = "Only endpoints of brokers are here; a controller is not reached by itself."
            response.brokers = []
        }
        answer(call, response)
    }

    func findCoordinator(_ request: FindCoordinatorRequest, _ call: KafkaCall) {
        let address = address(for: call.connection)
        func fault(_ key: String) -> (KafkaErrorCode, String?) {
            // 0 a group, 1 a transactional producer, 2 a partition of a share group.
            guard (0...(call.version >= 6 ? 2 : 1)).contains(request.keyType) else {
                return (.invalidRequest, "There is no coordinator of kind \(request.keyType).")
            }
            if request.keyType == 2, key.split(separator: ":").count < 3 {
                return (.invalidRequest, "A share group's partition is group:topic identifier:number.")
            }
            let group = request.keyType == 2 ? String(key.split(separator: ":").first ?? "") : key
            if request.keyType != 1, !group.isEmpty, !mayDescribe(group: group, call) {
                return (.groupAuthorizationFailed, "Not authorized to use the group.")
            }
            if request.keyType == 1, !key.isEmpty, !mayDescribe(transaction: key, call, isReported: false),
                !may(.transact, key, call)
            {
                return (.transactionalIDAuthorizationFailed, "Not authorized to use the transactional identifier.")
            }
            return request.keyType == 0 && key.isEmpty ? (.invalidGroupID, "A group has a name.") : (.none, nil)
        }
        var response = FindCoordinatorResponse()
        if call.version >= 4 {
            response.coordinators = request.coordinatorKeys.map { key in
                let (code, words) = fault(key)
                guard code == .none else {
                    return FindCoordinatorResponse.Coordinator(
                        key: key, nodeID: -1, host: "", port: -1, errorCode: code, errorMessage: words)
                }
                return FindCoordinatorResponse.Coordinator(
                    key: key, nodeID: KafkaSettings.nodeID, host: address.host, port: Int32(address.port))
            }
        } else {
            let (code, words) = fault(request.key)
            response.errorCode = code
            response.errorMessage = words
            response.nodeID = code == .none ? KafkaSettings.nodeID : -1
            response.host = code == .none ? address.host : ""
            response.port = code == .none ? Int32(address.port) : -1
        }
        answer(call, response)
    }

    func describeTopicPartitions(_ request: DescribeTopicPartitionsRequest, _ call: KafkaCall) {
        followTopics()
        typealias Described = DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic
        let node = KafkaSettings.nodeID
        var response = DescribeTopicPartitionsResponse()
        var room = max(1, min(Int(request.responsePartitionLimit), 2000))
        let names = Set(request.topics.map(\.name)).sorted()
        let asked = names.isEmpty ? topics.topics.map(\.name).sorted() : names
        for name in asked where name >= request.cursor?.topicName ?? "" {
            guard may(.describe, name, call) else {
                if !names.isEmpty {
                    response.topics.append(
                        Described(
                            errorCode: .topicAuthorizationFailed, name: name,
                            topicAuthorizedOperations: Self.operationsUnasked))
                }
                continue
            }
            guard let topic = topics[name] else {
                let code: KafkaErrorCode =
                    StreamName.isValid(name) ? .unknownTopicOrPartition : .invalidTopicException
                response.topics.append(
                    Described(errorCode: code, name: name, topicAuthorizedOperations: Self.operationsUnasked))
                continue
            }
            let first = name == request.cursor?.topicName ? max(0, Int(request.cursor?.partitionIndex ?? 0)) : 0
            guard room > 0 else {
                response.nextCursor = DescribeTopicPartitionsResponse.Cursor(topicName: name, partitionIndex: 0)
                break
            }
            let numbers = topic.partitions.indices.dropFirst(first).prefix(room)
            room -= numbers.count
            response.topics.append(
                Described(
                    name: name, topicID: topic.id, isInternal: topic.isInternal,
                    partitions: numbers.map {
                        DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponsePartition(
                            partitionIndex: Int32($0), leaderID: node, leaderEpoch: Self.leaderEpoch,
                            replicaNodes: [node], isrNodes: [node], eligibleLeaderReplicas: [], lastKnownElr: [])
                    }, topicAuthorizedOperations: Self.allTopicOperations))
            if let last = numbers.last, last + 1 < topic.partitions.count {
                response.nextCursor = DescribeTopicPartitionsResponse.Cursor(
                    topicName: name, partitionIndex: Int32(last + 1))
                break
            }
        }
        answer(call, response)
    }
}
