// Made from Apache Kafka's DescribeClientQuotasRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 48, DescribeClientQuotas, versions 0 to 1.
package struct DescribeClientQuotasRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 48
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...1
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 1

    /// Filter components to apply to quota entities.
    package var components: [ComponentData]
    /// Whether the match is strict, i.e. should exclude entities with unspecified entity types.
    package var strict: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        components: [ComponentData] = [],
        strict: Bool = false
    ) {
        self.components = components
        self.strict = strict
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeClientQuotasRequest")
        self.init()
        let isFlexible = version == 1
        components = try reader.readArray(
            compact: isFlexible, version: version, "DescribeClientQuotasRequest.components")
        strict = try reader.readBool("DescribeClientQuotasRequest.strict")
        if isFlexible {
            try reader.skipTags("DescribeClientQuotasRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeClientQuotasRequest")
        let isFlexible = version == 1
        try writer.write(components, compact: isFlexible, version: version, "DescribeClientQuotasRequest.components")
        writer.write(strict)
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DescribeClientQuotasRequest {
    /// Part of DescribeClientQuotasRequest: Filter components to apply to quota entities.
    package struct ComponentData: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 4 }

        /// The entity type that the filter component applies to.
        package var entityType: String
        /// How to match the entity {0 = exact name, 1 = default name, 2 = any specified name}.
        package var matchType: Int8
        /// The string to match against, or null if unused for the match type.
        package var match: String?

        /// A value of these parts; what is left out has its default.
        package init(
            entityType: String = "",
            matchType: Int8 = 0,
            match: String? = ""
        ) {
            self.entityType = entityType
            self.matchType = matchType
            self.match = match
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 1
            entityType = try reader.readString(compact: isFlexible, "ComponentData.entityType")
            matchType = try reader.readInt8("ComponentData.matchType")
            match = try reader.readNullableString(compact: isFlexible, "ComponentData.match")
            if isFlexible {
                try reader.skipTags("ComponentData")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 1
            try writer.write(entityType, compact: isFlexible, "ComponentData.entityType")
            writer.write(matchType)
            try writer.write(match, compact: isFlexible, "ComponentData.match")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
