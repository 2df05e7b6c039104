import CommitLog
import CommitLogPosix
import RecordFormat
import SluiceCore

/// Counts what a data directory, or one partition of it, holds.
package struct LogStatistics {
    private let place: InspectedPlace
    /// Whether compressed batches are decompressed, to know what they would take.
    private let isDeep: Bool
    private let makeProgress: ProgressMaker
    /// What each partition holds.
    package private(set) var partitions: [(name: String, counts: Counts)] = []
    /// What the journal holds.
    package private(set) var journal = Journal()
    /// Bytes that are set aside.
    package private(set) var reserveByteCount: Int64 = 0
    /// What was not whole, and does not count.
    package private(set) var findings: [InspectionFinding] = []

    /// What a partition holds.
    package struct Counts {
        /// Segments.
        package var segmentCount: Int64 = 0
        /// Batches.
        package var batchCount: Int64 = 0
        /// Records.
        package var recordCount: Int64 = 0
        /// Bytes of batches.
        package var byteCount: Int64 = 0
        /// Bytes of the batches with their records uncompressed, when they were.
        package var plainByteCount: Int64 = 0
        /// Bytes of the indexes by offset and by time.
        package var indexByteCount: Int64 = 0
        /// Bytes of topic indexes.
        package var topicIndexByteCount: Int64 = 0
        /// Batches by codec.
        package var batchCounts: [String: Int64] = [:]
        /// The first offset.
        package var start: Int64 = 0
        /// The offset behind the last.
        package var next: Int64 = 0
        /// The oldest timestamp, in milliseconds since 1970.
        package var oldest: Int64?
        /// The newest timestamp.
        package var newest: Int64?
    }

    /// What the journal holds.
    package struct Journal {
        /// Files.
        package var fileCount: Int64 = 0
        /// Their bytes.
        package var byteCount: Int64 = 0
        /// Frames.
        package var frameCount: Int64 = 0
        /// Batches in them.
        package var batchCount: Int64 = 0
        /// Records in these.
        package var recordCount: Int64 = 0
    }

    /// Statistics of a place that is no single file.
    /// - Parameters:
    ///   - isDeep: whether compressed batches are decompressed, to know what they would take.
    ///   - makeProgress: who is told how far it has come.
    package init(
        _ place: InspectedPlace, isDeep: Bool, makeProgress: @escaping ProgressMaker = { _, _ in SilentProgress() }
    ) {
        self.place = place
        self.isDeep = isDeep
        self.makeProgress = makeProgress
    }

    /// Counts everything.
    /// - Throws: `ToolFault` when files change faster than they can be read; what the storage throws.
    package mutating func count() throws {
        var names = try place.storage.list("streams").sorted()
        if case .partition(let partition) = place.kind { names = [partition.name] }
        let partitions = names.map { InspectedPartition(name: $0) }
        var total: Int64 = 0
        for partition in partitions {
            total += try SegmentListing(place, partition).files.values.reduce(0) { $0 + $1.byteCount }
        }
        let progress = makeProgress("counting", total)
        for partition in partitions { self.partitions.append((partition.name, try count(partition, progress))) }
        progress.clear()
        try countJournal()
        reserveByteCount = byteCount(SpaceReserve.path)
    }

    private mutating func countJournal() throws {
        for name in try place.storage.list(JournalFiles.directory) where JournalFiles.number(name) != nil {
            journal.fileCount += 1
            journal.byteCount += byteCount("\(JournalFiles.directory)/\(name)")
        }
        for frame in try JournalSnapshot(place.storage).files.flatMap(\.content.frames) {
            journal.frameCount += 1
            for entry in frame.entries where !entry.isReservation {
                journal.batchCount += 1
                journal.recordCount += Int64(entry.recordCount)
            }
        }
    }

    private func byteCount(_ path: String) -> Int64 { FileIdentity("\(place.root)/\(path)")?.byteCount ?? 0 }

    private mutating func count(_ partition: InspectedPartition, _ progress: any WorkProgress) throws -> Counts {
        var counts = Counts()
        let bases = try partition.segments(place.storage)
        counts.start = bases.first?.rawValue ?? 0
        counts.next = bases.last?.rawValue ?? 0
        for base in bases {
            do {
                try count(partition, base, isNewest: base == bases.last, &counts, progress)
            } catch let error as StorageError where error.code == 2 && error.operation == .open {
                // Retention or compaction has removed it meanwhile.
                continue
            }
            counts.segmentCount += 1
            counts.indexByteCount +=
                byteCount(partition.path(base, ".index")) + byteCount(partition.path(base, ".timeindex"))
            counts.topicIndexByteCount += byteCount(partition.path(base, ".topics"))
        }
        return counts
    }

    private mutating func count(
        _ partition: InspectedPartition, _ base: Offset, isNewest: Bool, _ counts: inout Counts,
        _ progress: any WorkProgress
    ) throws {
        let path = partition.path(base, ".log")
        var found: [InspectionFinding] = []
        var counted = counts
        _ = try SegmentFile(storage: place.storage, path: path).forEach { item, position, bytes in
            switch item {
            case .batch(let header):
                progress.advance(by: Int64(header.byteCount))
                try note(header, bytes, &counted)
            case .damage(let byteCount, let reason, let isLast):
                // A running broker may be writing it; `verify` looks closer.
                if isLast && isNewest { return }
                found.append(
                    InspectionFinding(
                        severity: .damage, path: path, text: "\(byteCount) bytes at \(position) do not count: \(reason)"
                    ))
            }
        }
        counts = counted
        findings += found
    }

    private func note(_ header: BatchHeader, _ bytes: Span<UInt8>, _ counts: inout Counts) throws {
        counts.batchCount += 1
        counts.recordCount += Int64(header.recordCount)
        counts.byteCount += Int64(header.byteCount)
        counts.batchCounts[header.codecName, default: 0] += 1
        counts.next = max(counts.next, header.nextOffset.rawValue)
        if header.recordCount > 0 {
            counts.oldest = min(counts.oldest ?? .max, header.baseTimestamp.rawValue)
            counts.newest = max(counts.newest ?? .min, header.maxTimestamp.rawValue)
        }
        guard isDeep else { return }
        do throws(BatchError) {
            counts.plainByteCount += Int64(try RecordBatch.plain(header, bytes).byteCount)
        } catch {
            counts.plainByteCount += Int64(header.byteCount)
        }
    }
}
