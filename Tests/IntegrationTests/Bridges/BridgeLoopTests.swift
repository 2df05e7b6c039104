import Foundation
import Glibc
import Testing

@Suite("bridges that could go in circles")
struct BridgeLoopTests {
    private func node(
        _ bridges: [(name: String, port: Int)], _ reserved: ReservedPort? = nil, direction: String = "out"
    ) throws -> BrokerProcess {
        var lines = ["bridges:"]
        for bridge in bridges {
            lines += [
                "  - name: \(bridge.name)", "    address: 127.0.0.1:\(bridge.port)", "    client_id: \(bridge.name)",
                "    topics:", "      - topic: 'r/# \(direction) 1'", "    restart: 20ms", "    restart_max: 100ms",
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
}
