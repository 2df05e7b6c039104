import Administration
import CommitLog
import GroupCoordination
import MQTTWire
import SluiceCore
import Testing
import TopicRouting

@testable import SluiceBroker

@Suite("Consumer groups over MQTT")
struct GroupTests {
    private let filter = "$share/g/$stream/mqtt"

    private func member(
        _ test: TestShard, _ id: String, filter: String? = nil, qos: QoS = .atLeastOnce, offset: String? = nil,
        expiry: UInt32 = 0
    ) -> TestClient {
        let properties = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, expiry, to: &$0) }
        let client = test.connect(id, .v5, clean: expiry == 0, properties: properties)
        client.subscribe(filter ?? self.filter, qos: qos, offset: offset)
        test.settle()
        #expect(client.takeFirst() == "suback [\(qos.rawValue)]")
        return client
    }

    /// Publishes to ten topics, which lie in all partitions, one round for each payload.
    private func publish(_ test: TestShard, _ payloads: ClosedRange<Int>, qos: QoS = .atLeastOnce) {
        let client = test.connect("p")
        var id: UInt16 = 0
        for payload in payloads {
            for topic in 0..<10 {
                id += 1
                client.publish("t/\(topic)", "\(payload)", qos: qos, id: PacketID(rawValue: id))
            }
        }
        test.settle()
        client.close()
    }

    private struct Received: Equatable {
        var topic: String
        var payload: Int
        var id: UInt16
    }

    private func take(_ client: TestClient, _ prefix: String = "t/") -> [Received] {
        client.take().compactMap { line in
            let words = line.split(separator: " ")
            guard words.count > 3, words[0].hasPrefix(prefix), let payload = Int(words[1]) else { return nil }
            return Received(topic: String(words[0]), payload: payload, id: UInt16(words[3].dropFirst()) ?? 0)
        }
    }

    private func acknowledge(_ client: TestClient, _ records: some Sequence<Received>) {
        for record in records { client.acknowledge(.puback, PacketID(rawValue: record.id)) }
    }

    private func names(_ records: [Received]) -> [String] { records.map { "\($0.topic)=\($0.payload)" }.sorted() }

    private func all(_ payloads: ClosedRange<Int>) -> [String] {
        payloads.flatMap { payload in (0..<10).map { "t/\($0)=\(payload)" } }.sorted()
    }

    @Test("members share the partitions, and each record goes to one of them, in the order of its key")
    func shares() {
        let test = TestShard(FakeLog(partitionCount: 4))
        let (a, b) = (member(test, "a"), member(test, "b"))
        publish(test, 1...3)
        let (first, second) = (take(a), take(b))
        #expect(!first.isEmpty && !second.isEmpty)
        #expect(names(first + second) == all(1...3))
        for topic in 0..<10 {
            let payloads = (first + second).filter { $0.topic == "t/\(topic)" }.map(\.payload)
            #expect(payloads == [1, 2, 3])
        }
    }

    @Test("what a lost member has not acknowledged goes to the new owner, and nothing else comes again")
    func takesOver() {
        let test = TestShard(FakeLog(partitionCount: 4))
        let (a, b) = (member(test, "a"), member(test, "b"))
        publish(test, 1...3)
        let (first, second) = (take(a), take(b))
        acknowledge(b, second)
        // Out of turn, too: the group remembers what lies above a gap.
        let done = first.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        let open = first.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        acknowledge(a, done)
        a.drop()
        test.settle()
        #expect(names(take(b)) == names(open))
    }

    @Test("a member that comes back gets its partitions back, drained by who had them meanwhile")
    func comesBack() {
        let test = TestShard(FakeLog(partitionCount: 4))
        let (a, b) = (member(test, "a"), member(test, "b"))
        publish(test, 1...1)
        let before = Set(take(a).map(\.topic))
        _ = take(b)
        a.drop()
        test.settle()
        let again = take(b)
        #expect(Set(again.map(\.topic)) == before)
        let back = member(test, "a")
        publish(test, 2...2)
        // b has not acknowledged what it took over: until then, or for five seconds, it keeps those partitions.
        #expect(take(back).isEmpty)
        acknowledge(b, again)
        test.settle()
        #expect(Set(take(back).map(\.topic)) == before)
    }

    @Test("a member that does not drain is fenced: its partitions go on, and its late acknowledgements do not count")
    func fences() {
        let test = TestShard(FakeLog(partitionCount: 1))
        let a = member(test, "a")
        publish(test, 1...1)
        let records = take(a)
        #expect(records.count == 10)
        let b = member(test, "b")
        #expect(take(b).isEmpty)
        a.unsubscribe(filter)
        test.settle()
        #expect(names(take(b)) == all(1...1))
        acknowledge(a, records)
        test.settle()
        #expect(test.peers.offsets.committed("g", StreamPartition(stream: "mqtt", number: 0))?.offset == .zero)
    }

    @Test("a group goes on from what it has committed, after a crash as well, also while it has no members")
    func survives() {
        let test = TestShard(FakeLog(partitionCount: 4))
        let a = member(test, "a")
        publish(test, 1...2)
        let records = take(a)
        let done = records.filter { $0.payload == 1 }
        acknowledge(a, done)
        test.settle()
        let restarted = TestShard(test.log.crashed())
        publish(restarted, 3...3)
        let b = member(restarted, "b")
        #expect(names(take(b)) == all(2...3))
    }

    @Test("it begins where its first member says, and others find it where it is")
    func begins() {
        let test = TestShard(FakeLog(partitionCount: 4))
        publish(test, 1...1)
        let a = member(test, "a", offset: "earliest")
        let records = take(a)
        #expect(names(records) == all(1...1))
        acknowledge(a, records)
        a.drop()
        test.settle()
        #expect(take(member(test, "b", offset: "earliest")).isEmpty)
    }

    @Test("a session that stays is a member again when it comes back, and gets nothing twice that it acknowledged")
    func resumes() {
        let test = TestShard(FakeLog(partitionCount: 2))
        let a = member(test, "a", expiry: 100)
        publish(test, 1...2)
        let records = take(a)
        acknowledge(a, records.prefix(7))
        a.drop()
        test.settle()
        let properties = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 100, to: &$0) }
        let back = test.connect("a", .v5, clean: false, properties: properties, sessionPresent: true)
        test.settle()
        #expect(names(take(back)) == names(Array(records.dropFirst(7))))
    }

    @Test("at QoS 2 a record is done with when the client has confirmed it")
    func assured() {
        let test = TestShard(FakeLog(partitionCount: 1))
        let a = member(test, "a", qos: .exactlyOnce, expiry: 100)
        publish(test, 1...1, qos: .exactlyOnce)
        let records = take(a)
        #expect(records.count == 10)
        for record in records.prefix(3) { a.acknowledge(.pubrec, PacketID(rawValue: record.id)) }
        test.settle()
        a.acknowledge(.pubcomp, PacketID(rawValue: records[0].id))
        a.drop()
        test.settle()
        let b = member(test, "b", qos: .exactlyOnce)
        #expect(names(take(b)) == names(Array(records.dropFirst(3))))
    }

    @Test("a group that nobody has used for seven days is forgotten; founded again, it begins anew")
    func expires() {
        let test = TestShard(FakeLog(partitionCount: 2))
        let a = member(test, "a")
        publish(test, 1...1)
        acknowledge(a, take(a))
        a.drop()
        test.settle()
        #expect(test.peers.offsets.names == ["g"])
        test.pass(seconds: 6 * 86_400)
        #expect(test.peers.offsets.names == ["g"])
        test.pass(seconds: 2 * 86_400)
        test.settle()
        #expect(test.peers.offsets.names.isEmpty)
        publish(test, 2...2)
        let b = member(test, "b")
        publish(test, 3...3)
        #expect(names(take(b)) == all(3...3))
        #expect(test.log.crashed().offsets().names == ["g"])
    }

    // MARK: Several streams

    /// A shard whose streams `mqtt` and `other` have so many partitions each; topics below `o/` go to the second.
    private func two(_ partitionCount: Int) throws -> TestShard {
        TestShard(
            FakeLog(partitionCount: partitionCount, others: ["other"]), rules: try Self.rules())
    }

    private static func rules() throws -> RuleSet { RuleSet([try Rule(from: "o/#", stream: "other", key: "{topic}")]) }

    private let otherFilter = "$share/g/$stream/other"

    private func publishOther(_ test: TestShard, _ payloads: ClosedRange<Int>) {
        let client = test.connect("q")
        for payload in payloads {
            for topic in 0..<10 {
                client.publish("o/\(topic)", "\(payload)", qos: .atLeastOnce, id: PacketID(rawValue: UInt16(topic + 1)))
            }
            test.settle()
            _ = client.take()
        }
        client.close()
    }

    private func takeOther(_ client: TestClient) -> [Received] { take(client, "o/") }

    private func delete(_ test: TestShard, _ name: String) -> AdministrationReply { test.shard.deleteGroup(name) }

    /// The offset that the group has committed in all partitions of a stream, added up.
    private func committed(_ test: TestShard, _ stream: String) -> Int64? {
        let offsets = test.peers.offsets["g"]?.offsets.filter { $0.key.stream == stream } ?? [:]
        return offsets.isEmpty ? nil : offsets.values.reduce(0) { $0 + $1.offset.rawValue }
    }

    private func partitions(_ test: TestShard, of member: String) -> [String: Int]? {
        let found = test.peers.offsets["g"]?.metadata?.members.first { $0.memberID == member }
        return found.map { Dictionary(grouping: $0.partitions, by: \.stream).mapValues(\.count) }
    }

    @Test("members of two streams are on one record, and the offsets of both survive a crash")
    func spansStreams() throws {
        let test = try two(2)
        let (a, b) = (member(test, "a"), member(test, "b", filter: otherFilter))
        publish(test, 1...1)
        publishOther(test, 1...1)
        let (first, second) = (take(a), takeOther(b))
        #expect(first.count == 10 && second.count == 10)
        acknowledge(a, first)
        acknowledge(b, second)
        test.settle()
        #expect(partitions(test, of: "a") == ["mqtt": 2])
        #expect(partitions(test, of: "b") == ["other": 2])
        let restarted = TestShard(test.log.crashed(), rules: try Self.rules())
        #expect(committed(restarted, "mqtt") == 10)
        #expect(committed(restarted, "other") == 10)
        publishOther(restarted, 2...2)
        // Those on record before the crash are not there.
        #expect(restarted.shard.groupReports().map(\.members) == [[]])
        #expect(takeOther(member(restarted, "c", filter: otherFilter)).map(\.payload).allSatisfy { $0 == 2 })
        #expect(partitions(restarted, of: "c") == ["other": 2])
    }

    @Test("a group is not deleted while a member of any of its streams is there, and all of it is when none is")
    func deletes() throws {
        let test = try two(2)
        let (a, b) = (member(test, "a"), member(test, "b", filter: otherFilter))
        publish(test, 1...1)
        acknowledge(a, take(a))
        for (leaving, isActive) in [(b, true), (a, false)] {
            #expect(delete(test, "g") == .active)
            leaving.drop()
            test.settle()
            #expect(committed(test, "mqtt") == 10)
            #expect((delete(test, "g") == .deleted(true)) == !isActive)
        }
        #expect(test.peers.offsets.names.isEmpty)
        #expect(delete(test, "g") == .unknown)
        test.settle()
        #expect(test.log.crashed().offsets().names.isEmpty)
        // It is founded anew, behind everything.
        let c = member(test, "c")
        #expect(take(c).isEmpty)
        publish(test, 2...2)
        #expect(names(take(c)) == all(2...2))
    }

    @Test("a group that a killed node has left can be deleted, though its members are on record")
    func deletesAfterCrash() throws {
        let test = try two(2)
        _ = (member(test, "a"), member(test, "b", filter: otherFilter))
        let restarted = TestShard(test.log.crashed(), rules: try Self.rules())
        #expect(restarted.peers.offsets["g"]?.metadata?.members.count == 2)
        #expect(delete(restarted, "g") == .deleted(true))
    }

    @Test("a client that reads two streams is one member; when it leaves one it keeps what it has of the other")
    func readsBoth() throws {
        let test = try two(4)
        let a = member(test, "a")
        a.subscribe(otherFilter, qos: .atLeastOnce)
        test.settle()
        #expect(a.takeFirst() == "suback [1]")
        let b = member(test, "b", filter: otherFilter)
        #expect(partitions(test, of: "a") == ["mqtt": 4, "other": 2])
        #expect(partitions(test, of: "b") == ["other": 2])
        publish(test, 1...1)
        let records = take(a)
        #expect(records.count == 10)
        a.unsubscribe(otherFilter)
        test.settle()
        #expect(partitions(test, of: "a") == ["mqtt": 4])
        #expect(partitions(test, of: "b") == ["other": 4])
        // What it had in flight of the other is its own still.
        acknowledge(a, records)
        test.settle()
        #expect(committed(test, "mqtt") == 10)
        publishOther(test, 1...1)
        #expect(takeOther(a).isEmpty)
        #expect(takeOther(b).count == 10)
    }

    @Test("a client that is lost leaves all streams at once, and what it had of each goes to who reads it")
    func leavesBoth() throws {
        let test = try two(2)
        let a = member(test, "a")
        a.subscribe(otherFilter, qos: .atLeastOnce)
        test.settle()
        publish(test, 1...1)
        publishOther(test, 1...1)
        #expect(a.take().count == 21)
        let (b, c) = (member(test, "b"), member(test, "c", filter: otherFilter))
        a.drop()
        test.settle()
        #expect(names(take(b)) == all(1...1))
        #expect(takeOther(c).count == 10)
        #expect(partitions(test, of: "a") == nil)
    }

    @Test("a reset of one stream moves it alone: nobody lets go of anything of the other")
    func resetsOne() throws {
        let test = try two(2)
        let (a, b) = (member(test, "a"), member(test, "b", filter: otherFilter))
        publish(test, 1...1)
        publishOther(test, 1...1)
        let (first, second) = (take(a), takeOther(b))
        acknowledge(b, second)
        test.settle()
        let generation = test.peers.offsets["g"]?.metadata?.generation
        #expect(test.shard.resetGroup("g", "other", [0: 0, 1: 0]) == .reset(2))
        test.settle()
        #expect(names(takeOther(b)) == names(second))
        #expect(partitions(test, of: "b") == ["other": 2])
        #expect(take(a).isEmpty)
        acknowledge(a, first)
        test.settle()
        #expect(committed(test, "mqtt") == 10)
        // The two partitions were given out again, and no others.
        #expect(test.peers.offsets["g"]?.metadata?.generation == (generation ?? 0) + 2)
        // A stream that nobody reads is moved at once, beside members of others.
        b.drop()
        test.settle()
        #expect(test.shard.resetGroup("g", "other", [0: 1, 1: 1]) == .reset(2))
        #expect(committed(test, "other") == 2)
    }

    @Test("offsets of a stream that nobody reads any more stay as long as the group does")
    func keepsUnread() throws {
        let test = try two(2)
        let (a, b) = (member(test, "a"), member(test, "b", filter: otherFilter))
        publishOther(test, 1...1)
        acknowledge(b, takeOther(b))
        b.drop()
        test.settle()
        for _ in 0..<8 { test.pass(seconds: 86_400) }
        #expect(committed(test, "other") == 10)
        a.drop()
        test.settle()
        for _ in 0..<8 { test.pass(seconds: 86_400) }
        #expect(test.peers.offsets.names.isEmpty)
    }

    @Test("what cannot be is refused")
    func refuses() {
        let test = TestShard(FakeLog(partitionCount: 2))
        let a = test.connect("a")
        a.subscribe("$share/g/$stream/nothing", qos: .atLeastOnce)
        a.subscribe("$share/g/$stream/mqtt", qos: .atLeastOnce, offset: "-1h")
        a.subscribe("$share/g/$stream/mqtt", qos: .atLeastOnce, offset: "nonsense")
        #expect(a.take() == ["suback [143]", "suback [143]", "suback [131]"])
        a.subscribe("$share/g/$stream/mqtt/a/#", qos: .atLeastOnce)
        test.settle()
        a.subscribe("$share/g/$stream/mqtt/b/#", qos: .atLeastOnce)
        #expect(a.take() == ["suback [1]", "suback [143]"])
        // Two names of one thing are not two memberships.
        a.subscribe("$share/h/$stream/mqtt", qos: .atLeastOnce)
        test.settle()
        a.subscribe("$share/h/$stream/mqtt/", qos: .atLeastOnce)
        #expect(a.take() == ["suback [1]", "suback [143]"])
    }
}
