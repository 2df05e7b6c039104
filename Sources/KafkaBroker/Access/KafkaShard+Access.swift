import AccessControl
import KafkaWire
import LogInterface
import SluiceCore
import Speaking

/// What clients may do.
extension KafkaShard {
    // MARK: Rights

    /// Finds out who a connection is that has said nothing yet: nobody, or by its certificate.
    func identify(_ connection: KafkaConnection) {
        guard let access = settings.access else {
            connection.identity.principal = .anonymous
            return auditConnected(connection, "none")
        }
        let nothing = Credentials(identifier: [], userName: nil, password: nil, peer: connection.peer)
        let answer = access.authenticate(nothing, AuthenticationTicket { _ in })
        guard case .accepted(let principal)? = answer else { return }
        connection.identity.principal = principal
        // Before it says its client id, which it need not.
        grantAccess(connection)
        let method =
            switch principal {
            case .certificate: "certificate"
            case .user: "key"
            case .anonymous, .bridge, .node: "none"
            }
        auditConnected(connection, method)
    }

    /// Gives a connection its rights, when its principal or its client id is another than before.
    func grantAccess(_ connection: KafkaConnection) {
        let identity = connection.identity
        guard let access = settings.access, let principal = identity.principal else { return }
        identity.verdicts = [:]
        identity.clientID = connection.clientID
        let rights = access.rights(
            of: principal, clientID: Array((connection.clientID ?? "").utf8), grant: identity.grant,
            on: connection.peer.listener)
        identity.rights = rights.flatMap { $0.areUnrestricted ? nil : $0 }
    }

    /// Rights have changed: fetches that wait are judged anew, and who may not be there any more is closed.
    func accessChanged() {
        for connection in allConnections {
            guard let principal = connection.identity.principal else { continue }
            let cause = settings.access?.dismissal(
                of: principal, grant: connection.identity.grant, on: connection.peer.listener)
            if let cause {
                connection.fail(cause)
                continue
            }
            connection.idlePoll = nil
            grantAccess(connection)
        }
        for fetch in waiting.fetches.all {
            fetch.judge { may(.read, $0, fetch.call) }
            look(fetch)
        }
        for fetch in waiting.shares.all {
            fetch.judge { may(.read, $0, fetch.call) }
            look(fetch)
        }
    }

    /// Ends the connections whose credentials have ended.
    func endGrants() {
        for connection in allConnections {
            guard let end = connection.identity.grant?.end, end <= wallClock.rawValue else { continue }
            connection.fail("its token has ended")
        }
    }

    // MARK: Questions

    /// Whether a client may do something with a stream, group or transactional identifier; reported once for each when
    /// it may not.
    func may(_ operation: KafkaOperation, _ name: String, _ call: KafkaCall) -> Bool {
        let question = KafkaIdentityState.Question(operation: operation, name: name)
        let verdict = verdict(question, call)
        if !verdict.isAllowed, operation != .describe { reportDenial(question, verdict, call) }
        return verdict.isAllowed
    }

    private func verdict(_ question: KafkaIdentityState.Question, _ call: KafkaCall) -> Verdict {
        let identity = call.connection.identity
        guard let rights = identity.rights else { return .unrestricted }
        if let known = identity.verdicts[question] { return known }
        if identity.verdicts.count >= KafkaIdentityState.verdictCountMax { identity.verdicts = [:] }
        let verdict = Self.verdict(question.operation, question.name, rights)
        identity.verdicts[question] = verdict
        return verdict
    }

    private func reportDenial(_ question: KafkaIdentityState.Question, _ verdict: Verdict, _ call: KafkaCall) {
        let identity = call.connection.identity
        guard identity.reported.count < KafkaIdentityState.reportedCountMax,
            identity.reported.insert(question).inserted, let rights = identity.rights
        else { return }
        reportFailure(
            .kafkaAccessDenied,
            "\(call.connection.label): \(identity.principal ?? .anonymous, as: .user) may not "
                + "\(question.operation.words(question.name), as: .asked): "
                + "\(rights.description(of: verdict.rule), as: .reason)")
    }

    private static func verdict(_ operation: KafkaOperation, _ name: String, _ rights: AccessRights) -> Verdict {
        let bytes = Array(name.utf8)
        switch operation {
        case .read: return rights.mayReadStream(bytes.span)
        case .write: return rights.mayWriteStream(bytes.span)
        case .useGroup: return rights.mayUseGroup(bytes.span)
        case .transact: return rights.mayUseTransaction(bytes.span)
        case .seeTransaction: return rights.maySeeTransaction(bytes.span)
        case .administer: return rights.mayAdminister
        case .describe:
            let reads = rights.mayReadStream(bytes.span)
            if reads.isAllowed { return reads }
            let writes = rights.mayWriteStream(bytes.span)
            return writes.isAllowed ? writes : rights.mayAdminister
        }
    }

    /// Whether a client may change streams, settings and users.
    func mayAdminister(_ call: KafkaCall) -> Bool { may(.administer, "", call) }

    /// Whether a client may be told of a group: one of its members, or who administers.
    func mayDescribe(group: String, _ call: KafkaCall) -> Bool {
        let administers = KafkaIdentityState.Question(operation: .administer, name: "")
        return verdict(administers, call).isAllowed || may(.useGroup, group, call)
    }

    /// Whether a client may be told of a transactional identifier: one that may use it by a rule, or who administers.
    func mayDescribe(transaction: String, _ call: KafkaCall, isReported: Bool = true) -> Bool {
        let administers = KafkaIdentityState.Question(operation: .administer, name: "")
        if verdict(administers, call).isAllowed { return true }
        let sees = KafkaIdentityState.Question(operation: .seeTransaction, name: transaction)
        return isReported ? may(.seeTransaction, transaction, call) : verdict(sees, call).isAllowed
    }

    /// The topic of a name, for who may do something with it.
    func topic(_ name: String, _ operation: KafkaOperation, _ call: KafkaCall) -> Topic? {
        topics[name].flatMap { may(operation, name, call) ? $0 : nil }
    }

    /// The topic that a request names, by its identifier from a version on and by its name before, and the name by
    /// which its rights are judged: empty where there is no topic of that identifier.
    func topic(_ name: String, _ id: KafkaUUID, isByID: Bool) -> (topic: Topic?, name: String) {
        guard isByID else { return (topics[name], name) }
        let topic = topics[id]
        return (topic, topic?.name ?? "")
    }

    /// What is said of a topic that `topic` does not give: whether it is there is not told to who has no right to it.
    func missing(_ name: String, _ operation: KafkaOperation, _ call: KafkaCall) -> KafkaErrorCode {
        may(operation, name, call) ? .unknownTopicOrPartition : .topicAuthorizationFailed
    }
}

extension KafkaOperation {
    /// It in words.
    fileprivate func words(_ name: String) -> String {
        switch self {
        case .read: "read the stream '\(name)'"
        case .write: "write to the stream '\(name)'"
        case .describe: "see the stream '\(name)'"
        case .useGroup: "use the group '\(name)'"
        case .transact: "use the transactional identifier '\(name)'"
        case .seeTransaction: "see the transactional identifier '\(name)'"
        case .administer: "administer"
        }
    }
}
