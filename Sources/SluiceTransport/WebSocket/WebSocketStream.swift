import HTTPWire
package import SluiceCore

/// The server's side of one WebSocket that carries a stream: the upgrade, then frames whose payloads are one stream of
/// bytes.
///
/// Isolation: one loop's thread.
/// Source: RFC 6455.
package final class WebSocketStream {
    /// What bytes that came lead to.
    package enum Event: Equatable, Sendable {
        /// The upgrade's request is not whole.
        case opening
        /// Payload is taken and may be sent.
        case open
        /// The peer has ended it, and was answered; no reason is a fault of its.
        case closed
        /// The peer did what it must not, and was told so; the reason is for the log.
        case failed(String)
    }

    /// Why a WebSocket is closed (RFC 6455 §7.4.1).
    package enum CloseCode: UInt16, Sendable {
        /// Its purpose is fulfilled.
        case normal = 1000
        /// The server stops.
        case goingAway = 1001
        /// Against RFC 6455.
        case protocolError = 1002
        /// Text, where the stream is bytes [MQTT-6.0.0-1].
        case unsupportedData = 1003
        /// A reason that is no UTF-8.
        case invalidPayload = 1007
        /// Longer than a message can be.
        case messageTooBig = 1009
    }

    private enum State {
        /// Head bytes so far, and how much of the empty line that ends it has come.
        case opening(head: [UInt8], matched: Int)
        case open
        /// Nothing more is read or written.
        case closed
    }

    private enum Opcode {
        static let continuation: UInt8 = 0
        static let text: UInt8 = 1
        static let binary: UInt8 = 2
        static let close: UInt8 = 8
        static let ping: UInt8 = 9
        static let pong: UInt8 = 10
    }

    private let offer: WebSocketOffer
    private let pool: FrameCodecPool
    private var state = State.opening(head: [], matched: 0)
    /// The codec that holds a part of a frame of ours.
    private var codec: FrameCodec?
    private var isInMessage = false
    private var messageByteCount: UInt64 = 0
    /// The payload of a control frame so far, at most 125 bytes.
    private var control: [UInt8] = []
    /// The payload of the newest ping, which a pong answers once all that came is read (RFC 6455 §5.5.3).
    private var pingPayload: [UInt8]?

    /// A stream that awaits its upgrade to what `offer` says.
    package init(offer: WebSocketOffer, pool: FrameCodecPool) {
        self.offer = offer
        self.pool = pool
    }

    // MARK: Receiving

    /// Takes bytes that came from the peer.
    /// - Parameters:
    ///   - bytes: all of them; none is left for later.
    ///   - payload: gets the stream's bytes.
    ///   - reply: gets what must be sent.
    package func received(_ bytes: Span<UInt8>, payload: inout ByteBuffer, reply: inout ByteBuffer) -> Event {
        var offset = 0
        if case .opening(let head, let matched) = state {
            state = .closed
            var opening = Opening(head: head, matched: matched)
            do throws(UpgradeRefusal) {
                offset = try opening.take(bytes)
                guard opening.isWhole else {
                    state = .opening(head: opening.head, matched: opening.matched)
                    return .opening
                }
                UpgradeReply.accept(try UpgradeRequest(head: opening.head, offer: offer), into: &reply)
                state = .open
            } catch {
                UpgradeReply.refuse(error, into: &reply)
                return .failed("WebSocket upgrade refused with \(error.status.rawValue): \(error.reason)")
            }
        }
        return receivedFrames(bytes.extracting(droppingFirst: offset), &payload, &reply)
    }

    /// A request's head as it comes in.
    private struct Opening {
        var head: [UInt8]
        var matched: Int
        var isWhole: Bool { matched == 4 }

        /// Whether a byte may be in a head at all; no text has the others, so what has them is another protocol.
        private static func isText(_ byte: UInt8) -> Bool {
            byte >= 0x20 && byte != 0x7F || byte == 0x0D || byte == 0x0A || byte == 0x09
        }

        /// - Returns: how many bytes belong to the head.
        mutating func take(_ bytes: Span<UInt8>) throws(UpgradeRefusal) -> Int {
            for index in bytes.indices {
                let byte = bytes[index]
                guard Self.isText(byte) else { throw UpgradeRequest.bad("what came is not HTTP") }
                guard head.count < UpgradeRequest.headBytesMax else {
                    throw UpgradeRefusal(
                        status: .headTooLarge, reason: "the head has more than \(UpgradeRequest.headBytesMax) bytes")
                }
                head.append(byte)
                let isCarriageReturn = byte == 0x0D
                if byte == 0x0A {
                    matched = matched == 1 || matched == 3 ? matched + 1 : 0
                } else {
                    matched = isCarriageReturn ? (matched == 2 ? 3 : 1) : 0
                }
                if isWhole { return index + 1 }
            }
            return bytes.count
        }
    }

    private func receivedFrames(_ bytes: Span<UInt8>, _ payload: inout ByteBuffer, _ reply: inout ByteBuffer) -> Event {
        switch state {
        case .opening: preconditionFailure("Cannot read frames while the upgrade goes on")
        case .closed: return .closed
        case .open: break
        }
        let codec = self.codec ?? pool.take()
        self.codec = nil
        var event = Event.open
        bytes.withUnsafeBytes { input in
            codec.read(input) { piece in
                switch piece {
                case .needsMore: return false
                case .malformed:
                    event = fail(.protocolError, "a malformed WebSocket frame", codec, &reply)
                    return false
                case .payload(let head, let bytes, let isFirst, let isLast):
                    event = received(head, bytes, isFirst, isLast, codec, &payload, &reply)
                    return event == .open
                }
            }
        }
        if event == .open {
            if let pingPayload { codec.write(opcode: Opcode.pong, pingPayload.span, into: &reply) }
            pingPayload = nil
        }
        if codec.isIdle {
            pool.give(codec)
        } else if event == .open {
            self.codec = codec
        }
        return event
    }

    private func received(
        _ head: FrameHead, _ bytes: UnsafeRawBufferPointer, _ isFirst: Bool, _ isLast: Bool, _ codec: FrameCodec,
        _ payload: inout ByteBuffer, _ reply: inout ByteBuffer
    ) -> Event {
        if isFirst, let (code, reason) = fault(of: head) { return fail(code, reason, codec, &reply) }
        switch head.opcode {
        case Opcode.binary, Opcode.continuation:
            payload.append(bytes)
            if isLast { isInMessage = !head.isFinal }
            return .open
        default:
            control.append(contentsOf: bytes)
            guard isLast else { return .open }
            defer { control = [] }
            switch head.opcode {
            case Opcode.ping: pingPayload = control
            case Opcode.close: return receivedClose(codec, &reply)
            default: break
            }
            return .open
        }
    }

    /// What is wrong with a frame, from its head alone.
    private func fault(of head: FrameHead) -> (CloseCode, String)? {
        guard head.isMasked else { return (.protocolError, "a WebSocket frame without a mask") }
        guard head.reserved == 0 else { return (.protocolError, "a WebSocket frame with reserved bits") }
        switch head.opcode {
        case Opcode.text: return (.unsupportedData, "a WebSocket text frame, where \(offer.name) comes in binary ones")
        case Opcode.binary:
            guard !isInMessage else { return (.protocolError, "a WebSocket message within another") }
            messageByteCount = 0
        case Opcode.continuation:
            guard isInMessage else { return (.protocolError, "a WebSocket continuation of nothing") }
        case Opcode.close, Opcode.ping, Opcode.pong: return nil
        default: return (.protocolError, "a WebSocket frame of the unknown opcode \(head.opcode)")
        }
        guard head.payloadByteCount <= offer.messageBytesMax - messageByteCount else {
            return (.messageTooBig, "a WebSocket message of more than \(offer.messageBytesMax) bytes")
        }
        messageByteCount += head.payloadByteCount
        isInMessage = true
        return nil
    }

    private func receivedClose(_ codec: FrameCodec, _ reply: inout ByteBuffer) -> Event {
        guard control.count != 1 else { return fail(.protocolError, "a WebSocket close of one byte", codec, &reply) }
        if control.count >= 2 {
            let code = UInt16(control[0]) << 8 | UInt16(control[1])
            guard Self.mayBeSent(code) else {
                return fail(.protocolError, "a WebSocket close with the code \(code)", codec, &reply)
            }
            guard String(validating: control.dropFirst(2), as: UTF8.self) != nil else {
                return fail(.invalidPayload, "a WebSocket close whose reason is no UTF-8", codec, &reply)
            }
        }
        // The answer repeats the code (RFC 6455 §5.5.1).
        codec.write(opcode: Opcode.close, Array(control.prefix(2)).span, into: &reply)
        state = .closed
        return .closed
    }

    /// RFC 6455 §7.4.1 and §7.4.2.
    private static func mayBeSent(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    private func fail(_ code: CloseCode, _ reason: String, _ codec: FrameCodec, _ reply: inout ByteBuffer) -> Event {
        Self.writeClose(code, codec, &reply)
        state = .closed
        return .failed("\(reason); closed with \(code.rawValue)")
    }

    private static func writeClose(_ code: CloseCode, _ codec: FrameCodec, _ target: inout ByteBuffer) {
        let payload = [UInt8(code.rawValue >> 8), UInt8(code.rawValue & 0xFF)]
        codec.write(opcode: Opcode.close, payload.span, into: &target)
    }

    // MARK: Sending

    /// Puts the stream's bytes into one binary frame.
    package func send(_ payload: Span<UInt8>, into wire: inout ByteBuffer) {
        guard case .open = state, payload.count > 0 else { return }
        let codec = pool.take()
        codec.write(opcode: Opcode.binary, payload, into: &wire)
        pool.give(codec)
    }

    /// Says that nothing more follows, and reads no more.
    package func close(_ code: CloseCode, into wire: inout ByteBuffer) {
        guard case .open = state else { return }
        let codec = pool.take()
        Self.writeClose(code, codec, &wire)
        pool.give(codec)
        state = .closed
    }
}
