package import AccessControl
package import Administration
package import DeviceProfiles
package import GroupCoordination
import LogInterface
import RecordFormat
package import SluiceCore
package import Speaking
package import TopicRouting

/// What messages are routed and checked by.
package struct Routing: Sendable, Equatable {
    /// Where topics go; the rules of the profiles are among them.
    package var rules: RuleSet
    /// What the payloads of profiled topics are.
    package var profiles: ProfileSet

    /// Rules and profiles that belong together.
    package init(rules: RuleSet, profiles: ProfileSet) {
        self.rules = rules
        self.profiles = profiles
    }
}

/// What a shard tells another one, as a value in the other's mailbox.
package enum ShardMessage: Sendable {
    /// Close the client of this number: `owner` has its identifier now.
    case takeOver(clientNumber: UInt64, by: ClientOwner)
    /// The client that waits under this number may have its identifier: the former holder is gone.
    case released(clientNumber: UInt64)
    /// A client of some shard joined a share group of this one.
    case shareJoined(key: [UInt8], ShareMember)
    /// It left, or was lost.
    case shareLeft(key: [UInt8], ClientOwner, isUnsubscribed: Bool)
    /// A share group has a record for a client of this shard.
    case shareHanded(ShareHandout)
    /// A member is done with a record.
    case shareFinished(key: [UInt8], DeliveryToken, ClientOwner)
    /// A member did not take a record.
    case shareRefused(key: [UInt8], DeliveryToken, ClientOwner)
    /// A member takes records again.
    case shareReady(key: [UInt8], ClientOwner)
    /// What a member may read has changed.
    case shareAccess(key: [UInt8], ClientOwner, AccessRights?)
    /// A client of some shard reads a stream in a consumer group that is coordinated here.
    case groupJoined(GroupJoin)
    /// It reads streams of the group no longer, and has nothing of them any more.
    case groupLeft(String, member: String, [GroupKey: MembershipID], [GroupHandover])
    /// It has let go of a partition.
    case groupReleased(String, member: String, GroupHandover)
    /// A client of this shard has a partition from here on.
    case groupAssigned(GroupAssignment)
    /// It must let go of one.
    case groupRevoked(MembershipID, StreamPartition)
    /// A group that is coordinated here is to be moved.
    case groupReset(String, [StreamPartition: Offset])
    /// A group without members was taken off the record.
    case groupForgotten(String)
    /// What the broker's own topics say now.
    case system([SystemTopic])
    /// A client of another shard came or went.
    case presence(SystemTopic)
    /// A bridge of the node was connected or lost.
    case bridgeState(SystemTopic)
    /// It is known who a client of this shard is, or that it is not to be let in.
    case authenticated(clientNumber: UInt64, AuthenticationAnswer)
    /// Messages go by other rules and profiles.
    case routing(Routing)
    /// Somebody watches connections, or no longer, or sees something.
    case trace(TraceNews)
    /// Hand over what is counted of profiled messages.
    case tellCounts
    /// Rights have changed.
    case accessChanged
    /// Other limits hold.
    case limitsChanged(LimitBook)
    /// What follows devices has forgotten the one that a job of this shard erases; what was written of it ends there.
    case deviceErased(job: Int64, [PartitionID: Offset])
    /// What devices have last said, which a client of this shard has asked for, by the names of their profiles.
    case deviceRead(UInt64, [String: [DeviceReport.Value]])
    /// Somebody wants a session of this shard, or a parked one, to end.
    case endSession(clientID: [UInt8])
}

/// The other shards, and what they share.
///
/// Isolation: any shard's thread; the directory is behind a lock that is held for `body` only.
package protocol ShardPeers: AnyObject, Sendable {
    /// Calls `body` with the directory of all clients. Short, never nested.
    func withDirectory<Result>(_ body: (inout SessionDirectory) -> Result) -> Result
    /// Calls `body` with the tree of retained messages. Short, never nested.
    func withRetained<Result>(_ body: (inout RetainedTree) -> Result) -> Result
    /// Calls `body` with what each shard has counted. Short, never nested.
    func withCounters<Result>(_ body: (inout [BrokerCounters]) -> Result) -> Result
    /// Calls `body` with what consumer groups have committed. Short, never nested.
    func withOffsets<Result>(_ body: (inout OffsetTable) -> Result) -> Result
    /// Calls `body` with what Kafka's share groups have in all partitions. Short, never nested.
    func withShares<Result>(_ body: (inout ShareTable) -> Result) -> Result
    /// Calls `body` with what each shard has refused. Short, never nested.
    func withRefusals<Result>(_ body: (inout [RefusalList]) -> Result) -> Result
    /// Calls `body` with what is known of devices. Short, never nested.
    func withDevices<Result>(_ body: (inout DeviceBook) -> Result) -> Result
    /// Notes that a shard's clients hold so many bytes more, or fewer.
    func addMemory(_ byteCount: Int)
    /// Bytes that the clients of all shards hold.
    var memoryUse: Int { get }
    /// How many shards there are.
    var shardCount: Int { get }
    /// Puts a message into a shard's mailbox and wakes it.
    func post(_ message: ShardMessage, to shard: Int)
}

/// What the broker counts, per shard; sums are the node's.
///
/// More than twenty stored properties: each is one count, and nothing goes with nothing.
package struct BrokerCounters: Sendable, Equatable {
    /// PUBLISH packets from clients.
    package var received = QoSCounts()
    /// Packets of any kind from clients.
    package var packetsReceived: UInt64 = 0
    /// Bytes from clients.
    package var bytesReceived: UInt64 = 0
    /// Bytes given to clients' sockets.
    package var bytesSent: UInt64 = 0
    /// Bytes of payload from clients.
    package var receivedBytes: UInt64 = 0
    /// Bytes of payload to clients.
    package var deliveredBytes: UInt64 = 0
    /// Connections that were taken in.
    package var connectionsAccepted: UInt64 = 0
    /// Clients that are connected.
    package var clientCount: UInt64 = 0
    /// Subscriptions of connected clients, and share groups.
    package var subscriptionCount: UInt64 = 0
    /// Bytes that what is known of topics takes: where they go, and what matches them.
    package var topicBytes: UInt64 = 0
    /// Share groups.
    package var shareGroupCount: UInt64 = 0
    /// Sessions whose time was over.
    package var sessionsExpired: UInt64 = 0
    /// Wills that were published.
    package var willsPublished: UInt64 = 0
    /// Messages handed to the log.
    package var messagesStored: UInt64 = 0
    /// QoS 2 messages that came again and were not stored again.
    package var duplicatesSuppressed: UInt64 = 0
    /// Messages that were not taken.
    package internal(set) var refusedMessages = RefusalCounts()
    /// Connections of MQTT clients that were refused, or ended by the broker.
    package internal(set) var endedConnections = RefusalCounts()
    /// What clients asked for and had no right to.
    package var accessDenied: UInt64 = 0
    /// PUBLISH packets to clients.
    package var delivered = QoSCounts()
    /// Other packets to clients, and messages of the broker's own topics.
    package var answersSent: UInt64 = 0
    /// CONNECT packets from clients.
    package var connectsReceived: UInt64 = 0
    /// QoS 0 deliveries dropped because a client read too slowly.
    package var deliveriesDropped: UInt64 = 0
    /// Deliveries not made because they were larger than the client takes, or had expired.
    package var deliveriesSkipped: UInt64 = 0

    /// From a message's coming in to its acknowledgement's leaving, which is when it is durable.
    package var publishTime = LatencyHistogram()
    /// From a message's being durable to its live delivery's being handed to the socket.
    package var deliveryTime = LatencyHistogram()

    /// Nothing counted.
    package init() {}
}
