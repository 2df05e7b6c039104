import GroupCoordination
import KafkaWire
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Groups through the wire")
struct GroupTests {
    /// A member of a group in which the clients assign.
    private final class Member {
        let client: TestConnection
        let version: Int16
        var id = ""
        var instance: String?
        var generation: Int32 = -1

        init(_ kafka: TestKafka, _ name: String, version: Int16 = 5, instance: String? = nil) {
            client = kafka.connect(name)
            self.version = version
            self.instance = instance
        }

        func join(metadata: [UInt8] = [1], session: Int32 = 10_000) throws {
            try client.send(
                JoinGroupRequest(
                    groupID: "g", sessionTimeoutMs: session, rebalanceTimeoutMs: version >= 1 ? 20_000 : -1,
                    memberID: id, groupInstanceID: instance, protocolType: "consumer",
                    protocols: [.init(name: "range", metadata: metadata)]), version)
        }

        func takeJoined() throws -> JoinGroupResponse? {
            guard let response = try client.take(JoinGroupResponse.self, version) else { return nil }
            if response.errorCode == .memberIDRequired {
                #expect(version >= 4)
                id = response.memberID
                try join()
                return try takeJoined()
            }
            (id, generation) = (response.memberID, response.generationID)
            return response
        }

        func sync(_ assignments: [String: [UInt8]]) throws {
            try client.send(
                SyncGroupRequest(
                    groupID: "g", generationID: generation, memberID: id, groupInstanceID: instance,
                    assignments: assignments.sorted { $0.key < $1.key }.map {
                        .init(memberID: $0.key, assignment: $0.value)
                    }), min(version, 4))
        }

        func takeSynced() throws -> SyncGroupResponse? { try client.take(SyncGroupResponse.self, min(version, 4)) }

        func heartbeat() throws -> Int16 {
            let request = HeartbeatRequest(
                groupID: "g", generationID: generation, memberID: id, groupInstanceID: version >= 3 ? instance : nil)
            let response: HeartbeatResponse = try client.ask(request, min(version, 4))
            return response.errorCode.rawValue
        }
    }

    /// Lets the time of a first rebalance pass.
    private func rebalance(_ kafka: TestKafka) {
        for _ in 0..<10 { kafka.pass(milliseconds: 500) }
    }

    @Test("One member, then two, then one again", arguments: Int16(0)...9)
    func members(_ version: Int16) throws {
        let kafka = TestKafka()
        let a = Member(kafka, "a", version: version)
        try a.join()
        rebalance(kafka)
        let first = try #require(
            try a.takeJoined()
                ?? {
                    rebalance(kafka); return try a.takeJoined()
                }())
        #expect(first.errorCode == .none)
        #expect(first.generationID == 1)
        #expect(first.leader == a.id && first.members.map(\.memberID) == [a.id])
        #expect(first.protocolName == "range")
        if version >= 7 { #expect(first.protocolType == "consumer") }
        try a.sync([a.id: [42]])
        #expect(try a.takeSynced()?.assignment == [42])
        #expect(try a.heartbeat() == 0)

        let b = Member(kafka, "b", version: version)
        try b.join()
        _ = try b.takeJoined()
        #expect(try a.heartbeat() == KafkaErrorCode.rebalanceInProgress.rawValue)
        try a.join()
        rebalance(kafka)
        let again = try #require(try a.takeJoined())
        let joined = try #require(try b.takeJoined())
        #expect(again.generationID == 2 && joined.generationID == 2)
        #expect(again.members.count + joined.members.count == 2, "only the leader hears who is there")
        try b.sync([:])
        #expect(try b.takeSynced() == nil)
        let (leader, other) = again.leader == a.id ? (a, b) : (b, a)
        #expect(leader === a)
        try a.sync([a.id: [1], b.id: [2]])
        #expect(try a.takeSynced()?.assignment == [1])
        #expect(try other.takeSynced()?.assignment == [2])

        let leaving =
            version >= 3
            ? LeaveGroupRequest(groupID: "g", members: [.init(memberID: b.id)])
            : LeaveGroupRequest(groupID: "g", memberID: b.id)
        let left: LeaveGroupResponse = try b.client.ask(leaving, min(version, 5))
        #expect(left.errorCode == .none && left.members.allSatisfy { $0.errorCode == .none })
        #expect(try a.heartbeat() == KafkaErrorCode.rebalanceInProgress.rawValue)
        #expect(try b.heartbeat() == KafkaErrorCode.unknownMemberID.rawValue)
    }

    /// A group of one member that reads.
    private func stable(_ kafka: TestKafka, instance: String? = nil) throws -> Member {
        let member = Member(kafka, "a", instance: instance)
        try member.join()
        rebalance(kafka)
        if try member.takeJoined() == nil {
            rebalance(kafka)
            _ = try #require(try member.takeJoined())
        }
        try member.sync([member.id: [9]])
        #expect(try member.takeSynced()?.assignment == [9])
        return member
    }

    @Test("A member that is silent is lost")
    func silence() throws {
        let kafka = TestKafka()
        let member = try stable(kafka)
        for _ in 0..<4 {
            kafka.pass(milliseconds: 8000)
            #expect(try member.heartbeat() == 0)
        }
        kafka.pass(milliseconds: 11_000)
        #expect(try member.heartbeat() == KafkaErrorCode.unknownMemberID.rawValue)
    }

    @Test("A static member that comes again has its assignment, and the former one is fenced")
    func staticMember() throws {
        let kafka = TestKafka()
        let first = try stable(kafka, instance: "i")
        let second = Member(kafka, "a", instance: "i")
        try second.join()
        let joined = try #require(try second.takeJoined())
        #expect(joined.errorCode == .none)
        #expect(joined.generationID == first.generation)
        #expect(second.id != first.id)
        try second.sync([:])
        #expect(try second.takeSynced()?.assignment == [9])
        #expect(try first.heartbeat() == KafkaErrorCode.fencedInstanceID.rawValue)
        #expect(try second.heartbeat() == 0)
    }

    @Test("What groups refuse")
    func faults() throws {
        let kafka = TestKafka()
        let client = kafka.connect()
        func join(_ body: (inout JoinGroupRequest) -> Void) throws -> Int16 {
            var request = JoinGroupRequest(
                groupID: "g", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 20_000, protocolType: "consumer",
                protocols: [.init(name: "range", metadata: [])])
            body(&request)
            let response: JoinGroupResponse = try client.ask(request, 5)
            return response.errorCode.rawValue
        }
        #expect(try join { $0.groupID = "" } == 24)
        #expect(try join { $0.sessionTimeoutMs = 5999 } == 26)
        #expect(try join { $0.sessionTimeoutMs = 1_800_001 } == 26)
        #expect(try join { $0.memberID = "unknown" } == 25)
        #expect(try join { $0.protocols = [] } == 23)
        #expect(try join { $0.protocolType = "" } == 23)
        #expect(try join { _ in } == 79)
        _ = try stable(kafka)
        #expect(try join { $0.protocolType = "connect" } == 23)
        #expect(try join { $0.protocols[0].name = "other" } == 23)
        let sync: SyncGroupResponse = try client.ask(
            SyncGroupRequest(groupID: "g", generationID: 1, memberID: "unknown"), 3)
        #expect(sync.errorCode == .unknownMemberID)
        let none: HeartbeatResponse = try client.ask(
            HeartbeatRequest(groupID: "none", generationID: 1, memberID: "x"), 3)
        #expect(none.errorCode == .unknownMemberID)
    }

    @Test("Groups are listed, described and deleted")
    func administration() throws {
        let kafka = TestKafka()
        let member = try stable(kafka)
        let client = kafka.connect()
        for version in Int16(0)...5 {
            let list: ListGroupsResponse = try client.ask(ListGroupsRequest(), version)
            #expect(list.groups.map(\.groupID) == ["g"])
            #expect(list.groups.first?.protocolType == "consumer")
            if version >= 4 { #expect(list.groups.first?.groupState == "Stable") }
            if version >= 5 { #expect(list.groups.first?.groupType == "classic") }
        }
        let none: ListGroupsResponse = try client.ask(ListGroupsRequest(statesFilter: ["empty"]), 4)
        #expect(none.groups.isEmpty)
        let some: ListGroupsResponse = try client.ask(
            ListGroupsRequest(statesFilter: ["sTABLE"], typesFilter: ["Classic"]), 5)
        #expect(some.groups.count == 1)
        for version in Int16(0)...6 {
            let described: DescribeGroupsResponse = try client.ask(
                DescribeGroupsRequest(groups: ["g", "none"]), version)
            #expect(described.groups.map(\.groupState) == ["Stable", "Dead"])
            #expect(described.groups[0].members.map(\.memberID) == [member.id])
            #expect(described.groups[0].members.map(\.clientHost) == ["/192.0.2.1"])
            #expect(described.groups[0].members.map(\.memberAssignment) == [[9]])
            #expect(described.groups[1].errorCode.rawValue == (version >= 6 ? 69 : 0))
        }
        let refused: DeleteGroupsResponse = try client.ask(DeleteGroupsRequest(groupsNames: ["g", "none", ""]), 2)
        #expect(refused.results.map(\.errorCode.rawValue) == [68, 69, 24])
        kafka.pass(milliseconds: 30_000)
        let deleted: DeleteGroupsResponse = try client.ask(DeleteGroupsRequest(groupsNames: ["g"]), 2)
        #expect(deleted.results.map(\.errorCode) == [.none])
        let after: ListGroupsResponse = try client.ask(ListGroupsRequest(), 5)
        #expect(after.groups.isEmpty)
    }

    @Test("Groups in which the broker assigns")
    func consumerProtocol() throws {
        let kafka = TestKafka([TestKafka.stream("t", partitions: 4)])
        let client = kafka.connect()
        func beat(_ member: String, _ epoch: Int32, owned: [Int32]? = nil) throws -> ConsumerGroupHeartbeatResponse {
            let topicID = try kafka.id(of: "t")
            let isJoining = epoch == 0
            return try client.ask(
                ConsumerGroupHeartbeatRequest(
                    groupID: "c", memberID: member, memberEpoch: epoch, rebalanceTimeoutMs: isJoining ? 30_000 : -1,
                    subscribedTopicNames: isJoining ? ["t"] : nil,
                    topicPartitions: isJoining ? [] : owned.map { [.init(topicID: topicID, partitions: $0)] }), 1)
        }
        func parts(_ response: ConsumerGroupHeartbeatResponse) -> [Int32]? {
            response.assignment.map { $0.topicPartitions.flatMap(\.partitions) }
        }
        let first = try beat("a", 0)
        #expect(first.errorCode == .none && first.memberID == "a")
        #expect(parts(first) == [0, 1, 2, 3])
        #expect(try beat("a", first.memberEpoch, owned: [0, 1, 2, 3]).assignment == nil)
        let second = try beat("b", 0)
        #expect(parts(second) == [])
        let kept = try #require(parts(try beat("a", first.memberEpoch)))
        #expect(kept.count == 2)
        #expect(parts(try beat("b", second.memberEpoch)) == nil, "what is not let go of is not given")
        let released = try beat("a", first.memberEpoch, owned: kept)
        #expect(released.errorCode == .none && released.memberEpoch > first.memberEpoch)
        let given = try #require(parts(try beat("b", second.memberEpoch)))
        #expect(Set(given).union(kept) == [0, 1, 2, 3] && given.count == 2)
        #expect(try beat("a", 77).errorCode == .fencedMemberEpoch)
        #expect(try beat("c", 5).errorCode == .unknownMemberID)

        let described: ConsumerGroupDescribeResponse = try client.ask(
            ConsumerGroupDescribeRequest(groupIDs: ["c", "none"]), 1)
        #expect(described.groups.map(\.errorCode.rawValue) == [0, 69])
        #expect(described.groups[0].members.map(\.memberID) == ["a", "b"])
        let classic: DescribeGroupsResponse = try client.ask(DescribeGroupsRequest(groups: ["c"]), 6)
        #expect(classic.groups.map(\.errorCode) == [.groupIDNotFound])
        func fetch(_ member: String?, _ epoch: Int32) throws -> KafkaErrorCode {
            let group = OffsetFetchRequest.OffsetFetchRequestGroup(
                groupID: "c", memberID: member, memberEpoch: epoch, topics: nil)
            let response: OffsetFetchResponse = try client.ask(OffsetFetchRequest(groups: [group]), 9)
            return response.groups[0].errorCode
        }
        #expect(try fetch("a", released.memberEpoch) == .none)
        #expect(try fetch("a", released.memberEpoch + 7) == .staleMemberEpoch)
        #expect(try fetch("z", 1) == .unknownMemberID)
        #expect(try fetch(nil, -1) == .none)
        func commit(_ version: Int16) throws -> [KafkaErrorCode] {
            let part = OffsetCommitRequest.OffsetCommitRequestPartition(
                partitionIndex: 0, committedOffset: 0, committedMetadata: "")
            let request = OffsetCommitRequest(
                groupID: "c", generationIDOrMemberEpoch: released.memberEpoch, memberID: "a",
                topics: [.init(name: "t", partitions: [part])])
            let response: OffsetCommitResponse = try client.ask(request, version)
            return response.topics.flatMap { $0.partitions.map(\.errorCode) }
        }
        #expect(try commit(8) == [.unsupportedVersion])
        #expect(try commit(9) == [.none])
        #expect(try beat("b", -1).memberEpoch == -1)
    }

    @Test("What a member says of itself, and is assigned, has a bound")
    func largeMembers() throws {
        let client = TestKafka().connect()
        let large = [UInt8](repeating: 7, count: (1 << 20) + 1)
        let join = JoinGroupRequest(
            groupID: "g", sessionTimeoutMs: 6000, rebalanceTimeoutMs: 6000, protocolType: "consumer",
            protocols: [.init(name: "range", metadata: large)])
        let joined: JoinGroupResponse = try client.ask(join, 5)
        #expect(joined.errorCode == .invalidRequest)
        let sync = SyncGroupRequest(
            groupID: "g", generationID: 1, memberID: "m", assignments: [.init(memberID: "m", assignment: large)])
        let synced: SyncGroupResponse = try client.ask(sync, 3)
        #expect(synced.errorCode == .invalidRequest)
    }

    @Test("What the broker's own groups refuse")
    func consumerProtocolFaults() throws {
        let client = TestKafka().connect()
        func code(_ body: (inout ConsumerGroupHeartbeatRequest) -> Void) throws -> Int16 {
            var request = ConsumerGroupHeartbeatRequest(
                groupID: "c", memberID: "a", rebalanceTimeoutMs: 1000, subscribedTopicNames: ["t"],
                topicPartitions: [])
            body(&request)
            let response: ConsumerGroupHeartbeatResponse = try client.ask(request, 1)
            return response.errorCode.rawValue
        }
        #expect(try code { $0.groupID = "" } == 42)
        #expect(try code { $0.memberID = "" } == 42)
        #expect(try code { $0.serverAssignor = "best" } == 112)
        #expect(try code { $0.subscribedTopicRegex = "(t" } == 128)
        #expect(try code { $0.serverAssignor = "range" } == 0)
    }
}
