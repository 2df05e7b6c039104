import SluiceCore
import Testing

@testable import GroupCoordination

@Suite("Records of __consumer_offsets")
struct GroupRecordTests {
    private let partition = StreamPartition(stream: "s", number: 2)

    @Test("an offset has Kafka's bytes")
    func offsetBytes() {
        let committed = CommittedOffset(offset: Offset(rawValue: 7), committedAt: Timestamp(rawValue: 1))
        let record = GroupRecord.offset(group: "g", partition, committed)
        // OffsetCommitKey version 1, OffsetCommitValue version 3, written out by hand from Kafka's definitions.
        #expect(record.key == [0, 1, 0, 1, 0x67, 0, 1, 0x73, 0, 0, 0, 2])
        #expect(
            record.value == [0, 3, 0, 0, 0, 0, 0, 0, 0, 7, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        #expect(GroupRecord(key: record.key, value: record.value) == record)
        #expect(GroupRecord(key: record.key, value: nil) == .offset(group: "g", partition, nil))
    }

    @Test("older and newer versions of an offset are read")
    func offsetVersions() {
        let key = GroupRecord.offset(group: "g", partition, nil).key
        let values: [[UInt8]] = [
            [0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0x6D, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9],
            [0, 2, 0, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0x6D, 0, 0, 0, 0, 0, 0, 0, 1],
            [0, 4, 0, 0, 0, 0, 0, 0, 0, 7, 255, 255, 255, 255, 2, 0x6D, 0, 0, 0, 0, 0, 0, 0, 1, 0],
        ]
        let committed = CommittedOffset(
            offset: Offset(rawValue: 7), metadata: "m", committedAt: Timestamp(rawValue: 1))
        for value in values {
            #expect(GroupRecord(key: key, value: value) == .offset(group: "g", partition, committed))
        }
    }

    @Test("a group's metadata comes back as it was written, and cut anywhere it is nothing")
    func metadata() {
        let members = [
            GroupMetadata.Member(
                memberID: "a", clientID: "a", host: "h",
                partitions: [partition, StreamPartition(stream: "t", number: 0)]),
            GroupMetadata.Member(memberID: "b", clientID: "b", host: "", partitions: []),
        ]
        let metadata = GroupMetadata(
            generation: 3, assignor: "sticky", changedAt: Timestamp(rawValue: 5), members: members)
        let record = GroupRecord.metadata(group: "g", metadata)
        let value = record.value ?? []
        #expect(GroupRecord(key: record.key, value: value) == record)
        for count in 0..<value.count { #expect(GroupRecord(key: record.key, value: Array(value[..<count])) == nil) }
        for count in 0..<record.key.count {
            #expect(GroupRecord(key: Array(record.key[..<count]), value: value) == nil)
        }
    }

    @Test("a table is what its records say, and a removed group is gone")
    func table() {
        var table = OffsetTable()
        let committed = CommittedOffset(offset: Offset(rawValue: 7), committedAt: Timestamp(rawValue: 1))
        table.apply(.offset(group: "g", partition, committed))
        table.apply(
            .metadata(
                group: "g", GroupMetadata(generation: 1, assignor: nil, changedAt: Timestamp(rawValue: 2), members: []))
        )
        #expect(table.committed("g", partition)?.offset == Offset(rawValue: 7))
        #expect(table.idle(before: Timestamp(rawValue: 2)).isEmpty)
        #expect(table.idle(before: Timestamp(rawValue: 3)) == ["g"])
        var replayed = table
        guard case .removed(let records) = table.remove("g") else {
            Issue.record("it is not removed")
            return
        }
        #expect(table.names.isEmpty)
        #expect(table.remove("g") == .unknown)
        for record in records { replayed.apply(key: record.key, value: record.value) }
        #expect(replayed.names.isEmpty)
        table.apply(key: [9, 9], value: nil)
        #expect(table.damagedCount == 1)
    }
}
