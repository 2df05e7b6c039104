// Made from Apache Kafka's DescribeGroupsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 15, DescribeGroups, versions 0 to 6.
package struct DescribeGroupsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 15
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...6
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 5

    /// The names of the groups to describe.
    package var groups: [String]
    /// Whether to include authorized operations. From version 3.
    package var includeAuthorizedOperations: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        groups: [String] = [],
        includeAuthorizedOperations: Bool = false
    ) {
        self.groups = groups
        self.includeAuthorizedOperations = includeAuthorizedOperations
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeGroupsRequest")
        self.init()
        let isFlexible = version >= 5
        groups = try reader.readArray(compact: isFlexible, version: version, "DescribeGroupsRequest.groups")
        if version >= 3 {
            includeAuthorizedOperations = try reader.readBool("DescribeGroupsRequest.includeAuthorizedOperations")
        }
        if isFlexible {
            try reader.skipTags("DescribeGroupsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeGroupsRequest")
        let isFlexible = version >= 5
        try writer.write(groups, compact: isFlexible, version: version, "DescribeGroupsRequest.groups")
        if version >= 3 {
            writer.write(includeAuthorizedOperations)
        } else if includeAuthorizedOperations {
            throw writer.notInVersion(version, "DescribeGroupsRequest.includeAuthorizedOperations")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
