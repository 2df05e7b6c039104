import SluiceCore
import SluiceTransport
import Testing

/// A client's frames, right or wrong as a test wants them.
enum ClientFrame {
    static func make(
        _ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true, reserved: UInt8 = 0, isMasked: Bool = true,
        announcing count: Int? = nil
    ) -> [UInt8] {
        let count = count ?? payload.count
        var frame = [(isFinal ? 0x80 : 0) | reserved << 4 | opcode]
        let mask: UInt8 = isMasked ? 0x80 : 0
        switch count {
        case ..<126: frame.append(mask | UInt8(count))
        case ..<65_536: frame += [mask | 126] + bytes(count, 2)
        default: frame += [mask | 127] + bytes(count, 8)
        }
        guard isMasked else { return frame + payload }
        let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        return frame + key + payload.enumerated().map { $1 ^ key[$0 % 4] }
    }

    private static func bytes(_ number: Int, _ width: Int) -> [UInt8] {
        (0..<width).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}

/// A stream, with what came out of it.
struct StreamRun {
    var payload: [UInt8] = []
    var reply: [UInt8] = []
    var event = WebSocketStream.Event.opening

    /// Runs `bytes` through a new stream, `step` at a time, behind an upgrade that goes well unless told otherwise.
    init(_ bytes: [UInt8], step: Int = .max, isOpen: Bool = true) {
        let stream = WebSocketStream(offer: UpgradeRequestTests.offer, pool: FrameCodecPool())
        if isOpen {
            take(UpgradeRequestTests.head(), stream)
            reply = []
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            switch event {
            case .opening, .open: take(Array(rest.prefix(step)), stream)
            case .closed, .failed: return
            }
            rest = rest.dropFirst(step)
        }
    }

    private mutating func take(_ bytes: [UInt8], _ stream: WebSocketStream) {
        var payloadBuffer = ByteBuffer()
        var replyBuffer = ByteBuffer()
        event = stream.received(bytes.span, payload: &payloadBuffer, reply: &replyBuffer)
        payload += Self.array(payloadBuffer.bytes)
        reply += Self.array(replyBuffer.bytes)
    }

    static func array(_ span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }
}

@Suite("A WebSocket that carries MQTT")
struct WebSocketStreamTests {
    private static let long = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 * 7) }

    @Test("the upgrade is answered in whatever pieces it comes", arguments: [1, 2, 3, 7, 50, .max])
    func upgrades(step: Int) {
        let run = StreamRun(UpgradeRequestTests.head() + ClientFrame.make(2, [1, 2, 3]), step: step, isOpen: false)
        #expect(run.event == .open)
        let reply = String(decoding: run.reply, as: UTF8.self)
        #expect(reply.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
        #expect(reply.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
        #expect(reply.contains("\r\nSec-WebSocket-Protocol: mqtt\r\n"))
        #expect(reply.hasSuffix("\r\n\r\n"))
        #expect(run.payload == [1, 2, 3])
    }

    @Test("a refused upgrade gets its status, what was expected, and the headers that say what would do")
    func refusesUpgrade() {
        let fields = UpgradeRequestTests.replacing("Sec-WebSocket-Version", by: "Sec-WebSocket-Version: 8")
        let run = StreamRun(UpgradeRequestTests.head(with: fields), isOpen: false)
        #expect(run.event == .failed("WebSocket upgrade refused with 426: only version 13 of WebSocket is spoken here"))
        let reply = String(decoding: run.reply, as: UTF8.self)
        #expect(reply.hasPrefix("HTTP/1.1 426 Upgrade Required\r\n"))
        #expect(reply.contains("\r\nSec-WebSocket-Version: 13\r\n"))
        #expect(reply.hasSuffix("\r\n\r\nonly version 13 of WebSocket is spoken here\n"))
    }

    @Test("another protocol is refused at its first byte, a head without end at its bound")
    func refusesOthers() {
        let connect = StreamRun([0x10, 0x0C], isOpen: false)
        #expect(connect.event == .failed("WebSocket upgrade refused with 400: what came is not HTTP"))
        let endless = StreamRun(Array(repeating: UInt8(ascii: "a"), count: 9000), step: 100, isOpen: false)
        #expect(endless.event == .failed("WebSocket upgrade refused with 431: the head has more than 8192 bytes"))
    }

    @Test("payloads of all frames are one stream of bytes", arguments: [1, 5, 4096, 4099, .max])
    func joinsFrames(step: Int) {
        let frames =
            ClientFrame.make(2, [1]) + ClientFrame.make(2) + ClientFrame.make(2, [2, 3], isFinal: false)
            + ClientFrame.make(9, [7]) + ClientFrame.make(0, [4], isFinal: false) + ClientFrame.make(10)
            + ClientFrame.make(0, [5]) + ClientFrame.make(2, Array(Self.long.prefix(300)))
            + ClientFrame.make(2, Self.long)
        let run = StreamRun(frames, step: step)
        #expect(run.event == .open)
        #expect(run.payload == [1, 2, 3, 4, 5] + Self.long.prefix(300) + Self.long)
        #expect(run.reply == [0x8A, 1, 7])
    }

    @Test("many pings that came together are answered with one pong, the newest's")
    func answersNewestPing() {
        let frames = (0..<1000).flatMap { ClientFrame.make(9, [UInt8(truncatingIfNeeded: $0)]) }
        #expect(StreamRun(frames).reply == [0x8A, 1, UInt8(truncatingIfNeeded: 999)])
    }

    @Test("a close is answered with its code")
    func answersClose() {
        let run = StreamRun(ClientFrame.make(2, [1]) + ClientFrame.make(8, [0x03, 0xE8] + Array("bye".utf8)))
        #expect(run.event == .closed)
        #expect(run.payload == [1])
        #expect(run.reply == [0x88, 2, 0x03, 0xE8])
        #expect(StreamRun(ClientFrame.make(8)).reply == [0x88, 0])
    }

    typealias Refused = (frame: [UInt8], code: Int)

    static let refused: [Refused] = [
        (ClientFrame.make(1, Array("text".utf8)), 1003), (ClientFrame.make(2, [1], isMasked: false), 1002),
        (ClientFrame.make(2, [1], reserved: 4), 1002), (ClientFrame.make(3), 1002), (ClientFrame.make(11), 1002),
        (ClientFrame.make(0, [1]), 1002),
        (ClientFrame.make(2, [1], isFinal: false) + ClientFrame.make(2, [1]), 1002),
        (ClientFrame.make(9, [1], isFinal: false), 1002), (ClientFrame.make(9, Array(long.prefix(126))), 1002),
        (ClientFrame.make(8, [3]), 1002), (ClientFrame.make(8, [0x03, 0xED]), 1002),
        (ClientFrame.make(8, [0x03, 0xE7]), 1002), (ClientFrame.make(8, [0x03, 0xE8, 0xFF]), 1007),
        (ClientFrame.make(2, [1], announcing: 268_435_461), 1009),
        (ClientFrame.make(2, [1], announcing: 1 << 62), 1009),
        // A length in more bytes than it needs.
        ([0x82, 0xFE, 0, 5, 0, 0, 0, 0, 1, 2, 3, 4, 5], 1002),
    ]

    @Test("what a client must not send is refused with its code", arguments: refused)
    func refuses(_ refused: Refused) throws {
        let (frame, code) = refused
        for step in [1, .max] {
            let run = StreamRun(ClientFrame.make(2, [9]) + frame, step: step)
            guard case .failed = run.event else {
                Issue.record("\(run.event)")
                continue
            }
            #expect(run.reply == [0x88, 2, UInt8(code >> 8), UInt8(code & 0xFF)])
            #expect(run.payload.first == 9)
        }
    }

    @Test("a message of many frames is bounded as one")
    func boundsMessages() {
        let stream = StreamRun(
            ClientFrame.make(2, [1, 2], isFinal: false)
                + ClientFrame.make(0, [1], announcing: Int(UpgradeRequestTests.offer.messageBytesMax) - 1))
        #expect(stream.event == .failed("a WebSocket message of more than 268435460 bytes; closed with 1009"))
    }

    @Test("what is sent is one unmasked binary frame", arguments: [1, 125, 126, 65_535, 65_536])
    func sends(count: Int) {
        let stream = WebSocketStream(offer: UpgradeRequestTests.offer, pool: FrameCodecPool())
        var payload = ByteBuffer()
        var wire = ByteBuffer()
        let head = UpgradeRequestTests.head()
        _ = stream.received(head.span, payload: &payload, reply: &wire)
        wire.removeAll()
        let bytes = Array(Self.long.prefix(count))
        stream.send(bytes.span, into: &wire)
        #expect(StreamRun.array(wire.bytes) == ClientFrame.make(2, bytes, isMasked: false))
        wire.removeAll()
        stream.close(.goingAway, into: &wire)
        #expect(StreamRun.array(wire.bytes) == [0x88, 2, 0x03, 0xE9])
    }
}
