import GroupCoordination
import KafkaWire
import LogInterface
import SluiceCore

/// What members of share groups acknowledge, and their sessions.
extension KafkaShard {
    func shareAcknowledge(_ request: ShareAcknowledgeRequest, _ call: KafkaCall) {
        followTopics()
        func refuse(_ code: KafkaErrorCode, _ words: String) {
            answer(call, ShareAcknowledgeResponse(errorCode: code, errorMessage: words))
        }
        guard let id = shareSession(request.groupID, request.memberID) else {
            return refuse(.invalidRequest, "A group and a member have names.")
        }
        guard may(.useGroup, id.group, call) else {
            return refuse(.groupAuthorizationFailed, "Not authorized to use the group.")
        }
        guard request.shareSessionEpoch != 0 else {
            return refuse(.invalidShareSessionEpoch, "A session is opened by a fetch.")
        }
        if case .failure(let fault) = course(id, epoch: request.shareSessionEpoch, adding: [], forgetting: [], call) {
            return refuse(fault.code, fault.words)
        }
        let duration = peers.withOffsets { $0.settings[id.group].shareLockDuration }
        var response = ShareAcknowledgeResponse()
        response.acquisitionLockTimeoutMs = Int32(duration / 1_000_000)
        changeShares(
            stored: { [unowned self] isStored in
                if !isStored { Self.fail(&response) }
                answer(call, response)
            },
            { table, records in
                for topic in request.topics {
                    response.responses.append(
                        ShareAcknowledgeResponse.ShareAcknowledgeTopicResponse(
                            topicID: topic.topicID,
                            partitions: topic.partitions.map { part in
                                let place = SharePlace(topicID: topic.topicID.rawValue, number: part.partitionIndex)
                                let said = ShareWords(
                                    place,
                                    part.acknowledgementBatches.map {
                                        ($0.firstOffset, $0.lastOffset, $0.acknowledgeTypes)
                                    }, renews: request.isRenewAck)
                                return ShareAcknowledgeResponse.PartitionData(
                                    partitionIndex: part.partitionIndex,
                                    errorCode: code(said, id, duration, call, &table, &records))
                            }))
                }
                if request.shareSessionEpoch < 0 { records += table.close(id, link: nil, now: wallClock) }
            })
    }

    private static func fail(_ response: inout ShareAcknowledgeResponse) {
        for topic in response.responses.indices {
            for part in response.responses[topic].partitions.indices
            where response.responses[topic].partitions[part].errorCode == .none {
                response.responses[topic].partitions[part].errorCode = .kafkaStorageError
            }
        }
    }

    private func code(
        _ said: ShareWords, _ id: ShareSessionID, _ duration: Int64, _ call: KafkaCall, _ table: inout ShareTable,
        _ records: inout [ShareStateRecord]
    ) -> KafkaErrorCode {
        guard let topic = topics[KafkaUUID(rawValue: said.place.topicID)] else { return .unknownTopicID }
        guard may(.read, topic.name, call) else { return .topicAuthorizationFailed }
        guard topic.partition(said.place.number) != nil else { return .unknownTopicOrPartition }
        guard let words = said.words else { return .invalidRequest }
        return acknowledge(words, ShareKey(id.group, said.place), by: id.member, for: duration, &table, &records)
            ?? .none
    }

    /// Does what a member says of a partition's records.
    /// - Parameter duration: how much longer it has what it renews, in nanoseconds.
    /// - Returns: why not, if nothing of it was done.
    func acknowledge(
        _ words: [ShareAcknowledgement], _ key: ShareKey, by member: String, for duration: Int64,
        _ table: inout ShareTable, _ records: inout [ShareStateRecord]
    ) -> KafkaErrorCode? {
        guard !words.isEmpty else { return nil }
        do throws(SharePartition.WrongState) {
            let record = try table.acknowledge(key, words, by: member, until: now + duration, now: wallClock)
            if let record { records.append(record) }
            return nil
        } catch {
            return .invalidRecordState
        }
    }

    // MARK: Sessions

    /// Whose session a request belongs to; nil when it does not say.
    func shareSession(_ group: String?, _ member: String?) -> ShareSessionID? {
        guard let group, let member, !group.isEmpty, !member.isEmpty else { return nil }
        return ShareSessionID(group: group, member: member)
    }

    /// What a request means for its session; see `ShareTable.course`.
    func course(
        _ id: ShareSessionID, epoch: Int32, adding added: [SharePlace], forgetting forgotten: Set<SharePlace>,
        _ call: KafkaCall
    ) -> Result<[SharePlace], ShareSessionFault> {
        let link = ShareLink(shard: settings.index, number: call.connection.number)
        // Sessions are memory that clients hold, of which there is no more to be had then.
        guard epoch != 0 || !isUnderPressure else { return .failure(.tooMany) }
        let result = changeShares { table, _ -> Result<[SharePlace], ShareSessionFault> in
            do throws(ShareSessionFault) {
                return .success(
                    try table.course(id, epoch: epoch, adding: added, forgetting: forgotten, link: link))
            } catch {
                return .failure(error)
            }
        }
        if case .success = result, epoch == 0 { call.connection.shares.sessions.insert(id) }
        return result
    }

    /// A connection is gone, and with it the sessions that were opened by it: what their members have others may get.
    func endShares(of connection: KafkaConnection) {
        for fetch in connection.shares.fetches { forget(fetch) }
        // When the node stops it is as if it was lost: what members have is delivered again without having been.
        guard !connection.shares.sessions.isEmpty, !isDraining else { return }
        let link = ShareLink(shard: settings.index, number: connection.number)
        changeShares { table, records in
            for id in connection.shares.sessions { records += table.close(id, link: link, now: wallClock) }
        }
    }

    /// Why a group's records are not shared: it has members of another kind. Nil when it has none.
    func faultOfKind(_ group: String) -> String? {
        let isOther = peers.withOffsets { $0.isActive(group) && !$0.shares.isActive(group) }
        return isOther ? "The group '\(group.shortened)' has members that do not share records." : nil
    }
}

extension ShareSessionFault {
    /// Kafka's code.
    var code: KafkaErrorCode {
        switch self {
        case .unknown: .shareSessionNotFound
        case .wrongEpoch: .invalidShareSessionEpoch
        case .tooMany: .shareSessionLimitReached
        }
    }

    /// It in words.
    var words: String {
        switch self {
        case .unknown: "There is no such share session."
        case .wrongEpoch: "The share session is at another epoch."
        case .tooMany: "There are as many share sessions, or partitions in one, as may be."
        }
    }
}
