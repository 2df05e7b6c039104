import Administration
import CommitLog
import CommitLogPosix
import RecordFormat
package import SluiceBroker
import SluiceCore
import TopicRouting

/// Prints records of log files as JSON, one a line.
package final class LogExporter {
    /// What is wanted.
    package struct Selection {
        private(set) var stream: String?
        private(set) var filter: [UInt8]
        private(set) var from: ReplayPosition
        private(set) var until: ReplayPosition?
        private(set) var limit: Int?

        /// A selection.
        /// - Parameters:
        ///   - stream: the stream; nil for all that are not the node's own.
        ///   - filter: what topics must match.
        ///   - from: where to start.
        ///   - until: where to stop, before that record; nil for the end.
        ///   - limit: after how many records to stop; nil for none.
        package init(stream: String?, filter: [UInt8], from: ReplayPosition, until: ReplayPosition?, limit: Int?) {
            self.stream = stream
            self.filter = filter
            self.from = from
            self.until = until
            self.limit = limit
        }
    }

    private let place: InspectedPlace
    private let selection: Selection
    private let output: any LineOutput
    private let makeProgress: ProgressMaker
    private var recordCount = 0
    /// What was damaged and left out.
    package private(set) var findings: [InspectionFinding] = []
    /// What whoever selected may not expect.
    package private(set) var remarks: [String] = []

    /// An export of a place that is no single file, as lines of `output`.
    /// - Parameter makeProgress: who is told how far it has come.
    package init(
        _ place: InspectedPlace, _ selection: Selection, to output: any LineOutput,
        makeProgress: @escaping ProgressMaker = { _, _ in SilentProgress() }
    ) {
        self.place = place
        self.selection = selection
        self.output = output
        self.makeProgress = makeProgress
    }

    /// A record with its fields copied.
    private struct Record {
        var stream: String
        var partition: Int
        var offset: Int64
        var timestamp: Int64
        var topic: [UInt8]?
        var key: [UInt8]?
        var value: [UInt8]?
        var headers: [(name: String, value: [UInt8])]
    }

    /// Prints everything that is selected.
    /// - Throws: `ToolFault` when what is selected is not there; what the storage throws.
    package func run() throws {
        defer { output.flush() }
        let journal = try JournalSnapshot(place.storage)
        let partitions = try InspectedCatalogue.partitions(of: place, stream: selection.stream)
        for position in [selection.from, selection.until] {
            guard case .offset(let number, _)? = position, !partitions.contains(where: { $0.index == number }) else {
                continue
            }
            let there = Set(partitions.map(\.index)).sorted().map { String($0) }.joined(separator: ", ")
            throw ToolFault("there is no partition \(number), but \(there)")
        }
        var total: Int64 = 0
        for partition in partitions {
            total += try SegmentListing(place, partition).files.values.reduce(0) { $0 + $1.byteCount }
        }
        let progress = makeProgress("exporting", total)
        for partition in partitions where !isDone {
            var walk = PartitionWalk(place, partition, journal)
            do {
                try walk.forEach(progress) { batch, due in try export(batch, due, partition) }
            } catch is Done {
                break
            }
            findings += walk.findings
        }
        progress.clear()
        if recordCount == 0, case .offset(let number, let offset) = selection.from {
            remarks.append("no record is selected from \(number):\(offset.rawValue) on")
        }
    }

    /// The limit is reached.
    private struct Done: Error {}

    private var isDone: Bool { selection.limit == recordCount }

    private func export(_ batch: RecordBatch, _ due: Int64, _ partition: InspectedPartition) throws {
        let bytes = batch.bytes
        let base = BatchLayout.baseTimestamp(bytes).rawValue
        var reader = RecordReader(batch)
        do throws(BatchError) {
            while let view = try reader.next(bytes) {
                let offset = batch.baseOffset.rawValue + Int64(view.offsetDelta)
                let timestamp = base + Int64(view.timestampDelta)
                guard offset >= due, takes(partition.index, offset, timestamp) else { continue }
                let record = record(view, bytes, partition, offset, timestamp)
                guard matches(record.topic) else { continue }
                if isDone { break }
                output.line(Self.json(record).description)
                recordCount += 1
            }
        } catch {
            findings.append(
                InspectionFinding(
                    severity: .damage, path: partition.directory,
                    text: "records of the batch at offset \(batch.baseOffset.rawValue) are left out: \(error.text)"))
        }
        if isDone { throw Done() }
    }

    /// Whether a record of `topic` is wanted; one without is when everything is.
    private func matches(_ topic: [UInt8]?) -> Bool {
        let filter = selection.filter
        guard let topic else { return filter == [UInt8(ascii: "#")] }
        return filter == [UInt8(ascii: "#")] || FilterSyntax.matches(filter: filter.span, topic: topic.span)
    }

    /// Whether a record lies between the bounds.
    private func takes(_ partition: Int, _ offset: Int64, _ timestamp: Int64) -> Bool {
        switch selection.from {
        case .earliest: break
        case .latest, .committed: return false
        case .time(let time): if timestamp < time.rawValue { return false }
        case .offset(let wanted, let first): if partition != wanted || offset < first.rawValue { return false }
        }
        switch selection.until {
        case .latest, .committed, nil: return true
        case .earliest: return false
        case .time(let time): return timestamp < time.rawValue
        case .offset(let wanted, let end): return partition == wanted && offset < end.rawValue
        }
    }

    private func record(
        _ view: RecordView, _ bytes: Span<UInt8>, _ partition: InspectedPartition, _ offset: Int64, _ timestamp: Int64
    ) -> Record {
        var record = Record(
            stream: partition.stream, partition: partition.index, offset: offset, timestamp: timestamp,
            key: view.key.map { Self.copy(bytes, $0) }, value: view.value.map { Self.copy(bytes, $0) }, headers: [])
        var reader = HeaderReader(view)
        while let (name, value) = reader.next(bytes) {
            let name = String(decoding: Self.copy(bytes, name), as: UTF8.self)
            if name == TopicHeader.name {
                record.topic = Self.copy(bytes, value)
            } else {
                record.headers.append((name, Self.copy(bytes, value)))
            }
        }
        return record
    }

    private static func json(_ record: Record) -> JSON {
        func member(_ name: String, _ encoding: String, _ bytes: [UInt8]?) -> [JSON.Member] {
            guard let bytes else { return [.init(name: name, value: .null)] }
            let (value, isText) = JSON.bytes(bytes)
            return [.init(name: name, value: value)]
                + (isText ? [] : [.init(name: encoding, value: .string("base64"))])
        }
        let headers = record.headers.map { header in
            JSON.object(
                [.init(name: "name", value: .string(header.name))] + member("value", "encoding", header.value))
        }
        let start: [JSON.Member] = [
            .init(name: "stream", value: .string(record.stream)),
            .init(name: "topic", value: record.topic.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null),
            .init(name: "partition", value: .integer(Int64(record.partition))),
            .init(name: "offset", value: .integer(record.offset)),
            .init(name: "timestamp", value: .integer(record.timestamp * 1000)),
        ]
        return .object(
            start + member("key", "key_encoding", record.key) + member("payload", "encoding", record.value)
                + (headers.isEmpty ? [] : [.init(name: "headers", value: .array(headers))]))
    }

    static func copy(_ bytes: Span<UInt8>, _ range: FieldRange) -> [UInt8] {
        let part = bytes.extracting(range.indices)
        return part.withUnsafeBytes { Array($0) }
    }
}

extension RecordView {
    /// A copy of the topic that the record's headers name; nil when they name none.
    func topic(_ bytes: Span<UInt8>) -> [UInt8]? {
        var reader = HeaderReader(self)
        while let (name, value) = reader.next(bytes) {
            if LogExporter.copy(bytes, name).elementsEqual(TopicHeader.name.utf8) {
                return LogExporter.copy(bytes, value)
            }
        }
        return nil
    }
}

extension InspectedPartition {
    /// The stream's name.
    var stream: String { String(name[..<(name.lastIndex(of: "-") ?? name.endIndex)]) }
    /// The partition's number in its stream.
    var index: Int { name.lastIndex(of: "-").flatMap { Int(name[name.index(after: $0)...]) } ?? 0 }
}
