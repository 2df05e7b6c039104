import CommitLog
import RecordFormat
import SluiceCore

/// What a verification has to say.
package struct InspectionFinding {
    /// How bad it is.
    package enum Severity: String, Sendable {
        /// What every crash or a running broker leaves: the next start puts it right without loss.
        case notice
        /// Bytes that should be there are not, or an index is wrong.
        case damage
    }

    /// How bad it is.
    package var severity: Severity
    /// Where it is, relative to the data directory.
    package var path: String
    /// What it is.
    package var text: String
}

/// What was counted in a partition.
package struct PartitionTally {
    /// Segments.
    package var segmentCount = 0
    /// Batches.
    package var batchCount: Int64 = 0
    /// Records.
    package var recordCount: Int64 = 0
    /// Bytes of batches.
    package var byteCount: Int64 = 0
    /// The first offset.
    package var start: Int64 = 0
    /// The offset behind the last.
    package var next: Int64 = 0
}

/// Verifies one segment: every batch, its records, the order of offsets, and both indexes against them.
struct SegmentVerifier {
    let storage: any Storage
    let partition: InspectedPartition
    let base: Offset
    /// The base of the segment behind it; nil for the newest.
    let following: Offset?
    /// From here on an end that is not whole was never promised to anybody.
    let tornFrom: Int64
    private(set) var findings: [InspectionFinding] = []
    private var expected: Int64
    private var index: IndexCursor
    private var times: IndexCursor
    private var maxTimestamp = Int64.min

    /// An index file's entries, compared one after the other as the batches pass.
    private struct IndexCursor {
        var bytes: [UInt8]
        var entryByteCount: Int
        var next = 0
        var isBad = false
        var count: Int { bytes.count / entryByteCount }
    }

    init(
        storage: any Storage, partition: InspectedPartition, base: Offset, following: Offset?, tornFrom: Int64
    ) throws(StorageError) {
        self.storage = storage
        self.partition = partition
        self.base = base
        self.following = following
        self.tornFrom = tornFrom
        expected = base.rawValue
        // The indexes first: a running broker writes an entry after its batch, so all of these have theirs.
        index = IndexCursor(bytes: [], entryByteCount: 8)
        times = IndexCursor(bytes: [], entryByteCount: 12)
        index.bytes = try load(".index")
        times.bytes = try load(".timeindex")
    }

    private mutating func load(_ suffix: String) throws(StorageError) -> [UInt8] {
        let path = partition.path(base, suffix)
        guard try storage.list(partition.directory).contains(where: { path.hasSuffix("/\($0)") }) else {
            // A stop may come between a new segment's files; after a clean one all of them are there.
            let isBegun = following == nil && tornFrom != .max
            findings.append(
                InspectionFinding(
                    severity: isBegun ? .notice : .damage, path: path,
                    text: isBegun ? "is missing (the next start makes it)" : "is missing"))
            return []
        }
        return try storage.contents(path, byteCountMax: 64 << 20)
    }

    /// Looks at everything.
    mutating func verify(into tally: inout PartitionTally, _ progress: any WorkProgress) throws {
        let path = partition.path(base, ".log")
        var counted = tally
        let byteCount = try SegmentFile(storage: storage, path: path).forEach { item, position, bytes in
            switch item {
            case .batch(let header):
                counted.batchCount += 1
                counted.recordCount += Int64(header.recordCount)
                progress.advance(by: Int64(header.byteCount))
                note(header, at: position, bytes, path)
            case .damage(let byteCount, let reason, let isLast):
                progress.advance(by: byteCount)
                let isTorn = isLast && following == nil && expected >= tornFrom
                add(
                    isTorn ? .notice : .damage, path,
                    "\(byteCount) bytes at \(position), where offset \(expected) is due: \(reason)"
                        + (isTorn ? " (an end that was not finished; the next start cuts it)" : ""))
            }
        }
        tally = counted
        tally.byteCount += byteCount
        tally.segmentCount += 1
        tally.next = expected
        finish(path)
    }

    private mutating func note(_ header: BatchHeader, at position: Int64, _ bytes: Span<UInt8>, _ path: String) {
        if header.baseOffset.rawValue < expected {
            let found = header.baseOffset.rawValue
            add(.damage, path, "the batch at \(position) starts at offset \(found), due is \(expected)")
        }
        if let following, header.nextOffset > following {
            let last = header.lastOffset.rawValue
            add(.damage, path, "the batch at \(position) reaches into the next segment, to offset \(last)")
        }
        if let flaw = recordFlaw(header, bytes) { add(.damage, path, "the batch at \(position): \(flaw)") }
        expected = max(expected, header.nextOffset.rawValue)
        maxTimestamp = max(maxTimestamp, header.maxTimestamp.rawValue)
        compareIndex(header, at: position)
        compareTimes(header)
    }

    /// Decodes every record.
    private func recordFlaw(_ header: BatchHeader, _ bytes: Span<UInt8>) -> String? {
        var count = 0
        do throws(BatchError) {
            let batch = try RecordBatch.plain(header, bytes)
            let bytes = batch.bytes
            var reader = RecordReader(batch)
            while let record = try reader.next(bytes) {
                guard record.offsetDelta <= header.lastOffsetDelta else { return "record \(count) lies behind its end" }
                count += 1
            }
        } catch {
            return error.text
        }
        return count == header.recordCount ? nil : "\(count) records where \(header.recordCount) are due"
    }

    private mutating func compareIndex(_ header: BatchHeader, at position: Int64) {
        while index.next < index.count, !index.isBad {
            let at = index.next * index.entryByteCount
            let delta = Int64(BatchLayout.load(index.bytes.span, at: at, as: Int32.self))
            let entry = Int64(BatchLayout.load(index.bytes.span, at: at + 4, as: Int32.self))
            if entry > position { return }
            if entry < position || base.rawValue + delta != header.lastOffset.rawValue {
                index.isBad = true
                add(
                    severity(ofEntryAt: base.rawValue + delta), partition.path(base, ".index"),
                    "entry \(index.next) names offset \(base.rawValue + delta) at \(entry), where no such batch is")
            }
            index.next += 1
        }
    }

    private mutating func compareTimes(_ header: BatchHeader) {
        while times.next < times.count, !times.isBad {
            let at = times.next * times.entryByteCount
            let timestamp = BatchLayout.load(times.bytes.span, at: at, as: Int64.self)
            let offset = base.rawValue + Int64(BatchLayout.load(times.bytes.span, at: at + 8, as: Int32.self))
            if offset > header.lastOffset.rawValue { return }
            // An entry says the largest timestamp so far and the last offset of the batch that brought it.
            if offset < header.lastOffset.rawValue || timestamp != maxTimestamp {
                times.isBad = true
                add(
                    severity(ofEntryAt: offset), partition.path(base, ".timeindex"),
                    "entry \(times.next) names time \(timestamp) at offset \(offset), which no batch has")
            }
            times.next += 1
        }
    }

    /// The next start writes the newest segment's entries anew from where the journal begins.
    private func severity(ofEntryAt offset: Int64) -> InspectionFinding.Severity {
        following == nil && offset >= tornFrom ? .notice : .damage
    }

    private mutating func finish(_ path: String) {
        for (cursor, suffix) in [(index, ".index"), (times, ".timeindex")] {
            if cursor.bytes.count % cursor.entryByteCount != 0 {
                add(.damage, partition.path(base, suffix), "ends within an entry")
            } else if cursor.next < cursor.count, !cursor.isBad {
                add(
                    severity(ofEntryAt: expected), partition.path(base, suffix),
                    "entry \(cursor.next) of \(cursor.count) lies behind the last batch")
            }
        }
    }

    private mutating func add(_ severity: InspectionFinding.Severity, _ path: String, _ text: String) {
        findings.append(InspectionFinding(severity: severity, path: path, text: text))
    }
}
