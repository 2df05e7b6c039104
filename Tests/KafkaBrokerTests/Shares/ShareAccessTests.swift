import AccessControl
import GroupCoordination
import KafkaWire
import Speaking
import Testing

@testable import KafkaBroker

@Suite("Share groups: who may")
struct ShareAccessTests {
    /// A member who may use the group "g" and read the topic "t", and nothing else.
    private func member(_ kafka: TestKafka, _ group: String) throws -> ShareMember {
        let rules = try AccessRules.mosquitto(
            Array("user ada\ntopic read $stream/t\ntopic read $share/g\n".utf8), file: "acl")
        let member = ShareMember(kafka, "m", group: group)
        member.client.identity?.rights = rules.rights(of: .user("ada"), clientID: [])
        return member
    }

    private func world() -> TestKafka {
        let kafka = TestKafka([TestKafka.stream("t"), TestKafka.stream("u")])
        for group in ["g", "other"] {
            kafka.peers.offsets.settings[group].values["share.auto.offset.reset"] = "earliest"
        }
        return kafka
    }

    @Test("Whoever may use the group and read the topic shares records")
    func allowed() throws {
        let kafka = world()
        #expect(try kafka.connect().produce(TestBatch.bytes(["a"])).errorCode == .none)
        let member = try member(kafka, "g")
        #expect(try member.beat(["t"]).errorCode == .none)
        #expect(try member.fetch().values == ["a"])
        #expect(try member.acknowledge([(0...0, [1])]) == ShareMember.Outcome())
    }

    @Test("A group that a client may not use is neither joined, read, described nor moved")
    func groups() throws {
        let kafka = world()
        try ShareMember(kafka, "n", group: "other").beat(["t"])
        let member = try member(kafka, "other")
        #expect(try member.beat(["t"]).errorCode == .groupAuthorizationFailed)
        let fetched: ShareFetchResponse = try member.client.ask(try member.request(), 2)
        #expect(fetched.errorCode == .groupAuthorizationFailed)
        #expect(try member.acknowledge([]).code == .groupAuthorizationFailed)
        let described: ShareGroupDescribeResponse = try member.client.ask(
            ShareGroupDescribeRequest(groupIDs: ["other"]), 1)
        #expect(described.groups.map(\.errorCode) == [.groupAuthorizationFailed])
        let offsets: DescribeShareGroupOffsetsResponse = try member.client.ask(
            DescribeShareGroupOffsetsRequest(groups: [.init(groupID: "other", topics: nil)]), 1)
        #expect(offsets.groups.map(\.errorCode) == [.groupAuthorizationFailed])
        let moved: AlterShareGroupOffsetsResponse = try member.client.ask(
            AlterShareGroupOffsetsRequest(groupID: "other"), 0)
        #expect(moved.errorCode == .groupAuthorizationFailed)
        let deleted: DeleteShareGroupOffsetsResponse = try member.client.ask(
            DeleteShareGroupOffsetsRequest(groupID: "other"), 0)
        #expect(deleted.errorCode == .groupAuthorizationFailed)
        let listed: ListGroupsResponse = try member.client.ask(ListGroupsRequest(), 5)
        #expect(listed.groups.isEmpty)
        let changed: IncrementalAlterConfigsResponse = try member.client.ask(
            IncrementalAlterConfigsRequest(resources: [.init(resourceType: 32, resourceName: "g")]), 1)
        #expect(changed.responses.map(\.errorCode) == [.groupAuthorizationFailed])
    }

    @Test("A topic that a client may not read gives it nothing, also when the right goes while it waits")
    func topics() throws {
        let kafka = world()
        let client = kafka.connect()
        for topic in ["t", "u"] { #expect(try client.produce(TestBatch.bytes(["a"]), to: topic).errorCode == .none) }
        let member = try member(kafka, "g")
        #expect(try member.beat(["t", "u"]).errorCode == .topicAuthorizationFailed)
        try member.client.send(try member.request(["u"]), 2)
        #expect(try #require(try member.take()).map(\.code) == [.topicAuthorizationFailed])
        let said = try member.acknowledge([(0...0, [1])], topic: "u")
        #expect(said.part == .topicAuthorizationFailed)

        let other = try self.member(kafka, "g")
        #expect(try other.fetch().values == ["a"])
        try other.begin()
        #expect(try other.take() == nil)
        let none = try AccessRules.mosquitto(Array("user ada\ntopic read $share/g\n".utf8), file: "acl")
        other.client.identity?.rights = none.rights(of: .user("ada"), clientID: [])
        other.client.identity?.verdicts = [:]
        kafka.shard.received(.accessChanged)
        kafka.settle()
        #expect(try #require(try other.take()).map(\.code) == [.topicAuthorizationFailed])
    }
}
