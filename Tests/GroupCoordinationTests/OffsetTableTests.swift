import SluiceCore
import Testing

@testable import GroupCoordination

@Suite("What is on record of groups, and who is there")
struct OffsetTableTests {
    private let zero = Timestamp(rawValue: 0)

    private func join(_ table: inout OffsetTable, _ stream: String, filter: [UInt8] = [], shard: Int = 0)
        -> (claim: GroupRegistry.Claim, records: [GroupRecord])
    {
        let start = [Offset(rawValue: 3), Offset(rawValue: 4)]
        return table.join("g", stream: stream, filter: filter, start: start, at: zero, by: shard)
    }

    @Test("a group has one coordinator over all its streams, and a filter for each")
    func claims() {
        var table = OffsetTable()
        #expect(join(&table, "s").claim == .granted(shard: 0, isNewGroup: true, isNewStream: true))
        #expect(
            join(&table, "t", filter: [1], shard: 1).claim == .granted(shard: 0, isNewGroup: false, isNewStream: true))
        #expect(join(&table, "t", filter: [2], shard: 1).claim == .refused(filter: [1]))
        #expect(
            join(&table, "t", filter: [1], shard: 1).claim == .granted(shard: 0, isNewGroup: false, isNewStream: false))
        #expect(table.registry.coordinator(of: "g") == 0)
    }

    @Test("a stream that is new to a group begins where it is told, except where the group has been")
    func begins() {
        var table = OffsetTable()
        let known = StreamPartition(stream: "s", number: 1)
        table.apply(.offset(group: "g", known, CommittedOffset(offset: Offset(rawValue: 9), committedAt: zero)))
        let records = join(&table, "s").records
        #expect(records.count == 1)
        #expect(table.committed("g", StreamPartition(stream: "s", number: 0))?.offset == Offset(rawValue: 3))
        #expect(table.committed("g", known)?.offset == Offset(rawValue: 9))
        #expect(join(&table, "s").records.isEmpty)
    }

    @Test("a group is removed, with the offsets of all streams, when the last member of any has left")
    func removes() {
        var table = OffsetTable()
        _ = join(&table, "s")
        _ = join(&table, "t")
        _ = join(&table, "t")
        table.registry.leave("g", stream: "s")
        #expect(table.remove("g") == .active)
        table.registry.leave("g", stream: "t")
        #expect(table.remove("g") == .active)
        table.registry.leave("g", stream: "t")
        guard case .removed(let records) = table.remove("g") else {
            Issue.record("it is not removed")
            return
        }
        #expect(records.count == 4)
        #expect(table.names.isEmpty)
        #expect(table.registry.coordinator(of: "g") == nil)
    }

    @Test("what a coordinator says of a group that is forgotten does not bring it back")
    func notes() {
        var table = OffsetTable()
        let metadata = GroupMetadata(generation: 1, assignor: nil, changedAt: zero, members: [])
        _ = join(&table, "s")
        #expect(table.note(metadata, of: "g", by: 0) == true)
        #expect(table.note(metadata, of: "g", by: 1) == false)
        table.registry.leave("g", stream: "s")
        _ = table.remove("g")
        #expect(table.note(metadata, of: "g", by: 0) == false)
        #expect(table.names.isEmpty)
    }

    @Test("members that a killed process left on record are not there, and keep the group for its time from the start")
    func restarts() {
        let partition = StreamPartition(stream: "s", number: 0)
        let member = GroupMetadata.Member(memberID: "a", clientID: "a", host: "", partitions: [partition])
        let metadata = GroupMetadata(generation: 1, assignor: nil, changedAt: zero, members: [member])
        var table = OffsetTable()
        table.apply(.metadata(group: "g", metadata))
        table.started(at: Timestamp(rawValue: 100))
        #expect(table.members(of: "g").isEmpty)
        #expect(table["g"]?.homes == [partition: "a"])
        #expect(table.idle(before: Timestamp(rawValue: 100)).isEmpty)
        #expect(table.idle(before: Timestamp(rawValue: 101)) == ["g"])
        _ = join(&table, "s")
        #expect(table.members(of: "g") == [member])
        #expect(table.idle(before: Timestamp(rawValue: 101)).isEmpty)
    }
}
