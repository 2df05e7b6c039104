package import SluiceCore

/// Writes the packets of the hot path straight from their parts.
///
/// Other packets are structs with an `encode(into:)`. All sizes are exact.
package enum PacketEncoder {
    /// The size of a PUBLISH with these parts.
    @inline(__always)
    package static func publishEncodedSize(
        topicByteCount: Int, payloadByteCount: Int, propertiesByteCount: Int, qos: QoS, version: ProtocolVersion
    ) -> Int {
        frameSize(
            remaining: publishRemaining(
                topic: topicByteCount, payload: payloadByteCount, properties: propertiesByteCount, qos: qos,
                version: version))
    }

    /// Appends a PUBLISH.
    ///
    /// - Parameters:
    ///   - topic: the topic name; empty only with a topic alias among the properties.
    ///   - packetID: not `.none` above QoS 0; ignored at QoS 0.
    ///   - properties: encoded properties without their length; ignored before MQTT 5.
    /// - Returns: where the packet identifier lies, from the packet's first byte; meaningless at QoS 0. A packet that
    ///   many subscribers get is encoded once and patched there.
    /// - Complexity: O(bytes); no allocation when `buffer` has room.
    @discardableResult
    package static func publish(
        into buffer: inout ByteBuffer, topic: Span<UInt8>, payload: Span<UInt8>, packetID: PacketID, qos: QoS,
        retain: Bool, duplicate: Bool, properties: Span<UInt8>, version: ProtocolVersion
    ) -> Int {
        let remaining = publishRemaining(
            topic: topic.count, payload: payload.count, properties: properties.count, qos: qos, version: version)
        let size = frameSize(remaining: remaining)
        let start = buffer.count
        buffer.reserve(size)
        let flags = (duplicate ? 8 : 0) | qos.rawValue << 1 | (retain ? 1 : 0)
        buffer.append(PacketType.publish.rawValue << 4 | flags)
        VariableInteger.append(remaining, to: &buffer)
        append(field: topic, to: &buffer)
        let packetIDOffset = buffer.count - start
        if qos != .atMostOnce {
            precondition(packetID != .none)
            buffer.append(bigEndian: packetID.rawValue)
        }
        if version == .v5 { append(properties: properties, to: &buffer) }
        buffer.append(payload)
        assert(buffer.count - start == size)
        return packetIDOffset
    }

    /// The size of an acknowledgement: four bytes, unless MQTT 5 has more to say than success.
    package static func acknowledgementEncodedSize(
        reason: ReasonCode, propertiesByteCount: Int = 0, version: ProtocolVersion
    ) -> Int {
        guard version == .v5, reason != .success || propertiesByteCount > 0 else { return 4 }
        guard propertiesByteCount > 0 else { return 5 }
        return frameSize(remaining: 3 + fieldSize(properties: propertiesByteCount, version: version))
    }

    /// Appends PUBACK, PUBREC, PUBREL or PUBCOMP in four bytes when `reason` is success or the version is not 5.
    @inline(__always)
    package static func acknowledgement(
        into buffer: inout ByteBuffer, kind: AcknowledgementKind, packetID: PacketID, reason: ReasonCode,
        version: ProtocolVersion
    ) {
        assert(packetID != .none)
        let firstByte = UInt32(kind.rawValue << 4 | (kind == .pubrel ? 2 : 0))
        if reason == .success || version != .v5 {
            buffer.append(bigEndian: firstByte << 24 | 2 << 16 | UInt32(packetID.rawValue))
        } else {
            buffer.append(bigEndian: firstByte << 24 | 3 << 16 | UInt32(packetID.rawValue))
            buffer.append(reason.rawValue)
        }
    }

    /// Appends an MQTT 5 acknowledgement with encoded properties.
    package static func acknowledgement(
        into buffer: inout ByteBuffer, kind: AcknowledgementKind, packetID: PacketID, reason: ReasonCode,
        properties: Span<UInt8>, version: ProtocolVersion
    ) {
        guard version == .v5, !properties.isEmpty else {
            return acknowledgement(into: &buffer, kind: kind, packetID: packetID, reason: reason, version: version)
        }
        buffer.append(kind.packetType.firstByte)
        VariableInteger.append(3 + fieldSize(properties: properties.count, version: version), to: &buffer)
        buffer.append(bigEndian: packetID.rawValue)
        buffer.append(reason.rawValue)
        append(properties: properties, to: &buffer)
    }

    /// The size of PINGREQ and of PINGRESP.
    package static let pingEncodedSize = 2

    /// Appends PINGREQ.
    package static func pingRequest(into buffer: inout ByteBuffer) {
        buffer.append(bigEndian: UInt16(PacketType.pingreq.firstByte) << 8)
    }

    /// Appends PINGRESP.
    @inline(__always)
    package static func pingResponse(into buffer: inout ByteBuffer) {
        buffer.append(bigEndian: UInt16(0xD000))
    }

    // MARK: Parts

    @inline(__always)
    private static func publishRemaining(
        topic: Int, payload: Int, properties: Int, qos: QoS, version: ProtocolVersion
    ) -> Int {
        2 + topic + (qos == .atMostOnce ? 0 : 2) + fieldSize(properties: properties, version: version) + payload
    }

    /// The size of a packet whose remaining length is `remaining`.
    @inline(__always)
    static func frameSize(remaining: Int) -> Int { 1 + VariableInteger.encodedSize(remaining) + remaining }

    /// The size of properties with their length; nothing before MQTT 5.
    @inline(__always)
    static func fieldSize(properties byteCount: Int, version: ProtocolVersion) -> Int {
        version == .v5 ? VariableInteger.encodedSize(byteCount) + byteCount : 0
    }

    /// Appends a string or binary data with its length.
    @inline(__always)
    static func append(field: Span<UInt8>, to buffer: inout ByteBuffer) {
        precondition(field.count <= UInt16.max)
        buffer.append(bigEndian: UInt16(truncatingIfNeeded: field.count))
        buffer.append(field)
    }

    @inline(__always)
    static func append(properties: Span<UInt8>, to buffer: inout ByteBuffer) {
        VariableInteger.append(properties.count, to: &buffer)
        buffer.append(properties)
    }
}
