import GroupCoordination
import KafkaWire
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Committed offsets")
struct OffsetTests {
    private typealias Commit = OffsetCommitRequest
    private typealias Part = Commit.OffsetCommitRequestPartition

    private func commit(
        _ client: TestConnection, _ parts: [(topic: String, partition: Int32, offset: Int64)], group: String = "g",
        version: Int16 = 8, metadata: String? = "m", _ body: (inout Commit) -> Void = { _ in }
    ) throws -> [[Int16]] {
        var request = Commit(groupID: group, generationIDOrMemberEpoch: -1)
        for (topic, partition, offset) in parts {
            let epoch: Int32 = version >= 6 ? 3 : -1
            let part = Part(
                partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: epoch,
                committedMetadata: metadata)
            if request.topics.last?.name == topic {
                request.topics[request.topics.count - 1].partitions.append(part)
            } else {
                request.topics.append(.init(name: topic, partitions: [part]))
            }
        }
        body(&request)
        let response: OffsetCommitResponse = try client.ask(request, version)
        return response.topics.map { $0.partitions.map(\.errorCode.rawValue) }
    }

    private func kafka(pace: MemoryEngine.Pace = .atOnce) -> TestKafka {
        TestKafka([TestKafka.stream("t", partitions: 3), TestKafka.stream("u")], pace: pace)
    }

    @Test("What is committed in any version is told in all", arguments: Int16(1)...10)
    func versions(_ version: Int16) throws {
        let kafka = kafka()
        let client = kafka.connect()
        #expect(try commit(client, [("t", 0, 5), ("t", 2, 7), ("u", 0, 1)], version: version) == [[0, 0], [0]])
        for reading in Int16(1)...10 {
            guard reading < 8 else {
                let request = OffsetFetchRequest(groups: [
                    .init(groupID: "g", topics: [.init(name: "t", partitionIndexes: [0, 1, 2])]),
                    .init(groupID: "none", topics: nil), .init(groupID: "g", topics: nil),
                ])
                let response: OffsetFetchResponse = try client.ask(request, reading)
                #expect(response.groups.map(\.groupID) == ["g", "none", "g"])
                let parts = try #require(response.groups[0].topics.first?.partitions)
                #expect(parts.map(\.committedOffset) == [5, -1, 7])
                #expect(parts.map(\.metadata) == ["m", "", "m"])
                #expect(parts.map(\.committedLeaderEpoch) == (version >= 6 ? [3, -1, 3] : [-1, -1, -1]))
                #expect(response.groups[1].topics.isEmpty)
                if reading >= 10 {
                    #expect(response.groups[2].topics.map(\.topicID) == [try kafka.id(of: "t"), try kafka.id(of: "u")])
                } else {
                    #expect(response.groups[2].topics.map(\.name) == ["t", "u"])
                }
                continue
            }
            let request = OffsetFetchRequest(
                groupID: "g",
                topics: [.init(name: "t", partitionIndexes: [0, 1, 2]), .init(name: "x", partitionIndexes: [9])])
            let response: OffsetFetchResponse = try client.ask(request, reading)
            #expect(response.topics.map { $0.partitions.map(\.committedOffset) } == [[5, -1, 7], [-1]])
            #expect(response.topics[0].partitions.map(\.errorCode) == [.none, .none, .none])
            guard reading >= 2 else { continue }
            let all: OffsetFetchResponse = try client.ask(OffsetFetchRequest(groupID: "g", topics: nil), reading)
            #expect(all.topics.map { $0.partitions.map(\.committedOffset) } == [[5, 7], [1]])
        }
    }

    @Test("An identifier that no topic has is 100, in commits and in what is asked")
    func identifiers() throws {
        let client = kafka().connect()
        #expect(try commit(client, [("t", 0, 5), ("none", 0, 1)], version: 10) == [[0], [100]])
        let request = OffsetFetchRequest(groups: [
            .init(
                groupID: "g",
                topics: [.init(name: "none", partitionIndexes: [0]), .init(name: "t", partitionIndexes: [0])])
        ])
        let response: OffsetFetchResponse = try client.ask(request, 10)
        let parts = response.groups[0].topics.flatMap(\.partitions)
        #expect(parts.map(\.committedOffset).sorted() == [-1, 5])
        #expect(Set(parts.map(\.errorCode)) == [.none, .unknownTopicID])
    }

    @Test("What cannot be committed, and what beside it can")
    func faults() throws {
        let client = kafka().connect()
        #expect(try commit(client, [("t", 0, 5), ("t", 9, 5), ("none", 0, 1)]) == [[0, 3], [3]])
        #expect(try commit(client, [("t", 0, 5)], metadata: String(repeating: "x", count: 4097)) == [[12]])
        #expect(try commit(client, [("t", 0, 5)], metadata: String(repeating: "x", count: 4096)) == [[0]])
        #expect(try commit(client, [("t", 0, 5)], metadata: nil) == [[0]])
        #expect(try commit(client, [("t", 0, 5)], group: "") == [[24]])
        // Without a generation nobody has to be a member, as long as there is none.
        #expect(try commit(client, [("t", 0, 5)]) { $0.memberID = "anybody" } == [[0]])
        #expect(try commit(client, [("t", 0, 5)], group: "other") { $0.generationIDOrMemberEpoch = 4 } == [[22]])
        #expect(try commit(client, []) == [])
    }

    @Test("A commit is answered when it is durable, and not seen before")
    func durable() throws {
        let kafka = kafka(pace: .whenTold)
        let client = kafka.connect()
        let request = Commit(
            groupID: "g", generationIDOrMemberEpoch: -1,
            topics: [.init(name: "t", partitions: [Part(partitionIndex: 0, committedOffset: 5)])])
        try client.send(request, 8)
        let fetch = OffsetFetchRequest(groupID: "g", topics: [.init(name: "t", partitionIndexes: [0])])
        let early: OffsetFetchResponse = try kafka.connect().ask(fetch, 7)
        #expect(early.topics[0].partitions[0].committedOffset == -1)
        #expect(client.takeFrame() == nil)
        kafka.commit()
        #expect(try client.take(OffsetCommitResponse.self, 8)?.topics[0].partitions[0].errorCode == KafkaErrorCode.none)
        let late: OffsetFetchResponse = try kafka.connect().ask(fetch, 7)
        #expect(late.topics[0].partitions[0].committedOffset == 5)
    }

    @Test("What is on record gives the same offsets to who reads it")
    func replay() throws {
        let kafka = kafka()
        let client = kafka.connect()
        _ = try commit(client, [("t", 0, 5), ("t", 2, 7)])
        _ = try commit(client, [("t", 0, 6)])
        var table = OffsetTable()
        try kafka.forEachRecord(of: GroupRecord.stream) { table.apply(key: $0, value: $1) }
        #expect(table.damagedCount == 0)
        #expect(table.committed("g", StreamPartition(stream: "t", number: 0))?.offset == Offset(rawValue: 6))
        #expect(table.committed("g", StreamPartition(stream: "t", number: 2))?.leaderEpoch == 3)
    }

    @Test("A deleted topic takes what groups have committed in it along")
    func deletedTopic() throws {
        let kafka = kafka()
        let client = kafka.connect()
        _ = try commit(client, [("t", 0, 5), ("u", 0, 7)])
        let response: DeleteTopicsResponse = try client.ask(DeleteTopicsRequest(topicNames: ["t"]), 3)
        #expect(response.responses.map(\.errorCode) == [.none])
        let all: OffsetFetchResponse = try client.ask(OffsetFetchRequest(groupID: "g", topics: nil), 7)
        #expect(all.topics.map(\.name) == ["u"])
        var table = OffsetTable()
        try kafka.forEachRecord(of: GroupRecord.stream) { table.apply(key: $0, value: $1) }
        #expect(table.partitions(of: "g") == [StreamPartition(stream: "u", number: 0)])
    }

    @Test("Single offsets are deleted, and what is not there is said")
    func deletedOffsets() throws {
        let client = kafka().connect()
        _ = try commit(client, [("t", 0, 5), ("t", 1, 6), ("u", 0, 7)])
        let request = OffsetDeleteRequest(
            groupID: "g",
            topics: [
                .init(name: "t", partitions: [.init(partitionIndex: 0), .init(partitionIndex: 9)]),
                .init(name: "none", partitions: [.init(partitionIndex: 0)]),
            ])
        let response: OffsetDeleteResponse = try client.ask(request, 0)
        #expect(response.topics.map { $0.partitions.map(\.errorCode.rawValue) } == [[0, 3], [3]])
        let all: OffsetFetchResponse = try client.ask(OffsetFetchRequest(groupID: "g", topics: nil), 7)
        #expect(all.topics.map { $0.partitions.map(\.partitionIndex) } == [[1], [0]])
        let unknown: OffsetDeleteResponse = try client.ask(OffsetDeleteRequest(groupID: "none"), 0)
        #expect(unknown.errorCode == .groupIDNotFound)
    }
}
