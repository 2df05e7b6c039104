// Made from Apache Kafka's DeleteGroupsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 42, DeleteGroups, versions 0 to 2.
package struct DeleteGroupsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 42
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The deletion results.
    package var results: [DeletableGroupResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        results: [DeletableGroupResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.results = results
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DeleteGroupsResponse")
        self.init()
        let isFlexible = version == 2
        throttleTimeMs = try reader.readInt32("DeleteGroupsResponse.throttleTimeMs")
        results = try reader.readArray(compact: isFlexible, version: version, "DeleteGroupsResponse.results")
        if isFlexible {
            try reader.skipTags("DeleteGroupsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DeleteGroupsResponse")
        let isFlexible = version == 2
        writer.write(throttleTimeMs)
        try writer.write(results, compact: isFlexible, version: version, "DeleteGroupsResponse.results")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DeleteGroupsResponse {
    /// Part of DeleteGroupsResponse: The deletion results.
    package struct DeletableGroupResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 4 }

        /// The group id.
        package var groupID: String
        /// The deletion error, or 0 if the deletion succeeded.
        package var errorCode: KafkaErrorCode

        /// A value of these parts; what is left out has its default.
        package init(
            groupID: String = "",
            errorCode: KafkaErrorCode = .none
        ) {
            self.groupID = groupID
            self.errorCode = errorCode
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 2
            groupID = try reader.readString(compact: isFlexible, "DeletableGroupResult.groupID")
            errorCode = try reader.readErrorCode("DeletableGroupResult.errorCode")
            if isFlexible {
                try reader.skipTags("DeletableGroupResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 2
            try writer.write(groupID, compact: isFlexible, "DeletableGroupResult.groupID")
            writer.write(errorCode)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
