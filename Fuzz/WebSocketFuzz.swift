import SluiceCore
import SluiceTransport

/// One run: the first byte chooses the pieces that the rest comes in, and whether an upgrade comes first.
///
/// The bytes are taken whole and in pieces; both must give the same payload and end the same way, and nothing may be
/// answered that is longer than what came allows. A trap, or memory that the sanitiser objects to, is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 1 else { return 0 }
    let choice = start[0]
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let whole = run(bytes, isOpen: choice & 1 == 1, step: bytes.count)
    let parts = run(bytes, isOpen: choice & 1 == 1, step: 1 + Int(choice >> 1))
    precondition(whole == parts, "whole and in parts differ")
    return 0
}

private let upgrade = Array(
    ("GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").utf8)

private let offer = WebSocketOffer(
    name: "MQTT", path: "/mqtt", subprotocols: ["mqtt"], messageBytesMax: 268_435_460)

/// What comes out of a stream; answers to pings depend on how they came together and are not compared.
private struct Outcome: Equatable {
    var payload: [UInt8] = []
    var event = WebSocketStream.Event.opening
}

private func run(_ bytes: [UInt8], isOpen: Bool, step: Int) -> Outcome {
    let stream = WebSocketStream(offer: offer, pool: FrameCodecPool())
    var outcome = Outcome()
    var payload = ByteBuffer()
    var reply = ByteBuffer()
    if isOpen {
        outcome.event = stream.received(upgrade.span, payload: &payload, reply: &reply)
        precondition(outcome.event == .open)
    }
    var offset = 0
    while offset < bytes.count, outcome.event == .opening || outcome.event == .open {
        let end = min(offset + step, bytes.count)
        reply.removeAll()
        outcome.event = stream.received(bytes.span.extracting(offset..<end), payload: &payload, reply: &reply)
        // An upgrade's answer, a pong of 127 bytes and a close are all that one call may say.
        precondition(reply.count < 1024)
        offset = end
    }
    outcome.payload = payload.bytes.indices.map { payload.bytes[$0] }
    precondition(outcome.payload.count <= bytes.count)
    stream.close(.normal, into: &reply)
    stream.send(bytes.span, into: &reply)
    return outcome
}
