import Foundation
import Glibc
import Testing

/// Messages are published while the upstream is away. When it is back all of them come, in order per key; twice at most
/// what was on its way, at QoS 2 nothing. `make soak` asks for 200,000 messages of each kind.
@Suite("outages of a real mosquitto", .enabled(if: Program.isInstalled("mosquitto"), "mosquitto is not installed"))
struct BridgeOutageTests {
    private static let inflight = 50
    private static let count = ProcessInfo.processInfo.environment["SLUICE_SOAK_MESSAGES"].flatMap { Int($0) } ?? 600
    /// How long the publishing and the catching up may take each: a slow machine brings 500 messages a second.
    private static let seconds = 120 + Double(count) / 500

    /// Numbers that a subscriber upstream has got.
    private final class Collected {
        let client: MosquittoClient

        init(_ port: Int, persistent: Bool = false) throws {
            client = try MosquittoClient(id: "collector", clean: !persistent)
            try client.connect(port: port)
            try client.subscribe("q/#", qos: 2)
        }

        /// Everything of `range` has come, and how much of it twice.
        func check(_ range: Range<Int>, qos: Int, repeatedMax: Int) throws {
            let came = try client.receive(until: "end", times: 3, within: BridgeOutageTests.seconds)
            let numbers = came.compactMap { Int($0.payload) }
            #expect(Set(numbers) == Set(range), "\(numbers.count) came, \(Set(range).subtracting(numbers).count) not")
            for key in 0..<3 {
                var seen: Set<Int> = []
                let first = numbers.filter { $0 % 3 == key && seen.insert($0).inserted }
                #expect(first == first.sorted())
            }
            let repeated = numbers.count - Set(numbers).count
            #expect(repeated <= (qos == 2 ? 0 : repeatedMax), "\(repeated) came twice")
        }
    }

    /// Publishes numbers on three keys, and behind them the end of each.
    private func publish(_ broker: BrokerProcess, _ numbers: Range<Int>, isLast: Bool = true) throws {
        for key in 0..<3 {
            var lines = numbers.filter { $0 % 3 == key }.map(String.init) + (isLast ? ["end"] : [])
            let arguments = ["mosquitto_pub", "-p", String(broker.port), "-t", "q/k\(key)", "-q", "1", "-l"]
            while !lines.isEmpty {
                // mosquitto_pub 2.0.11 takes the packet identifier of its last line for the end, and there are 65,535.
                let part = lines.prefix(50_000).map { $0 + "\n" }.joined()
                lines.removeFirst(min(50_000, lines.count))
                let result = try Program.run(arguments, input: part, within: Self.seconds)
                #expect(result.code == 0, "\(result.errors)")
            }
        }
    }

    private func node(_ port: Int, _ qos: Int, _ more: [String] = []) throws -> BrokerProcess {
        try BrokerProcess(
            BridgeTests.configuration(port, ["q/# out \(qos)"], more, inflight: Self.inflight))
    }

    private func isLive(_ broker: BrokerProcess) throws {
        _ = try BridgeTests.waits(broker) { $0.contains("\"state\":\"live\"") }
    }

    private func isIdle(_ broker: BrokerProcess) throws {
        _ = try BridgeTests.waits(broker) { $0.contains("\"inflight\":0") && $0.contains("\"lag_records\":0") }
    }

    @Test("killed: it comes back with the sessions that it had saved", arguments: [1, 2])
    func killed(qos: Int) throws {
        let directory = try TemporaryDirectory()
        let upstream = try MosquittoBroker(
            "allow_anonymous true\npersistence true\npersistence_location \(directory.path)/\n")
        do { _ = try Collected(upstream.port, persistent: true) }
        let broker = try node(upstream.port, qos)
        try publish(broker, 0..<30, isLast: false)
        try isIdle(broker)
        upstream.signal(SIGUSR1)
        let file = directory.path + "/mosquitto.db"
        #expect(broker.process.wait { FileManager.default.fileExists(atPath: file) })
        upstream.crash()
        try publish(broker, 30..<Self.count)
        _ = try BridgeTests.waits(broker) { $0.contains("\"cause\":\"TCP\"") }
        try upstream.restart()
        try Collected(upstream.port, persistent: true).check(0..<Self.count, qos: qos, repeatedMax: Self.inflight)
        #expect(broker.stop() == 0)
    }

    @Test("stopped (SIGSTOP): the connection stays", arguments: [1, 2])
    func stopped(qos: Int) throws {
        let upstream = try MosquittoBroker()
        let collected = try Collected(upstream.port)
        let broker = try node(upstream.port, qos)
        try isLive(broker)
        upstream.signal(SIGSTOP)
        try publish(broker, 0..<Self.count)
        _ = try BridgeTests.waits(broker) { $0.contains("\"inflight\":\(Self.inflight)") }
        upstream.signal(SIGCONT)
        try collected.check(0..<Self.count, qos: qos, repeatedMax: 0)
        #expect(broker.stop() == 0)
    }

    @Test("restarted empty: it has forgotten everything", arguments: [1, 2])
    func empty(qos: Int) throws {
        let upstream = try MosquittoBroker()
        let broker = try node(upstream.port, qos)
        try publish(broker, 0..<30, isLast: false)
        try isIdle(broker)
        upstream.crash()
        try publish(broker, 30..<Self.count)
        _ = try BridgeTests.waits(broker) { $0.contains("\"cause\":\"TCP\"") }
        // Whoever is there first, bridge or subscriber: what came before the subscriber is nobody's.
        #expect(try broker.sluice(["bridges", "pause", "up"]).code == 0)
        _ = try BridgeTests.waits(broker) { $0.contains("\"state\":\"paused\"") }
        try upstream.restart()
        let collected = try Collected(upstream.port)
        #expect(try broker.sluice(["bridges", "resume", "up"]).code == 0)
        try collected.check(30..<Self.count, qos: qos, repeatedMax: 0)
        #expect(broker.stop() == 0)
    }

    @Test("unreachable: the network swallows what is sent, and then comes back", arguments: [1, 2])
    func unreachable(qos: Int) throws {
        let upstream = try MosquittoBroker()
        let collected = try Collected(upstream.port)
        let relay = try Relay(to: upstream.port)
        defer { relay.stop() }
        let broker = try node(relay.port, qos)
        try isLive(broker)
        relay.cut()
        try publish(broker, 0..<Self.count)
        _ = try BridgeTests.waits(broker) { $0.contains("\"inflight\":\(Self.inflight)") }
        relay.mend()
        try collected.check(0..<Self.count, qos: qos, repeatedMax: Self.inflight)
        #expect(broker.stop() == 0)
    }

    @Test("refusing credentials: until it knows the bridge's user", arguments: [1, 2])
    func credentials(qos: Int) throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("passwords", "")
        func add(_ user: String) throws {
            #expect(try Program.run(["mosquitto_passwd", "-b", file, user, "secret"]).code == 0)
        }
        try add("somebody")
        let upstream = try MosquittoBroker("allow_anonymous true\npassword_file \(file)\n")
        let collected = try Collected(upstream.port)
        let broker = try node(upstream.port, qos, ["username: bridge", "password: secret"])
        try publish(broker, 0..<Self.count)
        _ = try BridgeTests.waits(broker) { $0.contains("\"cause\":\"credentials\"") }
        try add("bridge")
        upstream.signal(SIGHUP)
        try collected.check(0..<Self.count, qos: qos, repeatedMax: 0)
        #expect(broker.stop() == 0)
    }

    @Test("full: it takes no more connections", arguments: [1, 2])
    func full(qos: Int) throws {
        let upstream = try MosquittoBroker("allow_anonymous true\nmax_connections 2\n")
        let collected = try Collected(upstream.port)
        // mosquitto 2.0.11 counts some connections that end twice: how many it takes shows when it takes no more.
        var others: [RawClient] = []
        while others.count < 20 {
            do { others.append(try RawClient(port: upstream.port, level: 4, id: "other\(others.count)")) } catch {
                break
            }
        }
        #expect(others.count < 20)
        let broker = try node(upstream.port, qos)
        try publish(broker, 0..<Self.count)
        _ = try BridgeTests.waits(broker) { $0.contains("the upstream closed the connection before it answered") }
        others.removeAll()
        try collected.check(0..<Self.count, qos: qos, repeatedMax: 0)
        #expect(broker.stop() == 0)
    }

    @Test("with its upstream gone, the age of what waits is told, also behind a restart of the node, and grows")
    func age() throws {
        let port = try ReservedPort()
        let configuration = BridgeTests.configuration(port.port, ["q/# out 1"])
        var broker = try BrokerProcess(configuration)
        try BridgeTests.publish(broker, 0..<3, qos: 1)
        func age() throws -> Int {
            let output = try broker.sluice(["bridges", "list", "--json"]).output.replacing("\": ", with: "\":")
            return output.firstMatch(of: /"lag_ms":(\d+)/).flatMap { Int($0.1) } ?? 0
        }
        #expect(try broker.process.wait { try age() > 1000 })
        let before = try age()
        #expect(broker.stop() == 0)
        broker = try broker.restarted(configuration)
        #expect(try broker.process.wait { try age() > before })
        let upstream = try MosquittoBroker(at: port)
        _ = try BridgeTests.waits(broker) { $0.contains("\"lag_records\":0") && $0.contains("\"lag_ms\":0") }
        #expect(broker.stop() == 0)
        withExtendedLifetime(upstream) {}
    }

    @Test("what the node says of itself goes to an upstream, and an upstream's topics of $ come in")
    func dollarTopics() throws {
        let upstream = try MosquittoBroker()
        let broker = try BrokerProcess(
            BridgeTests.configuration(upstream.port, ["$SYS/broker/# out 0 \"\" plant/", "$aws/# in 1"]))
        let arguments = ["-t", "plant/$SYS/broker/version", "-C", "1", "-W", "60", "-p", String(upstream.port)]
        #expect(try Program.run(["mosquitto_sub"] + arguments, within: 90).output.hasPrefix("sluice version "))
        _ = try BridgeTests.waits(broker) { $0.contains("\"state\":\"live\"") }
        let shadow = ["-t", "$aws/things/x", "-q", "1", "-m", "shadow", "-p", String(upstream.port)]
        #expect(try Program.run(["mosquitto_pub"] + shadow).code == 0)
        let replay = ["-t", "$replay/earliest/$aws/#", "-C", "1", "-W", "5"]
        #expect(try broker.process.wait { try broker.mosquitto("sub", replay).output == "shadow\n" })
        #expect(broker.stop() == 0)
    }

    @Test("SIGTERM in the middle of catching up: nothing comes twice")
    func stops() throws {
        let upstream = try MosquittoBroker()
        let collector = try MosquittoClient(id: "collector")
        try collector.connect(port: upstream.port)
        try collector.subscribe("q/#", qos: 1)
        let configuration = BridgeTests.configuration(upstream.port, ["q/# out 1"], inflight: 100)
        var broker = try BrokerProcess(configuration)
        _ = try BridgeTests.waits(broker) { $0.contains("\"state\":\"live\"") }
        for round in 0..<5 {
            upstream.signal(SIGSTOP)
            try BridgeTests.publish(broker, round * 300..<(round + 1) * 300, qos: 1)
            upstream.signal(SIGCONT)
            #expect(broker.stop() == 0)
            broker = try broker.restarted(configuration)
        }
        _ = try BridgeTests.waits(broker) { $0.contains("\"inflight\":0") && $0.contains("\"lag_records\":0") }
        let numbers = try collector.receive(1500).compactMap { Int($0.payload) }
        #expect(numbers.sorted() == Array(0..<1500))
        #expect(broker.stop() == 0)
    }

    /// A paused bridge that is behind by `count` messages, its upstream, and who subscribes there.
    private static func behind(
        _ count: Int, rate: String, at port: ReservedPort
    ) throws -> (BrokerProcess, MosquittoBroker, MosquittoClient) {
        let broker = try BrokerProcess(BridgeTests.configuration(port.port, ["q/# out 1"], ["rate: \(rate)"]))
        try BridgeTests.publish(broker, 0..<count, qos: 1)
        #expect(try broker.sluice(["bridges", "pause", "up"]).code == 0)
        let upstream = try MosquittoBroker(at: port)
        let collector = try MosquittoClient(id: "collector")
        try collector.connect(port: upstream.port)
        try collector.subscribe("q/#", qos: 1)
        return (broker, upstream, collector)
    }

    @Test("a bridge with a rate catches up no faster than that, and loses nothing")
    func rate() throws {
        let port = try ReservedPort()
        let (broker, upstream, collector) = try Self.behind(300, rate: "200", at: port)
        defer { withExtendedLifetime(upstream) {} }
        let start = ContinuousClock.now
        #expect(try broker.sluice(["bridges", "resume", "up"]).code == 0)
        let numbers = try collector.receive(300).compactMap { Int($0.payload) }
        // A tenth of a second's worth goes at once.
        #expect(ContinuousClock.now - start >= .milliseconds(1390))
        #expect(numbers.sorted() == Array(0..<300))
        #expect(broker.stop() == 0)
    }

    @Test("a bridge without a rate catches up with 1,000 messages a second, and is not slowed once it has")
    func catchesUp() throws {
        let port = try ReservedPort()
        let (broker, upstream, collector) = try Self.behind(3000, rate: "default", at: port)
        defer { withExtendedLifetime(upstream) {} }
        let start = ContinuousClock.now
        #expect(try broker.sluice(["bridges", "resume", "up"]).code == 0)
        let numbers = try collector.receive(3000).compactMap { Int($0.payload) }
        // A tenth of a second's worth goes at once, and the last window is not history any more.
        #expect(ContinuousClock.now - start >= .milliseconds(2840))
        #expect(numbers.sorted() == Array(0..<3000))
        #expect(broker.logs("catches up on 3000 records"))
        try BridgeTests.publish(broker, 3000..<9000, qos: 1)
        #expect(try Set(collector.receive(9000).map(\.payload)).count == 9000)
        #expect(broker.log.count { $0.contains("catches up on") } == 1)
        for (rate, warning) in [("default", "without 'rate'"), ("unlimited", "'rate: unlimited'"), ("200", "")] {
            let text = BridgeTests.configuration(port.port, ["q/# out 1"], ["rate: \(rate)"])
            let file = try broker.directory.write("other.yaml", text)
            let test = try Program.sluice(["bridges", "test", "up", "--config", file])
            #expect(test.code == 0 && test.errors.contains("max_queued_messages") == !warning.isEmpty, "\(test)")
            #expect(test.errors.contains(warning) || warning.isEmpty, "\(test)")
        }
        #expect(broker.stop() == 0)
    }

    @Test("after kill -9 a bridge's counts add up to where it is, and what went again is counted")
    func reconciles() throws {
        let upstream = try MosquittoBroker()
        let collector = try MosquittoClient(id: "collector")
        try collector.connect(port: upstream.port)
        try collector.subscribe("q/#", qos: 1)
        let more = ["packet_size: 64"]
        let configuration = BridgeTests.configuration(upstream.port, ["q/# out 1", "i/# in 1"], more)
        var broker = try BrokerProcess(configuration)
        let giver = try MosquittoClient(id: "giver")
        try giver.connect(port: upstream.port)
        var (sent, refused, others) = (0, 0, 0)
        for round in 0..<4 {
            _ = try BridgeTests.waits(broker) { $0.contains("\"state\":\"live\"") }
            for number in 0..<10 {
                try giver.waitForAcknowledgement(try giver.publish("i/x", "\(round) \(number)", qos: 1))
            }
            _ = try BridgeTests.waits(broker) { $0.contains("\"received\":\(10 * (round + 1)),") }
            let large = String(repeating: "x", count: 100)
            #expect(try broker.mosquitto("pub", ["-t", "q/k0", "-m", large, "-q", "1"]).code == 0)
            refused += 1
            #expect(try broker.mosquitto("pub", ["-t", "other", "-m", "x", "-q", "1"]).code == 0)
            others += 1
            try BridgeTests.publish(broker, sent..<sent + 600, qos: 1)
            sent += 600
            broker.crash()
            broker = try broker.restarted(configuration)
        }
        let output = try BridgeTests.waits(broker) {
            $0.contains("\"inflight\":0") && $0.contains("\"lag_records\":0")
        }
        let status = try JSONDecoder().decode(Status.self, from: Data(output.utf8))
        for place in status.partitions {
            let sum = place.forwarded + place.refused + place.dropped + place.skipped
            #expect(place.position - place.start == sum, "\(place)")
        }
        #expect(status.forwarded == sent && status.refused == refused && status.dropped == 0)
        // What the bridge took in is in the log too, and stays there.
        #expect(status.received == 40)
        #expect(status.partitions.reduce(0) { $0 + $1.skipped } == others + status.received)
        let arrived = try collector.receive(sent).count
        #expect(arrived - sent <= status.repeated, "\(arrived) came, \(status.repeated) were repeated")
        let text = try broker.sluice(["bridges", "describe", "up"]).output
        #expect(text.contains("repeated") && text.contains("SKIPPED"))
        #expect(broker.stop() == 0)
    }

    private struct Status: Decodable {
        struct Place: Decodable {
            var start, position, forwarded, refused, dropped, skipped, repeated: Int
        }
        var forwarded, received, refused, dropped, looped, repeated: Int
        var partitions: [Place]
    }
}
