import Foundation
import Glibc
import Testing

@Suite("bridges to a real mosquitto")
struct BridgeTests {
    /// A node's configuration with one bridge that comes back fast, and catches up as fast as it can unless `more` has
    /// a rate; `rate: default` is none.
    static func configuration(
        _ port: Int, _ topics: [String], _ more: [String] = [], inflight: Int = 50, host: String = "127.0.0.1"
    ) -> String {
        var lines = ["bridges:", "  - name: up", "    address: \(host):\(port)", "    topics:"]
        lines += topics.map { "      - topic: '\($0)'" }
        lines +=
            ["    restart: 20ms", "    restart_max: 100ms", "    inflight: \(inflight)"]
            + (more.contains { $0.hasPrefix("rate:") } ? [] : ["    rate: unlimited"])
            + more.filter { $0 != "rate: default" }.map { "    " + $0 }
        return lines.joined(separator: "\n") + "\n" + BrokerProcess.plain
    }

    /// Publishes numbers on three keys, each acknowledged.
    static func publish(_ broker: BrokerProcess, _ numbers: Range<Int>, qos: Int) throws {
        for key in 0..<3 {
            let lines = numbers.filter { $0 % 3 == key }.map { "\($0)\n" }.joined()
            let result = try Program.run(
                ["mosquitto_pub", "-p", String(broker.port), "-t", "q/k\(key)", "-q", String(qos), "-l"], input: lines,
                within: 120)
            #expect(result.code == 0, "\(result.errors)")
        }
    }

    /// What the upstream's subscriber has got: nothing missing, in order per key, and how much of it twice.
    private func check(_ collector: MosquittoClient, _ count: Int, within seconds: Double = 120) throws -> Int {
        var got: [MosquittoClient.Message] = []
        let deadline = Deadline(seconds)
        var expected = count
        while Set(got.map(\.payload)).count < count, !deadline.isOver {
            got = try collector.receive(expected, within: seconds)
            expected = got.count + 1
        }
        let numbers = try got.map { try #require(Int($0.payload)) }
        #expect(Set(numbers) == Set(0..<count))
        for key in 0..<3 {
            var seen: Set<Int> = []
            let first = numbers.filter { $0 % 3 == key && seen.insert($0).inserted }
            #expect(first == first.sorted())
        }
        return numbers.count - count
    }

    private func collector(_ upstream: MosquittoBroker, _ filter: String = "q/#") throws -> MosquittoClient {
        let collector = try MosquittoClient(id: "collector")
        try collector.connect(port: upstream.port)
        try collector.subscribe(filter, qos: 2)
        return collector
    }

    /// Waits until `sluice bridges` says something of the bridge.
    static func waits(
        _ broker: BrokerProcess, _ what: (String) -> Bool, within seconds: Double = 120
    ) throws -> String {
        var output = ""
        let isSo = try broker.process.wait(within: seconds) {
            output = try broker.sluice(["bridges", "describe", "up", "--json"]).output.replacing("\": ", with: "\":")
            return what(output)
        }
        #expect(isSo, "\(output)")
        return output
    }

    @Test(
        "kill -9 of the node: nothing is missing, order is kept; twice at most what was on its way, at QoS 2 nothing",
        arguments: [1, 2])
    func killedNode(qos: Int) throws {
        let upstream = try MosquittoBroker()
        let collector = try collector(upstream)
        let configuration = Self.configuration(upstream.port, ["q/# out \(qos)"])
        var broker = try BrokerProcess(configuration)
        // `make soak` asks for 200,000 messages and ten ends.
        let soakCount = ProcessInfo.processInfo.environment["SLUICE_SOAK_MESSAGES"].flatMap { Int($0) }
        let (roundCount, perRound) = soakCount.map { (10, $0 / 10) } ?? (5, 600)
        for round in 0..<roundCount {
            // While it is stopped, the window fills up; then it is killed in the middle of the catching up.
            upstream.signal(SIGSTOP)
            try Self.publish(broker, round * perRound..<(round + 1) * perRound, qos: 2)
            upstream.signal(SIGCONT)
            #expect(broker.process.exitCode(within: Double.random(in: 0...0.1)) == nil)
            broker.crash()
            broker = try broker.restarted(configuration)
        }
        let twice = try check(collector, roundCount * perRound)
        // What the upstream acknowledged is counted, what came twice perhaps twice; nothing is left out for good.
        let count = roundCount * perRound
        let counted = try Self.waits(broker) { $0.contains("\"inflight\":0") && $0.contains("\"lag_records\":0") }
        let forwarded = counted.firstMatch(of: /"forwarded":(\d+)/).flatMap { Int($0.1) }
        #expect(try (count...count + twice).contains(#require(forwarded)), "\(counted)")
        #expect(qos == 2 ? twice == 0 : twice <= roundCount * 50, "\(twice) came twice")
        #expect(broker.stop() == 0)
    }

    @Test("an upstream that is stopped, killed and restarted empty: everything comes", arguments: [1, 2])
    func lostUpstream(qos: Int) throws {
        let upstream = try MosquittoBroker()
        let broker = try BrokerProcess(Self.configuration(upstream.port, ["q/# out \(qos)"]))
        do {
            let collector = try collector(upstream)
            try Self.publish(broker, 0..<300, qos: 1)
            upstream.signal(SIGSTOP)
            try Self.publish(broker, 300..<600, qos: 1)
            upstream.signal(SIGCONT)
            #expect(try check(collector, 600) == 0)
        }
        _ = try Self.waits(broker) { $0.contains("\"inflight\":0") && $0.contains("\"lag_records\":0") }
        upstream.crash()
        try Self.publish(broker, 600..<1200, qos: 1)
        let state = try Self.waits(broker) {
            $0.contains("\"cause\":\"TCP\"") && $0.contains("\"lag_records\":600")
        }
        #expect(state.contains("\"state\":\"failed\""), "\(state)")
        // It has to find its subscriber there again before the bridge finds it.
        #expect(try broker.sluice(["bridges", "pause", "up"]).code == 0)
        _ = try Self.waits(broker) { $0.contains("\"state\":\"paused\"") }
        try upstream.restart()
        let second = try collector(upstream)
        #expect(try broker.sluice(["bridges", "resume", "up"]).code == 0)
        let got = try second.receive(600, within: 120)
        #expect(got.map { Int($0.payload) ?? 0 }.sorted() == Array(600..<1200))
        #expect(broker.stop() == 0)
    }

    @Test("each refusal names its cause, and what was published meanwhile comes when it ends")
    func causes() throws {
        let port = try ReservedPort()
        let broker = try BrokerProcess(
            Self.configuration(port.port, ["q/# out 1"], ["username: u", "password: right"]))
        try Self.publish(broker, 0..<30, qos: 1)
        _ = try Self.waits(broker) { $0.contains("\"cause\":\"TCP\"") && $0.contains("Connection refused") }
        do {
            let strict = try MosquittoBroker("allow_anonymous false\n", at: port)
            _ = try Self.waits(broker) { $0.contains("\"cause\":\"credentials\"") }
            strict.crash()
        }
        let upstream = try MosquittoBroker(at: port)
        #expect(try broker.sluice(["bridges", "pause", "up"]).code == 0)
        let collector = try collector(upstream)
        #expect(try broker.sluice(["bridges", "resume", "up"]).code == 0)
        // It was connected for a moment without a subscriber, perhaps: the bridge is asked for everything once more.
        #expect(try broker.sluice(["bridges", "seek", "up", "earliest"]).code == 0)
        _ = try collector.receive(30)
        #expect(broker.stop() == 0)
    }

    @Test("in: retained and not, with properties; acknowledged upstream, durable here, also through kill -9")
    func inward() throws {
        let upstream = try MosquittoBroker()
        let configuration = Self.configuration(upstream.port, ["x/# in 1 here/ there/"])
        var broker = try BrokerProcess(configuration)
        _ = try Self.waits(broker) { $0.contains("\"state\":\"live\"") }
        let sender = try MosquittoClient(id: "sender")
        try sender.connect(port: upstream.port)
        for number in 0..<200 {
            try sender.waitForAcknowledgement(sender.publish("there/x/a", "\(number)", qos: 1))
            if number % 60 == 59 {
                broker.crash()
                broker = try broker.restarted(configuration)
            }
        }
        // The upstream has them all; the node, started again twenty messages ago, may still be connecting.
        var stored: Set<Int> = []
        let isComplete = try broker.process.wait {
            stored = Set(try BridgeLoopTests.payloads(broker).compactMap { Int($0) })
            return stored.count >= 200
        }
        #expect(isComplete && stored == Set(0..<200), "\(stored.count) of 200")
        let retain = ["-t", "there/x/r", "-q", "1", "-r", "-m", "kept", "-p", String(upstream.port)]
        let properties = ["-V", "5", "-D", "publish", "user-property", "colour", "blue"]
        #expect(try Program.run(["mosquitto_pub"] + retain + properties).code == 0)
        #expect(
            try broker.process.wait {
                let arguments = ["-t", "here/x/r", "-W", "5", "-C", "1", "-V", "5", "-F", "%r %p %P"]
                return try broker.mosquitto("sub", arguments).output.contains("1 kept colour:blue")
            })
        #expect(broker.stop() == 0)
    }

    @Test("the state is a retained topic here and upstream")
    func notifications() throws {
        let upstream = try MosquittoBroker()
        let broker = try BrokerProcess(Self.configuration(upstream.port, ["q/# out 1"], ["client_id: plant1"]))
        let arguments = ["-t", "$SYS/broker/connection/plant1/state", "-C", "1", "-W", "30"]
        for port in [upstream.port, broker.port] {
            #expect(
                try broker.process.wait {
                    try Program.run(["mosquitto_sub", "-p", String(port)] + arguments).output == "1\n"
                })
        }
        broker.crash()
        let told = try Program.run(["mosquitto_sub", "-p", String(upstream.port)] + arguments)
        #expect(told.output == "0\n" || told.output == "1\n")
    }
}
