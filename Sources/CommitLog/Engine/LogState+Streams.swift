package import LogInterface
import SluiceCore

/// Streams that come, change and go while the log runs.
extension LogState {
    /// How the stream of this index is kept.
    package func policy(ofStream index: Int) -> StreamPolicy { registry.policy(ofStream: index) }

    /// Changes how a stream is kept.
    package mutating func setPolicy(_ policy: StreamPolicy, ofStream index: Int) {
        registry.setPolicy(policy, ofStream: index)
    }

    /// Changes how the stream of this name is kept, if there is one.
    package mutating func setPolicy(_ policy: StreamPolicy, of name: String) {
        if let index = registry.index(of: name) { registry.setPolicy(policy, ofStream: index) }
    }

    /// Enters a stream that is new, or different: its last partitions, one for each of `segments`, are new.
    mutating func enter(_ stream: StreamDescription, adding segments: [SegmentInfo]) {
        let index = registry.enter(stream)
        for (id, segment) in zip(stream.partitions.suffix(segments.count), segments) {
            while partitions.count < id.index {
                partitions.append(PartitionState(gone: PartitionID(rawValue: UInt32(partitions.count))))
            }
            precondition(partitions.count == id.index, "Cannot give a partition's number twice")
            partitions.append(
                PartitionState(
                    id: id, streamIndex: index, durability: stream.settings.durability,
                    isInternal: stream.settings.isInternal, segments: [segment], end: .zero))
        }
        for (number, id) in stream.partitions.enumerated() {
            partitions[id.index].durability = stream.settings.durability
            if let offset = stream.settings.startOffsets[number] { partitions[id.index].trimmedBefore = offset }
        }
    }

    /// Deletes a stream: nothing of it is written, read or given out from here on.
    /// - Returns: it, if there was one.
    mutating func remove(_ name: String) -> StreamDescription? {
        guard let stream = registry.leave(name) else { return nil }
        for id in stream.partitions {
            let dropped = partitions[id.index].leave()
            unflushedBytes -= dropped.unflushedByteCount
            flushableBytes -= dropped.flushableByteCount
        }
        hasGone = true
        return stream
    }

    /// The flusher's side of that: new writers, and what it is to let go of and then `release`.
    mutating func takeWriterChanges() -> (
        arrivals: [(partition: PartitionID, writer: SegmentWriter)], gone: [PartitionID]
    ) {
        registry.takeChanges()
    }

    /// The flusher has let go of the writers of these partitions.
    mutating func release(_ partitions: [PartitionID]) { registry.release(partitions) }

    /// Whether one of `appends` is to a stream that was deleted.
    func hasGone(_ appends: [Append]) -> Bool {
        hasGone && appends.contains { partitions[$0.partition.index].isGone }
    }
}
