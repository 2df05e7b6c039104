import SluiceCore

/// A reading position in one frame: every length is checked against the bytes that are left before room is made for it.
///
/// Invariants: `position <= end <= bytes.count`; `end` is the frame's, or that of the tagged field that is being read.
package struct KafkaReader: ~Escapable {
    /// The frame.
    package let bytes: Span<UInt8>
    /// The index of the next byte to read.
    package internal(set) var position: Int
    var end: Int
    /// What arrays have reserved so far, in bytes.
    package internal(set) var arrayByteCount = 0
    /// What all arrays together may reserve.
    let arrayBytesMax: Int

    /// What arrays may reserve unless a caller says otherwise: 64 MiB.
    ///
    /// A Fetch of 100,000 partitions takes a tenth of it. Without a limit, 100 MiB of short elements could make the
    /// reader ask for gigabytes, since a struct of a few bytes on the wire may take a hundred in memory.
    package static let arrayBytesMaxDefault = 64 << 20

    /// A reader at the first of `bytes`, whose arrays may reserve `arrayBytesMax` bytes.
    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>, arrayBytesMax: Int = arrayBytesMaxDefault) {
        self.bytes = bytes
        self.arrayBytesMax = arrayBytesMax
        position = 0
        end = bytes.count
    }

    /// How many bytes are left.
    package var remaining: Int { end - position }

    /// Throws unless every byte was read.
    package func finish() throws(KafkaWireError) {
        guard position == end else { throw error(.bytesLeftOver(remaining), "end") }
    }

    /// Throws unless `version` is one of `versions`.
    package func require(
        _ versions: ClosedRange<Int16>, _ version: Int16, _ field: StaticString
    ) throws(KafkaWireError) {
        guard versions.contains(version) else { throw error(.versionUnknown(version), field) }
    }

    @inline(never)
    func error(_ cause: KafkaWireError.Cause, _ field: StaticString, at offset: Int? = nil) -> KafkaWireError {
        KafkaWireError(cause, field: field.description, at: offset ?? position)
    }

    // MARK: Numbers

    /// Reads an integer, most significant byte first.
    @inline(__always)
    private mutating func readInteger<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ field: StaticString
    ) throws(KafkaWireError) -> Integer {
        let byteCount = Integer.bitWidth / 8
        guard byteCount <= remaining else {
            throw error(.truncated(needed: byteCount, remaining: remaining), field)
        }
        let value = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: Integer.self)
        position += byteCount
        return Integer(bigEndian: value)
    }

    /// Reads a byte that is true unless it is zero, as Kafka does.
    package mutating func readBool(_ field: StaticString) throws(KafkaWireError) -> Bool {
        let byte: UInt8 = try readInteger(field)
        return byte != 0
    }

    /// Reads one byte.
    package mutating func readInt8(_ field: StaticString) throws(KafkaWireError) -> Int8 { try readInteger(field) }

    /// Reads two bytes.
    package mutating func readInt16(_ field: StaticString) throws(KafkaWireError) -> Int16 { try readInteger(field) }

    /// Reads four bytes.
    package mutating func readInt32(_ field: StaticString) throws(KafkaWireError) -> Int32 { try readInteger(field) }

    /// Reads eight bytes.
    package mutating func readInt64(_ field: StaticString) throws(KafkaWireError) -> Int64 { try readInteger(field) }

    /// Reads two bytes.
    package mutating func readUInt16(_ field: StaticString) throws(KafkaWireError) -> UInt16 { try readInteger(field) }

    /// Reads four bytes.
    package mutating func readUInt32(_ field: StaticString) throws(KafkaWireError) -> UInt32 { try readInteger(field) }

    /// Reads eight bytes as a floating-point number.
    package mutating func readFloat64(_ field: StaticString) throws(KafkaWireError) -> Double {
        Double(bitPattern: try readInteger(field))
    }

    /// Reads sixteen bytes.
    package mutating func readUUID(_ field: StaticString) throws(KafkaWireError) -> KafkaUUID {
        KafkaUUID(rawValue: try readInteger(field))
    }

    /// Reads two bytes that say how a request went.
    package mutating func readErrorCode(_ field: StaticString) throws(KafkaWireError) -> KafkaErrorCode {
        KafkaErrorCode(rawValue: try readInteger(field))
    }

    /// Reads seven bits of each byte, least significant first, up to 32 bits.
    package mutating func readVarint(_ field: StaticString) throws(KafkaWireError) -> UInt32 {
        // Nearly all are of one byte.
        if position < end, bytes[position] < 0x80 {
            position += 1
            return UInt32(bytes[position - 1])
        }
        let start = position
        var value: UInt32 = 0
        for shift in stride(from: 0 as UInt32, through: 28, by: 7) {
            let byte: UInt8 = try readInteger(field)
            if shift == 28, byte > 0x0F { throw error(.varintTooLong, field, at: start) }
            value |= UInt32(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw error(.varintTooLong, field, at: start)
    }

    /// Reads a struct that may be null, and the byte before it that says so.
    package mutating func readNullableStructure<Structure: KafkaStructure>(
        version: Int16, _ field: StaticString
    ) throws(KafkaWireError) -> Structure? {
        let byte: Int8 = try readInteger(field)
        guard byte == 1 || byte == -1 else { throw error(.presenceInvalid(byte), field, at: position - 1) }
        return byte == 1 ? try Structure(from: &self, version: version) : nil
    }

    // MARK: Lengths

    /// Reads a length of a byte string or array; nil for null.
    mutating func readLength(compact: Bool, nullable: Bool, _ field: StaticString) throws(KafkaWireError) -> Int? {
        let start = position
        let length = compact ? Int(try readVarint(field)) - 1 : Int(try readInt32(field))
        return try checked(length, nullable: nullable, field, at: start)
    }

    private func checked(
        _ length: Int, nullable: Bool, _ field: StaticString, at start: Int
    ) throws(KafkaWireError) -> Int? {
        if length >= 0 { return length }
        guard length == -1 else { throw error(.lengthNegative(length), field, at: start) }
        guard nullable else { throw error(.nullNotAllowed, field, at: start) }
        return nil
    }

    /// Reads the length of a byte string and takes that many bytes; nil for null.
    private mutating func readRange(
        compact: Bool, nullable: Bool, _ field: StaticString
    ) throws(KafkaWireError) -> ByteRange? {
        guard let length = try readLength(compact: compact, nullable: nullable, field) else { return nil }
        return try take(length, field)
    }

    mutating func take(_ byteCount: Int, _ field: StaticString) throws(KafkaWireError) -> ByteRange {
        guard byteCount <= remaining else {
            throw error(.truncated(needed: byteCount, remaining: remaining), field)
        }
        let range = ByteRange(start: position, byteCount: byteCount)
        position += byteCount
        return range
    }

    // MARK: Strings and bytes

    /// Reads a string: an int16 or compact length, then UTF-8.
    package mutating func readString(compact: Bool, _ field: StaticString) throws(KafkaWireError) -> String {
        guard let text = try readNullableString(compact: compact, nullable: false, field) else {
            throw error(.nullNotAllowed, field)
        }
        return text
    }

    /// Reads a string that is nil where it is null, if the version allows null.
    package mutating func readNullableString(
        compact: Bool, nullable: Bool = true, _ field: StaticString
    ) throws(KafkaWireError) -> String? {
        let start = position
        let length = compact ? Int(try readVarint(field)) - 1 : Int(try readInt16(field))
        guard let byteCount = try checked(length, nullable: nullable, field, at: start) else { return nil }
        // A compact length could say more; older versions, and records that names are kept in, have two bytes for it.
        guard byteCount <= Int(Int16.max) else { throw error(.tooLong(byteCount), field, at: start) }
        let range = try take(byteCount, field)
        do {
            return String(copying: try UTF8Span(validating: bytes.extracting(range)))
        } catch {
            throw self.error(.stringNotUTF8, field, at: Int(range.start))
        }
    }

    /// Reads bytes: an int32 or compact length, then that many.
    package mutating func readBytes(compact: Bool, _ field: StaticString) throws(KafkaWireError) -> [UInt8] {
        guard let bytes = try readNullableBytes(compact: compact, nullable: false, field) else {
            throw error(.nullNotAllowed, field)
        }
        return bytes
    }

    /// Reads bytes that are nil where they are null, if the version allows null.
    package mutating func readNullableBytes(
        compact: Bool, nullable: Bool = true, _ field: StaticString
    ) throws(KafkaWireError) -> [UInt8]? {
        guard let range = try readRange(compact: compact, nullable: nullable, field) else { return nil }
        return bytes.copy(range)
    }

    /// Reads where records lie, without a copy of them.
    package mutating func readRecords(
        compact: Bool, nullable: Bool, _ field: StaticString
    ) throws(KafkaWireError) -> KafkaRecords {
        try readRange(compact: compact, nullable: nullable, field).map { .frame($0) } ?? .null
    }
}
