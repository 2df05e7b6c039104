import Bridging
import Checksums
import SluiceCore
import SluiceTesting
import Testing

@Suite("notes of bridges")
struct NotesTests {
    private func offset(_ value: Int) -> Offset { Offset(rawValue: Int64(value)) }
    private func note(_ value: Int) -> BridgeNotes.Note {
        var counts = BridgeCounts(start: .zero)
        counts.forwarded = UInt64(value) * 3
        counts.refused = 1 << 41
        counts.dropped = 5
        counts.repeated = 7
        return BridgeNotes.Note(position: offset(value), counts: counts, sentEnd: offset(value + 9))
    }

    @Test("an entry is 64 bytes, and comes back under its own epoch and index only")
    func roundTrip() {
        let entries = [5, 1 << 40].map { BridgeNotes.entry(epoch: 7, note($0)) }
        #expect(entries.allSatisfy { $0.count == BridgeNotes.entryByteCount })
        let contents = entries.flatMap { $0 }
        #expect(BridgeNotes.note(contents.span, at: 0, epoch: 7) == note(5))
        #expect(BridgeNotes.note(contents.span, at: 1, epoch: 7) == note(1 << 40))
        #expect(BridgeNotes.note(contents.span, at: 2, epoch: 7) == nil)
        #expect(BridgeNotes.note(contents.span, at: 0, epoch: 8) == nil)
    }

    @Test("cut anywhere, or with any byte changed, it is none; nothing written yet is none")
    func damage() {
        let entry = BridgeNotes.entry(epoch: 7, note(5))
        for count in entry.indices {
            let cut = Array(entry.prefix(count))
            #expect(BridgeNotes.note(cut.span, at: 0, epoch: 7) == nil)
            var changed = entry
            changed[count] ^= 0x10
            #expect(BridgeNotes.note(changed.span, at: 0, epoch: 7) == nil)
        }
        let zeros = [UInt8](repeating: 0, count: BridgeNotes.entryByteCount)
        #expect(BridgeNotes.note(zeros.span, at: 0, epoch: 7) == nil)
    }

    @Test("a checkpoint of version 1, which knows of no notes, is read")
    func versionOne() {
        var checkpoint = BridgeCheckpoint()
        checkpoint.partitions = [BridgeCheckpoint.Partition(stream: "s", number: 0, position: offset(9))]
        let old = Self.old(checkpoint, version: 1)
        #expect(BridgeCheckpoint(old.span) == checkpoint)
    }

    /// What an earlier version would have written of a checkpoint with one partition and nothing on its way.
    private static func old(_ checkpoint: BridgeCheckpoint, version: UInt8) -> [UInt8] {
        var bytes = checkpoint.encoded()
        // Totals, then the counts of the partition, which lie before the number of QoS 2 messages and the epoch.
        bytes.removeLast(32)
        bytes.removeSubrange(bytes.count - 10 - 56..<bytes.count - 10)
        if version == 1 { bytes.removeLast(8) }
        bytes[0] = version
        return bytes
    }

    @Test("a checkpoint of version 2, which counts no partitions, is read, with its short notes")
    func versionTwo() throws {
        var checkpoint = BridgeCheckpoint()
        checkpoint.partitions = [BridgeCheckpoint.Partition(stream: "s", number: 0, position: offset(9))]
        checkpoint.totals.forwarded = 4
        checkpoint.epoch = 77
        let bytes = Self.old(checkpoint, version: 2)
        let decoded = BridgeCheckpoint(bytes.span)
        let read = try #require(decoded)
        #expect(read.hasShortNotes && read.totals.forwarded == 4 && read.epoch == 77)
        #expect(read.partitions == checkpoint.partitions)
        var note: [UInt8] = []
        for value in [77, 12, 6] as [UInt64] {
            note += (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
        }
        note += [0, 0, 0, 0]
        let checksum = CRC32C.checksum(note.span)
        note += (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (24 - 8 * $0)) }
        let short = BridgeNotes.shortNote(note.span, at: 0, epoch: 77)
        let found = try #require(short)
        #expect(found.position == offset(12) && found.forwardedCount == 6)
        let other = BridgeNotes.shortNote(note.span, at: 0, epoch: 78)
        #expect(other == nil)
    }

    @Test("a note moves a partition's position and counts together, and never back")
    func applies() {
        var partition = BridgeCheckpoint.Partition(stream: "s", number: 0, position: offset(2))
        partition.counts.skipped = 2
        partition.counts.start = .zero
        var counts = BridgeCounts(start: .zero)
        counts.forwarded = 5
        counts.refused = 1
        let entry = BridgeNotes.entry(
            epoch: 7, BridgeNotes.Note(position: offset(10), counts: counts, sentEnd: offset(30)))
        BridgeNotes.apply(entry.span, at: 0, epoch: 7, to: &partition)
        #expect(partition.position == offset(10) && partition.sentEnd == offset(30))
        #expect(partition.counts.forwarded == 5 && partition.counts.refused == 1 && partition.counts.skipped == 4)
        partition.position = offset(11)
        BridgeNotes.apply(entry.span, at: 0, epoch: 7, to: &partition)
        #expect(partition.position == offset(11))
    }
}

@Suite("what an upstream refuses")
struct PublishRefusalTests {
    @Test("a refusal at QoS 1 takes back what was acknowledged behind it, and nothing before")
    func order() {
        var progress = PartitionProgress(position: offset(0))
        for index in 0..<6 { progress.sent(offset(index)) }
        for index in [0, 1, 4, 5] { progress.acknowledged(offset(index)) }
        #expect(progress.unsettledCount == 4)
        progress.refused(offset(3))
        progress.lost()
        #expect(progress.position == offset(2) && progress.read == offset(2))
        #expect((2..<6).allSatisfy { !progress.isDone(offset($0)) })
        #expect(progress.isDone(offset(1)))
    }

    private func offset(_ value: Int) -> Offset { Offset(rawValue: Int64(value)) }

    @Test("success is no refusal; each other reason says what it is, and whether it passes")
    func reasons() {
        #expect(PublishRefusal(code: 0) == nil && PublishRefusal(code: 0x10) == nil)
        let passing = (0x80...0xFF).compactMap { PublishRefusal(code: $0) }.filter(\.isPassing).map(\.code)
        #expect(passing == [0x88, 0x89, 0x8B, 0x91, 0x93, 0x96, 0x97])
        #expect(PublishRefusal(code: 0x87)?.description == "not authorised (reason 0x87)")
        #expect(PublishRefusal(code: 0x99)?.description == "the payload is not of its format (reason 0x99)")
        #expect(PublishRefusal(code: 0x80)?.description == "the upstream does not say why (reason 0x80)")
    }
}
