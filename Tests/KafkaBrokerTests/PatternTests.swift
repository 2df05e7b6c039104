import GroupCoordination
import KafkaWire
import LogInterface
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

/// A member of the group "g" that does as clients do: it says what it has when it was told something new.
private struct PatternClient {
    let client: TestConnection
    let name: String
    var epoch: Int32 = 0
    /// Its topics, as it was told last, with their partitions.
    var topics: [KafkaUUID: [Int32]] = [:]
    private var isToSay = false

    init(_ client: TestConnection, _ name: String = "a") {
        self.client = client
        self.name = name
    }

    /// Says something, and takes what it is told.
    @discardableResult
    mutating func beat(
        pattern: String? = nil, names: [String]? = nil, version: Int16 = 1
    ) throws -> ConsumerGroupHeartbeatResponse {
        let isJoining = epoch == 0
        let owned = topics.map { ConsumerGroupHeartbeatRequest.TopicPartitions(topicID: $0.key, partitions: $0.value) }
        let response: ConsumerGroupHeartbeatResponse = try client.ask(
            ConsumerGroupHeartbeatRequest(
                groupID: "g", memberID: name, memberEpoch: epoch, rebalanceTimeoutMs: isJoining ? 30_000 : -1,
                subscribedTopicNames: names ?? (isJoining ? [] : nil), subscribedTopicRegex: pattern,
                topicPartitions: isJoining ? [] : isToSay ? owned : nil), version)
        guard response.errorCode == .none else { return response }
        epoch = response.memberEpoch
        isToSay = false
        if let assignment = response.assignment {
            topics = Dictionary(uniqueKeysWithValues: assignment.topicPartitions.map { ($0.topicID, $0.partitions) })
            isToSay = true
        }
        return response
    }

    /// The names of its topics.
    func names(_ kafka: TestKafka) -> [String] {
        kafka.engine.streams.filter { stream in KafkaUUID(stream.id).map { topics[$0] != nil } ?? false }
            .map(\.settings.name).sorted()
    }
}

@Suite("Members that read topics by a pattern")
struct PatternTests {
    private let kafka = TestKafka(
        [
            TestKafka.stream("sensors-a", partitions: 2), TestKafka.stream("sensors-b"),
            TestKafka.stream("my-sensors-c"), TestKafka.stream("other"),
        ])

    private func make(_ names: String..., by client: TestConnection) throws {
        let made: CreateTopicsResponse = try client.ask(
            CreateTopicsRequest(topics: names.map { .init(name: $0, numPartitions: 1, replicationFactor: 1) }), 7)
        #expect(made.topics.map(\.errorCode) == names.map { _ in .none })
        kafka.settle()
    }

    private func delete(_ name: String, by client: TestConnection) throws {
        let deleted: DeleteTopicsResponse = try client.ask(DeleteTopicsRequest(topicNames: [name]), 5)
        #expect(deleted.responses.map(\.errorCode) == [.none])
        kafka.settle()
    }

    private func described(_ client: TestConnection) throws -> ConsumerGroupDescribeResponse.DescribedGroup {
        let response: ConsumerGroupDescribeResponse = try client.ask(ConsumerGroupDescribeRequest(groupIDs: ["g"]), 1)
        return try #require(response.groups.first)
    }

    // MARK: Matching

    @Test("A member gets the topics that its pattern matches as a whole, beside those that it names")
    func matches() throws {
        var member = PatternClient(kafka.connect())
        try member.beat(pattern: "^sensors-.*")
        #expect(member.names(kafka) == ["sensors-a", "sensors-b"])
        #expect(member.topics[try kafka.id(of: "sensors-a")] == [0, 1])
        try member.beat(names: ["other"])
        #expect(member.names(kafka) == ["other", "sensors-a", "sensors-b"])
        let group = try described(member.client)
        #expect(group.members.map(\.subscribedTopicRegex) == ["^sensors-.*"])
        #expect(group.members.map(\.subscribedTopicNames) == [["other"]])
        #expect(group.members[0].targetAssignment.topicPartitions.count == 3)
    }

    @Test(
        "What a pattern has to match is the whole name",
        arguments: [
            ("sensors", []), ("sensors-[ab]", ["sensors-a", "sensors-b"]), (".*sensors-.", ["my-sensors-c", "+2"]),
            ("(?i)SENSORS-A|o.*", ["other", "sensors-a"]), ("nothing", []),
        ])
    func whole(_ pattern: String, _ expected: [String]) throws {
        var member = PatternClient(kafka.connect())
        let joined = try member.beat(pattern: pattern)
        #expect(joined.errorCode == .none && joined.memberEpoch > 0)
        let expected = expected.flatMap { $0 == "+2" ? ["sensors-a", "sensors-b"] : [$0] }
        #expect(member.names(kafka) == expected)
    }

    @Test("Of the node's own streams a pattern brings what clients see, as in Kafka, and nothing else")
    func internals() throws {
        var member = PatternClient(kafka.connect())
        try member.beat(pattern: ".*")
        #expect(member.names(kafka) == ["__consumer_offsets", "my-sensors-c", "other", "sensors-a", "sensors-b"])
        try member.beat(pattern: "__.*")
        #expect(member.names(kafka) == ["__consumer_offsets"])
        try member.beat(pattern: "[^_].*")
        #expect(member.names(kafka) == ["my-sensors-c", "other", "sensors-a", "sensors-b"])
    }

    @Test("Another pattern brings other topics, the same one nothing new, an empty one none")
    func changes() throws {
        var member = PatternClient(kafka.connect())
        try member.beat(pattern: "sensors-a", names: ["other"])
        #expect(member.names(kafka) == ["other", "sensors-a"])
        let first = member.epoch
        let same = try member.beat(pattern: "sensors-a")
        #expect(same.assignment == nil && member.epoch == first)
        try member.beat(pattern: "sensors-b")
        #expect(member.names(kafka) == ["other", "sensors-b"])
        #expect(member.epoch == first, "it has not said yet that it let go of the former topic")
        try member.beat()
        #expect(member.epoch > first)
        let second = member.epoch
        try member.beat(pattern: "")
        try member.beat()
        #expect(member.names(kafka) == ["other"] && member.epoch > second)
        #expect(try described(member.client).members.map(\.subscribedTopicRegex) == [nil])
    }

    // MARK: Topics that come and go

    @Test("A topic that is made later and matches comes to the group, with another epoch; one that is deleted goes")
    func later() throws {
        var member = PatternClient(kafka.connect())
        try member.beat(pattern: "plant-.*")
        try member.beat()
        #expect(member.names(kafka) == [])
        let first = member.epoch
        try make("plant-1", "bird-1", by: member.client)
        let group = try described(member.client)
        #expect(group.groupEpoch > first, "the group knows before its member is heard of")
        #expect(group.members[0].targetAssignment.topicPartitions.map(\.topicName) == ["plant-1"])
        try member.beat()
        #expect(member.names(kafka) == ["plant-1"] && member.epoch == group.groupEpoch)
        try make("plant-2", by: member.client)
        try member.beat()
        #expect(member.names(kafka) == ["plant-1", "plant-2"])
        let second = member.epoch
        try delete("plant-1", by: member.client)
        try member.beat()
        #expect(member.names(kafka) == ["plant-2"] && member.epoch > second)
        let third = member.epoch
        try make("bird-2", by: member.client)
        let quiet = try member.beat()
        #expect(member.epoch == third && quiet.assignment == nil, "what does not match changes nothing")
    }

    @Test("Two members with one pattern share what comes")
    func shared() throws {
        var a = PatternClient(kafka.connect(), "a")
        var b = PatternClient(kafka.connect(), "b")
        try a.beat(pattern: "plant-.*")
        try b.beat(pattern: "plant-.*")
        try make("plant-1", "plant-2", by: a.client)
        for _ in 0..<3 {
            try a.beat()
            try b.beat()
        }
        #expect((a.names(kafka) + b.names(kafka)).sorted() == ["plant-1", "plant-2"])
        #expect(a.epoch == b.epoch)
    }

    @Test("A topic that a member's pattern matches no longer comes to others when the member has let go of it")
    func handsOver() throws {
        var a = PatternClient(kafka.connect(), "a")
        var b = PatternClient(kafka.connect(), "b")
        try a.beat(pattern: "sensors-b|other")
        try a.beat()
        try b.beat(pattern: "sensors-a")
        try b.beat()
        try a.beat(pattern: "other")
        #expect(a.names(kafka) == ["other"])
        try b.beat(pattern: "sensors-.")
        #expect(b.names(kafka) == ["sensors-a"], "the other may still read what it was not heard to have let go of")
        try a.beat()
        try b.beat()
        #expect(b.names(kafka) == ["sensors-a", "sensors-b"])
    }

    @Test("A member of another loop hears of topics as well")
    func loops() throws {
        let other = TestKafka(engine: kafka.engine, peers: kafka.peers, index: 1)
        other.shard.now = kafka.shard.now
        var member = PatternClient(other.connect())
        try member.beat(pattern: "plant-.*")
        try make("plant-1", by: kafka.connect())
        try member.beat()
        #expect(member.names(kafka) == ["plant-1"])
        try delete("plant-1", by: kafka.connect())
        // Its own loop is the first to hear of this one.
        try member.beat()
        #expect(member.names(kafka) == [])
    }

    @Test("Patterns are matched when something has changed, and not with each heartbeat")
    func cached() throws {
        var a = PatternClient(kafka.connect(), "a")
        try a.beat(pattern: "sensors-.*")
        #expect(kafka.shard.patterns.compileCount == 1)
        for _ in 0..<10 { try a.beat() }
        for _ in 0..<10 { try a.beat(pattern: "sensors-.*") }
        var b = PatternClient(kafka.connect(), "b")
        try b.beat(pattern: "sensors-.*")
        #expect(kafka.shard.patterns.compileCount == 1, "one with the same pattern costs nothing")
        try make("plant-1", "sensors-z", by: a.client)
        #expect(kafka.shard.patterns.compileCount == 2)
        for _ in 0..<10 {
            try a.beat()
            try b.beat()
        }
        #expect(kafka.shard.patterns.compileCount == 2)
        #expect((a.names(kafka) + b.names(kafka)).contains("sensors-z"))
    }

    // MARK: What is refused

    @Test(
        "What is no pattern, is too long or takes too much is refused with a word why",
        arguments: [
            ("sensors-(", "missing ): sensors-("), ("(?<=a)b", "invalid perl operator"), ("a\\1", "invalid escape"),
            (String(repeating: "a", count: 1025), "it has 1025 bytes, 1024 are taken"),
            ("[a-z]{999}[a-z]{999}", "instructions, 1000 are allowed"), ("(.{999}){999}", "invalid repetition size"),
        ])
    func refused(_ pattern: String, _ words: String) throws {
        var member = PatternClient(kafka.connect())
        let refused = try member.beat(pattern: pattern)
        #expect(refused.errorCode == .invalidRegularExpression)
        #expect(refused.errorMessage?.contains(words) == true, "\(refused.errorMessage ?? "")")
        let group: ConsumerGroupDescribeResponse = try member.client.ask(
            ConsumerGroupDescribeRequest(groupIDs: ["g"]), 1)
        #expect(group.groups.map(\.errorCode) == [.groupIDNotFound], "it is no member")
        try member.beat(pattern: "sensors-a")
        let later = try member.beat(pattern: pattern)
        #expect(later.errorCode == .invalidRegularExpression)
        try member.beat()
        #expect(member.names(kafka) == ["sensors-a"], "what it had before holds")
    }

    @Test("Hostile patterns and many of them stay within memory and time")
    func hostile() throws {
        let client = kafka.connect()
        for number in 0..<2000 {
            var member = PatternClient(client, "m")
            member.epoch = 0
            #expect(try member.beat(pattern: "(a|a|.)*s.{\(number % 50)}").errorCode == .none)
        }
        var member = PatternClient(client, "m")
        try member.beat(pattern: "sensors-a")
        #expect(member.names(kafka) == ["sensors-a"])
    }

    @Test("Who has patterns matched without end is told to come again, and others are served meanwhile")
    func bounded() throws {
        let client = kafka.connect()
        var answers: [KafkaErrorCode] = []
        for number in 0..<300 {
            var member = PatternClient(client, "m")
            answers.append(try member.beat(pattern: "sensors-.*|\(number)").errorCode)
        }
        #expect(answers.first == KafkaErrorCode.none && answers.last == .coordinatorLoadInProgress)
        #expect(Set(answers) == [.none, .coordinatorLoadInProgress])
        var known = PatternClient(kafka.connect(), "k")
        #expect(try known.beat(pattern: "sensors-.*|1").errorCode == .none, "what is known costs nothing")
        kafka.shard.elapsed()
        var member = PatternClient(client, "n")
        #expect(try member.beat(pattern: "sensors-.*|299").errorCode == .none)
    }

    // MARK: Rights and restarts

    @Test("A pattern brings only what its member may read, also of topics that are made later")
    func rights() throws {
        let desk = try KafkaDesk(
            """
            user ada
            topic #
            topic $sluice/#
            user bob
            topic read $stream/sensors-a
            topic read $stream/sensors-y
            topic read $share/g
            """)
        let kafka = TestKafka([TestKafka.stream("sensors-a"), TestKafka.stream("sensors-b")], access: desk)
        var member = PatternClient(try desk.known("bob", of: kafka))
        let ada = try desk.known("ada", of: kafka)
        try member.beat(pattern: "sensors-.*")
        #expect(member.names(kafka) == ["sensors-a"])
        #expect(kafka.takeLines() == [], "what a pattern does not bring is nobody's fault")
        let made: CreateTopicsResponse = try ada.ask(
            CreateTopicsRequest(
                topics: ["sensors-x", "sensors-y"].map { .init(name: $0, numPartitions: 1, replicationFactor: 1) }), 7)
        #expect(made.topics.map(\.errorCode) == [.none, .none])
        kafka.settle()
        try member.beat()
        #expect(member.names(kafka) == ["sensors-a", "sensors-y"])
        desk.rules = try KafkaDesk.rules("user bob\ntopic read $stream/sensors-b\ntopic read $share/g")
        kafka.shard.received(.accessChanged)
        let epoch = member.epoch
        try member.beat()
        #expect(member.names(kafka) == ["sensors-b"])
        try member.beat()
        #expect(member.epoch > epoch)
    }

    @Test("After a restart a member that comes back with its pattern has its topics, where the group had come to")
    func restart() throws {
        var member = PatternClient(kafka.connect())
        try member.beat(pattern: "sensors-.*")
        let part = OffsetCommitRequest.OffsetCommitRequestPartition(
            partitionIndex: 0, committedOffset: 0, committedMetadata: "here")
        let committed: OffsetCommitResponse = try member.client.ask(
            OffsetCommitRequest(
                groupID: "g", generationIDOrMemberEpoch: member.epoch, memberID: "a",
                topics: [.init(name: "sensors-b", partitions: [part])]), 9)
        #expect(committed.topics.flatMap { $0.partitions.map(\.errorCode) } == [.none])
        let next = try kafka.restarted()
        var again = PatternClient(next.connect())
        again.epoch = member.epoch
        #expect(try again.beat().errorCode == .unknownMemberID, "members are not on record: it joins anew")
        again.epoch = 0
        try again.beat(pattern: "sensors-.*")
        #expect(again.names(next) == ["sensors-a", "sensors-b"])
        let fetched: OffsetFetchResponse = try again.client.ask(
            OffsetFetchRequest(groups: [
                .init(groupID: "g", memberID: "a", memberEpoch: again.epoch, topics: nil)
            ]), 9)
        #expect(fetched.groups[0].topics.flatMap { $0.partitions.map(\.metadata) } == ["here"])
    }
}
