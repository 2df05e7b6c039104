import SluiceCore

/// Tagged fields under construction; none takes no memory.
package struct KafkaTags: ~Copyable {
    private var count: UInt32 = 0
    private var fields = KafkaWriter()

    /// No fields.
    package init() {}

    /// Appends a field, whose number must be higher than that of the one before.
    package mutating func append(_ tag: UInt32, _ field: borrowing KafkaWriter) {
        precondition(field.gaps.isEmpty)
        count += 1
        fields.writeVarint(tag)
        fields.writeVarint(UInt32(field.buffer.count))
        fields.buffer.append(field.buffer.bytes)
    }

    fileprivate borrowing func write(to writer: inout KafkaWriter) {
        writer.writeVarint(count)
        writer.buffer.append(fields.buffer.bytes)
    }
}

extension KafkaWriter {
    /// Writes tagged fields behind a struct.
    package mutating func write(_ tags: borrowing KafkaTags) { tags.write(to: &self) }

    /// Writes that there are no tagged fields.
    package mutating func writeNoTags() { buffer.append(0) }
}
