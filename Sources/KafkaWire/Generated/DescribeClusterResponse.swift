// Made from Apache Kafka's DescribeClusterResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 60, DescribeCluster, versions 0 to 2.
package struct DescribeClusterResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 60
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The top-level error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// The top-level error message, or null if there was no error.
    package var errorMessage: String?
    /// The endpoint type that was described. 1=brokers, 2=controllers. From version 1.
    package var endpointType: Int8
    /// The cluster ID that responding broker belongs to.
    package var clusterID: String
    /// The ID of the controller. When handled by a controller, returns the current voter leader ID. When handled by a
    /// broker, returns a random alive broker ID as a fallback.
    package var controllerID: Int32
    /// Each broker in the response.
    package var brokers: [DescribeClusterBroker]
    /// 32-bit bitfield to represent authorized operations for this cluster.
    package var clusterAuthorizedOperations: Int32

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        errorMessage: String? = nil,
        endpointType: Int8 = 1,
        clusterID: String = "",
        controllerID: Int32 = -1,
        brokers: [DescribeClusterBroker] = [],
        clusterAuthorizedOperations: Int32 = -2147483648
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.endpointType = endpointType
        self.clusterID = clusterID
        self.controllerID = controllerID
        self.brokers = brokers
        self.clusterAuthorizedOperations = clusterAuthorizedOperations
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeClusterResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("DescribeClusterResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("DescribeClusterResponse.errorCode")
        errorMessage = try reader.readNullableString(compact: true, "DescribeClusterResponse.errorMessage")
        if version >= 1 {
            endpointType = try reader.readInt8("DescribeClusterResponse.endpointType")
        }
        clusterID = try reader.readString(compact: true, "DescribeClusterResponse.clusterID")
        controllerID = try reader.readInt32("DescribeClusterResponse.controllerID")
        brokers = try reader.readArray(compact: true, version: version, "DescribeClusterResponse.brokers")
        clusterAuthorizedOperations = try reader.readInt32("DescribeClusterResponse.clusterAuthorizedOperations")
        try reader.skipTags("DescribeClusterResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeClusterResponse")
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        try writer.write(errorMessage, compact: true, "DescribeClusterResponse.errorMessage")
        if version >= 1 {
            writer.write(endpointType)
        } else if endpointType != 1 {
            throw writer.notInVersion(version, "DescribeClusterResponse.endpointType")
        }
        try writer.write(clusterID, compact: true, "DescribeClusterResponse.clusterID")
        writer.write(controllerID)
        try writer.write(brokers, compact: true, version: version, "DescribeClusterResponse.brokers")
        writer.write(clusterAuthorizedOperations)
        writer.writeNoTags()
    }
}

extension DescribeClusterResponse {
    /// Part of DescribeClusterResponse: Each broker in the response.
    package struct DescribeClusterBroker: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 11 }

        /// The broker ID.
        package var brokerID: Int32
        /// The broker hostname.
        package var host: String
        /// The broker port.
        package var port: Int32
        /// The rack of the broker, or null if it has not been assigned to a rack.
        package var rack: String?
        /// Whether the broker is fenced Version 2 only.
        package var isFenced: Bool

        /// A value of these parts; what is left out has its default.
        package init(
            brokerID: Int32 = 0,
            host: String = "",
            port: Int32 = 0,
            rack: String? = nil,
            isFenced: Bool = false
        ) {
            self.brokerID = brokerID
            self.host = host
            self.port = port
            self.rack = rack
            self.isFenced = isFenced
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            brokerID = try reader.readInt32("DescribeClusterBroker.brokerID")
            host = try reader.readString(compact: true, "DescribeClusterBroker.host")
            port = try reader.readInt32("DescribeClusterBroker.port")
            rack = try reader.readNullableString(compact: true, "DescribeClusterBroker.rack")
            if version == 2 {
                isFenced = try reader.readBool("DescribeClusterBroker.isFenced")
            }
            try reader.skipTags("DescribeClusterBroker")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(brokerID)
            try writer.write(host, compact: true, "DescribeClusterBroker.host")
            writer.write(port)
            try writer.write(rack, compact: true, "DescribeClusterBroker.rack")
            if version == 2 {
                writer.write(isFenced)
            } else if isFenced {
                throw writer.notInVersion(version, "DescribeClusterBroker.isFenced")
            }
            writer.writeNoTags()
        }
    }
}
