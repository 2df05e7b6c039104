import MQTTWire
import SluiceCore

/// One run: the first byte chooses side and version, the rest is a connection's bytes.
///
/// They are decoded whole and with a few cuts; both must say the same, and everything that a packet promises must be
/// readable. A trap, or memory that the sanitiser objects to, is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 1 else { return 0 }
    let choice = start[0]
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let whole = run(bytes, choice, step: bytes.count)
    let parts = run(bytes, choice, step: 1 + Int(choice >> 4))
    precondition(whole == parts, "whole and in parts differ")
    return 0
}

/// What a decoder says: packets, then the error.
private struct Outcome: Equatable {
    var packets: [Packet] = []
    var error: MQTTDecodeError?
}

private func run(_ bytes: [UInt8], _ choice: UInt8, step: Int) -> Outcome {
    var decoder = PacketDecoder(side: choice & 1 == 0 ? .server : .client)
    decoder.version = ProtocolVersion.allCases[Int(choice >> 1 & 7) % 3]
    var outcome = Outcome()
    var offset = 0
    var shown = 0
    do throws(MQTTDecodeError) {
        while shown < bytes.count {
            shown = min(shown + step, bytes.count)
            let span = bytes.span.extracting(first: shown)
            while true {
                switch try decoder.decode(span, from: offset) {
                case .needsMore(let byteCount):
                    precondition(byteCount > shown - offset)
                case .packet(let packet, let end):
                    precondition(end > offset && end <= shown)
                    offset = end
                    outcome.packets.append(packet)
                    walk(packet, span, decoder.version)
                    continue
                }
                break
            }
        }
    } catch {
        precondition(error.offset >= 0)
        outcome.error = error
    }
    return outcome
}

/// Reads and copies everything in `packet`, and encodes it again.
private func walk(_ packet: Packet, _ bytes: Span<UInt8>, _ version: ProtocolVersion) {
    var buffer = ByteBuffer()
    switch packet {
    case .connect(let view):
        properties(view.properties, bytes)
        properties(view.willProperties, bytes)
        let packet = ConnectPacket(view, in: bytes)
        packet.encode(into: &buffer)
        precondition(buffer.count == packet.encodedSize)
    case .connack(let view): ConnackPacket(view, in: bytes, version: version).encode(into: &buffer)
    case .publish(let view):
        properties(view.properties, bytes)
        do { try TopicSyntax.validateName(bytes.extracting(view.topic)) } catch { precondition(error.offset >= 0) }
        PacketEncoder.publish(
            into: &buffer, topic: bytes.extracting(view.topic), payload: bytes.extracting(view.payload),
            packetID: view.packetID, qos: view.qos, retain: view.retain, duplicate: view.duplicate,
            properties: bytes.extracting(view.properties), version: version)
    case .acknowledgement(let view):
        properties(view.properties, bytes)
        PacketEncoder.acknowledgement(
            into: &buffer, kind: view.kind, packetID: view.packetID, reason: view.reason,
            properties: bytes.extracting(view.properties), version: version)
    case .subscribe(let view):
        let packet = SubscribePacket(view, in: bytes, version: version)
        precondition(packet.filters.count == view.filterCount)
        packet.encode(into: &buffer)
    case .unsubscribe(let view):
        let packet = UnsubscribePacket(view, in: bytes, version: version)
        precondition(packet.filters.count == view.filterCount)
        packet.encode(into: &buffer)
    case .suback(let view): SubackPacket(view, in: bytes, version: version).encode(into: &buffer)
    case .unsuback(let view): UnsubackPacket(view, in: bytes, version: version).encode(into: &buffer)
    case .disconnect(let view): DisconnectPacket(view, in: bytes, version: version).encode(into: &buffer)
    case .auth(let view): AuthPacket(view, in: bytes).encode(into: &buffer)
    case .pingRequest, .pingResponse: return
    }
    precondition(!buffer.isEmpty)
}

private func properties(_ range: ByteRange, _ bytes: Span<UInt8>) {
    var reader = PropertyReader(bytes, range)
    var buffer = ByteBuffer()
    while let property = reader.next() { PropertyWriter.append(property, of: bytes, to: &buffer) }
    precondition(buffer.count == range.count)
}
