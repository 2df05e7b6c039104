package import SluiceCore

/// Appends messages to a buffer, most significant byte first.
///
/// Bytes of records that lie elsewhere are left out and noted as gaps, for the transport to send from where they are.
package struct KafkaWriter: ~Copyable {
    /// What was written.
    package var buffer: ByteBuffer
    /// Where bytes are missing, in their order.
    package private(set) var gaps: [KafkaGap] = []
    /// How many bytes are missing in all.
    package private(set) var gapByteCount = 0

    /// A writer whose buffer holds `capacity` bytes before it grows.
    package init(capacity: Int = 0) { buffer = ByteBuffer(capacity: capacity) }

    /// How many bytes there will be on the wire.
    package var byteCount: Int { buffer.count + gapByteCount }

    /// Forgets what was written, and keeps the memory.
    package mutating func removeAll() {
        buffer.removeAll()
        gaps.removeAll(keepingCapacity: true)
        gapByteCount = 0
    }

    /// Forgets all behind the first `bufferCount` bytes of the buffer, when a message could not be written whole.
    package mutating func truncate(to bufferCount: Int) {
        buffer.truncate(to: bufferCount)
        while let gap = gaps.last, gap.offset > bufferCount {
            gapByteCount -= gap.byteCount
            gaps.removeLast()
        }
    }

    /// Throws unless `version` is one of `versions`.
    package func require(
        _ versions: ClosedRange<Int16>, _ version: Int16, _ field: StaticString
    ) throws(KafkaWireError) {
        guard versions.contains(version) else { throw error(.versionUnknown(version), field) }
    }

    /// The error of a value that `version` cannot carry.
    package func notInVersion(_ version: Int16, _ field: StaticString) -> KafkaWireError {
        error(.notInVersion(version), field)
    }

    @inline(never)
    func error(_ cause: KafkaWireError.Cause, _ field: StaticString) -> KafkaWireError {
        KafkaWireError(cause, field: field.description, at: byteCount)
    }

    // MARK: Numbers

    /// Writes a byte, 1 or 0.
    package mutating func write(_ value: Bool) { buffer.append(value ? 1 : 0) }

    /// Writes an integer.
    package mutating func write<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer) {
        buffer.append(bigEndian: value)
    }

    /// Writes eight bytes.
    package mutating func write(_ value: Double) { buffer.append(bigEndian: value.bitPattern) }

    /// Writes sixteen bytes.
    package mutating func write(_ value: KafkaUUID) { buffer.append(bigEndian: value.rawValue) }

    /// Writes two bytes.
    package mutating func write(_ value: KafkaErrorCode) { buffer.append(bigEndian: value.rawValue) }

    /// Writes seven bits of each byte, least significant first.
    package mutating func writeVarint(_ value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            buffer.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        buffer.append(UInt8(truncatingIfNeeded: rest))
    }

    // MARK: Lengths

    /// Writes a length of four bytes, or a compact one; nil for null.
    mutating func writeLength(_ length: Int?, compact: Bool, _ field: StaticString) throws(KafkaWireError) {
        guard let length else {
            if compact { writeVarint(0) } else { write(-1 as Int32) }
            return
        }
        guard let narrow = Int32(exactly: length) else { throw error(.tooLong(length), field) }
        if compact { writeVarint(UInt32(narrow) + 1) } else { write(narrow) }
    }

    // MARK: Strings, bytes, records

    /// Writes a string.
    package mutating func write(_ text: String, compact: Bool, _ field: StaticString) throws(KafkaWireError) {
        let byteCount = text.utf8.count
        // Kafka's readers refuse what is longer, also where the length is compact and could say it.
        guard let narrow = Int16(exactly: byteCount) else { throw error(.tooLong(byteCount), field) }
        if compact { try writeLength(byteCount, compact: true, field) } else { write(narrow) }
        buffer.append(utf8: text)
    }

    /// Writes a string, or null if the version allows it.
    package mutating func write(
        _ text: String?, compact: Bool, nullable: Bool = true, _ field: StaticString
    ) throws(KafkaWireError) {
        if let text { return try write(text, compact: compact, field) }
        guard nullable else { throw error(.nullNotAllowed, field) }
        if compact { writeVarint(0) } else { write(-1 as Int16) }
    }

    /// Writes bytes.
    package mutating func write(_ bytes: [UInt8], compact: Bool, _ field: StaticString) throws(KafkaWireError) {
        try writeLength(bytes.count, compact: compact, field)
        buffer.append(bytes.span)
    }

    /// Writes bytes, or null if the version allows it.
    package mutating func write(
        _ bytes: [UInt8]?, compact: Bool, nullable: Bool = true, _ field: StaticString
    ) throws(KafkaWireError) {
        if let bytes { return try write(bytes, compact: compact, field) }
        guard nullable else { throw error(.nullNotAllowed, field) }
        try writeLength(nil, compact: compact, field)
    }

    /// Writes records, or their length and a gap.
    package mutating func write(
        _ records: KafkaRecords, compact: Bool, nullable: Bool, _ field: StaticString
    ) throws(KafkaWireError) {
        switch records {
        case .null:
            guard nullable else { throw error(.nullNotAllowed, field) }
            try writeLength(nil, compact: compact, field)
        case .bytes(let bytes):
            try write(bytes, compact: compact, field)
        case .external(let byteCount):
            try writeLength(byteCount, compact: compact, field)
            guard byteCount > 0 else { return }
            gaps.append(KafkaGap(offset: buffer.count, byteCount: byteCount))
            gapByteCount += byteCount
        case .frame:
            throw error(.recordsElsewhere, field)
        }
    }

    // MARK: Arrays and structs

    /// Writes an array.
    package mutating func write<Element: KafkaElement>(
        _ elements: [Element], compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) {
        try writeLength(elements.count, compact: compact, field)
        for element in elements { try element.write(to: &self, compact: compact, version: version, field) }
    }

    /// Writes an array, or null if the version allows it.
    package mutating func write<Element: KafkaElement>(
        _ elements: [Element]?, compact: Bool, nullable: Bool = true, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) {
        if let elements { return try write(elements, compact: compact, version: version, field) }
        guard nullable else { throw error(.nullNotAllowed, field) }
        try writeLength(nil, compact: compact, field)
    }

    /// Writes a struct that may be null, with the byte that says so.
    package mutating func writeNullable<Structure: KafkaStructure>(
        _ structure: Structure?, version: Int16
    ) throws(KafkaWireError) {
        write((structure == nil ? -1 : 1) as Int8)
        try structure?.encode(to: &self, version: version)
    }
}
