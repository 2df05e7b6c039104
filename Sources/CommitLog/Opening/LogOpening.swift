import RecordFormat
import SluiceCore

/// A data directory, recovered and ready for appends.
///
/// Its three machines are taken once, by owners on different threads.
package struct OpenedLog: ~Copyable {
    private var state: LogState?
    private var journal: JournalWriter?
    private var files: JournalFiles?
    /// What writes segments, one writer a partition.
    package let writers: [SegmentWriter]
    /// The streams that were asked for and those found on disk.
    package let streams: [StreamDescription]
    /// What recovery has to say.
    package let findings: [RecoveryFinding]
    /// Whether the last run said that everything was in its segment file.
    package let wasClean: Bool

    init(
        state: consuming LogState, journal: consuming JournalWriter, files: consuming JournalFiles,
        writers: [SegmentWriter], streams: [StreamDescription], findings: [RecoveryFinding], wasClean: Bool
    ) {
        self.state = consume state
        self.journal = consume journal
        self.files = consume files
        self.writers = writers
        self.streams = streams
        self.findings = findings
        self.wasClean = wasClean
    }

    /// The log in memory; once.
    package mutating func takeState() -> LogState {
        guard let taken = state.take() else { preconditionFailure("Cannot take the state twice") }
        return taken
    }

    /// The journal, behind its first group; once.
    package mutating func takeJournal() -> JournalWriter {
        guard let taken = journal.take() else { preconditionFailure("Cannot take the journal twice") }
        return taken
    }

    /// The maker of the journal's files to come; once.
    package mutating func takeFiles() -> JournalFiles {
        guard let taken = files.take() else { preconditionFailure("Cannot take the files twice") }
        return taken
    }
}

/// Opens a data directory: brings files into order, replays the journal into segments, and starts a new journal.
///
/// Every step can be repeated: a crash in the middle leaves a directory that the next opening brings to the same end.
package struct LogOpening {
    /// Where a clean stop leaves its mark.
    package static let cleanMark = "meta/clean-shutdown"
    private static let formatPath = "meta/format"
    private static let format = "sluice-format 1\n"

    private let storage: any Storage
    private let settings: [StreamSettings]
    private let limits: LogLimits
    private let journalFileBytes: Int
    private let makeID: () -> String
    private var findings: [RecoveryFinding] = []
    private var catalogue = Catalogue()

    /// An opening with the streams of the configuration; `makeID` makes random stream identifiers.
    package init(
        storage: any Storage, settings: [StreamSettings], limits: LogLimits, journalFileBytes: Int,
        makeID: @escaping () -> String
    ) {
        precondition(journalFileBytes >= 4096)
        self.storage = storage
        self.settings = settings
        self.limits = limits
        self.journalFileBytes = journalFileBytes
        self.makeID = makeID
    }

    /// Opens the directory.
    /// - Throws: `StorageError`, operation `format` when the directory is of another format version.
    package consuming func open() throws(StorageError) -> OpenedLog {
        for directory in ["journal", "streams", "meta"] { try storage.makeDirectory(directory) }
        try checkFormat()
        try loadCatalogue()
        let wasClean = try takeCleanMark()

        var scan = JournalScan(storage: storage)
        let numbers = try JournalScan.numbers(storage)
        let starts = try journalStarts(&scan, numbers)
        findings += scan.findings
        let lastLSN = scan.lastLSN

        var recovered: [SegmentRecovery.Result] = []
        var shapes: [StreamSettings] = []
        for (stream, number) in partitionsInOrder() {
            let name = catalogue.streams[stream].name
            let setting = settings.first { $0.name == name } ?? StreamSettings(name: name)
            var recovery = SegmentRecovery(
                storage: storage, paths: SegmentPaths(stream: name, number: number), shape: setting.shape,
                journalStart: starts[recovered.count] ?? Offset(rawValue: Int64.max))
            recovered.append(try recovery.recover())
            shapes.append(setting)
            findings += recovery.findings
        }
        let ends = try replay(numbers, into: &recovered)
        for result in recovered { try result.writer.synchronize() }
        return try start(recovered, ends, shapes, numbers: numbers, lastLSN: lastLSN, wasClean: wasClean)
    }

    // MARK: Metadata

    private func checkFormat() throws(StorageError) {
        guard try storage.list("meta").contains("format") else {
            guard try storage.list("streams").isEmpty else {
                throw StorageError(
                    .format, Self.formatPath, code: 0,
                    reason: "missing beside existing streams; expected \(Self.format)")
            }
            return try storage.replace(Self.formatPath, with: Array(Self.format.utf8), inDirectory: "meta")
        }
        let found = String(decoding: try storage.contents(Self.formatPath, byteCountMax: 256), as: UTF8.self)
        guard found == Self.format else {
            throw StorageError(
                .format, Self.formatPath, code: 0,
                reason: "this program reads '\(Self.format.dropLast())', the directory says '\(found.prefix(64))'")
        }
    }

    private mutating func loadCatalogue() throws(StorageError) {
        let names = try storage.list("meta")
        if names.contains("catalogue") {
            if let loaded = Catalogue(try storage.contents(Catalogue.path, byteCountMax: 64 << 20)) {
                catalogue = loaded
            } else {
                try rebuildCatalogue("damaged")
            }
        } else if try !storage.list("streams").isEmpty {
            try rebuildCatalogue("missing")
        }
        let before = catalogue
        for setting in settings {
            _ = catalogue.ensure(setting.name, partitionCount: setting.partitionCount, makeID: makeID)
        }
        try makeDirectories()
        let isStored = names.contains("catalogue") && before == catalogue && findings.isEmpty
        if !isStored { try storage.replace(Catalogue.path, with: catalogue.encoded, inDirectory: "meta") }
    }

    private mutating func rebuildCatalogue(_ state: String) throws(StorageError) {
        guard let rebuilt = try Catalogue.rebuilt(from: storage) else {
            throw StorageError(
                .format, Catalogue.path, code: 0,
                reason: "\(state), and the streams' partition.metadata files do not make up for it")
        }
        catalogue = rebuilt
        findings.append(
            RecoveryFinding(
                severity: .damage, path: Catalogue.path, text: "\(state); rebuilt from the partitions' own metadata"))
    }

    /// Makes the directories and metadata files that are missing; the catalogue is stored after them, so it never names one that is not.
    private func makeDirectories() throws(StorageError) {
        let present = Set(try storage.list("streams"))
        var isChanged = false
        for stream in catalogue.streams {
            for (number, partition) in stream.partitions.enumerated() {
                let directory = SegmentPaths(stream: stream.name, number: number).directory
                if !present.contains("\(stream.name)-\(number)") {
                    try storage.makeDirectory(directory)
                    isChanged = true
                }
                if try !storage.list(directory).contains("partition.metadata") {
                    try storage.replace(
                        directory + "/partition.metadata", with: Catalogue.metadata(stream.id, partition),
                        inDirectory: directory)
                }
            }
        }
        if isChanged { try storage.synchronizeDirectory("streams") }
    }

    private func takeCleanMark() throws(StorageError) -> Bool {
        guard try storage.list("meta").contains("clean-shutdown") else { return false }
        try storage.remove(Self.cleanMark)
        try storage.synchronizeDirectory("meta")
        return true
    }

    /// Stream index and partition number of every partition, in the order of the node's numbers.
    private func partitionsInOrder() -> [(stream: Int, number: Int)] {
        var order = [(stream: Int, number: Int)](repeating: (0, 0), count: Int(catalogue.nextPartition))
        for (index, stream) in catalogue.streams.enumerated() {
            for (number, partition) in stream.partitions.enumerated() { order[partition.index] = (index, number) }
        }
        return order
    }

    // MARK: Journal

    /// The first offset of each partition that the journal covers.
    private func journalStarts(_ scan: inout JournalScan, _ numbers: [UInt64]) throws(StorageError) -> [Int: Offset] {
        var starts: [Int: Offset] = [:]
        for number in numbers {
            guard let file = try scan.read(number) else { continue }
            for frame in file.frames {
                let bytes = file.bytes.span.extracting(frame.position..<file.bytes.count)
                for index in 0..<frame.header.batchCount {
                    let entry = JournalFrame.entry(bytes, index)
                    // A file's opening reservations say where the partition's durable end was, not that something is here.
                    if entry.isReservation && entry.recordCount == 0 { continue }
                    starts[entry.partition.index] = min(
                        starts[entry.partition.index] ?? entry.baseOffset, entry.baseOffset)
                }
            }
        }
        return starts
    }

    /// Appends what the journal has and the segments have not.
    /// - Returns: where each partition's offsets go on.
    private mutating func replay(
        _ numbers: [UInt64], into recovered: inout [SegmentRecovery.Result]
    ) throws(StorageError) -> [Offset] {
        var ends = recovered.map(\.writer.active.nextOffset)
        var scan = JournalScan(storage: storage)
        for number in numbers {
            guard let file = try scan.read(number) else { continue }
            for frame in file.frames {
                let bytes = file.bytes.span.extracting(frame.position..<frame.position + frame.header.byteCount)
                try replay(bytes, frame.header, path: JournalFiles.path(number), into: &recovered, &ends)
            }
        }
        return ends
    }

    private mutating func replay(
        _ bytes: Span<UInt8>, _ header: JournalFrame.Header, path: String,
        into recovered: inout [SegmentRecovery.Result],
        _ ends: inout [Offset]
    ) throws(StorageError) {
        var position = header.tableEnd
        for index in 0..<header.batchCount {
            let entry = JournalFrame.entry(bytes, index)
            let start = position
            position += entry.byteCount
            guard entry.partition.index < recovered.count else {
                findings.append(
                    RecoveryFinding(
                        severity: .damage, path: path,
                        text:
                            "frame \(header.lsn.rawValue) names partition \(entry.partition.rawValue), which the catalogue lacks"
                    ))
                continue
            }
            let end = ends[entry.partition.index]
            if !entry.isReservation, entry.baseOffset >= end {
                var buffer = ByteBuffer(capacity: entry.byteCount)
                buffer.append(bytes.extracting(start..<position))
                try append(buffer, to: &recovered[entry.partition.index])
            }
            ends[entry.partition.index] = max(end, entry.nextOffset)
        }
    }

    private func append(_ buffer: consuming ByteBuffer, to result: inout SegmentRecovery.Result) throws(StorageError) {
        let header: BatchHeader?
        do throws(BatchError) { header = try BatchHeader(buffer.bytes) } catch { header = nil }
        guard let header else { preconditionFailure("Cannot replay a batch that the scan did not verify") }
        let batch = RecordBatch(buffer, header: header)
        var sealed: [SegmentInfo] = []
        try result.writer.append([batch], sealed: &sealed)
        result.segments.removeLast()
        result.segments += sealed + [result.writer.active]
    }

    // MARK: Starting

    private consuming func start(
        _ recovered: [SegmentRecovery.Result], _ ends: [Offset], _ shapes: [StreamSettings], numbers: [UInt64],
        lastLSN: LSN,
        wasClean: Bool
    ) throws(StorageError) -> OpenedLog {
        let order = partitionsInOrder()
        let partitions = recovered.indices.map { index in
            PartitionState(
                id: PartitionID(rawValue: UInt32(index)), streamIndex: order[index].stream,
                durability: shapes[index].durability, segments: recovered[index].segments, end: ends[index])
        }
        let streams = catalogue.streams.map { stream in
            var setting = settings.first { $0.name == stream.name } ?? StreamSettings(name: stream.name)
            setting.partitionCount = stream.partitions.count
            return StreamDescription(settings: setting, id: stream.id, partitions: stream.partitions)
        }
        var state = LogState(partitions: partitions, nextLSN: lastLSN.next, limits: limits)
        var files = JournalFiles(
            storage: storage, fileByteCount: journalFileBytes, nextNumber: (numbers.last ?? 0) + 1)
        var journal = JournalWriter(storage: storage, file: try files.make(), fileByteCount: journalFileBytes)
        // The first group says where offsets go on; only when it is on the device may the old files go.
        var group = state.takeGroup()
        state.reserveAll(in: &group)
        try journal.write(group, durable: state.durable)
        try journal.synchronize()
        state.completed(write: group.lsn)
        state.completed(synchronize: group.lsn)
        for number in numbers { try storage.remove(JournalFiles.path(number)) }
        if !numbers.isEmpty { try storage.synchronizeDirectory(JournalFiles.directory) }
        return OpenedLog(
            state: state, journal: journal, files: files, writers: recovered.map(\.writer), streams: streams,
            findings: findings, wasClean: wasClean)
    }
}
