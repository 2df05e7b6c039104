import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore
import Speaking

/// Members of groups: who joins, is given partitions, is heard of, and leaves.
extension KafkaShard {
    /// Asks a group's coordinator, and does what it says.
    /// - Returns: why the request came to nothing, if that is known at once.
    private func coordinate(
        _ name: String, _ body: (inout ClassicGroups, Int32) throws(GroupFault) -> Void
    ) -> GroupFault? {
        guard !name.isEmpty else { return .invalidName }
        let result: Result<OffsetTable.ClassicOutcome, GroupFault> = peers.withOffsets { table in
            do throws(GroupFault) {
                return .success(try table.withClassic(name, at: wallClock, body))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .failure(let fault): return fault
        case .success(let outcome):
            perform(outcome)
            return outcome.fault
        }
    }

    /// Records what has changed, and passes answers on to the loops of their connections.
    private func perform(_ outcome: OffsetTable.ClassicOutcome) {
        for record in outcome.records { append(record) { _ in } }
        var elsewhere: [Int: [(waiter: GroupWaiter, answer: GroupAnswer)]] = [:]
        for (waiter, answer) in outcome.answers {
            if waiter.shard == settings.index {
                answerGroupCall(waiter, answer)
            } else {
                elsewhere[waiter.shard, default: []].append((waiter, answer))
            }
        }
        for (shard, answers) in elsewhere { peers.post(.answered(answers), to: shard) }
    }

    /// Appends a record of a group; `body` hears what became of it.
    func append(_ record: GroupRecord, _ body: @escaping (Settlement.Outcome) -> Void) { append([record], body) }

    /// Appends records of groups as one batch; `body` hears what became of them.
    func append(_ records: [GroupRecord], _ body: @escaping (Settlement.Outcome) -> Void) {
        guard let partition = topics[GroupRecord.stream]?.partitions.first, !records.isEmpty else {
            return body(.refused(.failed))
        }
        let append = Append(partition: partition, batch: batch(of: records), isAwaited: true, topicHashes: nil)
        appends.add(log.append([append], from: loop), .then(body))
    }

    /// The batch of records of groups.
    func batch(of records: [GroupRecord]) -> RecordBatch { batch(of: records.map { ($0.key, $0.value) }) }

    /// The batch of records of the node's own; one without a value takes its key away.
    func batch(of records: [(key: [UInt8], value: [UInt8]?)]) -> RecordBatch {
        var builder = RecordBatchBuilder()
        let headers = RecordFields.headers([])
        for record in records {
            let key = RecordFields.key(record.key)
            if let value = record.value {
                builder.append(at: wallClock, keyField: key.span, value: value.span, headersField: headers.span)
            } else {
                builder.appendTombstone(at: wallClock, keyField: key.span, headersField: headers.span)
            }
        }
        return builder.finish()
    }

    /// Twice a second: silent members are lost, and rebalances end that have waited enough.
    func elapsedGroups() {
        perform(
            peers.withOffsets { table in
                table.consumers.elapsed(now: now)
                return table.elapsedClassic(now: now, at: wallClock)
            })
    }

    /// A connection is gone: nobody hears the answers of its requests.
    func abandonGroupCalls(of connection: KafkaConnection) {
        for (number, group) in groupCalls.take(of: connection) {
            let waiter = GroupWaiter(shard: settings.index, number: number)
            perform(peers.withOffsets { $0.abandonedClassic(group, waiter, now: now, at: wallClock) })
        }
    }

    /// A request that waited is answered.
    func answerGroupCall(_ waiter: GroupWaiter, _ answer: GroupAnswer) {
        guard let call = groupCalls.take(waiter.number) else { return }
        switch answer {
        case .joined(let joined): self.answer(call, response(joined, call))
        case .synced(let synced):
            self.answer(
                call,
                SyncGroupResponse(
                    errorCode: synced.fault?.code ?? .none,
                    protocolType: call.version >= 5 ? synced.protocolType : nil,
                    protocolName: call.version >= 5 ? synced.protocolName : nil, assignment: synced.assignment))
        }
    }

    // MARK: Joining

    func joinGroup(_ request: JoinGroupRequest, _ call: KafkaCall) {
        guard may(.useGroup, request.groupID, call) else {
            var refused = response(ClassicJoined(fault: .unknownMember, memberID: request.memberID), call)
            refused.errorCode = .groupAuthorizationFailed
            return answer(call, refused)
        }
        guard KafkaBounds.sessionMilliseconds.contains(request.sessionTimeoutMs) else {
            return refuse(call, .invalidSessionTimeout, memberID: request.memberID)
        }
        let byteCount = request.protocols.reduce(0) { $0 + $1.name.utf8.count + $1.metadata.count }
        guard byteCount <= KafkaBounds.memberBytesMax else {
            report(
                .kafkaMemberRefused,
                "a member of the group '\(request.groupID, as: .group)' is refused: it says \(byteCount, as: .bytes) "
                    + "bytes of itself")
            var refused = response(ClassicJoined(fault: .unknownMember, memberID: request.memberID), call)
            refused.errorCode = .invalidRequest
            return answer(call, refused)
        }
        var join = ClassicJoin(
            memberID: request.memberID, clientID: call.clientID ?? "", protocolType: request.protocolType,
            protocols: request.protocols.map { GroupProtocol(name: $0.name, metadata: $0.metadata) })
        join.instanceID = request.groupInstanceID
        join.host = host(of: call.connection)
        join.sessionTimeout = Int64(request.sessionTimeoutMs) * 1_000_000
        // The first version knows one time for both.
        let rebalance = call.version == 0 ? request.sessionTimeoutMs : max(0, request.rebalanceTimeoutMs)
        join.rebalanceTimeout = Int64(rebalance) * 1_000_000
        join.mustKnowID = call.version >= 4
        join.canSkipAssignment = call.version >= 9
        let newID = "\(join.instanceID ?? join.clientID)-\(KafkaUUID.random().hyphenated)"
        let waiter = GroupWaiter(shard: settings.index, number: groupCalls.add(call, request.groupID))
        let fault = coordinate(request.groupID) { groups, generation throws(GroupFault) in
            try groups.join(request.groupID, join, waiter, generation: generation, now: now, newID: newID)
        }
        guard let fault else { return }
        _ = groupCalls.take(waiter.number)
        refuse(call, fault, memberID: fault == .memberIDRequired ? newID : request.memberID)
    }

    /// Where a client comes from, as Kafka's tools show it.
    func host(of connection: KafkaConnection) -> String {
        "/" + connection.peer.address.split(separator: ":").dropLast().joined(separator: ":")
    }

    private func refuse(_ call: KafkaCall, _ fault: GroupFault, memberID: String) {
        answer(call, response(ClassicJoined(fault: fault, memberID: memberID), call))
    }

    private func response(_ joined: ClassicJoined, _ call: KafkaCall) -> JoinGroupResponse {
        JoinGroupResponse(
            errorCode: joined.fault?.code ?? .none, generationID: joined.generation,
            protocolType: call.version >= 7 ? joined.protocolType : nil,
            // Null is for versions from 7 on.
            protocolName: call.version >= 7 ? joined.protocolName : joined.protocolName ?? "",
            leader: joined.leader, skipAssignment: joined.skipsAssignment, memberID: joined.memberID,
            members: joined.members.map {
                JoinGroupResponse.JoinGroupResponseMember(
                    memberID: $0.memberID, groupInstanceID: $0.instanceID, metadata: $0.metadata)
            })
    }

    func syncGroup(_ request: SyncGroupRequest, _ call: KafkaCall) {
        guard may(.useGroup, request.groupID, call) else {
            return answer(call, SyncGroupResponse(errorCode: .groupAuthorizationFailed))
        }
        let claim = ClassicClaim(
            memberID: request.memberID, instanceID: request.groupInstanceID, generation: request.generationID)
        guard request.assignments.allSatisfy({ $0.assignment.count <= KafkaBounds.memberBytesMax }) else {
            return answer(call, SyncGroupResponse(errorCode: .invalidRequest))
        }
        var assignments: [String: [UInt8]] = [:]
        for part in request.assignments { assignments[part.memberID] = part.assignment }
        let waiter = GroupWaiter(shard: settings.index, number: groupCalls.add(call, request.groupID))
        let fault = coordinate(request.groupID) { groups, _ throws(GroupFault) in
            try groups.sync(
                request.groupID, claim, protocolType: request.protocolType, protocolName: request.protocolName,
                assignments: assignments, waiter, now: now)
        }
        guard let fault else { return }
        _ = groupCalls.take(waiter.number)
        answer(call, SyncGroupResponse(errorCode: fault.code))
    }

    // MARK: Being there

    func heartbeat(_ request: HeartbeatRequest, _ call: KafkaCall) {
        guard may(.useGroup, request.groupID, call) else {
            return answer(call, HeartbeatResponse(errorCode: .groupAuthorizationFailed))
        }
        let claim = ClassicClaim(
            memberID: request.memberID, instanceID: request.groupInstanceID, generation: request.generationID)
        let fault = coordinate(request.groupID) { groups, _ throws(GroupFault) in
            try groups.heartbeat(request.groupID, claim, now: now)
        }
        answer(call, HeartbeatResponse(errorCode: fault?.code ?? .none))
    }

    func leaveGroup(_ request: LeaveGroupRequest, _ call: KafkaCall) {
        guard mayDescribe(group: request.groupID, call) else {
            return answer(call, LeaveGroupResponse(errorCode: .groupAuthorizationFailed))
        }
        func leave(_ memberID: String, _ instanceID: String?) -> KafkaErrorCode {
            let fault = coordinate(request.groupID) { groups, _ throws(GroupFault) in
                try groups.leave(request.groupID, memberID: memberID, instanceID: instanceID, now: now)
            }
            return fault?.code ?? .none
        }
        guard call.version >= 3 else {
            return answer(call, LeaveGroupResponse(errorCode: leave(request.memberID, nil)))
        }
        var response = LeaveGroupResponse()
        if request.groupID.isEmpty { response.errorCode = .invalidGroupID }
        response.members = request.members.map {
            LeaveGroupResponse.MemberResponse(
                memberID: $0.memberID, groupInstanceID: $0.groupInstanceID,
                errorCode: leave($0.memberID, $0.groupInstanceID))
        }
        answer(call, response)
    }

    /// Whether a member may commit; see `ClassicGroups.validateCommit`.
    func validateCommit(_ group: String, _ claim: ClassicClaim) -> GroupFault? {
        if peers.withOffsets({ $0.shares.isActive(group) }) { return .otherKind }
        let isConsumers = peers.withOffsets { $0.consumers.isActive(group) }
        guard !isConsumers else {
            return peers.withOffsets { table -> GroupFault? in
                do throws(GroupFault) {
                    try table.consumers.validateCommit(
                        group, memberID: claim.memberID, epoch: claim.generation)
                    return nil
                } catch {
                    return error
                }
            }
        }
        return coordinate(group) { groups, _ throws(GroupFault) in try groups.validateCommit(group, claim, now: now) }
    }
}
