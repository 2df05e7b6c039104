package import SluiceCore

/// Bounds of housekeeping.
package struct HousekeepingLimits: Sendable, Equatable {
    /// Bytes of the table of keys while a partition is compacted. 64 MiB hold 1.5 million keys; a pass over more
    /// handles as much of the log as fits, and the next pass goes on there.
    package var keyMapBytesMax = 64 << 20
    /// Bytes read at a time.
    package var readBytes = 1 << 20
    /// Bytes of records in a batch that compaction or sealing writes.
    package var batchBytes = 64 << 10

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
    let streams: [StreamDescription]
    let limits: HousekeepingLimits
    /// By partition.
    let paths: [SegmentPaths]
    private let streamIndexes: [Int]
    private let makeSeed: () -> UInt64
    private let retention: Retention
    private var clock = RetentionClock()
    private var records: [PartitionID: HousekeepingRecord] = [:]

    /// The housekeeping of an opened log.
    /// - Parameter makeSeed: a random number for each pass of the compaction.
    package init(
        storage: any Storage, access: any LogStateAccess, streams: [StreamDescription],
        limits: HousekeepingLimits = HousekeepingLimits(), makeSeed: @escaping () -> UInt64
    ) {
        self.storage = storage
        self.access = access
        self.streams = streams
        self.limits = limits
        self.makeSeed = makeSeed
        let partitionCount = streams.reduce(0) { $0 + $1.partitions.count }
        var paths = [SegmentPaths](repeating: SegmentPaths(stream: "", number: 0), count: partitionCount)
        var streamIndexes = [Int](repeating: 0, count: partitionCount)
        for (index, stream) in streams.enumerated() {
            for (number, partition) in stream.partitions.enumerated() {
                paths[partition.index] = SegmentPaths(stream: stream.settings.name, number: number)
                streamIndexes[partition.index] = index
            }
        }
        self.paths = paths
        self.streamIndexes = streamIndexes
        retention = Retention(storage: storage, access: access, streams: streams, paths: paths)
    }

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

    private func record(_ id: PartitionID) -> HousekeepingRecord {
        if let record = records[id] { return record }
        let record = HousekeepingRecord.load(storage, paths[id.index])
        records[id] = record
        return record
    }

    private func set(_ record: HousekeepingRecord, _ id: PartitionID) throws(HousekeepingError) {
        guard records[id] != record else { return }
        records[id] = record
        do throws(StorageError) { try record.store(storage, paths[id.index]) } catch { throw .failed(error) }
    }

    // MARK: Replacing segments

    /// Puts a written segment in the place of `sources`.
    /// - Throws: `HousekeepingError`.
    func commit(_ segment: SegmentInfo, replacing sources: [SegmentInfo], _ id: PartitionID) throws(HousekeepingError) {
        let replacement = SegmentReplacement(storage: storage, paths: paths[id.index])
        access.withState { $0.partitions[id.index].beginReplacement() }
        var isDone = false
        defer {
            access.withState { state in
                state.partitions[id.index].endReplacement(
                    of: sources.map(\.baseOffset), by: isDone ? segment : nil)
            }
        }
        do throws(StorageError) {
            isDone = try replacement.commit(segment, replacing: sources)
        } catch {
            throw .inDoubt(error)
        }
    }

    /// Removes what was written for a segment that will not be replaced.
    func abandon(_ base: Offset, _ id: PartitionID) throws(HousekeepingError) {
        do throws(StorageError) {
            try SegmentReplacement(storage: storage, paths: paths[id.index]).abandon(base)
        } catch {
            throw .failed(error)
        }
    }
}

/// Why housekeeping could not go on.
package enum HousekeepingError: Error, Equatable {
    /// Nothing has changed, and the work can be tried again later.
    case failed(StorageError)
    /// Files were being replaced: which ones the device has is not known any more. The log is to be poisoned.
    case inDoubt(StorageError)
}
