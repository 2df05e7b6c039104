// Made from Apache Kafka's DescribeAclsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 29, DescribeAcls, versions 0 to 3.
package struct DescribeAclsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 29
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...3
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The resource type.
    package var resourceTypeFilter: Int8
    /// The resource name, or null to match any resource name.
    package var resourceNameFilter: String?
    /// The resource pattern to match. From version 1.
    package var patternTypeFilter: Int8
    /// The principal to match, or null to match any principal.
    package var principalFilter: String?
    /// The host to match, or null to match any host.
    package var hostFilter: String?
    /// The operation to match.
    package var operation: Int8
    /// The permission type to match.
    package var permissionType: Int8

    /// A value of these parts; what is left out has its default.
    package init(
        resourceTypeFilter: Int8 = 0,
        resourceNameFilter: String? = "",
        patternTypeFilter: Int8 = 3,
        principalFilter: String? = "",
        hostFilter: String? = "",
        operation: Int8 = 0,
        permissionType: Int8 = 0
    ) {
        self.resourceTypeFilter = resourceTypeFilter
        self.resourceNameFilter = resourceNameFilter
        self.patternTypeFilter = patternTypeFilter
        self.principalFilter = principalFilter
        self.hostFilter = hostFilter
        self.operation = operation
        self.permissionType = permissionType
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeAclsRequest")
        self.init()
        let isFlexible = version >= 2
        resourceTypeFilter = try reader.readInt8("DescribeAclsRequest.resourceTypeFilter")
        resourceNameFilter = try reader.readNullableString(
            compact: isFlexible, "DescribeAclsRequest.resourceNameFilter")
        if version >= 1 {
            patternTypeFilter = try reader.readInt8("DescribeAclsRequest.patternTypeFilter")
        }
        principalFilter = try reader.readNullableString(compact: isFlexible, "DescribeAclsRequest.principalFilter")
        hostFilter = try reader.readNullableString(compact: isFlexible, "DescribeAclsRequest.hostFilter")
        operation = try reader.readInt8("DescribeAclsRequest.operation")
        permissionType = try reader.readInt8("DescribeAclsRequest.permissionType")
        if isFlexible {
            try reader.skipTags("DescribeAclsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeAclsRequest")
        let isFlexible = version >= 2
        writer.write(resourceTypeFilter)
        try writer.write(resourceNameFilter, compact: isFlexible, "DescribeAclsRequest.resourceNameFilter")
        if version >= 1 {
            writer.write(patternTypeFilter)
        } else if patternTypeFilter != 3 {
            throw writer.notInVersion(version, "DescribeAclsRequest.patternTypeFilter")
        }
        try writer.write(principalFilter, compact: isFlexible, "DescribeAclsRequest.principalFilter")
        try writer.write(hostFilter, compact: isFlexible, "DescribeAclsRequest.hostFilter")
        writer.write(operation)
        writer.write(permissionType)
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
