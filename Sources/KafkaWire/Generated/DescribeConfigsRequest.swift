// Made from Apache Kafka's DescribeConfigsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 32, DescribeConfigs, versions 0 to 4.
package struct DescribeConfigsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 32
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...4
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The resources whose configurations we want to describe.
    package var resources: [DescribeConfigsResource]
    /// True if we should include all synonyms. From version 1.
    package var includeSynonyms: Bool
    /// True if we should include configuration documentation. From version 3.
    package var includeDocumentation: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        resources: [DescribeConfigsResource] = [],
        includeSynonyms: Bool = false,
        includeDocumentation: Bool = false
    ) {
        self.resources = resources
        self.includeSynonyms = includeSynonyms
        self.includeDocumentation = includeDocumentation
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeConfigsRequest")
        self.init()
        let isFlexible = version == 4
        resources = try reader.readArray(compact: isFlexible, version: version, "DescribeConfigsRequest.resources")
        if version >= 1 {
            includeSynonyms = try reader.readBool("DescribeConfigsRequest.includeSynonyms")
        }
        if version >= 3 {
            includeDocumentation = try reader.readBool("DescribeConfigsRequest.includeDocumentation")
        }
        if isFlexible {
            try reader.skipTags("DescribeConfigsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeConfigsRequest")
        let isFlexible = version == 4
        try writer.write(resources, compact: isFlexible, version: version, "DescribeConfigsRequest.resources")
        if version >= 1 {
            writer.write(includeSynonyms)
        } else if includeSynonyms {
            throw writer.notInVersion(version, "DescribeConfigsRequest.includeSynonyms")
        }
        if version >= 3 {
            writer.write(includeDocumentation)
        } else if includeDocumentation {
            throw writer.notInVersion(version, "DescribeConfigsRequest.includeDocumentation")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DescribeConfigsRequest {
    /// Part of DescribeConfigsRequest: The resources whose configurations we want to describe.
    package struct DescribeConfigsResource: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 4 }

        /// The resource type.
        package var resourceType: Int8
        /// The resource name.
        package var resourceName: String
        /// The configuration keys to list, or null to list all configuration keys.
        package var configurationKeys: [String]?

        /// A value of these parts; what is left out has its default.
        package init(
            resourceType: Int8 = 0,
            resourceName: String = "",
            configurationKeys: [String]? = []
        ) {
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.configurationKeys = configurationKeys
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 4
            resourceType = try reader.readInt8("DescribeConfigsResource.resourceType")
            resourceName = try reader.readString(compact: isFlexible, "DescribeConfigsResource.resourceName")
            configurationKeys = try reader.readNullableArray(
                compact: isFlexible, version: version, "DescribeConfigsResource.configurationKeys")
            if isFlexible {
                try reader.skipTags("DescribeConfigsResource")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 4
            writer.write(resourceType)
            try writer.write(resourceName, compact: isFlexible, "DescribeConfigsResource.resourceName")
            try writer.write(
                configurationKeys, compact: isFlexible, version: version, "DescribeConfigsResource.configurationKeys")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
