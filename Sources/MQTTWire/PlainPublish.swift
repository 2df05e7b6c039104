import SluiceCore

/// A PUBLISH with nothing special, as `PacketDecoder.plainPublish` finds it: indices of the decoded bytes.
@usableFromInline package struct PlainPublish: Sendable, BitwiseCopyable {
    /// Where the topic name starts; its characters are not validated.
    @usableFromInline package let topicStart: Int
    /// Bytes of the topic name, at least one.
    @usableFromInline package let topicByteCount: Int
    /// Where the payload starts.
    @usableFromInline package let payloadStart: Int
    /// Where the packet ends, and the payload with it.
    @usableFromInline package let end: Int
    /// The promise about delivery.
    @usableFromInline package let qos: QoS
    /// The packet identifier; `.none` at QoS 0.
    @usableFromInline package let packetID: PacketID

    @inlinable
    init(topicStart: Int, topicByteCount: Int, payloadStart: Int, end: Int, qos: QoS, packetID: PacketID) {
        self.topicStart = topicStart
        self.topicByteCount = topicByteCount
        self.payloadStart = payloadStart
        self.end = end
        self.qos = qos
        self.packetID = packetID
    }
}

extension PacketDecoder {
    /// Decodes the packet at `offset` if it is a whole PUBLISH of QoS 0 or 1 without RETAIN, DUP, properties or alias.
    ///
    /// Nearly every message of a sensor is one. Decoding it here, where it is used, keeps its parts in registers: handed through
    /// `DecodeStep` and `SessionAction` they cost 40 ns more of a 16-byte publish, most of it in loads that wait for narrower stores.
    /// - Returns: nil for every other packet, good or bad: `decode` has the say about it.
    @inlinable @inline(__always)
    package func plainPublish(_ bytes: Span<UInt8>, from offset: Int) -> PlainPublish? {
        let available = bytes.count - offset
        guard available >= 8, headerByteCount == 0, !awaitsConnect else { return nil }
        let firstByte = bytes[offset]
        guard firstByte & 0b1111_1101 == 0b0011_0000 else { return nil }
        var remaining = Int(bytes[offset + 1])
        var index = offset + 2
        if remaining >= 0x80 {
            let second = Int(bytes[offset + 2])
            guard second < 0x80, second > 0 else { return nil }
            remaining = remaining & 0x7F | second << 7
            index = offset + 3
        }
        let end = index + remaining
        guard end <= bytes.count, end - offset <= packetBytesMax else { return nil }
        let topicByteCount = Int(bytes[index]) << 8 | Int(bytes[index + 1])
        let topicStart = index + 2
        index = topicStart + topicByteCount
        let isAcknowledged = firstByte & 0b10 != 0
        var headerEnd = index
        if isAcknowledged { headerEnd += 2 }
        if case .v5 = version { headerEnd += 1 }
        guard topicByteCount > 0, headerEnd <= end else { return nil }
        var packetID: UInt16 = 0
        if isAcknowledged {
            packetID = UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
            guard packetID != 0 else { return nil }
        }
        if case .v5 = version { guard bytes[headerEnd - 1] == 0 else { return nil } }
        return PlainPublish(
            topicStart: topicStart, topicByteCount: topicByteCount, payloadStart: headerEnd, end: end,
            qos: isAcknowledged ? .atLeastOnce : .atMostOnce, packetID: PacketID(rawValue: packetID))
    }
}
