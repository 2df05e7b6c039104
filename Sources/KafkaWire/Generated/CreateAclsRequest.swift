// Made from Apache Kafka's CreateAclsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 30, CreateAcls, versions 0 to 3.
package struct CreateAclsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 30
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...3
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The ACLs that we want to create.
    package var creations: [AclCreation]

    /// A value of these parts; what is left out has its default.
    package init(
        creations: [AclCreation] = []
    ) {
        self.creations = creations
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "CreateAclsRequest")
        self.init()
        let isFlexible = version >= 2
        creations = try reader.readArray(compact: isFlexible, version: version, "CreateAclsRequest.creations")
        if isFlexible {
            try reader.skipTags("CreateAclsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "CreateAclsRequest")
        let isFlexible = version >= 2
        try writer.write(creations, compact: isFlexible, version: version, "CreateAclsRequest.creations")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension CreateAclsRequest {
    /// Part of CreateAclsRequest: The ACLs that we want to create.
    package struct AclCreation: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 8 }

        /// The type of the resource.
        package var resourceType: Int8
        /// The resource name for the ACL.
        package var resourceName: String
        /// The pattern type for the ACL. From version 1.
        package var resourcePatternType: Int8
        /// The principal for the ACL.
        package var principal: String
        /// The host for the ACL.
        package var host: String
        /// The operation type for the ACL (read, write, etc.).
        package var operation: Int8
        /// The permission type for the ACL (allow, deny, etc.).
        package var permissionType: Int8

        /// A value of these parts; what is left out has its default.
        package init(
            resourceType: Int8 = 0,
            resourceName: String = "",
            resourcePatternType: Int8 = 3,
            principal: String = "",
            host: String = "",
            operation: Int8 = 0,
            permissionType: Int8 = 0
        ) {
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.resourcePatternType = resourcePatternType
            self.principal = principal
            self.host = host
            self.operation = operation
            self.permissionType = permissionType
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 2
            resourceType = try reader.readInt8("AclCreation.resourceType")
            resourceName = try reader.readString(compact: isFlexible, "AclCreation.resourceName")
            if version >= 1 {
                resourcePatternType = try reader.readInt8("AclCreation.resourcePatternType")
            }
            principal = try reader.readString(compact: isFlexible, "AclCreation.principal")
            host = try reader.readString(compact: isFlexible, "AclCreation.host")
            operation = try reader.readInt8("AclCreation.operation")
            permissionType = try reader.readInt8("AclCreation.permissionType")
            if isFlexible {
                try reader.skipTags("AclCreation")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            writer.write(resourceType)
            try writer.write(resourceName, compact: isFlexible, "AclCreation.resourceName")
            if version >= 1 {
                writer.write(resourcePatternType)
            } else if resourcePatternType != 3 {
                throw writer.notInVersion(version, "AclCreation.resourcePatternType")
            }
            try writer.write(principal, compact: isFlexible, "AclCreation.principal")
            try writer.write(host, compact: isFlexible, "AclCreation.host")
            writer.write(operation)
            writer.write(permissionType)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
