// Made from Apache Kafka's requests (Apache-2.0) by `swift run kafka-wire-generator`.

/// The APIs that can be read and written; which of them a broker lists is decided elsewhere.
package enum KafkaAPI: Int16, CaseIterable, Sendable {
    /// API 0, versions 3 to 13.
    case produce = 0
    /// API 1, versions 4 to 18.
    case fetch = 1
    /// API 2, versions 1 to 11.
    case listOffsets = 2
    /// API 3, versions 0 to 13.
    case metadata = 3
    /// API 8, versions 1 to 10.
    case offsetCommit = 8
    /// API 9, versions 1 to 10.
    case offsetFetch = 9
    /// API 10, versions 0 to 6.
    case findCoordinator = 10
    /// API 11, versions 0 to 9.
    case joinGroup = 11
    /// API 12, versions 0 to 4.
    case heartbeat = 12
    /// API 13, versions 0 to 5.
    case leaveGroup = 13
    /// API 14, versions 0 to 5.
    case syncGroup = 14
    /// API 15, versions 0 to 6.
    case describeGroups = 15
    /// API 16, versions 0 to 5.
    case listGroups = 16
    /// API 17, versions 0 to 1.
    case saslHandshake = 17
    /// API 18, versions 0 to 4.
    case apiVersions = 18
    /// API 19, versions 0 to 7.
    case createTopics = 19
    /// API 20, versions 0 to 6.
    case deleteTopics = 20
    /// API 21, versions 0 to 2.
    case deleteRecords = 21
    /// API 22, versions 0 to 6.
    case initProducerID = 22
    /// API 23, versions 2 to 4.
    case offsetForLeaderEpoch = 23
    /// API 24, versions 0 to 5.
    case addPartitionsToTxn = 24
    /// API 25, versions 0 to 4.
    case addOffsetsToTxn = 25
    /// API 26, versions 0 to 5.
    case endTxn = 26
    /// API 28, versions 0 to 5.
    case txnOffsetCommit = 28
    /// API 29, versions 0 to 3.
    case describeAcls = 29
    /// API 30, versions 0 to 3.
    case createAcls = 30
    /// API 31, versions 0 to 3.
    case deleteAcls = 31
    /// API 32, versions 0 to 4.
    case describeConfigs = 32
    /// API 33, versions 0 to 2.
    case alterConfigs = 33
    /// API 35, versions 0 to 5.
    case describeLogDirs = 35
    /// API 36, versions 0 to 2.
    case saslAuthenticate = 36
    /// API 37, versions 0 to 3.
    case createPartitions = 37
    /// API 42, versions 0 to 2.
    case deleteGroups = 42
    /// API 43, versions 0 to 2.
    case electLeaders = 43
    /// API 44, versions 0 to 1.
    case incrementalAlterConfigs = 44
    /// API 46, version 0.
    case listPartitionReassignments = 46
    /// API 47, version 0.
    case offsetDelete = 47
    /// API 48, versions 0 to 1.
    case describeClientQuotas = 48
    /// API 50, version 0.
    case describeUserScramCredentials = 50
    /// API 51, version 0.
    case alterUserScramCredentials = 51
    /// API 60, versions 0 to 2.
    case describeCluster = 60
    /// API 61, version 0.
    case describeProducers = 61
    /// API 65, version 0.
    case describeTransactions = 65
    /// API 66, versions 0 to 2.
    case listTransactions = 66
    /// API 68, versions 0 to 1.
    case consumerGroupHeartbeat = 68
    /// API 69, versions 0 to 1.
    case consumerGroupDescribe = 69
    /// API 74, versions 0 to 1.
    case listConfigResources = 74
    /// API 75, version 0.
    case describeTopicPartitions = 75
    /// API 76, version 1.
    case shareGroupHeartbeat = 76
    /// API 77, version 1.
    case shareGroupDescribe = 77
    /// API 78, versions 1 to 2.
    case shareFetch = 78
    /// API 79, versions 1 to 2.
    case shareAcknowledge = 79
    /// API 90, versions 0 to 1.
    case describeShareGroupOffsets = 90
    /// API 91, version 0.
    case alterShareGroupOffsets = 91
    /// API 92, version 0.
    case deleteShareGroupOffsets = 92

    /// Kafka's name.
    package var name: String {
        switch self {
        case .produce: "Produce"
        case .fetch: "Fetch"
        case .listOffsets: "ListOffsets"
        case .metadata: "Metadata"
        case .offsetCommit: "OffsetCommit"
        case .offsetFetch: "OffsetFetch"
        case .findCoordinator: "FindCoordinator"
        case .joinGroup: "JoinGroup"
        case .heartbeat: "Heartbeat"
        case .leaveGroup: "LeaveGroup"
        case .syncGroup: "SyncGroup"
        case .describeGroups: "DescribeGroups"
        case .listGroups: "ListGroups"
        case .saslHandshake: "SaslHandshake"
        case .apiVersions: "ApiVersions"
        case .createTopics: "CreateTopics"
        case .deleteTopics: "DeleteTopics"
        case .deleteRecords: "DeleteRecords"
        case .initProducerID: "InitProducerId"
        case .offsetForLeaderEpoch: "OffsetForLeaderEpoch"
        case .addPartitionsToTxn: "AddPartitionsToTxn"
        case .addOffsetsToTxn: "AddOffsetsToTxn"
        case .endTxn: "EndTxn"
        case .txnOffsetCommit: "TxnOffsetCommit"
        case .describeAcls: "DescribeAcls"
        case .createAcls: "CreateAcls"
        case .deleteAcls: "DeleteAcls"
        case .describeConfigs: "DescribeConfigs"
        case .alterConfigs: "AlterConfigs"
        case .describeLogDirs: "DescribeLogDirs"
        case .saslAuthenticate: "SaslAuthenticate"
        case .createPartitions: "CreatePartitions"
        case .deleteGroups: "DeleteGroups"
        case .electLeaders: "ElectLeaders"
        case .incrementalAlterConfigs: "IncrementalAlterConfigs"
        case .listPartitionReassignments: "ListPartitionReassignments"
        case .offsetDelete: "OffsetDelete"
        case .describeClientQuotas: "DescribeClientQuotas"
        case .describeUserScramCredentials: "DescribeUserScramCredentials"
        case .alterUserScramCredentials: "AlterUserScramCredentials"
        case .describeCluster: "DescribeCluster"
        case .describeProducers: "DescribeProducers"
        case .describeTransactions: "DescribeTransactions"
        case .listTransactions: "ListTransactions"
        case .consumerGroupHeartbeat: "ConsumerGroupHeartbeat"
        case .consumerGroupDescribe: "ConsumerGroupDescribe"
        case .listConfigResources: "ListConfigResources"
        case .describeTopicPartitions: "DescribeTopicPartitions"
        case .shareGroupHeartbeat: "ShareGroupHeartbeat"
        case .shareGroupDescribe: "ShareGroupDescribe"
        case .shareFetch: "ShareFetch"
        case .shareAcknowledge: "ShareAcknowledge"
        case .describeShareGroupOffsets: "DescribeShareGroupOffsets"
        case .alterShareGroupOffsets: "AlterShareGroupOffsets"
        case .deleteShareGroupOffsets: "DeleteShareGroupOffsets"
        }
    }

    /// The versions that can be read and written.
    package var versions: ClosedRange<Int16> {
        switch self {
        case .produce: 3...13
        case .fetch: 4...18
        case .listOffsets: 1...11
        case .metadata: 0...13
        case .offsetCommit: 1...10
        case .offsetFetch: 1...10
        case .findCoordinator: 0...6
        case .joinGroup: 0...9
        case .heartbeat: 0...4
        case .leaveGroup: 0...5
        case .syncGroup: 0...5
        case .describeGroups: 0...6
        case .listGroups: 0...5
        case .saslHandshake: 0...1
        case .apiVersions: 0...4
        case .createTopics: 0...7
        case .deleteTopics: 0...6
        case .deleteRecords: 0...2
        case .initProducerID: 0...6
        case .offsetForLeaderEpoch: 2...4
        case .addPartitionsToTxn: 0...5
        case .addOffsetsToTxn: 0...4
        case .endTxn: 0...5
        case .txnOffsetCommit: 0...5
        case .describeAcls: 0...3
        case .createAcls: 0...3
        case .deleteAcls: 0...3
        case .describeConfigs: 0...4
        case .alterConfigs: 0...2
        case .describeLogDirs: 0...5
        case .saslAuthenticate: 0...2
        case .createPartitions: 0...3
        case .deleteGroups: 0...2
        case .electLeaders: 0...2
        case .incrementalAlterConfigs: 0...1
        case .listPartitionReassignments: 0...0
        case .offsetDelete: 0...0
        case .describeClientQuotas: 0...1
        case .describeUserScramCredentials: 0...0
        case .alterUserScramCredentials: 0...0
        case .describeCluster: 0...2
        case .describeProducers: 0...0
        case .describeTransactions: 0...0
        case .listTransactions: 0...2
        case .consumerGroupHeartbeat: 0...1
        case .consumerGroupDescribe: 0...1
        case .listConfigResources: 0...1
        case .describeTopicPartitions: 0...0
        case .shareGroupHeartbeat: 1...1
        case .shareGroupDescribe: 1...1
        case .shareFetch: 1...2
        case .shareAcknowledge: 1...2
        case .describeShareGroupOffsets: 0...1
        case .alterShareGroupOffsets: 0...0
        case .deleteShareGroupOffsets: 0...0
        }
    }

    /// The first version with compact lengths and tagged fields; nil when none has them.
    package var flexibleFrom: Int16? {
        switch self {
        case .produce: 9
        case .fetch: 12
        case .listOffsets: 6
        case .metadata: 9
        case .offsetCommit: 8
        case .offsetFetch: 6
        case .findCoordinator: 3
        case .joinGroup: 6
        case .heartbeat: 4
        case .leaveGroup: 4
        case .syncGroup: 4
        case .describeGroups: 5
        case .listGroups: 3
        case .saslHandshake: nil
        case .apiVersions: 3
        case .createTopics: 5
        case .deleteTopics: 4
        case .deleteRecords: 2
        case .initProducerID: 2
        case .offsetForLeaderEpoch: 4
        case .addPartitionsToTxn: 3
        case .addOffsetsToTxn: 3
        case .endTxn: 3
        case .txnOffsetCommit: 3
        case .describeAcls: 2
        case .createAcls: 2
        case .deleteAcls: 2
        case .describeConfigs: 4
        case .alterConfigs: 2
        case .describeLogDirs: 2
        case .saslAuthenticate: 2
        case .createPartitions: 2
        case .deleteGroups: 2
        case .electLeaders: 2
        case .incrementalAlterConfigs: 1
        case .listPartitionReassignments: 0
        case .offsetDelete: nil
        case .describeClientQuotas: 1
        case .describeUserScramCredentials: 0
        case .alterUserScramCredentials: 0
        case .describeCluster: 0
        case .describeProducers: 0
        case .describeTransactions: 0
        case .listTransactions: 0
        case .consumerGroupHeartbeat: 0
        case .consumerGroupDescribe: 0
        case .listConfigResources: 0
        case .describeTopicPartitions: 0
        case .shareGroupHeartbeat: 1
        case .shareGroupDescribe: 1
        case .shareFetch: 1
        case .shareAcknowledge: 1
        case .describeShareGroupOffsets: 0
        case .alterShareGroupOffsets: 0
        case .deleteShareGroupOffsets: 0
        }
    }
}
