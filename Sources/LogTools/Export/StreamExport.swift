import Administration
import CommitLog
import CommitLogPosix
package import DeviceProfiles
import PayloadFormats
import RecordFormat
package import SluiceBroker
import SluiceCore
import TopicRouting

/// Writes the records of a stream as a table, the fields of its profiles as columns, beside a running broker or without
/// one.
package final class StreamExport {
    /// What is wanted.
    package struct Request {
        let stream: String
        let filter: [UInt8]
        let from: ReplayPosition
        let until: ReplayPosition?
        let format: ExportFormat
        let profiles: ProfileSet

        /// A request.
        /// - Parameters:
        ///   - filter: what topics must match; `#` for all, those of records without a topic included.
        ///   - from: the first record that is wanted.
        ///   - until: the first that is not; nil for the end.
        package init(
            stream: String, filter: [UInt8], from: ReplayPosition, until: ReplayPosition?, format: ExportFormat,
            profiles: ProfileSet
        ) {
            self.stream = stream
            self.filter = filter
            self.from = from
            self.until = until
            self.format = format
            self.profiles = profiles
        }
    }

    private let place: InspectedPlace
    private let request: Request
    private let output: any LineOutput
    private let file: ExportFile?
    private let makeProgress: ProgressMaker
    private var columns: ExportColumns
    private let names: [String]
    /// Records that are written.
    package private(set) var recordCount = 0
    /// Records of them whose payload is not as its profile says.
    package private(set) var faultCount = 0
    /// What was damaged and left out.
    package private(set) var findings: [InspectionFinding] = []

    /// An export to a file.
    package convenience init(
        _ place: InspectedPlace, _ request: Request, to file: ExportFile,
        makeProgress: @escaping ProgressMaker = { _, _ in SilentProgress() }
    ) {
        self.init(place, request, output: file, file: file, makeProgress)
    }

    /// An export as lines of `output`.
    package convenience init(
        _ place: InspectedPlace, _ request: Request, to output: any LineOutput,
        makeProgress: @escaping ProgressMaker = { _, _ in SilentProgress() }
    ) {
        self.init(place, request, output: output, file: nil, makeProgress)
    }

    private init(
        _ place: InspectedPlace, _ request: Request, output: any LineOutput, file: ExportFile?,
        _ makeProgress: @escaping ProgressMaker
    ) {
        self.place = place
        self.request = request
        self.output = output
        self.file = file
        self.makeProgress = makeProgress
        columns = ExportColumns(stream: request.stream, profiles: request.profiles)
        names = columns.names
    }

    /// Thrown to leave a partition behind the last record that is wanted.
    private struct Done: Error {}

    // MARK: Commands

    /// Writes everything that is wanted; a file gets its name in the end.
    /// - Throws: `ToolFault` when what is wanted is not there, or cannot be written; what the storage throws.
    package func run() throws {
        let journal = try JournalSnapshot(place.storage)
        let partitions = try InspectedCatalogue.partitions(of: place, stream: request.stream)
        try check(partitions)
        var resumed = file?.checkpoint.partition ?? ""
        guard resumed.isEmpty || partitions.contains(where: { $0.name == resumed }) else {
            throw ToolFault("\(place.root) has no partition '\(resumed)' any more, which the export was cut short in")
        }
        recordCount = file?.checkpoint.recordCount ?? 0
        if file?.checkpoint.byteCount ?? 0 == 0, let header = request.format.header(names) { output.line(header) }
        var total: Int64 = 0
        for partition in partitions {
            total += try SegmentListing(place, partition).files.values.reduce(0) { $0 + $1.byteCount }
        }
        let progress = makeProgress("exporting", total)
        for partition in partitions where resumed.isEmpty || partition.name == resumed {
            let start = try resumed.isEmpty ? start(of: partition) : file?.checkpoint.offset ?? 0
            resumed = ""
            try export(partition, from: start, journal, progress)
        }
        progress.clear()
        output.flush()
        try file?.finish()
    }

    private func check(_ partitions: [InspectedPartition]) throws {
        for position in [request.from, request.until] {
            guard case .offset(let number, _)? = position, !partitions.contains(where: { $0.index == number }) else {
                continue
            }
            let there = partitions.map(\.index).sorted().map { String($0) }.joined(separator: ", ")
            throw ToolFault("there is no partition \(number) of '\(request.stream)', but \(there)")
        }
    }

    /// The first offset of a partition that may be wanted.
    private func start(of partition: InspectedPartition) throws -> Int64 {
        switch request.from {
        case .earliest: return 0
        case .latest, .committed: return .max
        case .offset(let wanted, let offset): return wanted == partition.index ? offset.rawValue : .max
        case .time(let time):
            let bases = try partition.segments(place.storage)
            let clock = SegmentClock(place, partition)
            // What is not in segments yet is read from their end on.
            return try clock.firstRecord(after: time.rawValue - 1, in: bases) ?? clock.end(of: bases)
        }
    }

    private func export(
        _ partition: InspectedPartition, from start: Int64, _ journal: JournalSnapshot, _ progress: any WorkProgress
    ) throws {
        guard start < .max else { return }
        if columns.needsBirths, start > 0 {
            var nodes = columns.nodes
            try BirthsInForce.find(
                in: place, stream: request.stream, before: [partition.name: start], into: &nodes)
            columns.begin(with: nodes)
        }
        var walk = PartitionWalk(place, partition, journal, from: start)
        do {
            try walk.forEach(progress) { batch, due in
                try export(batch, due, partition)
                try file?.reached(
                    partition: partition.name, offset: batch.nextOffset.rawValue, recordCount: recordCount)
            }
        } catch is Done {}
        findings += walk.findings
    }

    private func export(_ batch: RecordBatch, _ due: Int64, _ partition: InspectedPartition) throws {
        let bytes = batch.bytes
        let base = BatchLayout.baseTimestamp(bytes).rawValue
        var reader = RecordReader(batch)
        var isDone = false
        do throws(BatchError) {
            while let view = try reader.next(bytes) {
                let offset = batch.baseOffset.rawValue + Int64(view.offsetDelta)
                if offset < due { continue }
                isDone = isBehind(partition.index, offset)
                if isDone { break }
                export(view, bytes, partition.index, offset, base + Int64(view.timestampDelta))
            }
        } catch {
            findings.append(
                InspectionFinding(
                    severity: .damage, path: partition.directory,
                    text: "records of the batch at offset \(batch.baseOffset.rawValue) are left out: \(error.text)"))
        }
        if isDone { throw Done() }
    }

    // MARK: Records

    private func export(
        _ view: RecordView, _ bytes: Span<UInt8>, _ partition: Int, _ offset: Int64, _ timestamp: Int64
    ) {
        let topic = view.topic(bytes)
        let isWanted = takes(timestamp) && matches(topic)
        guard isWanted || columns.needsBirths else { return }
        let payload = view.value.map { LogExporter.copy(bytes, $0) }
        if columns.needsBirths { columns.note(topic: topic, payload: payload) }
        guard isWanted else { return }
        var values: [JSON] = [
            .integer(Int64(partition)), .integer(offset), .string(RFC3339.text(timestamp)),
            topic.map { JSON.bytes($0).value } ?? .null,
            view.key.map { JSON.bytes(LogExporter.copy(bytes, $0)).value } ?? .null,
        ]
        if columns.fields.isEmpty {
            let text = payload.map { JSON.bytes($0) }
            values += [text?.value ?? .null, text?.isText ?? true ? .null : .string("base64")]
        } else {
            let row = columns.row(topic: topic, payload: payload)
            if row.fault != nil { faultCount += 1 }
            values += row.values + [row.fault.map { .string($0.reason.rawValue) } ?? .null]
        }
        output.line(request.format.line(names, values))
        recordCount += 1
    }

    /// Whether nothing of a partition is wanted from an offset on.
    private func isBehind(_ partition: Int, _ offset: Int64) -> Bool {
        switch request.until {
        case .offset(let wanted, let end): partition != wanted || offset >= end.rawValue
        case .earliest: true
        case .latest, .committed, .time, nil: false
        }
    }

    /// Whether a record's time is wanted. Late readings are not in the order of their times.
    private func takes(_ timestamp: Int64) -> Bool {
        if case .time(let time) = request.from, timestamp < time.rawValue { return false }
        if case .time(let time)? = request.until, timestamp >= time.rawValue { return false }
        return true
    }

    private func matches(_ topic: [UInt8]?) -> Bool {
        let filter = request.filter
        if filter == [UInt8(ascii: "#")] { return true }
        guard let topic else { return false }
        return FilterSyntax.matches(filter: filter.span, topic: topic.span)
    }
}
