package import SluiceCore

/// An owned CONNECT: what a client sends, and a decoded one that must outlive its bytes.
package struct ConnectPacket: Equatable, Sendable {
    /// The version that the client speaks.
    package var version: ProtocolVersion
    /// Clean start in MQTT 5, clean session before.
    package var cleanStart: Bool
    /// Seconds of silence that the client promises not to exceed; 0 for no promise.
    package var keepAliveSeconds: UInt16
    /// The client identifier in UTF-8; empty to be given one.
    package var clientID: [UInt8]
    /// Whether the client says that it is another broker's bridge: bit 7 of the level, before MQTT 5.
    package var isBridge = false
    /// What to publish if the connection is lost.
    package var will: Will?
    /// The user name in UTF-8.
    package var userName: [UInt8]?
    /// The password.
    package var password: [UInt8]?
    /// Encoded properties without their length; ignored before MQTT 5.
    package var properties: [UInt8]

    /// A message that the server publishes when the connection is lost.
    package struct Will: Equatable, Sendable {
        /// The topic name in UTF-8.
        package var topic: [UInt8]
        /// The application's bytes.
        package var payload: [UInt8]
        /// The promise about delivery.
        package var qos: QoS
        /// Whether to keep it for later subscribers.
        package var retain: Bool
        /// Encoded properties without their length; ignored before MQTT 5.
        package var properties: [UInt8]

        /// A will from its parts.
        package init(topic: [UInt8], payload: [UInt8], qos: QoS, retain: Bool, properties: [UInt8] = []) {
            self.topic = topic
            self.payload = payload
            self.qos = qos
            self.retain = retain
            self.properties = properties
        }
    }

    /// A CONNECT from its parts.
    package init(
        version: ProtocolVersion, clientID: [UInt8], cleanStart: Bool = true, keepAliveSeconds: UInt16 = 0,
        will: Will? = nil, userName: [UInt8]? = nil, password: [UInt8]? = nil, properties: [UInt8] = []
    ) {
        self.version = version
        self.clientID = clientID
        self.cleanStart = cleanStart
        self.keepAliveSeconds = keepAliveSeconds
        self.will = will
        self.userName = userName
        self.password = password
        self.properties = properties
    }

    /// An owned copy of `view`, decoded from `bytes`.
    package init(_ view: Packet.Connect, in bytes: Span<UInt8>) {
        self.init(
            version: view.version, clientID: bytes.copy(view.clientID), cleanStart: view.cleanStart,
            keepAliveSeconds: view.keepAliveSeconds, properties: bytes.copy(view.properties))
        isBridge = view.isBridge
        if view.hasUserName { userName = bytes.copy(view.userName) }
        if view.hasPassword { password = bytes.copy(view.password) }
        if view.hasWill {
            will = Will(
                topic: bytes.copy(view.willTopic), payload: bytes.copy(view.willPayload), qos: view.willQoS,
                retain: view.willRetain, properties: bytes.copy(view.willProperties))
        }
    }

    /// The packet's size, all bytes counted.
    package var encodedSize: Int { PacketEncoder.frameSize(remaining: remaining) }

    /// Appends the packet.
    package func encode(into buffer: inout ByteBuffer) {
        let end = buffer.count + encodedSize
        buffer.append(PacketType.connect.firstByte)
        VariableInteger.append(remaining, to: &buffer)
        let name = version.protocolName.description
        buffer.append(bigEndian: UInt16(name.utf8.count))
        buffer.append(utf8: name)
        buffer.append(version.rawValue | (isBridge ? 0x80 : 0))
        buffer.append(flags.rawValue)
        buffer.append(bigEndian: keepAliveSeconds)
        if version == .v5 { PacketEncoder.append(properties: properties.span, to: &buffer) }
        PacketEncoder.append(field: clientID.span, to: &buffer)
        if let will {
            if version == .v5 { PacketEncoder.append(properties: will.properties.span, to: &buffer) }
            PacketEncoder.append(field: will.topic.span, to: &buffer)
            PacketEncoder.append(field: will.payload.span, to: &buffer)
        }
        if let userName { PacketEncoder.append(field: userName.span, to: &buffer) }
        if let password { PacketEncoder.append(field: password.span, to: &buffer) }
        assert(buffer.count == end)
    }

    private var remaining: Int {
        var size = 2 + version.protocolName.utf8CodeUnitCount + 4
        size += PacketEncoder.fieldSize(properties: properties.count, version: version)
        size += 2 + clientID.count
        if let will {
            size += PacketEncoder.fieldSize(properties: will.properties.count, version: version)
            size += 4 + will.topic.count + will.payload.count
        }
        if let userName { size += 2 + userName.count }
        if let password { size += 2 + password.count }
        return size
    }

    private var flags: ConnectFlags {
        var flags: ConnectFlags = cleanStart ? .cleanStart : []
        if let will {
            flags.insert(.will)
            flags.formUnion(ConnectFlags(rawValue: will.qos.rawValue << 3))
            if will.retain { flags.insert(.willRetain) }
        }
        if userName != nil { flags.insert(.userName) }
        if password != nil { flags.insert(.password) }
        return flags
    }
}
