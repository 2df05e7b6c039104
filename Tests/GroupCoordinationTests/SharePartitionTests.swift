import SluiceCore
import Testing

@testable import GroupCoordination

@Suite("A partition as a share group reads it")
struct SharePartitionTests {
    private typealias Run = SharePartition.Run

    static func offset(_ value: Int64) -> Offset { Offset(rawValue: value) }
    static func range(_ value: Range<Int64>) -> Range<Offset> { offset(value.lowerBound)..<offset(value.upperBound) }

    private func batches(_ ranges: Range<Int64>...) -> [ShareBatch] { ranges.map { ShareBatch(Self.range($0)) } }

    private func got(_ range: Range<Int64>, _ count: Int16 = 1) -> ShareAcquisition {
        ShareAcquisition(Self.range(range), deliveryCount: count)
    }

    static func wish(
        _ member: String, _ count: Int = 500, strict: Bool = false, batchSize: Int = 500, until deadline: Int64 = 100
    ) -> ShareWish {
        ShareWish(member: member, recordCountMax: count, isStrict: strict, batchSize: batchSize, deadline: deadline)
    }

    static func words(_ range: Range<Int64>, _ kinds: ShareAcknowledgement.Kind...) throws -> ShareAcknowledgement {
        try #require(
            ShareAcknowledgement(
                first: range.lowerBound, last: range.upperBound - 1, kinds: kinds.map(\.rawValue)))
    }

    @Test("Two members get different records, and nobody gets them while they are in hand")
    func exclusive() {
        var partition = SharePartition(start: .zero)
        let log = batches(0..<10, 10..<20, 20..<30)
        #expect(partition.acquire(log, from: .zero, for: Self.wish("a", 15)) == [got(0..<20)])
        #expect(partition.next.rawValue == 20)
        #expect(partition.acquire(log, from: .zero, for: Self.wish("b", 15)) == [got(20..<30)])
        #expect(partition.acquire(log, from: .zero, for: Self.wish("c")).isEmpty)
        #expect(partition.inFlightCount == 30)
    }

    @Test("Whole batches come unless the member never wants more")
    func modes() {
        var partition = SharePartition(start: .zero)
        let log = batches(0..<10, 10..<20)
        #expect(partition.acquire(log, from: .zero, for: Self.wish("a", 3, strict: true)) == [got(0..<3)])
        #expect(partition.acquire(log, from: Self.offset(3), for: Self.wish("b", 3)) == [got(3..<10)])
        #expect(partition.acquire(log, from: Self.offset(10), for: Self.wish("c", 4, strict: true)) == [got(10..<14)])
    }

    @Test("Stretches of an answer end with batches, at the size that the member prefers")
    func stretches() {
        var partition = SharePartition(start: .zero)
        let log = batches(0..<4, 4..<8, 8..<12)
        #expect(
            partition.acquire(log, from: .zero, for: Self.wish("a", 100, batchSize: 8)) == [got(0..<8), got(8..<12)])
    }

    @Test("What is accepted moves the start, as far as nothing before it is open")
    func accept() throws {
        var partition = SharePartition(start: .zero)
        _ = partition.acquire(batches(0..<10), from: .zero, for: Self.wish("a"))
        #expect(try partition.acknowledge([Self.words(5..<10, .accept)], by: "a", until: 0))
        #expect(partition.start == .zero && partition.doneCount == 5)
        #expect(try partition.acknowledge([Self.words(0..<4, .accept)], by: "a", until: 0))
        #expect(partition.start.rawValue == 4)
        #expect(try partition.acknowledge([Self.words(4..<5, .reject)], by: "a", until: 0))
        #expect(partition.start.rawValue == 10 && partition.runs.isEmpty)
    }

    @Test("A word for each record: accepted, released, rejected, and no record there")
    func words() throws {
        var partition = SharePartition(start: .zero)
        let log = batches(0..<4)
        _ = partition.acquire(log, from: .zero, for: Self.wish("a"))
        let words = try Self.words(0..<4, .release, .accept, .reject, .gap)
        #expect(try partition.acknowledge([words], by: "a", until: 0))
        #expect(partition.next == .zero && partition.inFlightCount == 1)
        #expect(partition.acquire(log, from: .zero, for: Self.wish("b")) == [got(0..<1, 2)])
    }

    @Test("Whoever does not have a record is refused, and nothing of the request counts")
    func wrongState() throws {
        var partition = SharePartition(start: .zero)
        _ = partition.acquire(batches(0..<4), from: .zero, for: Self.wish("a"))
        let mine = try Self.words(0..<4, .accept)
        #expect(throws: SharePartition.WrongState()) { try partition.acknowledge([mine], by: "b", until: 0) }
        let beyond = try Self.words(4..<5, .accept)
        #expect(throws: SharePartition.WrongState()) { try partition.acknowledge([mine, beyond], by: "a", until: 0) }
        #expect(partition.start == .zero)
        #expect(try partition.acknowledge([mine], by: "a", until: 0))
        // It lies before the start now.
        #expect(try partition.acknowledge([mine], by: "b", until: 0))
    }

    @Test("A lock that is over gives its records back, unless it was renewed")
    func locks() throws {
        var partition = SharePartition(start: .zero)
        let log = batches(0..<4)
        _ = partition.acquire(log, from: .zero, for: Self.wish("a", until: 100))
        #expect(try partition.acknowledge([Self.words(2..<4, .renew)], by: "a", until: 150) == false)
        #expect(partition.elapsed(now: 99) == false)
        #expect(partition.elapsed(now: 100) == true)
        #expect(partition.acquire(log, from: .zero, for: Self.wish("b", until: 300)) == [got(0..<2, 2)])
        let late = try Self.words(0..<2, .accept)
        #expect(throws: SharePartition.WrongState()) { try partition.acknowledge([late], by: "a", until: 0) }
        #expect(partition.elapsed(now: 150) == true)
        #expect(partition.next.rawValue == 2)
    }

    @Test("After five deliveries a record is archived")
    func deliveries() {
        var partition = SharePartition(start: .zero)
        let log = batches(0..<1, 1..<2)
        for count in 1...Int16(5) {
            #expect(partition.acquire(log, from: .zero, for: Self.wish("a", 1, strict: true)) == [got(0..<1, count)])
            #expect(partition.release(by: "a") == true)
        }
        #expect(partition.start.rawValue == 1)
        #expect(partition.acquire(log, from: .zero, for: Self.wish("a")) == [got(1..<2)])
    }

    @Test("No more records are in flight than the limit says, and those that wait are delivered first")
    func limit() throws {
        var partition = SharePartition(start: .zero)
        let log = batches(0..<1500, 1500..<3000, 3000..<4500)
        #expect(partition.acquire(log, from: .zero, for: Self.wish("a", 5000)).map(\.range.count64) == [1500, 500])
        #expect(!partition.hasRoom)
        #expect(partition.acquire(log, from: Self.offset(2000), for: Self.wish("b")).isEmpty)
        #expect(
            try partition.acknowledge([Self.words(0..<10, .accept), Self.words(10..<20, .release)], by: "a", until: 0))
        #expect(partition.next.rawValue == 10)
        let more = partition.acquire(log, from: partition.next, for: Self.wish("b", 5000))
        #expect(more == [got(10..<20, 2), got(2000..<2010)])
    }

    @Test("Whoever holds one record for ever and tears the rest apart gets no more memory than there is")
    func bounded() throws {
        var partition = SharePartition(start: .zero)
        _ = partition.acquire(batches(0..<1), from: .zero, for: Self.wish("holder"))
        var end: Int64 = 1
        while partition.hasRoom {
            let got = partition.acquire(batches(end..<end + 100), from: Self.offset(end), for: Self.wish("a"))
            try #require(got.map(\.range) == [Self.range(end..<end + 100)])
            for offset in end..<end + 100 {
                let words = try Self.words(offset..<offset + 1, offset % 2 == 0 ? .accept : .reject)
                #expect(try partition.acknowledge([words], by: "a", until: 0))
            }
            end += 100
        }
        #expect(partition.isSound)
        #expect(end < 20_000 && partition.start == .zero && partition.inFlightCount == 1)
        #expect(partition.runs.count <= SharePartition.runCountMax + SharePartition.recordLocksMax)
        #expect(partition.acquire(batches(end..<end + 1), from: Self.offset(end), for: Self.wish("a")).isEmpty)
        #expect(try partition.acknowledge([Self.words(0..<1, .accept)], by: "holder", until: 0))
        #expect(partition.hasRoom && partition.runs.isEmpty && partition.start.rawValue == end)
    }

    @Test("What the log does not have, marks of transactions and what was given up are passed over")
    func gaps() throws {
        var partition = SharePartition(start: .zero)
        let log = [
            ShareBatch(Self.range(5..<8)), ShareBatch(Self.range(8..<9), isDelivered: false),
            ShareBatch(Self.range(12..<14)),
        ]
        #expect(partition.acquire(log, from: .zero, for: Self.wish("a")) == [got(5..<8), got(12..<14)])
        #expect(partition.start.rawValue == 5 && partition.inFlightCount == 5)
        #expect(try partition.acknowledge([Self.words(5..<8, .accept)], by: "a", until: 0))
        #expect(partition.start.rawValue == 12)
    }

    @Test("Retention moves the start, and what was lost behind the log's end was never there")
    func follow() throws {
        var partition = SharePartition(start: .zero)
        _ = partition.acquire(batches(0..<10), from: .zero, for: Self.wish("a"))
        partition.follow(start: Self.offset(4), end: Self.offset(10))
        #expect(partition.start.rawValue == 4 && partition.inFlightCount == 6)
        #expect(try partition.acknowledge([Self.words(0..<6, .accept)], by: "a", until: 0))
        #expect(partition.start.rawValue == 6)
        partition.follow(start: Self.offset(4), end: Self.offset(8))
        #expect(partition.end.rawValue == 8 && partition.inFlightCount == 2)
        partition.follow(start: Self.offset(20), end: Self.offset(20))
        #expect(partition.start.rawValue == 20 && partition.runs.isEmpty && partition.inFlightCount == 0)
        partition.follow(start: .zero, end: .zero)
        #expect(partition.start == .zero)
    }

    @Test("What is on record comes back: done stays done, and what was in hand waits with the deliveries before")
    func record() throws {
        var partition = SharePartition(start: .zero)
        let log = batches(0..<10)
        _ = partition.acquire(log, from: .zero, for: Self.wish("a"))
        #expect(
            try partition.acknowledge([Self.words(0..<3, .release), Self.words(5..<7, .accept)], by: "a", until: 0))
        _ = partition.acquire(log, from: .zero, for: Self.wish("b", 1, strict: true))
        let place = SharePlace(topicID: 7 << 64 | 9, number: 3)
        let record = ShareStateRecord(
            group: "g", place: place,
            state: ShareStateRecord.Recorded(
                snapshotEpoch: 2, createdAt: Timestamp(rawValue: 5), writtenAt: Timestamp(rawValue: 6),
                start: partition.start, runs: partition.recorded, doneCount: 2))
        let read = try #require(ShareStateRecord(key: record.key, value: record.value))
        #expect(read == record)
        #expect(record.key == [0, 0, 0, 1, 0x67, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 3])
        var again = SharePartition(start: .zero, recorded: try #require(read.state).runs)
        #expect(again.acquire(log, from: .zero, for: Self.wish("c")) == [got(0..<3, 2), got(3..<5), got(7..<10)])
    }

    @Test("Records that cannot be are no records", arguments: [[Int8](), [5], [1, 1, 1]])
    func malformed(_ kinds: [Int8]) {
        #expect(ShareAcknowledgement(first: 3, last: 4, kinds: kinds) == nil)
        #expect(ShareAcknowledgement(first: 4, last: 3, kinds: [1]) == nil)
        #expect(ShareAcknowledgement(first: -1, last: 3, kinds: [1]) == nil)
    }
}
