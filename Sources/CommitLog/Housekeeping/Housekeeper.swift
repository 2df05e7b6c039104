import Compression
import LogInterface
package import SluiceCore

/// Bounds of housekeeping.
package struct HousekeepingLimits: Sendable, Equatable {
    /// Bytes of the table of keys while a partition is compacted. 64 MiB hold 1.5 million keys; a pass over more
    /// handles as much of the log as fits, and the next pass goes on there.
    package var keyMapBytesMax = 64 << 20
    /// Bytes read at a time.
    package var readBytes = 1 << 20
    /// Bytes of records in a batch that compaction or sealing writes, before compression. Smaller ones let a reader of
    /// one device read less, larger ones compress better: JSON of sensors comes to 24.1 % of its payloads with 16 KiB,
    /// 23.4 % with 32 KiB, 22.9 % with 64 KiB, see docs/PERFORMANCE.md.
    package var batchBytes = 32 << 10
    /// The codec's level. Level 1 of zstd is better than 3 on such records, and four times as fast as 6.
    package var level: Int? = 1
    /// How old a segment's last record becomes before the segment is sealed for good, in milliseconds: readers that are
    /// just behind, and a burst of appends, come first.
    package var sealingDelayMilliseconds: Int64 = 60_000

    /// The defaults.
    package init() {}
}

/// What happens to old segments: retention, compaction.
///
/// Nothing here is in the way of appends: files are read and written without the log's lock, which is held for look-ups
/// only, and the newest segment of a partition is never touched.
/// Isolation: one thread (the housekeeping thread), or a simulation.
package final class Housekeeper {
    let storage: any Storage
    let access: any LogStateAccess
    let limits: HousekeepingLimits
    private let makeSeed: () -> UInt64
    private var retention: Retention
    private var clock = RetentionClock()
    private var records: [PartitionID: HousekeepingRecord] = [:]

    /// The housekeeping of an opened log.
    /// - Parameter makeSeed: a random number for each pass of the compaction.
    package init(
        storage: any Storage, access: any LogStateAccess,
        limits: HousekeepingLimits = HousekeepingLimits(), makeSeed: @escaping () -> UInt64
    ) {
        self.storage = storage
        self.access = access
        self.limits = limits
        self.makeSeed = makeSeed
        retention = Retention(storage: storage, access: access)
    }

    /// The partitions of all streams, as of now.
    private var partitions: [PartitionID] {
        access.withState { state in state.registry.streams.flatMap(\.partitions) }.sorted { $0.rawValue < $1.rawValue }
    }

    /// Where a partition's files are.
    func paths(_ id: PartitionID) -> SegmentPaths { access.withState { $0.registry.paths(of: id) } }

    private func policy(_ id: PartitionID) -> StreamPolicy {
        access.withState { $0.policy(ofStream: $0.partitions[id.index].streamIndex) }
    }

    /// Forgets partitions whose streams were deleted.
    func forget(_ partitions: [PartitionID]) {
        for partition in partitions { records[partition] = nil }
        retention.forget(partitions)
    }

    private var indexIntervalBytes: Int { access.withState { $0.limits.indexIntervalBytes } }

    /// What a pass of the retention did.
    package struct RetentionResult: Equatable {
        /// Segments removed.
        package var removedCount = 0
        /// How far the wall clock has jumped ahead since the last pass, in milliseconds, when it has: nothing is
        /// removed for its age for an hour then.
        package var jumpMilliseconds: Int64?
    }

    /// Removes segments that are not to be kept.
    /// - Parameters:
    ///   - wall: the wall clock.
    ///   - monotonic: milliseconds of a clock that nobody sets.
    /// - Throws: `HousekeepingError`; the rest of the pass is done next time.
    package func retain(wall: Timestamp, monotonic: Int64) throws(HousekeepingError) -> RetentionResult {
        var result = RetentionResult()
        switch clock.read(wall: wall, monotonic: monotonic) {
        case .steady(let now): result.removedCount = try retention.run(now: now)
        case .paused: result.removedCount = try retention.run(now: nil)
        case .jumped(let milliseconds):
            result.jumpMilliseconds = milliseconds
            result.removedCount = try retention.run(now: nil)
        }
        return result
    }

    /// Compacts the partitions of compacted streams that need it.
    /// - Parameters:
    ///   - now: the wall clock.
    ///   - shouldStop: asked between segments.
    /// - Returns: the number of partitions that were compacted.
    /// - Throws: `HousekeepingError`.
    package func compact(now: Timestamp, shouldStop: () -> Bool) throws(HousekeepingError) -> Int {
        var count = 0
        for id in partitions where !shouldStop() {
            let policy = policy(id)
            guard policy.cleanup.compacts else { continue }
            var compaction = Compaction(
                self, id, policy, shape: SegmentShape(policy, indexIntervalBytes: indexIntervalBytes),
                record: record(id))
            if try compaction.run(now: now, seed: makeSeed(), shouldStop: shouldStop) { count += 1 }
            try set(compaction.record, id)
        }
        return count
    }

    /// Gives sealed segments of streams that are not compacted the form that they keep.
    /// - Parameters:
    ///   - now: the wall clock.
    ///   - shouldStop: asked between segments.
    /// - Returns: the number of segments that were rewritten.
    /// - Throws: `HousekeepingError`.
    package func seal(now: Timestamp, shouldStop: () -> Bool) throws(HousekeepingError) -> Int {
        var count = 0
        for id in partitions where !shouldStop() {
            let policy = policy(id)
            guard !policy.cleanup.compacts, policy.sealing != .none else { continue }
            var sealing = Sealing(self, id, policy, record: record(id))
            count += try sealing.run(now: now, shouldStop: shouldStop)
            try set(sealing.record, id)
        }
        return count
    }

    private func record(_ id: PartitionID) -> HousekeepingRecord {
        if let record = records[id] { return record }
        let record = HousekeepingRecord.load(storage, paths(id))
        records[id] = record
        return record
    }

    private func set(_ record: HousekeepingRecord, _ id: PartitionID) throws(HousekeepingError) {
        guard records[id] != record else { return }
        records[id] = record
        do throws(StorageError) {
            try record.store(storage, paths(id))
        } catch {
            // The flusher's names are in the same directory: what the device has of them is not known any more either.
            throw error.operation == .synchronizeDirectory ? .inDoubt(error) : .failed(error)
        }
    }

    // MARK: Replacing segments

    /// A writer of a segment that starts at `base`.
    func writer(_ id: PartitionID, base: Offset) throws(HousekeepingError) -> ReplacementWriter {
        let interval = indexIntervalBytes
        do throws(StorageError) {
            return try ReplacementWriter(storage, paths(id), base: base, indexInterval: interval)
        } catch {
            throw .failed(error)
        }
    }

    /// Puts the segment that `write` writes in the place of consecutive sealed ones, unless it comes to nothing.
    func replace(
        _ sources: [SegmentInfo], _ id: PartitionID, by write: () throws(HousekeepingError) -> SegmentInfo?
    ) throws(HousekeepingError) {
        let replacement = SegmentReplacement(storage: storage, paths: paths(id), pause: access.pause)
        let written: SegmentInfo?
        do throws(HousekeepingError) {
            written = try write()
        } catch {
            try abandon(replacement, sources[0].baseOffset)
            throw error
        }
        guard let written else { return try abandon(replacement, sources[0].baseOffset) }
        access.withState { $0.partitions[id.index].beginReplacement() }
        var isDone = false
        defer {
            access.withState { state in
                state.partitions[id.index].endReplacement(
                    of: sources.map(\.baseOffset), by: isDone ? written : nil)
            }
        }
        // What failed before anything changed is a failed pass: a compaction that took it for done would let tombstones
        // go before what they delete.
        try replacement.commit(written, replacing: sources)
        isDone = true
    }

    private func abandon(_ replacement: SegmentReplacement, _ base: Offset) throws(HousekeepingError) {
        do throws(StorageError) { try replacement.abandon(base) } catch { throw .failed(error) }
    }
}

/// Why housekeeping could not go on.
package enum HousekeepingError: Error, Equatable {
    /// Nothing has changed, and the work can be tried again later.
    case failed(StorageError)
    /// A segment turned out to be damaged: it stays as it is.
    case damaged
    /// Files were being replaced: which ones the device has is not known any more. The log is to be poisoned.
    case inDoubt(StorageError)
}
