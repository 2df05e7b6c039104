import CommitLog
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("The log through crashes")
struct CrashTests {
    @Test(
        "keeps every promise over seeded histories of appends, crashes and recoveries", arguments: SimulationSeeds.parts
    )
    func seeded(_ seeds: Range<UInt64>) {
        var failures = 0
        for seed in seeds where failures < 3 {
            do {
                try LogSimulation(seed: seed).run()
            } catch {
                failures += 1
                Issue.record("\(error); repeat with: \(SimulationSeeds.command(seed, "CrashTests"))")
            }
        }
    }

    /// Life 0 makes the directory, appends, rolls, checkpoints and retains; life 1 recovers it, goes on and stops in
    /// order; life 2 does so without a clean stop.
    @Test(
        "keeps every promise when it is stopped at any call of a fixed script", arguments: [0, 1, 2],
        [SimDisk.Crash.kill, .powerCut])
    func exhaustive(life: Int, crash: SimDisk.Crash) throws {
        var count = 0
        var hasStopped = true
        while hasStopped {
            count += 1
            let simulation = LogSimulation(seed: 4)
            do {
                hasStopped = try simulation.runScript(stoppingIn: life, after: count, crash: crash)
            } catch {
                Issue.record("life \(life) stopped at call \(count), \(crash): \(error)")
                return
            }
        }
        #expect(count > 70)
    }

    /// Life 0 makes a stream, grows it and deletes it; life 1 finds none, makes one and stops in order; life 2 finds
    /// it.
    @Test(
        "keeps every promise when it is stopped at any call while a stream comes, grows and goes",
        arguments: [0, 1, 2],
        [SimDisk.Crash.kill, .powerCut])
    func streams(life: Int, crash: SimDisk.Crash) throws {
        var count = 0
        var hasStopped = true
        while hasStopped {
            count += 1
            let simulation = LogSimulation(seed: 4)
            do {
                hasStopped = try simulation.runScript(.streams, stoppingIn: life, after: count, crash: crash)
            } catch {
                Issue.record("life \(life) stopped at call \(count), \(crash): \(error)")
                return
            }
        }
        #expect(count > 70)
    }

    @Test("the same seed gives the same history")
    func repeats() throws {
        func trace() throws -> [SimDisk.Event] {
            let simulation = LogSimulation(seed: 7)
            simulation.disk.startTrace()
            try simulation.run()
            return simulation.disk.trace
        }
        let first = try trace()
        #expect(first.count > 100)
        #expect(try trace() == first)
    }
}

@Suite("The simulation's checker")
struct PromiseCheckerTests {
    @Test("notices a disk that breaks a promise", arguments: [SimDisk.Lie.synchronize, .synchronizeDirectory])
    func noticesLies(_ lie: SimDisk.Lie) {
        var caught = 0
        for seed in UInt64(0)..<60 {
            let simulation = LogSimulation(seed: seed)
            simulation.disk.lie(lie)
            do { try simulation.run() } catch { caught += 1 }
        }
        #expect(caught > 10)
    }

    @Test("notices an old block that is taken for a new one behind the tail")
    func noticesForgedBlocks() throws {
        let simulation = LogSimulation(seed: 4)
        _ = try simulation.runScript(stoppingIn: 3, after: 1, crash: .kill)
        simulation.crash(.powerCut)
        let isForged = simulation.tamper { disk in
            // The newest segment: nothing but its batches say where it ends.
            disk.paths.sorted().reversed().contains { path in
                guard path.hasSuffix(".log"), path.contains("device-0"), let bytes = disk.content(path),
                    let header = try? RecordBatch.verify(bytes.span)
                else { return false }
                // The base offset lies outside the checksum: this is what an old block would look like to a log that
                // trusts it.
                return disk.tamper(path) { content in
                    var copy = Array(bytes[..<header.byteCount])
                    for index in 0..<8 { copy[index] = UInt8(truncatingIfNeeded: 9999 >> (8 * (7 - index))) }
                    content += copy
                }
            }
        }
        #expect(isForged)
        #expect(throws: LogModel.Violation.self) { try simulation.open(mayStop: false) }
    }
}
