import Bridging
import SluiceTesting
import Testing

@Suite("the connection of a bridge")
struct ConnectionTests {
    private static let second: Int64 = 1_000_000_000
    private let refused = UpstreamFailure(.tcp, "refused")

    private func settings(_ addressCount: Int = 1, _ body: (inout BridgeSettings) -> Void = { _ in }) throws
        -> BridgeSettings
    {
        let addresses = (0..<addressCount).map { BridgeSettings.Address(host: "h\($0)", port: 1883) }
        var settings = BridgeSettings(
            name: "b", addresses: addresses, topics: [try BridgeTopic(pattern: "#")], nodeName: "n")
        body(&settings)
        return settings
    }

    @Test("it connects at once, is told, and waits at least the base after a loss")
    func automatic() throws {
        var machine = BridgeConnection(try settings(), isPaused: false, now: 0)
        #expect(machine.elapsed(now: 0, waiting: 0, jitter: 0) == .connect(address: 0))
        machine.connected(now: 1)
        #expect((machine.isConnected && machine.failure == nil) == true)
        machine.lost(refused, now: 10, jitter: 0)
        #expect((!machine.isConnected && machine.failure == refused) == true)
        #expect(machine.elapsed(now: 10 + 5 * Self.second - 1, waiting: 9, jitter: 0) == .none)
        #expect(machine.elapsed(now: 10 + 5 * Self.second, waiting: 0, jitter: 0) == .connect(address: 0))
    }

    @Test("each delay is between the base and the cap, and at most three times the one before")
    func jitter() throws {
        var generator = SeededGenerator(seed: 3)
        let settings = try settings()
        let (base, cap) = (settings.restart.baseNanoseconds, settings.restart.capNanoseconds)
        for _ in 0..<200 {
            var machine = BridgeConnection(settings, isPaused: false, now: 0)
            var now: Int64 = 0
            var last = base
            for _ in 0..<20 {
                #expect(machine.elapsed(now: now, waiting: 0, jitter: 0) == .connect(address: 0))
                machine.lost(refused, now: now, jitter: generator.next())
                let delay = (machine.deadline ?? 0) - now
                #expect(delay >= base && delay <= min(cap, last * 3))
                last = delay
                now += delay
            }
        }
    }

    @Test("a constant delay is constant")
    func constant() throws {
        let delay = BridgeSettings.RestartDelay(baseNanoseconds: 7, capNanoseconds: 7)
        var machine = try BridgeConnection(settings { settings in settings.restart = delay }, isPaused: false, now: 0)
        for round in 0..<5 {
            #expect(machine.elapsed(now: Int64(round) * 7, waiting: 0, jitter: 99) == .connect(address: 0))
            machine.lost(refused, now: Int64(round) * 7, jitter: 99)
            #expect(machine.deadline == Int64(round + 1) * 7)
        }
    }

    @Test("round robin goes around; every address is tried before the wait")
    func roundRobin() throws {
        var machine = BridgeConnection(
            try settings(3) { settings in settings.order = .roundRobin }, isPaused: false, now: 0)
        for address in 0..<3 {
            #expect(machine.elapsed(now: 0, waiting: 0, jitter: 0) == .connect(address: address))
            machine.lost(refused, now: 0, jitter: 0)
        }
        #expect(machine.elapsed(now: 0, waiting: 0, jitter: 0) == .none)
        let due = machine.deadline ?? -1
        #expect(machine.elapsed(now: due, waiting: 0, jitter: 0) == .connect(address: 0))
        machine.connected(now: due)
        machine.lost(refused, now: due, jitter: 0)
        #expect(machine.elapsed(now: due * 2, waiting: 0, jitter: 0) == .connect(address: 1))
    }

    @Test("a secondary is left for the primary after a while")
    func primary() throws {
        var machine = BridgeConnection(try settings(2), isPaused: false, now: 0)
        #expect(machine.elapsed(now: 0, waiting: 0, jitter: 0) == .connect(address: 0))
        machine.lost(refused, now: 0, jitter: 0)
        #expect(machine.elapsed(now: 0, waiting: 0, jitter: 0) == .connect(address: 1))
        machine.connected(now: 0)
        #expect(machine.elapsed(now: BridgeConnection.primaryNanoseconds - 1, waiting: 0, jitter: 0) == .none)
        let due = BridgeConnection.primaryNanoseconds
        #expect(machine.elapsed(now: due, waiting: 0, jitter: 0) == .disconnect)
        #expect(machine.elapsed(now: due, waiting: 0, jitter: 0) == .connect(address: 0))
    }

    @Test("a lazy bridge waits for enough, and leaves when it has had nothing to do")
    func lazy() throws {
        var machine = BridgeConnection(try settings { settings in settings.start = .lazy }, isPaused: false, now: 0)
        #expect(machine.isIdle == true)
        #expect(machine.elapsed(now: 1, waiting: 9, jitter: 0) == .none)
        #expect(machine.elapsed(now: 2, waiting: 10, jitter: 0) == .connect(address: 0))
        machine.connected(now: 3)
        #expect(machine.elapsed(now: 4, waiting: 1, jitter: 0) == .none)
        #expect(machine.elapsed(now: 5, waiting: 0, jitter: 0) == .none)
        let idle = 60 * Self.second
        #expect(machine.elapsed(now: 4 + idle, waiting: 0, jitter: 0) == .none)
        #expect(machine.elapsed(now: 5 + idle, waiting: 0, jitter: 0) == .disconnect)
        #expect(machine.isIdle == true)
    }

    @Test("paused, it does nothing until it is resumed, whatever happens")
    func pauses() throws {
        var machine = BridgeConnection(try settings(), isPaused: true, now: 0)
        #expect((machine.isPaused && machine.deadline == nil) == true)
        #expect(machine.elapsed(now: 1 << 50, waiting: 100, jitter: 0) == .none)
        machine.lost(refused, now: 0, jitter: 0)
        #expect(machine.isPaused == true)
        machine.resume(now: 5)
        #expect(machine.elapsed(now: 5, waiting: 0, jitter: 0) == .connect(address: 0))
        let stopping = machine.pause()
        #expect(stopping == .disconnect)
        machine.connected(now: 6)
        #expect((machine.isPaused && !machine.isConnected) == true)
        let again = machine.pause()
        #expect(again == .none)
    }

    @Test("an attempt that takes too long has failed, with that reason; one that must wait is made again")
    func timeouts() throws {
        var machine = BridgeConnection(try settings(), isPaused: false, now: 0)
        #expect(machine.elapsed(now: 0, waiting: 0, jitter: 0) == .connect(address: 0))
        machine.postponed(now: 0)
        let due = machine.deadline ?? -1
        #expect(machine.elapsed(now: due, waiting: 0, jitter: 0) == .connect(address: 0))
        #expect(machine.elapsed(now: due + BridgeConnection.attemptNanoseconds, waiting: 0, jitter: 0) == .disconnect)
        #expect(machine.failure?.cause == .timeout)
    }
}
