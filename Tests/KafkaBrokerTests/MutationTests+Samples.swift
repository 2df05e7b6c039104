import Compression
import KafkaWire

/// Requests that mutations begin with.
extension MutationTests {
    /// At least one of each API that is served.
    /// - Parameter topicID: the identifier of the topic "t".
    static func samples(_ topicID: KafkaUUID) -> [any KafkaRequest] {
        data() + groups() + shares(topicID) + transactions() + administration() + access()
    }

    private static func access() -> [any KafkaRequest] {
        [
            DescribeAclsRequest(resourceTypeFilter: 2, resourceNameFilter: "t", operation: 1, permissionType: 1),
            CreateAclsRequest(creations: [
                .init(
                    resourceType: 2, resourceName: "t", principal: "User:a", host: "*", operation: 3, permissionType: 3)
            ]),
            DescribeAclsRequest(resourceTypeFilter: 5, resourceNameFilter: "tx", operation: 8, permissionType: 3),
            DeleteAclsRequest(filters: [
                .init(
                    resourceTypeFilter: 2, resourceNameFilter: nil, principalFilter: nil, hostFilter: nil, operation: 1,
                    permissionType: 1)
            ]),
            DescribeUserScramCredentialsRequest(users: nil),
            AlterUserScramCredentialsRequest(
                deletions: [.init(name: "a", mechanism: 1)],
                upsertions: [
                    .init(name: "b", mechanism: 1, iterations: 4096, salt: [1, 2, 3], saltedPassword: [4, 5, 6])
                ]),
            SaslHandshakeRequest(mechanism: "SCRAM-SHA-256"), SaslHandshakeRequest(mechanism: "PLAIN"),
            SaslAuthenticateRequest(authBytes: Array("\0user\0password".utf8)),
            SaslAuthenticateRequest(authBytes: Array("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL".utf8)),
        ]
    }

    /// What members of share groups say of a topic whose identifier is `topicID`.
    private static func shares(_ topicID: KafkaUUID) -> [any KafkaRequest] {
        let accepted = ShareFetchRequest.AcknowledgementBatch(
            firstOffset: 0, lastOffset: 2, acknowledgeTypes: [1, 2, 3])
        let renewed = ShareAcknowledgeRequest.AcknowledgementBatch(firstOffset: 3, lastOffset: 4, acknowledgeTypes: [4])
        let released = ShareAcknowledgeRequest.AcknowledgementBatch(
            firstOffset: 3, lastOffset: 4, acknowledgeTypes: [2])
        func fetch(_ epoch: Int32, _ batches: [ShareFetchRequest.AcknowledgementBatch], strict: Int8 = 0)
            -> ShareFetchRequest
        {
            ShareFetchRequest(
                groupID: "s", memberID: "m", shareSessionEpoch: epoch, maxWaitMs: 100, minBytes: 1, maxRecords: 5,
                batchSize: 3, shareAcquireMode: strict,
                topics: [
                    .init(
                        topicID: topicID, partitions: [.init(partitionIndex: 0, acknowledgementBatches: batches)])
                ], forgottenTopicsData: epoch > 1 ? [.init(topicID: topicID, partitions: [1])] : [])
        }
        func acknowledge(_ epoch: Int32, _ batch: ShareAcknowledgeRequest.AcknowledgementBatch, renews: Bool = false)
            -> ShareAcknowledgeRequest
        {
            ShareAcknowledgeRequest(
                groupID: "s", memberID: "m", shareSessionEpoch: epoch, isRenewAck: renews,
                topics: [
                    .init(
                        topicID: topicID, partitions: [.init(partitionIndex: 0, acknowledgementBatches: [batch])])
                ])
        }
        return [
            ShareGroupHeartbeatRequest(groupID: "s", memberID: "m", subscribedTopicNames: ["t"]),
            ShareGroupHeartbeatRequest(groupID: "s", memberID: "m", memberEpoch: 1),
            ShareGroupHeartbeatRequest(groupID: "s", memberID: "m", memberEpoch: -1),
            ShareGroupDescribeRequest(groupIDs: ["s", "g"]), fetch(0, []), fetch(1, [accepted]),
            fetch(2, [accepted], strict: 1), fetch(-1, [accepted]), acknowledge(1, released),
            acknowledge(2, renewed, renews: true), acknowledge(-1, released),
            DescribeShareGroupOffsetsRequest(groups: [.init(groupID: "s", topics: nil)]),
            DescribeShareGroupOffsetsRequest(
                groups: [.init(groupID: "s", topics: [.init(topicName: "t", partitions: [0, 1])])]),
            AlterShareGroupOffsetsRequest(
                groupID: "s",
                topics: [.init(topicName: "t", partitions: [.init(partitionIndex: 0, startOffset: 1)])]),
            DeleteShareGroupOffsetsRequest(groupID: "s", topics: [.init(topicName: "t")]),
            FindCoordinatorRequest(keyType: 2, coordinatorKeys: ["s:\(topicID):0"]),
            IncrementalAlterConfigsRequest(
                resources: [
                    .init(
                        resourceType: 32, resourceName: "s",
                        configs: [.init(name: "share.auto.offset.reset", configOperation: 0, value: "earliest")])
                ]),
            DescribeConfigsRequest(resources: [.init(resourceType: 32, resourceName: "s", configurationKeys: nil)]),
            DeleteGroupsRequest(groupsNames: ["s"]),
        ]
    }

    private static func data() -> [any KafkaRequest] {
        let items = (0..<8).map { TestBatch.Item(value: "again and again \($0 % 2)", time: Int64($0)) }
        let batches = Codec.allCases.map { TestBatch.bytes(items, codec: $0) }
        var requests: [any KafkaRequest] = batches.map { TestConnection.production($0) }
        requests += batches.map { TestConnection.production($0, acks: 0) }
        requests.append(TestConnection.production(batches[0], to: "c"))
        requests.append(TestConnection.production(TestBatch.bytes(items, producer: 1, epoch: 0, sequence: 0)))
        requests.append(
            TestConnection.production(
                TestBatch.bytes(items, producer: 0, epoch: 0, sequence: 0, isTransactional: true),
                transactionalID: "tx"))
        requests += [
            TestConnection.fetching("t", [0: 0, 1: 0], wait: 100),
            TestConnection.fetching("t", [0: 0, 1: 0], wait: 100, minBytes: 100_000, partitionBytes: 100),
            TestConnection.fetching("t", [0: 0], readsCommitted: true),
            ListOffsetsRequest(
                replicaID: -1,
                topics: [
                    .init(
                        name: "t",
                        partitions: [-1, -2, -3, TestKafka.start].map { .init(partitionIndex: 0, timestamp: $0) })
                ]),
            OffsetForLeaderEpochRequest(
                topics: [
                    .init(topic: "t", partitions: [.init(partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0)])
                ]),
            ApiVersionsRequest(clientSoftwareName: "fuzz", clientSoftwareVersion: "1.0"),
            MetadataRequest(topics: [.init(name: "t"), .init(name: "new")], allowAutoTopicCreation: true),
            MetadataRequest(topics: nil),
            FindCoordinatorRequest(key: "g"),
            FindCoordinatorRequest(keyType: 1, coordinatorKeys: ["a", "b"]),
        ]
        return requests
    }

    private static func groups() -> [any KafkaRequest] {
        let offsets = OffsetCommitRequest.OffsetCommitRequestPartition(
            partitionIndex: 0, committedOffset: 3, committedMetadata: "m")
        return [
            JoinGroupRequest(
                groupID: "g", sessionTimeoutMs: 6000, rebalanceTimeoutMs: 6000, protocolType: "consumer",
                protocols: [.init(name: "range", metadata: [0, 0, 0, 0, 0, 1, 0, 1, 0x74, 0xFF, 0xFF, 0xFF, 0xFF])]),
            JoinGroupRequest(
                groupID: "g", sessionTimeoutMs: 6000, rebalanceTimeoutMs: 6000, groupInstanceID: "i",
                protocolType: "consumer", protocols: [.init(name: "range", metadata: [])]),
            JoinGroupRequest(
                groupID: "g", sessionTimeoutMs: 6000, protocolType: "consumer",
                protocols: [.init(name: "range", metadata: [1])]),
            SyncGroupRequest(
                groupID: "g", generationID: 1, memberID: "m", protocolType: "consumer", protocolName: "range",
                assignments: [.init(memberID: "m", assignment: [1, 2])]),
            HeartbeatRequest(groupID: "g", generationID: 1, memberID: "m"),
            LeaveGroupRequest(groupID: "g", memberID: "m"),
            LeaveGroupRequest(groupID: "g", members: [.init(memberID: "", groupInstanceID: "i")]),
            OffsetCommitRequest(
                groupID: "o", generationIDOrMemberEpoch: -1, topics: [.init(name: "t", partitions: [offsets])]),
            OffsetFetchRequest(groupID: "o", topics: [.init(name: "t", partitionIndexes: [0, 1])]),
            OffsetFetchRequest(groups: [.init(groupID: "o", topics: nil)]),
            DescribeGroupsRequest(groups: ["g", "o", "c"]), ListGroupsRequest(),
            DeleteGroupsRequest(groupsNames: ["o"]),
            OffsetDeleteRequest(groupID: "o", topics: [.init(name: "t", partitions: [.init(partitionIndex: 0)])]),
            ConsumerGroupHeartbeatRequest(
                groupID: "c", memberID: "m", rebalanceTimeoutMs: 1000, subscribedTopicNames: ["t"],
                topicPartitions: []),
            ConsumerGroupHeartbeatRequest(
                groupID: "c", memberID: "n", rebalanceTimeoutMs: 1000, subscribedTopicNames: [],
                subscribedTopicRegex: "(?i)[t-u]|ma(d|k)e.*", topicPartitions: []),
            ConsumerGroupHeartbeatRequest(groupID: "c", memberID: "m", memberEpoch: 1, rebalanceTimeoutMs: -1),
            ConsumerGroupHeartbeatRequest(groupID: "c", memberID: "m", memberEpoch: -1, rebalanceTimeoutMs: -1),
            ConsumerGroupDescribeRequest(groupIDs: ["c"]),
        ]
    }

    private static func transactions() -> [any KafkaRequest] {
        [
            InitProducerIDRequest(transactionalID: nil, transactionTimeoutMs: 1000),
            InitProducerIDRequest(transactionalID: "tx", transactionTimeoutMs: 1000),
            AddPartitionsToTxnRequest(
                v3AndBelowTransactionalID: "tx", v3AndBelowProducerID: 0, v3AndBelowProducerEpoch: 0,
                v3AndBelowTopics: [.init(name: "t", partitions: [0, 1])]),
            AddOffsetsToTxnRequest(transactionalID: "tx", producerID: 0, producerEpoch: 0, groupID: "g"),
            TxnOffsetCommitRequest(
                transactionalID: "tx", groupID: "g", producerID: 0, producerEpoch: 0,
                topics: [
                    .init(name: "t", partitions: [.init(partitionIndex: 0, committedOffset: 1, committedMetadata: "")])
                ]),
            EndTxnRequest(transactionalID: "tx", producerID: 0, producerEpoch: 0, committed: true),
            EndTxnRequest(transactionalID: "tx", producerID: 0, producerEpoch: 0, committed: false),
            ListTransactionsRequest(stateFilters: ["Ongoing"]), ListTransactionsRequest(),
            DescribeTransactionsRequest(transactionalIDs: ["tx"]),
            DescribeProducersRequest(topics: [.init(name: "t", partitionIndexes: [0])]),
        ]
    }

    private static func administration() -> [any KafkaRequest] {
        [
            CreateTopicsRequest(
                topics: [
                    .init(
                        name: "made", numPartitions: 2, replicationFactor: 1,
                        configs: [.init(name: "retention.ms", value: "1000")])
                ]), DeleteTopicsRequest(topicNames: ["made"]), DeleteTopicsRequest(topics: [.init(name: "made")]),
            CreatePartitionsRequest(topics: [.init(name: "made", count: 3)]),
            DeleteRecordsRequest(topics: [.init(name: "t", partitions: [.init(partitionIndex: 0, offset: -1)])]),
            DescribeConfigsRequest(
                resources: [2, 4].map { .init(resourceType: $0, resourceName: $0 == 2 ? "t" : "1") }),
            AlterConfigsRequest(
                resources: [
                    .init(resourceType: 2, resourceName: "t", configs: [.init(name: "flush.ms", value: "5")])
                ]),
            IncrementalAlterConfigsRequest(
                resources: [
                    .init(
                        resourceType: 2, resourceName: "t",
                        configs: [
                            .init(name: "cleanup.policy", configOperation: 2, value: "compact"),
                            .init(name: "segment.bytes", configOperation: 0, value: "100000"),
                        ])
                ]),
            ListConfigResourcesRequest(), DescribeLogDirsRequest(topics: nil),
            ElectLeadersRequest(topicPartitions: [.init(topic: "t", partitions: [0])]),
            ListPartitionReassignmentsRequest(topics: nil), DescribeClientQuotasRequest(), DescribeClusterRequest(),
            DescribeTopicPartitionsRequest(topics: [.init(name: "t")], responsePartitionLimit: 1),
        ]
    }
}
