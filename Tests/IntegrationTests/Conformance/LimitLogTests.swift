import Foundation
import Testing

@Suite("Limits that end a connection")
struct LimitLogTests {
    private static let limits = """
        limits:
          packet_size: 1KiB
          topic_size: 20
          topic_levels: 3
          topic_aliases: 2
          user_properties: 1
          qos: 1
          retain: false
          keep_alive: 1s
          connect_timeout: 1s

        """

    /// What a client does after its CONNECT, and what the broker's log must say of it.
    struct Case: Sendable, CustomTestStringConvertible {
        var setting: String
        var level: UInt8 = 4
        var bytes: [UInt8]
        var testDescription: String { setting }
    }

    private static let cases = [
        // The body is still to come: the size is all that is known, and enough.
        Case(setting: "'limits: packet_size' is 1024 bytes, found 5003", bytes: [0x30, 0x88, 0x27]),
        Case(
            setting: "'limits: topic_size' is 20 bytes, found more",
            bytes: RawPacket.publish(level: 4, topic: String(repeating: "t", count: 21))),
        Case(setting: "'limits: topic_levels' is 3, found more", bytes: RawPacket.publish(level: 4, topic: "a/b/c/d")),
        Case(setting: "'limits: qos' is 1", bytes: RawPacket.publish(level: 4, topic: "t", qos: 2)),
        Case(setting: "'limits: retain' is false", bytes: RawPacket.frame(0x31, RawPacket.string("t"))),
        Case(
            setting: "'limits: topic_aliases' is 2", level: 5,
            bytes: RawPacket.frame(0x30, RawPacket.string("t") + [3, 0x23, 0, 3])),
        Case(
            setting: "'limits: user_properties' is 1, found more", level: 5,
            bytes: RawPacket.frame(
                0x30, RawPacket.string("t") + [14] + [0x26, 0, 1, 97, 0, 1, 97] + [0x26, 0, 1, 98, 0, 1, 98])),
        Case(setting: "'limits: keep_alive' is 1s", level: 5, bytes: [0xC0, 0]),
    ]

    @Test("the log names the setting, its value and what came, also to a client that cannot be told", arguments: cases)
    func named(_ limit: Case) throws {
        let broker = try BrokerProcess(Self.limits + BrokerProcess.plain)
        let client = try RawClient(
            port: broker.port, level: limit.level, id: "over", keepAlive: limit.level == 5 ? 60 : 0)
        client.send(limit.bytes)
        while case .packet = client.next() {}
        #expect(broker.logs(limit.setting), "\(broker.log)")
        let line = broker.log.first { $0.contains(limit.setting) }
        #expect(line?.contains("over at 127.0.0.1:") == true)
    }

    @Test("a connection that never says CONNECT is ended by a setting, too")
    func silent() throws {
        let broker = try BrokerProcess(Self.limits + BrokerProcess.plain)
        let client = try RawClient(port: broker.port)
        #expect(client.next() == .closed)
        #expect(broker.logs("'limits: connect_timeout' is 1s"), "\(broker.log)")
    }
}
