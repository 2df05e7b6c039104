package import SluiceCore

/// An owned CONNACK.
package struct ConnackPacket: Equatable, Sendable {
    /// The version of the connection.
    package var version: ProtocolVersion
    /// Whether the server has state of this session; not told before MQTT 3.1.1.
    package var sessionPresent: Bool
    /// The reason code of MQTT 5, the return code of 3.1 and 3.1.1.
    package var code: UInt8
    /// Encoded properties without their length; ignored before MQTT 5.
    package var properties: [UInt8]

    /// A CONNACK from its parts; `reason` is translated to a return code before MQTT 5.
    package init(
        version: ProtocolVersion, sessionPresent: Bool = false, reason: ReasonCode = .success, properties: [UInt8] = []
    ) {
        precondition(!sessionPresent || reason == .success)
        self.version = version
        self.sessionPresent = sessionPresent && version != .v31
        code = version == .v5 ? reason.rawValue : reason.version3ReturnCode
        self.properties = properties
    }

    /// An owned copy of `view`, decoded from `bytes` of a connection of `version`.
    package init(_ view: Packet.Connack, in bytes: Span<UInt8>, version: ProtocolVersion) {
        self.version = version
        sessionPresent = view.sessionPresent
        code = view.code
        properties = bytes.copy(view.properties)
    }

    /// The packet's size, all bytes counted.
    package var encodedSize: Int { PacketEncoder.frameSize(remaining: remaining) }

    /// Appends the packet.
    package func encode(into buffer: inout ByteBuffer) {
        let end = buffer.count + encodedSize
        buffer.append(PacketType.connack.firstByte)
        VariableInteger.append(remaining, to: &buffer)
        buffer.append(sessionPresent ? 1 : 0)
        buffer.append(code)
        if version == .v5 { PacketEncoder.append(properties: properties.span, to: &buffer) }
        assert(buffer.count == end)
    }

    private var remaining: Int { 2 + PacketEncoder.fieldSize(properties: properties.count, version: version) }
}
