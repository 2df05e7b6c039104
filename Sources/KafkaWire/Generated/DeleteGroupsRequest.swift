// Made from Apache Kafka's DeleteGroupsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 42, DeleteGroups, versions 0 to 2.
package struct DeleteGroupsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 42
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The group names to delete.
    package var groupsNames: [String]

    /// A value of these parts; what is left out has its default.
    package init(
        groupsNames: [String] = []
    ) {
        self.groupsNames = groupsNames
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DeleteGroupsRequest")
        self.init()
        let isFlexible = version == 2
        groupsNames = try reader.readArray(compact: isFlexible, version: version, "DeleteGroupsRequest.groupsNames")
        if isFlexible {
            try reader.skipTags("DeleteGroupsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DeleteGroupsRequest")
        let isFlexible = version == 2
        try writer.write(groupsNames, compact: isFlexible, version: version, "DeleteGroupsRequest.groupsNames")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
