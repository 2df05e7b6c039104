import Checksums
import LogInterface
import MQTTWire
import SluiceCore
import TopicRouting

/// Who wants what on one shard: the subscriptions by their filters, and what each known topic was found to match.
///
/// Invariants: a list in the cache is what its topic matches now, or the stale one; a hash is unmatched for a
/// visibility only while no subscription of it matches its topic.
/// Isolation: one shard's.
struct SubscriptionTable: ~Copyable {
    /// Topics that are remembered as nobody's.
    private static let unmatchedMax = 1 << 16

    private var trie = SubscriptionTrie<Subscription>()
    /// Subscriptions without a filter: every record of a stream is theirs, also where `#` would not match, since the
    /// topic begins with `$`.
    private var wholeStreams: [Subscription] = []
    private var lists = TopicCache<MatchList>()
    /// What topics without subscribers share.
    private let nobody = MatchList()
    /// What stands for topics that are to be looked up again.
    private let stale = MatchList()
    /// By visibility.
    private var unmatchedHashes: [Set<UInt64>] = [[], []]
    private(set) var counts = [0, 0]
    private var noLocalCount = 0

    /// The number of subscriptions.
    var count: Int { trie.count + wholeStreams.count }
    /// Bytes of memory that the table of topics takes; lists of who wants a topic are not counted.
    var topicByteCount: Int { lists.memoryByteCount }

    /// Whether some subscription has this visibility.
    func has(_ visibility: Visibility) -> Bool { counts[visibility.index] > 0 }

    /// Whether somebody wants nothing of its own.
    var hasNoLocal: Bool { noLocalCount > 0 }

    // MARK: Changes

    /// Adds a subscription; it takes the place of another one of its reader and filter.
    mutating func insert(_ subscription: Subscription) {
        let filter = subscription.matched
        assert(!filter.isEmpty || subscription.reader.only === subscription, "whole streams have readers of their own")
        if filter.isEmpty { wholeStreams.append(subscription) } else { trie.insert(subscription, filter: filter.span) }
        count(subscription, by: 1)
    }

    /// Takes a subscription out.
    mutating func remove(_ subscription: Subscription) {
        let filter = subscription.matched
        let before = count
        if filter.isEmpty {
            wholeStreams.removeAll { $0 === subscription }
        } else {
            trie.remove(id: subscription.id, filter: filter.span)
        }
        assert(count == before - 1, "what is taken out was there")
        count(subscription, by: -1)
    }

    /// A subscription has lost its place to another one of its reader and filter.
    mutating func replaced(_ former: Subscription) { count(former, by: -1) }

    private mutating func count(_ subscription: Subscription, by step: Int) {
        counts[subscription.visibility.index] += step
        assert(counts[subscription.visibility.index] >= 0)
        if subscription.options.noLocal { noLocalCount += step }
        assert(noLocalCount >= 0 && noLocalCount <= counts[0] + counts[1])
        forget(subscription.matched, isNew: step > 0)
    }

    /// Topics that `filter` matches are looked up again, and no others: with many subscribers of one topic that costs
    /// milliseconds, and somebody subscribes all the time.
    private mutating func forget(_ filter: [UInt8], isNew: Bool) {
        let wildcards: [UInt8] = [UInt8(ascii: "+"), UInt8(ascii: "#")]
        guard filter.isEmpty || filter.contains(where: wildcards.contains) else {
            lists.replace(with: stale, for: filter.span)
            guard isNew else { return }
            let hash = XXH3.hash(filter.span)
            for visibility in unmatchedHashes.indices { unmatchedHashes[visibility].remove(hash) }
            return
        }
        // Without a filter a whole stream is meant.
        lists.replace(with: stale) { topic in
            filter.isEmpty || FilterSyntax.matches(filter: filter.span, topic: topic)
        }
        // Of these there are only hashes; a subscription that is gone leaves nobody's topics nobody's.
        if isNew { unmatchedHashes = [[], []] }
    }

    // MARK: Queries

    /// The subscribers of a topic.
    /// - Complexity: one hash look-up for a known topic.
    mutating func list(_ topic: Span<UInt8>) -> MatchList {
        if let list = lists.lookup(topic), list !== stale { return list }
        assert(nobody.targets.isEmpty && stale.targets.isEmpty, "what topics share has no subscribers")
        var found: MatchList?
        trie.forEachMatch(of: topic) { subscription in
            let list = found ?? MatchList()
            list.add(subscription)
            found = list
        }
        for subscription in wholeStreams {
            let list = found ?? MatchList()
            list.add(subscription)
            found = list
        }
        let list = found ?? nobody
        lists.insert(list, for: topic)
        return list
    }

    /// Whether a batch may have a record for somebody, as far as its topics are listed.
    func mayMatch(_ entry: TailEntry, _ visibility: Visibility) -> Bool {
        guard let hashes = entry.topicHashes, !hashes.isEmpty else { return true }
        let unmatched = unmatchedHashes[visibility.index]
        return hashes.contains { !unmatched.contains($0) }
    }

    /// Remembers that a topic has no subscriber with this visibility.
    mutating func noteUnmatched(_ topic: Span<UInt8>, _ visibility: Visibility) {
        if unmatchedHashes[visibility.index].count >= Self.unmatchedMax { unmatchedHashes[visibility.index] = [] }
        unmatchedHashes[visibility.index].insert(XXH3.hash(topic))
    }
}

extension Visibility {
    /// Its place in tables.
    fileprivate var index: Int {
        switch self {
        case .appended: 0
        case .durable: 1
        }
    }
}
