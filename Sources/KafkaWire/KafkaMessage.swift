/// A message that one frame carries, or that a record does.
package protocol KafkaMessage: Sendable, Equatable {
    /// The versions that can be read and written.
    static var versions: ClosedRange<Int16> { get }
    /// The first version with compact lengths and tagged fields; nil when none has them.
    static var flexibleFrom: Int16? { get }
    /// Reads what `version` has, and leaves the reader behind it.
    init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError)
    /// Writes what `version` has.
    func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError)
}

/// What a client asks.
package protocol KafkaRequest: KafkaMessage {
    /// The number of the API.
    static var key: Int16 { get }
}

/// What a broker answers.
package protocol KafkaResponse: KafkaMessage {
    /// The number of the API.
    static var key: Int16 { get }
}

/// A struct in a message.
package protocol KafkaStructure: KafkaElement, Sendable, Equatable {
    /// The fewest bytes that one takes in any version, at least one.
    static var bytesMin: Int { get }
    /// Reads what `version` has.
    init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError)
    /// Writes what `version` has.
    func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError)
}

extension KafkaMessage {
    /// The message that is all of `bytes`.
    /// - Throws: also when bytes are left over, and when its arrays would take more memory than `arrayBytesMax`.
    package static func decode(
        _ bytes: Span<UInt8>, version: Int16, arrayBytesMax: Int = KafkaReader.arrayBytesMaxDefault
    ) throws(KafkaWireError) -> Self {
        var reader = KafkaReader(bytes, arrayBytesMax: arrayBytesMax)
        let message = try Self(from: &reader, version: version)
        try reader.finish()
        return message
    }

    /// Whether a version has compact lengths and tagged fields.
    package static func isFlexible(_ version: Int16) -> Bool { flexibleFrom.map { version >= $0 } ?? false }
}
