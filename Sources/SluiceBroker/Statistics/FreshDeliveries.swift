import SluiceCore

/// The live deliveries of one tick, by when their messages became durable: mostly all of one commit.
///
/// Isolation: one shard's.
struct FreshDeliveries {
    private var runs: [(count: UInt64, durableAt: Int64)] = []

    /// Whether nothing was delivered live of which it is known since when it is durable.
    var isEmpty: Bool { runs.isEmpty }

    /// So many deliveries were made of what has been durable since then.
    mutating func note(_ count: UInt64, durableAt: Int64?) {
        guard count > 0, let durableAt else { return }
        if let last = runs.indices.last, runs[last].durableAt == durableAt {
            runs[last].count += count
        } else {
            runs.append((count, durableAt))
        }
    }

    /// They are with their sockets.
    mutating func end(at time: Int64, into histogram: inout LatencyHistogram) {
        for run in runs { histogram.record(nanoseconds: time - run.durableAt, count: Int(run.count)) }
        runs.removeAll(keepingCapacity: true)
    }
}
