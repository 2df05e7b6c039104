package import SluiceCore

/// An owned SUBACK.
package struct SubackPacket: Equatable, Sendable {
    /// The version of the connection.
    package var version: ProtocolVersion
    /// The SUBSCRIBE that is answered.
    package var packetID: PacketID
    /// One code for each filter, in order; every failure is written as 0x80 before MQTT 5.
    package var codes: [ReasonCode]
    /// Encoded properties without their length; ignored before MQTT 5.
    package var properties: [UInt8]

    /// A SUBACK from its parts.
    package init(version: ProtocolVersion, packetID: PacketID, codes: [ReasonCode], properties: [UInt8] = []) {
        self.version = version
        self.packetID = packetID
        self.codes = codes
        self.properties = properties
    }

    /// An owned copy of `view`, decoded from `bytes` of a connection of `version`.
    package init(_ view: Packet.ReasonList, in bytes: Span<UInt8>, version: ProtocolVersion) {
        self.init(
            version: version, packetID: view.packetID,
            codes: bytes.copy(view.codes).map { code in ReasonCode(rawValue: code) },
            properties: bytes.copy(view.properties))
    }

    /// The packet's size, all bytes counted.
    package var encodedSize: Int { PacketEncoder.frameSize(remaining: remaining) }

    /// Appends the packet.
    package func encode(into buffer: inout ByteBuffer) {
        let end = buffer.count + encodedSize
        precondition(packetID != .none && !codes.isEmpty)
        buffer.append(PacketType.suback.firstByte)
        VariableInteger.append(remaining, to: &buffer)
        buffer.append(bigEndian: packetID.rawValue)
        if version == .v5 { PacketEncoder.append(properties: properties.span, to: &buffer) }
        for code in codes {
            buffer.append(version == .v5 || !code.isFailure ? code.rawValue : ReasonCode.unspecifiedError.rawValue)
        }
        assert(buffer.count == end)
    }

    private var remaining: Int {
        2 + PacketEncoder.fieldSize(properties: properties.count, version: version) + codes.count
    }
}

/// An owned UNSUBACK.
package struct UnsubackPacket: Equatable, Sendable {
    /// The version of the connection.
    package var version: ProtocolVersion
    /// The UNSUBSCRIBE that is answered.
    package var packetID: PacketID
    /// One code for each filter, in order; not written before MQTT 5.
    package var codes: [ReasonCode]
    /// Encoded properties without their length; ignored before MQTT 5.
    package var properties: [UInt8]

    /// An UNSUBACK from its parts.
    package init(version: ProtocolVersion, packetID: PacketID, codes: [ReasonCode], properties: [UInt8] = []) {
        self.version = version
        self.packetID = packetID
        self.codes = codes
        self.properties = properties
    }

    /// An owned copy of `view`, decoded from `bytes` of a connection of `version`.
    package init(_ view: Packet.ReasonList, in bytes: Span<UInt8>, version: ProtocolVersion) {
        self.init(
            version: version, packetID: view.packetID,
            codes: bytes.copy(view.codes).map { code in ReasonCode(rawValue: code) },
            properties: bytes.copy(view.properties))
    }

    /// The packet's size, all bytes counted.
    package var encodedSize: Int { PacketEncoder.frameSize(remaining: remaining) }

    /// Appends the packet.
    package func encode(into buffer: inout ByteBuffer) {
        let end = buffer.count + encodedSize
        precondition(packetID != .none)
        buffer.append(PacketType.unsuback.firstByte)
        VariableInteger.append(remaining, to: &buffer)
        buffer.append(bigEndian: packetID.rawValue)
        if version == .v5 {
            PacketEncoder.append(properties: properties.span, to: &buffer)
            for code in codes { buffer.append(code.rawValue) }
        }
        assert(buffer.count == end)
    }

    private var remaining: Int {
        2 + PacketEncoder.fieldSize(properties: properties.count, version: version) + (version == .v5 ? codes.count : 0)
    }
}
