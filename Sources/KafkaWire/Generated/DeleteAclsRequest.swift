// Made from Apache Kafka's DeleteAclsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 31, DeleteAcls, versions 0 to 3.
package struct DeleteAclsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 31
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...3
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The filters to use when deleting ACLs.
    package var filters: [DeleteAclsFilter]

    /// A value of these parts; what is left out has its default.
    package init(
        filters: [DeleteAclsFilter] = []
    ) {
        self.filters = filters
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DeleteAclsRequest")
        self.init()
        let isFlexible = version >= 2
        filters = try reader.readArray(compact: isFlexible, version: version, "DeleteAclsRequest.filters")
        if isFlexible {
            try reader.skipTags("DeleteAclsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DeleteAclsRequest")
        let isFlexible = version >= 2
        try writer.write(filters, compact: isFlexible, version: version, "DeleteAclsRequest.filters")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DeleteAclsRequest {
    /// Part of DeleteAclsRequest: The filters to use when deleting ACLs.
    package struct DeleteAclsFilter: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 8 }

        /// The resource type.
        package var resourceTypeFilter: Int8
        /// The resource name, or null to match any resource name.
        package var resourceNameFilter: String?
        /// The pattern type. From version 1.
        package var patternTypeFilter: Int8
        /// The principal filter, or null to accept all principals.
        package var principalFilter: String?
        /// The host filter, or null to accept all hosts.
        package var hostFilter: String?
        /// The ACL operation.
        package var operation: Int8
        /// The permission type.
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
            self.init()
            let isFlexible = version >= 2
            resourceTypeFilter = try reader.readInt8("DeleteAclsFilter.resourceTypeFilter")
            resourceNameFilter = try reader.readNullableString(
                compact: isFlexible, "DeleteAclsFilter.resourceNameFilter")
            if version >= 1 {
                patternTypeFilter = try reader.readInt8("DeleteAclsFilter.patternTypeFilter")
            }
            principalFilter = try reader.readNullableString(compact: isFlexible, "DeleteAclsFilter.principalFilter")
            hostFilter = try reader.readNullableString(compact: isFlexible, "DeleteAclsFilter.hostFilter")
            operation = try reader.readInt8("DeleteAclsFilter.operation")
            permissionType = try reader.readInt8("DeleteAclsFilter.permissionType")
            if isFlexible {
                try reader.skipTags("DeleteAclsFilter")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            writer.write(resourceTypeFilter)
            try writer.write(resourceNameFilter, compact: isFlexible, "DeleteAclsFilter.resourceNameFilter")
            if version >= 1 {
                writer.write(patternTypeFilter)
            } else if patternTypeFilter != 3 {
                throw writer.notInVersion(version, "DeleteAclsFilter.patternTypeFilter")
            }
            try writer.write(principalFilter, compact: isFlexible, "DeleteAclsFilter.principalFilter")
            try writer.write(hostFilter, compact: isFlexible, "DeleteAclsFilter.hostFilter")
            writer.write(operation)
            writer.write(permissionType)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
