import Bridging
import SluiceCore
import SluiceTesting
import Testing

@Suite("positions of bridges")
struct ProgressTests {
    private func offset(_ value: Int) -> Offset { Offset(rawValue: Int64(value)) }

    @Test("the position is the lowest that is not acknowledged, in every order of acknowledgements")
    func orders() {
        for order in permutations([0, 1, 2, 3]) {
            var progress = PartitionProgress(position: offset(10))
            for index in 0..<4 { progress.sent(offset(10 + index)) }
            var acknowledged: Set<Int> = []
            for index in order {
                let isFirst = progress.acknowledged(offset(10 + index))
                let isSecond = progress.acknowledged(offset(10 + index))
                #expect(isFirst && !isSecond)
                acknowledged.insert(index)
                let lowest = (0...4).first { !acknowledged.contains($0) } ?? 4
                #expect(progress.position == offset(10 + lowest))
                #expect(
                    Set(progress.checkpoint.done.map { Int($0.rawValue) - 10 }) == acknowledged.filter { $0 > lowest })
            }
            #expect(progress.inflightCount == 0)
        }
    }

    private func permutations(_ values: [Int]) -> [[Int]] {
        guard values.count > 1 else { return [values] }
        return values.flatMap { value in permutations(values.filter { $0 != value }).map { [value] + $0 } }
    }

    @Test("through losses and crashes each record is acknowledged at last, and none that was is sent again")
    func random() {
        for seed in 0..<300 {
            var generator = SeededGenerator(seed: UInt64(seed))
            var progress = PartitionProgress(position: offset(0))
            let end = 60
            var inflight: [Int] = []
            var acknowledged: Set<Int> = []
            var sendings: [Int: Int] = [:]
            var steps = 0
            while progress.position < offset(end), steps < 100_000 {
                steps += 1
                switch Int.random(in: 0..<20, using: &generator) {
                case 0:
                    progress.lost()
                    inflight = []
                case 1:
                    let (position, done) = progress.checkpoint
                    progress = PartitionProgress(
                        position: position, done: done, counts: progress.counts, sentEnd: progress.sentEnd)
                    inflight = []
                case 2..<11 where !inflight.isEmpty:
                    let index = inflight.remove(at: Int.random(in: 0..<inflight.count, using: &generator))
                    progress.acknowledged(offset(index))
                    acknowledged.insert(index)
                case _:
                    let next = Int(progress.read.rawValue)
                    guard next < end, inflight.count < 8 else { continue }
                    // Every seventh record is of a topic that stays here, every eleventh is refused.
                    if next % 7 == 6 {
                        progress.passed(offset(next + 1))
                    } else if next % 11 == 10 {
                        progress.settled(offset(next), as: .refused)
                    } else if progress.isDone(offset(next)) {
                        #expect(acknowledged.contains(next), "seed \(seed)")
                        progress.settled(offset(next), as: .forwarded)
                    } else {
                        #expect(!acknowledged.contains(next), "seed \(seed): \(next) goes twice")
                        progress.sent(offset(next))
                        sendings[next, default: 0] += 1
                        inflight.append(next)
                    }
                }
                let counts = progress.counts
                let sum = counts.forwarded + counts.refused + counts.skipped
                #expect(Int64(sum) == progress.position.rawValue, "seed \(seed)")
            }
            let wanted = (0..<end).filter { $0 % 7 != 6 && $0 % 11 != 10 }
            #expect(acknowledged == Set(wanted), "seed \(seed)")
            #expect(progress.counts.forwarded == UInt64(wanted.count), "seed \(seed)")
            #expect(progress.counts.repeated == sendings.values.reduce(0) { $0 + UInt64($1 - 1) }, "seed \(seed)")
        }
    }

    @Test("an acknowledgement may come before the record was read again")
    func early() {
        var progress = PartitionProgress(position: offset(5))
        let isKnown = progress.acknowledged(offset(6))
        #expect(isKnown)
        #expect(progress.isDone(offset(6)) && !progress.isDone(offset(5)))
        progress.sent(offset(5))
        progress.passed(offset(7))
        #expect(progress.position == offset(5))
        progress.acknowledged(offset(5))
        #expect(progress.position == offset(7))
    }
}

@Suite("checkpoints of bridges")
struct CheckpointTests {
    private func sample() -> BridgeCheckpoint {
        var checkpoint = BridgeCheckpoint()
        checkpoint.isPaused = true
        checkpoint.totals.dropped = 3
        checkpoint.totals.forwarded = 1 << 40
        checkpoint.totals.received = 4
        checkpoint.totals.refused = 5
        checkpoint.totals.looped = 6
        checkpoint.totals.repeated = 7
        checkpoint.lastPacketID = 65_535
        checkpoint.partitions = [
            BridgeCheckpoint.Partition(stream: "sensors", number: 0, position: Offset(rawValue: 9)),
            BridgeCheckpoint.Partition(
                stream: "mqtt", number: 3, position: Offset(rawValue: 1 << 33), done: [Offset(rawValue: 1 << 34)]),
        ]
        checkpoint.partitions[1].counts.start = Offset(rawValue: 1 << 32)
        checkpoint.partitions[1].counts.forwarded = 8
        checkpoint.partitions[1].counts.skipped = 1 << 32 - 8
        checkpoint.partitions[1].sentEnd = Offset(rawValue: 1 << 35)
        checkpoint.assured = [
            BridgeCheckpoint.Assured(packetID: 7, partition: 1, offset: Offset(rawValue: 5), isReceived: true)
        ]
        return checkpoint
    }

    @Test("there and back")
    func roundTrip() {
        let bytes = sample().encoded()
        #expect(BridgeCheckpoint(bytes.span) == sample())
        #expect(BridgeCheckpoint(BridgeCheckpoint().encoded().span) == BridgeCheckpoint())
    }

    @Test("cut anywhere, or followed by something, it is none")
    func cuts() {
        let bytes = sample().encoded()
        for count in 0..<bytes.count { #expect(BridgeCheckpoint(Array(bytes.prefix(count)).span) == nil, "\(count)") }
        #expect(BridgeCheckpoint((bytes + [0]).span) == nil)
    }

    @Test("random damage never traps")
    func damage() {
        var generator = SeededGenerator(seed: 5)
        let bytes = sample().encoded()
        for _ in 0..<5000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                damaged[Int.random(in: 0..<damaged.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            if let read = BridgeCheckpoint(damaged.span) { #expect(read.encoded().count == damaged.count) }
        }
    }

    @Test("the newest record of a name counts; a tombstone forgets it; damage is told")
    func replay() {
        var replay = BridgeReplay()
        let key = Array("up".utf8)
        replay.apply(key: key, value: BridgeCheckpoint().encoded())
        replay.apply(key: key, value: sample().encoded())
        #expect(replay.checkpoints["up"] == sample())
        replay.apply(key: key, value: [9])
        #expect(replay.checkpoints["up"] == nil && replay.damaged == ["up"])
        replay.apply(key: key, value: sample().encoded())
        #expect(replay.damaged.isEmpty)
        replay.apply(key: key, value: nil)
        #expect(replay.checkpoints.isEmpty && replay.damaged.isEmpty)
    }
}
