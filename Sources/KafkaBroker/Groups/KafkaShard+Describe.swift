import GroupCoordination
import KafkaWire
import SluiceCore

/// Groups as operators see them.
extension KafkaShard {
    /// A group of any kind, in Kafka's words; nil when there is none.
    private func describe(_ name: String) -> ClassicDescription? {
        peers.withOffsets { table -> ClassicDescription? in
            if let description = table.classic.description(of: name) { return description }
            guard table.isActive(name) else {
                guard let group = table[name] else { return nil }
                return ClassicDescription(
                    state: "Empty", protocolType: group.metadata?.protocolType ?? "", protocolName: "", members: [])
            }
            // Clients of MQTT are its members: what they read stands in the record of the group.
            let members = table.members(of: name).map { member in
                ClassicDescription.Member(
                    memberID: member.memberID, instanceID: nil, clientID: member.clientID, host: member.host,
                    metadata: Self.subscription(of: member), assignment: Self.assignment(of: member))
            }
            return ClassicDescription(
                state: "Stable", protocolType: "consumer",
                protocolName: table[name]?.metadata?.assignor ?? "sticky", members: members)
        }
    }

    /// Kafka's consumer protocol: its version, then the message.
    private static func consumerProtocol(_ version: Int16, _ message: some KafkaMessage) -> [UInt8] {
        var writer = KafkaWriter()
        writer.write(version)
        do throws(KafkaWireError) {
            try message.encode(to: &writer, version: version)
        } catch {
            assertionFailure("\(error)")
            return []
        }
        return writer.buffer.bytes.copied
    }

    private static func subscription(of member: GroupMetadata.Member) -> [UInt8] {
        let names = Set(member.partitions.map(\.stream)).sorted()
        return consumerProtocol(0, ConsumerProtocolSubscription(topics: names))
    }

    private static func assignment(of member: GroupMetadata.Member) -> [UInt8] {
        let streams = Dictionary(grouping: member.partitions, by: \.stream).sorted { $0.key < $1.key }
        return consumerProtocol(
            0,
            ConsumerProtocolAssignment(
                assignedPartitions: streams.map { name, partitions in
                    ConsumerProtocolAssignment.TopicPartition(
                        topic: name, partitions: partitions.map(\.number).sorted())
                }))
    }

    /// The topics that a group's members read; nil when that is not known.
    func subscriptions(of name: String) -> Set<String>? {
        guard let description = describe(name) else { return [] }
        guard description.protocolType == "consumer" || description.members.isEmpty else { return nil }
        var names: Set<String> = []
        for member in description.members {
            guard let topics = Self.topics(of: member.metadata) else { return nil }
            names.formUnion(topics)
        }
        return names
    }

    /// The topics of a subscription, whose first field is its version.
    private static func topics(of metadata: [UInt8]) -> [String]? {
        guard metadata.count >= 2 else { return nil }
        let version = Int16(metadata[0]) << 8 | Int16(metadata[1])
        do throws(KafkaWireError) {
            var reader = KafkaReader(metadata.span)
            _ = try reader.readInt16("ConsumerProtocolSubscription.version")
            let known = min(version, ConsumerProtocolSubscription.versions.upperBound)
            return try ConsumerProtocolSubscription(from: &reader, version: known).topics
        } catch {
            return nil
        }
    }

    func describeGroups(_ request: DescribeGroupsRequest, _ call: KafkaCall) {
        typealias Described = DescribeGroupsResponse.DescribedGroup
        let operations = request.includeAuthorizedOperations ? Self.allGroupOperations : Self.operationsUnasked
        var response = DescribeGroupsResponse()
        response.groups = request.groups.map { name in
            guard mayDescribe(group: name, call) else {
                return Described(errorCode: .groupAuthorizationFailed, groupID: name)
            }
            let isOther = peers.withOffsets { $0.consumers.isActive(name) || $0.shares.isActive(name) }
            guard !isOther, let group = describe(name) else {
                var described = Described(groupID: name, groupState: "Dead")
                described.authorizedOperations = operations
                if name.isEmpty { described.errorCode = .invalidGroupID }
                if call.version >= 6 {
                    described.errorCode = .groupIDNotFound
                    described.errorMessage = "There is no group '\(name.shortened)'."
                }
                return described
            }
            return Described(
                groupID: name, groupState: group.state, protocolType: group.protocolType,
                protocolData: group.protocolName,
                members: group.members.map {
                    DescribeGroupsResponse.DescribedGroupMember(
                        memberID: $0.memberID, groupInstanceID: call.version >= 4 ? $0.instanceID : nil,
                        clientID: $0.clientID, clientHost: $0.host, memberMetadata: $0.metadata,
                        memberAssignment: $0.assignment)
                }, authorizedOperations: operations)
        }
        answer(call, response)
    }

    func listGroups(_ request: ListGroupsRequest, _ call: KafkaCall) {
        let states = Set(request.statesFilter.map { $0.lowercased() })
        let types = Set(request.typesFilter.map { $0.lowercased() })
        let names = peers.withOffsets { table in
            Set(table.names).union(table.classic.names).union(table.consumers.names).union(table.shares.names)
        }
        var response = ListGroupsResponse()
        for name in names.union(peers.withShares { $0.names }).sorted() where mayDescribe(group: name, call) {
            guard let group = listed(name), states.isEmpty || states.contains(group.groupState.lowercased()),
                types.isEmpty || types.contains(group.groupType)
            else { continue }
            response.groups.append(group)
        }
        answer(call, response)
    }

    /// A group of any kind as it stands in a list. One that nobody is in is what it was when it had members; one that
    /// was of several kinds is no share group.
    private func listed(_ name: String) -> ListGroupsResponse.ListedGroup? {
        let (consumers, shares) = peers.withOffsets {
            ($0.consumers.description(of: name), $0.shares.description(of: name))
        }
        if let group = consumers {
            return .init(groupID: name, protocolType: "consumer", groupState: group.state, groupType: "consumer")
        }
        if shares == nil, let group = describe(name) {
            return .init(
                groupID: name, protocolType: group.protocolType, groupState: group.state, groupType: "classic")
        }
        return shareDescription(of: name).map {
            .init(groupID: name, protocolType: "share", groupState: $0.state, groupType: "share")
        }
    }
}
