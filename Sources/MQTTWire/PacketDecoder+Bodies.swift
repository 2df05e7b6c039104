import SluiceCore

/// The bodies of the packets that are not PUBLISH.
extension PacketDecoder {
    /// Reads PUBACK, PUBREC, PUBREL or PUBCOMP: two bytes, and in MQTT 5 a reason and properties that may be left out.
    ///
    /// Source: MQTT 5.0 §3.4.2.1.
    func acknowledgement(
        _ reader: inout ByteReader, _ kind: AcknowledgementKind
    ) throws(MQTTDecodeError) -> Packet.Acknowledgement {
        let packetID = try reader.readPacketID()
        var packet = Packet.Acknowledgement(kind: kind, packetID: packetID, reason: .success, properties: .empty)
        guard version == .v5, reader.remaining > 0 else { return packet }
        packet.reason = try reason(&reader, of: kind.packetType)
        if reader.remaining > 0 { packet.properties = try properties(&reader, at: kind.place) }
        return packet
    }

    /// Reads CONNECT behind its protocol level.
    ///
    /// Source: MQTT 5.0 §3.1; what 3.1 does not know is taken as mosquitto takes it.
    mutating func connect(_ reader: inout ByteReader) throws(MQTTDecodeError) -> Packet.Connect {
        let flagsIndex = reader.position
        let flags = ConnectFlags(rawValue: try reader.readUInt8())
        if let flaw = flags.flaw(in: version) { throw reader.error(flaw, at: flagsIndex) }
        let keepAliveSeconds = try reader.readUInt16()
        var packet = Packet.Connect(
            clientID: .empty, properties: .empty, willTopic: .empty, willPayload: .empty, willProperties: .empty,
            userName: .empty, password: .empty, keepAliveSeconds: keepAliveSeconds, version: version,
            willQoS: flags.willQoS ?? .atMostOnce, cleanStart: flags.contains(.cleanStart),
            hasWill: flags.contains(.will), willRetain: flags.contains([.will, .willRetain]),
            hasUserName: flags.contains(.userName), hasPassword: flags.contains(.password))
        packet.isBridge = isBridge
        packet.properties = try properties(&reader, at: .connect)
        var table = PropertyReader(reader.bytes, packet.properties)
        while let property = table.next() {
            if property.id == .maximumPacketSize, let value = property.integer { packetSizeMax = value }
        }
        packet.clientID = try reader.readString()
        if packet.hasWill { try readWill(&reader, into: &packet) }
        // MQTT 3.1 lets a client set the two flags and end the packet before the fields.
        if version == .v31, reader.remaining == 0 { packet.hasUserName = false }
        if packet.hasUserName { packet.userName = try reader.readString() }
        if version == .v31, reader.remaining == 0 { packet.hasPassword = false }
        if packet.hasPassword { packet.password = try reader.readBinary() }
        return packet
    }

    private func readWill(_ reader: inout ByteReader, into packet: inout Packet.Connect) throws(MQTTDecodeError) {
        packet.willProperties = try properties(&reader, at: .will)
        packet.willTopic = try reader.readString()
        do {
            try TopicSyntax.validateName(reader.bytes.extracting(packet.willTopic), bounds: topicBounds)
        } catch {
            throw reader.error(error.cause, at: packet.willTopic.indices.lowerBound + error.offset)
        }
        packet.willPayload = try reader.readBinary()
    }

    /// Reads CONNACK, checking the code against those of the version.
    func connack(_ reader: inout ByteReader) throws(MQTTDecodeError) -> Packet.Connack {
        let flags = try reader.readUInt8()
        let code = try reader.readUInt8()
        // MQTT 3.1 has no session present flag, and its byte is reserved without a value.
        guard version == .v31 || flags <= 1 && (flags == 0 || code == 0) else {
            throw reader.error(.connackFlagsInvalid, at: reader.position - 2)
        }
        let isDefined =
            switch version {
            case .v31, .v311: code <= 5
            case .v5: ReasonCode(rawValue: code).isDefined(for: .connack)
            }
        guard isDefined else { throw reader.error(.reasonCodeUndefined, at: reader.position - 1) }
        return Packet.Connack(
            sessionPresent: flags & 1 != 0 && version != .v31, code: code,
            properties: try properties(&reader, at: .connack))
    }

    /// Reads SUBSCRIBE and checks every filter and its options.
    func subscribe(_ reader: inout ByteReader) throws(MQTTDecodeError) -> Packet.Subscribe {
        let packetID = try reader.readPacketID()
        let properties = try properties(&reader, at: .subscribe)
        let start = reader.position
        var filterCount: UInt32 = 0
        while reader.remaining > 0 {
            let filter = reader.bytes.extracting(try readFilter(&reader))
            let options = SubscriptionOptions(rawValue: try reader.readUInt8())
            if let flaw = options.flaw(in: version, isShared: TopicSyntax.isShared(filter)) {
                throw reader.error(flaw, at: reader.position - 1)
            }
            filterCount += 1
        }
        guard filterCount > 0 else { throw reader.error(.subscribeEmpty) }
        return Packet.Subscribe(
            packetID: packetID, properties: properties,
            filters: ByteRange(start: start, byteCount: reader.position - start), filterCount: filterCount)
    }

    /// Reads UNSUBSCRIBE and checks every filter.
    func unsubscribe(_ reader: inout ByteReader) throws(MQTTDecodeError) -> Packet.Unsubscribe {
        let packetID = try reader.readPacketID()
        let properties = try properties(&reader, at: .unsubscribe)
        let start = reader.position
        var filterCount: UInt32 = 0
        while reader.remaining > 0 {
            _ = try readFilter(&reader)
            filterCount += 1
        }
        guard filterCount > 0 else { throw reader.error(.unsubscribeEmpty) }
        return Packet.Unsubscribe(
            packetID: packetID, properties: properties,
            filters: ByteRange(start: start, byteCount: reader.position - start), filterCount: filterCount)
    }

    private func readFilter(_ reader: inout ByteReader) throws(MQTTDecodeError) -> ByteRange {
        let filter = try reader.readBinary()
        do {
            try TopicSyntax.validateFilter(reader.bytes.extracting(filter), bounds: topicBounds)
        } catch {
            throw reader.error(error.cause, at: filter.indices.lowerBound + error.offset)
        }
        return filter
    }

    /// Reads SUBACK or UNSUBACK.
    func reasonList(
        _ reader: inout ByteReader, _ type: PacketType
    ) throws(MQTTDecodeError) -> Packet.ReasonList {
        assert(type == .suback || type == .unsuback)
        let packetID = try reader.readPacketID()
        let properties = try properties(&reader, at: type == .suback ? .suback : .unsuback)
        // Before MQTT 5 UNSUBACK ends here, and whatever follows is left over.
        guard version == .v5 || type == .suback else {
            return Packet.ReasonList(packetID: packetID, properties: properties, codes: .empty)
        }
        let codes = try reader.readBytes(reader.remaining)
        guard !codes.isEmpty else { throw reader.error(.packetTruncated) }
        for index in codes.indices {
            let code = reader.bytes[index]
            let isDefined =
                switch version {
                case .v31, .v311: code <= 2 || code == 0x80
                case .v5: ReasonCode(rawValue: code).isDefined(for: type)
                }
            guard isDefined else { throw reader.error(.reasonCodeUndefined, at: index) }
        }
        return Packet.ReasonList(packetID: packetID, properties: properties, codes: codes)
    }

    /// Reads DISCONNECT: empty before MQTT 5, and in it for success without properties.
    func disconnect(_ reader: inout ByteReader) throws(MQTTDecodeError) -> Packet.Reason {
        var packet = Packet.Reason(reason: .success, properties: .empty)
        guard version == .v5, reader.remaining > 0 else { return packet }
        packet.reason = try reason(&reader, of: .disconnect)
        guard reader.remaining > 0 else { return packet }
        packet.properties = try properties(&reader, at: side == .server ? .disconnectToServer : .disconnectToClient)
        return packet
    }

    /// Reads AUTH: empty for success, otherwise with a method.
    func auth(_ reader: inout ByteReader) throws(MQTTDecodeError) -> Packet.Reason {
        guard reader.remaining > 0 else { return Packet.Reason(reason: .success, properties: .empty) }
        let reason = try reason(&reader, of: .auth)
        let properties = try properties(&reader, at: .auth)
        guard !properties.isEmpty else { throw reader.error(.authenticationMethodMissing) }
        return Packet.Reason(reason: reason, properties: properties)
    }

    private func reason(_ reader: inout ByteReader, of type: PacketType) throws(MQTTDecodeError) -> ReasonCode {
        let reason = ReasonCode(rawValue: try reader.readUInt8())
        guard reason == .success || reason.isDefined(for: type) else {
            throw reader.error(.reasonCodeUndefined, at: reader.position - 1)
        }
        return reason
    }

    /// Reads and checks the properties at `place`; before MQTT 5 there are none, not even their length.
    private func properties(
        _ reader: inout ByteReader, at place: PropertyPlaces
    ) throws(MQTTDecodeError) -> ByteRange {
        guard version == .v5 else { return .empty }
        return try reader.readProperties(at: place, userPropertiesMax: userPropertiesMax).range
    }
}

/// The byte of CONNECT that says which fields follow.
///
/// Source: MQTT 5.0 §3.1.2.3.
struct ConnectFlags: OptionSet {
    var rawValue: UInt8

    static let reserved = ConnectFlags(rawValue: 1 << 0)
    static let cleanStart = ConnectFlags(rawValue: 1 << 1)
    static let will = ConnectFlags(rawValue: 1 << 2)
    static let willRetain = ConnectFlags(rawValue: 1 << 5)
    static let password = ConnectFlags(rawValue: 1 << 6)
    static let userName = ConnectFlags(rawValue: 1 << 7)

    /// The will's QoS, nil for 3.
    var willQoS: QoS? { QoS(rawValue: rawValue >> 3 & 3) }

    /// The first rule that the flags break in `version`.
    func flaw(in version: ProtocolVersion) -> MQTTDecodeError.Cause? {
        if willQoS == nil { return .willQoSInvalid }
        if version != .v5, contains(.password), !contains(.userName) { return .passwordWithoutUserName }
        guard version != .v31 else { return nil }
        if contains(.reserved) { return .connectFlagReserved }
        if !contains(.will), contains(.willRetain) || willQoS != .atMostOnce { return .willFlagsWithoutWill }
        return nil
    }
}
