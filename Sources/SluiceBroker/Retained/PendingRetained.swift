import TopicRouting

/// Changes of retained messages that are on their way into the log, as far as they count against limits.
///
/// Invariants: the sums are those of the entries.
/// Isolation: its intake's.
struct PendingRetained {
    private struct Entry {
        var owner: [UInt8]
        var use: RetainedUse
        /// Bytes of the newest change.
        var byteCount: Int
        var changeCount: Int
    }

    private var entries: [[UInt8]: Entry] = [:]
    private var uses: [[UInt8]: RetainedUse] = [:]
    private(set) var all = RetainedUse()

    /// What an owner's changes add.
    func use(of owner: [UInt8]) -> RetainedUse { uses[owner] ?? RetainedUse() }

    /// Bytes of a topic's newest change; nil when it has none on its way.
    func byteCount(of topic: [UInt8]) -> Int? { entries[topic]?.byteCount }

    /// A change begins.
    /// - Parameter use: what it adds to what is there.
    mutating func begin(_ topic: [UInt8], of owner: [UInt8], byteCount: Int, adding use: RetainedUse) {
        var entry = entries[topic] ?? Entry(owner: owner, use: RetainedUse(), byteCount: 0, changeCount: 0)
        entry.byteCount = byteCount
        entry.changeCount += 1
        entry.use.add(use, 1)
        entries[topic] = entry
        uses[entry.owner, default: RetainedUse()].add(use, 1)
        all.add(use, 1)
    }

    /// A change has its place, or was refused.
    mutating func end(_ topic: [UInt8]) {
        guard var entry = entries[topic] else { return }
        entry.changeCount -= 1
        guard entry.changeCount == 0 else {
            entries[topic] = entry
            return
        }
        entries[topic] = nil
        all.add(entry.use, -1)
        uses[entry.owner]?.add(entry.use, -1)
        if uses[entry.owner] == RetainedUse() { uses[entry.owner] = nil }
    }
}
