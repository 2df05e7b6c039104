extension Int8: KafkaElement {
    /// One byte.
    package static var elementBytesMin: Int { 1 }

    /// Reads an element.
    package static func read(
        from reader: inout KafkaReader, compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) -> Int8 { try reader.readInt8(field) }

    /// Writes an element.
    package func write(to writer: inout KafkaWriter, compact: Bool, version: Int16, _ field: StaticString) {
        writer.write(self)
    }
}

extension Int16: KafkaElement {
    /// Two bytes.
    package static var elementBytesMin: Int { 2 }

    /// Reads an element.
    package static func read(
        from reader: inout KafkaReader, compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) -> Int16 { try reader.readInt16(field) }

    /// Writes an element.
    package func write(to writer: inout KafkaWriter, compact: Bool, version: Int16, _ field: StaticString) {
        writer.write(self)
    }
}

extension Int32: KafkaElement {
    /// Four bytes.
    package static var elementBytesMin: Int { 4 }

    /// Reads an element.
    package static func read(
        from reader: inout KafkaReader, compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) -> Int32 { try reader.readInt32(field) }

    /// Writes an element.
    package func write(to writer: inout KafkaWriter, compact: Bool, version: Int16, _ field: StaticString) {
        writer.write(self)
    }
}

extension Int64: KafkaElement {
    /// Eight bytes.
    package static var elementBytesMin: Int { 8 }

    /// Reads an element.
    package static func read(
        from reader: inout KafkaReader, compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) -> Int64 { try reader.readInt64(field) }

    /// Writes an element.
    package func write(to writer: inout KafkaWriter, compact: Bool, version: Int16, _ field: StaticString) {
        writer.write(self)
    }
}

extension KafkaUUID: KafkaElement {
    /// Sixteen bytes.
    package static var elementBytesMin: Int { 16 }

    /// Reads an element.
    package static func read(
        from reader: inout KafkaReader, compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) -> KafkaUUID { try reader.readUUID(field) }

    /// Writes an element.
    package func write(to writer: inout KafkaWriter, compact: Bool, version: Int16, _ field: StaticString) {
        writer.write(self)
    }
}

extension String: KafkaElement {
    /// The length, which is one byte where it is compact.
    package static var elementBytesMin: Int { 1 }

    /// Reads an element.
    package static func read(
        from reader: inout KafkaReader, compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) -> String { try reader.readString(compact: compact, field) }

    /// Writes an element.
    package func write(
        to writer: inout KafkaWriter, compact: Bool, version: Int16, _ field: StaticString
    ) throws(KafkaWireError) {
        try writer.write(self, compact: compact, field)
    }
}
