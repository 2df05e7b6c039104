import CommitLog
import CommitLogPosix
import RecordFormat
import SluiceCore

/// Hands out a partition's batches from its files in the order of offsets, beside a running broker or without one:
/// segments first, then what only the journal has.
///
/// Everything that was acknowledged before the snapshot of the journal is handed out, but for what retention and
/// compaction remove meanwhile; a record that compaction takes has its successor handed out in its place.
struct PartitionWalk {
    let place: InspectedPlace
    let partition: InspectedPartition
    let journal: JournalSnapshot
    private var next: Int64
    /// Bytes that were damaged and passed over.
    private(set) var findings: [InspectionFinding] = []

    /// A walk from an offset on.
    init(
        _ place: InspectedPlace, _ partition: InspectedPartition, _ journal: JournalSnapshot, from offset: Int64 = 0
    ) {
        next = offset
        self.place = place
        self.partition = partition
        self.journal = journal
    }

    /// Calls `body` with each batch, uncompressed; it may hold records before the offset that is due.
    /// - Throws: what `body` and the storage throw.
    mutating func forEach(_ progress: any WorkProgress, _ body: (RecordBatch, _ due: Int64) throws -> Void) throws {
        let end = partition.number.flatMap { journal.ends[$0] } ?? 0
        // A batch leaves the journal when it is in a segment: then the segments have more than they had.
        for _ in 0..<100 {
            try walkSegments(progress, body)
            if try next >= end || walkJournal(body) { return }
        }
        throw ToolFault("\(partition.directory) changes faster than it can be read")
    }

    // MARK: The journal

    /// Hands out what the journal has behind the segments.
    /// - Returns: false when a journal file was used again meanwhile: then the segments have its batches.
    mutating func walkJournal(_ body: (RecordBatch, Int64) throws -> Void) throws -> Bool {
        for file in journal.files {
            for entry in file.content.frames.flatMap(\.entries)
            where entry.partition == partition.number && !entry.isReservation && entry.baseOffset >= next {
                guard let batch = try batch(entry, file.file.path) else { return false }
                try body(batch, next)
                next = batch.nextOffset.rawValue
            }
        }
        return true
    }

    private func batch(_ entry: JournalFile.Entry, _ path: String) throws -> RecordBatch? {
        do throws(StorageError) {
            let file = try place.storage.open(path, creating: false)
            defer { place.storage.close(file) }
            let bytes = try place.storage.bytes(file, at: Int64(entry.position), count: entry.byteCount)
            do throws(BatchError) {
                guard let header = try RecordBatch.verify(bytes.span), header.byteCount == entry.byteCount,
                    header.baseOffset.rawValue == entry.baseOffset
                else { return nil }
                return try RecordBatch.plain(header, bytes.span)
            } catch {
                return nil
            }
        } catch {
            guard error.code == 2 else { throw error }
            return nil
        }
    }

    // MARK: Segments

    private mutating func walkSegments(_ progress: any WorkProgress, _ body: (RecordBatch, Int64) throws -> Void) throws
    {
        var last: Int64 = -1
        while true {
            let bases = try partition.segments(place.storage).map(\.rawValue)
            // The segment that holds the offset due, or the next one behind what was read.
            let holding = bases.last { $0 <= next } ?? bases.first
            guard let base = holding.map({ $0 > last ? $0 : bases.first { $0 > last } ?? -1 }), base >= 0 else {
                return
            }
            do {
                try walk(base, isNewest: base == bases.last, progress, body)
            } catch let error as StorageError where error.code == 2 && error.operation == .open {
                // Removed or replaced meanwhile: the next look finds what stands in its place.
                continue
            }
            last = base
        }
    }

    private mutating func walk(
        _ base: Int64, isNewest: Bool, _ progress: any WorkProgress, _ body: (RecordBatch, Int64) throws -> Void
    ) throws {
        let path = partition.path(Offset(rawValue: base), ".log")
        var due = next
        var found: [InspectionFinding] = []
        _ = try SegmentFile(storage: place.storage, path: path).forEach { item, position, bytes in
            switch item {
            case .batch(let header):
                progress.advance(by: Int64(header.byteCount))
                guard header.nextOffset.rawValue > due else { return }
                let plain: RecordBatch?
                do throws(BatchError) {
                    plain = try RecordBatch.plain(header, bytes)
                } catch {
                    plain = nil
                    let text = "the batch at \(position) is left out: \(error.text)"
                    found.append(InspectionFinding(severity: .damage, path: path, text: text))
                }
                if let plain { try body(plain, due) }
                due = header.nextOffset.rawValue
            case .damage(let byteCount, let reason, let isLast):
                // An end that is being written, or that a crash tore, is in the journal.
                if isLast && isNewest { return }
                let text = "\(byteCount) bytes at \(position) are left out: \(reason)"
                found.append(InspectionFinding(severity: .damage, path: path, text: text))
            }
        }
        next = due
        findings += found
    }
}
