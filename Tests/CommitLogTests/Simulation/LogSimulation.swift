import CommitLog
import Compression
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting

/// One seeded history of a log: appends, commits, flushes, checkpoints, retention, reads, crashes, recoveries.
final class LogSimulation {
    let disk = SimDisk()
    private(set) var settings: SimLog.Settings
    private(set) var lives = 0
    private(set) var recoveriesStopped = 0
    private var random: SeededGenerator
    private var model: LogModel?
    private var log: SimLog?
    private var serial: UInt64 = 0
    private var clock: Int64 = 1_000_000
    /// Whether housekeeping does not know any more what is on the device.
    private var isInDoubt = false
    /// Whether this life ends with the power, whatever was planned.
    private var endsInPowerCut = false
    /// The worst that happened since a recovery was complete.
    private var worst = SimDisk.Crash.kill

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        settings = SimLog.Settings(streams: [])
        settings.journalFileBytes = 4096 << random.below(4)
        settings.limits.tailBytesMax = 1024 << random.below(5)
        settings.limits.indexIntervalBytes = 128 << random.below(4)
        for (name, durability) in [("device", Durability.fsync), ("metric", .interval), ("debug", .memory)] {
            var stream = StreamSettings(name: name)
            stream.durability = durability
            stream.partitionCount = durability == .fsync ? 2 : 1
            stream.policy.granuleBytesMax = Int64(2048 << random.below(4))
            if durability == .interval, random.once(in: 2) { stream.policy.compression = .lz4 }
            if random.once(in: 2) { stream.policy.retentionBytesMax = Int64(8192 << random.below(3)) }
            settings.streams.append(stream)
        }
        var state = StreamSettings(name: "state")
        state.policy.granuleBytesMax = Int64(1024 << random.below(3))
        state.policy.cleanup = .compact
        state.policy.dirtyPercentMin = 10 + random.below(50)
        state.policy.tombstoneMilliseconds = 40
        state.policy.sealing = random.once(in: 2) ? .zstd : .none
        settings.streams.append(state)
        // Sixteen slots: a table of keys that is full is the normal case.
        settings.housekeeping.keyMapBytesMax = 16 * 24 << random.below(3)
        settings.housekeeping.batchBytes = 256 << random.below(4)
        settings.housekeeping.readBytes = 512 << random.below(4)
        settings.housekeeping.sealingDelayMilliseconds = 0
    }

    /// Several lives of one directory; the log is checked after each recovery.
    func run(lifeCount: Int = 4, stepCountMax: Int = 40) throws {
        for _ in 0..<lifeCount {
            try open(mayStop: true)
            try live(stepCount: 5 + random.below(stepCountMax))
        }
        try open(mayStop: false)
        try reopenUnchanged()
    }

    /// Three lives of a fixed script, stopped at one call of one of them; every recovery is checked.
    /// - Returns: whether that life made so many calls.
    func runScript(
        _ script: Script = .records, stoppingIn life: Int, after count: Int, crash: SimDisk.Crash
    ) throws -> Bool {
        var hasStopped = false
        for number in 0..<3 {
            if number == life { disk.stop(after: count) }
            do {
                try openOnce()
                switch script {
                case .records: try passRecords()
                case .streams: try passStream(isDeleted: number != 1)
                }
                if number == 1 { try stopCleanly() }
            } catch let error as StorageError {
                guard error.code == SimDisk.stoppedCode else { throw error }
                hasStopped = true
            }
            endLife(number == life ? crash : .kill)
        }
        try openOnce()
        try reopenUnchanged()
        return hasStopped
    }

    /// What a life of the script is about.
    enum Script {
        case records, streams
    }

    private func passRecords() throws {
        for _ in 0..<3 {
            for step: Step in [.append, .append, .commit, .append, .write, .flush, .append, .commit, .prepare] {
                try perform(step)
            }
            for step: Step in [.append, .commit, .flush, .compact, .seal, .retain] { try perform(step) }
        }
    }

    /// A stream that comes, grows and goes; where it stays, the next life finds it.
    private func passStream(isDeleted: Bool) throws {
        try administer(.create(Self.passing))
        try append(to: "passing", count: 2)
        var growth = StreamAlteration()
        growth.partitionCount = 2
        try administer(.alter("passing", growth))
        for step: Step in [.append, .commit] { try perform(step) }
        try append(to: "passing", count: 2)
        guard isDeleted else { return }
        for step: Step in [.commit, .flush] { try perform(step) }
        try append(to: "passing", count: 1)
        try administer(.delete("passing"))
        for step: Step in [.commit, .flush, .remove] { try perform(step) }
    }

    /// Damages the directory between two lives.
    func tamper(_ body: (SimDisk) -> Bool) -> Bool { body(disk) }

    // MARK: Lives

    private func openOnce() throws {
        let opened = try SimLog(disk, settings)
        log = opened
        if model == nil { model = LogModel(opened) }
        try checkRecovered(opened)
    }

    private func endLife(_ crash: SimDisk.Crash) {
        if let log { model?.ended(log) }
        log = nil
        crashDisk(crash)
    }

    /// Opens the log, perhaps after crashes in the middle of it, and checks it.
    func open(mayStop: Bool) throws {
        while true {
            if mayStop, random.once(in: 3) { disk.stop(after: 1 + random.below(40)) }
            do {
                let opened = try SimLog(disk, settings)
                // The stop that was planned may come at any later call.
                log = opened
                lives += 1
                if model == nil { model = LogModel(opened) }
                try checkRecovered(opened)
                return
            } catch let error as StorageError {
                guard error.code == SimDisk.stoppedCode else { throw error }
                recoveriesStopped += 1
                log = nil
                crashDisk(random.once(in: 3) ? .kill : .powerCut)
            }
        }
    }

    private func checkRecovered(_ opened: SimLog) throws {
        var checked = model
        try checked?.check(recovered: opened, after: worst)
        model = checked
        worst = .kill
    }

    /// A crash at once after recovery, and another recovery: nothing may have moved.
    private func reopenUnchanged() throws {
        crash(.powerCut)
        try open(mayStop: false)
    }

    /// Takes steps until they are done, or the world stops; then crashes, or sometimes stops in order.
    private func live(stepCount: Int) throws {
        if random.once(in: 2), !disk.isStopped { disk.stop(after: 1 + random.below(60)) }
        do {
            for _ in 0..<stepCount { try perform(Self.weighted[random.below(Self.weighted.count)]) }
            if random.once(in: 6) {
                try stopCleanly()
                return
            }
        } catch let error as StorageError {
            guard error.code == SimDisk.stoppedCode else { throw error }
        }
        crash(random.once(in: 3) ? .kill : .powerCut)
    }

    func stopCleanly() throws {
        guard let log else { return }
        try log.stopCleanly()
        model?.observe(log)
        model?.stoppedCleanly()
        self.log = nil
        crashDisk(random.once(in: 2) ? .kill : .powerCut)
    }

    func crash(_ crash: SimDisk.Crash) {
        endLife(crash)
    }

    private func crashDisk(_ crash: SimDisk.Crash) {
        let crash = endsInPowerCut ? .powerCut : crash
        isInDoubt = false
        endsInPowerCut = false
        if crash == .powerCut { worst = .powerCut }
        disk.crash(crash, seed: random.next())
    }

    // MARK: Steps

    enum Step: CaseIterable {
        case append, write, commit, flush, prepare, retain, compact, seal, read, scan, trouble
        case create, alter, delete, remove
    }

    private static let weights: [(Step, Int)] = [
        (.append, 8), (.write, 3), (.commit, 3), (.flush, 2), (.prepare, 1), (.retain, 1), (.read, 1), (.scan, 1),
        (.compact, 1), (.seal, 1), (.trouble, 2), (.create, 2), (.alter, 2), (.delete, 1), (.remove, 1),
    ]
    private static let weighted = weights.flatMap { Array(repeating: $0.0, count: $0.1) }

    private func perform(_ step: Step) throws {
        guard let log else { return }
        switch step {
        case .append: try append(log)
        case .compact:
            try housekeeping {
                _ = try log.housekeeper.compact(now: Timestamp(rawValue: self.clock), shouldStop: { false })
            }
        case .seal:
            try housekeeping {
                _ = try log.housekeeper.seal(now: Timestamp(rawValue: self.clock), shouldStop: { false })
            }
        case .write: try log.write(between: interleave)
        case .commit:
            try log.write(between: interleave)
            try log.synchronize()
        case .flush: try log.flush()
        case .prepare: try log.prepare()
        case .retain: try retain(log)
        case .trouble: try trouble()
        case .read: try model?.check(running: log)
        case .create, .alter, .delete: try administer(request(step, log))
        case .remove: try housekeeping { try log.administrator.removeFiles() }
        case .scan:
            readTail(log)
            if random.once(in: 2) { _ = log.withState { $0.barrier() } }
        }
        model?.observe(log)
    }

    /// Calls that may fail, and where.
    private static let failing: [(StorageError.Operation, String)] = [
        (.write, ".log"), (.write, "index"), (.open, ".log"), (.open, "index"), (.preallocate, "journal/"),
        (.open, "journal/"), (.rename, ""), (.remove, ""), (.truncate, ""), (.synchronize, ".log"),
        (.synchronize, ""), (.synchronizeDirectory, ""), (.write, "journal/"), (.open, ""), (.write, ""),
        (.makeDirectory, ""), (.rename, "meta/"), (.write, "meta/"), (.open, "streams/x"),
    ]

    /// Steps while a call fails, for want of space or for good; with space again the log goes on, else it ends.
    private func trouble() throws {
        let steps: [Step] = [
            .flush, .prepare, .retain, .compact, .seal, .commit, .append, .create, .alter, .delete, .remove,
        ]
        let (operation, path) = Self.failing[random.below(Self.failing.count)]
        let code: Int32 = random.once(in: 4) ? 5 : 28
        let isWriting = path == "journal/" && operation == .write
        // A full journal file is waited for by the journal's thread, which a simulation without threads cannot.
        disk.plan(
            SimDisk.Fault(
                operation, path: path, after: random.below(6), count: 1 + random.below(4), code: isWriting ? 5 : code))
        defer { disk.forgetFaults() }
        for _ in 0..<1 + random.below(6) {
            let step = steps[random.below(steps.count)]
            do {
                try perform(step)
            } catch let error as StorageError where error.code != SimDisk.stoppedCode {
                if error.isFull, !isFinal(step) { continue }
                // The log is poisoned, and its process ends. A file system that cannot write its names goes down, too.
                if error.operation == .synchronizeDirectory { endsInPowerCut = true }
                // What was not on the device when a synchronisation failed is given up by the next opening.
                if error.operation == .synchronize { worst = .powerCut }
                throw StorageError(error.operation, error.path, code: SimDisk.stoppedCode, reason: error.reason)
            }
        }
    }

    /// Whether a step cannot be tried again in a simulation though the runtime's threads would.
    private func isFinal(_ step: Step) -> Bool { step == .commit || isInDoubt }

    /// What other threads do while the journal is at it.
    private func interleave() throws(StorageError) {
        guard let log else { return }
        switch random.below(6) {
        case 0: appendOrTrap(log)
        case 1: try log.flush()
        case 2: try log.prepare()
        default: break
        }
        model?.observe(log)
    }

    /// An append between the journal's steps, which can only fail for what the storage says.
    private func appendOrTrap(_ log: SimLog) {
        do { try append(log) } catch { preconditionFailure("Cannot read a batch that was just built: \(error)") }
    }

    private static var passing: StreamSettings {
        var settings = StreamSettings(name: "passing")
        settings.policy.granuleBytesMax = 400
        return settings
    }

    private static let names = ["x0", "x1", "x2", "device", "metric", "debug"]

    /// A request, most of them such as can be done.
    private func request(_ step: Step, _ log: SimLog) -> StreamRequest {
        if step == .create {
            var settings = StreamSettings(name: Self.names[random.below(4)])
            settings.partitionCount = 1 + random.below(2)
            settings.durability = Durability.allCases[random.below(3)]
            settings.policy.granuleBytesMax = Int64(512 << random.below(3))
            return .create(settings)
        }
        let made = log.streams.map(\.settings.name).filter { $0.hasPrefix("x") }
        let name = made.isEmpty || random.once(in: 4) ? Self.names[random.below(6)] : made[random.below(made.count)]
        // What the settings name is made anew at the next opening; once in a while is enough.
        if step == .delete { return .delete(name == "device" ? "x1" : name) }
        var change = StreamAlteration()
        let stream = log.streams.first { $0.settings.name == name }
        if random.once(in: 2) { change.partitionCount = (stream?.partitions.count ?? 0) + 1 }
        if random.once(in: 2) { change.durability = Durability.allCases[random.below(3)] }
        if random.once(in: 2), var policy = stream?.settings.policy {
            policy.retentionBytesMax = random.once(in: 2) ? nil : Int64(4096 << random.below(3))
            change.policy = policy
        }
        return .alter(name, change)
    }

    private func administer(_ request: StreamRequest) throws {
        guard let log else { return }
        var result: Result<StreamDescription, StreamFault>?
        defer { model?.observe(log) }
        do {
            result = try log.administer(request)
        } catch {
            try model?.administered(request, nil, log)
            throw error
        }
        try model?.administered(request, result, log)
    }

    private func append(to name: String, count: Int) throws {
        guard let log, let stream = log.streams.first(where: { $0.settings.name == name }) else { return }
        for _ in 0..<count {
            for partition in stream.partitions {
                try append(
                    [Append(partition: partition, batch: makeBatch(partition), isAwaited: true, topicHashes: nil)], log)
            }
        }
    }

    func append(_ log: SimLog) throws {
        var appends: [Append] = []
        let partitions = log.streams.flatMap(\.partitions)
        for _ in 0..<1 + random.below(4) {
            let partition = partitions[random.below(partitions.count)]
            appends.append(
                Append(
                    partition: partition, batch: makeBatch(partition), isAwaited: !random.once(in: 3),
                    topicHashes: nil))
        }
        try append(appends, log)
    }

    private func append(_ appends: [Append], _ log: SimLog) throws {
        guard case .appended(let lsn) = log.append(appends) else { return }
        for append in appends {
            let durability = log.withState { $0.partitions[append.partition.index].durability }
            try model?.appended(append, lsn, durability)
        }
    }

    private func makeBatch(_ partition: PartitionID) -> RecordBatch {
        var builder = RecordBatchBuilder()
        let headers = RecordFields.headers([])
        for _ in 0..<1 + random.below(3) {
            serial += 1
            clock += Int64(random.below(20)) - 3
            let filler = random.once(in: 16) ? 2000 : 200
            var value = [UInt8](repeating: UInt8(truncatingIfNeeded: serial), count: 8 + random.below(filler))
            for index in 0..<8 { value[index] = UInt8(truncatingIfNeeded: serial >> (8 * UInt64(index))) }
            let isKeyed = partition.rawValue == 4 && !random.once(in: 10)
            let key = isKeyed ? RecordFields.key([UInt8(random.below(40))]) : RecordFields.nullKey
            if isKeyed, random.once(in: 4) {
                builder.appendTombstone(
                    at: Timestamp(rawValue: clock), keyField: key.span, headersField: headers.span)
                continue
            }
            builder.append(
                at: Timestamp(rawValue: clock), keyField: key.span, value: value.span, headersField: headers.span)
        }
        return builder.finish()
    }

    private func retain(_ log: SimLog) throws {
        defer { model?.observe(log) }
        if random.once(in: 4) { try log.maintenance.roll { _ in Timestamp(rawValue: self.clock) } }
        try housekeeping {
            _ = try log.housekeeper.retain(wall: Timestamp(rawValue: self.clock), monotonic: self.clock)
        }
    }

    /// What housekeeping fails with, as the storage failed.
    private func housekeeping(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as HousekeepingError {
            switch error {
            case .failed(let error): throw error
            case .inDoubt(let error):
                isInDoubt = true
                throw error
            case .damaged: throw LogModel.Violation("housekeeping calls damaged what nobody has damaged")
            }
        }
    }

    private func readTail(_ log: SimLog) {
        let scans = random.below(4)
        log.withState { $0.setInterest(log.reader, appended: scans & 1 == 1, durable: scans & 2 == 2) }
        var entries: [TailEntry] = []
        if scans & 1 == 1 { log.withState { $0.scan(log.reader, .appended, countMax: 5, into: &entries) } }
        if scans & 2 == 2 { log.withState { $0.scan(log.reader, .durable, countMax: 5, into: &entries) } }
    }
}

/// Where a simulation's seeds and counts come from.
enum SimulationSeeds {
    /// `SLUICE_SEED` repeats one run; `SLUICE_SOAK_RUNS` asks for more than the normal 2,000.
    static let all: Range<UInt64> = {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["SLUICE_SEED"].flatMap({ UInt64($0) }) { return seed..<seed + 1 }
        return 0..<(environment["SLUICE_SOAK_RUNS"].flatMap { UInt64($0) } ?? 2000)
    }()

    /// The seeds in parts that tests run side by side.
    static let parts: [Range<UInt64>] = {
        let size = max(1, (UInt64(all.count) + 7) / 8)
        return stride(from: all.lowerBound, to: all.upperBound, by: Int(size)).map {
            $0..<min($0 + size, all.upperBound)
        }
    }()

    static func command(_ seed: UInt64, _ test: String) -> String {
        "SLUICE_SEED=\(seed) swift test --filter '\(test)'"
    }
}
