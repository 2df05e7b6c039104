// Made from Apache Kafka's ListConfigResourcesRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 74, ListConfigResources, versions 0 to 1.
package struct ListConfigResourcesRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 74
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...1
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The list of resource type. If the list is empty, it uses default supported config resource types. Version 1
    /// only.
    package var resourceTypes: [Int8]

    /// A value of these parts; what is left out has its default.
    package init(
        resourceTypes: [Int8] = []
    ) {
        self.resourceTypes = resourceTypes
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ListConfigResourcesRequest")
        self.init()
        if version == 1 {
            resourceTypes = try reader.readArray(
                compact: true, version: version, "ListConfigResourcesRequest.resourceTypes")
        }
        try reader.skipTags("ListConfigResourcesRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ListConfigResourcesRequest")
        if version == 1 {
            try writer.write(resourceTypes, compact: true, version: version, "ListConfigResourcesRequest.resourceTypes")
        } else if !resourceTypes.isEmpty {
            throw writer.notInVersion(version, "ListConfigResourcesRequest.resourceTypes")
        }
        writer.writeNoTags()
    }
}
