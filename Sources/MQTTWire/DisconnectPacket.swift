package import SluiceCore

/// An owned DISCONNECT, in its shortest form: two bytes before MQTT 5 and for success without properties.
package struct DisconnectPacket: Equatable, Sendable {
    /// The version of the connection; only a client sends DISCONNECT before MQTT 5.
    package var version: ProtocolVersion
    /// Why; not written before MQTT 5.
    package var reason: ReasonCode
    /// Encoded properties without their length; ignored before MQTT 5.
    package var properties: [UInt8]

    /// A DISCONNECT from its parts.
    package init(version: ProtocolVersion, reason: ReasonCode = .success, properties: [UInt8] = []) {
        self.version = version
        self.reason = reason
        self.properties = properties
    }

    /// An owned copy of `view`, decoded from `bytes` of a connection of `version`.
    package init(_ view: Packet.Reason, in bytes: Span<UInt8>, version: ProtocolVersion) {
        self.init(version: version, reason: view.reason, properties: bytes.copy(view.properties))
    }

    /// The packet's size, all bytes counted.
    package var encodedSize: Int { PacketEncoder.frameSize(remaining: remaining) }

    /// Appends the packet.
    package func encode(into buffer: inout ByteBuffer) {
        let end = buffer.count + encodedSize
        let remaining = remaining
        buffer.append(PacketType.disconnect.firstByte)
        VariableInteger.append(remaining, to: &buffer)
        if remaining > 0 { buffer.append(reason.rawValue) }
        if remaining > 1 { PacketEncoder.append(properties: properties.span, to: &buffer) }
        assert(buffer.count == end)
    }

    private var remaining: Int {
        guard version == .v5, reason != .success || !properties.isEmpty else { return 0 }
        return properties.isEmpty ? 1 : 1 + PacketEncoder.fieldSize(properties: properties.count, version: version)
    }
}

/// An owned AUTH, MQTT 5 only.
package struct AuthPacket: Equatable, Sendable {
    /// Success, continue, or authenticate again.
    package var reason: ReasonCode
    /// Encoded properties without their length; an authentication method must be among them unless the packet is empty.
    package var properties: [UInt8]

    /// An AUTH from its parts.
    package init(reason: ReasonCode, properties: [UInt8]) {
        self.reason = reason
        self.properties = properties
    }

    /// An owned copy of `view`, decoded from `bytes`.
    package init(_ view: Packet.Reason, in bytes: Span<UInt8>) {
        self.init(reason: view.reason, properties: bytes.copy(view.properties))
    }

    /// The packet's size, all bytes counted.
    package var encodedSize: Int { PacketEncoder.frameSize(remaining: remaining) }

    /// Appends the packet.
    package func encode(into buffer: inout ByteBuffer) {
        let end = buffer.count + encodedSize
        let remaining = remaining
        buffer.append(PacketType.auth.firstByte)
        VariableInteger.append(remaining, to: &buffer)
        if remaining > 0 {
            buffer.append(reason.rawValue)
            PacketEncoder.append(properties: properties.span, to: &buffer)
        }
        assert(buffer.count == end)
    }

    private var remaining: Int {
        guard reason != .success || !properties.isEmpty else { return 0 }
        return 1 + PacketEncoder.fieldSize(properties: properties.count, version: .v5)
    }
}
