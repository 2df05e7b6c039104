import CommitLog
import CommitLogPosix
import LogInterface
import RecordFormat
import SluiceBroker
import SluiceCore
import TopicRouting

/// The last record of each topic at a moment, read from a data directory by its indexes, beside a running broker or
/// without one.
///
/// A partition's state at a time is what it held when its first record of a later time came: of the records before that
/// one, each topic's last in the order of the log. Readings that a device sent late count from when they arrived.
package struct PastState {
    /// A topic's last record.
    package struct Value: Equatable, Sendable {
        /// The topic.
        package let topic: [UInt8]
        /// The stream that has it.
        package let stream: String
        /// The partition's number in its stream.
        package let partition: Int
        /// The record's offset.
        package let offset: Int64
        /// Milliseconds since 1970.
        package let timestamp: Int64
        /// The key, if it has one.
        package let key: [UInt8]?
        /// The payload; nil where a deletion is recorded.
        package let payload: [UInt8]?
    }

    private let place: InspectedPlace
    private let filter: [UInt8]
    private let selection: TopicSelection
    private let stream: String?
    private let time: Int64
    /// Where partitions end instead, by the names of their directories.
    private var ends: [String: Int64]?
    private var found: [[UInt8]: Value] = [:]
    /// What was damaged and left out.
    package private(set) var findings: [InspectionFinding] = []
    /// Bytes of batches that were read.
    package private(set) var byteCount: Int64 = 0

    /// A state of the data directory at `place`.
    /// - Parameters:
    ///   - stream: only this stream; nil for all that are not the node's own.
    ///   - filter: what topics must match.
    ///   - time: the moment, in milliseconds since 1970; records of this time count.
    package init(_ place: InspectedPlace, stream: String?, filter: [UInt8], at time: Int64) {
        self.place = place
        self.stream = stream
        self.filter = filter
        self.time = time
        let everything = TopicSelection(
            topics: [], wildcards: [.init(prefix: []) { FilterSyntax.matches(filter: filter.span, topic: $0) }])
        selection = TopicSelection(filters: [filter]) ?? everything
    }

    /// A state of one stream's partitions, each before an offset, or none of it where there is no offset.
    init(_ place: InspectedPlace, stream: String, filter: [UInt8], before ends: [String: Int64]) {
        self.init(place, stream: stream, filter: filter, at: .max)
        self.ends = ends
    }

    // MARK: Queries

    /// The values that were found, in the order of their topics.
    package var values: [Value] {
        found.values.sorted { $0.topic.lexicographicallyPrecedes($1.topic) }
    }

    // MARK: Commands

    /// Reads the state.
    /// - Throws: `ToolFault` when the directory changes faster than it can be read; what the storage throws.
    package mutating func read() throws {
        for partition in try InspectedCatalogue.partitions(of: place, stream: stream) {
            try read(partition)
        }
    }

    private mutating func read(_ partition: InspectedPartition) throws {
        // Segments are removed and replaced, and journal files used again, beside a running broker.
        for _ in 0..<20 {
            let journal = try JournalSnapshot(place.storage)
            var attempt = PartitionState(place, partition, journal, filter: filter, selection: selection, time: time)
            if let ends { attempt.end = ends[partition.name] ?? 0 }
            do {
                guard try attempt.read() else { continue }
            } catch let error as StorageError where error.isMissing {
                continue
            }
            findings += attempt.findings
            byteCount += attempt.byteCount
            for value in attempt.found.values { take(value) }
            return
        }
        throw ToolFault("\(partition.directory) changes faster than it can be read")
    }

    /// A topic may be in several partitions when its route has changed: the newest counts.
    private mutating func take(_ value: Value) {
        if let other = found[value.topic], other.timestamp > value.timestamp { return }
        found[value.topic] = value
    }
}

/// One partition's part of a state.
struct PartitionState {
    private let place: InspectedPlace
    private let partition: InspectedPartition
    private let journal: JournalSnapshot
    private let filter: [UInt8]
    private let selection: TopicSelection
    private let time: Int64
    private(set) var found: [[UInt8]: PastState.Value] = [:]
    private(set) var findings: [InspectionFinding] = []
    private(set) var byteCount: Int64 = 0
    /// Only records before this offset count.
    var end = Int64.max

    init(
        _ place: InspectedPlace, _ partition: InspectedPartition, _ journal: JournalSnapshot, filter: [UInt8],
        selection: TopicSelection, time: Int64
    ) {
        self.place = place
        self.partition = partition
        self.journal = journal
        self.filter = filter
        self.selection = selection
        self.time = time
    }

    /// Thrown to stop a walk through a segment.
    private struct Done: Error {}

    // MARK: Commands

    /// Reads the partition's state, the newest first.
    /// - Returns: false when the journal was used again meanwhile.
    mutating func read() throws -> Bool {
        let clock = SegmentClock(place, partition)
        let bases = try partition.segments(place.storage)
        if end == .max, let first = try clock.firstRecord(after: time, in: bases) { end = first }
        let segmentsEnd = try clock.end(of: bases)
        if end > segmentsEnd, try !readJournal(behind: segmentsEnd) { return false }
        for base in bases.reversed() where base.rawValue < end { try read(segment: base) }
        return true
    }

    /// Reads what only the journal has, up to the first record of a later time.
    private mutating func readJournal(behind offset: Int64) throws -> Bool {
        var walk = PartitionWalk(place, partition, journal, from: offset)
        var state = self
        let isWhole = try walk.walkJournal { batch, _ in
            guard batch.baseOffset.rawValue < state.end else { return }
            if let first = Self.firstRecord(in: batch, after: state.time) { state.end = min(state.end, first) }
            try state.take(batch)
        }
        self = state
        return isWhole
    }

    private mutating func read(segment base: Offset) throws {
        let path = partition.path(base, ".log")
        let paths = SegmentPaths(stream: partition.stream, number: partition.index)
        var batches = try LatestBatches(
            place.storage, paths, segment: base, selection, before: Offset(rawValue: end))
        defer { batches.close() }
        // A single topic that is found is not looked for any more.
        let isSingle = selection.wildcards.isEmpty
        while !(isSingle && found.count == selection.topics.count) {
            // What was found is newer than anything to come.
            let next = batches.next { topic in found[Self.copy(topic)] == nil }
            byteCount += Int64(batches.indexByteCount) - indexByteCount
            indexByteCount = Int64(batches.indexByteCount)
            switch next {
            case nil:
                indexByteCount = 0
                return
            case .all(let range): try readAll(range, path)
            case .batches(let ranges): try read(ranges, path)
            }
        }
        indexByteCount = 0
    }

    private var indexByteCount: Int64 = 0

    private mutating func readAll(_ range: Range<Int64>, _ path: String) throws {
        var state = self
        do {
            _ = try SegmentFile(storage: place.storage, path: path).forEach(from: range.lowerBound) {
                item, position, bytes in
                guard position < range.upperBound else { throw Done() }
                switch item {
                case .batch(let header):
                    state.byteCount += Int64(header.byteCount)
                    if header.baseOffset.rawValue >= state.end { throw Done() }
                    try state.take(header, bytes, at: position, path)
                case .damage(let byteCount, let reason, let isLast):
                    // An end that is being written, or that a crash tore, is in the journal.
                    if isLast { return }
                    state.note("\(byteCount) bytes at \(position) are left out: \(reason)", path)
                }
            }
        } catch is Done {}
        self = state
    }

    private mutating func read(_ ranges: [Range<Int64>], _ path: String) throws {
        let file = try place.storage.open(path, creating: false)
        defer { place.storage.close(file) }
        for range in ranges {
            let bytes = try place.storage.bytes(file, at: range.lowerBound, count: range.count)
            byteCount += Int64(bytes.count)
            let header: BatchHeader?
            do throws(BatchError) { header = try RecordBatch.verify(bytes.span) } catch { header = nil }
            guard let header else {
                note("the batch at \(range.lowerBound) is left out: it is not whole", path)
                continue
            }
            try take(header, bytes.span, at: range.lowerBound, path)
        }
    }

    // MARK: Records

    private mutating func take(_ header: BatchHeader, _ bytes: Span<UInt8>, at position: Int64, _ path: String) throws {
        let batch: RecordBatch
        do throws(BatchError) {
            batch = try RecordBatch.plain(header, bytes)
        } catch {
            return note("the batch at \(position) is left out: \(error.text)", path)
        }
        try take(batch)
    }

    private mutating func take(_ batch: RecordBatch) throws {
        let bytes = batch.bytes
        let base = BatchLayout.baseTimestamp(bytes).rawValue
        var reader = RecordReader(batch)
        do throws(BatchError) {
            while let view = try reader.next(bytes) {
                let offset = batch.baseOffset.rawValue + Int64(view.offsetDelta)
                guard offset < end else { return }
                guard let topic = view.topic(bytes), FilterSyntax.matches(filter: filter.span, topic: topic.span),
                    found[topic].map({ $0.offset < offset }) ?? true
                else { continue }
                found[topic] = PastState.Value(
                    topic: topic, stream: partition.stream, partition: partition.index, offset: offset,
                    timestamp: base + Int64(view.timestampDelta), key: view.key.map { LogExporter.copy(bytes, $0) },
                    payload: view.value.map { LogExporter.copy(bytes, $0) })
            }
        } catch {
            note(
                "records of the batch at offset \(batch.baseOffset.rawValue) are left out: \(error.text)",
                partition.directory)
        }
    }

    private mutating func note(_ text: String, _ path: String) {
        findings.append(InspectionFinding(severity: .damage, path: path, text: text))
    }

    private static func copy(_ bytes: Span<UInt8>) -> [UInt8] {
        bytes.copy(ByteRange(start: 0, byteCount: bytes.count))
    }

    /// The offset of the first record of a batch that is later than `time`.
    static func firstRecord(in batch: RecordBatch, after time: Int64) -> Int64? {
        let bytes = batch.bytes
        let base = BatchLayout.baseTimestamp(bytes).rawValue
        var reader = RecordReader(batch)
        do throws(BatchError) {
            while let view = try reader.next(bytes) {
                if base + Int64(view.timestampDelta) > time {
                    return batch.baseOffset.rawValue + Int64(view.offsetDelta)
                }
            }
        } catch {
            return nil
        }
        return nil
    }
}
