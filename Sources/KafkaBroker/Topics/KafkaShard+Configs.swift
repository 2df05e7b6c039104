import GroupCoordination
import KafkaWire
import LogInterface
import SluiceCore

/// Kafka's numbers of where a setting's value comes from.
enum ConfigSource {
    static let topic: Int8 = 1
    static let node: Int8 = 4
    static let standard: Int8 = 5
    static let group: Int8 = 8
}

/// Kafka's numbers of what settings belong to.
private enum ResourceKind {
    static let topic: Int8 = 2
    static let broker: Int8 = 4
    static let group: Int8 = 32
}

/// Settings of topics and of the node.
extension KafkaShard {
    /// What tools look for in a node's settings; they cannot be changed this way.
    private var nodeSettings: [(name: String, value: String, kind: TopicConfigs.Kind)] {
        [
            ("auto.create.topics.enable", settings.createsTopics ? "true" : "false", .boolean),
            ("broker.id", "\(KafkaSettings.nodeID)", .int), ("compression.type", "producer", .string),
            ("default.replication.factor", "1", .int), ("delete.topic.enable", "true", .boolean),
            // Consoles take the cluster's version from it.
            ("inter.broker.protocol.version", "4.0-IV3", .string), ("log.dirs", settings.directory, .string),
            ("message.max.bytes", "\(KafkaBounds.batchBytesMax)", .int), ("min.insync.replicas", "1", .int),
            ("node.id", "\(KafkaSettings.nodeID)", .int), ("num.partitions", "1", .int),
            ("offsets.topic.replication.factor", "1", .int), ("process.roles", "broker,controller", .list),
            ("socket.request.max.bytes", "\(KafkaBounds.requestBytesMax)", .int),
        ]
    }

    // MARK: Reading

    func describeConfigs(_ request: DescribeConfigsRequest, _ call: KafkaCall) {
        followTopics()
        var response = DescribeConfigsResponse()
        response.results = request.resources.map { resource in
            var result = DescribeConfigsResponse.DescribeConfigsResult(
                resourceType: resource.resourceType, resourceName: resource.resourceName)
            func refuse(_ code: KafkaErrorCode, _ words: String) {
                (result.errorCode, result.errorMessage) = (code, words)
            }
            func isWanted(_ name: String) -> Bool { resource.configurationKeys?.contains(name) ?? true }
            switch resource.resourceType {
            case ResourceKind.topic:
                guard may(.describe, resource.resourceName, call) else {
                    refuse(.topicAuthorizationFailed, "Not authorized to see the topic.")
                    break
                }
                guard let topic = topics[resource.resourceName] else {
                    let isName = StreamName.isValid(resource.resourceName)
                    refuse(isName ? .unknownTopicOrPartition : .invalidTopicException, "There is no such topic.")
                    break
                }
                result.configs = TopicConfigs.sorted.filter { isWanted($0.name) }.map {
                    describe($0, topic, request, call)
                }
            case ResourceKind.broker:
                guard mayAdminister(call) else {
                    refuse(.clusterAuthorizationFailed, "Not authorized to see the node's settings.")
                    break
                }
                guard resource.resourceName.isEmpty || resource.resourceName == "\(KafkaSettings.nodeID)" else {
                    refuse(.invalidRequest, "The only node is \(KafkaSettings.nodeID).")
                    break
                }
                // Without a name the defaults of the cluster are meant, of which none is set.
                guard !resource.resourceName.isEmpty else { break }
                result.configs = nodeSettings.filter { isWanted($0.name) }.map { describe($0, request, call) }
            case ResourceKind.group:
                guard !resource.resourceName.isEmpty else {
                    refuse(.invalidRequest, "A group has a name.")
                    break
                }
                guard mayDescribe(group: resource.resourceName, call) else {
                    refuse(.groupAuthorizationFailed, "Not authorized to see the group.")
                    break
                }
                result.configs = describeSettings(of: resource.resourceName, request, call, isWanted: isWanted)
            case _: refuse(.invalidRequest, "Resources of kind \(resource.resourceType) have no settings here.")
            }
            return result
        }
        answer(call, response)
    }

    private func describe(
        _ setting: TopicConfigs.Setting, _ topic: Topic, _ request: DescribeConfigsRequest, _ call: KafkaCall
    ) -> DescribeConfigsResponse.DescribeConfigsResourceResult {
        typealias Synonym = DescribeConfigsResponse.DescribeConfigsSynonym
        let value = TopicConfigs.value(setting, in: topic.settings)
        let isGiven = TopicConfigs.isGiven(setting, in: topic.settings)
        var result = DescribeConfigsResponse.DescribeConfigsResourceResult(
            name: setting.name, value: value, readOnly: false, isSensitive: false)
        result.isDefault = call.version == 0 && !isGiven
        if call.version >= 1 {
            result.configSource = isGiven ? ConfigSource.topic : ConfigSource.standard
            if request.includeSynonyms {
                let standard = Synonym(name: setting.name, value: setting.standard, source: ConfigSource.standard)
                let given = Synonym(name: setting.name, value: value, source: ConfigSource.topic)
                result.synonyms = isGiven ? [given, standard] : [standard]
            }
        }
        if call.version >= 3 { result.configType = setting.kind.rawValue }
        return result
    }

    private func describe(
        _ setting: (name: String, value: String, kind: TopicConfigs.Kind), _ request: DescribeConfigsRequest,
        _ call: KafkaCall
    ) -> DescribeConfigsResponse.DescribeConfigsResourceResult {
        var result = DescribeConfigsResponse.DescribeConfigsResourceResult(
            name: setting.name, value: setting.value, readOnly: true, isSensitive: false)
        if call.version >= 1 { result.configSource = ConfigSource.node }
        if call.version >= 3 { result.configType = setting.kind.rawValue }
        return result
    }

    func listConfigResources(_ request: ListConfigResourcesRequest, _ call: KafkaCall) {
        typealias Resource = ListConfigResourcesResponse.ConfigResource
        var response = ListConfigResourcesResponse()
        let kinds = Set(request.resourceTypes)
        func isWanted(_ kind: Int8) -> Bool { call.version >= 1 && (kinds.isEmpty || kinds.contains(kind)) }
        if isWanted(ResourceKind.topic) {
            response.configResources += topics.topics.filter { may(.describe, $0.name, call) }.map {
                Resource(resourceName: $0.name, resourceType: ResourceKind.topic)
            }
        }
        if isWanted(ResourceKind.broker) {
            response.configResources.append(
                Resource(resourceName: "\(KafkaSettings.nodeID)", resourceType: ResourceKind.broker))
        }
        if isWanted(ResourceKind.group) {
            let groups = peers.withOffsets { $0.settings.names }
            response.configResources += groups.filter { mayDescribe(group: $0, call) }.map {
                Resource(resourceName: $0, resourceType: ResourceKind.group)
            }
        }
        answer(call, response)
    }

    // MARK: Changing

    /// Changes of one resource's settings: names with what is done to each.
    private struct Changes {
        var kind: Int8
        var name: String
        var steps: [(name: String, step: Step)]
        /// Whether what is not named goes back to what it is by itself.
        var replaces: Bool
    }

    private enum Step {
        case set(String?)
        case add(String)
        case remove(String)
        case unknown(Int8)
    }

    func alterConfigs(_ request: IncrementalAlterConfigsRequest, _ call: KafkaCall) {
        let wanted = request.resources.map { resource in
            Changes(
                kind: resource.resourceType, name: resource.resourceName,
                steps: resource.configs.map { config in
                    let step: Step =
                        switch config.configOperation {
                        case 0: .set(config.value)
                        case 1: .set(nil)
                        case 2: .add(config.value ?? "")
                        case 3: .remove(config.value ?? "")
                        case let other: .unknown(other)
                        }
                    return (config.name, step)
                }, replaces: false)
        }
        alter(wanted, call, validateOnly: request.validateOnly) { [unowned self] faults in
            var response = IncrementalAlterConfigsResponse()
            response.responses = zip(request.resources, faults).map { resource, fault in
                IncrementalAlterConfigsResponse.AlterConfigsResourceResponse(
                    errorCode: fault?.code ?? .none, errorMessage: fault?.words, resourceType: resource.resourceType,
                    resourceName: resource.resourceName)
            }
            answer(call, response)
        }
    }

    func replaceConfigs(_ request: AlterConfigsRequest, _ call: KafkaCall) {
        let wanted = request.resources.map { resource in
            Changes(
                kind: resource.resourceType, name: resource.resourceName,
                steps: resource.configs.map { ($0.name, .set($0.value)) }, replaces: true)
        }
        alter(wanted, call, validateOnly: request.validateOnly) { [unowned self] faults in
            var response = AlterConfigsResponse()
            response.responses = zip(request.resources, faults).map { resource, fault in
                AlterConfigsResponse.AlterConfigsResourceResponse(
                    errorCode: fault?.code ?? .none, errorMessage: fault?.words, resourceType: resource.resourceType,
                    resourceName: resource.resourceName)
            }
            answer(call, response)
        }
    }

    private func alter(
        _ wanted: [Changes], _ call: KafkaCall, validateOnly: Bool, _ body: @escaping ([BatchFault?]) -> Void
    ) {
        followTopics()
        var faults = [BatchFault?](repeating: nil, count: wanted.count)
        var requests: [(index: Int, request: StreamRequest)] = []
        var groups: [(index: Int, changes: [GroupChange])] = []
        for (index, changes) in wanted.enumerated() {
            do throws(BatchFault) {
                guard mayAdminister(call) else {
                    let code: KafkaErrorCode =
                        switch changes.kind {
                        case ResourceKind.topic: .topicAuthorizationFailed
                        case ResourceKind.group: .groupAuthorizationFailed
                        case _: .clusterAuthorizationFailed
                        }
                    throw BatchFault(code, "Not authorized to change settings.")
                }
                if changes.kind == ResourceKind.group {
                    groups.append((index, try groupChanges(changes)))
                } else {
                    requests.append((index, .alter(changes.name, try alteration(changes))))
                }
            } catch {
                faults[index] = error
            }
        }
        guard !validateOnly else { return body(faults) }
        var awaitedCount = groups.count + 1
        func settled() {
            awaitedCount -= 1
            if awaitedCount == 0 { body(faults) }
        }
        for (index, changes) in groups {
            change(settingsOf: wanted[index].name, changes, replaces: wanted[index].replaces) { isStored in
                if !isStored { faults[index] = BatchFault(.kafkaStorageError, "The change cannot be stored now.") }
                settled()
            }
        }
        change(requests) { found in
            for (index, fault) in found { faults[index] = BatchFault(fault.code, fault.words) }
            settled()
        }
    }

    private func groupChanges(_ changes: Changes) throws(BatchFault) -> [GroupChange] {
        var steps: [GroupChange] = []
        for (name, step) in changes.steps {
            guard case .set(let value) = step else {
                throw BatchFault(.invalidConfig, "\(name.shortened) is no list, to which something could be added.")
            }
            steps.append((name, value))
        }
        if let fault = fault(ofSettings: steps, group: changes.name) { throw fault }
        return steps
    }

    private func alteration(_ changes: Changes) throws(BatchFault) -> StreamAlteration {
        guard changes.kind == ResourceKind.topic else {
            throw BatchFault(
                .invalidRequest,
                "Settings of topics and groups can be changed; those of the node stand in its configuration file.")
        }
        guard let topic = topics[changes.name] else {
            throw BatchFault(.unknownTopicOrPartition, "There is no such topic.")
        }
        if let fault = faultOfChange(topic) { throw fault }
        var settings = topic.settings
        if changes.replaces {
            for setting in TopicConfigs.sorted { _ = TopicConfigs.set(setting.name, nil, in: &settings) }
        }
        for (name, step) in changes.steps {
            if let fault = TopicConfigs.set(name, try value(name, step, settings), in: &settings) {
                throw BatchFault(.invalidConfig, fault)
            }
        }
        var alteration = StreamAlteration()
        alteration.policy = settings.policy
        alteration.durability = settings.durability
        alteration.extra = settings.extra
        return alteration
    }

    private func value(
        _ name: String, _ step: Step, _ settings: StreamSettings
    ) throws(BatchFault) -> String? {
        let words: String
        switch step {
        case .set(let value): return value
        case .unknown(let number): throw BatchFault(.invalidRequest, "There is no operation \(number).")
        case .add(let value), .remove(let value): words = value
        }
        guard let setting = TopicConfigs.all[name], setting.kind == .list else {
            throw BatchFault(.invalidConfig, "\(name.shortened) is no list, to which something could be added.")
        }
        var list = TopicConfigs.value(setting, in: settings).split(separator: ",").map(String.init)
        for word in words.split(separator: ",").map(String.init) {
            list.removeAll { $0 == word }
            if case .add = step { list.append(word) }
        }
        return list.joined(separator: ",")
    }
}
