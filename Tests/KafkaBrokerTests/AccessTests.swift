import AccessControl
import KafkaWire
import LogInterface
import SluiceCore
import SluiceTesting
import Speaking
import Testing

@testable import KafkaBroker

@Suite("Who may do what over Kafka's protocol")
struct AccessTests {
    private let desk: KafkaDesk
    private let kafka: TestKafka

    init() throws {
        desk = try KafkaDesk(
            """
            user ada
            topic #
            topic $sluice/#
            user bob
            topic $stream/t
            topic read $share/g
            """)
        kafka = TestKafka([TestKafka.stream("t"), TestKafka.stream("u")], access: desk)
    }

    private func client(_ user: String, password: String? = nil, handshake: Int16 = 1) throws -> TestConnection {
        try desk.client(user, password: password, handshake: handshake, of: kafka)
    }

    private func known(_ user: String) throws -> TestConnection { try desk.known(user, of: kafka) }

    // MARK: Who

    @Test("Before a client has shown who it is it may ask for versions and introduce itself, and nothing else")
    func stranger() throws {
        let client = kafka.connect()
        let versions: ApiVersionsResponse = try client.ask(
            ApiVersionsRequest(clientSoftwareName: "a", clientSoftwareVersion: "1"), 3)
        #expect(versions.errorCode == .none)
        try client.send(MetadataRequest(topics: nil), 9)
        #expect(client.isClosed && client.takeFrame() == nil)
        #expect(kafka.takeLines().contains { $0.contains("asks for Metadata before it has shown who it is") })
    }

    @Test("A good password opens the connection when it is judged, a bad one closes it with a neutral word")
    func passwords() throws {
        let good = try known("ada")
        #expect(try good.produce(TestBatch.bytes(["a"])).errorCode == .none)
        let bad = try client("ada", password: "no")
        let answer = try #require(try bad.take(SaslAuthenticateResponse.self, 2))
        #expect(answer.errorCode == .saslAuthenticationFailed && answer.errorMessage == "Authentication failed.")
        #expect(bad.isClosed)
        #expect(!kafka.takeLines().contains { $0.contains("no\u{0}") || $0.contains("'no'") })
    }

    @Test("Clients of old send tokens without requests around them, and go on with requests")
    func rawTokens() throws {
        let good = try client("ada", handshake: 0)
        #expect(good.takeFrame() == [], "success is an empty token")
        #expect(try good.produce(TestBatch.bytes(["a"])).errorCode == .none)
        let bad = try client("ada", password: "no", handshake: 0)
        #expect(bad.takeFrame() == nil && bad.isClosed)
    }

    @Test("Tokens out of turn, unknown mechanisms and floods of bytes end the connection")
    func misuse() throws {
        let eager = kafka.connect()
        try eager.send(SaslAuthenticateRequest(authBytes: [0, 97, 0, 97]), 2)
        #expect(try eager.take(SaslAuthenticateResponse.self, 2)?.errorCode == .illegalSaslState && eager.isClosed)
        let stranger = kafka.connect()
        let answer: SaslHandshakeResponse = try stranger.ask(SaslHandshakeRequest(mechanism: "GSSAPI"), 1)
        #expect(answer.errorCode == .unsupportedSaslMechanism && answer.mechanisms.contains("PLAIN"))
        #expect(stranger.isClosed)
        let flood = kafka.connect()
        flood.send(bytes: [0x05, 0, 0, 0] + [UInt8](repeating: 0, count: 64))
        #expect(flood.isClosed, "80 MiB from nobody")
        let impatient = kafka.connect()
        _ = try impatient.ask(SaslHandshakeRequest(mechanism: "PLAIN"), 1, SaslHandshakeResponse.self)
        try impatient.send(SaslAuthenticateRequest(authBytes: Array("\u{0}ada\u{0}ada".utf8)), 2)
        try impatient.send(MetadataRequest(topics: nil), 9)
        #expect(impatient.isClosed, "its password is not judged yet")
        desk.judge()
        kafka.settle()
    }

    @Test("A client may authenticate again as itself, and not as somebody else")
    func again() throws {
        let client = try known("bob")
        for (user, isGood) in [("bob", true), ("ada", false)] {
            _ = try client.ask(SaslHandshakeRequest(mechanism: "PLAIN"), 1, SaslHandshakeResponse.self)
            let token = Array("\u{0}\(user)\u{0}\(String(user.reversed()))".utf8)
            try client.send(SaslAuthenticateRequest(authBytes: token), 2)
            desk.judge()
            kafka.settle()
            let answer = try #require(try client.take(SaslAuthenticateResponse.self, 2))
            #expect((answer.errorCode == .none) == isGood)
            #expect(client.isClosed != isGood)
        }
    }

    @Test("A connection ends with the token that opened it, and says for how long that is")
    func expiry() throws {
        desk.end = TestKafka.start + 10_000
        let client = try client("ada")
        let answer = try #require(try client.take(SaslAuthenticateResponse.self, 2))
        #expect(answer.sessionLifetimeMs == 10_000)
        kafka.pass(milliseconds: 9_000)
        #expect(!client.isClosed)
        kafka.pass(milliseconds: 2_000)
        #expect(client.isClosed)
    }

    @Test("Who does not show who it is within the time to connect is closed, whatever else it asks meanwhile")
    func slow() throws {
        let client = kafka.connect()
        for _ in 0..<20 where !client.isClosed {
            let versions: ApiVersionsResponse = try client.ask(
                ApiVersionsRequest(clientSoftwareName: "a", clientSoftwareVersion: "1"), 3)
            #expect(versions.errorCode == .none)
            kafka.pass(milliseconds: 1000)
        }
        #expect(client.isClosed)
        #expect(kafka.takeLines().contains { $0.contains("has not shown within 10 s who it is") })
    }

    @Test("Who says no client id has the rights of who it is, as everybody else")
    func nameless() throws {
        desk.letsAnybodyIn = true
        let client = kafka.connect(nil)
        let all: MetadataResponse = try client.ask(MetadataRequest(topics: nil), 9)
        #expect(all.topics.isEmpty)
        #expect(try client.produce(TestBatch.bytes(["x"])).errorCode == .topicAuthorizationFailed)
    }

    @Test("A user who goes while its password is judged is not let in")
    func goneMeanwhile() throws {
        desk.gone = ["ada"]
        let client = try client("ada")
        #expect(try client.take(SaslAuthenticateResponse.self, 2)?.errorCode == .saslAuthenticationFailed)
        #expect(client.isClosed)
    }

    // MARK: What

    @Test("Topics that a client has no right to are neither written, read, looked up, seen nor made")
    func topics() throws {
        let ada = try known("ada")
        for topic in ["t", "u"] { #expect(try ada.produce(TestBatch.bytes(["x"]), to: topic).errorCode == .none) }
        let bob = try known("bob")
        #expect(try bob.produce(TestBatch.bytes(["y"]), to: "t").errorCode == .none)
        #expect(try bob.produce(TestBatch.bytes(["y"]), to: "u").errorCode == .topicAuthorizationFailed)
        #expect(try bob.produce(TestBatch.bytes(["y"]), to: "nowhere").errorCode == .topicAuthorizationFailed)
        #expect(try bob.fetch(TestConnection.fetching("t")).first?.values == ["x", "y"])
        let denied = try #require(try bob.fetch(TestConnection.fetching("u")).first)
        #expect(denied.part.errorCode == .topicAuthorizationFailed && denied.bytes.isEmpty)
        #expect(denied.part.highWatermark == -1, "not even how much there is")
        let all: MetadataResponse = try bob.ask(MetadataRequest(topics: nil), 9)
        #expect(all.topics.map(\.name) == ["t"])
        let named: MetadataResponse = try bob.ask(
            MetadataRequest(topics: [.init(name: "u"), .init(name: "made")], allowAutoTopicCreation: true), 9)
        #expect(named.topics.map(\.errorCode) == [.topicAuthorizationFailed, .topicAuthorizationFailed])
        let made: CreateTopicsResponse = try bob.ask(
            CreateTopicsRequest(topics: [.init(name: "made", numPartitions: 1, replicationFactor: 1)], timeoutMs: 1), 5)
        #expect(made.topics.map(\.errorCode) == [.topicAuthorizationFailed])
        let deleted: DeleteTopicsResponse = try bob.ask(DeleteTopicsRequest(topicNames: ["t"]), 5)
        #expect(deleted.responses.map(\.errorCode) == [.topicAuthorizationFailed])
        #expect(kafka.engine.streams.contains { $0.settings.name == "t" })
        #expect(
            kafka.takeLines().contains { $0.contains("user bob may not write to the stream 'u': no rule allows it") })
    }

    @Test("Groups that a client has no right to are neither joined, read, committed to, reset, deleted nor seen")
    func groups() throws {
        let ada = try known("ada")
        let commit = { (group: String) in
            OffsetCommitRequest(
                groupID: group, generationIDOrMemberEpoch: -1,
                topics: [
                    .init(name: "t", partitions: [.init(partitionIndex: 0, committedOffset: 1)])
                ])
        }
        for group in ["g", "other"] {
            let done: OffsetCommitResponse = try ada.ask(commit(group), 7)
            #expect(done.topics[0].partitions.map(\.errorCode) == [.none])
        }
        let bob = try known("bob")
        func codes(_ group: String) throws -> [KafkaErrorCode] {
            let committed: OffsetCommitResponse = try bob.ask(commit(group), 7)
            let fetched: OffsetFetchResponse = try bob.ask(
                OffsetFetchRequest(groups: [.init(groupID: group, topics: nil)]), 8)
            let found: FindCoordinatorResponse = try bob.ask(
                FindCoordinatorRequest(keyType: 0, coordinatorKeys: [group]), 4)
            let beaten: HeartbeatResponse = try bob.ask(
                HeartbeatRequest(groupID: group, generationID: 1, memberID: "m"), 4)
            return committed.topics[0].partitions.map(\.errorCode) + fetched.groups.map(\.errorCode)
                + found.coordinators.map(\.errorCode) + [beaten.errorCode]
        }
        #expect(try codes("g") == [.none, .none, .none, .unknownMemberID])
        #expect(try codes("other") == [KafkaErrorCode](repeating: .groupAuthorizationFailed, count: 4))
        let joined: JoinGroupResponse = try bob.ask(
            JoinGroupRequest(
                groupID: "other", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 1, protocolType: "consumer",
                protocols: [.init(name: "range", metadata: [1])]), 5)
        #expect(joined.errorCode == .groupAuthorizationFailed)
        let deleted: DeleteGroupsResponse = try bob.ask(DeleteGroupsRequest(groupsNames: ["other"]), 2)
        #expect(deleted.results.map(\.errorCode) == [.groupAuthorizationFailed])
        let listed: ListGroupsResponse = try bob.ask(ListGroupsRequest(), 4)
        #expect(listed.groups.map(\.groupID) == ["g"])
        let described: DescribeGroupsResponse = try bob.ask(DescribeGroupsRequest(groups: ["other"]), 5)
        #expect(described.groups.map(\.errorCode) == [.groupAuthorizationFailed])
    }

    @Test("The node, its settings and its users are for who administers")
    func administration() throws {
        let bob = try known("bob")
        let directories: DescribeLogDirsResponse = try bob.ask(DescribeLogDirsRequest(topics: nil), 4)
        #expect(directories.errorCode == .clusterAuthorizationFailed && directories.results.isEmpty)
        let users: DescribeUserScramCredentialsResponse = try bob.ask(
            DescribeUserScramCredentialsRequest(users: nil), 0)
        #expect(users.errorCode == .clusterAuthorizationFailed && users.results.isEmpty)
        let altered: AlterUserScramCredentialsResponse = try bob.ask(
            AlterUserScramCredentialsRequest(upsertions: [
                .init(
                    name: "eve", mechanism: 1, iterations: 4096, salt: [1],
                    saltedPassword: [UInt8](repeating: 1, count: 32))
            ]), 0)
        #expect(altered.results.map(\.errorCode) == [.clusterAuthorizationFailed])
        let ada = try known("ada")
        let seen: DescribeUserScramCredentialsResponse = try ada.ask(DescribeUserScramCredentialsRequest(users: nil), 0)
        #expect(seen.results.map(\.user) == ["ada"])
        func set(_ iterations: Int32, _ count: Int, _ mechanism: Int8 = 1) throws -> [KafkaErrorCode] {
            let response: AlterUserScramCredentialsResponse = try ada.ask(
                AlterUserScramCredentialsRequest(upsertions: [
                    .init(
                        name: "eve", mechanism: mechanism, iterations: iterations, salt: [1],
                        saltedPassword: [UInt8](repeating: 1, count: count))
                ]), 0)
            return response.results.map(\.errorCode)
        }
        #expect(try set(4096, 32) == [.none])
        #expect(try set(4095, 32) == [.unacceptableCredential])
        #expect(try set(4096, 31) == [.unacceptableCredential])
        #expect(try set(4096, 32, 3) == [.unsupportedSaslMechanism])
        let gone: AlterUserScramCredentialsResponse = try ada.ask(
            AlterUserScramCredentialsRequest(deletions: [.init(name: "nobody", mechanism: 1)]), 0)
        #expect(gone.results.map(\.errorCode) == [.resourceNotFound])
    }

    // MARK: Changes

    @Test("Who loses a right loses it at once, also a fetch that waits, and who is gone is closed")
    func changes() throws {
        let bob = try known("bob")
        let ada = try known("ada")
        try bob.send(TestConnection.fetching("t", [0: 0], wait: 10_000), 12)
        #expect(bob.takeFrame() == nil)
        desk.rules = try KafkaDesk.rules("user bob\ntopic $stream/u")
        desk.gone = ["ada"]
        kafka.shard.received(.accessChanged)
        kafka.settle()
        #expect(try bob.takeFetched()?.map(\.part.errorCode) == [.topicAuthorizationFailed])
        #expect(try bob.produce(TestBatch.bytes(["x"]), to: "u").errorCode == .none)
        #expect(ada.isClosed)
    }

    @Test("An idle poll is not answered from memory when the right to its topic has gone")
    func idlePolls() throws {
        let bob = try known("bob")
        let request = TestConnection.fetching("t", [0: 0], wait: 500)
        for _ in 0..<2 {
            try bob.send(request, 12)
            kafka.pass(milliseconds: 500)
            #expect(try bob.takeFetched()?.map(\.part.errorCode) == [.none])
        }
        desk.rules = try KafkaDesk.rules("user bob\ntopic $stream/u")
        kafka.shard.received(.accessChanged)
        #expect(try bob.fetch(request).map(\.part.errorCode) == [.topicAuthorizationFailed])
    }
}
