import GroupCoordination
import KafkaWire
import LogInterface
import SluiceCore
import Testing

@testable import KafkaBroker

@Suite("Share groups: members, and what operators see of them")
struct ShareGroupTests {
    private func world(partitions: Int = 1) -> TestKafka {
        TestKafka([TestKafka.stream("t", partitions: partitions)])
    }

    private func parts(_ response: ShareGroupHeartbeatResponse) -> [Int32]? {
        response.assignment?.topicPartitions.flatMap(\.partitions)
    }

    // MARK: Members

    @Test("Every partition has a reader, and every reader one, when there are more of them than partitions")
    func assignment() throws {
        let kafka = world(partitions: 2)
        let members = ["a", "b", "c"].map { ShareMember(kafka, $0) }
        #expect(parts(try members[0].beat(["t"])) == [0, 1])
        #expect(parts(try members[1].beat(["t"])) == [1])
        #expect(parts(try members[0].beat()) == [0])
        #expect(parts(try members[0].beat()) == nil)
        #expect(parts(try members[2].beat(["t"])) == [0])
        #expect(try members[1].leave().memberEpoch == -1)
        #expect(parts(try members[2].beat()) == [1])
        #expect(try members[0].beat().memberEpoch == 4)
    }

    @Test("A topic that is made later, or grows, is read as it comes")
    func growth() throws {
        let kafka = world()
        let member = ShareMember(kafka, "m")
        #expect(parts(try member.beat(["later"])) == [])
        let client = kafka.connect()
        let _: CreateTopicsResponse = try client.ask(
            CreateTopicsRequest(topics: [.init(name: "later", numPartitions: 1, replicationFactor: 1)]), 7)
        #expect(parts(try member.beat()) == [0])
        let _: CreatePartitionsResponse = try client.ask(
            CreatePartitionsRequest(topics: [.init(name: "later", count: 3)]), 3)
        #expect(parts(try member.beat()) == [0, 1, 2])
    }

    @Test("Members that are silent are lost, and others read what they did")
    func silence() throws {
        let kafka = world(partitions: 2)
        let (one, two) = (ShareMember(kafka, "one"), ShareMember(kafka, "two"))
        _ = try one.beat(["t"])
        _ = try two.beat(["t"])
        kafka.pass(milliseconds: 44_000)
        _ = try one.beat()
        kafka.pass(milliseconds: 2000)
        #expect(parts(try one.beat()) == [0, 1])
        #expect(try two.beat().errorCode == .unknownMemberID)
    }

    @Test("Heartbeats that cannot be are refused, with the code that Kafka has for it")
    func refused() throws {
        let kafka = world()
        func code(
            _ group: String, _ member: String, _ epoch: Int32, _ topics: [String]? = nil
        ) throws -> KafkaErrorCode {
            let response: ShareGroupHeartbeatResponse = try kafka.connect().ask(
                ShareGroupHeartbeatRequest(
                    groupID: group, memberID: member, memberEpoch: epoch, subscribedTopicNames: topics), 1)
            return response.errorCode
        }
        #expect(try code("", "m", 0, ["t"]) == .invalidRequest)
        #expect(try code("g", "", 0, ["t"]) == .invalidRequest)
        #expect(try code("g", "m", 0) == .invalidRequest)
        #expect(try code("g", "m", 0, []) == .invalidRequest)
        #expect(try code("g", "m", -2) == .invalidRequest)
        #expect(try code("g", "m", 0, ["no topic"]) == .invalidTopicException)
        #expect(try code("g", "m", 0, (0...10_000).map { "t\($0)" }) == .invalidRequest)
        #expect(try code("g", "m", 1) == .unknownMemberID)
        #expect(try code("g", "m", -1) == .unknownMemberID)
        #expect(try code("g", "m", 0, ["t"]) == .none)
        #expect(try code("g", "m", 7) == .fencedMemberEpoch)
    }

    // MARK: Kinds

    @Test("A group has members of one kind: others are refused while it is active")
    func kinds() throws {
        let kafka = world()
        let client = kafka.connect()
        let member = ShareMember(kafka, "m")
        _ = try member.beat(["t"])
        let joined: JoinGroupResponse = try client.ask(
            JoinGroupRequest(
                groupID: "g", sessionTimeoutMs: 6000, rebalanceTimeoutMs: 6000, protocolType: "consumer",
                protocols: [.init(name: "range", metadata: [])]), 3)
        #expect(joined.errorCode == .inconsistentGroupProtocol)
        func consume() throws -> KafkaErrorCode {
            let response: ConsumerGroupHeartbeatResponse = try client.ask(
                ConsumerGroupHeartbeatRequest(
                    groupID: "g", memberID: "c", rebalanceTimeoutMs: 1000, subscribedTopicNames: ["t"],
                    topicPartitions: []), 1)
            return response.errorCode
        }
        #expect(try consume() == .groupIDNotFound)
        let place = kafka.peers.offsets.join(
            "g", stream: "t", filter: [], start: [.zero], at: Timestamp(rawValue: 0), by: 0)
        #expect(place.claim == .refusedKind)
        let committed: OffsetCommitResponse = try client.ask(
            OffsetCommitRequest(
                groupID: "g", generationIDOrMemberEpoch: -1,
                topics: [.init(name: "t", partitions: [.init(partitionIndex: 0, committedOffset: 1)])]), 9)
        #expect(committed.topics.first?.partitions.first?.errorCode == .groupIDNotFound)

        _ = try member.leave()
        #expect(try consume() == .none)
        let other = ShareMember(kafka, "other")
        #expect(try other.beat(["t"]).errorCode == .groupIDNotFound)
        let fetched: ShareFetchResponse = try other.client.ask(try other.request(), 2)
        #expect(fetched.errorCode == .invalidRequest)
        #expect(fetched.errorMessage?.contains("'g' has members that do not share records") == true)
    }

    // MARK: Operators

    @Test("Groups are listed by type and state, and described with their members")
    func lists() throws {
        let kafka = world()
        let client = kafka.connect()
        let member = ShareMember(kafka, "m")
        _ = try member.beat(["t"])
        func list(_ states: [String] = [], _ types: [String] = []) throws -> [String] {
            let response: ListGroupsResponse = try client.ask(
                ListGroupsRequest(statesFilter: states, typesFilter: types), 5)
            return response.groups.map { "\($0.groupID) \($0.protocolType) \($0.groupState) \($0.groupType)" }
        }
        #expect(try list() == ["g share Stable share"])
        #expect(try list([], ["Share"]) == ["g share Stable share"])
        #expect(try list(["Empty"], ["share"]) == [])
        #expect(try list([], ["classic", "consumer"]) == [])
        let described: ShareGroupDescribeResponse = try client.ask(
            ShareGroupDescribeRequest(groupIDs: ["g", "none"]), 1)
        #expect(described.groups.map(\.errorCode) == [.none, .groupIDNotFound])
        #expect(described.groups[0].groupState == "Stable" && described.groups[0].assignorName == "simple")
        #expect(described.groups[0].members.map(\.memberID) == ["m"])
        #expect(described.groups[0].members[0].subscribedTopicNames == ["t"])
        #expect(described.groups[0].members[0].assignment.topicPartitions.map(\.partitions) == [[0]])
        let classic: DescribeGroupsResponse = try client.ask(DescribeGroupsRequest(groups: ["g"]), 6)
        #expect(classic.groups.map(\.errorCode) == [.groupIDNotFound])
        _ = try member.leave()
        #expect(try list(["Empty"], ["share"]) == ["g share Empty share"])
    }

    @Test("Positions are shown with what is left, moved, and taken off the record, unless somebody is there")
    func offsets() throws {
        let kafka = world()
        let client = kafka.connect()
        let member = ShareMember(kafka, "m")
        _ = try member.beat(["t"])
        #expect(try client.produce(TestBatch.bytes(["a", "b", "c", "d"])).errorCode == .none)
        #expect(try member.fetch().values.count == 4)
        #expect(try member.acknowledge([(2...2, [1])]).part == .none)
        typealias Group = DescribeShareGroupOffsetsResponse.DescribeShareGroupOffsetsResponseGroup
        func describe(_ group: String, _ topics: [String]?, _ version: Int16 = 1) throws -> Group {
            let response: DescribeShareGroupOffsetsResponse = try client.ask(
                DescribeShareGroupOffsetsRequest(
                    groups: [.init(groupID: group, topics: topics?.map { .init(topicName: $0, partitions: [0, 1]) })]),
                version)
            return response.groups.first ?? Group()
        }
        let whole = try describe("g", nil)
        let all = try #require(whole.topics.first)
        #expect(all.topicName == "t" && all.partitions.map(\.startOffset) == [0] && all.partitions.map(\.lag) == [3])
        #expect(try describe("g", nil, 0).topics.first?.partitions.map(\.lag) == [-1])
        #expect(
            try describe("g", ["t"]).topics.first?.partitions.map(\.errorCode) == [.none, .unknownTopicOrPartition])
        #expect(try describe("none", nil).errorCode == .groupIDNotFound)

        func alter(_ group: String, to offset: Int64) throws -> AlterShareGroupOffsetsResponse {
            try client.ask(
                AlterShareGroupOffsetsRequest(
                    groupID: group,
                    topics: [
                        .init(
                            topicName: "t",
                            partitions: [
                                .init(partitionIndex: 0, startOffset: offset),
                                .init(partitionIndex: 4, startOffset: 0),
                            ])
                    ]), 0)
        }
        func delete(_ topic: String) throws -> DeleteShareGroupOffsetsResponse {
            try client.ask(DeleteShareGroupOffsetsRequest(groupID: "g", topics: [.init(topicName: topic)]), 0)
        }
        #expect(try alter("none", to: 1).errorCode == .groupIDNotFound)
        #expect(try alter("g", to: 1).errorCode == .nonEmptyGroup)
        #expect(try delete("t").errorCode == .nonEmptyGroup)
        _ = try member.leave()
        let altered = try alter("g", to: 1)
        #expect(altered.responses.first?.partitions.map(\.errorCode) == [.none, .unknownTopicOrPartition])
        #expect(try describe("g", nil).topics.first?.partitions.map(\.startOffset) == [1])
        #expect(try ShareMember(try kafka.restarted(), "n").fetch().values == ["b", "c", "d"])
        #expect(try delete("none").responses.map(\.errorCode) == [.unknownTopicOrPartition])
        #expect(try delete("t").responses.map(\.errorCode) == [.none])
        #expect(try describe("g", nil).errorCode == .groupIDNotFound)
    }

    @Test("A share group is deleted when nobody is in it, with all that is on record")
    func deletes() throws {
        let kafka = world()
        let client = kafka.connect()
        let member = ShareMember(kafka, "m")
        _ = try member.beat(["t"])
        func delete() throws -> KafkaErrorCode? {
            let response: DeleteGroupsResponse = try client.ask(DeleteGroupsRequest(groupsNames: ["g"]), 2)
            return response.results.first?.errorCode
        }
        #expect(try delete() == .nonEmptyGroup)
        _ = try member.leave()
        #expect(try delete() == KafkaErrorCode.none)
        #expect(try delete() == .groupIDNotFound)
        #expect(try kafka.restarted().peers.shares.names.isEmpty)
    }

    @Test("Who still waits for records of a group that is deleted begins it anew, behind its end")
    func deletesWhatIsAwaited() throws {
        let kafka = world()
        let member = ShareMember(kafka, "m")
        _ = try member.beat(["t"])
        try member.begin()
        // Over another connection: this one answers the fetch first.
        _ = try ShareMember(kafka, "m").leave()
        #expect(kafka.peers.shares.names == ["g"])
        let client = kafka.connect()
        let deleted: DeleteGroupsResponse = try client.ask(DeleteGroupsRequest(groupsNames: ["g"]), 2)
        #expect(deleted.results.map(\.errorCode) == [.none])
        #expect(kafka.peers.shares.names == ["g"], "who waits has begun it anew")
        #expect(try client.produce(TestBatch.bytes(["a"])).errorCode == .none)
        #expect(try kafka.restarted().peers.shares.names == ["g"])
    }

    @Test("Coordinators are this node, of groups and of their partitions")
    func coordinators() throws {
        let kafka = world()
        let client = kafka.connect()
        let key = "g:\(try kafka.id(of: "t")):0"
        let found: FindCoordinatorResponse = try client.ask(
            FindCoordinatorRequest(keyType: 2, coordinatorKeys: [key, "g"]), 6)
        #expect(found.coordinators.map(\.nodeID) == [1, -1])
        #expect(found.coordinators.map(\.errorCode) == [.none, .invalidRequest])
        let older: FindCoordinatorResponse = try client.ask(
            FindCoordinatorRequest(keyType: 2, coordinatorKeys: [key]), 5)
        #expect(older.coordinators.map(\.errorCode) == [.invalidRequest])
    }

    // MARK: Settings

    @Test("Settings of groups are shown with their source, changed, kept, and followed")
    func settings() throws {
        let kafka = world()
        let client = kafka.connect()
        func describe(_ kafka: TestKafka) throws -> [String: (value: String?, source: Int8)] {
            let response: DescribeConfigsResponse = try kafka.connect().ask(
                DescribeConfigsRequest(
                    resources: [.init(resourceType: 32, resourceName: "g", configurationKeys: nil)]), 4)
            let configs = try #require(response.results.first).configs
            return Dictionary(uniqueKeysWithValues: configs.map { ($0.name, ($0.value, $0.configSource)) })
        }
        func set(_ name: String, _ value: String?, _ operation: Int8 = 0) throws -> KafkaErrorCode? {
            let response: IncrementalAlterConfigsResponse = try client.ask(
                IncrementalAlterConfigsRequest(
                    resources: [
                        .init(
                            resourceType: 32, resourceName: "g",
                            configs: [.init(name: name, configOperation: operation, value: value)])
                    ]), 1)
            return response.responses.first?.errorCode
        }
        let standard = try describe(kafka)
        #expect(standard.count == 7)
        #expect(try #require(standard["share.auto.offset.reset"]) == ("latest", 5))
        #expect(try set("share.auto.offset.reset", "earliest") == KafkaErrorCode.none)
        #expect(try set("share.record.lock.duration.ms", "15000") == KafkaErrorCode.none)
        #expect(try set("consumer.session.timeout.ms", "60000") == KafkaErrorCode.none)
        for (name, value) in [
            ("share.record.lock.duration.ms", "14999"), ("share.auto.offset.reset", "by_duration:1h"),
            ("share.isolation.level", "none"), ("no.such.setting", "1"), ("share.session.timeout.ms", "x"),
        ] {
            #expect(try set(name, value) == .invalidConfig, "\(name)")
        }
        #expect(try set("share.session.timeout.ms", "1", 2) == .invalidConfig)
        #expect(try #require(try describe(kafka)["share.auto.offset.reset"]) == ("earliest", 8))

        #expect(try client.produce(TestBatch.bytes(["a"])).errorCode == .none)
        let again = try kafka.restarted()
        #expect(try #require(try describe(again)["share.record.lock.duration.ms"]) == ("15000", 8))
        let (member, other) = (ShareMember(again, "m"), ShareMember(again, "other"))
        #expect(try member.fetch().values == ["a"])
        again.pass(milliseconds: 15_500)
        #expect(try other.fetch().counts == [2])
        let listed: ListConfigResourcesResponse = try again.connect().ask(
            ListConfigResourcesRequest(resourceTypes: [32]), 1)
        #expect(listed.configResources.map(\.resourceName) == ["g"])
        #expect(try set("share.auto.offset.reset", nil, 1) == KafkaErrorCode.none)
        #expect(try #require(try describe(kafka)["share.auto.offset.reset"]) == ("latest", 5))
    }
}
