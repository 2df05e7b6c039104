// Made from Apache Kafka's DescribeUserScramCredentialsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 50, DescribeUserScramCredentials, version 0.
package struct DescribeUserScramCredentialsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 50
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The users to describe, or null/empty to describe all users.
    package var users: [UserName]?

    /// A value of these parts; what is left out has its default.
    package init(
        users: [UserName]? = []
    ) {
        self.users = users
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeUserScramCredentialsRequest")
        self.init()
        users = try reader.readNullableArray(
            compact: true, version: version, "DescribeUserScramCredentialsRequest.users")
        try reader.skipTags("DescribeUserScramCredentialsRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeUserScramCredentialsRequest")
        try writer.write(users, compact: true, version: version, "DescribeUserScramCredentialsRequest.users")
        writer.writeNoTags()
    }
}

extension DescribeUserScramCredentialsRequest {
    /// Part of DescribeUserScramCredentialsRequest: The users to describe, or null/empty to describe all users.
    package struct UserName: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 2 }

        /// The user name.
        package var name: String

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = ""
        ) {
            self.name = name
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            name = try reader.readString(compact: true, "UserName.name")
            try reader.skipTags("UserName")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(name, compact: true, "UserName.name")
            writer.writeNoTags()
        }
    }
}
