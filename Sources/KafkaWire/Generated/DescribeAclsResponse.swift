// Made from Apache Kafka's DescribeAclsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 29, DescribeAcls, versions 0 to 3.
package struct DescribeAclsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 29
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...3
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// The error message, or null if there was no error.
    package var errorMessage: String?
    /// Each Resource that is referenced in an ACL.
    package var resources: [DescribeAclsResource]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        errorMessage: String? = "",
        resources: [DescribeAclsResource] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.resources = resources
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeAclsResponse")
        self.init()
        let isFlexible = version >= 2
        throttleTimeMs = try reader.readInt32("DescribeAclsResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("DescribeAclsResponse.errorCode")
        errorMessage = try reader.readNullableString(compact: isFlexible, "DescribeAclsResponse.errorMessage")
        resources = try reader.readArray(compact: isFlexible, version: version, "DescribeAclsResponse.resources")
        if isFlexible {
            try reader.skipTags("DescribeAclsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeAclsResponse")
        let isFlexible = version >= 2
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        try writer.write(errorMessage, compact: isFlexible, "DescribeAclsResponse.errorMessage")
        try writer.write(resources, compact: isFlexible, version: version, "DescribeAclsResponse.resources")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DescribeAclsResponse {
    /// Part of DescribeAclsResponse: Each Resource that is referenced in an ACL.
    package struct DescribeAclsResource: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 5 }

        /// The resource type.
        package var resourceType: Int8
        /// The resource name.
        package var resourceName: String
        /// The resource pattern type. From version 1.
        package var patternType: Int8
        /// The ACLs.
        package var acls: [AclDescription]

        /// A value of these parts; what is left out has its default.
        package init(
            resourceType: Int8 = 0,
            resourceName: String = "",
            patternType: Int8 = 3,
            acls: [AclDescription] = []
        ) {
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.patternType = patternType
            self.acls = acls
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 2
            resourceType = try reader.readInt8("DescribeAclsResource.resourceType")
            resourceName = try reader.readString(compact: isFlexible, "DescribeAclsResource.resourceName")
            if version >= 1 {
                patternType = try reader.readInt8("DescribeAclsResource.patternType")
            }
            acls = try reader.readArray(compact: isFlexible, version: version, "DescribeAclsResource.acls")
            if isFlexible {
                try reader.skipTags("DescribeAclsResource")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            writer.write(resourceType)
            try writer.write(resourceName, compact: isFlexible, "DescribeAclsResource.resourceName")
            if version >= 1 {
                writer.write(patternType)
            } else if patternType != 3 {
                throw writer.notInVersion(version, "DescribeAclsResource.patternType")
            }
            try writer.write(acls, compact: isFlexible, version: version, "DescribeAclsResource.acls")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of DescribeAclsResponse: The ACLs.
    package struct AclDescription: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 5 }

        /// The ACL principal.
        package var principal: String
        /// The ACL host.
        package var host: String
        /// The ACL operation.
        package var operation: Int8
        /// The ACL permission type.
        package var permissionType: Int8

        /// A value of these parts; what is left out has its default.
        package init(
            principal: String = "",
            host: String = "",
            operation: Int8 = 0,
            permissionType: Int8 = 0
        ) {
            self.principal = principal
            self.host = host
            self.operation = operation
            self.permissionType = permissionType
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 2
            principal = try reader.readString(compact: isFlexible, "AclDescription.principal")
            host = try reader.readString(compact: isFlexible, "AclDescription.host")
            operation = try reader.readInt8("AclDescription.operation")
            permissionType = try reader.readInt8("AclDescription.permissionType")
            if isFlexible {
                try reader.skipTags("AclDescription")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            try writer.write(principal, compact: isFlexible, "AclDescription.principal")
            try writer.write(host, compact: isFlexible, "AclDescription.host")
            writer.write(operation)
            writer.write(permissionType)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
