import Foundation
import Glibc
import Testing

@Suite("bridges that could go in circles")
struct BridgeLoopTests {
    private func node(
        _ bridges: [(name: String, port: Int)], _ reserved: ReservedPort? = nil, direction: String = "out",
        version: String = "5"
    ) throws -> BrokerProcess {
        var lines = ["bridges:"]
        for bridge in bridges {
            lines += [
                "  - name: \(bridge.name)", "    address: 127.0.0.1:\(bridge.port)", "    client_id: \(bridge.name)",
                "    topics:", "      - topic: 'r/# \(direction) 1'", "    restart: 20ms", "    restart_max: 100ms",
                "    protocol: '\(version)'",
            ]
        }
        return try BrokerProcess(lines.joined(separator: "\n") + "\n" + BrokerProcess.plain, reserved: reserved)
    }

    /// Waits until every bridge of a node is connected and has been given its subscriptions.
    private func live(_ node: BrokerProcess) throws {
        #expect(
            try node.process.wait {
                let output = try node.sluice(["bridges", "list", "--json"]).output.replacing("\": ", with: "\":")
                return output.contains("\"state\":\"live\"") && !output.contains("\"state\":\"failed\"")
                    && !output.contains("\"state\":\"connecting\"")
            })
    }

    /// Publishes at each node, and expects every message once in each node's log.
    private func once(_ nodes: [BrokerProcess]) throws {
        for (index, node) in nodes.enumerated() {
            for number in 0..<10 {
                let result = try node.mosquitto("pub", ["-t", "r/\(index)", "-q", "1", "-m", "\(index)-\(number)"])
                #expect(result.code == 0)
            }
        }
        let all = Set((0..<nodes.count).flatMap { index in (0..<10).map { "\(index)-\($0)" } })
        for node in nodes {
            #expect(try node.process.wait { try Set(Self.payloads(node)).isSuperset(of: all) })
        }
        // What goes in circles is soon more than ten; one more from everybody shows that the last ones are through.
        for (index, node) in nodes.enumerated() {
            _ = try node.mosquitto("pub", ["-t", "r/\(index)", "-q", "1", "-m", "end-\(index)"])
        }
        for node in nodes {
            #expect(
                try node.process.wait {
                    try Self.payloads(node).filter { $0.hasPrefix("end") }.count >= nodes.count
                })
            let counts = Dictionary(grouping: try Self.payloads(node), by: { $0 }).mapValues(\.count)
            #expect(counts.values.allSatisfy { $0 == 1 }, "\(counts.filter { $0.value > 1 })")
        }
    }

    static func payloads(_ node: BrokerProcess) throws -> [String] {
        try node.sluice(["consume", "mqtt", "--json"]).lines.compactMap { line in
            let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return record?["payload"] as? String
        }
    }

    @Test("two nodes, each with a bridge to the other")
    func two() throws {
        let ports = try (0..<2).map { _ in try ReservedPort() }
        let nodes = [try node([("a-b", ports[1].port)], ports[0]), try node([("b-a", ports[0].port)], ports[1])]
        for node in nodes { try live(node) }
        try once(nodes)
    }

    @Test("two nodes, one with a bridge both ways")
    func oneBridge() throws {
        let upper = try BrokerProcess()
        let lower = try node([("up", upper.port)], direction: "both")
        try live(lower)
        try once([lower, upper])
    }

    @Test("a ring of three")
    func ring() throws {
        let ports = try (0..<3).map { _ in try ReservedPort() }
        let nodes = try (0..<3).map { try node([("n\($0)", ports[($0 + 1) % 3].port)], ports[$0]) }
        for node in nodes { try live(node) }
        try once(nodes)
    }

    @Test("a node and mosquitto, bridged by the node")
    func toMosquitto() throws {
        let upstream = try MosquittoBroker()
        let node = try node([("up", upstream.port)], direction: "both")
        try live(node)
        let listener = try MosquittoClient(id: "listener")
        try listener.connect(port: upstream.port)
        try listener.subscribe("r/#", qos: 1)
        try once([node])
        #expect(Set(try listener.receive(11).map(\.payload)).count == 11)
    }

    @Test("mosquitto bridges to a node, and says that it is a bridge")
    func fromMosquitto() throws {
        let node = try BrokerProcess()
        let mosquitto = try MosquittoBroker(
            """
            allow_anonymous true
            connection node
            address 127.0.0.1:\(node.port)
            topic r/# both 1
            restart_timeout 1
            remote_clientid mosq

            """)
        let listener = try MosquittoClient(id: "listener")
        try listener.connect(port: mosquitto.port)
        try listener.subscribe("r/#", qos: 1)
        let state = ["-t", "$SYS/broker/connection/mosq/state", "-C", "1", "-W", "5"]
        #expect(try node.process.wait { try node.mosquitto("sub", state).output == "1\n" })
        // It says so before it subscribes. Its subscription is there when something has come through it.
        let isSubscribed = try node.process.wait {
            try node.mosquitto("pub", ["-t", "r/probe", "-q", "1", "-m", "probe"]).code == 0 && listener.has("probe")
        }
        #expect(isSubscribed)
        for number in 0..<5 {
            let arguments = ["-t", "r/a", "-q", "1", "-m", "up-\(number)", "-p", String(mosquitto.port)]
            #expect(try Program.run(["mosquitto_pub"] + arguments).code == 0)
            #expect(try node.mosquitto("pub", ["-t", "r/b", "-q", "1", "-m", "down-\(number)"]).code == 0)
        }
        let all = (0..<5).flatMap { ["down-\($0)", "up-\($0)"] }.sorted()
        #expect(node.process.wait { all.allSatisfy(listener.has) })
        #expect(try node.process.wait { try Set(Self.payloads(node)).isSuperset(of: all) })
        #expect(try Self.payloads(node).filter { $0 != "probe" }.sorted() == all)
        let heard = try listener.receive(10).map(\.payload).filter { $0 != "probe" }
        #expect(heard.sorted() == all)
    }

    /// Two nodes with a bridge each to the other.
    private func pair(_ direction: String, _ version: String) throws -> [BrokerProcess] {
        let ports = try (0..<2).map { _ in try ReservedPort() }
        let nodes = try (0..<2).map { index in
            try node(
                [("n\(index)", ports[1 - index].port)], ports[index], direction: direction, version: version)
        }
        for node in nodes { try live(node) }
        return nodes
    }

    @Test("in on both sides, MQTT 5: every message once on each side")
    func inBoth() throws { try once(try pair("in", "5")) }

    @Test("both ways on both sides, MQTT 5: a message is stored once for each bridge that leads there, and no more")
    func bothBoth() throws {
        let nodes = try pair("both", "5")
        for (index, node) in nodes.enumerated() {
            for number in 0..<5 {
                let arguments = ["-t", "r/\(index)", "-q", "1", "-m", "\(index)-\(number)"]
                #expect(try node.mosquitto("pub", arguments).code == 0)
            }
        }
        // Each of five here, five from there twice, and everything that came the long way round is passed over.
        for node in nodes {
            #expect(
                try node.process.wait {
                    try Self.payloads(node).count >= 15 && Self.number("looped", of: node) >= 5
                })
            #expect(try Self.payloads(node).count == 15)
        }
    }

    private static func number(_ name: String, of node: BrokerProcess) throws -> Int {
        let output = try node.sluice(["bridges", "list", "--json"]).output
        let document = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
        let bridges = document?["bridges"] as? [[String: Any]] ?? []
        return bridges.compactMap { $0[name] as? Int }.reduce(0, +)
    }

    /// What one message may make of itself before a bridge is held: four rows of 32 for each of up to five copies, and
    /// what a busy machine lets through.
    private static let recordsMax = 1000
    /// What it may make where two circles keep each other going: a flood of 1,000 is seen, an eighth of that goes the
    /// other way, and as much again is on its way.
    private static let floodRecordsMax = 2500

    private func heldFor(_ nodes: [BrokerProcess]) throws -> BrokerProcess {
        var held: BrokerProcess?
        let isHeld = try nodes[0].process.wait {
            held = try nodes.first { node in
                let output = try node.sluice(["bridges", "list", "--json"]).output.replacing("\": ", with: "\":")
                return output.contains("\"state\":\"held\"") && output.contains("\"cause\":\"loop\"")
            }
            return held != nil
        }
        #expect(isHeld)
        return try #require(held)
    }

    @Test(
        "MQTT 3.1.1 on both sides: the bridge is held by name, before the message fills a disk",
        arguments: ["out", "in", "both"])
    func plain(direction: String) throws {
        let nodes = try pair(direction, "3.1.1")
        #expect(try nodes[0].mosquitto("pub", ["-t", "r/a", "-q", "1", "-m", "again"]).code == 0)
        let held = try heldFor(nodes)
        #expect(held.logs("goes in circles"))
        let most = direction == "both" ? Self.floodRecordsMax : Self.recordsMax
        for node in nodes { #expect(try Self.payloads(node).count <= most) }
        guard direction != "both" else { return }
        // It stays held when the node is started again, until it is told to go on.
        let index = held === nodes[0] ? 0 : 1
        let other = nodes[1 - index]
        _ = other.stop()
        #expect(held.stop() == 0)
        let ended = try BrokerProcess(
            try String(contentsOfFile: held.directory.path + "/sluice.yaml", encoding: .utf8),
            directory: held.directory)
        _ = try heldFor([ended])
        #expect(try ended.sluice(["bridges", "resume", "n\(index)"]).code == 0)
        #expect(
            try ended.process.wait {
                try ended.sluice(["bridges", "list", "--json"]).output.replacing("\": ", with: "\":")
                    .contains("\"cause\":\"TCP\"")
            })
    }

    @Test("a node takes in from mosquitto, which takes in from the node")
    func mosquittoInBetween() throws {
        let ports = try (0..<2).map { _ in try ReservedPort() }
        let node = try node([("up", ports[1].port)], ports[0], direction: "in")
        let mosquitto = try MosquittoBroker(
            """
            allow_anonymous true
            connection node
            address 127.0.0.1:\(node.port)
            topic r/# in 1
            restart_timeout 1
            remote_clientid mosq

            """, at: ports[1])
        try live(node)
        let state = ["-t", "$SYS/broker/connection/mosq/state", "-C", "1", "-W", "5"]
        #expect(try node.process.wait { try node.mosquitto("sub", state).output == "1\n" })
        // Until mosquitto's subscription is there, nothing goes round.
        var number = 0
        let isHeld = try node.process.wait {
            number += 1
            _ = try node.mosquitto("pub", ["-t", "r/a", "-q", "1", "-m", "again \(number)"])
            // One message at a time goes round, so that mosquitto's window never stalls.
            return try node.process.wait(within: 20) { try Self.number("looped", of: node) > 0 }
        }
        #expect(isHeld)
        _ = try heldFor([node])
        #expect(node.logs("bridge up: held, loop: 'r/a' goes in circles"))
        withExtendedLifetime(mosquitto) {}
    }

    @Test("a value that is published again and again goes through a bridge of MQTT 3.1.1, all of it")
    func repeats() throws {
        let upper = try BrokerProcess()
        let lower = try node([("up", upper.port)], version: "3.1.1")
        try live(lower)
        let count = 3000
        let lines = String(repeating: "same\n", count: count)
        let arguments = ["mosquitto_pub", "-p", String(lower.port), "-t", "r/a", "-q", "1", "-l"]
        for _ in 0..<3 { #expect(try Program.run(arguments, input: lines, within: 120).code == 0) }
        #expect(try upper.process.wait { try Self.payloads(upper).count >= 3 * count })
        #expect(try Self.number("looped", of: lower) == 0)
    }
}
