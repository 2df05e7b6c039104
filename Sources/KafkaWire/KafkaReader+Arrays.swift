/// What an array can hold: structs and the plain values below.
package protocol KafkaElement {
    /// The fewest bytes that an element takes.
    static var elementBytesMin: Int { get }
    /// Reads an element.
    static func read(
        from reader: inout KafkaReader, compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) -> Self
    /// Writes an element.
    func write(
        to writer: inout KafkaWriter, compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError)
}

extension KafkaReader {
    /// Reads an array: an int32 or compact count, then the elements.
    ///
    /// The count is compared with what the bytes that are left could hold before room is made for it.
    package mutating func readArray<Element: KafkaElement>(
        compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) -> [Element] {
        let array: [Element]? = try readNullableArray(compact: compact, nullable: false, version: version, field)
        guard let array else { throw error(.nullNotAllowed, field) }
        return array
    }

    /// Reads an array that is nil where it is null, if the version allows null.
    package mutating func readNullableArray<Element: KafkaElement>(
        compact: Bool, nullable: Bool = true, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) -> [Element]? {
        let start = position
        guard let count = try readLength(compact: compact, nullable: nullable, field) else { return nil }
        let most = remaining / Element.elementBytesMin
        guard count <= most else { throw error(.countTooLarge(count: count, atMost: most), field, at: start) }
        try reserve(count * MemoryLayout<Element>.stride, field, at: start)
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            elements.append(try Element.read(from: &self, compact: compact, version: version, field))
        }
        return elements
    }

    /// Counts what an array is about to reserve.
    private mutating func reserve(
        _ byteCount: Int, _ field: StaticString, at start: Int
    ) throws(KafkaWireError) {
        arrayByteCount += byteCount
        guard arrayByteCount <= arrayBytesMax else {
            throw error(.arraysTooLarge(arrayByteCount, atMost: arrayBytesMax), field, at: start)
        }
    }
}

extension KafkaElement where Self: KafkaStructure {
    /// The fewest bytes that an element takes.
    package static var elementBytesMin: Int { bytesMin }

    /// Reads an element.
    package static func read(
        from reader: inout KafkaReader, compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) -> Self {
        try Self(from: &reader, version: version)
    }

    /// Writes an element.
    package func write(
        to writer: inout KafkaWriter, compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) {
        try encode(to: &writer, version: version)
    }
}
