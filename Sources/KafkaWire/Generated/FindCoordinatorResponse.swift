// Made from Apache Kafka's FindCoordinatorResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 10, FindCoordinator, versions 0 to 6.
package struct FindCoordinatorResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 10
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...6
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 1.
    package var throttleTimeMs: Int32
    /// The error code, or 0 if there was no error. Up to version 3.
    package var errorCode: KafkaErrorCode
    /// The error message, or null if there was no error. Versions 1 to 3.
    package var errorMessage: String?
    /// The node id. Up to version 3.
    package var nodeID: Int32
    /// The host name. Up to version 3.
    package var host: String
    /// The port. Up to version 3.
    package var port: Int32
    /// Each coordinator result in the response. From version 4.
    package var coordinators: [Coordinator]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        errorMessage: String? = "",
        nodeID: Int32 = 0,
        host: String = "",
        port: Int32 = 0,
        coordinators: [Coordinator] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.nodeID = nodeID
        self.host = host
        self.port = port
        self.coordinators = coordinators
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "FindCoordinatorResponse")
        self.init()
        let isFlexible = version >= 3
        if version >= 1 {
            throttleTimeMs = try reader.readInt32("FindCoordinatorResponse.throttleTimeMs")
        }
        if version <= 3 {
            errorCode = try reader.readErrorCode("FindCoordinatorResponse.errorCode")
        }
        if version >= 1, version <= 3 {
            errorMessage = try reader.readNullableString(compact: isFlexible, "FindCoordinatorResponse.errorMessage")
        }
        if version <= 3 {
            nodeID = try reader.readInt32("FindCoordinatorResponse.nodeID")
            host = try reader.readString(compact: isFlexible, "FindCoordinatorResponse.host")
            port = try reader.readInt32("FindCoordinatorResponse.port")
        }
        if version >= 4 {
            coordinators = try reader.readArray(
                compact: isFlexible, version: version, "FindCoordinatorResponse.coordinators")
        }
        if isFlexible {
            try reader.skipTags("FindCoordinatorResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "FindCoordinatorResponse")
        let isFlexible = version >= 3
        if version >= 1 {
            writer.write(throttleTimeMs)
        }
        if version <= 3 {
            writer.write(errorCode)
        } else if errorCode != .none {
            throw writer.notInVersion(version, "FindCoordinatorResponse.errorCode")
        }
        if version >= 1, version <= 3 {
            try writer.write(errorMessage, compact: isFlexible, "FindCoordinatorResponse.errorMessage")
        }
        if version <= 3 {
            writer.write(nodeID)
        } else if nodeID != 0 {
            throw writer.notInVersion(version, "FindCoordinatorResponse.nodeID")
        }
        if version <= 3 {
            try writer.write(host, compact: isFlexible, "FindCoordinatorResponse.host")
        } else if !host.isEmpty {
            throw writer.notInVersion(version, "FindCoordinatorResponse.host")
        }
        if version <= 3 {
            writer.write(port)
        } else if port != 0 {
            throw writer.notInVersion(version, "FindCoordinatorResponse.port")
        }
        if version >= 4 {
            try writer.write(
                coordinators, compact: isFlexible, version: version, "FindCoordinatorResponse.coordinators")
        } else if !coordinators.isEmpty {
            throw writer.notInVersion(version, "FindCoordinatorResponse.coordinators")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension FindCoordinatorResponse {
    /// Part of FindCoordinatorResponse: Each coordinator result in the response.
    package struct Coordinator: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 14 }

        /// The coordinator key.
        package var key: String
        /// The node id.
        package var nodeID: Int32
        /// The host name.
        package var host: String
        /// The port.
        package var port: Int32
        /// The error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The error message, or null if there was no error.
        package var errorMessage: String?

        /// A value of these parts; what is left out has its default.
        package init(
            key: String = "",
            nodeID: Int32 = 0,
            host: String = "",
            port: Int32 = 0,
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = ""
        ) {
            self.key = key
            self.nodeID = nodeID
            self.host = host
            self.port = port
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            key = try reader.readString(compact: true, "Coordinator.key")
            nodeID = try reader.readInt32("Coordinator.nodeID")
            host = try reader.readString(compact: true, "Coordinator.host")
            port = try reader.readInt32("Coordinator.port")
            errorCode = try reader.readErrorCode("Coordinator.errorCode")
            errorMessage = try reader.readNullableString(compact: true, "Coordinator.errorMessage")
            try reader.skipTags("Coordinator")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(key, compact: true, "Coordinator.key")
            writer.write(nodeID)
            try writer.write(host, compact: true, "Coordinator.host")
            writer.write(port)
            writer.write(errorCode)
            try writer.write(errorMessage, compact: true, "Coordinator.errorMessage")
            writer.writeNoTags()
        }
    }
}
