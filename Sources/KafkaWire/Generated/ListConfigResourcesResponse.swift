// Made from Apache Kafka's ListConfigResourcesResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 74, ListConfigResources, versions 0 to 1.
package struct ListConfigResourcesResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 74
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...1
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// Each config resource in the response.
    package var configResources: [ConfigResource]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        configResources: [ConfigResource] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.configResources = configResources
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ListConfigResourcesResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("ListConfigResourcesResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("ListConfigResourcesResponse.errorCode")
        configResources = try reader.readArray(
            compact: true, version: version, "ListConfigResourcesResponse.configResources")
        try reader.skipTags("ListConfigResourcesResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ListConfigResourcesResponse")
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        try writer.write(
            configResources, compact: true, version: version, "ListConfigResourcesResponse.configResources")
        writer.writeNoTags()
    }
}

extension ListConfigResourcesResponse {
    /// Part of ListConfigResourcesResponse: Each config resource in the response.
    package struct ConfigResource: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 2 }

        /// The resource name.
        package var resourceName: String
        /// The resource type. Version 1 only.
        package var resourceType: Int8

        /// A value of these parts; what is left out has its default.
        package init(
            resourceName: String = "",
            resourceType: Int8 = 16
        ) {
            self.resourceName = resourceName
            self.resourceType = resourceType
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            resourceName = try reader.readString(compact: true, "ConfigResource.resourceName")
            if version == 1 {
                resourceType = try reader.readInt8("ConfigResource.resourceType")
            }
            try reader.skipTags("ConfigResource")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(resourceName, compact: true, "ConfigResource.resourceName")
            if version == 1 {
                writer.write(resourceType)
            }
            writer.writeNoTags()
        }
    }
}
