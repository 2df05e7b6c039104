// Made from Apache Kafka's DeleteAclsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 31, DeleteAcls, versions 0 to 3.
package struct DeleteAclsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 31
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...3
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The results for each filter.
    package var filterResults: [DeleteAclsFilterResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        filterResults: [DeleteAclsFilterResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.filterResults = filterResults
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DeleteAclsResponse")
        self.init()
        let isFlexible = version >= 2
        throttleTimeMs = try reader.readInt32("DeleteAclsResponse.throttleTimeMs")
        filterResults = try reader.readArray(compact: isFlexible, version: version, "DeleteAclsResponse.filterResults")
        if isFlexible {
            try reader.skipTags("DeleteAclsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DeleteAclsResponse")
        let isFlexible = version >= 2
        writer.write(throttleTimeMs)
        try writer.write(filterResults, compact: isFlexible, version: version, "DeleteAclsResponse.filterResults")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DeleteAclsResponse {
    /// Part of DeleteAclsResponse: The results for each filter.
    package struct DeleteAclsFilterResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 5 }

        /// The error code, or 0 if the filter succeeded.
        package var errorCode: KafkaErrorCode
        /// The error message, or null if the filter succeeded.
        package var errorMessage: String?
        /// The ACLs which matched this filter.
        package var matchingAcls: [DeleteAclsMatchingAcl]

        /// A value of these parts; what is left out has its default.
        package init(
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = "",
            matchingAcls: [DeleteAclsMatchingAcl] = []
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.matchingAcls = matchingAcls
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 2
            errorCode = try reader.readErrorCode("DeleteAclsFilterResult.errorCode")
            errorMessage = try reader.readNullableString(compact: isFlexible, "DeleteAclsFilterResult.errorMessage")
            matchingAcls = try reader.readArray(
                compact: isFlexible, version: version, "DeleteAclsFilterResult.matchingAcls")
            if isFlexible {
                try reader.skipTags("DeleteAclsFilterResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            writer.write(errorCode)
            try writer.write(errorMessage, compact: isFlexible, "DeleteAclsFilterResult.errorMessage")
            try writer.write(matchingAcls, compact: isFlexible, version: version, "DeleteAclsFilterResult.matchingAcls")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of DeleteAclsResponse: The ACLs which matched this filter.
    package struct DeleteAclsMatchingAcl: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 11 }

        /// The deletion error code, or 0 if the deletion succeeded.
        package var errorCode: KafkaErrorCode
        /// The deletion error message, or null if the deletion succeeded.
        package var errorMessage: String?
        /// The ACL resource type.
        package var resourceType: Int8
        /// The ACL resource name.
        package var resourceName: String
        /// The ACL resource pattern type. From version 1.
        package var patternType: Int8
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
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = "",
            resourceType: Int8 = 0,
            resourceName: String = "",
            patternType: Int8 = 3,
            principal: String = "",
            host: String = "",
            operation: Int8 = 0,
            permissionType: Int8 = 0
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.patternType = patternType
            self.principal = principal
            self.host = host
            self.operation = operation
            self.permissionType = permissionType
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 2
            errorCode = try reader.readErrorCode("DeleteAclsMatchingAcl.errorCode")
            errorMessage = try reader.readNullableString(compact: isFlexible, "DeleteAclsMatchingAcl.errorMessage")
            resourceType = try reader.readInt8("DeleteAclsMatchingAcl.resourceType")
            resourceName = try reader.readString(compact: isFlexible, "DeleteAclsMatchingAcl.resourceName")
            if version >= 1 {
                patternType = try reader.readInt8("DeleteAclsMatchingAcl.patternType")
            }
            principal = try reader.readString(compact: isFlexible, "DeleteAclsMatchingAcl.principal")
            host = try reader.readString(compact: isFlexible, "DeleteAclsMatchingAcl.host")
            operation = try reader.readInt8("DeleteAclsMatchingAcl.operation")
            permissionType = try reader.readInt8("DeleteAclsMatchingAcl.permissionType")
            if isFlexible {
                try reader.skipTags("DeleteAclsMatchingAcl")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            writer.write(errorCode)
            try writer.write(errorMessage, compact: isFlexible, "DeleteAclsMatchingAcl.errorMessage")
            writer.write(resourceType)
            try writer.write(resourceName, compact: isFlexible, "DeleteAclsMatchingAcl.resourceName")
            if version >= 1 {
                writer.write(patternType)
            } else if patternType != 3 {
                throw writer.notInVersion(version, "DeleteAclsMatchingAcl.patternType")
            }
            try writer.write(principal, compact: isFlexible, "DeleteAclsMatchingAcl.principal")
            try writer.write(host, compact: isFlexible, "DeleteAclsMatchingAcl.host")
            writer.write(operation)
            writer.write(permissionType)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
