// Made from Apache Kafka's FindCoordinatorRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 10, FindCoordinator, versions 0 to 6.
package struct FindCoordinatorRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 10
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...6
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// The coordinator key. Up to version 3.
    package var key: String
    /// The coordinator key type. (group, transaction, share). From version 1.
    package var keyType: Int8
    /// The coordinator keys. From version 4.
    package var coordinatorKeys: [String]

    /// A value of these parts; what is left out has its default.
    package init(
        key: String = "",
        keyType: Int8 = 0,
        coordinatorKeys: [String] = []
    ) {
        self.key = key
        self.keyType = keyType
        self.coordinatorKeys = coordinatorKeys
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "FindCoordinatorRequest")
        self.init()
        let isFlexible = version >= 3
        if version <= 3 {
            key = try reader.readString(compact: isFlexible, "FindCoordinatorRequest.key")
        }
        if version >= 1 {
            keyType = try reader.readInt8("FindCoordinatorRequest.keyType")
        }
        if version >= 4 {
            coordinatorKeys = try reader.readArray(
                compact: isFlexible, version: version, "FindCoordinatorRequest.coordinatorKeys")
        }
        if isFlexible {
            try reader.skipTags("FindCoordinatorRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "FindCoordinatorRequest")
        let isFlexible = version >= 3
        if version <= 3 {
            try writer.write(key, compact: isFlexible, "FindCoordinatorRequest.key")
        } else if !key.isEmpty {
            throw writer.notInVersion(version, "FindCoordinatorRequest.key")
        }
        if version >= 1 {
            writer.write(keyType)
        } else if keyType != 0 {
            throw writer.notInVersion(version, "FindCoordinatorRequest.keyType")
        }
        if version >= 4 {
            try writer.write(
                coordinatorKeys, compact: isFlexible, version: version, "FindCoordinatorRequest.coordinatorKeys")
        } else if !coordinatorKeys.isEmpty {
            throw writer.notInVersion(version, "FindCoordinatorRequest.coordinatorKeys")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
