import SluiceCore

/// How the process's open files are shared out: what the log, the loops and the bridges may need is kept for them, and
/// connections get the rest. Clients that use up all there is would otherwise keep the log from its next file, and then
/// nobody could publish.
struct DescriptorBudget {
    /// What the system allows (`ulimit -Hn`).
    let limit: Int
    /// What is kept from connections.
    let reserved: Int

    /// Three files of the newest segment, and a second descriptor to write past the page cache with.
    private static let perPartition = 4
    /// The loop itself, its wakes and the library's own.
    private static let perLoop = 6
    /// A connection, the one that is being tried, and what a look-up of its name opens.
    private static let perBridge = 4
    /// Standard streams, the directory's lock and listeners (12); ten journal files, each with a second descriptor
    /// (20); four readers with a segment, its index and its topic index (12); a roll's new files (3); what housekeeping
    /// and the indexer have open (16); files that are read on reload (5).
    private static let fixed = 12 + 20 + 12 + 3 + 16 + 5

    /// A budget of `limit` descriptors for a node with so many parts.
    init(limit: Int, partitionCount: Int, loopCount: Int, bridgeCount: Int) {
        self.limit = limit
        reserved =
            partitionCount * Self.perPartition + loopCount * Self.perLoop + bridgeCount * Self.perBridge + Self.fixed
    }

    /// The connections there may be, of `wanted`; those that are only told that they are too many come on top.
    /// - Throws: `OutOfDescriptors` when there is no room for any.
    func connections(of wanted: Int) throws(OutOfDescriptors) -> Int {
        let room = limit - reserved - Limits.surplusConnectionsMax
        guard room > 0 else { throw OutOfDescriptors(budget: self) }
        return min(wanted, room)
    }

    /// Says how connections are bounded, when it is not by the configuration.
    func note(of wanted: Int) -> LogLine? {
        let room = limit - reserved - Limits.surplusConnectionsMax
        guard room < wanted else { return nil }
        return LogLine(
            .connectionsBounded,
            "at most \(room, as: .limit) connections, where 'limits: connections' allows \(wanted, as: .configured): "
                + "of \(limit) open files (ulimit -Hn) \(reserved) are kept for the log, loops and bridges, and "
                + "\(Limits.surplusConnectionsMax) to tell clients that they are too many")
    }
}

/// The system allows fewer open files than a node needs.
struct OutOfDescriptors: Error, CustomStringConvertible {
    let budget: DescriptorBudget

    var description: String {
        let least = budget.reserved + Limits.surplusConnectionsMax + 1
        return "the limit of open files (ulimit -Hn) is \(budget.limit), and this configuration needs \(least): "
            + "raise it, or configure fewer partitions"
    }
}
