// Made from Apache Kafka's ShareGroupDescribeRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 77, ShareGroupDescribe, version 1.
package struct ShareGroupDescribeRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 77
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 1...1
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 1

    /// The ids of the groups to describe.
    package var groupIDs: [String]
    /// Whether to include authorized operations.
    package var includeAuthorizedOperations: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        groupIDs: [String] = [],
        includeAuthorizedOperations: Bool = false
    ) {
        self.groupIDs = groupIDs
        self.includeAuthorizedOperations = includeAuthorizedOperations
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ShareGroupDescribeRequest")
        self.init()
        groupIDs = try reader.readArray(compact: true, version: version, "ShareGroupDescribeRequest.groupIDs")
        includeAuthorizedOperations = try reader.readBool("ShareGroupDescribeRequest.includeAuthorizedOperations")
        try reader.skipTags("ShareGroupDescribeRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ShareGroupDescribeRequest")
        try writer.write(groupIDs, compact: true, version: version, "ShareGroupDescribeRequest.groupIDs")
        writer.write(includeAuthorizedOperations)
        writer.writeNoTags()
    }
}
