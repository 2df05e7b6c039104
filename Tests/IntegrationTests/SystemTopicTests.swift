import Foundation
import Testing

@Suite("$SYS and presence")
struct SystemTopicTests {
    @Test("$SYS/broker has mosquitto's names with what the broker has counted, as retained messages")
    func statistics() throws {
        let broker = try BrokerProcess()
        #expect(try broker.mosquitto("pub", ["-t", "a", "-m", "hello", "-q", "1"]).code == 0)
        let names = [
            "version", "uptime", "clients/total", "clients/connected", "clients/disconnected", "clients/maximum",
            "clients/expired", "messages/received", "messages/sent", "publish/messages/received",
            "publish/messages/sent", "publish/messages/dropped", "publish/bytes/received", "publish/bytes/sent",
            "bytes/received", "bytes/sent", "retained messages/count", "subscriptions/count",
            "shared_subscriptions/count", "store/messages/count", "store/messages/bytes",
            "load/messages/received/1min", "load/publish/sent/15min", "load/bytes/sent/5min", "load/connections/1min",
        ]
        var topics: Set<String> = []
        let hasAll = try broker.process.wait {
            let arguments = ["-t", "$SYS/broker/#", "-F", "%r %t", "-W", "3"]
            topics = Set(try broker.mosquitto("sub", arguments).lines)
            return names.allSatisfy { topics.contains("1 $SYS/broker/\($0)") }
        }
        #expect(hasAll, "\(names.filter { !topics.contains("1 $SYS/broker/\($0)") })")
        #expect(!topics.contains { $0.hasSuffix(" a") })
    }

    @Test(
        "$SYS/broker has every name that mosquitto has, with values of the same kind",
        .enabled(if: Program.isInstalled("mosquitto"), "mosquitto is not installed"))
    func names() throws {
        let mosquitto = try MosquittoBroker("allow_anonymous true\nsys_interval 1\n")
        let broker = try BrokerProcess()
        var (theirs, ours): ([String: String], [String: String]) = ([:], [:])
        let isWhole = try broker.process.wait {
            theirs = try told(mosquitto.port)
            // Told with the first second's figures.
            return theirs["$SYS/broker/load/bytes/sent/15min"] != nil && theirs.count > 45
        }
        #expect(isWhole, "\(theirs.keys.sorted())")
        let hasAll = try broker.process.wait {
            ours = try told(broker.port)
            return theirs.keys.allSatisfy { ours[$0] != nil }
        }
        #expect(hasAll, "\(theirs.keys.filter { ours[$0] == nil }.sorted())")
        for (name, value) in theirs where name != "$SYS/broker/version" {
            #expect(shape(ours[name] ?? "") == shape(value), "\(name): \(ours[name] ?? "") and \(value)")
        }
        #expect(ours["$SYS/broker/version"]?.hasPrefix("sluice version ") == true)
        let heap = ["current", "maximum"].compactMap { Int(ours["$SYS/broker/heap/\($0)"] ?? "") }
        #expect(heap.count == 2 && heap[0] > 1 << 20 && heap[0] <= heap[1], "\(heap)")
        #expect(ours["$SYS/broker/messages/stored"] == ours["$SYS/broker/store/messages/count"])
    }

    /// What a broker on a port has told of itself.
    private func told(_ port: Int) throws -> [String: String] {
        let arguments = ["-p", String(port), "-t", "$SYS/broker/#", "-F", "%t\t%p", "-W", "3"]
        let lines = try Program.run(["mosquitto_sub"] + arguments).lines
        return lines.reduce(into: [:]) { told, line in
            let parts = line.split(separator: "\t", maxSplits: 1).map(String.init)
            if parts.count == 2 { told[parts[0]] = parts[1] }
        }
    }

    /// A value with each number as one digit: whole, with two decimals, with words.
    private func shape(_ value: String) -> String {
        value.replacing(#/[0-9]+\.[0-9][0-9]/#, with: "f").replacing(#/[0-9]+/#, with: "n")
    }

    @Test("messages/sent counts packets of every kind to clients")
    func sentPackets() throws {
        let broker = try BrokerProcess()
        let client = try RawClient(port: broker.port, level: 4, id: "c")
        for number in 1...50 {
            client.send(RawPacket.publish(level: 4, topic: "t", payload: "x", qos: 1, id: UInt16(number)))
            #expect(client.next() == .packet([0x40, 2, 0, UInt8(number)]))
            #expect(client.answersPing())
        }
        // A CONNACK, and two packets for each.
        let isCounted = try broker.process.wait {
            let told = try told(broker.port)
            return Int(told["$SYS/broker/messages/sent"] ?? "").map { $0 >= 101 } == true
                && Int(told["$SYS/broker/publish/messages/sent"] ?? "") == 0
        }
        #expect(isCounted)
    }

    @Test("nobody may publish to $SYS, and # does not see it")
    func reserved() throws {
        let broker = try BrokerProcess()
        let five = try RawClient(port: broker.port, level: 5, id: "five")
        five.send(RawPacket.publish(level: 5, topic: "$SYS/broker/version", payload: "mine", qos: 1))
        #expect(five.next() == .packet([0x40, 4, 0, 1, 0x87, 0]) || five.answersPing())
        five.send(RawPacket.subscribe(level: 5, filter: "#"))
        guard case .packet(let suback) = five.next() else {
            Issue.record("expected a SUBACK")
            return
        }
        #expect(suback[0] == 0x90)
        #expect(five.answersPing())
    }

    @Test("who comes and goes is told on $SYS/brokers, and kept in __presence")
    func presence() throws {
        let broker = try BrokerProcess()
        let watcher = try RawClient(port: broker.port, level: 4, id: "watcher")
        watcher.send(RawPacket.subscribe(level: 4, filter: "$SYS/brokers/+/clients/+/+"))
        #expect(watcher.next() == .packet([0x90, 3, 0, 1, 0]))
        do {
            let guest = try RawClient(port: broker.port, level: 4, id: "guest")
            guest.send([0xE0, 0])
        }
        for state in ["connected", "disconnected"] {
            guard case .packet(let packet) = watcher.next() else {
                Issue.record("expected word of \(state)")
                return
            }
            let text = String(decoding: packet, as: UTF8.self)
            #expect(text.contains("$SYS/brokers/sluice/clients/guest/\(state)"), "\(text)")
            #expect(text.contains("\"clientid\":\"guest\",\"state\":\"\(state)\""), "\(text)")
        }
        #expect(broker.stop() == 0)
        #expect(try OfflineLog.values(broker.data, stream: "__presence").contains { $0.contains("\"guest\"") })
    }
}
