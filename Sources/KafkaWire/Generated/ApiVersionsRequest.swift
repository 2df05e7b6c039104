// Made from Apache Kafka's ApiVersionsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 18, ApiVersions, versions 0 to 4.
package struct ApiVersionsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 18
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...4
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// The name of the client. From version 3.
    package var clientSoftwareName: String
    /// The version of the client. From version 3.
    package var clientSoftwareVersion: String

    /// A value of these parts; what is left out has its default.
    package init(
        clientSoftwareName: String = "",
        clientSoftwareVersion: String = ""
    ) {
        self.clientSoftwareName = clientSoftwareName
        self.clientSoftwareVersion = clientSoftwareVersion
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ApiVersionsRequest")
        self.init()
        let isFlexible = version >= 3
        if version >= 3 {
            clientSoftwareName = try reader.readString(compact: isFlexible, "ApiVersionsRequest.clientSoftwareName")
            clientSoftwareVersion = try reader.readString(
                compact: isFlexible, "ApiVersionsRequest.clientSoftwareVersion")
        }
        if isFlexible {
            try reader.skipTags("ApiVersionsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ApiVersionsRequest")
        let isFlexible = version >= 3
        if version >= 3 {
            try writer.write(clientSoftwareName, compact: isFlexible, "ApiVersionsRequest.clientSoftwareName")
            try writer.write(clientSoftwareVersion, compact: isFlexible, "ApiVersionsRequest.clientSoftwareVersion")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
