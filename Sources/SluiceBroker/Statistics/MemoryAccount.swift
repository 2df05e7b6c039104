import SluiceCore

/// What the clients of one shard hold together, and how near the node is to its budget.
///
/// Isolation: one shard's.
struct MemoryAccount {
    /// Bytes of one client's output under pressure: a tick's worth of small messages.
    private static let smallOutputBytes = 16 << 10

    private var limits: Limits
    private(set) var heldByteCount = 0
    /// What of it the node was told.
    private var toldByteCount = 0
    /// How near the node is to its budget, as of this tick's start.
    private(set) var pressure = MemoryPressure.none
    /// Bytes that wait for one client's socket beyond which it gets no more; fewer under pressure.
    private(set) var outputBytesAllowed: Int

    init(_ limits: Limits) {
        self.limits = limits
        outputBytesAllowed = limits.outputBytesMax
    }

    /// Other limits hold from now on.
    mutating func follow(_ limits: Limits) {
        self.limits = limits
        bound()
    }

    /// Somebody holds so many bytes more, or fewer.
    mutating func add(_ byteCount: Int) {
        heldByteCount += byteCount
        assert(heldByteCount >= 0, "more was given back than was held")
    }

    /// Tells the node what this shard's clients hold, and learns how near the budget is.
    /// - Returns: whether the pressure is another one now.
    mutating func measure(_ peers: any ShardPeers) -> Bool {
        if heldByteCount != toldByteCount {
            peers.addMemory(heldByteCount - toldByteCount)
            toldByteCount = heldByteCount
        }
        assert(peers.memoryUse >= 0, "shards give back no more than they have taken")
        let measured = MemoryPressure(used: peers.memoryUse, budget: limits.clientMemoryMax)
        guard measured != pressure else { return false }
        pressure = measured
        bound()
        return true
    }

    private mutating func bound() {
        outputBytesAllowed =
            pressure == .none ? limits.outputBytesMax : min(limits.outputBytesMax, Self.smallOutputBytes)
    }
}
