import SluiceCore

/// How fast a client may publish, where that is bounded.
///
/// Isolation: its client's shard.
final class PublishPace {
    private var messages: TokenBucket?
    private var bytes: TokenBucket?
    /// Bytes of the packet that is being worked on.
    var packetByteCount = 0
    /// Whether the client is on the list of those that wait for room.
    var isWaiting = false
    /// Messages of QoS 0 that were dropped and not reported yet.
    var droppedCount = 0
    /// Whether the log has a line of it.
    var isReported = false

    /// The pace of these limits; nil when they have none.
    /// - Parameter former: the one before, which goes on where the rate is the same.
    init?(_ limits: Limits, after former: PublishPace?) {
        func bucket(_ rate: Rate?, _ former: TokenBucket?) -> TokenBucket? {
            guard let rate, rate != .unlimited else { return nil }
            return former?.rate == rate ? former : TokenBucket(rate)
        }
        messages = bucket(limits.publishRate, former?.messages)
        bytes = bucket(limits.publishByteRate, former?.bytes)
        guard messages != nil || bytes != nil else { return nil }
        isWaiting = former?.isWaiting ?? false
        droppedCount = former?.droppedCount ?? 0
        isReported = former?.isReported ?? false
    }

    /// Whether a message may come.
    func hasRoom(at now: Int64) -> Bool { opensAt <= now }

    /// When one may come.
    var opensAt: Int64 {
        max(messages?.opensAt() ?? .min, bytes?.opensAt(for: packetByteCount) ?? .min)
    }

    /// A message has come.
    func spend(at now: Int64) {
        messages?.spend(1, at: now)
        bytes?.spend(packetByteCount, at: now)
    }

    /// The settings that bound it, and what they are.
    var words: String {
        let settings = [
            messages.map { "'limits: publish_rate' is \($0.rate)" },
            bytes.map { "'limits: publish_bytes' is \($0.rate)" },
        ]
        return settings.compactMap { $0 }.joined(separator: ", ") + ", and more came"
    }
}

/// Clients by the time from which on they may go on: a heap.
///
/// Complexity: O(log n) for each.
struct PaceQueue {
    private var entries: [(time: Int64, clientNumber: UInt64)] = []

    /// The earliest time; nil when nobody waits.
    var first: Int64? { entries.first?.time }

    mutating func add(_ clientNumber: UInt64, at time: Int64) {
        entries.append((time, clientNumber))
        var index = entries.count - 1
        while index > 0, entries[index].time < entries[(index - 1) / 2].time {
            entries.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    /// Takes out a client whose time has come; nil when there is none.
    mutating func pop(at now: Int64) -> UInt64? {
        guard let first = entries.first, first.time <= now else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < entries.count {
                if entries[child].time < entries[least].time { least = child }
            }
            guard least != index else { return first.clientNumber }
            entries.swapAt(index, least)
            index = least
        }
    }
}

/// Who is bound by limits of its own, and what there is to do about it.
///
/// Isolation: one shard's.
struct BoundClients {
    /// Clients whose publishes wait for room.
    var waiting = PaceQueue()
    /// Clients whose messages of QoS 0 were dropped since the last look.
    var shedding: [Client] = []
    /// Clients that hold more than they may.
    var overweight: [Client] = []
}
