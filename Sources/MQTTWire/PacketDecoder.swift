package import SluiceCore

/// What came of looking at received bytes.
package enum DecodeStep: Equatable, Sendable, BitwiseCopyable {
    /// The packet is not complete: call again when at least `byteCount` bytes follow the same offset.
    case needsMore(byteCount: Int)
    /// A packet; the next one starts at index `end` of the same span.
    case packet(Packet, end: Int)
}

/// Finds and checks one packet after another in received bytes.
///
/// A packet is examined when its header is there and again when its last byte is: between the two, `decode` compares
/// two numbers. (An incomplete remaining length is read again, at most three bytes.) Nothing is allocated at any
/// size.
///
/// Everything is checked that one packet tells by itself: lengths, flags, direction, UTF-8, properties, filters, the
/// will's topic. Two things are not: the characters of a PUBLISH's topic name, which `TopicSyntax.validateName`
/// checks once for each name, and the order of packets after CONNECT, which the session knows.
///
/// Isolation: a value with one owner. After an error it must not be used again.
@usableFromInline package struct PacketDecoder: Sendable {
    /// The version that packets are read and must be answered in. The server side sets it when it reads a CONNECT's
    /// protocol level; for a level of the future, too, so that the refusal has a form its sender knows. The client
    /// side's owner sets it.
    @usableFromInline package var version: ProtocolVersion = .v311

    /// Bytes from the packet's first byte that the next examination needs.
    @usableFromInline var wantedByteCount = Self.headerByteCountMin
    /// The size of the first byte and the remaining length; 0 while it is not known.
    @usableFromInline var headerByteCount = 0
    /// Whether the client said with its protocol level that it is another broker's bridge.
    private(set) var isBridge = false
    /// The largest packet that a client takes, as far as its CONNECT was read: it holds for the refusal of one that
    /// goes wrong later, too.
    package internal(set) var packetSizeMax = UInt32.max
    /// Whether the first packet is still to come, which must be CONNECT.
    @usableFromInline var awaitsConnect: Bool

    let side: Side
    private(set) var topicBounds: TopicBounds
    private(set) var userPropertiesMax: Int
    /// Holds for CONNECT too: a will makes one as long as a PUBLISH may be, and waiting for it costs no memory here.
    @usableFromInline private(set) var packetBytesMax: Int

    @usableFromInline static let headerByteCountMin = 2

    /// A decoder of what `side` receives, at the start of a connection.
    package init(side: Side, limits: Limits = Limits()) {
        self.side = side
        awaitsConnect = side == .server
        topicBounds = TopicBounds(limits)
        userPropertiesMax = limits.userPropertiesMax
        packetBytesMax = limits.packetBytesMax
    }

    /// Other limits hold for the packets that come from now on.
    package mutating func follow(_ limits: Limits) {
        topicBounds = TopicBounds(limits)
        userPropertiesMax = limits.userPropertiesMax
        packetBytesMax = limits.packetBytesMax
    }

    /// The size that the first bytes of the packet under way announce, as far as they were read.
    package var announcedByteCount: Int { wantedByteCount }

    /// Examines the packet that starts at index `offset` of `bytes`.
    ///
    /// - Parameters:
    ///   - bytes: received bytes; those from `offset` on must be the ones of the previous call and what came since,
    ///     though they may lie at another offset.
    ///   - offset: the packet's first byte.
    /// - Returns: a packet whose ranges are indices of `bytes`, or how many bytes it needs: more than there are.
    /// - Throws: what is wrong; the connection must be closed.
    /// - Complexity: O(1) for PUBLISH without properties and for acknowledgements, otherwise O(bytes); no allocation.
    package mutating func decode(
        _ bytes: Span<UInt8>, from offset: Int
    ) throws(MQTTDecodeError) -> DecodeStep {
        precondition(offset >= 0 && offset <= bytes.count)
        let available = bytes.count - offset
        guard available >= wantedByteCount else { return .needsMore(byteCount: wantedByteCount) }
        if headerByteCount == 0 {
            try readHeader(bytes, from: offset)
            guard available >= wantedByteCount else { return .needsMore(byteCount: wantedByteCount) }
        }
        let end = offset + wantedByteCount
        let bodyStart = offset + headerByteCount
        headerByteCount = 0
        wantedByteCount = Self.headerByteCountMin
        let reader = ByteReader(
            bytes, base: offset, position: bodyStart, end: end, takesControls: side == .client)
        let firstByte = bytes[offset]
        if firstByte >> 4 == PacketType.publish.rawValue {
            return .packet(.publish(try publish(reader, flags: firstByte)), end: end)
        }
        return .packet(try packet(reader, firstByte: firstByte), end: end)
    }

    /// Learns the packet's size, or how many bytes of the header are missing.
    @inline(__always)
    private mutating func readHeader(_ bytes: Span<UInt8>, from offset: Int) throws(MQTTDecodeError) {
        let firstByte = bytes[offset]
        if awaitsConnect || firstByte >> 4 != PacketType.publish.rawValue { try checkType(firstByte) }
        let lengthByte = bytes[offset + 1]
        if lengthByte < 0x80 {
            headerByteCount = Self.headerByteCountMin
            wantedByteCount = Self.headerByteCountMin + Int(lengthByte)
        } else {
            try readLongLength(bytes, from: offset)
            guard headerByteCount > 0 else { return }
        }
        guard wantedByteCount <= packetBytesMax else { throw MQTTDecodeError(.packetTooLarge, at: 1) }
    }

    /// Reads a remaining length of two to four bytes.
    ///
    /// MQTT 3.1.1 does not forbid longer forms than needed, and small devices reserve a fixed number of bytes, so only
    /// MQTT 5 refuses them.
    private mutating func readLongLength(_ bytes: Span<UInt8>, from offset: Int) throws(MQTTDecodeError) {
        var length = 0
        for count in 1...4 {
            guard offset + count < bytes.count else {
                wantedByteCount = count + 1
                return
            }
            let byte = bytes[offset + count]
            length |= Int(byte & 0x7F) << (7 * (count - 1))
            guard byte < 0x80 else { continue }
            guard byte != 0 || version != .v5 else { throw MQTTDecodeError(.variableIntegerMalformed, at: 1) }
            headerByteCount = 1 + count
            wantedByteCount = 1 + count + length
            return
        }
        throw MQTTDecodeError(.remainingLengthTooLong, at: 4)
    }

    /// Refuses what can be refused by the first byte, before its sender can make us wait for a body.
    private func checkType(_ firstByte: UInt8) throws(MQTTDecodeError) {
        guard let type = PacketType(rawValue: firstByte >> 4) else { throw MQTTDecodeError(.packetTypeReserved, at: 0) }
        if side == .server {
            guard awaitsConnect == (type == .connect) else {
                throw MQTTDecodeError(awaitsConnect ? .connectExpected : .connectRepeated, at: 0)
            }
            // The version that decides about flags is in the body.
            if awaitsConnect { return }
        }
        guard type.isReceivable(by: side, version: version) else {
            throw MQTTDecodeError(type == .auth ? .packetTypeReserved : .packetFromWrongSide, at: 0)
        }
        try checkFlags(type, firstByte)
    }

    private func checkFlags(_ type: PacketType, _ firstByte: UInt8) throws(MQTTDecodeError) {
        guard let reserved = type.reservedFlags, reserved != firstByte & 0x0F else { return }
        guard version == .v31 && type.ignoresFlagsInVersion31 else { throw MQTTDecodeError(.flagsReserved, at: 0) }
    }

    /// Reads a PUBLISH: a few branches unless it has properties.
    @inline(__always)
    private func publish(
        _ source: consuming ByteReader, flags: UInt8
    ) throws(MQTTDecodeError) -> Packet.Publish {
        var reader = source
        guard let qos = QoS(rawValue: flags >> 1 & 3) else { throw MQTTDecodeError(.qosInvalid, at: 0) }
        let duplicate = flags & 0b1000 != 0
        guard !duplicate || qos != .atMostOnce else { throw MQTTDecodeError(.duplicateWithoutQoS, at: 0) }
        let topic = try reader.readBinary()
        let packetID = qos == .atMostOnce ? PacketID.none : try reader.readPacketID()
        var properties = ByteRange.empty
        var topicAlias: UInt16 = 0
        if version == .v5 {
            let place: PropertyPlaces = side == .server ? .publishToServer : .publishToClient
            (properties, topicAlias) = try reader.readProperties(at: place, userPropertiesMax: userPropertiesMax)
        }
        guard !topic.isEmpty || topicAlias != 0 else {
            let cause: MQTTDecodeError.Cause = version == .v5 ? .topicNameAndAliasMissing : .topicNameEmpty
            throw reader.error(cause, at: topic.indices.lowerBound - 2)
        }
        return Packet.Publish(
            topic: topic, payload: ByteRange(start: reader.position, byteCount: reader.remaining),
            properties: properties, packetID: packetID, topicAlias: topicAlias, qos: qos, retain: flags & 1 != 0,
            duplicate: duplicate)
    }

    /// Reads the body of everything but PUBLISH.
    private mutating func packet(_ source: consuming ByteReader, firstByte: UInt8) throws(MQTTDecodeError) -> Packet {
        var reader = source
        guard let type = PacketType(rawValue: firstByte >> 4) else { throw reader.error(.packetTypeReserved) }
        let packet: Packet
        switch type {
        case .puback: packet = .acknowledgement(try acknowledgement(&reader, .puback))
        case .pubrec: packet = .acknowledgement(try acknowledgement(&reader, .pubrec))
        case .pubrel: packet = .acknowledgement(try acknowledgement(&reader, .pubrel))
        case .pubcomp: packet = .acknowledgement(try acknowledgement(&reader, .pubcomp))
        case .pingreq: packet = .pingRequest
        case .pingresp: packet = .pingResponse
        case .subscribe: packet = .subscribe(try subscribe(&reader))
        case .unsubscribe: packet = .unsubscribe(try unsubscribe(&reader))
        case .suback: packet = .suback(try reasonList(&reader, .suback))
        case .unsuback: packet = .unsuback(try reasonList(&reader, .unsuback))
        case .disconnect: packet = .disconnect(try disconnect(&reader))
        case .auth: packet = .auth(try auth(&reader))
        case .connack: packet = .connack(try connack(&reader))
        case .connect:
            version = try protocolVersion(&reader)
            try checkFlags(.connect, firstByte)
            packet = .connect(try connect(&reader))
            awaitsConnect = false
        case .publish: preconditionFailure("Cannot read a PUBLISH here: decode() did")
        }
        try reader.finish()
        return packet
    }

    /// Reads the protocol name and level; a level of the future sets `version` to the latest form before it throws.
    private mutating func protocolVersion(_ reader: inout ByteReader) throws(MQTTDecodeError) -> ProtocolVersion {
        let start = reader.position
        let name = reader.bytes.extracting(try reader.readBinary())
        let isOld = name.equals(ProtocolVersion.v31.protocolName)
        guard isOld || name.equals(ProtocolVersion.v5.protocolName) else {
            throw reader.error(.protocolNameUnknown, at: start)
        }
        let level = try reader.readUInt8()
        // Bit 7 marks a mosquitto bridge, before MQTT 5.
        isBridge = level == 0x83 || level == 0x84
        if let version = ProtocolVersion(rawValue: isBridge ? level & 0x7F : level), isOld == (version == .v31) {
            return version
        }
        if level > ProtocolVersion.v5.rawValue, level < 0x80 { version = .v5 }
        throw reader.error(.protocolLevelUnsupported, at: reader.position - 1)
    }
}

extension Span where Element == UInt8 {
    /// Whether the bytes are those of `text`.
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { expected in
            for index in expected.indices where unsafe self[index] != expected[index] { return false }
            return true
        }
    }
}
