// Made from Apache Kafka's DescribeConfigsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 32, DescribeConfigs, versions 0 to 4.
package struct DescribeConfigsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 32
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...4
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The results for each resource.
    package var results: [DescribeConfigsResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        results: [DescribeConfigsResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.results = results
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeConfigsResponse")
        self.init()
        let isFlexible = version == 4
        throttleTimeMs = try reader.readInt32("DescribeConfigsResponse.throttleTimeMs")
        results = try reader.readArray(compact: isFlexible, version: version, "DescribeConfigsResponse.results")
        if isFlexible {
            try reader.skipTags("DescribeConfigsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeConfigsResponse")
        let isFlexible = version == 4
        writer.write(throttleTimeMs)
        try writer.write(results, compact: isFlexible, version: version, "DescribeConfigsResponse.results")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DescribeConfigsResponse {
    /// Part of DescribeConfigsResponse: The results for each resource.
    package struct DescribeConfigsResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 7 }

        /// The error code, or 0 if we were able to successfully describe the configurations.
        package var errorCode: KafkaErrorCode
        /// The error message, or null if we were able to successfully describe the configurations.
        package var errorMessage: String?
        /// The resource type.
        package var resourceType: Int8
        /// The resource name.
        package var resourceName: String
        /// Each listed configuration.
        package var configs: [DescribeConfigsResourceResult]

        /// A value of these parts; what is left out has its default.
        package init(
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = "",
            resourceType: Int8 = 0,
            resourceName: String = "",
            configs: [DescribeConfigsResourceResult] = []
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.configs = configs
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 4
            errorCode = try reader.readErrorCode("DescribeConfigsResult.errorCode")
            errorMessage = try reader.readNullableString(compact: isFlexible, "DescribeConfigsResult.errorMessage")
            resourceType = try reader.readInt8("DescribeConfigsResult.resourceType")
            resourceName = try reader.readString(compact: isFlexible, "DescribeConfigsResult.resourceName")
            configs = try reader.readArray(compact: isFlexible, version: version, "DescribeConfigsResult.configs")
            if isFlexible {
                try reader.skipTags("DescribeConfigsResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 4
            writer.write(errorCode)
            try writer.write(errorMessage, compact: isFlexible, "DescribeConfigsResult.errorMessage")
            writer.write(resourceType)
            try writer.write(resourceName, compact: isFlexible, "DescribeConfigsResult.resourceName")
            try writer.write(configs, compact: isFlexible, version: version, "DescribeConfigsResult.configs")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of DescribeConfigsResponse: Each listed configuration.
    package struct DescribeConfigsResourceResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 7 }

        /// The configuration name.
        package var name: String
        /// The configuration value.
        package var value: String?
        /// True if the configuration is read-only.
        package var readOnly: Bool
        /// True if the configuration is not set. Version 0 only.
        package var isDefault: Bool
        /// The configuration source. From version 1.
        package var configSource: Int8
        /// True if this configuration is sensitive.
        package var isSensitive: Bool
        /// The synonyms for this configuration key. From version 1.
        package var synonyms: [DescribeConfigsSynonym]
        /// The configuration data type. Type can be one of the following values - BOOLEAN, STRING, INT, SHORT, LONG,
        /// DOUBLE, LIST, CLASS, PASSWORD. From version 3.
        package var configType: Int8
        /// The configuration documentation. From version 3.
        package var documentation: String?

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            value: String? = "",
            readOnly: Bool = false,
            isDefault: Bool = false,
            configSource: Int8 = -1,
            isSensitive: Bool = false,
            synonyms: [DescribeConfigsSynonym] = [],
            configType: Int8 = 0,
            documentation: String? = ""
        ) {
            self.name = name
            self.value = value
            self.readOnly = readOnly
            self.isDefault = isDefault
            self.configSource = configSource
            self.isSensitive = isSensitive
            self.synonyms = synonyms
            self.configType = configType
            self.documentation = documentation
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 4
            name = try reader.readString(compact: isFlexible, "DescribeConfigsResourceResult.name")
            value = try reader.readNullableString(compact: isFlexible, "DescribeConfigsResourceResult.value")
            readOnly = try reader.readBool("DescribeConfigsResourceResult.readOnly")
            if version == 0 {
                isDefault = try reader.readBool("DescribeConfigsResourceResult.isDefault")
            }
            if version >= 1 {
                configSource = try reader.readInt8("DescribeConfigsResourceResult.configSource")
            }
            isSensitive = try reader.readBool("DescribeConfigsResourceResult.isSensitive")
            if version >= 1 {
                synonyms = try reader.readArray(
                    compact: isFlexible, version: version, "DescribeConfigsResourceResult.synonyms")
            }
            if version >= 3 {
                configType = try reader.readInt8("DescribeConfigsResourceResult.configType")
                documentation = try reader.readNullableString(
                    compact: isFlexible, "DescribeConfigsResourceResult.documentation")
            }
            if isFlexible {
                try reader.skipTags("DescribeConfigsResourceResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 4
            try writer.write(name, compact: isFlexible, "DescribeConfigsResourceResult.name")
            try writer.write(value, compact: isFlexible, "DescribeConfigsResourceResult.value")
            writer.write(readOnly)
            if version == 0 {
                writer.write(isDefault)
            } else if isDefault {
                throw writer.notInVersion(version, "DescribeConfigsResourceResult.isDefault")
            }
            if version >= 1 {
                writer.write(configSource)
            }
            writer.write(isSensitive)
            if version >= 1 {
                try writer.write(
                    synonyms, compact: isFlexible, version: version, "DescribeConfigsResourceResult.synonyms")
            }
            if version >= 3 {
                writer.write(configType)
                try writer.write(documentation, compact: isFlexible, "DescribeConfigsResourceResult.documentation")
            }
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of DescribeConfigsResponse: The synonyms for this configuration key.
    package struct DescribeConfigsSynonym: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 4 }

        /// The synonym name.
        package var name: String
        /// The synonym value.
        package var value: String?
        /// The synonym source.
        package var source: Int8

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            value: String? = "",
            source: Int8 = 0
        ) {
            self.name = name
            self.value = value
            self.source = source
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 4
            name = try reader.readString(compact: isFlexible, "DescribeConfigsSynonym.name")
            value = try reader.readNullableString(compact: isFlexible, "DescribeConfigsSynonym.value")
            source = try reader.readInt8("DescribeConfigsSynonym.source")
            if isFlexible {
                try reader.skipTags("DescribeConfigsSynonym")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 4
            try writer.write(name, compact: isFlexible, "DescribeConfigsSynonym.name")
            try writer.write(value, compact: isFlexible, "DescribeConfigsSynonym.value")
            writer.write(source)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
