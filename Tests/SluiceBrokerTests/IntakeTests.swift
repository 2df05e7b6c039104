import AccessControl
import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore
import Speaking
import Testing
import TopicRouting

@testable import SluiceBroker

@Suite("The one way in")
struct IntakeTests {
    /// Lets nobody but `user ada` publish below `secret/`.
    private static func desk() throws -> RulesDesk { try RulesDesk(text) }

    private static var rules: AccessRules { get throws { try RulesDesk.rules(text) } }

    private static let text = """
        user ada
        topic #
        user eve
        topic open
        topic t
        user old
        topic open
        user watcher
        topic #
        """

    private static func will(_ text: String) -> ConnectPacket.Will {
        ConnectPacket.Will(
            topic: Array("secret/will".utf8), payload: Array(text.utf8), qos: .atLeastOnce, retain: false,
            properties: [])
    }

    @Test("who may not publish is told so by reason and in words, on every way, and nothing of it is stored")
    func rights() throws {
        let test = TestShard(admission: NameAuthenticator(), access: try Self.desk())
        let (ada, eve, old) = (test.connect("ada"), test.connect("eve"), test.connect("old", .v311))
        for client in [ada, eve, old] {
            client.publish("open", "1", qos: .atLeastOnce, id: 1)
            client.publish("secret/door", "1", qos: .atLeastOnce, id: 2)
            client.publish("secret/door", "2", qos: .exactlyOnce, id: 3)
            client.publish("secret/door", "3", qos: .atMostOnce)
        }
        test.commit()
        #expect(ada.take() == ["puback 1", "puback 2", "pubrec 3"])
        // A refusal waits for nothing.
        #expect(eve.take() == ["puback 2 135", "pubrec 3 135", "puback 1"])
        #expect(old.take() == ["puback 2", "pubrec 3", "puback 1"])
        test.log.flush()
        // Three on `open`, and Ada's three.
        #expect(test.log.flushedCount == 6)
        #expect(test.shard.counters.messagesRefused == 6)
        #expect(
            test.reportLines.contains {
                $0.contains("eve") && $0.contains("may not publish to secret/door: no rule allows it")
            })
        #expect(test.reportLines.count { $0.contains("may not publish") } == 2, "once for each client and topic")
    }

    @Test("a will is published in the name of who left it, also after a restart")
    func wills() throws {
        let desk = try Self.desk()
        let test = TestShard(admission: NameAuthenticator(), access: desk)
        let watcher = test.connect("watcher")
        watcher.subscribe("secret/will", qos: .atLeastOnce)
        _ = watcher.take()
        test.connect("eve", .v311, will: Self.will("eve")).drop()
        test.connect("ada", will: Self.will("ada")).drop()
        test.commit()
        #expect(watcher.take() == ["secret/will ada q1 #1"])
        _ = test.connect("eve", .v311, will: Self.will("eve"))
        _ = test.connect("ada", will: Self.will("ada"))
        let restarted = TestShard(test.log.crashed(), admission: NameAuthenticator(), access: desk)
        let later = restarted.connect("watcher")
        later.subscribe("secret/will", qos: .atLeastOnce)
        _ = later.take()
        restarted.pass(seconds: 1)
        restarted.commit()
        #expect(later.take() == ["secret/will ada q1 #1"])
    }

    @Test("the same message makes the same record, whoever brings it")
    func sameRecords() throws {
        let log = FakeLog()
        let peers = FakePeers()
        let loop = log.register(wake: {})
        var intake = Intake(
            StreamTable(log.streams), rules: RuleSet(), limits: Limits(), in: BatchMemory())
        let (topic, payload) = (Array("t".utf8), Array("21.5".utf8))
        let isPlain = try intake.storePlain(
            topic: topic.span, payload: payload.span, slack: 0, qos: .atLeastOnce, at: Timestamp(rawValue: 7))
        #expect(isPlain)
        let message = IncomingMessage(
            topic: topic.span, payload: payload.span, properties: Span(), qos: .atLeastOnce, isRetained: false)
        let ada = ClientAccess(try Self.rules.rights(of: .user("ada"), clientID: []))
        for access in [nil, ada, nil] {
            let verdict = try intake.store(message, under: access, origin: [], at: Timestamp(rawValue: 7))
            #expect(verdict == .stored)
        }
        let ticket = intake.submit(to: log, from: loop, peers)
        #expect(ticket != nil)
        log.commit()
        log.flush()
        let batch = try #require(log.flushedBatches.first)
        var records = RecordReader(batch)
        let bytes = batch.bytes
        var found: [[UInt8]] = []
        while let record = try records.next(bytes) {
            var headers = HeaderReader(record)
            var text: [UInt8] = record.key.map { $0.indices.map { bytes[$0] } } ?? []
            text += record.value.map { $0.indices.map { bytes[$0] } } ?? []
            while let header = headers.next(bytes) {
                text += header.name.indices.map { bytes[$0] } + header.value.indices.map { bytes[$0] }
            }
            found.append(text)
        }
        #expect(found.count == 4)
        #expect(Set(found).count == 1)
        #expect(String(decoding: found[0], as: UTF8.self) == "t21.5mqtt.topictmqtt.qos1")
    }

    @Test("what cannot be taken is said, and leaves nothing in the append")
    func refuses() throws {
        let access = ClientAccess(try Self.rules.rights(of: .user("eve"), clientID: []))
        let log = FakeLog()
        var intake = Intake(
            StreamTable(log.streams), rules: RuleSet(), limits: Limits(), in: BatchMemory())
        func verdict(_ topic: String, _ payload: [UInt8] = [1]) -> IntakeVerdict? {
            let name = Array(topic.utf8)
            do throws(MQTTDecodeError) {
                let message = IncomingMessage(
                    topic: name.span, payload: payload.span, properties: Span(), qos: .atMostOnce, isRetained: true)
                return try intake.store(message, under: access, origin: [], at: Timestamp(rawValue: 0))
            } catch {
                return nil
            }
        }
        #expect(verdict("a/+") == nil)
        #expect(verdict("$SYS/broker/uptime") == .reserved)
        #expect(verdict("secret/x") == .denied(.refused(.noRule)))
        let large = [UInt8](repeating: 0, count: Limits().packetBytesMax)
        guard case .refused(.packetTooLarge, let words)? = verdict("t", large) else {
            Issue.record("a message that no packet can hold is taken")
            return
        }
        #expect(words.contains("\(large.count) bytes"))
        let isEmpty = intake.isEmpty
        #expect(isEmpty)
    }
}
