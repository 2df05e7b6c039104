import AccessControl
import LogInterface
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore
import Speaking

/// Wills: on record before the CONNACK, published when a connection is lost.
///
/// Source: MQTT 5.0 §3.1.2.5, §3.1.3.2.2.
extension BrokerShard {
    /// Decides what becomes of the will of a connection that has ended.
    func settleWill(_ client: Client) {
        guard let will = client.will else { return }
        assert(client.isClosing, "a will is for the end of a connection")
        client.will = nil
        let publishes = client.isOpened && client.goodbye?.publishesWill ?? true
        guard publishes else { return recordWill(nil, of: client.clientID) }
        guard will.delaySeconds > 0, client.isPersistent else { return publish(will, of: client.clientID, by: client) }
        // The will comes when its delay is over or when the session ends, whichever is first [MQTT-3.1.3-9].
        let seconds = min(will.delaySeconds, client.expirySeconds)
        peers.withDirectory {
            $0.hold(will, of: client.clientID, until: now + Int64(seconds) * 1_000_000_000)
        }
    }

    /// Publishes a will, and takes it off the record in the same append: it comes once, also through a crash.
    /// - Parameters:
    ///   - client: whose it is, while its rights are known; else they are those of who left it, by the rules
    ///     of the listener that it came to.
    ///   - isAlone: whether nothing else is in that append.
    ///   - isOnRecord: whether it is what is on record for the identifier.
    func publish(
        _ stored: StoredWill, of clientID: [UInt8], by client: Client? = nil, isAlone: Bool = false,
        isOnRecord: Bool = true
    ) {
        let will = stored.message
        do {
            let message = IncomingMessage(
                topic: will.topic.span, payload: will.payload.span, properties: will.properties.span, qos: will.qos,
                isRetained: will.retain)
            let access = client.map(\.access) ?? access(of: stored, clientID)
            switch try intake.store(message, under: access, origin: clientID, at: wallClock) {
            case .stored, .deadLettered:
                counters.willsPublished += 1
                wills.add(WillQueue.Entry(will: stored, clientID: clientID, isAlone: isAlone))
            case .reserved:
                tellBridgeState(will.topic, will.payload)
                counters.willsPublished += 1
            case .denied(let verdict):
                counters.refusedMessages.add(.notAuthorized)
                counters.accessDenied += 1
                let words = access?.rights.description(of: verdict.rule) ?? ""
                report(
                    .willRefused,
                    "the will of \(String(decoding: clientID, as: UTF8.self), as: .client) is not published, "
                        + "\(stored.principal, as: .user) may not publish to "
                        + "\(String(decoding: will.topic, as: UTF8.self), as: .topic): \(words, as: .reason)")
            case .refused(let reason, let words):
                counters.refusedMessages.add(reason)
                report(
                    .willRefused,
                    "the will of \(String(decoding: clientID, as: UTF8.self), as: .client) is not published, "
                        + "\(words, as: .reason)")
            }
        } catch {
            report(
                .willFailed,
                "the will of \(String(decoding: clientID, as: UTF8.self), as: .client) is not published, "
                    + "\(error, as: .reason)")
        }
        guard isOnRecord, let partition = sessions.partition else { return }
        intake.put(StateRecord.key(.will, clientID), nil, to: partition, at: wallClock, awaited: false)
    }

    private func access(of will: StoredWill, _ clientID: [UInt8]) -> ClientAccess? {
        let listener = will.listener.isEmpty ? nil : ListenerIdentity(name: will.listener, conversation: .mqtt)
        let rights = settings.access?.rights(of: will.principal, clientID: clientID, grant: nil, on: listener)
        return rights.flatMap { $0.areUnrestricted ? nil : ClientAccess($0) }
    }

    /// The append with these wills has settled. One that was refused for the sake of another record, of a stream that
    /// was deleted meanwhile, is stored by itself.
    func settle(_ published: [WillQueue.Entry], _ outcome: Settlement.Outcome) {
        guard case .refused(let refusal) = outcome else { return }
        counters.willsPublished -= UInt64(published.count)
        for entry in published {
            if refusal == .unknownStream, !entry.isAlone {
                publishAlone(entry)
            } else {
                counters.refusedMessages.add(.quotaExceeded)
                report(
                    .willLost,
                    "the will of \(String(decoding: entry.clientID, as: UTF8.self), as: .client) could not be stored")
            }
        }
    }

    private func publishAlone(_ entry: WillQueue.Entry) {
        followStreams()
        submit()
        let (owner, isOnRecord) = claimRecord(of: entry.clientID)
        publish(entry.will, of: entry.clientID, isAlone: true, isOnRecord: isOnRecord)
        if let owner { clients.leave(entry.clientID, owner) }
        submit()
    }

    /// Finds out whether a will that could not be stored is still what is on record for its identifier: whoever has
    /// that now may have a newer one. While nobody has it, nobody gets it.
    /// - Returns: who has the identifier for this, if anybody; whether the record is the will's.
    private func claimRecord(of clientID: [UInt8]) -> (owner: ClientOwner?, isOnRecord: Bool) {
        let own = keeper
        let holder = peers.withDirectory { directory in
            directory.claimFree(clientID, by: own) ? nil : directory.owner(of: clientID)
        }
        guard let holder else { return (own, true) }
        guard holder.shard == settings.index else { return (nil, false) }
        return (nil, clients[holder.number]?.will == nil)
    }
}
