import CommitLog
import CommitLogPosix
import RecordFormat
import SluiceCore

/// Finds a partition's records by time, out of its indexes and the few batches that they lead to.
struct SegmentClock {
    private let place: InspectedPlace
    private let partition: InspectedPartition

    init(_ place: InspectedPlace, _ partition: InspectedPartition) {
        self.place = place
        self.partition = partition
    }

    /// Thrown to stop a walk through a segment.
    private struct Done: Error {}

    // MARK: Queries

    /// The first record in segments that is later than `time`, in milliseconds since 1970; nil when none is.
    /// - Complexity: one entry of each segment's time index, and one stretch between entries of an offset index.
    func firstRecord(after time: Int64, in bases: [Offset]) throws -> Int64? {
        for base in bases {
            // What is newest grows, and its last entry is not its end.
            if base != bases.last, let newest = try newest(of: base), newest <= time { continue }
            if let first = try firstRecord(after: time, in: base) { return first }
        }
        return nil
    }

    /// The offset behind the last whole batch in segments.
    func end(of bases: [Offset]) throws -> Int64 {
        guard let last = bases.last else { return 0 }
        let index = try bytes(".index", of: last, entryByteCount: 8)
        var end = last.rawValue
        try walk(last, from: index.isEmpty ? 0 : Self.position(index, index.count - 8)) { header, _ in
            end = header.nextOffset.rawValue
        }
        return end
    }

    // MARK: Indexes

    /// The largest timestamp of a segment that is complete, as its time index ends with; nil when it has none.
    private func newest(of base: Offset) throws -> Int64? {
        let times = try bytes(".timeindex", of: base, entryByteCount: 12)
        return times.isEmpty ? nil : BatchLayout.load(times.span, at: times.count - 12, as: Int64.self)
    }

    private func firstRecord(after time: Int64, in base: Offset) throws -> Int64? {
        var first: Int64?
        do {
            try walk(base, from: try start(before: time, in: base)) { header, bytes in
                guard header.maxTimestamp.rawValue > time else { return }
                let batch: RecordBatch
                do throws(BatchError) { batch = try RecordBatch.plain(header, bytes) } catch { return }
                first = PartitionState.firstRecord(in: batch, after: time)
                if first != nil { throw Done() }
            }
        } catch is Done {}
        return first
    }

    /// A position in the segment before which no record is later than `time`.
    private func start(before time: Int64, in base: Offset) throws -> Int64 {
        let times = try bytes(".timeindex", of: base, entryByteCount: 12)
        var offset: Int32 = -1
        for at in stride(from: 0, to: times.count, by: 12) {
            guard BatchLayout.load(times.span, at: at, as: Int64.self) <= time else { break }
            offset = BatchLayout.load(times.span, at: at + 8, as: Int32.self)
        }
        let index = try bytes(".index", of: base, entryByteCount: 8)
        var position: Int64 = 0
        for at in stride(from: 0, to: index.count, by: 8) {
            guard BatchLayout.load(index.span, at: at, as: Int32.self) <= offset else { break }
            position = Self.position(index, at)
        }
        return position
    }

    private static func position(_ index: [UInt8], _ at: Int) -> Int64 {
        Int64(BatchLayout.load(index.span, at: at + 4, as: Int32.self))
    }

    /// An index file's bytes; none when it is missing or has no whole entries: then the segment is read from its start.
    private func bytes(_ suffix: String, of base: Offset, entryByteCount: Int) throws -> [UInt8] {
        do throws(StorageError) {
            let bytes = try place.storage.contents(partition.path(base, suffix), byteCountMax: 16 << 20)
            return Array(bytes.prefix(bytes.count / entryByteCount * entryByteCount))
        } catch {
            guard error.isMissing else { throw error }
            return []
        }
    }

    private func walk(
        _ base: Offset, from position: Int64, _ body: (BatchHeader, Span<UInt8>) throws -> Void
    ) throws {
        _ = try SegmentFile(storage: place.storage, path: partition.path(base, ".log")).forEach(from: position) {
            item, _, bytes in
            if case .batch(let header) = item { try body(header, bytes) }
        }
    }
}
