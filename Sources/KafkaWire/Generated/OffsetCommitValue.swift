// Made from Apache Kafka's storage/OffsetCommitValue.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// Kafka's `OffsetCommitValue`, versions 0 to 4.
package struct OffsetCommitValue: KafkaMessage {
    /// The number of this type of record.
    package static let key: Int16 = 1
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...4
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The offset that the consumer wants to store (for this partition).
    package var offset: Int64
    /// The leader epoch of the last consumed record. From version 3.
    package var leaderEpoch: Int32
    /// Any metadata the client wants to keep.
    package var metadata: String
    /// The time at which the commit was added to the log.
    package var commitTimestamp: Int64
    /// The time at which the offset will expire. Version 1 only.
    package var expireTimestamp: Int64
    /// The topic id of the committed offset. Version 4 only.
    package var topicID: KafkaUUID

    /// A value of these parts; what is left out has its default.
    package init(
        offset: Int64 = 0,
        leaderEpoch: Int32 = -1,
        metadata: String = "",
        commitTimestamp: Int64 = 0,
        expireTimestamp: Int64 = -1,
        topicID: KafkaUUID = .zero
    ) {
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
        self.commitTimestamp = commitTimestamp
        self.expireTimestamp = expireTimestamp
        self.topicID = topicID
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "OffsetCommitValue")
        self.init()
        let isFlexible = version == 4
        offset = try reader.readInt64("OffsetCommitValue.offset")
        if version >= 3 {
            leaderEpoch = try reader.readInt32("OffsetCommitValue.leaderEpoch")
        }
        metadata = try reader.readString(compact: isFlexible, "OffsetCommitValue.metadata")
        commitTimestamp = try reader.readInt64("OffsetCommitValue.commitTimestamp")
        if version == 1 {
            expireTimestamp = try reader.readInt64("OffsetCommitValue.expireTimestamp")
        }
        if isFlexible {
            var tags = try reader.readTags("OffsetCommitValue")
            while let tag = try reader.nextTag(&tags) {
                switch tag {
                case 0:
                    topicID = try reader.readUUID("OffsetCommitValue.topicID")
                default: reader.skipTag()
                }
            }
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "OffsetCommitValue")
        let isFlexible = version == 4
        writer.write(offset)
        if version >= 3 {
            writer.write(leaderEpoch)
        }
        try writer.write(metadata, compact: isFlexible, "OffsetCommitValue.metadata")
        writer.write(commitTimestamp)
        if version == 1 {
            writer.write(expireTimestamp)
        }
        if isFlexible {
            var tags = KafkaTags()
            if topicID != .zero {
                var field = KafkaWriter()
                field.write(topicID)
                tags.append(0, field)
            }
            writer.write(tags)
        }
    }
}
