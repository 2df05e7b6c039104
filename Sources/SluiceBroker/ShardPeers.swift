/// What a shard tells another one, as a value in the other's mailbox.
package enum ShardMessage: Sendable {
    /// Close the client of this number: `owner` has its identifier now.
    case takeOver(clientNumber: UInt64, by: ClientOwner)
    /// The client that waits under this number may have its identifier: the former holder is gone.
    case released(clientNumber: UInt64)
}

/// The other shards, and what they share.
///
/// Isolation: any shard's thread; the directory is behind a lock that is held for `body` only.
package protocol ShardPeers: AnyObject, Sendable {
    /// Calls `body` with the directory of all clients. Short, never nested.
    func withDirectory<Result>(_ body: (inout SessionDirectory) -> Result) -> Result
    /// Puts a message into a shard's mailbox and wakes it.
    func post(_ message: ShardMessage, to shard: Int)
}

/// What the broker counts, per shard; sums are the node's.
package struct BrokerCounters: Sendable, Equatable {
    /// PUBLISH packets from clients.
    package var publishesReceived: UInt64 = 0
    /// Messages handed to the log.
    package var messagesStored: UInt64 = 0
    /// QoS 2 messages that came again and were not stored again.
    package var duplicatesSuppressed: UInt64 = 0
    /// Messages that the log refused.
    package var messagesRefused: UInt64 = 0
    /// PUBLISH packets to clients.
    package var messagesDelivered: UInt64 = 0
    /// QoS 0 deliveries dropped because a client read too slowly.
    package var deliveriesDropped: UInt64 = 0
    /// Deliveries not made because they were larger than the client takes, or had expired.
    package var deliveriesSkipped: UInt64 = 0

    /// Nothing counted.
    package init() {}
}

/// Where the broker says what an operator should know.
package enum LogSeverity: Sendable {
    case info, warning
}
