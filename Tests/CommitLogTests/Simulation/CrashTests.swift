import CommitLog
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("The log through crashes")
struct CrashTests {
    @Test("keeps every promise over seeded histories of appends, crashes and recoveries", arguments: SimulationSeeds.parts)
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
}
