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
