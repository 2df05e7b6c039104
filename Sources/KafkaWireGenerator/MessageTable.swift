/// What is generated. A new API is one line here.
///
/// Versions are those that the codec reads and writes, which are at least those that a broker may advertise: where
/// the present definitions begin above a minimum that older clients need, the older ones fill the gap.
enum MessageTable {
    /// A request and its response, or a message of its own.
    struct Entry {
        /// The name without `Request` and `Response`.
        var name: String
        var versions: VersionRange
        /// The folder of its definition.
        var folder = ""
        /// The name of its type, if it is not that of the definition.
        var typeName: String?

        init(_ name: String, _ versions: ClosedRange<Int>, folder: String = "", typeName: String? = nil) {
            self.name = name
            self.versions = VersionRange(lowest: versions.lowerBound, highest: versions.upperBound)
            self.folder = folder
            self.typeName = typeName
        }
    }

    /// Every API, in the order of the keys.
    static let apis: [Entry] = [
        Entry("Produce", 3...13),
        Entry("Fetch", 4...18),
        Entry("ListOffsets", 1...11),
        Entry("Metadata", 0...13),
        Entry("OffsetCommit", 1...10),
        Entry("OffsetFetch", 1...10),
        Entry("FindCoordinator", 0...6),
        Entry("JoinGroup", 0...9),
        Entry("Heartbeat", 0...4),
        Entry("LeaveGroup", 0...5),
        Entry("SyncGroup", 0...5),
        Entry("DescribeGroups", 0...6),
        Entry("ListGroups", 0...5),
        Entry("SaslHandshake", 0...1),
        Entry("ApiVersions", 0...4),
        Entry("CreateTopics", 0...7),
        Entry("DeleteTopics", 0...6),
        Entry("DeleteRecords", 0...2),
        Entry("InitProducerId", 0...6),
        Entry("OffsetForLeaderEpoch", 2...4),
        Entry("AddPartitionsToTxn", 0...5),
        Entry("AddOffsetsToTxn", 0...4),
        Entry("EndTxn", 0...5),
        Entry("TxnOffsetCommit", 0...5),
        Entry("DescribeAcls", 0...3),
        Entry("CreateAcls", 0...3),
        Entry("DeleteAcls", 0...3),
        Entry("DescribeConfigs", 0...4),
        Entry("AlterConfigs", 0...2),
        Entry("DescribeLogDirs", 0...5),
        Entry("SaslAuthenticate", 0...2),
        Entry("CreatePartitions", 0...3),
        Entry("DeleteGroups", 0...2),
        Entry("ElectLeaders", 0...2),
        Entry("IncrementalAlterConfigs", 0...1),
        Entry("ListPartitionReassignments", 0...0),
        Entry("OffsetDelete", 0...0),
        Entry("DescribeClientQuotas", 0...1),
        Entry("DescribeUserScramCredentials", 0...0),
        Entry("AlterUserScramCredentials", 0...0),
        Entry("DescribeCluster", 0...2),
        Entry("DescribeProducers", 0...0),
        Entry("DescribeTransactions", 0...0),
        Entry("ListTransactions", 0...2),
        Entry("ConsumerGroupHeartbeat", 0...1),
        Entry("ConsumerGroupDescribe", 0...1),
        Entry("ListConfigResources", 0...1),
        Entry("DescribeTopicPartitions", 0...0),
        Entry("ShareGroupHeartbeat", 1...1),
        Entry("ShareGroupDescribe", 1...1),
        Entry("ShareFetch", 1...2),
        Entry("ShareAcknowledge", 1...2),
        Entry("DescribeShareGroupOffsets", 0...1),
        Entry("AlterShareGroupOffsets", 0...0),
        Entry("DeleteShareGroupOffsets", 0...0),
    ]

    /// Headers, what group members say to each other, and records that tools read.
    static let others: [Entry] = [
        Entry("RequestHeader", 1...2, typeName: "KafkaRequestHeader"),
        Entry("ResponseHeader", 0...1, typeName: "KafkaResponseHeader"),
        Entry("ConsumerProtocolSubscription", 0...3),
        Entry("ConsumerProtocolAssignment", 0...3),
        Entry("EndTxnMarker", 0...0),
        Entry("OffsetCommitKey", 0...0, folder: "storage/"),
        Entry("OffsetCommitValue", 0...4, folder: "storage/"),
        Entry("GroupMetadataKey", 0...0, folder: "storage/"),
        Entry("GroupMetadataValue", 0...4, folder: "storage/"),
    ]
}
