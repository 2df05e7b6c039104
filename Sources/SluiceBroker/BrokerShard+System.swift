import AccessControl
import Administration
import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore
import TopicRouting

/// One of the broker's own topics and what it says.
package struct SystemTopic: Sendable, Equatable {
    /// The topic, below `$SYS/`.
    var topic: [UInt8]
    var payload: [UInt8]

    init(_ topic: String, _ payload: String) {
        self.topic = Array(topic.utf8)
        self.payload = Array(payload.utf8)
    }
}

/// The broker's own topics: `$SYS/broker/...` with mosquitto's names, and who comes and goes.
///
/// They are in memory only and delivered at QoS 0; a new subscription gets what was told last, as retained.
extension BrokerShard {
    /// How often they are told, as mosquitto's `sys_interval`: 10 s.
    private static let systemSeconds: Int64 = 10

    // MARK: Statistics

    /// Hands over what this shard has counted; the first shard tells the sums when it is time.
    func tellSystemTopics() {
        endTraces()
        counters.clientCount = UInt64(clients.count)
        counters.messagesStored = intake.storedCount
        counters.receivedBytes = intake.storedByteCount
        tellCounts()
        counters.subscriptionCount = UInt64(subscriptions.count)
        counters.shareGroupCount = UInt64(shareGroups.count)
        counters.topicBytes = UInt64(intake.topicByteCount + subscriptions.topicByteCount)
        peers.withCounters { all in
            while all.count <= settings.index { all.append(BrokerCounters()) }
            all[settings.index] = counters
        }
        guard settings.index == 0 else { return }
        var statistics = systemTopics.statistics ?? BrokerStatistics(now: now)
        defer { systemTopics.statistics = statistics }
        guard now >= statistics.nextTell else { return }
        statistics.nextTell = now + Self.systemSeconds * 1_000_000_000
        let sum = peers.withCounters { all in all.reduce(BrokerCounters()) { $0 + $1 } }
        statistics.observe(sum, heapBytes: settings.heapBytes?())
        let topics = systemTopics(sum, statistics) + ledgerTopics()
        settings.bridges?.tell(topics)
        for shard in 0..<peers.shardCount {
            if shard == settings.index { update(topics) } else { peers.post(.system(topics), to: shard) }
        }
    }

    private func systemTopics(_ sum: BrokerCounters, _ statistics: BrokerStatistics) -> [SystemTopic] {
        let parked = peers.withDirectory { $0.parkedCount }
        let retained = peers.withRetained { $0.count }
        let stored = streams.readable.flatMap(\.partitions).map {
            (bounds: log.bounds($0), byteCount: log.figures($0).byteCount)
        }
        let uptime = (now - statistics.startedAt) / 1_000_000_000
        let count = String(stored.reduce(0) { $0 + $1.bounds.end.rawValue - $1.bounds.start.rawValue })
        let heap = statistics.heapBytes.map {
            [
                SystemTopic("$SYS/broker/heap/current", String($0)),
                SystemTopic("$SYS/broker/heap/maximum", String(statistics.heapMaximum)),
            ]
        }
        return [
            SystemTopic("$SYS/broker/version", "sluice version \(settings.version)"),
            SystemTopic("$SYS/broker/uptime", "\(uptime) seconds"),
            SystemTopic("$SYS/broker/clients/total", String(Int(sum.clientCount) + parked)),
            SystemTopic("$SYS/broker/clients/connected", String(sum.clientCount)),
            SystemTopic("$SYS/broker/clients/active", String(sum.clientCount)),
            SystemTopic("$SYS/broker/clients/disconnected", String(parked)),
            SystemTopic("$SYS/broker/clients/inactive", String(parked)),
            SystemTopic("$SYS/broker/clients/maximum", String(statistics.clientsMaximum)),
            SystemTopic("$SYS/broker/clients/expired", String(sum.sessionsExpired)),
            SystemTopic("$SYS/broker/messages/received", String(sum.packetsReceived)),
            SystemTopic("$SYS/broker/messages/sent", String(sum.packetsSent)),
            SystemTopic("$SYS/broker/messages/stored", count),
            SystemTopic("$SYS/broker/publish/messages/received", String(sum.publishesReceived)),
            SystemTopic("$SYS/broker/publish/messages/sent", String(sum.messagesDelivered)),
            SystemTopic("$SYS/broker/publish/messages/dropped", String(sum.messagesDropped)),
            SystemTopic("$SYS/broker/publish/bytes/received", String(sum.receivedBytes)),
            SystemTopic("$SYS/broker/publish/bytes/sent", String(sum.deliveredBytes)),
            SystemTopic("$SYS/broker/bytes/received", String(sum.bytesReceived)),
            SystemTopic("$SYS/broker/bytes/sent", String(sum.bytesSent)),
            SystemTopic("$SYS/broker/retained messages/count", String(retained)),
            SystemTopic("$SYS/broker/subscriptions/count", String(sum.subscriptionCount)),
            SystemTopic("$SYS/broker/shared_subscriptions/count", String(sum.shareGroupCount)),
            SystemTopic("$SYS/broker/store/messages/count", count),
            SystemTopic("$SYS/broker/store/messages/bytes", String(stored.reduce(0) { $0 + $1.byteCount })),
        ] + (heap ?? []) + statistics.topics
    }

    /// Notes what the broker's topics say now, and tells the subscribers of those that changed.
    func update(_ topics: [SystemTopic]) {
        for topic in systemTopics.update(topics) { broadcast(topic, retain: false) }
    }

    /// Sends one of the broker's topics to everybody here who subscribes to it.
    func broadcast(_ topic: SystemTopic, retain: Bool) {
        // It is in no stream, though who reads a whole stream wants every topic.
        for target in subscriptions.list(topic.topic.span).targets where !target.reader.isReplay {
            guard let client = target.reader.client else { continue }
            send(topic, to: client, target.identifiers, retain: retain && target.retainAsPublished)
        }
    }

    /// Sends what the broker's topics said last to a new subscription that asks for them.
    func sendSystemTopics(_ subscription: Subscription) {
        guard subscription.matched.first == UInt8(ascii: "$"), let client = subscription.client else { return }
        for topic in systemTopics.matching(subscription) {
            send(topic, to: client, subscription.identifier.map { [$0] } ?? [], retain: true)
        }
    }

    private func send(_ topic: SystemTopic, to client: Client, _ identifiers: [UInt32], retain: Bool) {
        guard !client.isClosing, client.output.count < settings.limits.outputBytesMax,
            client.access?.rights.mayRead(topic.topic.span).isAllowed ?? true
        else { return }
        scratch.removeAll()
        if client.version == .v5 {
            for identifier in identifiers { PropertyWriter.append(.subscriptionIdentifier, identifier, to: &scratch) }
        }
        PacketEncoder.publish(
            into: &client.output, topic: topic.topic.span, payload: topic.payload.span, packetID: .none,
            qos: .atMostOnce, retain: retain, duplicate: false, properties: scratch.bytes, version: client.version)
        markAnswered(client)
    }

    // MARK: Presence

    /// Records that a client came or went, and tells whoever listens here and elsewhere.
    func announce(_ client: Client, isConnected: Bool) {
        let name = isConnected ? "connected" : "disconnected"
        let document = Array(
            JSON.members([
                "clientid": .string(String(decoding: client.clientID, as: UTF8.self)), "state": .string(name),
                "ts": .integer(wallClock.rawValue), "address": .string(client.address),
                "protocol": .integer(Int64(client.version.rawValue)),
            ]).compact.utf8)
        if let partition = presencePartition {
            intake.put(
                client.clientID, document, to: partition, at: wallClock, awaited: false,
                topic: Presence.topic(ofKey: client.clientID))
        }
        // An identifier may have what no topic name may.
        guard !client.clientID.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }) else { return }
        var topic = SystemTopic("$SYS/brokers/sluice/clients/", "")
        topic.topic += client.clientID + Array("/\(name)".utf8)
        topic.payload = document
        broadcast(topic, retain: false)
        guard peers.shardCount > 1, peers.withDirectory({ $0.systemSubscriptionCount }) > 0 else { return }
        for shard in 0..<peers.shardCount where shard != settings.index { peers.post(.presence(topic), to: shard) }
    }

    /// A client of another shard came or went.
    func told(_ topic: SystemTopic) { broadcast(topic, retain: false) }
}

extension Subscription {
    /// Whether a topic matches its filter.
    func matches(_ topic: [UInt8]) -> Bool {
        let filter = matched
        return FilterSyntax.matches(filter: filter.span, topic: topic.span)
    }
}
