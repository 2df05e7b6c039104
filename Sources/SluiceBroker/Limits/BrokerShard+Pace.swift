import MQTTSession
import MQTTWire
import SluiceCore
import Speaking

/// Rates of publishing: what comes at QoS 1 and 2 waits in its socket, what comes at QoS 0 is dropped and counted.
extension BrokerShard {
    /// A client looks again after this time at the latest, by which rates may be others.
    private static let waitNanosecondsMax: Int64 = 1_000_000_000

    /// Whether a PUBLISH is to be given again later, with all that is behind it.
    func mustPostpone(_ publish: Packet.Publish, _ client: Client, byteCount: Int) -> Bool {
        guard !isDraining else { return true }
        guard let pace = client.pace else { return false }
        pace.packetByteCount = byteCount
        guard publish.qos != .atMostOnce, !pace.hasRoom(at: now) else { return false }
        guard !pace.isWaiting else { return true }
        pace.isWaiting = true
        bound.waiting.add(client.number, at: min(pace.opensAt, now + Self.waitNanosecondsMax))
        return true
    }

    /// Takes a message into account whose rate is bounded.
    /// - Returns: whether it may be stored; one of QoS 0 that may not is dropped and counted.
    func admits(_ publish: PublishAction, _ client: Client, _ pace: PublishPace) -> Bool {
        if publish.qos != .atMostOnce || pace.hasRoom(at: now) {
            pace.spend(at: now)
            return true
        }
        counters.refusedMessages.add(.messageRateTooHigh)
        if pace.droppedCount == 0 { bound.shedding.append(client) }
        pace.droppedCount += 1
        guard !pace.isReported else { return false }
        pace.isReported = true
        report(
            .publishShed,
            "\(who: client): \(client.principal, as: .user) publishes faster than it may, messages of QoS 0 "
                + "are dropped; \(pace.words, as: .reason)")
        return false
    }

    /// When somebody's publishes, or a replay's records, are due; nil when nobody waits.
    package var nextPace: Int64? {
        let replays = isPacing ? now : nil
        guard let publishes = bound.waiting.first else { return replays }
        return replays.map { min($0, publishes) } ?? publishes
    }

    /// Time has passed for those that keep a pace.
    package func pace() {
        if isPacing { paceReplays() }
        while let number = bound.waiting.pop(at: now) {
            guard let client = clients[number] else { continue }
            client.pace?.isWaiting = false
            if client.isPostponed, client.session.isOpen { continueReading(client) }
        }
    }

    /// Notes what was dropped since the last look.
    func reportShed() {
        var shedding: [Client] = []
        swap(&shedding, &bound.shedding)
        for client in shedding {
            guard let pace = client.pace, pace.droppedCount > 0 else { continue }
            note(client, "to publish at QoS 0", refused: pace.words, count: pace.droppedCount)
            pace.droppedCount = 0
        }
    }
}
