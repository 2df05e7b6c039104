// Made from Apache Kafka's AlterConfigsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 33, AlterConfigs, versions 0 to 2.
package struct AlterConfigsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 33
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// Duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request
    /// did not violate any quota.
    package var throttleTimeMs: Int32
    /// The responses for each resource.
    package var responses: [AlterConfigsResourceResponse]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        responses: [AlterConfigsResourceResponse] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.responses = responses
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "AlterConfigsResponse")
        self.init()
        let isFlexible = version == 2
        throttleTimeMs = try reader.readInt32("AlterConfigsResponse.throttleTimeMs")
        responses = try reader.readArray(compact: isFlexible, version: version, "AlterConfigsResponse.responses")
        if isFlexible {
            try reader.skipTags("AlterConfigsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "AlterConfigsResponse")
        let isFlexible = version == 2
        writer.write(throttleTimeMs)
        try writer.write(responses, compact: isFlexible, version: version, "AlterConfigsResponse.responses")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension AlterConfigsResponse {
    /// Part of AlterConfigsResponse: The responses for each resource.
    package struct AlterConfigsResourceResponse: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The resource error code.
        package var errorCode: KafkaErrorCode
        /// The resource error message, or null if there was no error.
        package var errorMessage: String?
        /// The resource type.
        package var resourceType: Int8
        /// The resource name.
        package var resourceName: String

        /// A value of these parts; what is left out has its default.
        package init(
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = "",
            resourceType: Int8 = 0,
            resourceName: String = ""
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.resourceType = resourceType
            self.resourceName = resourceName
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 2
            errorCode = try reader.readErrorCode("AlterConfigsResourceResponse.errorCode")
            errorMessage = try reader.readNullableString(
                compact: isFlexible, "AlterConfigsResourceResponse.errorMessage")
            resourceType = try reader.readInt8("AlterConfigsResourceResponse.resourceType")
            resourceName = try reader.readString(compact: isFlexible, "AlterConfigsResourceResponse.resourceName")
            if isFlexible {
                try reader.skipTags("AlterConfigsResourceResponse")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 2
            writer.write(errorCode)
            try writer.write(errorMessage, compact: isFlexible, "AlterConfigsResourceResponse.errorMessage")
            writer.write(resourceType)
            try writer.write(resourceName, compact: isFlexible, "AlterConfigsResourceResponse.resourceName")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
