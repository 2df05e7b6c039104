// Made from Apache Kafka's CreatePartitionsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 37, CreatePartitions, versions 0 to 3.
package struct CreatePartitionsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 37
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...3
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The partition creation results for each topic.
    package var results: [CreatePartitionsTopicResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        results: [CreatePartitionsTopicResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.results = results
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "CreatePartitionsResponse")
        self.init()
        let isFlexible = version >= 2
        throttleTimeMs = try reader.readInt32("CreatePartitionsResponse.throttleTimeMs")
        results = try reader.readArray(compact: isFlexible, version: version, "CreatePartitionsResponse.results")
        if isFlexible {
            try reader.skipTags("CreatePartitionsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "CreatePartitionsResponse")
        let isFlexible = version >= 2
        writer.write(throttleTimeMs)
        try writer.write(results, compact: isFlexible, version: version, "CreatePartitionsResponse.results")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension CreatePartitionsResponse {
    /// Part of CreatePartitionsResponse: The partition creation results for each topic.
    package struct CreatePartitionsTopicResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 5 }

        /// The topic name.
        package var name: String
        /// The result error, or zero if there was no error.
        package var errorCode: KafkaErrorCode
        /// The result message, or null if there was no error.
        package var errorMessage: String?

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = nil
        ) {
            self.name = name
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 2
            name = try reader.readString(compact: isFlexible, "CreatePartitionsTopicResult.name")
            errorCode = try reader.readErrorCode("CreatePartitionsTopicResult.errorCode")
            errorMessage = try reader.readNullableString(
                compact: isFlexible, "CreatePartitionsTopicResult.errorMessage")
            if isFlexible {
                try reader.skipTags("CreatePartitionsTopicResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            try writer.write(name, compact: isFlexible, "CreatePartitionsTopicResult.name")
            writer.write(errorCode)
            try writer.write(errorMessage, compact: isFlexible, "CreatePartitionsTopicResult.errorMessage")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
