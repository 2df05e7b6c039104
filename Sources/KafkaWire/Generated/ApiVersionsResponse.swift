// Made from Apache Kafka's ApiVersionsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 18, ApiVersions, versions 0 to 4.
package struct ApiVersionsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 18
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...4
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// The top-level error code.
    package var errorCode: KafkaErrorCode
    /// The APIs supported by the broker.
    package var apiKeys: [ApiVersion]
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 1.
    package var throttleTimeMs: Int32
    /// Features supported by the broker. Note: in v0-v3, features with MinSupportedVersion = 0 are omitted. From
    /// version 3.
    package var supportedFeatures: [SupportedFeatureKey]
    /// The monotonically increasing epoch for the finalized features information. Valid values are >= 0. A value of -1
    /// is special and represents unknown epoch. From version 3.
    package var finalizedFeaturesEpoch: Int64
    /// List of cluster-wide finalized features. The information is valid only if FinalizedFeaturesEpoch >= 0. From
    /// version 3.
    package var finalizedFeatures: [FinalizedFeatureKey]
    /// Set by a KRaft controller if the required configurations for ZK migration are present. From version 3.
    package var zkMigrationReady: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        errorCode: KafkaErrorCode = .none,
        apiKeys: [ApiVersion] = [],
        throttleTimeMs: Int32 = 0,
        supportedFeatures: [SupportedFeatureKey] = [],
        finalizedFeaturesEpoch: Int64 = -1,
        finalizedFeatures: [FinalizedFeatureKey] = [],
        zkMigrationReady: Bool = false
    ) {
        self.errorCode = errorCode
        self.apiKeys = apiKeys
        self.throttleTimeMs = throttleTimeMs
        self.supportedFeatures = supportedFeatures
        self.finalizedFeaturesEpoch = finalizedFeaturesEpoch
        self.finalizedFeatures = finalizedFeatures
        self.zkMigrationReady = zkMigrationReady
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ApiVersionsResponse")
        self.init()
        let isFlexible = version >= 3
        errorCode = try reader.readErrorCode("ApiVersionsResponse.errorCode")
        apiKeys = try reader.readArray(compact: isFlexible, version: version, "ApiVersionsResponse.apiKeys")
        if version >= 1 {
            throttleTimeMs = try reader.readInt32("ApiVersionsResponse.throttleTimeMs")
        }
        if isFlexible {
            var tags = try reader.readTags("ApiVersionsResponse")
            while let tag = try reader.nextTag(&tags) {
                switch tag {
                case 0:
                    supportedFeatures = try reader.readArray(
                        compact: true, version: version, "ApiVersionsResponse.supportedFeatures")
                case 1:
                    finalizedFeaturesEpoch = try reader.readInt64("ApiVersionsResponse.finalizedFeaturesEpoch")
                case 2:
                    finalizedFeatures = try reader.readArray(
                        compact: true, version: version, "ApiVersionsResponse.finalizedFeatures")
                case 3:
                    zkMigrationReady = try reader.readBool("ApiVersionsResponse.zkMigrationReady")
                default: reader.skipTag()
                }
            }
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ApiVersionsResponse")
        let isFlexible = version >= 3
        writer.write(errorCode)
        try writer.write(apiKeys, compact: isFlexible, version: version, "ApiVersionsResponse.apiKeys")
        if version >= 1 {
            writer.write(throttleTimeMs)
        }
        if isFlexible {
            var tags = KafkaTags()
            if !supportedFeatures.isEmpty {
                var field = KafkaWriter()
                try field.write(
                    supportedFeatures, compact: true, version: version, "ApiVersionsResponse.supportedFeatures")
                tags.append(0, field)
            }
            if finalizedFeaturesEpoch != -1 {
                var field = KafkaWriter()
                field.write(finalizedFeaturesEpoch)
                tags.append(1, field)
            }
            if !finalizedFeatures.isEmpty {
                var field = KafkaWriter()
                try field.write(
                    finalizedFeatures, compact: true, version: version, "ApiVersionsResponse.finalizedFeatures")
                tags.append(2, field)
            }
            if zkMigrationReady {
                var field = KafkaWriter()
                field.write(zkMigrationReady)
                tags.append(3, field)
            }
            writer.write(tags)
        }
    }
}

extension ApiVersionsResponse {
    /// Part of ApiVersionsResponse: The APIs supported by the broker.
    package struct ApiVersion: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The API index.
        package var apiKey: Int16
        /// The minimum supported version, inclusive.
        package var minVersion: Int16
        /// The maximum supported version, inclusive.
        package var maxVersion: Int16

        /// A value of these parts; what is left out has its default.
        package init(
            apiKey: Int16 = 0,
            minVersion: Int16 = 0,
            maxVersion: Int16 = 0
        ) {
            self.apiKey = apiKey
            self.minVersion = minVersion
            self.maxVersion = maxVersion
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 3
            apiKey = try reader.readInt16("ApiVersion.apiKey")
            minVersion = try reader.readInt16("ApiVersion.minVersion")
            maxVersion = try reader.readInt16("ApiVersion.maxVersion")
            if isFlexible {
                try reader.skipTags("ApiVersion")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 3
            writer.write(apiKey)
            writer.write(minVersion)
            writer.write(maxVersion)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of ApiVersionsResponse: Features supported by the broker. Note: in v0-v3, features with MinSupportedVersion
    /// = 0 are omitted.
    package struct SupportedFeatureKey: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The name of the feature.
        package var name: String
        /// The minimum supported version for the feature.
        package var minVersion: Int16
        /// The maximum supported version for the feature.
        package var maxVersion: Int16

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            minVersion: Int16 = 0,
            maxVersion: Int16 = 0
        ) {
            self.name = name
            self.minVersion = minVersion
            self.maxVersion = maxVersion
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            name = try reader.readString(compact: true, "SupportedFeatureKey.name")
            minVersion = try reader.readInt16("SupportedFeatureKey.minVersion")
            maxVersion = try reader.readInt16("SupportedFeatureKey.maxVersion")
            try reader.skipTags("SupportedFeatureKey")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(name, compact: true, "SupportedFeatureKey.name")
            writer.write(minVersion)
            writer.write(maxVersion)
            writer.writeNoTags()
        }
    }

    /// Part of ApiVersionsResponse: List of cluster-wide finalized features. The information is valid only if
    /// FinalizedFeaturesEpoch >= 0.
    package struct FinalizedFeatureKey: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The name of the feature.
        package var name: String
        /// The cluster-wide finalized max version level for the feature.
        package var maxVersionLevel: Int16
        /// The cluster-wide finalized min version level for the feature.
        package var minVersionLevel: Int16

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            maxVersionLevel: Int16 = 0,
            minVersionLevel: Int16 = 0
        ) {
            self.name = name
            self.maxVersionLevel = maxVersionLevel
            self.minVersionLevel = minVersionLevel
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            name = try reader.readString(compact: true, "FinalizedFeatureKey.name")
            maxVersionLevel = try reader.readInt16("FinalizedFeatureKey.maxVersionLevel")
            minVersionLevel = try reader.readInt16("FinalizedFeatureKey.minVersionLevel")
            try reader.skipTags("FinalizedFeatureKey")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(name, compact: true, "FinalizedFeatureKey.name")
            writer.write(maxVersionLevel)
            writer.write(minVersionLevel)
            writer.writeNoTags()
        }
    }
}
