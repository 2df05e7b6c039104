import AccessControl
import MQTTWire
import SluiceCore
import Speaking
import Testing
import TopicRouting

@testable import SluiceBroker

@Suite("Limits of clients, of listeners and of identities")
struct ClientLimitTests {
    private static let second: Int64 = 1_000_000_000

    private func limits(_ body: (inout Limits) -> Void) -> Limits {
        var limits = Limits()
        body(&limits)
        return limits
    }

    private func identity(_ body: (inout IdentityLimits) -> Void) -> IdentityLimits {
        var limits = IdentityLimits()
        body(&limits)
        return limits
    }

    /// A shard whose clients are users of the names that they have.
    private func users(
        _ limits: [String: IdentityLimits], general: Limits = Limits(), gate: (any ConnectionGate)? = nil
    ) throws -> (TestShard, RulesDesk) {
        let desk = try RulesDesk("pattern readwrite #")
        desk.limits = limits
        return (TestShard(limits: general, admission: NameAuthenticator(), access: desk, gate: gate), desk)
    }

    private func packet(_ topic: String, _ qos: UInt8, _ id: UInt8) -> [UInt8] {
        let body = [0, UInt8(topic.utf8.count)] + Array(topic.utf8) + (qos > 0 ? [0, id] : []) + [120]
        return [0x30 | qos << 1, UInt8(body.count)] + body
    }

    private func give(_ test: TestShard, _ client: TestClient, _ bytes: [UInt8]) throws -> Int {
        let used = test.shard.received(try #require(client.client), bytes.span)
        test.tick()
        return used
    }

    // MARK: Rates

    @Test(
        "publishes at QoS 1 and 2 beyond the rate stay in their socket until there is room", arguments: [UInt8(1), 2])
    func slows(qos: UInt8) throws {
        let test = TestShard(limits: limits { $0.publishRate = Rate(2) })
        let client = test.connect("c", .v311)
        let packets = (1...5).map { packet("t", qos, $0) }
        var left = packets.flatMap { $0 }
        left.removeFirst(try give(test, client, left))
        #expect(left.count == 3 * packets[0].count)
        #expect(client.client?.mustWait == true)
        let due = try #require(test.shard.nextPace)
        #expect(due > test.shard.now && due <= test.shard.now + Self.second)
        test.shard.pace()
        #expect(client.client?.mustWait == true, "not before its time")
        for rest in [2, 1, 0] {
            test.shard.now = try #require(test.shard.nextPace)
            test.shard.pace()
            #expect(client.client?.mustWait == false && client.resumedCount > 0)
            left.removeFirst(try give(test, client, left))
            #expect(left.count == rest * packets[0].count)
        }
        test.commit()
        #expect(client.take().count == 5)
        #expect(test.shard.counters.messagesRefused == 0)
        #expect(test.shard.nextPace == nil)
    }

    @Test("publishes at QoS 0 beyond the rate are dropped, counted, and noted once with the setting")
    func drops() throws {
        let test = TestShard(limits: limits { $0.publishRate = Rate(2) })
        let client = test.connect("c", .v311)
        let reader = test.connect("r")
        reader.subscribe("#", qos: .atMostOnce)
        _ = reader.take()
        let bytes = (1...100).flatMap { _ in packet("t", 0, 0) }
        #expect(try give(test, client, bytes) == bytes.count)
        test.settle()
        #expect(reader.take() == ["t x q0", "t x q0"])
        #expect(test.shard.counters.messagesRefused == 98)
        test.shard.elapsed()
        let refusal = try #require(RefusalList.all(of: test.peers.refusals).first)
        #expect(refusal.client == "c" && refusal.count == 98 && refusal.asked == "to publish at QoS 0")
        #expect(refusal.reason == "'limits: publish_rate' is 2/s, and more came")
        let lines = test.reportLines.filter { $0.contains("'limits: publish_rate' is 2/s") }
        #expect(lines.count == 1)
        // Time brings room.
        test.shard.now += Self.second
        client.publish("t", "later", qos: .atMostOnce)
        test.settle()
        #expect(reader.take() == ["t later q0"])
    }

    @Test("bytes are metered as messages are, and a message larger than the rate passes when there is room")
    func bytes() throws {
        let test = TestShard(limits: limits { $0.publishByteRate = Rate(10) })
        let client = test.connect("c", .v311)
        let bytes = packet("topic", 1, 1) + packet("topic", 1, 2)
        #expect(try give(test, client, bytes) == bytes.count / 2)
        #expect(client.client?.mustWait == true)
        test.shard.now = try #require(test.shard.nextPace)
        test.shard.pace()
        #expect(client.client?.mustWait == false)
    }

    @Test("a message that is dropped binds its topic alias all the same")
    func aliases() throws {
        let test = TestShard(limits: limits { $0.publishRate = Rate(1) })
        let client = test.connect("c", .v5)
        let reader = test.connect("r")
        reader.subscribe("#", qos: .atMostOnce)
        _ = reader.take()
        let alias = PropertyWriter.bytes { PropertyWriter.append(.topicAlias, 1 as UInt32, to: &$0) }
        client.publish("other", "1", qos: .atMostOnce)
        client.publish("named", "2", qos: .atMostOnce, properties: alias)
        test.shard.now += Self.second
        client.publish("", "3", qos: .atMostOnce, properties: alias)
        test.settle()
        #expect(reader.take() == ["other 1 q0", "named 3 q0"])
        #expect(client.take() == [])
    }

    @Test("who has no rate of its own publishes as before beside one who has")
    func others() throws {
        let (test, _) = try users(["slow": identity { $0.publishRate = Rate(1) }])
        let (slow, fast) = (test.connect("slow", .v311), test.connect("fast", .v311))
        let bytes = (1...10).flatMap { packet("t", 1, $0) }
        #expect(try give(test, slow, bytes) == bytes.count / 10)
        #expect(try give(test, fast, bytes) == bytes.count)
        #expect(fast.client?.mustWait == false)
    }

    @Test("an identity may be free of the rate of all")
    func unlimited() throws {
        let (test, _) = try users(
            ["free": identity { $0.publishRate = .unlimited }], general: limits { $0.publishRate = Rate(1) })
        let (free, bound) = (test.connect("free", .v311), test.connect("bound", .v311))
        let bytes = (1...10).flatMap { packet("t", 1, $0) }
        #expect(try give(test, free, bytes) == bytes.count)
        #expect(try give(test, bound, bytes) == bytes.count / 10)
    }

    @Test("a rate that a reload brings holds for connections there are, and one that it takes away lets them go on")
    func reloadsRates() throws {
        let test = TestShard()
        let client = test.connect("c", .v311)
        let bytes = (1...10).flatMap { packet("t", 1, $0) }
        #expect(try give(test, client, bytes) == bytes.count)
        test.shard.received(.limitsChanged(LimitBook(limits { $0.publishRate = Rate(1, per: 3600 * Self.second) })))
        #expect(try give(test, client, bytes) == bytes.count / 10)
        test.shard.received(.limitsChanged(LimitBook(Limits())))
        test.shard.now = try #require(test.shard.nextPace)
        #expect(test.shard.now <= Self.second, "it looks again within a second")
        test.shard.pace()
        #expect(client.client?.mustWait == false)
        #expect(try give(test, client, bytes) == bytes.count)
    }

    // MARK: Connections, packets, subscriptions

    /// Counts as the node's does.
    // Sendable: one thread.
    private final class Gate: ConnectionGate, @unchecked Sendable {
        var counts: [Principal: Int] = [:]
        var failures: [String] = []
        func admit(_ peer: PeerIdentity, now: Int64) -> ConnectionAdmission { .admitted }
        var hasBans: Bool { false }
        func ban(of address: IPAddress, now: Int64) -> ConnectionRefusal? { nil }
        func left(_ peer: PeerIdentity, wasTold: Bool) {}
        func failed(_ peer: PeerIdentity, now: Int64) { failures.append(peer.address) }
        func enter(_ principal: Principal, atMost most: Int?) -> Bool {
            if let most, counts[principal, default: 0] >= most { return false }
            counts[principal, default: 0] += 1
            return true
        }
        func leave(_ principal: Principal) { counts[principal, default: 0] -= 1 }
        func bans(now: Int64) -> [AddressBan] { [] }
        func ban(_ network: IPNetwork, for nanoseconds: Int64?, now: Int64) -> Bool { true }
        func unban(_ network: IPNetwork) -> Bool { true }
    }

    /// Everybody is the same user.
    private struct OneUser: Authenticator {
        func authenticate(_ credentials: Credentials, _ ticket: AuthenticationTicket) -> AuthenticationAnswer? {
            .accepted(.user("ada"))
        }
    }

    @Test("an identity has so many connections; one that takes its own over is not one more")
    func connections() throws {
        let gate = Gate()
        let desk = try RulesDesk("pattern readwrite #")
        desk.limits = ["ada": identity { $0.connectionsMax = 2 }]
        let test = TestShard(admission: OneUser(), access: desk, gate: gate)
        let first = test.connect("a")
        _ = test.connect("b")
        let third = TestClient(test, .v5)
        third.send { ConnectPacket(version: .v5, clientID: [99]).encode(into: &$0) }
        test.commit()
        #expect(third.take() == ["connack 151"])
        #expect(
            test.reportLines.contains { $0.contains("'limits: connections' of user ada is 2, and as many are open") })
        _ = test.connect("b")
        #expect(gate.counts[.user("ada")] == 2)
        first.drop()
        _ = test.connect("c")
        #expect(gate.counts[.user("ada")] == 2)
    }

    @Test(
        "a connection that is not let in is told why by MQTT 5's reason, and by 3 before",
        arguments: [(ConnectionRefusal.Kind.tooMany, 151), (.tooFast, 159)])
    func told(kind: ConnectionRefusal.Kind, code: Int) {
        let test = TestShard()
        for (version, expected) in [(ProtocolVersion.v5, code), (.v311, 3)] {
            let client = TestClient(test, version, refusal: ConnectionRefusal(kind, "'limits: x' is 1"))
            client.send { ConnectPacket(version: version, clientID: [97]).encode(into: &$0) }
            #expect(client.take() == ["connack \(expected)"])
        }
        #expect(RefusalList.all(of: test.peers.refusals).map(\.reason) == ["'limits: x' is 1"])
    }

    @Test("packets, subscriptions and what is in flight are bounded by listener and by identity, the identity's first")
    func bounds() throws {
        let desk = try RulesDesk("pattern readwrite #")
        desk.limits = [
            "tiny": identity {
                $0.packetBytesMax = 60; $0.subscriptionsMax = 1; $0.inflightMax = 3
            }
        ]
        let test = TestShard(
            admission: NameAuthenticator(), access: desk,
            listenerLimits: [
                "narrow": limits {
                    $0.packetBytesMax = 200; $0.subscriptionsMax = 2; $0.inflightInboundMax = 7
                }
            ])
        for (id, listener, size, filters, inflight) in [
            ("tiny", "narrow", 60, 1, 3), ("c", "narrow", 200, 2, 7), ("d", "test", 2 << 20, 10_000, 1024),
        ] {
            let client = TestClient(test, .v5, listener: listener)
            client.send { ConnectPacket(version: .v5, clientID: Array(id.utf8)).encode(into: &$0) }
            test.commit()
            let (packet, bytes) = try #require(client.takePackets().first)
            guard case .connack(let connack) = packet else {
                Issue.record("expected a CONNACK")
                continue
            }
            var properties: [PropertyID: UInt32] = [:]
            var reader = PropertyReader(bytes.span, connack.properties)
            while let property = reader.next() { properties[property.id] = property.integer }
            #expect(properties[.maximumPacketSize] == UInt32(size))
            #expect(properties[.receiveMaximum] == UInt32(inflight))
            guard filters < 10 else { continue }
            for number in 1...filters { client.subscribe("f\(number)", qos: .atMostOnce) }
            #expect(client.take().allSatisfy { $0 == "suback [0]" })
            client.subscribe("more", qos: .atMostOnce)
            #expect(client.take() == ["suback [151]"])
            client.publish("t", String(repeating: "x", count: size), qos: .atLeastOnce)
            #expect(client.take() == ["disconnect 149"])
        }
        #expect(test.reportLines.contains { $0.contains("'limits: packet_size' is 60 bytes") })
    }

    @Test("an identity may send what is larger than the packets of others, and it is stored")
    func larger() throws {
        let (test, _) = try users(
            ["big": identity { $0.packetBytesMax = 4000 }], general: limits { $0.packetBytesMax = 200 })
        let client = test.connect("big")
        client.publish("t", String(repeating: "x", count: 3000), qos: .atLeastOnce)
        test.commit()
        #expect(client.take() == ["puback 1"])
        let reader = test.connect("r")
        reader.publish("t", String(repeating: "x", count: 3000), qos: .atLeastOnce)
        #expect(reader.take() == ["disconnect 149"])
    }

    @Test("a connection that holds more than one may is closed by its reason")
    func memory() throws {
        let test = TestShard(limits: limits { $0.connectionBytesMax = 100_000 })
        let client = test.connect("c")
        client.client.map { test.shard.keeps($0, byteCount: 90_000) }
        test.tick()
        #expect(client.take() == [])
        client.client.map { test.shard.keeps($0, byteCount: 110_000) }
        test.tick()
        #expect(client.take() == ["disconnect 151"])
        #expect(test.reportLines.contains { $0.contains("'limits: client_memory' is 100000 bytes, and it holds 110") })
    }

    @Test("a refused password, a failed exchange and nonsense before a CONNECT are failures of the address")
    func failures() throws {
        struct Nobody: Authenticator {
            func authenticate(_ credentials: Credentials, _ ticket: AuthenticationTicket) -> AuthenticationAnswer? {
                .badCredentials
            }
        }
        let gate = Gate()
        let test = TestShard(admission: Nobody(), gate: gate)
        let client = TestClient(test, .v5, listener: "l")
        client.send { ConnectPacket(version: .v5, clientID: [97]).encode(into: &$0) }
        #expect(client.take() == ["connack 134"])
        #expect(gate.failures == ["192.0.2.1:4711"])
        let noise = TestClient(test, .v5, listener: "l")
        _ = test.shard.received(try #require(noise.client), [71, 69, 84, 32, 47, 32, 72, 84].span)
        #expect(gate.failures.count == 2)
    }

    // MARK: Retained messages

    private func retain(_ test: TestShard, _ client: TestClient, _ topic: String, _ payload: String) -> [String] {
        client.publish(topic, payload, qos: .atLeastOnce, retain: true)
        test.commit()
        test.commit()
        return client.take()
    }

    @Test("retained messages are bounded in all; replacing one and taking one away is always possible")
    func retained() {
        let test = TestShard(limits: limits { $0.retainedMax = 2 })
        let client = test.connect("c")
        #expect(retain(test, client, "a", "1") == ["puback 1"])
        #expect(retain(test, client, "b", "1") == ["puback 1"])
        #expect(retain(test, client, "c", "1") == ["puback 1 151"])
        #expect(retain(test, client, "b", "longer") == ["puback 1"])
        #expect(retain(test, client, "a", "") == ["puback 1"])
        #expect(retain(test, client, "c", "1") == ["puback 1"])
        #expect(test.peers.retained.count == 2)
        #expect(test.reportLines.contains { $0.contains("'limits: retained' is 2, and it would be 3") })
    }

    @Test("retained messages of one tick count before any of them has its place")
    func burst() throws {
        let test = TestShard(limits: limits { $0.retainedMax = 3 })
        let client = test.connect("c", .v5)
        let bytes = PropertyWriter.bytes { buffer in
            for number in 1...6 as ClosedRange<UInt16> {
                let topic = Array("t\(number > 4 ? 4 : number)".utf8)
                PacketEncoder.publish(
                    into: &buffer, topic: topic.span, payload: [1].span, packetID: PacketID(rawValue: number),
                    qos: .atLeastOnce, retain: true, duplicate: false, properties: Span(), version: .v5)
            }
        }
        _ = test.shard.received(try #require(client.client), bytes.span)
        test.commit()
        test.commit()
        #expect(
            Set(client.take()) == ["puback 1", "puback 2", "puback 3", "puback 4 151", "puback 5 151", "puback 6 151"])
        #expect(test.peers.retained.count == 3)
        #expect(retain(test, client, "t1", "") == ["puback 1"])
        #expect(retain(test, client, "t9", "x") == ["puback 1"], "what has settled is counted once")
    }

    @Test("bytes of retained messages are bounded, and an identity has its own bounds")
    func retainedOfIdentities() throws {
        let (test, _) = try users(
            [
                "ada": identity {
                    $0.retainedMax = 1; $0.retainedBytesMax = 10
                }
            ],
            general: limits { $0.retainedBytesMax = 100 })
        let (ada, bob) = (test.connect("ada"), test.connect("bob"))
        #expect(retain(test, ada, "a", "12345678901") == ["puback 1 151"])
        #expect(retain(test, ada, "a", "123456789") == ["puback 1"])
        #expect(retain(test, ada, "b", "1") == ["puback 1 151"])
        #expect(retain(test, bob, "b", String(repeating: "x", count: 80)) == ["puback 1"])
        #expect(retain(test, bob, "c", String(repeating: "x", count: 20)) == ["puback 1 151"])
        // A topic is whose message is there.
        #expect(retain(test, bob, "a", "1") == ["puback 1"])
        #expect(retain(test, ada, "d", "1") == ["puback 1"])
        #expect(test.peers.retained.use(of: Array("ada".utf8)).count == 1)
        #expect(test.peers.retained.use(of: Array("bob".utf8)).count == 2)
        #expect(test.peers.retained.all.byteCount == 2 + 81 + 2)
    }
}
