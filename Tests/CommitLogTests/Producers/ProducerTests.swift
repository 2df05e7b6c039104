import CommitLog
import CommitLogPosix
import Compression
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("Idempotent producers")
struct ProducerTests {
    private func header(_ id: Int64, _ epoch: Int16, _ sequence: Int32, count: Int = 1, at offset: Int64 = 0)
        -> BatchHeader
    {
        let batch = ProducerWorld.batch(count: count).with(
            producer: ProducerID(rawValue: id), epoch: epoch, baseSequence: sequence)
        batch.assign(Offset(rawValue: offset))
        return batch.header
    }

    @Test("a number that follows on is accepted, one that leaves a gap or steps back is not")
    func sequences() {
        var states = ProducerStates()
        #expect(states.verdict(of: header(7, 0, 40)) == .accepted)
        states.note(header(7, 0, 40, count: 3, at: 100))
        #expect(states.verdict(of: header(7, 0, 43)) == .accepted)
        #expect(states.verdict(of: header(7, 0, 44)) == .outOfOrder(due: 43))
        #expect(states.verdict(of: header(7, 0, 42)) == .outOfOrder(due: 43))
        #expect(states.verdict(of: header(7, 0, 0)) == .outOfOrder(due: 43))
        #expect(states.verdict(of: header(8, 0, 5)) == .accepted)
    }

    @Test("the last five batches are duplicates with their offsets; older ones, and others of the same start, are not")
    func duplicates() {
        var states = ProducerStates()
        for number in Int32(0)..<7 { states.note(header(1, 2, number * 2, count: 2, at: Int64(number) * 10)) }
        for number in Int32(2)..<7 {
            #expect(
                states.verdict(of: header(1, 2, number * 2, count: 2))
                    == .duplicate(Offset(rawValue: Int64(number) * 10), .zero))
        }
        #expect(states.verdict(of: header(1, 2, 2, count: 2)) == .outOfOrder(due: 14))
        #expect(states.verdict(of: header(1, 2, 12, count: 1)) == .outOfOrder(due: 14))
    }

    @Test("a later epoch begins at 0 and fences the earlier")
    func epochs() {
        var states = ProducerStates()
        states.note(header(1, 3, 0, at: 5))
        #expect(states.verdict(of: header(1, 4, 1)) == .outOfOrder(due: 0))
        #expect(states.verdict(of: header(1, 4, 0)) == .accepted)
        states.note(header(1, 4, 0, at: 6))
        #expect(states.verdict(of: header(1, 3, 1)) == .fenced(4))
        #expect(states.verdict(of: header(1, 4, 0)) == .duplicate(Offset(rawValue: 6), .zero))
    }

    @Test("numbers go on at 0 behind the largest")
    func wraps() {
        var states = ProducerStates()
        states.note(header(1, 0, .max - 1, count: 3, at: 0))
        #expect(states.verdict(of: header(1, 0, 1)) == .accepted)
        #expect(states.verdict(of: header(1, 0, .max - 1, count: 3)) == .duplicate(.zero, .zero))
        states.note(header(2, 0, .max, at: 0))
        #expect(states.verdict(of: header(2, 0, 0)) == .accepted)
    }

    @Test("of too many producers the silent ones are forgotten")
    func bounded() {
        var states = ProducerStates()
        for id in 0..<Int64(ProducerStates.countMax + 1) { states.note(header(id, 0, 0, at: id)) }
        #expect(states.count <= ProducerStates.countMax)
        #expect(states.verdict(of: header(0, 0, 9)) == .accepted)
        #expect(states.verdict(of: header(Int64(ProducerStates.countMax), 0, 9)) == .outOfOrder(due: 1))
    }

    @Test("the engine answers a retry with the first offset, and refuses gaps and old epochs; nothing else is stored")
    func engine() throws {
        let directory = try TemporaryDirectory()
        var sent: [RecordBatch] = []
        for life in Int32(0)..<3 {
            let log = try LogRuntimeTests.open(directory.path)
            let loop = TestLoop(log)
            func append(_ epoch: Int16, _ sequence: Int32) -> Settlement.Outcome {
                let batch = ProducerWorld.batch(count: 2).with(
                    producer: ProducerID(rawValue: 9), epoch: epoch, baseSequence: sequence)
                let append = Append(
                    partition: PartitionID(rawValue: 0), batch: batch, isAwaited: true, topicHashes: nil)
                let outcome = loop.settle(log.append(sequenced: append, from: loop.id))
                if outcome == .stored { sent.append(batch) }
                return outcome
            }
            // The retry of what another life has stored.
            if life > 0 {
                guard case .duplicate(let offset) = append(1, life * 4 - 2) else {
                    throw ProducerWorld.Broken(description: "stored twice")
                }
                #expect(offset.rawValue == Int64(life) * 4 - 2)
            }
            for number in Int32(0)..<2 {
                #expect(append(1, life * 4 + number * 2) == .stored)
                #expect(sent.last?.baseOffset.rawValue == Int64(life) * 4 + Int64(number) * 2)
            }
            #expect(append(1, life * 4 + 6) == .refused(.outOfOrder(due: life * 4 + 4)))
            #expect(append(0, 0) == .refused(.fenced(epoch: 1)))
            log.stop()
        }
        #expect(sent.count == 6)
    }
}

/// Producers that send again what was not acknowledged, on a disk that crashes.
final class ProducerWorld {
    private let disk: SimDisk
    private let settings: SimLog.Settings
    private var random: SeededGenerator
    private var log: SimLog
    private var producers: [Producer]
    private let partition = PartitionID(rawValue: 0)

    struct Broken: Error, CustomStringConvertible { let description: String }

    private struct Producer {
        var id: ProducerID
        var epoch: Int16 = 0
        /// Numbers behind the last one that was sent, in this epoch.
        var next: Int32 = 0
        /// Batches sent and not acknowledged, oldest first, and acknowledged ones that may be sent again.
        var underWay: [(sequence: Int32, count: Int, lsn: LSN?)] = []
        var recent: [(sequence: Int32, count: Int, offset: Offset)] = []
        /// Epoch and number of every record that was acknowledged.
        var acknowledged: [Int64] = []
    }

    static func batch(count: Int, value: [UInt8] = [1]) -> RecordBatch {
        var builder = RecordBatchBuilder()
        let (key, headers) = (RecordFields.nullKey, RecordFields.headers([]))
        for _ in 0..<count {
            builder.append(
                at: Timestamp(rawValue: 1000), keyField: key.span, value: value.span, headersField: headers.span)
        }
        return builder.finish()
    }

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        disk = SimDisk()
        var stream = StreamSettings(name: "device")
        stream.policy.granuleBytesMax = Int64(600 << random.below(3))
        if random.once(in: 2) { stream.policy.compression = .lz4 }
        var settings = SimLog.Settings(streams: [stream])
        settings.journalFileBytes = 4096 << random.below(2)
        settings.limits.tailBytesMax = 1024
        settings.limits.indexIntervalBytes = 128
        settings.housekeeping.sealingDelayMilliseconds = 0
        self.settings = settings
        log = try SimLog(disk, settings)
        producers = (0..<3).map { Producer(id: ProducerID(rawValue: Int64($0) + 1)) }
    }

    /// Lives that end in crashes, with damage to snapshots between them when `damages`.
    func run(lives: Int, damages: Bool) throws {
        for life in 0..<lives {
            do {
                if random.once(in: 2) { disk.stop(after: 1 + random.below(60)) }
                for _ in 0..<5 + random.below(30) { try step() }
            } catch let error as StorageError {
                guard error.code == SimDisk.stoppedCode else { throw error }
            }
            try reopen(life == lives - 1 ? .powerCut : random.once(in: 2) ? .kill : .powerCut, damages: damages)
            for index in producers.indices { try sendAgain(index) }
        }
        try commit()
        try log.flush()
        try check()
    }

    private func reopen(_ crash: SimDisk.Crash, damages: Bool) throws {
        disk.crash(crash, seed: random.next())
        if damages { damageSnapshot() }
        while true {
            if random.once(in: 3) { disk.stop(after: 1 + random.below(30)) }
            do {
                log = try SimLog(disk, settings)
                guard !disk.isStopped else { throw StorageError(.open, "", code: SimDisk.stoppedCode, reason: "") }
                disk.stop(after: .max >> 1)
                return
            } catch let error as StorageError {
                guard error.code == SimDisk.stoppedCode else { throw error }
                disk.crash(.powerCut, seed: random.next())
            }
        }
    }

    /// Harms one of several snapshots: the others and the batches make up for it.
    private func damageSnapshot() {
        let snapshots = disk.paths.filter { $0.hasSuffix(".snapshot") }
        guard snapshots.count > 1, let path = snapshots.last else { return }
        let position = random.below(40)
        disk.tamper(path) { bytes in
            if position < bytes.count { bytes[position] ^= 4 } else { bytes.removeAll() }
        }
    }

    private func step() throws {
        switch random.below(10) {
        case 0..<5: try send(random.below(producers.count))
        case 5, 6: try commit()
        case 7: try log.flush()
        case 8: try log.prepare()
        default:
            try log.maintenance.roll { _ in Timestamp(rawValue: .max) }
            do throws(HousekeepingError) {
                _ = try log.housekeeper.seal(now: Timestamp(rawValue: .max >> 1), shouldStop: { false })
            } catch {
                switch error {
                case .failed(let error), .inDoubt(let error): throw error
                case .damaged: throw Broken(description: "housekeeping calls damaged what nobody has damaged")
                }
            }
        }
    }

    private func commit() throws {
        try log.write()
        try log.synchronize()
        let durable = log.withState { $0.durable }
        for index in producers.indices {
            while let first = producers[index].underWay.first, let lsn = first.lsn, lsn <= durable {
                producers[index].underWay.removeFirst()
                note(first.sequence, first.count, index)
            }
        }
    }

    private func note(_ sequence: Int32, _ count: Int, _ index: Int) {
        for number in 0..<Int32(count) {
            producers[index].acknowledged.append(Int64(producers[index].epoch) << 32 | Int64(sequence + number))
        }
    }

    private func append(_ index: Int, _ sequence: Int32, _ count: Int) -> SequencedOutcome {
        let producer = producers[index]
        // The value says what it is, so that the check needs no header.
        let text = "\(producer.id.rawValue) \(producer.epoch) \(sequence) \(count)"
        let batch = Self.batch(count: count, value: Array(text.utf8)).with(
            producer: producer.id, epoch: producer.epoch, baseSequence: sequence)
        let append = Append(partition: partition, batch: batch, isAwaited: true, topicHashes: nil)
        return log.withState { $0.appendSequenced(append) }
    }

    private func send(_ index: Int) throws {
        guard producers[index].underWay.count < ProducerStates.batchCountMax else { return }
        if random.once(in: 12), producers[index].underWay.isEmpty {
            producers[index].epoch += 1
            producers[index].next = 0
            producers[index].recent = []
        }
        let (sequence, count) = (producers[index].next, 1 + random.below(3))
        guard case .appended(let offset, let lsn) = append(index, sequence, count) else {
            throw Broken(description: "producer \(index): \(sequence) is refused though it follows on")
        }
        producers[index].next += Int32(count)
        producers[index].underWay.append((sequence, count, lsn))
        producers[index].recent = producers[index].recent.suffix(4) + [(sequence, count, offset)]
        guard append(index, sequence, count) == .duplicate(offset, lsn) else {
            throw Broken(description: "producer \(index): \(sequence) is no duplicate")
        }
    }

    /// After a crash: what was acknowledged is a duplicate with its offset, the rest is one or follows on.
    private func sendAgain(_ index: Int) throws {
        let open = producers[index].underWay
        for (sequence, count, offset) in producers[index].recent
        where !open.contains(where: { $0.sequence == sequence }) {
            guard case .duplicate(offset, _) = append(index, sequence, count) else {
                throw Broken(
                    description: "producer \(index): \(sequence), acknowledged, is not known at \(offset.rawValue)")
            }
        }
        producers[index].underWay = []
        for (sequence, count, _) in open {
            switch append(index, sequence, count) {
            case .appended(let offset, let lsn), .duplicate(let offset, let lsn):
                producers[index].underWay.append((sequence, count, lsn))
                producers[index].recent = producers[index].recent.filter { $0.sequence != sequence }.suffix(4)
                producers[index].recent.append((sequence, count, offset))
            case let other: throw Broken(description: "producer \(index): \(sequence) again is \(other)")
            }
        }
    }

    /// Every acknowledged number is there, each once, in order.
    private func check() throws {
        var found: [Int64: [Int64]] = [:]
        for batch in try log.readAll(0) {
            var number: Int64 = 0
            for record in try StoredRecord.all(batch) {
                let words = String(decoding: record.value ?? [], as: UTF8.self).split(separator: " ").compactMap {
                    Int64($0)
                }
                found[words[0], default: []].append(words[1] << 32 | (words[2] + number))
                number += 1
            }
        }
        for producer in producers {
            let numbers = found[producer.id.rawValue] ?? []
            guard numbers == Array(Set(numbers)).sorted() else {
                throw Broken(description: "producer \(producer.id.rawValue): twice, or out of order: \(numbers)")
            }
            let missing = Set(producer.acknowledged).subtracting(numbers)
            guard missing.isEmpty else {
                throw Broken(description: "producer \(producer.id.rawValue): \(missing.sorted()) are missing")
            }
        }
    }
}

@Suite("Idempotent producers through crashes")
struct ProducerCrashTests {
    @Test("a retry is stored once, in order, in every life, also when a snapshot is damaged", arguments: [false, true])
    func crashes(damages: Bool) {
        let seeds = SimulationSeeds.all
        let count = min(UInt64(seeds.count), max(400, UInt64(seeds.count) / 20))
        var failures = 0
        for seed in seeds.lowerBound..<seeds.lowerBound + count where failures < 3 {
            do {
                try ProducerWorld(seed: seed).run(lives: 4, damages: damages)
            } catch {
                failures += 1
                Issue.record("\(error); repeat with: \(SimulationSeeds.command(seed, "ProducerCrashTests"))")
            }
        }
    }
}
