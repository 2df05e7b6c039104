package import SluiceCore

/// An owned SUBSCRIBE.
package struct SubscribePacket: Equatable, Sendable {
    /// The version of the connection.
    package var version: ProtocolVersion
    /// What SUBACK will refer to.
    package var packetID: PacketID
    /// What is asked for, in order.
    package var filters: [Request]
    /// Encoded properties without their length; ignored before MQTT 5.
    package var properties: [UInt8]

    /// One filter and its options.
    package struct Request: Equatable, Sendable {
        /// The topic filter in UTF-8.
        package var filter: [UInt8]
        /// What the client wants of it.
        package var options: SubscriptionOptions

        /// A request from its parts.
        package init(filter: [UInt8], options: SubscriptionOptions) {
            self.filter = filter
            self.options = options
        }
    }

    /// A SUBSCRIBE from its parts.
    package init(version: ProtocolVersion, packetID: PacketID, filters: [Request], properties: [UInt8] = []) {
        self.version = version
        self.packetID = packetID
        self.filters = filters
        self.properties = properties
    }

    /// An owned copy of `view`, decoded from `bytes` of a connection of `version`.
    package init(_ view: Packet.Subscribe, in bytes: Span<UInt8>, version: ProtocolVersion) {
        self.init(
            version: version, packetID: view.packetID, filters: [], properties: bytes.copy(view.properties))
        var reader = SubscriptionReader(bytes, view)
        while let (filter, options) = reader.next() {
            filters.append(Request(filter: bytes.copy(filter), options: options))
        }
    }

    /// The packet's size, all bytes counted.
    package var encodedSize: Int { PacketEncoder.frameSize(remaining: remaining) }

    /// Appends the packet.
    package func encode(into buffer: inout ByteBuffer) {
        let end = buffer.count + encodedSize
        precondition(packetID != .none && !filters.isEmpty)
        buffer.append(PacketType.subscribe.firstByte)
        VariableInteger.append(remaining, to: &buffer)
        buffer.append(bigEndian: packetID.rawValue)
        if version == .v5 { PacketEncoder.append(properties: properties.span, to: &buffer) }
        for request in filters {
            PacketEncoder.append(field: request.filter.span, to: &buffer)
            buffer.append(version == .v5 ? request.options.rawValue : request.options.qos.rawValue)
        }
        assert(buffer.count == end)
    }

    private var remaining: Int {
        filters.reduce(2 + PacketEncoder.fieldSize(properties: properties.count, version: version)) { size, request in
            size + 3 + request.filter.count
        }
    }
}

/// An owned UNSUBSCRIBE.
package struct UnsubscribePacket: Equatable, Sendable {
    /// The version of the connection.
    package var version: ProtocolVersion
    /// What UNSUBACK will refer to.
    package var packetID: PacketID
    /// The topic filters in UTF-8, in order.
    package var filters: [[UInt8]]
    /// Encoded properties without their length; ignored before MQTT 5.
    package var properties: [UInt8]

    /// An UNSUBSCRIBE from its parts.
    package init(version: ProtocolVersion, packetID: PacketID, filters: [[UInt8]], properties: [UInt8] = []) {
        self.version = version
        self.packetID = packetID
        self.filters = filters
        self.properties = properties
    }

    /// An owned copy of `view`, decoded from `bytes` of a connection of `version`.
    package init(_ view: Packet.Unsubscribe, in bytes: Span<UInt8>, version: ProtocolVersion) {
        self.init(
            version: version, packetID: view.packetID, filters: [], properties: bytes.copy(view.properties))
        var reader = FilterReader(bytes, view)
        while let filter = reader.next() { filters.append(bytes.copy(filter)) }
    }

    /// The packet's size, all bytes counted.
    package var encodedSize: Int { PacketEncoder.frameSize(remaining: remaining) }

    /// Appends the packet.
    package func encode(into buffer: inout ByteBuffer) {
        let end = buffer.count + encodedSize
        precondition(packetID != .none && !filters.isEmpty)
        buffer.append(PacketType.unsubscribe.firstByte)
        VariableInteger.append(remaining, to: &buffer)
        buffer.append(bigEndian: packetID.rawValue)
        if version == .v5 { PacketEncoder.append(properties: properties.span, to: &buffer) }
        for filter in filters { PacketEncoder.append(field: filter.span, to: &buffer) }
        assert(buffer.count == end)
    }

    private var remaining: Int {
        filters.reduce(2 + PacketEncoder.fieldSize(properties: properties.count, version: version)) { size, filter in
            size + 2 + filter.count
        }
    }
}
