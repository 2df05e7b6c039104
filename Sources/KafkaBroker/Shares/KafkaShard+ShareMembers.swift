import GroupCoordination
import KafkaWire
import SluiceCore
import Speaking

/// Members of share groups (KIP-932): who is there, and what each of them reads.
extension KafkaShard {
    func shareHeartbeat(_ request: ShareGroupHeartbeatRequest, _ call: KafkaCall) {
        typealias Response = ShareGroupHeartbeatResponse
        func refuse(_ code: KafkaErrorCode, _ words: String) {
            answer(call, Response(errorCode: code, errorMessage: words, memberID: request.memberID))
        }
        guard !request.groupID.isEmpty else { return refuse(.invalidRequest, "A group has a name.") }
        guard !request.memberID.isEmpty else { return refuse(.invalidRequest, "A member has an identifier.") }
        guard may(.useGroup, request.groupID, call) else {
            return refuse(.groupAuthorizationFailed, "Not authorized to use the group.")
        }
        if let name = request.subscribedTopicNames?.first(where: { !may(.read, $0, call) }) {
            return refuse(.topicAuthorizationFailed, "Not authorized to read the topic '\(name.shortened)'.")
        }
        guard request.memberEpoch >= -1 else {
            return refuse(.invalidRequest, "A member's epoch is 0 to join, -1 to leave, or what it was told.")
        }
        guard request.memberEpoch != 0 || request.subscribedTopicNames?.isEmpty == false else {
            return refuse(.invalidRequest, "Whoever joins says which topics it reads.")
        }
        guard request.subscribedTopicNames?.count ?? 0 <= ShareMembers.topicCountMax else {
            return refuse(.invalidRequest, "A member reads \(ShareMembers.topicCountMax) topics at most.")
        }
        guard request.subscribedTopicNames?.allSatisfy(StreamName.isValid) ?? true else {
            return refuse(.invalidTopicException, "What is no name of a topic is nobody's to read.")
        }
        followTopics()
        let beat = ShareHeartbeat(
            memberID: request.memberID, epoch: request.memberEpoch, clientID: call.clientID ?? "",
            host: host(of: call.connection), rack: request.rackID, topics: request.subscribedTopicNames)
        let known = topics
        let result = peers.withOffsets { table -> Result<(ConsumerAssignment, String), GroupFault> in
            do throws(GroupFault) {
                let assignment = try table.heartbeat(request.groupID, beat, now: now) { known[$0]?.partitions.count }
                return .success((assignment, table.settings[request.groupID][.shareHeartbeatInterval]))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .failure(.otherKind):
            refuse(.groupIDNotFound, "The group '\(request.groupID.shortened)' has members that do not share records.")
        case .failure(let fault): refuse(fault.code, "\(fault)")
        case .success((let assignment, let interval)):
            let response = Response(
                memberID: request.memberID, memberEpoch: assignment.epoch, heartbeatIntervalMs: Int32(interval) ?? 0,
                assignment: assignment.partitions.map { Response.Assignment(topicPartitions: listed($0)) })
            // Where the group begins is durable before a member hears of a partition.
            begin(assignment.partitions ?? [], of: request.groupID) { [unowned self] isStored in
                guard isStored else { return refuse(.coordinatorNotAvailable, "Nothing can be stored now.") }
                answer(call, response)
            }
        }
    }

    private func begin(_ partitions: [StreamPartition], of group: String, _ body: @escaping (Bool) -> Void) {
        let wanted = partitions.compactMap { partition in
            topics[partition.stream].flatMap { shared(group, $0, partition.number) }
        }
        begin(wanted, of: group, body)
    }

    private func listed(_ partitions: [StreamPartition]) -> [ShareGroupHeartbeatResponse.TopicPartitions] {
        Dictionary(grouping: partitions, by: \.stream).sorted { $0.key < $1.key }.compactMap { name, partitions in
            topics[name].map {
                ShareGroupHeartbeatResponse.TopicPartitions(
                    topicID: $0.id, partitions: partitions.map(\.number).sorted())
            }
        }
    }

    // MARK: Describing

    /// A share group, with or without members; nil when there is none.
    func shareDescription(of name: String) -> ShareDescription? {
        if let group = peers.withOffsets({ $0.shares.description(of: name) }) { return group }
        let isEmpty = peers.withOffsets { !$0.isActive(name) } && peers.withShares { !$0.positions(of: name).isEmpty }
        return isEmpty ? .empty : nil
    }

    func describeShares(_ request: ShareGroupDescribeRequest, _ call: KafkaCall) {
        typealias Described = ShareGroupDescribeResponse.DescribedGroup
        var response = ShareGroupDescribeResponse()
        let operations = request.includeAuthorizedOperations ? Self.allGroupOperations : Self.operationsUnasked
        response.groups = request.groupIDs.map { name in
            guard mayDescribe(group: name, call) else {
                return Described(errorCode: .groupAuthorizationFailed, groupID: name)
            }
            guard let group = shareDescription(of: name) else {
                return Described(
                    errorCode: .groupIDNotFound, errorMessage: "There is no share group '\(name.shortened)'.",
                    groupID: name, authorizedOperations: operations)
            }
            return Described(
                groupID: name, groupState: group.state, groupEpoch: group.epoch, assignmentEpoch: group.epoch,
                assignorName: "simple",
                members: group.members.map { member in
                    ShareGroupDescribeResponse.Member(
                        memberID: member.memberID, rackID: member.rack, memberEpoch: member.epoch,
                        clientID: member.clientID, clientHost: member.host, subscribedTopicNames: member.topics,
                        assignment: assignment(member.partitions))
                }, authorizedOperations: operations)
        }
        answer(call, response)
    }

    private func assignment(_ partitions: [StreamPartition]) -> ShareGroupDescribeResponse.Assignment {
        ShareGroupDescribeResponse.Assignment(
            topicPartitions: Dictionary(grouping: partitions, by: \.stream).sorted { $0.key < $1.key }.map {
                ShareGroupDescribeResponse.TopicPartitions(
                    topicID: topics[$0.key]?.id ?? .zero, topicName: $0.key, partitions: $0.value.map(\.number).sorted()
                )
            })
    }
}
