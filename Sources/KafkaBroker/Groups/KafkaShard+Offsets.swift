import GroupCoordination
import KafkaWire
import LogInterface
import SluiceCore

/// What groups have committed.
extension KafkaShard {
    // MARK: Committing

    func commitOffsets(_ request: OffsetCommitRequest, _ call: KafkaCall) {
        followTopics()
        // Before there were members there were no generations.
        let claim = ClassicClaim(
            memberID: request.memberID, instanceID: request.groupInstanceID,
            generation: request.generationIDOrMemberEpoch)
        // Who administers resets what others read.
        let isAllowed = mayDescribe(group: request.groupID, call)
        let fault = isAllowed ? validateCommit(request.groupID, claim)?.code ?? tooOld(request, call) : nil
        let isByID = call.version >= 10
        var response = OffsetCommitResponse()
        var records: [GroupRecord] = []
        response.topics = request.topics.map { wanted in
            let (topic, name) = topic(wanted.name, wanted.topicID, isByID: isByID)
            let refused: KafkaErrorCode? =
                !isAllowed
                ? .groupAuthorizationFailed
                : isByID && topic == nil
                    ? .unknownTopicID : may(.read, name, call) ? nil : .topicAuthorizationFailed
            return OffsetCommitResponse.OffsetCommitResponseTopic(
                name: wanted.name, topicID: wanted.topicID,
                partitions: wanted.partitions.map { part in
                    let code = refused ?? fault ?? Self.fault(of: part, in: topic)
                    if code == .none { records.append(record(part, name, request.groupID)) }
                    return OffsetCommitResponse.OffsetCommitResponsePartition(
                        partitionIndex: part.partitionIndex, errorCode: code)
                })
        }
        guard !records.isEmpty else { return answer(call, response) }
        append(records) { [unowned self] outcome in
            guard outcome == .stored else {
                for topic in response.topics.indices {
                    for index in response.topics[topic].partitions.indices
                    where response.topics[topic].partitions[index].errorCode == .none {
                        response.topics[topic].partitions[index].errorCode = .coordinatorNotAvailable
                    }
                }
                return answer(call, response)
            }
            // What is answered is durable, and so is what anybody is told of it.
            peers.withOffsets { table in for record in records { table.apply(record) } }
            answer(call, response)
        }
    }

    /// Members of groups in which the broker assigns have epochs, which versions before 9 have no word for.
    private func tooOld(_ request: OffsetCommitRequest, _ call: KafkaCall) -> KafkaErrorCode? {
        guard call.version < 9, !request.memberID.isEmpty,
            peers.withOffsets({ $0.consumers.isActive(request.groupID) })
        else { return nil }
        return .unsupportedVersion
    }

    /// Why an offset cannot be committed; none when it can.
    static func fault(
        of part: OffsetCommitRequest.OffsetCommitRequestPartition, in topic: Topic?
    ) -> KafkaErrorCode {
        guard topic?.partition(part.partitionIndex) != nil else { return .unknownTopicOrPartition }
        if part.committedMetadata?.utf8.count ?? 0 > KafkaBounds.offsetMetadataBytesMax {
            return .offsetMetadataTooLarge
        }
        return part.committedOffset < 0 ? .invalidCommitOffsetSize : .none
    }

    private func record(
        _ part: OffsetCommitRequest.OffsetCommitRequestPartition, _ topic: String, _ group: String
    ) -> GroupRecord {
        var committed = CommittedOffset(
            offset: Offset(rawValue: part.committedOffset), metadata: part.committedMetadata ?? "",
            committedAt: wallClock)
        committed.leaderEpoch = part.committedLeaderEpoch
        return .offset(group: group, StreamPartition(stream: topic, number: part.partitionIndex), committed)
    }

    // MARK: Fetching

    func fetchOffsets(_ request: OffsetFetchRequest, _ call: KafkaCall) {
        typealias Topics = OffsetFetchResponse.OffsetFetchResponseTopics
        var response = OffsetFetchResponse()
        guard call.version >= 8 else {
            guard mayDescribe(group: request.groupID, call) else {
                response.errorCode = call.version >= 2 ? .groupAuthorizationFailed : .none
                response.topics = (request.topics ?? []).map { topic in
                    OffsetFetchResponse.OffsetFetchResponseTopic(
                        name: topic.name,
                        partitions: topic.partitionIndexes.map {
                            OffsetFetchResponse.OffsetFetchResponsePartition(
                                partitionIndex: $0, committedOffset: -1, metadata: "",
                                errorCode: .groupAuthorizationFailed)
                        })
                }
                return answer(call, response)
            }
            let wanted = request.topics.map { $0.map { ($0.name, $0.partitionIndexes) } }
            response.topics = committed(request.groupID, wanted).map { topic, parts in
                OffsetFetchResponse.OffsetFetchResponseTopic(
                    name: topic,
                    partitions: parts.map { number, committed in
                        OffsetFetchResponse.OffsetFetchResponsePartition(
                            partitionIndex: number, committedOffset: committed?.offset.rawValue ?? -1,
                            committedLeaderEpoch: call.version >= 5 ? committed?.leaderEpoch ?? -1 : -1,
                            metadata: committed?.metadata ?? "",
                            errorCode: code(request.groupID, topic, number, request.requireStable))
                    })
            }
            return answer(call, response)
        }
        response.groups = request.groups.map { group in
            guard mayDescribe(group: group.groupID, call) else {
                return OffsetFetchResponse.OffsetFetchResponseGroup(
                    groupID: group.groupID, errorCode: .groupAuthorizationFailed)
            }
            if let fault = staleness(of: group) {
                return OffsetFetchResponse.OffsetFetchResponseGroup(groupID: group.groupID, errorCode: fault.code)
            }
            let isByID = call.version >= 10
            let known = group.topics?.map { wanted in
                (wanted, self.topic(wanted.name, wanted.topicID, isByID: isByID))
            }
            let wanted = known?.filter { !isByID || $1.topic != nil }.map { ($1.name, $0.partitionIndexes) }
            let unknown = known?.filter { isByID && $1.topic == nil }.map(\.0) ?? []
            return OffsetFetchResponse.OffsetFetchResponseGroup(
                groupID: group.groupID,
                topics: committed(group.groupID, wanted).map { topic, parts in
                    Topics(
                        name: isByID ? "" : topic, topicID: isByID ? topics[topic]?.id ?? .zero : .zero,
                        partitions: parts.map { number, committed in
                            OffsetFetchResponse.OffsetFetchResponsePartitions(
                                partitionIndex: number, committedOffset: committed?.offset.rawValue ?? -1,
                                committedLeaderEpoch: committed?.leaderEpoch ?? -1,
                                metadata: committed?.metadata ?? "",
                                errorCode: code(group.groupID, topic, number, request.requireStable))
                        })
                } + unknown.map { Self.unknown($0) })
        }
        answer(call, response)
    }

    /// What is said of a topic of which nobody knows the identifier.
    private static func unknown(
        _ wanted: OffsetFetchRequest.OffsetFetchRequestTopics
    ) -> OffsetFetchResponse.OffsetFetchResponseTopics {
        OffsetFetchResponse.OffsetFetchResponseTopics(
            topicID: wanted.topicID,
            partitions: wanted.partitionIndexes.map {
                OffsetFetchResponse.OffsetFetchResponsePartitions(
                    partitionIndex: $0, committedOffset: -1, metadata: "", errorCode: .unknownTopicID)
            })
    }

    /// Why a member of a group in which the broker assigns is not told what is committed: it has missed what has become
    /// of it. Others do not say who they are.
    private func staleness(of group: OffsetFetchRequest.OffsetFetchRequestGroup) -> GroupFault? {
        guard let member = group.memberID, !member.isEmpty, group.memberEpoch >= 0,
            peers.withOffsets({ $0.consumers.isActive(group.groupID) })
        else { return nil }
        return validateCommit(
            group.groupID, ClassicClaim(memberID: member, instanceID: nil, generation: group.memberEpoch))
    }

    /// Whether a transaction is about to commit something else: who wants to know what holds asks again.
    private func code(_ group: String, _ topic: String, _ number: Int32, _ requireStable: Bool) -> KafkaErrorCode {
        guard requireStable else { return .none }
        let place = StreamPartition(stream: topic, number: number)
        return peers.withTransactions { $0.commits(group, place) } ? .unstableOffsetCommit : .none
    }

    /// What a group has committed in some partitions, or in all in which it has.
    private func committed(
        _ group: String, _ wanted: [(name: String, numbers: [Int32])]?
    ) -> [(topic: String, parts: [(number: Int32, committed: CommittedOffset?)])] {
        peers.withOffsets { table in
            if let wanted {
                return wanted.map { name, numbers in
                    (name, numbers.map { ($0, table.committed(group, StreamPartition(stream: name, number: $0))) })
                }
            }
            let all = Dictionary(grouping: table.partitions(of: group), by: \.stream)
            return all.sorted { $0.key < $1.key }.map { name, partitions in
                (name, partitions.sorted().map { ($0.number, table.committed(group, $0)) })
            }
        }
    }

    // MARK: Deleting

    func deleteGroups(_ request: DeleteGroupsRequest, _ call: KafkaCall) {
        var response = DeleteGroupsResponse()
        var records: [GroupRecord] = []
        var shares: Set<String> = []
        response.results = request.groupsNames.map { name in
            guard mayDescribe(group: name, call) else {
                return DeleteGroupsResponse.DeletableGroupResult(groupID: name, errorCode: .groupAuthorizationFailed)
            }
            let isShare = peers.withShares { !$0.positions(of: name).isEmpty }
            var code = KafkaErrorCode.none
            switch peers.withOffsets({ $0.remove(name) }) {
            case .unknown where !isShare: code = name.isEmpty ? .invalidGroupID : .groupIDNotFound
            case .unknown: break
            case .active: code = .nonEmptyGroup
            case .removed(let removed): records += removed
            }
            if code == .none, isShare { shares.insert(name) }
            return DeleteGroupsResponse.DeletableGroupResult(groupID: name, errorCode: code)
        }
        deleteShares(shares) { [unowned self] isStored in
            guard !records.isEmpty else { return finish(isStored) }
            append(records) { outcome in finish(isStored && outcome == .stored) }
        }
        func finish(_ isStored: Bool) {
            if !isStored {
                for index in response.results.indices where response.results[index].errorCode == .none {
                    response.results[index].errorCode = .coordinatorNotAvailable
                }
            }
            answer(call, response)
        }
    }

    /// Takes what share groups have off the record.
    private func deleteShares(_ names: Set<String>, _ body: @escaping (Bool) -> Void) {
        changeShares(stored: body) { table, records in
            for name in names.sorted() {
                table.closeSessions(of: name)
                records += table.remove(name)
            }
        }
    }

    func deleteOffsets(_ request: OffsetDeleteRequest, _ call: KafkaCall) {
        typealias Part = OffsetDeleteResponse.OffsetDeleteResponsePartition
        var response = OffsetDeleteResponse()
        guard mayDescribe(group: request.groupID, call) else {
            response.errorCode = .groupAuthorizationFailed
            return answer(call, response)
        }
        let isKnown = peers.withOffsets { $0[request.groupID] != nil || $0.isActive(request.groupID) }
        guard isKnown else {
            response.errorCode = request.groupID.isEmpty ? .invalidGroupID : .groupIDNotFound
            return answer(call, response)
        }
        let subscribed = subscriptions(of: request.groupID)
        var partitions: [StreamPartition] = []
        response.topics = request.topics.map { wanted in
            OffsetDeleteResponse.OffsetDeleteResponseTopic(
                name: wanted.name,
                partitions: wanted.partitions.map { part in
                    var code = KafkaErrorCode.none
                    if topics[wanted.name]?.partition(part.partitionIndex) == nil {
                        code = .unknownTopicOrPartition
                    } else if subscribed?.contains(wanted.name) ?? true {
                        code = .groupSubscribedToTopic
                    } else {
                        partitions.append(StreamPartition(stream: wanted.name, number: part.partitionIndex))
                    }
                    return Part(partitionIndex: part.partitionIndex, errorCode: code)
                })
        }
        let records = peers.withOffsets { $0.remove(request.groupID, partitions) }
        guard !records.isEmpty else { return answer(call, response) }
        append(records) { [unowned self] outcome in
            if outcome != .stored { response.errorCode = .coordinatorNotAvailable }
            answer(call, response)
        }
    }
}
