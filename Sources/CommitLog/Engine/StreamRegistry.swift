package import LogInterface
package import SluiceCore

/// The streams of a running log: which there are, where their files are, and what the flusher has yet to hear of them.
///
/// Invariants: a stream keeps its index, and a partition its number, for as long as the log runs; neither is given
/// again.
/// Isolation: guarded by the log's lock.
package struct StreamRegistry {
    /// Every stream, the newest last.
    package private(set) var streams: [StreamDescription] = []
    /// How often they have changed.
    package private(set) var generation: UInt64 = 1
    /// By the index of a stream.
    private var policies: [StreamPolicy] = []
    private var indexes: [String: Int] = [:]
    /// By partition; those of deleted streams keep theirs until the last reader has let go.
    private var paths: [SegmentPaths?] = []
    private var arrivals: [(partition: PartitionID, writer: SegmentWriter)] = []
    private var departures: [PartitionID] = []
    private var released: Set<PartitionID> = []

    /// The streams of an opened log, whose partitions have these streams' indexes.
    package init(_ streams: [StreamDescription]) {
        for stream in streams { enter(stream) }
    }

    // MARK: Streams

    /// Enters a stream, or what is different about it.
    /// - Returns: its index.
    @discardableResult
    mutating func enter(_ stream: StreamDescription) -> Int {
        let name = stream.settings.name
        let index = indexes[name] ?? policies.count
        if index == policies.count {
            policies.append(stream.settings.policy)
            indexes[name] = index
            streams.append(stream)
        } else if let place = streams.firstIndex(where: { $0.settings.name == name }) {
            policies[index] = stream.settings.policy
            streams[place] = stream
        }
        for (number, partition) in stream.partitions.enumerated() {
            while paths.count <= partition.index { paths.append(nil) }
            paths[partition.index] = SegmentPaths(stream: name, number: number)
        }
        generation += 1
        return index
    }

    /// Takes a stream out.
    /// - Returns: it, if it is there.
    mutating func leave(_ name: String) -> StreamDescription? {
        guard let place = streams.firstIndex(where: { $0.settings.name == name }) else { return nil }
        indexes[name] = nil
        generation += 1
        departures += streams[place].partitions
        return streams.remove(at: place)
    }

    /// A stream by its name.
    package func stream(_ name: String) -> StreamDescription? { streams.first { $0.settings.name == name } }

    /// The stream of a name, as an index of policies.
    func index(of name: String) -> Int? { indexes[name] }

    /// How the stream of this index is kept.
    func policy(ofStream index: Int) -> StreamPolicy { index < policies.count ? policies[index] : StreamPolicy() }

    /// Changes how a stream is kept.
    mutating func setPolicy(_ policy: StreamPolicy, ofStream index: Int) {
        while policies.count <= index { policies.append(StreamPolicy()) }
        policies[index] = policy
        generation += 1
        guard let name = indexes.first(where: { $0.value == index })?.key,
            let place = streams.firstIndex(where: { $0.settings.name == name })
        else { return }
        streams[place].settings.policy = policy
    }

    /// Where a partition's files are.
    package func paths(of partition: PartitionID) -> SegmentPaths {
        guard partition.index < paths.count, let found = paths[partition.index] else {
            preconditionFailure("Cannot find files of partition \(partition.rawValue), which no stream had")
        }
        return found
    }

    // MARK: The flusher

    /// Leaves the writer of a new partition's segments to the flusher.
    mutating func arrived(_ partition: PartitionID, _ writer: SegmentWriter) { arrivals.append((partition, writer)) }

    /// Whether the flusher has writers to let go of.
    package var hasDepartures: Bool { !departures.isEmpty }

    /// The writers of new partitions, and the partitions whose writers nobody needs any more, since the last call.
    mutating func takeChanges() -> (arrivals: [(partition: PartitionID, writer: SegmentWriter)], gone: [PartitionID]) {
        defer { (arrivals, departures) = ([], []) }
        return (arrivals, departures)
    }

    /// The flusher has let go of the writers of these partitions.
    mutating func release(_ partitions: [PartitionID]) { released.formUnion(partitions) }

    /// Whether nobody writes a deleted partition's files any more, so that they may go.
    package func isReleased(_ partition: PartitionID) -> Bool { released.contains(partition) }
}
