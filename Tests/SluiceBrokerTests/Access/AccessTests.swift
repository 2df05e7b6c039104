import AccessControl
import MQTTWire
import SluiceCore
import Speaking
import Testing

@testable import SluiceBroker

@Suite("Who may do what")
struct AccessTests {
    private let desk: RulesDesk
    private let test: TestShard

    init() throws {
        desk = try RulesDesk(Self.text)
        test = TestShard(admission: NameAuthenticator(), access: desk)
    }

    private static let text = """
        user ada
        topic #
        topic $SYS/#
        topic $sluice/#
        user bob
        topic read open/#
        topic read mine
        topic write commands/bob
        user cid
        topic read open/#
        """

    /// What a client was delivered, by topic.
    private func topics(_ client: TestClient) -> [String] {
        let answers = ["suback", "puback", "pubrec", "unsuback", "connack", "disconnect"]
        return client.take().map { String($0.split(separator: " ")[0]) }.filter { !answers.contains($0) }
    }

    private func publishAll(_ client: TestClient, qos: QoS = .atLeastOnce, retain: Bool = false) {
        for (id, topic) in ["open/1", "secret/1", "mine", "open/secret/2"].enumerated() {
            client.publish(
                topic, "x", qos: qos, id: qos == .atMostOnce ? .none : PacketID(rawValue: UInt16(id + 1)),
                retain: retain)
        }
        test.settle()
        _ = client.take()
    }

    // MARK: Reading

    @Test("a wildcard brings live what its client may read", arguments: [QoS.atMostOnce, .atLeastOnce, .exactlyOnce])
    func live(_ qos: QoS) {
        let (ada, bob) = (test.connect("ada"), test.connect("bob"))
        bob.subscribe("#", qos: qos)
        _ = bob.take()
        publishAll(ada, qos: qos == .exactlyOnce ? .atLeastOnce : qos)
        #expect(topics(bob) == ["open/1", "mine", "open/secret/2"])
    }

    @Test("a wildcard brings of the retained messages those that its client may read")
    func retained() {
        publishAll(test.connect("ada"), retain: true)
        let bob = test.connect("bob")
        bob.subscribe("#", qos: .atLeastOnce)
        test.settle()
        #expect(Set(topics(bob)) == ["open/1", "mine", "open/secret/2"])
    }

    @Test(
        "history brings what its client may read",
        arguments: ["$replay/earliest/#", "$replay/earliest/secret/#", "$stream/mqtt", "$stream/mqtt/#"])
    func replayed(_ filter: String) {
        publishAll(test.connect("ada"))
        let bob = test.connect("bob", .v311)
        bob.subscribe(filter, qos: .atLeastOnce, offset: filter.hasPrefix("$stream") ? "earliest" : nil)
        test.settle()
        #expect(!topics(bob).contains { $0.contains("secret/1") })
    }

    @Test("a share group hands each record to a member that may read it, and one that nobody may read to nobody")
    func shared() {
        let (ada, bob, cid) = (test.connect("ada"), test.connect("bob"), test.connect("cid"))
        for client in [bob, cid] {
            client.subscribe("$share/g/#", qos: .atLeastOnce)
            _ = client.take()
        }
        test.settle()
        for _ in 0..<4 { publishAll(ada) }
        let (bobs, cids) = (topics(bob), topics(cid))
        #expect(!(bobs + cids).contains("secret/1"))
        #expect(bobs.count { $0 == "mine" } == 4 && !cids.contains("mine"))
        #expect((bobs + cids).count { $0 == "open/1" } == 4)
    }

    @Test("a consumer group is for who may read its stream as a whole")
    func groups() throws {
        let bob = test.connect("bob")
        bob.subscribe("$share/g/$stream/mqtt", qos: .atLeastOnce)
        #expect(bob.take() == ["suback [135]"])
        desk.current = try RulesDesk.rules(Self.text + "\nuser bob\ntopic read $stream/mqtt")
        let other = test.connect("bob")
        other.subscribe("$share/g/$stream/mqtt", qos: .atLeastOnce)
        test.settle()
        #expect(other.take().first == "suback [1]")
        publishAll(test.connect("ada"))
        #expect(topics(other).contains("secret/1"), "the right to the stream is a right to all that is in it")
    }

    @Test("the broker's own topics are for who may read them")
    func systemTopics() {
        let (ada, bob) = (test.connect("ada"), test.connect("bob"))
        for client in [ada, bob] { client.subscribe("$SYS/#", qos: .atMostOnce) }
        test.pass(seconds: 11)
        #expect(topics(ada).contains { $0.hasPrefix("$SYS/") })
        #expect(topics(bob).isEmpty)
    }

    @Test(
        "who can read nothing of a filter hears of it over MQTT 5, and subscribes in vain over 3.1.1, as with Mosquitto"
    )
    func subscriptions() {
        let new = test.connect("bob")
        new.subscribe("secret/#", qos: .atLeastOnce)
        #expect(new.take() == ["suback [135]"])
        let other = test.connect("cid", .v311)
        other.subscribe("secret/#", qos: .atLeastOnce)
        #expect(other.take() == ["suback [1]"])
        #expect(test.reportLines.contains { $0.contains("user cid may not subscribe to secret/#: no rule allows it") })
    }

    @Test("a record whose reader has no room waits for it, while a member with room may not read it")
    func sharedWaits() throws {
        desk.current = try RulesDesk.rules(
            """
            user ada
            topic #
            user bob
            topic read mine
            user cid
            topic read open/#
            user dan
            topic read x
            """)
        let (ada, bob, cid) = (test.connect("ada"), test.connect("bob"), test.connect("cid"))
        for client in [bob, cid] {
            client.subscribe("$share/g/#", qos: .atLeastOnce)
            _ = client.take()
        }
        test.settle()
        // Bob has as many as he may, and one more comes back from him.
        for number in 1...130 {
            ada.publish("mine", "\(number)", qos: .atLeastOnce, id: PacketID(rawValue: UInt16(number)))
        }
        test.settle()
        #expect(topics(bob).count == 100)
        #expect(topics(cid).isEmpty)
        // The group looks again for who takes what has come back: nobody does.
        test.connect("dan").subscribe("$share/g/#", qos: .atLeastOnce)
        test.settle()
        for id in 1...UInt16(100) { bob.acknowledge(.puback, PacketID(rawValue: id)) }
        test.settle()
        #expect(topics(bob).count == 30, "nothing is lost, and nobody spins")
    }

    @Test("a group that a client may not share any more is left")
    func sharesNoMore() throws {
        let bob = test.connect("bob")
        bob.subscribe("$share/g/open/#", qos: .atLeastOnce)
        test.settle()
        _ = bob.take()
        desk.current = try RulesDesk.rules(
            "user ada\ntopic #\nuser bob\ntopic read open/#\ntopic deny $share/g")
        test.shard.received(.accessChanged)
        publishAll(test.connect("ada"))
        #expect(topics(bob).isEmpty)
    }

    // MARK: Publishing

    @Test("what a bridge says of itself is for who may, whatever it claims to be; also by a will")
    func bridgeStates() throws {
        let topic = "$SYS/broker/connection/up/state"
        let bob = test.connect("bob")
        bob.publish(topic, "1", qos: .atLeastOnce, id: 1)
        #expect(bob.take() == ["puback 1 135"])
        let will = ConnectPacket.Will(
            topic: Array(topic.utf8), payload: [49], qos: .atLeastOnce, retain: false, properties: [])
        let liar = TestClient(test, .v5)
        liar.send { buffer in
            ConnectPacket(version: .v5, clientID: Array("bob".utf8), cleanStart: true, will: will).encode(into: &buffer)
        }
        test.commit()
        #expect(liar.take().first == "connack 135")
        desk.current = try RulesDesk.rules("user bob\ntopic $SYS/broker/connection/#")
        let bridge = test.connect("bob")
        bridge.publish(topic, "1", qos: .atLeastOnce, id: 1)
        #expect(bridge.take() == ["puback 1"])
    }

    @Test("a topic alias stands for its topic, also when the rules change behind it")
    func alias() throws {
        let bob = test.connect("bob")
        func publish(_ topic: String, _ id: PacketID) {
            bob.publish(
                topic, "x", qos: .atLeastOnce, id: id,
                properties: PropertyWriter.bytes { PropertyWriter.append(.topicAlias, 1, to: &$0) })
            test.settle()
        }
        publish("commands/bob", 1)
        publish("", 2)
        #expect(bob.take() == ["puback 1", "puback 2"])
        desk.current = try RulesDesk.rules("user bob\ntopic read open/#")
        test.shard.received(.accessChanged)
        publish("", 3)
        #expect(bob.take() == ["puback 3 135"])
    }

    @Test("what was allowed is remembered by its bytes, and nothing beside it")
    func remembered() throws {
        let access = ClientAccess(
            try RulesDesk.rules("user bob\ntopic write a/+\ntopic deny a/x").rights(
                of: .user("bob"), clientID: []))
        for number in 0..<40 {
            let topic = Array("a/\(number)".utf8)
            let states = [
                access.remembers(topic.span), access.mayPublish(topic.span).isAllowed, access.remembers(topic.span),
            ]
            #expect(states == [false, true, true])
        }
        for text in ["a/x", "b/1", "a/1/2", "a"] {
            let topic = Array(text.utf8)
            let isAllowed = access.remembers(topic.span) || access.mayPublish(topic.span).isAllowed
            #expect(!isAllowed, "\(text)")
        }
    }

    @Test("a will that its client may not publish is refused over MQTT 5, and is never sent over 3.1.1")
    func wills() {
        func will(_ topic: String) -> ConnectPacket.Will {
            ConnectPacket.Will(
                topic: Array(topic.utf8), payload: [1], qos: .atLeastOnce, retain: false, properties: [])
        }
        let client = TestClient(test, .v5)
        client.send { buffer in
            ConnectPacket(version: .v5, clientID: Array("bob".utf8), cleanStart: true, will: will("secret/w"))
                .encode(into: &buffer)
        }
        test.commit()
        #expect(client.take().first == "connack 135")
        let ada = test.connect("ada")
        ada.subscribe("#", qos: .atLeastOnce)
        _ = ada.take()
        test.connect("cid", .v311, will: will("secret/w")).drop()
        test.connect("bob", .v311, will: will("commands/bob")).drop()
        test.settle()
        #expect(topics(ada) == ["commands/bob"])
    }

    @Test("requests to the broker are for who may administer it, and $SYS is nobody's to write")
    func administration() {
        let (ada, bob) = (test.connect("ada"), test.connect("bob"))
        let properties = PropertyWriter.bytes { buffer in
            let topic = Array("answers".utf8)
            PropertyWriter.append(.responseTopic, topic.span, to: &buffer)
        }
        for client in [ada, bob] {
            client.publish("$sluice/streams", "", qos: .atLeastOnce, id: 1, properties: properties)
            client.publish("$SYS/broker/uptime", "1", qos: .atLeastOnce, id: 2)
        }
        #expect(ada.take().contains { $0.hasPrefix("answers ") })
        #expect(bob.take() == ["puback 1 135", "puback 2 135"])
    }

    // MARK: Identifiers

    @Test("an identifier, and the session behind it, is its user's: nobody else takes it over or resumes it")
    func owners() {
        func connect(_ user: String, _ id: String, _ version: ProtocolVersion = .v5) -> TestClient {
            let client = TestClient(test, version)
            client.send { buffer in
                ConnectPacket(
                    version: version, clientID: Array(id.utf8), cleanStart: false, userName: Array(user.utf8),
                    properties: version == .v5
                        ? PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 1000, to: &$0) } : []
                ).encode(into: &buffer)
            }
            test.settle()
            return client
        }
        let bob = connect("bob", "dev1")
        #expect(bob.take().first?.hasPrefix("connack 0") == true)
        let thief = connect("cid", "dev1")
        #expect(thief.take().first == "connack 135")
        #expect(!bob.isClosed, "and whom it belongs to stays")
        let old = connect("cid", "dev1", .v311)
        #expect(old.take().first == "connack 5")
        bob.drop()
        test.settle()
        #expect(connect("cid", "dev1").take().first == "connack 135", "a session that waits is its user's")
        let restarted = TestShard(test.log.crashed(), admission: NameAuthenticator(), access: desk)
        let again = TestClient(restarted, .v5)
        again.send { buffer in
            ConnectPacket(
                version: .v5, clientID: Array("dev1".utf8), cleanStart: false, userName: Array("cid".utf8)
            ).encode(into: &buffer)
        }
        restarted.settle()
        #expect(again.take().first == "connack 135", "also after a crash")
    }

    // MARK: Changes

    @Test("who loses a right loses what comes by it at once, and who is gone is closed with a reason")
    func changes() throws {
        let (ada, bob, cid) = (test.connect("ada"), test.connect("bob"), test.connect("cid"))
        for client in [bob, cid] {
            client.subscribe("#", qos: .atLeastOnce)
            client.subscribe("$share/g/open/+", qos: .atMostOnce)
            _ = client.take()
        }
        desk.current = try RulesDesk.rules("user ada\ntopic #\nuser bob\ntopic read mine")
        desk.gone = ["cid"]
        test.shard.received(.accessChanged)
        test.settle()
        #expect(cid.take().last == "disconnect 135")
        #expect(cid.isClosed && !bob.isClosed)
        #expect(test.reportLines.contains { $0.contains("there is no user 'cid' any more") })
        publishAll(ada)
        #expect(topics(bob) == ["mine"])
    }

    @Test("rights and users that change while a client is on its way in are those that it gets")
    func changesMeanwhile() throws {
        let expiry = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 1000, to: &$0) }
        func begin(_ name: String) -> TestClient {
            let client = TestClient(test, .v5)
            client.send { buffer in
                ConnectPacket(version: .v5, clientID: Array(name.utf8), cleanStart: false, properties: expiry)
                    .encode(into: &buffer)
            }
            #expect(client.take().isEmpty, "its session is not on record yet")
            return client
        }
        let (bob, cid) = (begin("bob"), begin("cid"))
        desk.current = try RulesDesk.rules("user bob\ntopic write x")
        desk.gone = ["cid"]
        test.shard.received(.accessChanged)
        test.settle()
        #expect(bob.take() == ["connack 0"])
        bob.publish("commands/bob", "x", qos: .atLeastOnce, id: 1)
        #expect(bob.take() == ["puback 1 135"])
        #expect(cid.isClosed && cid.take().contains("connack 0") == false)
    }

    @Test("ends of tokens are forgotten with their clients")
    func grantEnds() {
        var ends = GrantEnds()
        for number in 1...UInt64(100) { ends.add(number, end: Int64(number)) }
        ends.keep { $0 > 90 }
        #expect(ends.count == 10)
        #expect(ends.takeEnded(at: 95).sorted() == [91, 92, 93, 94, 95])
        #expect(ends.takeEnded(at: 95).isEmpty && ends.count == 5)
    }

    @Test("what was in flight to a session is not sent again when its client may not read it any more")
    func redelivery() throws {
        let expiry = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 1000, to: &$0) }
        let bob = test.connect("bob", clean: false, properties: expiry)
        bob.subscribe("open/#", qos: .atLeastOnce)
        publishAll(test.connect("ada"))
        #expect(topics(bob) == ["open/1", "open/secret/2"])
        bob.drop()
        desk.current = try RulesDesk.rules("user bob\ntopic read open/1")
        let again = test.connect("bob", clean: false, properties: expiry, sessionPresent: true)
        test.settle()
        #expect(topics(again) == ["open/1"])
    }

    @Test("names that are wildcards get nothing by patterns", arguments: ["+", "#", "a/+", "x#"])
    func dangerousNames(_ name: String) throws {
        desk.current = try RulesDesk.rules("pattern readwrite dev/%u/#")
        let client = test.connect(name)
        client.publish("dev/bob/1", "x", qos: .atLeastOnce, id: 1)
        #expect(client.take() == ["puback 1 135"])
    }

    @Test("refusals are reported once for each client and thing, and counted each time")
    func reports() {
        let bob = test.connect("bob")
        for number in UInt16(1)...50 { bob.publish("secret/1", "x", qos: .atLeastOnce, id: PacketID(rawValue: number)) }
        #expect(test.reportLines.count { $0.contains("may not publish to secret/1") } == 1)
        #expect(test.shard.counters.accessDenied == 50)
        for number in 1...50 {
            bob.publish("secret/\(number)", "x", qos: .atLeastOnce, id: PacketID(rawValue: UInt16(number)))
        }
        #expect(test.reportLines.count { $0.contains("may not publish") } <= 16, "nobody fills the log with them")
    }
}
