import Bridging
import SluiceCore
import SluiceTesting
import Testing

@Suite("notes of bridges")
struct NotesTests {
    private func offset(_ value: Int) -> Offset { Offset(rawValue: Int64(value)) }
    private func note(_ value: Int) -> BridgeNotes.Note {
        BridgeNotes.Note(position: offset(value), forwardedCount: UInt64(value) * 3)
    }

    @Test("an entry is 32 bytes, and comes back under its own epoch and index only")
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
        var old = Array(checkpoint.encoded().dropLast(8))
        old[0] = 1
        #expect(BridgeCheckpoint(old.span) == checkpoint)
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
