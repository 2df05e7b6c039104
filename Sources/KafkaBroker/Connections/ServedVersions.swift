import KafkaWire

/// Which APIs are served, in which versions: what ApiVersions lists, and what clients may send.
///
/// An API is listed only when it works: every client takes one that is missing for a feature that is off. The ranges
/// are those that clients of all ages need; docs/KAFKA.md says why each is as it is.
enum ServedVersions {
    /// The versions in which an API is served; nil when it is not.
    static func of(_ api: KafkaAPI) -> ClosedRange<Int16>? {
        switch api {
        case .produce: 3...13
        case .fetch: 4...18
        case .listOffsets: 1...10
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
        case .apiVersions: 0...4
        case .createTopics: 0...7
        case .deleteTopics: 0...6
        case .deleteRecords: 0...2
        case .initProducerID: 0...5
        case .offsetForLeaderEpoch: 2...4
        case .describeConfigs: 0...4
        case .alterConfigs: 0...2
        case .incrementalAlterConfigs: 0...1
        case .describeLogDirs: 0...4
        case .createPartitions: 0...3
        case .deleteGroups: 0...2
        case .electLeaders: 0...2
        case .listPartitionReassignments: 0...0
        case .offsetDelete: 0...0
        case .describeClientQuotas: 0...1
        case .describeCluster: 0...2
        case .describeProducers: 0...0
        case .listConfigResources: 0...1
        case .describeTopicPartitions: 0...0
        case .addPartitionsToTxn: 0...3
        case .addOffsetsToTxn: 0...4
        case .endTxn: 0...5
        case .txnOffsetCommit: 0...5
        case .describeTransactions: 0...0
        case .listTransactions: 0...2
        case .consumerGroupHeartbeat: 0...1
        case .consumerGroupDescribe: 0...1
        // Of ACLs it is said that there are none: consoles take their absence for a broker that is broken.
        case .describeAcls: 0...3
        case .createAcls: 0...3
        case .deleteAcls: 0...3
        case .shareGroupHeartbeat: 1...1
        case .shareGroupDescribe: 1...1
        case .shareFetch: 1...2
        case .shareAcknowledge: 1...2
        case .describeShareGroupOffsets: 0...1
        case .alterShareGroupOffsets: 0...0
        case .deleteShareGroupOffsets: 0...0
        case .saslHandshake: 0...1
        case .saslAuthenticate: 0...2
        case .describeUserScramCredentials: 0...0
        case .alterUserScramCredentials: 0...0
        }
    }

    /// The versions that are listed. Of Produce also those that are not served: librdkafka before 2.11.1 takes their
    /// absence for a broker that knows no compression, and never sends them.
    static let listed: [ApiVersionsResponse.ApiVersion] = KafkaAPI.allCases.compactMap { api in
        of(api).map {
            ApiVersionsResponse.ApiVersion(
                apiKey: api.rawValue, minVersion: api == .produce ? 0 : $0.lowerBound, maxVersion: $0.upperBound)
        }
    }
}
