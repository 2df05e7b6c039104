import GroupCoordination
import KafkaWire
import RegularExpressions
import SluiceCore
import Speaking

/// Groups of the consumer protocol (KIP-848): one request for joining, being there and letting go, and the broker
/// assigns.
extension KafkaShard {
    func consumerHeartbeat(_ request: ConsumerGroupHeartbeatRequest, _ call: KafkaCall) {
        typealias Response = ConsumerGroupHeartbeatResponse
        func refuse(_ code: KafkaErrorCode, _ words: String) {
            answer(call, Response(errorCode: code, errorMessage: words))
        }
        guard !request.groupID.isEmpty else { return refuse(.invalidRequest, "A group has a name.") }
        guard may(.useGroup, request.groupID, call) else {
            return refuse(.groupAuthorizationFailed, "Not authorized to use the group.")
        }
        if let name = request.subscribedTopicNames?.first(where: { !may(.read, $0, call) }) {
            return refuse(.topicAuthorizationFailed, "Not authorized to read '\(name.shortened)'.")
        }
        // In the first version the broker names members.
        let isNameless = request.memberID.isEmpty && call.version == 0 && request.memberEpoch == 0
        let memberID = isNameless ? KafkaUUID.random().description : request.memberID
        guard !memberID.isEmpty else { return refuse(.invalidRequest, "A member has an identifier.") }
        if let assignor = request.serverAssignor, assignor != "uniform", assignor != "range" {
            return refuse(
                .unsupportedAssignor,
                "There is no assignor '\(assignor.shortened)'; there are uniform and range.")
        }
        followTopics()
        let pattern: TopicPatternChange
        do throws(TopicPatterns.Fault) {
            pattern = try patternChange(request, memberID, call)
        } catch {
            switch error {
            case .busy: return refuse(.coordinatorLoadInProgress, "Many patterns are being matched; try again.")
            case .wrong(let fault):
                let text = (request.subscribedTopicRegex ?? "").shortened
                return refuse(
                    .invalidRegularExpression, "The pattern '\(text)' is not taken: \(fault.words.shortened).")
            }
        }
        let owned = request.topicPartitions.map { listed in
            Set(
                listed.flatMap { part -> [StreamPartition] in
                    guard let topic = topics[part.topicID] else { return [] }
                    return part.partitions.map { StreamPartition(stream: topic.name, number: $0) }
                })
        }
        let beat = ConsumerHeartbeat(
            memberID: memberID, instanceID: request.instanceID, epoch: request.memberEpoch,
            clientID: call.clientID ?? "", host: host(of: call.connection), topics: request.subscribedTopicNames,
            pattern: pattern, generation: topicGeneration, owned: owned,
            rebalanceTimeout: request.rebalanceTimeoutMs < 0 ? nil : Int64(request.rebalanceTimeoutMs) * 1_000_000)
        let known = topics
        let result = peers.withOffsets { table -> Result<(ConsumerAssignment, String), GroupFault> in
            do throws(GroupFault) {
                let assignment = try table.heartbeat(request.groupID, beat, now: now) { known[$0]?.partitions.count }
                return .success((assignment, table.settings[request.groupID][.consumerHeartbeatInterval]))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .failure(.otherKind):
            refuse(.groupIDNotFound, "The group '\(request.groupID.shortened)' has members that share records.")
        case .failure(let fault): refuse(fault.code, "\(fault)")
        case .success((let assignment, let interval)):
            answer(
                call,
                Response(
                    memberID: memberID, memberEpoch: assignment.epoch,
                    heartbeatIntervalMs: Int32(interval) ?? 0,
                    assignment: assignment.partitions.map { Response.Assignment(topicPartitions: listed($0)) }))
        }
    }

    private func listed(_ partitions: [StreamPartition]) -> [ConsumerGroupHeartbeatResponse.TopicPartitions] {
        Dictionary(grouping: partitions, by: \.stream).sorted { $0.key < $1.key }.compactMap { name, partitions in
            topics[name].map {
                ConsumerGroupHeartbeatResponse.TopicPartitions(
                    topicID: $0.id, partitions: partitions.map(\.number).sorted())
            }
        }
    }

    func describeConsumers(_ request: ConsumerGroupDescribeRequest, _ call: KafkaCall) {
        typealias Described = ConsumerGroupDescribeResponse.DescribedGroup
        var response = ConsumerGroupDescribeResponse()
        let operations = request.includeAuthorizedOperations ? Self.allGroupOperations : Self.operationsUnasked
        response.groups = request.groupIDs.map { name in
            guard mayDescribe(group: name, call) else {
                return Described(errorCode: .groupAuthorizationFailed, groupID: name)
            }
            guard let group = peers.withOffsets({ $0.consumers.description(of: name) }) else {
                return Described(
                    errorCode: .groupIDNotFound, errorMessage: "There is no group '\(name.shortened)' of this kind.",
                    groupID: name,
                    authorizedOperations: operations)
            }
            return Described(
                groupID: name, groupState: group.state, groupEpoch: group.epoch, assignmentEpoch: group.epoch,
                assignorName: "uniform",
                members: group.members.map { member in
                    var described = ConsumerGroupDescribeResponse.Member(
                        memberID: member.memberID, instanceID: member.instanceID, memberEpoch: member.epoch,
                        clientID: member.clientID, clientHost: member.host, subscribedTopicNames: member.topics,
                        subscribedTopicRegex: member.pattern, assignment: assignment(member.owned),
                        targetAssignment: assignment(member.target))
                    if call.version >= 1 { described.memberType = 1 }
                    return described
                }, authorizedOperations: operations)
        }
        answer(call, response)
    }

    private func assignment(_ partitions: [StreamPartition]) -> ConsumerGroupDescribeResponse.Assignment {
        ConsumerGroupDescribeResponse.Assignment(
            topicPartitions: Dictionary(grouping: partitions, by: \.stream).sorted { $0.key < $1.key }.map {
                ConsumerGroupDescribeResponse.TopicPartitions(
                    topicID: topics[$0.key]?.id ?? .zero, topicName: $0.key, partitions: $0.value.map(\.number).sorted()
                )
            })
    }
}
