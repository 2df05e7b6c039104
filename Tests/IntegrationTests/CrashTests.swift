import Foundation
import Glibc
import Testing

@Suite("kill -9 under load")
struct CrashTests {
    private static let configuration = """
        journal:
          file_size: 1MiB
        log:
          tail_memory: 1MiB
          segment_size: 1MiB

        """
    /// `SLUICE_CRASH_ROUNDS` asks for more than the normal 25.
    private static let roundCount =
        ProcessInfo.processInfo.environment["SLUICE_CRASH_ROUNDS"].flatMap { Int($0) } ?? 25

    @Test(
        "no acknowledged message is missing, in the log or at a session that stays; order is kept; QoS 2 comes once")
    func losesNothing() throws {
        let seed =
            ProcessInfo.processInfo.environment["SLUICE_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1 << 32)
        let hint = Comment("again: SLUICE_SEED=\(seed) swift test --filter IntegrationTests.CrashTests")
        var generator = SeededGenerator(seed: seed)
        var broker = try BrokerProcess(Self.configuration)
        let stage = CrashStage(port: broker.port)
        let clients = try (0..<8).map {
            try CrashClient(name: "c\($0)", qos: $0 % 2 == 0 ? 1 : 2, stage, within: Double(600 + 20 * Self.roundCount))
        }
        let subscribers = [1, 2].map {
            CrashSubscriber(
                name: "s\($0)", qos: UInt8($0), stage, within: Double(600 + 20 * Self.roundCount))
        }
        stage.set(isUp: true)
        for subscriber in subscribers { #expect(subscriber.start(), hint) }
        for client in clients { client.start() }
        let names = clients.map(\.name)
        for round in 0..<Self.roundCount {
            // Life has come back, and then a moment that nobody chose.
            #expect(stage.wait(forCount: stage.count + Int.random(in: 1...200, using: &generator)), hint)
            // Who is held up may miss a life, but not more than every other one.
            let connections = (round + 1) / 2 + 1
            #expect(stage.wait(forConnections: connections, ofEach: names + subscribers.map(\.name)), hint)
            let moment = Double.random(in: 0...0.25, using: &generator)
            #expect(broker.process.exitCode(within: moment) == nil, "round \(round): \(broker.process.errors)")
            stage.set(isUp: false)
            broker.crash()
            // Some of the starts are killed before they are done, too: in the middle of the recovery.
            while Int.random(in: 0..<3, using: &generator) == 0 {
                try broker.killDuringStart(
                    Self.configuration, after: Double.random(in: 0...0.06, using: &generator))
            }
            broker = try broker.restarted(Self.configuration)
            #expect(!broker.log.contains { $0.contains("damage") }, "round \(round), \(hint): \(broker.log)")
            stage.set(isUp: true)
        }
        #expect(stage.wait(forCount: Self.roundCount + 1, ofEach: names), hint)
        stage.close()
        for client in clients { #expect(client.join(within: 120), hint) }
        let end = try RawClient(port: broker.port, level: 4, id: "end")
        end.send(CrashSubscriber.last)
        #expect(end.next() == .packet([0x40, 2, 0, 1]), hint)
        for subscriber in subscribers { #expect(subscriber.join(within: 120), hint) }
        #expect(broker.stop() == 0, hint)
        for subscriber in subscribers { check(subscriber, clients, hint) }
        try check(clients, try OfflineLog.values(broker.data, stream: "mqtt"), hint)
        let verify = try Program.sluice(["log", "verify", broker.data])
        #expect(verify.code == 0, "\(verify)")
    }

    private func check(_ subscriber: CrashSubscriber, _ clients: [CrashClient], _ hint: Comment) {
        #expect(subscriber.presence.count > Self.roundCount / 2, hint)
        #expect(subscriber.presence.dropFirst().allSatisfy { $0 }, "a session was lost: \(hint)")
        for client in clients {
            let numbers = subscriber.received.filter { $0.publisher == client.name }.map(\.number)
            let name = "\(client.name) at the subscriber of QoS \(subscriber.qos)"
            let missing = Set(client.acknowledged).subtracting(numbers).sorted()
            #expect(missing.isEmpty, "\(name) misses \(missing), \(hint)")
            var seen: Set<Int> = []
            let first = numbers.filter { seen.insert($0).inserted }
            #expect(first == first.sorted(), "the order of \(name), \(hint)")
            if client.qos == 2, subscriber.qos == 2 {
                let twice = Dictionary(grouping: numbers, by: { $0 }).filter { $1.count > 1 }.keys.sorted()
                #expect(twice.isEmpty, "\(name) has \(twice) twice, \(hint)")
            }
        }
    }

    private func check(_ clients: [CrashClient], _ values: [String], _ hint: Comment) throws {
        var stored: [String: [Int]] = [:]
        for value in values {
            let words = value.split(separator: " ")
            stored[String(words[0]), default: []].append(try #require(Int(words[1])))
        }
        for client in clients {
            let numbers = stored[client.name] ?? []
            #expect(client.connectCount > Self.roundCount / 2, hint)
            #expect(client.acknowledged.count > Self.roundCount, hint)
            let missing = Set(client.acknowledged).subtracting(numbers).sorted()
            #expect(missing.isEmpty, "\(client.name) misses \(missing), \(hint)")
            var seen: Set<Int> = []
            let first = numbers.filter { seen.insert($0).inserted }
            #expect(first == first.sorted(), "the order of \(client.name), \(hint)")
            if client.qos == 2 {
                #expect(
                    numbers.count == first.count, "\(client.name) has \(numbers.count - first.count) twice, \(hint)")
            }
        }
    }
}
