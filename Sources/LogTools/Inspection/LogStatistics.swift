import CommitLog
import CommitLogPosix
import RecordFormat
import SluiceCore

/// Counts what a data directory, or one partition of it, holds.
struct LogStatistics {
    private let place: InspectedPlace
    /// Whether compressed batches are decompressed, to know what they would take.
    private let isDeep: Bool
    private(set) var partitions: [(name: String, counts: Counts)] = []
    private(set) var journal = Journal()
    private(set) var reserveByteCount: Int64 = 0
    private(set) var findings: [InspectionFinding] = []

    /// What a partition holds.
    struct Counts {
        var segmentCount: Int64 = 0
        var batchCount: Int64 = 0
        var recordCount: Int64 = 0
        /// Bytes of batches.
        var byteCount: Int64 = 0
        /// Bytes of the batches with their records uncompressed, when they were.
        var plainByteCount: Int64 = 0
        var indexByteCount: Int64 = 0
        var topicIndexByteCount: Int64 = 0
        var batchCounts: [String: Int64] = [:]
        var start: Int64 = 0
        var next: Int64 = 0
        var oldest: Int64?
        var newest: Int64?
    }

    /// What the journal holds.
    struct Journal {
        var fileCount: Int64 = 0
        var byteCount: Int64 = 0
        var frameCount: Int64 = 0
        var batchCount: Int64 = 0
        var recordCount: Int64 = 0
    }

    init(_ place: InspectedPlace, isDeep: Bool) {
        self.place = place
        self.isDeep = isDeep
    }

    /// Counts everything.
    mutating func count() throws {
        var names = try place.storage.list("streams").sorted()
        if case .partition(let partition) = place.kind { names = [partition.name] }
        let partitions = names.map { InspectedPartition(name: $0) }
        var total: Int64 = 0
        for partition in partitions {
            total += try SegmentListing(place, partition).files.values.reduce(0) { $0 + $1.byteCount }
        }
        let progress = Progress("counting", total: total)
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

    private mutating func count(_ partition: InspectedPartition, _ progress: Progress) throws -> Counts {
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
        _ partition: InspectedPartition, _ base: Offset, isNewest: Bool, _ counts: inout Counts, _ progress: Progress
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
