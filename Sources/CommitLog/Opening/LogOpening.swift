package import LogInterface
import RecordFormat
import SluiceCore

/// A data directory, recovered and ready for appends.
///
/// Its three machines are taken once, by owners on different threads.
package struct OpenedLog: ~Copyable {
    private var state: LogState?
    private var journal: JournalWriter?
    private var files: JournalFiles?
    /// What writes segments, by partition; none for the numbers of deleted streams.
    package let writers: [SegmentWriter?]
    /// The streams that were asked for and those found on disk.
    package let streams: [StreamDescription]
    /// The streams as the directory has them.
    package let catalogue: Catalogue
    /// What recovery has to say.
    package let findings: [RecoveryFinding]
    /// Whether the last run said that everything was in its segment file.
    package let wasClean: Bool

    init(
        state: consuming LogState, journal: consuming JournalWriter, files: consuming JournalFiles,
        writers: [SegmentWriter?], catalogue: Catalogue, findings: [RecoveryFinding], wasClean: Bool
    ) {
        streams = state.registry.streams
        self.state = consume state
        self.journal = consume journal
        self.files = consume files
        self.writers = writers
        self.catalogue = catalogue
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
    /// What every version of a directory says that no running node has changed the streams of.
    static let format = "sluice-format 1\n"
    /// What a directory says whose catalogue has lines that programs before do not know.
    static let format2 = "sluice-format 2\n"

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
        // A run that was killed may have made names that only the operating system has; nothing may depend on those.
        try storage.synchronizeDirectory("")
        try checkFormat()
        var scan = JournalScan(storage: storage)
        try scan.run()
        try loadCatalogue(scan)
        let wasClean = try takeCleanMark()
        findings += scan.findings

        var recovered: [SegmentRecovery.Result?] = []
        for place in partitionsInOrder() {
            guard let (stream, number) = place else {
                recovered.append(nil)
                continue
            }
            let name = catalogue.streams[stream].name
            var recovery = SegmentRecovery(
                storage: storage, paths: SegmentPaths(stream: name, number: number),
                shape: SegmentShape(setting(name).policy, indexIntervalBytes: limits.indexIntervalBytes),
                journalStart: scan.starts[recovered.count] ?? Offset(rawValue: Int64.max),
                journalEnd: scan.ends[recovered.count])
            let result = try recovery.recover()
            findings += recovery.findings
            noteLoss(in: SegmentPaths(stream: name, number: number), result, scan, recovered.count)
            recovered.append(result)
        }
        var replay = JournalReplay(storage: storage, recovered: recovered)
        try replay.run(scan.files)
        findings += replay.findings
        if wasClean { findings += replay.shortfalls.compactMap(lossFinding) }
        for result in replay.recovered { try result?.writer.synchronize() }
        return try start(replay, scan, wasClean: wasClean)
    }

    /// Everything before the journal's first word on a partition was in segments, on the device; a crash within an
    /// opening may leave such a gap as well, where offsets were given and nothing of them was kept.
    private mutating func noteLoss(
        in paths: SegmentPaths, _ result: SegmentRecovery.Result, _ scan: JournalScan, _ partition: Int
    ) {
        guard let due = scan.starts[partition] ?? scan.ends[partition] else { return }
        let end = result.writer.active.nextOffset
        // A partition whose segments are all gone was reported as such.
        guard end > .zero, end < due else { return }
        findings.append(
            RecoveryFinding(
                severity: .notice, path: paths.directory,
                text: "offsets \(end.rawValue) to \(due.rawValue) are in no segment, and the journal begins behind them"
            ))
    }

    /// After a clean stop nothing is in the journal alone.
    private func lossFinding(_ partition: Int, _ end: Offset, _ due: Offset) -> RecoveryFinding? {
        guard let (stream, number) = partitionsInOrder()[partition] else { return nil }
        let paths = SegmentPaths(stream: catalogue.streams[stream].name, number: number)
        let text = "offsets \(end.rawValue) to \(due.rawValue), which a clean stop left in a segment, are missing"
        let isSaid = findings.contains { $0.severity == .damage && $0.path.hasPrefix(paths.directory) }
        return isSaid ? nil : RecoveryFinding(severity: .damage, path: paths.directory, text: text)
    }

    /// How many partitions each stream of a data directory has, without opening it.
    /// - Returns: nil when the directory has no catalogue that can be read: nothing is known then.
    /// - Throws: `StorageError`.
    package static func storedPartitionCounts(_ storage: any Storage) throws(StorageError) -> [String: Int]? {
        guard try storage.list("meta").contains("catalogue") else { return nil }
        let bytes = try storage.contents(Catalogue.path, byteCountMax: 64 << 20)
        return Catalogue(bytes).map { catalogue in
            Dictionary(uniqueKeysWithValues: catalogue.streams.map { ($0.name, $0.partitions.count) })
        }
    }

    private func setting(_ name: String) -> StreamSettings {
        let stored = catalogue.streams.first { $0.name == name }?.settings
        var setting = settings.first { $0.name == name } ?? stored ?? StreamSettings(name: name)
        // What was given up stays so, whatever the configuration says of the rest.
        setting.startOffsets = stored?.startOffsets ?? [:]
        return setting
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
        guard found == Self.format || found == Self.format2 else {
            let known = "'\(Self.format.dropLast())' and '\(Self.format2.dropLast())'"
            throw StorageError(
                .format, Self.formatPath, code: 0,
                reason: "this program reads \(known), the directory says '\(found.prefix(64))'")
        }
    }

    /// Makes a catalogue the directory's. The version is raised before the first one that needs it.
    static func store(_ catalogue: Catalogue, _ storage: any Storage) throws(StorageError) {
        if catalogue.needsFormat2, try !saysFormat2(storage) {
            try storage.replace(formatPath, with: Array(format2.utf8), inDirectory: "meta")
        }
        try storage.replace(Catalogue.path, with: catalogue.encoded, inDirectory: "meta")
    }

    private static func saysFormat2(_ storage: any Storage) throws(StorageError) -> Bool {
        try storage.contents(formatPath, byteCountMax: 256) == Array(format2.utf8)
    }

    private mutating func loadCatalogue(_ scan: JournalScan) throws(StorageError) {
        let names = try storage.list("meta")
        if names.contains("catalogue") {
            if let loaded = Catalogue(try storage.contents(Catalogue.path, byteCountMax: 64 << 20)) {
                catalogue = loaded
            } else {
                try rebuildCatalogue("damaged", scan)
            }
        } else if try !storage.list("streams").isEmpty {
            try rebuildCatalogue("missing", scan)
        }
        // Before anything is made: a stream that is made anew may have the name of a deleted one.
        try PartitionRemoval.removeOrphans(catalogue, storage)
        let before = catalogue
        for setting in settings {
            _ = catalogue.ensure(setting.name, partitionCount: setting.partitionCount, makeID: makeID)
        }
        let count = Int(catalogue.nextPartition)
        guard count <= Limits.partitionsMax else {
            throw StorageError(
                .format, Catalogue.path, code: 0,
                reason: "\(count) partitions with what is configured and what was deleted, and a directory has "
                    + "\(Limits.partitionsMax) at most; configure fewer, or begin a new directory")
        }
        // The catalogue comes before what it names: a crash in between leaves names without directories, which are made
        // anew, and never a directory that nobody knows.
        var isStored = names.contains("catalogue") && before == catalogue && findings.isEmpty
        if catalogue.needsFormat2, try !Self.saysFormat2(storage) { isStored = false }
        if !isStored { try Self.store(catalogue, storage) }
        try storage.synchronizeDirectory("meta")
        for stream in catalogue.streams { try Self.makeDirectories(of: stream, storage) }
        try storage.synchronizeDirectory("streams")
    }

    private mutating func rebuildCatalogue(_ state: String, _ scan: JournalScan) throws(StorageError) {
        let used = try Self.saysFormat2(storage) ? scan.ends.keys.sorted() : nil
        guard let rebuilt = try Catalogue.rebuilt(from: storage, retiring: used) else {
            throw StorageError(
                .format, Catalogue.path, code: 0,
                reason: "\(state), and the streams' partition.metadata files do not make up for it")
        }
        catalogue = rebuilt
        findings.append(
            RecoveryFinding(
                severity: .damage, path: Catalogue.path,
                text: "\(state); rebuilt from the partitions' own metadata, with settings of the configuration"))
    }

    /// Makes the directories and metadata files of a stream that are missing; the caller synchronises `streams`.
    static func makeDirectories(of stream: Catalogue.Stream, _ storage: any Storage) throws(StorageError) {
        for (number, partition) in stream.partitions.enumerated() {
            let directory = SegmentPaths(stream: stream.name, number: number).directory
            try storage.makeDirectory(directory)
            let path = directory + "/partition.metadata"
            let expected = Catalogue.metadata(stream.id, partition)
            if try !holds(path, expected, in: directory, storage) {
                try storage.replace(path, with: expected, inDirectory: directory)
            }
        }
    }

    private static func holds(
        _ path: String, _ bytes: [UInt8], in directory: String, _ storage: any Storage
    ) throws(StorageError) -> Bool {
        guard try storage.list(directory).contains("partition.metadata") else { return false }
        let file = try storage.open(path, creating: false)
        defer { storage.close(file) }
        return try storage.bytes(file, at: 0, count: bytes.count + 1) == bytes
    }

    private func takeCleanMark() throws(StorageError) -> Bool {
        guard try storage.list("meta").contains("clean-shutdown") else { return false }
        try storage.remove(Self.cleanMark)
        try storage.synchronizeDirectory("meta")
        return true
    }

    /// Stream index and partition number of every partition, in the order of the node's numbers; nil for retired ones.
    private func partitionsInOrder() -> [(stream: Int, number: Int)?] {
        var order = [(stream: Int, number: Int)?](repeating: nil, count: Int(catalogue.nextPartition))
        for (index, stream) in catalogue.streams.enumerated() {
            for (number, partition) in stream.partitions.enumerated() { order[partition.index] = (index, number) }
        }
        return order
    }

    // MARK: Starting

    /// The first journal file; on a full disk one with room for little more than `group`: the old ones make room.
    private static func first(
        _ files: inout JournalFiles, for group: borrowing CommitGroup
    ) throws(StorageError) -> JournalWriter.File {
        do throws(StorageError) {
            return try files.make()
        } catch {
            guard error.isFull else { throw error }
            return try files.make(byteCount: 4096 + JournalFrame.padded(JournalFrame.headerByteCount + group.byteCount))
        }
    }

    private consuming func start(
        _ replay: JournalReplay, _ scan: JournalScan, wasClean: Bool
    ) throws(StorageError) -> OpenedLog {
        let order = partitionsInOrder()
        let recovered = replay.recovered
        let partitions = recovered.indices.map { index in
            let id = PartitionID(rawValue: UInt32(index))
            guard let (stream, _) = order[index], let found = recovered[index] else { return PartitionState(gone: id) }
            let setting = setting(catalogue.streams[stream].name)
            return PartitionState(
                id: id, streamIndex: stream, durability: setting.durability, isInternal: setting.isInternal,
                segments: found.segments, end: replay.ends[index], producers: found.writer.producers)
        }
        let streams = catalogue.streams.map { stream in
            var setting = setting(stream.name)
            setting.partitionCount = stream.partitions.count
            return StreamDescription(settings: setting, id: stream.id, partitions: stream.partitions)
        }
        for stream in streams {
            for (number, offset) in stream.settings.startOffsets where number < stream.partitions.count {
                partitions[stream.partitions[number].index].trimmedBefore = offset
            }
        }
        var state = LogState(partitions: partitions, nextLSN: scan.lastLSN.next, limits: limits, streams: streams)
        var files = JournalFiles(
            storage: storage, fileByteCount: journalFileBytes, nextNumber: (scan.numbers.last ?? 0) + 1)
        // The first group says where offsets go on; only when it is on the device may the old files go.
        var group = state.takeGroup()
        state.reserveAll(in: &group)
        var journal = JournalWriter(storage: storage, file: try Self.first(&files, for: group), isOpening: true)
        try journal.write(group, durable: state.durable)
        try journal.synchronize()
        state.completed(write: group).release()
        state.completed(synchronize: state.written)
        for number in scan.numbers { try storage.remove(JournalFiles.path(number)) }
        if !scan.numbers.isEmpty { try storage.synchronizeDirectory(JournalFiles.directory) }
        return OpenedLog(
            state: state, journal: journal, files: files, writers: recovered.map { $0?.writer },
            catalogue: catalogue, findings: findings, wasClean: wasClean)
    }
}
