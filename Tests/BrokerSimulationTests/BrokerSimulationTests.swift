import Foundation
import Testing

@Suite("Histories of a whole broker, from one seed each")
struct BrokerSimulationTests {
    @Test("nothing promised is broken, whatever happens when", arguments: SimulationSeeds.parts)
    func embedded(seeds: Range<UInt64>) {
        for seed in seeds { run(seed, .embedded) }
    }

    @Test("an engine that knows offsets only when appends settle does as well", arguments: SimulationSeeds.memoryParts)
    func memory(seeds: Range<UInt64>) {
        for seed in seeds { run(seed, .memory) }
    }

    private func run(_ seed: UInt64, _ kind: BrokerSimulation.Engine) {
        var simulation: BrokerSimulation?
        do {
            let made = try BrokerSimulation(seed: seed, kind)
            simulation = made
            try made.run()
        } catch {
            let history = simulation?.history.joined(separator: "\n") ?? ""
            let command = SimulationSeeds.command(seed, "BrokerSimulationTests")
            Issue.record("\(kind) \(seed): \(error); repeat with \(command)\n\(history)")
        }
    }

    @Test("a planted fault is found", arguments: Plant.allCases)
    func finds(plant: Plant) {
        for seed in UInt64(0)..<300 {
            do {
                try BrokerSimulation(seed: seed, .embedded, plant: plant).run()
            } catch {
                return
            }
        }
        Issue.record("300 histories do not show that \(plant)")
    }
}

/// Where a simulation's seeds and counts come from.
enum SimulationSeeds {
    /// `SLUICE_SEED` repeats one run; `SLUICE_SOAK_RUNS` asks for more than the normal 1,000.
    private static func all(_ normal: UInt64) -> Range<UInt64> {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["SLUICE_SEED"].flatMap({ UInt64($0) }) { return seed..<seed + 1 }
        return 0..<(environment["SLUICE_SOAK_RUNS"].flatMap { UInt64($0) } ?? normal)
    }

    /// Whether one history is repeated.
    static let isRepeated = ProcessInfo.processInfo.environment["SLUICE_SEED"] != nil

    /// The seeds in parts that tests run side by side.
    static let parts = split(all(1000))
    static let memoryParts = split(all(150))

    private static func split(_ all: Range<UInt64>) -> [Range<UInt64>] {
        let size = max(1, (UInt64(all.count) + 7) / 8)
        return stride(from: all.lowerBound, to: all.upperBound, by: Int(size)).map {
            $0..<min($0 + size, all.upperBound)
        }
    }

    static func command(_ seed: UInt64, _ test: String) -> String {
        "SLUICE_SEED=\(seed) swift test --filter '\(test)'"
    }
}
