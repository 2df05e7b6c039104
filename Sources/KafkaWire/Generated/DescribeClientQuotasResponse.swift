// Made from Apache Kafka's DescribeClientQuotasResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 48, DescribeClientQuotas, versions 0 to 1.
package struct DescribeClientQuotasResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 48
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...1
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 1

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The error code, or `0` if the quota description succeeded.
    package var errorCode: KafkaErrorCode
    /// The error message, or `null` if the quota description succeeded.
    package var errorMessage: String?
    /// A result entry.
    package var entries: [EntryData]?

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        errorMessage: String? = "",
        entries: [EntryData]? = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.entries = entries
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeClientQuotasResponse")
        self.init()
        let isFlexible = version == 1
        throttleTimeMs = try reader.readInt32("DescribeClientQuotasResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("DescribeClientQuotasResponse.errorCode")
        errorMessage = try reader.readNullableString(compact: isFlexible, "DescribeClientQuotasResponse.errorMessage")
        entries = try reader.readNullableArray(
            compact: isFlexible, version: version, "DescribeClientQuotasResponse.entries")
        if isFlexible {
            try reader.skipTags("DescribeClientQuotasResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeClientQuotasResponse")
        let isFlexible = version == 1
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        try writer.write(errorMessage, compact: isFlexible, "DescribeClientQuotasResponse.errorMessage")
        try writer.write(entries, compact: isFlexible, version: version, "DescribeClientQuotasResponse.entries")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DescribeClientQuotasResponse {
    /// Part of DescribeClientQuotasResponse: A result entry.
    package struct EntryData: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The quota entity description.
        package var entity: [EntityData]
        /// The quota values for the entity.
        package var values: [ValueData]

        /// A value of these parts; what is left out has its default.
        package init(
            entity: [EntityData] = [],
            values: [ValueData] = []
        ) {
            self.entity = entity
            self.values = values
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 1
            entity = try reader.readArray(compact: isFlexible, version: version, "EntryData.entity")
            values = try reader.readArray(compact: isFlexible, version: version, "EntryData.values")
            if isFlexible {
                try reader.skipTags("EntryData")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 1
            try writer.write(entity, compact: isFlexible, version: version, "EntryData.entity")
            try writer.write(values, compact: isFlexible, version: version, "EntryData.values")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of DescribeClientQuotasResponse: The quota entity description.
    package struct EntityData: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The entity type.
        package var entityType: String
        /// The entity name, or null if the default.
        package var entityName: String?

        /// A value of these parts; what is left out has its default.
        package init(
            entityType: String = "",
            entityName: String? = ""
        ) {
            self.entityType = entityType
            self.entityName = entityName
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 1
            entityType = try reader.readString(compact: isFlexible, "EntityData.entityType")
            entityName = try reader.readNullableString(compact: isFlexible, "EntityData.entityName")
            if isFlexible {
                try reader.skipTags("EntityData")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 1
            try writer.write(entityType, compact: isFlexible, "EntityData.entityType")
            try writer.write(entityName, compact: isFlexible, "EntityData.entityName")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of DescribeClientQuotasResponse: The quota values for the entity.
    package struct ValueData: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 10 }

        /// The quota configuration key.
        package var key: String
        /// The quota configuration value.
        package var value: Double

        /// A value of these parts; what is left out has its default.
        package init(
            key: String = "",
            value: Double = 0
        ) {
            self.key = key
            self.value = value
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 1
            key = try reader.readString(compact: isFlexible, "ValueData.key")
            value = try reader.readFloat64("ValueData.value")
            if isFlexible {
                try reader.skipTags("ValueData")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 1
            try writer.write(key, compact: isFlexible, "ValueData.key")
            writer.write(value)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
