/// How Kafka says that a request, or a part of it, went.
///
/// Source: the error codes of Kafka's protocol.
package struct KafkaErrorCode: RawRepresentable, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
    /// Kafka's number.
    package var rawValue: Int16

    /// Wraps a number, known or not.
    package init(rawValue: Int16) { self.rawValue = rawValue }

    /// Kafka's name, such as `NOT_COORDINATOR`; the number where it has none.
    package var description: String { name ?? String(rawValue) }
}

extension KafkaErrorCode {
    /// Something went wrong that has no number of its own.
    package static let unknownServerError = KafkaErrorCode(rawValue: -1)
    /// All went well.
    package static let none = KafkaErrorCode(rawValue: 0)
    /// The offset is before the first of the log, or behind its end.
    package static let offsetOutOfRange = KafkaErrorCode(rawValue: 1)
    /// A batch's checksum is wrong, or its records cannot be read.
    package static let corruptMessage = KafkaErrorCode(rawValue: 2)
    /// No topic or partition of this name.
    package static let unknownTopicOrPartition = KafkaErrorCode(rawValue: 3)
    /// The size asked for cannot be.
    package static let invalidFetchSize = KafkaErrorCode(rawValue: 4)
    /// The partition has no leader at the moment.
    package static let leaderNotAvailable = KafkaErrorCode(rawValue: 5)
    /// This node does not lead the partition, or has no replica of it.
    package static let notLeaderOrFollower = KafkaErrorCode(rawValue: 6)
    /// The answer took longer than the request allows.
    package static let requestTimedOut = KafkaErrorCode(rawValue: 7)
    /// The broker is not there.
    package static let brokerNotAvailable = KafkaErrorCode(rawValue: 8)
    /// The replica is not there.
    package static let replicaNotAvailable = KafkaErrorCode(rawValue: 9)
    /// A batch, or a record, is larger than the topic takes.
    package static let messageTooLarge = KafkaErrorCode(rawValue: 10)
    /// The controller has moved on.
    package static let staleControllerEpoch = KafkaErrorCode(rawValue: 11)
    /// The text committed beside an offset is too long.
    package static let offsetMetadataTooLarge = KafkaErrorCode(rawValue: 12)
    /// The connection ended before the answer.
    package static let networkException = KafkaErrorCode(rawValue: 13)
    /// The coordinator still reads its log.
    package static let coordinatorLoadInProgress = KafkaErrorCode(rawValue: 14)
    /// There is no coordinator yet.
    package static let coordinatorNotAvailable = KafkaErrorCode(rawValue: 15)
    /// This node is not the group's coordinator.
    package static let notCoordinator = KafkaErrorCode(rawValue: 16)
    /// The name is none that a topic may have.
    package static let invalidTopicException = KafkaErrorCode(rawValue: 17)
    /// The batches are together larger than a segment.
    package static let recordListTooLarge = KafkaErrorCode(rawValue: 18)
    /// Fewer replicas are in sync than the topic asks for.
    package static let notEnoughReplicas = KafkaErrorCode(rawValue: 19)
    /// Fewer replicas are in sync than the topic asks for; the records were appended.
    package static let notEnoughReplicasAfterAppend = KafkaErrorCode(rawValue: 20)
    /// Acknowledgements are asked for in another number than -1, 0 or 1.
    package static let invalidRequiredAcks = KafkaErrorCode(rawValue: 21)
    /// The group is in another generation.
    package static let illegalGeneration = KafkaErrorCode(rawValue: 22)
    /// The group has no protocol in common with the member.
    package static let inconsistentGroupProtocol = KafkaErrorCode(rawValue: 23)
    /// The group's name is missing, or cannot be one.
    package static let invalidGroupID = KafkaErrorCode(rawValue: 24)
    /// The group has no such member.
    package static let unknownMemberID = KafkaErrorCode(rawValue: 25)
    /// The session timeout is out of the range allowed.
    package static let invalidSessionTimeout = KafkaErrorCode(rawValue: 26)
    /// The group is rebalancing: the member has to join again.
    package static let rebalanceInProgress = KafkaErrorCode(rawValue: 27)
    /// The committed offset and its text are too long.
    package static let invalidCommitOffsetSize = KafkaErrorCode(rawValue: 28)
    /// The topic may not be used so by this user.
    package static let topicAuthorizationFailed = KafkaErrorCode(rawValue: 29)
    /// The group may not be used so by this user.
    package static let groupAuthorizationFailed = KafkaErrorCode(rawValue: 30)
    /// The cluster may not be used so by this user.
    package static let clusterAuthorizationFailed = KafkaErrorCode(rawValue: 31)
    /// A record's timestamp is too far from now.
    package static let invalidTimestamp = KafkaErrorCode(rawValue: 32)
    /// The SASL mechanism is not offered.
    package static let unsupportedSaslMechanism = KafkaErrorCode(rawValue: 33)
    /// The request does not belong in this state of SASL.
    package static let illegalSaslState = KafkaErrorCode(rawValue: 34)
    /// The version is not served.
    package static let unsupportedVersion = KafkaErrorCode(rawValue: 35)
    /// There is a topic of this name.
    package static let topicAlreadyExists = KafkaErrorCode(rawValue: 36)
    /// The number of partitions cannot be.
    package static let invalidPartitions = KafkaErrorCode(rawValue: 37)
    /// The number of replicas cannot be.
    package static let invalidReplicationFactor = KafkaErrorCode(rawValue: 38)
    /// The assignment of replicas cannot be.
    package static let invalidReplicaAssignment = KafkaErrorCode(rawValue: 39)
    /// A setting is unknown, or its value cannot be.
    package static let invalidConfig = KafkaErrorCode(rawValue: 40)
    /// This node is not the controller.
    package static let notController = KafkaErrorCode(rawValue: 41)
    /// The request says what it may not.
    package static let invalidRequest = KafkaErrorCode(rawValue: 42)
    /// The log's format has no such feature.
    package static let unsupportedForMessageFormat = KafkaErrorCode(rawValue: 43)
    /// A policy of the broker refuses this.
    package static let policyViolation = KafkaErrorCode(rawValue: 44)
    /// A batch's sequence number is not the next of its producer.
    package static let outOfOrderSequenceNumber = KafkaErrorCode(rawValue: 45)
    /// A batch's sequence number was seen before.
    package static let duplicateSequenceNumber = KafkaErrorCode(rawValue: 46)
    /// A producer with a later epoch has taken over.
    package static let invalidProducerEpoch = KafkaErrorCode(rawValue: 47)
    /// The transaction is in a state that has no such step.
    package static let invalidTxnState = KafkaErrorCode(rawValue: 48)
    /// The transactional name belongs to another producer.
    package static let invalidProducerIDMapping = KafkaErrorCode(rawValue: 49)
    /// The transaction's timeout is longer than the broker allows.
    package static let invalidTransactionTimeout = KafkaErrorCode(rawValue: 50)
    /// The transaction before is not finished yet.
    package static let concurrentTransactions = KafkaErrorCode(rawValue: 51)
    /// The coordinator of the transaction is not the latest.
    package static let transactionCoordinatorFenced = KafkaErrorCode(rawValue: 52)
    /// The transactional name may not be used by this user.
    package static let transactionalIDAuthorizationFailed = KafkaErrorCode(rawValue: 53)
    /// There is no authoriser.
    package static let securityDisabled = KafkaErrorCode(rawValue: 54)
    /// Nothing was tried, because another part of the request failed.
    package static let operationNotAttempted = KafkaErrorCode(rawValue: 55)
    /// The disk failed.
    package static let kafkaStorageError = KafkaErrorCode(rawValue: 56)
    /// No such directory of logs.
    package static let logDirNotFound = KafkaErrorCode(rawValue: 57)
    /// The user, or what proves it, is wrong.
    package static let saslAuthenticationFailed = KafkaErrorCode(rawValue: 58)
    /// Nothing is known of this producer.
    package static let unknownProducerID = KafkaErrorCode(rawValue: 59)
    /// The partition's replicas are being moved.
    package static let reassignmentInProgress = KafkaErrorCode(rawValue: 60)
    /// There are no delegation tokens here.
    package static let delegationTokenAuthDisabled = KafkaErrorCode(rawValue: 61)
    /// No such delegation token.
    package static let delegationTokenNotFound = KafkaErrorCode(rawValue: 62)
    /// The delegation token belongs to another user.
    package static let delegationTokenOwnerMismatch = KafkaErrorCode(rawValue: 63)
    /// Delegation tokens cannot be asked for over this connection.
    package static let delegationTokenRequestNotAllowed = KafkaErrorCode(rawValue: 64)
    /// The delegation token may not be used so by this user.
    package static let delegationTokenAuthorizationFailed = KafkaErrorCode(rawValue: 65)
    /// The delegation token has expired.
    package static let delegationTokenExpired = KafkaErrorCode(rawValue: 66)
    /// The kind of user is none that is supported.
    package static let invalidPrincipalType = KafkaErrorCode(rawValue: 67)
    /// The group has members.
    package static let nonEmptyGroup = KafkaErrorCode(rawValue: 68)
    /// No group of this name.
    package static let groupIDNotFound = KafkaErrorCode(rawValue: 69)
    /// No such fetch session.
    package static let fetchSessionIDNotFound = KafkaErrorCode(rawValue: 70)
    /// The fetch session is at another epoch.
    package static let invalidFetchSessionEpoch = KafkaErrorCode(rawValue: 71)
    /// The leader has no listener like the one asked.
    package static let listenerNotFound = KafkaErrorCode(rawValue: 72)
    /// Topics cannot be deleted here.
    package static let topicDeletionDisabled = KafkaErrorCode(rawValue: 73)
    /// The leader epoch of the request is older than the leader's.
    package static let fencedLeaderEpoch = KafkaErrorCode(rawValue: 74)
    /// The leader epoch of the request is newer than the leader's.
    package static let unknownLeaderEpoch = KafkaErrorCode(rawValue: 75)
    /// The compression is not allowed, or unknown to the version.
    package static let unsupportedCompressionType = KafkaErrorCode(rawValue: 76)
    /// The broker has registered again since.
    package static let staleBrokerEpoch = KafkaErrorCode(rawValue: 77)
    /// The offset will be known in a moment.
    package static let offsetNotAvailable = KafkaErrorCode(rawValue: 78)
    /// The member has to join again with the identifier of the answer.
    package static let memberIDRequired = KafkaErrorCode(rawValue: 79)
    /// The preferred leader is not there.
    package static let preferredLeaderNotAvailable = KafkaErrorCode(rawValue: 80)
    /// The group is full.
    package static let groupMaxSizeReached = KafkaErrorCode(rawValue: 81)
    /// Another member has taken this instance's place.
    package static let fencedInstanceID = KafkaErrorCode(rawValue: 82)
    /// No replica may become the leader.
    package static let eligibleLeadersNotAvailable = KafkaErrorCode(rawValue: 83)
    /// The leader is the one already.
    package static let electionNotNeeded = KafkaErrorCode(rawValue: 84)
    /// The partition's replicas are not being moved.
    package static let noReassignmentInProgress = KafkaErrorCode(rawValue: 85)
    /// The group subscribes to the topic.
    package static let groupSubscribedToTopic = KafkaErrorCode(rawValue: 86)
    /// A record breaks the topic's rules.
    package static let invalidRecord = KafkaErrorCode(rawValue: 87)
    /// Offsets of a transaction that is not finished are pending.
    package static let unstableOffsetCommit = KafkaErrorCode(rawValue: 88)
    /// The quota is used up.
    package static let throttlingQuotaExceeded = KafkaErrorCode(rawValue: 89)
    /// A newer producer has this transactional name.
    package static let producerFenced = KafkaErrorCode(rawValue: 90)
    /// No such resource.
    package static let resourceNotFound = KafkaErrorCode(rawValue: 91)
    /// The resource is named twice, or is there already.
    package static let duplicateResource = KafkaErrorCode(rawValue: 92)
    /// The credential is not acceptable.
    package static let unacceptableCredential = KafkaErrorCode(rawValue: 93)
    /// The voters do not agree on who votes.
    package static let inconsistentVoterSet = KafkaErrorCode(rawValue: 94)
    /// The feature's version cannot be changed so.
    package static let invalidUpdateVersion = KafkaErrorCode(rawValue: 95)
    /// The feature was not changed.
    package static let featureUpdateFailed = KafkaErrorCode(rawValue: 96)
    /// The user that was passed on cannot be read.
    package static let principalDeserializationFailure = KafkaErrorCode(rawValue: 97)
    /// No such snapshot.
    package static let snapshotNotFound = KafkaErrorCode(rawValue: 98)
    /// The position is not in the snapshot.
    package static let positionOutOfRange = KafkaErrorCode(rawValue: 99)
    /// No topic of this identifier.
    package static let unknownTopicID = KafkaErrorCode(rawValue: 100)
    /// A broker with this number is registered.
    package static let duplicateBrokerRegistration = KafkaErrorCode(rawValue: 101)
    /// The broker is not registered.
    package static let brokerIDNotRegistered = KafkaErrorCode(rawValue: 102)
    /// The topic's identifier is another than the log's.
    package static let inconsistentTopicID = KafkaErrorCode(rawValue: 103)
    /// The cluster's identifier is another.
    package static let inconsistentClusterID = KafkaErrorCode(rawValue: 104)
    /// No transaction of this name.
    package static let transactionalIDNotFound = KafkaErrorCode(rawValue: 105)
    /// The fetch session uses names and identifiers of topics together.
    package static let fetchSessionTopicIDError = KafkaErrorCode(rawValue: 106)
    /// The replica may not join those in sync.
    package static let ineligibleReplica = KafkaErrorCode(rawValue: 107)
    /// A leader was elected meanwhile.
    package static let newLeaderElected = KafkaErrorCode(rawValue: 108)
    /// The offset is in tiered storage.
    package static let offsetMovedToTieredStorage = KafkaErrorCode(rawValue: 109)
    /// The member's epoch is not its latest.
    package static let fencedMemberEpoch = KafkaErrorCode(rawValue: 110)
    /// The instance's place is still taken by a member.
    package static let unreleasedInstanceID = KafkaErrorCode(rawValue: 111)
    /// The assignor is unknown.
    package static let unsupportedAssignor = KafkaErrorCode(rawValue: 112)
    /// The member's epoch is older than the group's.
    package static let staleMemberEpoch = KafkaErrorCode(rawValue: 113)
    /// The endpoint is of another kind.
    package static let mismatchedEndpointType = KafkaErrorCode(rawValue: 114)
    /// The kind of endpoint is not supported.
    package static let unsupportedEndpointType = KafkaErrorCode(rawValue: 115)
    /// No such controller.
    package static let unknownControllerID = KafkaErrorCode(rawValue: 116)
    /// No such subscription to metrics.
    package static let unknownSubscriptionID = KafkaErrorCode(rawValue: 117)
    /// The metrics are too many bytes.
    package static let telemetryTooLarge = KafkaErrorCode(rawValue: 118)
    /// The registration cannot be.
    package static let invalidRegistration = KafkaErrorCode(rawValue: 119)
    /// The transaction cannot go on and should be aborted.
    package static let transactionAbortable = KafkaErrorCode(rawValue: 120)
    /// The records are not in a state for this.
    package static let invalidRecordState = KafkaErrorCode(rawValue: 121)
    /// No such share session.
    package static let shareSessionNotFound = KafkaErrorCode(rawValue: 122)
    /// The share session is at another epoch.
    package static let invalidShareSessionEpoch = KafkaErrorCode(rawValue: 123)
    /// The epoch of the share partition's state is not its latest.
    package static let fencedStateEpoch = KafkaErrorCode(rawValue: 124)
    /// The voter's key is wrong.
    package static let invalidVoterKey = KafkaErrorCode(rawValue: 125)
    /// There is such a voter.
    package static let duplicateVoter = KafkaErrorCode(rawValue: 126)
    /// No such voter.
    package static let voterNotFound = KafkaErrorCode(rawValue: 127)
    /// The regular expression cannot be read.
    package static let invalidRegularExpression = KafkaErrorCode(rawValue: 128)
    /// The client has to begin with its bootstrap servers again.
    package static let rebootstrapRequired = KafkaErrorCode(rawValue: 129)
    /// The topology of the streams group cannot be.
    package static let streamsInvalidTopology = KafkaErrorCode(rawValue: 130)
    /// The epoch of the streams topology cannot be.
    package static let streamsInvalidTopologyEpoch = KafkaErrorCode(rawValue: 131)
    /// The streams topology is not the latest.
    package static let streamsTopologyFenced = KafkaErrorCode(rawValue: 132)
    /// The broker has as many share sessions as it takes.
    package static let shareSessionLimitReached = KafkaErrorCode(rawValue: 133)
}
