import Foundation
import Testing

@Suite("MQTT over WebSocket")
struct WebSocketTests {
    private static let request =
        "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Protocol: mqtt\r\n\r\n"

    private func broker() throws -> BrokerProcess {
        try BrokerProcess("listeners:\n  ws: 127.0.0.1:0\n" + BrokerProcess.plain)
    }

    /// A connection whose upgrade went well.
    private func upgraded(_ broker: BrokerProcess) throws -> RawClient {
        let client = try RawClient(port: broker.port("ws"))
        client.send(Array(Self.request.utf8))
        let answer = client.bytes { $0.suffix(4).elementsEqual("\r\n\r\n".utf8) }
        #expect(String(decoding: answer, as: UTF8.self).contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        return client
    }

    /// A frame as clients send them, with a mask that changes nothing.
    private func frame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        [opcode | (isFinal ? 0x80 : 0), 0x80 | UInt8(payload.count), 0, 0, 0, 0] + payload
    }

    @Test("packets may span frames and messages, and share them")
    func ignoresBoundaries() throws {
        let broker = try broker()
        let client = try upgraded(broker)
        let packets =
            RawPacket.connect(level: 4, id: "ws") + RawPacket.subscribe(level: 4, filter: "t")
            + RawPacket.publish(level: 4, topic: "t", payload: "hello", qos: 1, id: 7)
        // A message of two frames that ends within a packet, one byte, an empty one, then the rest.
        client.send(frame(2, Array(packets[..<9]), isFinal: false) + frame(0, Array(packets[9..<20])))
        client.send(frame(2, [packets[20]]) + frame(2, []) + frame(2, Array(packets[21...])))
        let expected: [[UInt8]] = [
            [0x20, 2, 0, 0], [0x90, 3, 0, 1, 0], RawPacket.publish(level: 4, topic: "t", payload: "hello"),
            [0x40, 2, 0, 7],
        ]
        let count = expected.joined().count
        let wire = client.bytes { payloads($0).count >= count }
        let payload = payloads(wire)
        #expect(payload.starts(with: expected[0]))
        #expect(payload.count == count)
        for packet in expected { #expect(contains(payload, packet)) }
        client.send(frame(9, [1, 2, 3]))
        #expect(client.bytes { $0.count >= 5 } == [0x8A, 3, 1, 2, 3])
        client.send(frame(8, [0x03, 0xE8]))
        #expect(client.bytes() == [0x88, 2, 0x03, 0xE8])
    }

    /// The payloads of short binary frames, as far as they have come.
    private func payloads(_ bytes: [UInt8]) -> [UInt8] {
        var payload: [UInt8] = []
        var rest = bytes[...]
        while rest.count >= 2, let opcode = rest.popFirst(), let count = rest.popFirst() {
            #expect(opcode == 0x82)
            payload += rest.prefix(Int(count))
            rest = rest.dropFirst(Int(count))
        }
        return payload
    }

    private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        bytes.indices.contains { bytes[$0...].starts(with: part) }
    }

    @Test("text is refused with 1003, what is no frame with 1002, and the log says so")
    func refusesFrames() throws {
        let broker = try broker()
        for (bytes, code) in [(frame(1, [0x10]), 1003), (frame(3, []), 1002)] as [([UInt8], Int)] {
            let client = try upgraded(broker)
            client.send(bytes)
            #expect(client.bytes() == [0x88, 2, UInt8(code >> 8), UInt8(code & 0xFF)])
        }
        #expect(broker.logs("a WebSocket text frame, where MQTT comes in binary ones; closed with 1003"))
        #expect(broker.logs("a WebSocket frame of the unknown opcode 3; closed with 1002"))
    }

    @Test("a bad MQTT packet ends MQTT, then the WebSocket")
    func closesBoth() throws {
        let broker = try broker()
        let client = try upgraded(broker)
        client.send(frame(2, RawPacket.connect(level: 5, id: "bad") + [0xF0, 0]))
        let bytes = client.bytes()
        #expect(bytes.suffix(4) == [0x88, 2, 0x03, 0xE8])
        // Before it the DISCONNECT of MQTT 5.
        #expect(contains(bytes, [0xE0]))
    }

    @Test("requests that lead to no WebSocket get their answer")
    func refusesRequests() throws {
        let broker = try broker()
        let cases = [
            (Self.request.replacing("/mqtt", with: "/"), "404 Not Found", "MQTT is served on /mqtt"),
            (Self.request.replacing("GET", with: "PUT"), "405 Method Not Allowed", "Allow: GET"),
            (
                Self.request.replacing("Version: 13", with: "Version: 8"), "426 Upgrade Required",
                "Sec-WebSocket-Version: 13"
            ),
            (Self.request.replacing("Protocol: mqtt", with: "Protocol: chat"), "400 Bad Request", "'mqtt'"),
        ]
        for (request, status, hint) in cases {
            let client = try RawClient(port: broker.port("ws"))
            client.send(Array(request.utf8))
            let answer = String(decoding: client.bytes(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"))
            #expect(answer.contains(hint))
        }
        #expect(broker.logs("WebSocket upgrade refused with 404: MQTT is served on /mqtt"))
    }

    @Test("an upgrade that is never finished ends in time")
    func endsHalfUpgrade() throws {
        let broker = try BrokerProcess(
            "listeners:\n  ws: 127.0.0.1:0\nlimits:\n  connect_timeout: 1s\n" + BrokerProcess.plain)
        let client = try RawClient(port: broker.port("ws"))
        client.send(Array("GET /mqtt HTTP/1.1\r\nHost:".utf8))
        #expect(client.next() == .closed)
        #expect(broker.logs("WebSocket upgrade not finished within 1 s"))
    }

    @Test("a stop says goodbye at each level")
    func saysGoodbye() throws {
        let broker = try broker()
        let client = try upgraded(broker)
        client.send(frame(2, RawPacket.connect(level: 5, id: "c")))
        _ = client.bytes { $0.count >= 2 && $0.count >= 2 + Int($0[1]) }
        broker.process.kill(SIGTERM)
        let goodbye = RawPacket.disconnect(0x8B, "the broker stops")
        #expect(client.bytes() == [0x82, UInt8(goodbye.count)] + goodbye + [0x88, 2, 0x03, 0xE9])
        #expect(broker.process.exitCode() == 0)
    }
}
