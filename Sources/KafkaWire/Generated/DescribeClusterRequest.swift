// Made from Apache Kafka's DescribeClusterRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 60, DescribeCluster, versions 0 to 2.
package struct DescribeClusterRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 60
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// Whether to include cluster authorized operations.
    package var includeClusterAuthorizedOperations: Bool
    /// The endpoint type to describe. 1=brokers, 2=controllers. From version 1.
    package var endpointType: Int8
    /// Whether to include fenced brokers when listing brokers. Version 2 only.
    package var includeFencedBrokers: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        includeClusterAuthorizedOperations: Bool = false,
        endpointType: Int8 = 1,
        includeFencedBrokers: Bool = false
    ) {
        self.includeClusterAuthorizedOperations = includeClusterAuthorizedOperations
        self.endpointType = endpointType
        self.includeFencedBrokers = includeFencedBrokers
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeClusterRequest")
        self.init()
        includeClusterAuthorizedOperations = try reader.readBool(
            "DescribeClusterRequest.includeClusterAuthorizedOperations")
        if version >= 1 {
            endpointType = try reader.readInt8("DescribeClusterRequest.endpointType")
        }
        if version == 2 {
            includeFencedBrokers = try reader.readBool("DescribeClusterRequest.includeFencedBrokers")
        }
        try reader.skipTags("DescribeClusterRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeClusterRequest")
        writer.write(includeClusterAuthorizedOperations)
        if version >= 1 {
            writer.write(endpointType)
        } else if endpointType != 1 {
            throw writer.notInVersion(version, "DescribeClusterRequest.endpointType")
        }
        if version == 2 {
            writer.write(includeFencedBrokers)
        } else if includeFencedBrokers {
            throw writer.notInVersion(version, "DescribeClusterRequest.includeFencedBrokers")
        }
        writer.writeNoTags()
    }
}
