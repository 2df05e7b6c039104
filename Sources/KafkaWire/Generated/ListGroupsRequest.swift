// Made from Apache Kafka's ListGroupsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 16, ListGroups, versions 0 to 5.
package struct ListGroupsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 16
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// The states of the groups we want to list. If empty, all groups are returned with their state. From version 4.
    package var statesFilter: [String]
    /// The types of the groups we want to list. If empty, all groups are returned with their type. Version 5 only.
    package var typesFilter: [String]

    /// A value of these parts; what is left out has its default.
    package init(
        statesFilter: [String] = [],
        typesFilter: [String] = []
    ) {
        self.statesFilter = statesFilter
        self.typesFilter = typesFilter
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ListGroupsRequest")
        self.init()
        let isFlexible = version >= 3
        if version >= 4 {
            statesFilter = try reader.readArray(compact: isFlexible, version: version, "ListGroupsRequest.statesFilter")
        }
        if version == 5 {
            typesFilter = try reader.readArray(compact: isFlexible, version: version, "ListGroupsRequest.typesFilter")
        }
        if isFlexible {
            try reader.skipTags("ListGroupsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ListGroupsRequest")
        let isFlexible = version >= 3
        if version >= 4 {
            try writer.write(statesFilter, compact: isFlexible, version: version, "ListGroupsRequest.statesFilter")
        } else if !statesFilter.isEmpty {
            throw writer.notInVersion(version, "ListGroupsRequest.statesFilter")
        }
        if version == 5 {
            try writer.write(typesFilter, compact: isFlexible, version: version, "ListGroupsRequest.typesFilter")
        } else if !typesFilter.isEmpty {
            throw writer.notInVersion(version, "ListGroupsRequest.typesFilter")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
