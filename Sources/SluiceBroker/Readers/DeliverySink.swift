import LogInterface
import SluiceCore

/// Where a reader's records go: a client, a share group that hands them on, or a tail of any other kind.
///
/// Isolation: its shard's.
protocol DeliverySink: AnyObject {
    /// Whether it takes nothing any more.
    var isClosing: Bool { get }
    /// Whether something that it was given still waits to leave: then it is given nothing more while memory is short.
    var hasWaitingOutput: Bool { get }
    /// What its readers want.
    var subscriptions: [Subscription] { get }
    /// Takes a record, or says that it takes no more for now: then it sees to it that the reader is queued again.
    /// - Parameter isRetained: whether it is a retained message for a new subscription.
    func take(
        _ delivery: BrokerShard.Delivery, for target: MatchList.Target, _ bytes: Span<UInt8>, isRetained: Bool,
        from shard: BrokerShard
    ) -> BrokerShard.SendOutcome
    /// Takes into account what one of its readers holds now.
    func account(_ reader: Reader, on shard: BrokerShard)
    /// Records have left the memory that it might have been given as soon as they were appended.
    func missed(_ count: UInt64)
}

extension Client: DeliverySink {
    /// Whether its socket has not taken everything.
    var hasWaitingOutput: Bool { !output.isEmpty }

    /// Sends it as a PUBLISH.
    func take(
        _ delivery: BrokerShard.Delivery, for target: MatchList.Target, _ bytes: Span<UInt8>, isRetained: Bool,
        from shard: BrokerShard
    ) -> BrokerShard.SendOutcome {
        shard.send(delivery, to: target, bytes, self, isRetained: isRetained)
    }

    /// All that it holds is counted together.
    func account(_ reader: Reader, on shard: BrokerShard) { shard.account(self) }

    /// It was too slow for them.
    func missed(_ count: UInt64) { droppedCount += count }
}

extension ShareGroup: DeliverySink {
    /// It is there until it has no reader.
    var isClosing: Bool { false }
    /// It keeps nothing of what it hands on.
    var hasWaitingOutput: Bool { false }
    /// Its one.
    var subscriptions: [Subscription] { subscription.map { [$0] } ?? [] }

    /// Hands it to a member.
    func take(
        _ delivery: BrokerShard.Delivery, for target: MatchList.Target, _ bytes: Span<UInt8>, isRetained: Bool,
        from shard: BrokerShard
    ) -> BrokerShard.SendOutcome {
        assert(!isRetained, "a share group gets nothing that is retained")
        assert(subscription == nil || target.reader === subscription?.reader, "a group has one reader, until it ends")
        return shard.hand(delivery, to: self)
    }

    /// Its reader is all that it holds.
    func account(_ reader: Reader, on shard: BrokerShard) { shard.account(alone: reader) }

    /// It reads what is durable, and misses nothing.
    func missed(_ count: UInt64) { assertionFailure("a share group reads what is durable") }
}
