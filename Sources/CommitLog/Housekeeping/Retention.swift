import LogInterface
import SluiceCore

/// Removes segments that their stream, or the log as a whole, does not keep.
///
/// Whole segments go, oldest first, never the newest of a partition, and never one that is not in its file yet. The
/// start of the partition moves first, in memory, where every reader sees it; then the files go: a reader that still
/// holds a removed name fails to open it and asks again.
/// Isolation: the housekeeping thread, or a simulation.
struct Retention {
    /// Of a partition's segments one in this many may go for its age in a pass, and at least one: what a clock that
    /// jumped before anybody looked can do.
    static let agedShare = 8

    private let storage: any Storage
    private let access: any LogStateAccess
    /// Segments that are gone from memory and whose files could not be removed, by partition, oldest first: a later
    /// pass does it, before newer ones go.
    private var left: [PartitionID: [SegmentInfo]] = [:]
    /// Why some of them are left, in this pass.
    private var failure: StorageError?

    /// A segment that may go.
    private struct Candidate {
        var partition: PartitionID
        var segment: SegmentInfo
    }

    init(storage: any Storage, access: any LogStateAccess) {
        self.storage = storage
        self.access = access
    }

    /// Forgets partitions whose streams were deleted: their files go with their directories.
    mutating func forget(_ partitions: [PartitionID]) { for partition in partitions { left[partition] = nil } }

    /// One pass over every stream.
    /// - Parameter now: the moment that ages count up to; nil removes nothing for its age.
    /// - Returns: the number of segments removed.
    /// - Throws: `HousekeepingError`, behind everything that could be done. A segment whose file could not be removed
    ///   is gone from memory; the next pass tries again, and a next opening finds it.
    mutating func run(now: Timestamp?) throws(HousekeepingError) -> Int {
        failure = nil
        var removed = 0
        for id in left.keys.sorted(by: { $0.rawValue < $1.rawValue }) { removed += try removeFiles([], id) }
        for stream in access.withState({ $0.registry.streams }) {
            let policy = stream.settings.policy
            for partition in stream.partitions {
                removed += try removeGivenUp(partition)
                if policy.cleanup.deletes, let now, let age = policy.retentionMilliseconds {
                    removed += try removeAged(partition, before: Timestamp(rawValue: now.rawValue - age))
                }
                if policy.cleanup.deletes, let byteCountMax = policy.retentionBytesMax {
                    removed += try removeExcess(of: [partition], over: byteCountMax)
                }
            }
        }
        if let byteCountMax = access.withState({ $0.policy.retentionBytesMax }) {
            removed += try removeExcess(of: removablePartitions(), over: byteCountMax)
        }
        if let failure { throw .failed(failure) }
        return removed
    }

    /// Partitions whose segments may go for the sake of the whole: not those of compacted streams, which hold what is
    /// current.
    private func removablePartitions() -> [PartitionID] {
        access.withState { $0.registry.streams }.filter { stream in
            !stream.settings.isInternal && stream.settings.policy.cleanup.deletes
        }.flatMap(\.partitions)
    }

    private mutating func removeGivenUp(_ partition: PartitionID) throws(HousekeepingError) -> Int {
        let removed = access.withState { state in
            let partition = state.partitions[partition.index]
            return partition.removeSegments(countMax: .max) { $0.nextOffset <= partition.trimmedBefore }
        }
        return try removeFiles(removed, partition)
    }

    private mutating func removeAged(_ partition: PartitionID, before time: Timestamp) throws(HousekeepingError) -> Int
    {
        let removed = access.withState { state in
            let partition = state.partitions[partition.index]
            let countMax = max(1, partition.segments.count / Self.agedShare)
            return partition.removeSegments(countMax: countMax) { $0.maxTimestamp < time }
        }
        return try removeFiles(removed, partition)
    }

    /// Removes the oldest segments of `partitions` together, until what is left fits.
    private mutating func removeExcess(
        of partitions: [PartitionID], over byteCountMax: Int64
    ) throws(HousekeepingError) -> Int {
        var total = access.withState { state in partitions.reduce(0) { $0 + state.partitions[$1.index].byteCount } }
        var removed = 0
        while total > byteCountMax {
            let oldest = access.withState { state in
                partitions.compactMap { id -> Candidate? in
                    state.partitions[id.index].removableSegment.map { Candidate(partition: id, segment: $0) }
                }.min { $0.segment.maxTimestamp < $1.segment.maxTimestamp }
            }
            // What is left is as little as whole segments allow: going below what was asked would lose more than that.
            guard let oldest, total - oldest.segment.byteCount >= byteCountMax else { break }
            let taken = access.withState { state in
                state.partitions[oldest.partition.index].removeSegments(countMax: 1) { _ in true }
            }
            guard !taken.isEmpty else { break }
            total -= taken[0].byteCount
            removed += try removeFiles(taken, oldest.partition)
        }
        return removed
    }

    /// Removes the files of segments, each segment's names from the device before the next: else a power cut could
    /// bring back an older one and not the one behind it, and a reader would find a hole.
    /// - Returns: how many segments are gone; those whose names stay are tried again in the next pass.
    private mutating func removeFiles(
        _ segments: [SegmentInfo], _ id: PartitionID
    ) throws(HousekeepingError) -> Int {
        let segments = (left[id] ?? []) + segments
        let paths = access.withState { $0.registry.paths(of: id) }
        left[id] = nil
        for (index, segment) in segments.enumerated() {
            do throws(StorageError) {
                for path in paths.all(segment.baseOffset) { try storage.remove(path) }
            } catch {
                left[id] = Array(segments[index...])
                failure = failure ?? error
                return index
            }
            do throws(StorageError) {
                try storage.synchronizeDirectory(paths.directory)
            } catch {
                throw .inDoubt(error)
            }
        }
        return segments.count
    }
}
