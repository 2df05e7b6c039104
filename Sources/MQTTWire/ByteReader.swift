import SluiceCore

/// A reading position in one packet: every read is checked against the packet's end and moves on.
///
/// Invariants: `base <= position <= end <= bytes.count`.
struct ByteReader: ~Escapable {
    let bytes: Span<UInt8>
    /// The index of the packet's first byte, from which errors count.
    let base: Int
    /// The index of the next byte to read.
    var position: Int
    /// The index after the packet's last byte.
    let end: Int
    /// Whether strings may have control characters and noncharacters. What clients send may not; what a server sends,
    /// and what is on record from before, is taken.
    let takesControls: Bool

    @inline(__always)
    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, base: Int, position: Int, end: Int, takesControls: Bool = true) {
        precondition(base <= position && position <= end && end <= bytes.count)
        self.bytes = bytes
        self.base = base
        self.position = position
        self.end = end
        self.takesControls = takesControls
    }

    var remaining: Int {
        @inline(__always) get { end - position }
    }

    /// An error at the next byte, or at `index` of the span.
    func error(_ cause: MQTTDecodeError.Cause, at index: Int? = nil) -> MQTTDecodeError {
        MQTTDecodeError(cause, at: (index ?? position) - base)
    }

    @inline(__always)
    mutating func readUInt8() throws(MQTTDecodeError) -> UInt8 {
        guard remaining >= 1 else { throw error(.packetTruncated) }
        let value = bytes[position]
        position += 1
        return value
    }

    @inline(__always)
    mutating func readUInt16() throws(MQTTDecodeError) -> UInt16 {
        guard remaining >= 2 else { throw error(.packetTruncated) }
        let value = UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
        position += 2
        return value
    }

    mutating func readUInt32() throws(MQTTDecodeError) -> UInt32 {
        let high = try readUInt16()
        let low = try readUInt16()
        return UInt32(high) << 16 | UInt32(low)
    }

    @inline(__always)
    mutating func readPacketID() throws(MQTTDecodeError) -> PacketID {
        let id = PacketID(rawValue: try readUInt16())
        guard id != .none else { throw error(.packetIDZero, at: position - 2) }
        return id
    }

    /// Reads a variable byte integer of one to four bytes in its shortest form.
    ///
    /// Source: MQTT 5.0 §1.5.5 [MQTT-1.5.5-1].
    mutating func readVariableInteger() throws(MQTTDecodeError) -> Int {
        let start = position
        var value = 0
        for shift in stride(from: 0, through: 21, by: 7) {
            let byte = try readUInt8()
            value |= Int(byte & 0x7F) << shift
            guard byte < 0x80 else { continue }
            guard byte != 0 || shift == 0 else { throw error(.variableIntegerMalformed, at: start) }
            return value
        }
        throw error(.variableIntegerMalformed, at: start)
    }

    /// Takes `byteCount` bytes as they are.
    @inline(__always)
    mutating func readBytes(_ byteCount: Int) throws(MQTTDecodeError) -> ByteRange {
        guard byteCount <= remaining else { throw error(.packetTruncated) }
        let range = ByteRange(start: position, byteCount: byteCount)
        position += byteCount
        return range
    }

    /// Reads binary data: a two-byte length, then that many bytes.
    @inline(__always)
    mutating func readBinary() throws(MQTTDecodeError) -> ByteRange {
        try readBytes(Int(try readUInt16()))
    }

    /// Reads a string and checks that it is UTF-8 without U+0000, and without control characters unless they are taken.
    ///
    /// Source: MQTT 5.0 §1.5.4.
    mutating func readString() throws(MQTTDecodeError) -> ByteRange {
        let range = try readBinary()
        if let flaw = UTF8Flaw.first(in: bytes.extracting(range), takesControls: takesControls) {
            throw error(flaw.cause, at: range.indices.lowerBound + flaw.offset)
        }
        return range
    }

    /// Throws unless every byte was read.
    @inline(__always)
    func finish() throws(MQTTDecodeError) {
        guard position == end else { throw error(.bytesLeftOver) }
    }
}
