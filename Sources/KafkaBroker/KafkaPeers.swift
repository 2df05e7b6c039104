package import GroupCoordination
package import SluiceCore
package import Speaking

/// What the Kafka endpoints of all loops share.
package protocol KafkaPeers: AnyObject, Sendable {
    /// Calls `body` with what groups have committed and who is in them.
    func withOffsets<Result>(_ body: (inout OffsetTable) -> Result) -> Result
    /// Calls `body` with the numbers of producers that are handed out.
    func withProducerNumbers<Result>(_ body: (inout ProducerNumbers) -> Result) -> Result
    /// Calls `body` with the transactions of all producers.
    func withTransactions<Result>(_ body: (inout TransactionTable) -> Result) -> Result
    /// Calls `body` with what share groups have in all partitions.
    func withShares<Result>(_ body: (inout ShareTable) -> Result) -> Result
    /// Tells the endpoint of another loop something; it hears of it in its next tick.
    func post(_ mail: KafkaMail, to shard: Int)
    /// How many loops there are.
    var shardCount: Int { get }
    /// Takes part in the account of what clients hold.
    func addMemory(_ byteCount: Int)
    /// What clients of all loops hold, in bytes.
    var memoryUse: Int { get }
}

/// What endpoints tell each other.
package enum KafkaMail: Sendable {
    /// Rights have changed.
    case accessChanged
    /// Other limits hold.
    case limitsChanged(LimitBook)
    /// A password of a client of this loop was judged.
    case authenticated(number: UInt64, AuthenticationAnswer)
    /// Transactions have ended in these partitions.
    case decided([PartitionID])
    /// Share groups may get more of these partitions than before.
    case sharesGrew(Set<ShareKey>)
    /// Requests to a group's coordinator are answered.
    case answered([(waiter: GroupWaiter, answer: GroupAnswer)])
}

/// The numbers that producers are known by, which are never given twice: a block is put on record before any number of
/// it is given.
package struct ProducerNumbers: Sendable {
    /// The first number that is in no block.
    private var next: Int64 = 0

    /// Numbers of a block: so many producers may come before the next record is written.
    package static let blockSize: Int64 = 1000
    /// The stream that the blocks are on record in, and the key of their record.
    package static let stream = "__cluster"
    /// The record's key; its value is the first number that is in no block, as 8 bytes.
    package static let key = Array("producer-ids".utf8)

    /// No block was given yet.
    package init() {}

    /// A record of the stream, when it is read at the start.
    package mutating func apply(key: [UInt8], value: [UInt8]?) {
        guard key == Self.key, let value, value.count == 8 else { return }
        next = max(next, value.reduce(0) { $0 << 8 | Int64($1) })
    }

    /// Takes a block.
    /// - Returns: its numbers, and the value of the record that must be durable before the first of them is used.
    mutating func takeBlock() -> (numbers: Range<Int64>, value: [UInt8]) {
        let block = next..<next + Self.blockSize
        next = block.upperBound
        return (block, (0..<8).map { UInt8(truncatingIfNeeded: next >> (56 - 8 * $0)) })
    }
}
