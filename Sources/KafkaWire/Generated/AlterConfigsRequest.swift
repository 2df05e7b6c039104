// Made from Apache Kafka's AlterConfigsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 33, AlterConfigs, versions 0 to 2.
package struct AlterConfigsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 33
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The updates for each resource.
    package var resources: [AlterConfigsResource]
    /// True if we should validate the request, but not change the configurations.
    package var validateOnly: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        resources: [AlterConfigsResource] = [],
        validateOnly: Bool = false
    ) {
        self.resources = resources
        self.validateOnly = validateOnly
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "AlterConfigsRequest")
        self.init()
        let isFlexible = version == 2
        resources = try reader.readArray(compact: isFlexible, version: version, "AlterConfigsRequest.resources")
        validateOnly = try reader.readBool("AlterConfigsRequest.validateOnly")
        if isFlexible {
            try reader.skipTags("AlterConfigsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "AlterConfigsRequest")
        let isFlexible = version == 2
        try writer.write(resources, compact: isFlexible, version: version, "AlterConfigsRequest.resources")
        writer.write(validateOnly)
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension AlterConfigsRequest {
    /// Part of AlterConfigsRequest: The updates for each resource.
    package struct AlterConfigsResource: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 4 }

        /// The resource type.
        package var resourceType: Int8
        /// The resource name.
        package var resourceName: String
        /// The configurations.
        package var configs: [AlterableConfig]

        /// A value of these parts; what is left out has its default.
        package init(
            resourceType: Int8 = 0,
            resourceName: String = "",
            configs: [AlterableConfig] = []
        ) {
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.configs = configs
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 2
            resourceType = try reader.readInt8("AlterConfigsResource.resourceType")
            resourceName = try reader.readString(compact: isFlexible, "AlterConfigsResource.resourceName")
            configs = try reader.readArray(compact: isFlexible, version: version, "AlterConfigsResource.configs")
            if isFlexible {
                try reader.skipTags("AlterConfigsResource")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 2
            writer.write(resourceType)
            try writer.write(resourceName, compact: isFlexible, "AlterConfigsResource.resourceName")
            try writer.write(configs, compact: isFlexible, version: version, "AlterConfigsResource.configs")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of AlterConfigsRequest: The configurations.
    package struct AlterableConfig: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The configuration key name.
        package var name: String
        /// The value to set for the configuration key.
        package var value: String?

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            value: String? = ""
        ) {
            self.name = name
            self.value = value
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 2
            name = try reader.readString(compact: isFlexible, "AlterableConfig.name")
            value = try reader.readNullableString(compact: isFlexible, "AlterableConfig.value")
            if isFlexible {
                try reader.skipTags("AlterableConfig")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 2
            try writer.write(name, compact: isFlexible, "AlterableConfig.name")
            try writer.write(value, compact: isFlexible, "AlterableConfig.value")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
