import Administration
import CommitLog
import CommitLogPosix
import LogTools
import SluiceBroker
import SluiceCore
import TopicRouting

/// `sluice log stats`, `export`, `backup`, `restore` and `repair`.
extension LogCommand {
    static let stats = Command(
        name: "log stats", operands: ["DIR"], summary: "Count what a data directory, or one partition, holds",
        notes: """
            Records, batches, sizes, codecs and times of each partition, and the journal's. With --deep also
            what the batches would take uncompressed. Nothing is written and no lock is taken. Exits with 1
            when something was not whole and does not count.
            """,
        example: "sluice log stats data --deep",
        options: [
            CommandOption("deep", "decompress, to say what compression saves"), CommandOption("json", "print JSON"),
        ]
    ) { arguments in
        var statistics = LogStatistics(
            try directory(arguments), isDeep: arguments.has("deep"), makeProgress: Progress.make)
        try statistics.count()
        let report = StatisticsReport(statistics: statistics, isDeep: arguments.has("deep"))
        print(arguments.has("json") ? report.json.description + "\n" : report.text, terminator: "")
        return conclude(statistics.findings)
    }

    static let export = Command(
        name: "log export", operands: ["DIR"], summary: "Print records of a data directory, or one partition, as JSON",
        notes: """
            One record a line: stream, topic, partition, offset, timestamp (µs since 1970), key, payload,
            headers; `encoding` says base64 where a payload is not UTF-8. Beside a running broker it has
            everything that was acknowledged before it began. The broker's own streams (`__...`) are
            exported when --stream names them. A POSITION is as in `sluice consume`. Exits with 1 when
            something was damaged and left out.
            """,
        example: "sluice log export data --stream sensors --from -1h > sensors.jsonl",
        options: [
            CommandOption("stream", value: "NAME", "only this stream"),
            CommandOption("filter", value: "FILTER", "only topics that match, such as 'sensors/+/dev42/#'"),
            CommandOption("from", value: "POSITION", "where to start; earliest unless given"),
            CommandOption("until", value: "POSITION", "where to stop: before that record"),
            CommandOption("limit", letter: "n", value: "N", "stop after N records"),
        ]
    ) { arguments in
        let exporter = LogExporter(
            try directory(arguments), try selection(arguments), to: StandardOutput(), makeProgress: Progress.make)
        try exporter.run()
        for remark in exporter.remarks { Sluice.complain(remark) }
        return conclude(exporter.findings)
    }

    static let backup = Command(
        name: "log backup", operands: ["DIR", "TO"], summary: "Copy a data directory as it is at one moment",
        notes: """
            TO is an empty directory, or a name that is free. Beside a running broker the copy has
            everything that was acknowledged before it began, and nothing that came after one moment of it,
            as if the broker had been killed there. Every batch is verified; what is damaged is left out,
            said, and makes the exit code 1. Topic indexes are not copied: a broker makes them anew.
            """,
        example: "sluice log backup data /backup/2026-09-01"
    ) { arguments in
        let place = try directory(arguments)
        guard case .dataDirectory = place.kind else {
            throw CommandFailure("\(arguments.operands[0]) is one partition; a backup is of a whole data directory")
        }
        let target = try BackupTarget(arguments.operands[1], apartFrom: place.root)
        var backup = try Backup(
            place, to: target, now: WallClock.milliseconds(), makeProgress: Progress.make)
        try backup.run()
        let size = Readable.bytes(backup.manifest.byteCount)
        print("\(backup.manifest.files.count) files, \(size) in \(arguments.operands[1])")
        return conclude(backup.findings)
    }

    static let restore = Command(
        name: "log restore", operands: ["BACKUP", "DIR"], summary: "Make a data directory from a backup",
        notes: """
            DIR is an empty directory, or a name that is free. Every file is compared with the backup's
            list; a backup that is damaged or was not completed is refused by name, and what was restored
            till then does not start a broker. In the end the directory is verified.
            """,
        example: "sluice log restore /backup/2026-09-01 data"
    ) { arguments in
        let restore = try Restore(try directory(arguments))
        let target = try BackupTarget(arguments.operands[1], apartFrom: arguments.operands[0])
        try restore.run(into: target, makeProgress: Progress.make)
        var verifier = LogVerifier(try InspectedPlace(arguments.operands[1]), makeProgress: Progress.make)
        try verifier.verify()
        let records = verifier.tallies.reduce(0) { $0 + $1.tally.recordCount }
        print("\(restore.manifest.files.count) files, \(records) records in segments, in \(arguments.operands[1])")
        return conclude(verifier.findings)
    }

    static let repair = Command(
        name: "log repair", operands: ["DIR"], summary: "Put a data directory right that no broker uses",
        notes: """
            Recovers as a start does, then reads every segment. A segment with damage is kept as
            .log.damaged and rewritten without it; offsets do not move. Indexes that do not fit, a missing
            or damaged catalogue, partition.metadata and format line are made anew, leftovers of crashes
            removed. Exits with 1 when damage is left.
            """,
        example: "sluice log repair data"
    ) { arguments in
        let place = try directory(arguments)
        guard case .dataDirectory = place.kind else {
            throw CommandFailure("\(arguments.operands[0]) is one partition; a repair is of a whole data directory")
        }
        let storage = try PosixStorage(root: place.root)
        let progress = Progress("repairing", total: try place.segmentByteCount())
        var repair = LogRepair(storage: storage, makeID: StreamIdentifier.random)
        try repair.run { progress.advance(by: $0) }
        progress.clear()
        for finding in repair.findings { print("\(finding.severity.rawValue): \(finding.path): \(finding.text)") }
        var verifier = LogVerifier(place, makeProgress: Progress.make)
        try verifier.verify()
        for finding in verifier.findings where finding.severity == .damage {
            print("left: \(finding.path): \(finding.text)")
        }
        print(verifier.isDamaged ? "DAMAGED" : repair.findings.isEmpty ? "nothing to repair" : "everything is whole")
        return verifier.isDamaged ? ExitCode.failure : ExitCode.success
    }

    // MARK: Pieces

    /// The data directory or partition that the first operand names.
    private static func directory(_ arguments: Arguments) throws -> InspectedPlace {
        let place = try InspectedPlace(arguments.operands[0])
        if case .file(let name) = place.kind {
            throw CommandFailure("\(name) is a file; expected a data directory")
        }
        return place
    }

    private static func selection(_ arguments: Arguments) throws -> LogExporter.Selection {
        let now = Timestamp(rawValue: WallClock.milliseconds())
        let position: (String) -> ReplayPosition? = { ReplayPosition($0, now: now) }
        let expected = ReplayPosition.expectation.replacing("expected ", with: "")
        let filter = Array((arguments.text("filter") ?? "#").utf8)
        do throws(TopicSyntaxError) { try FilterSyntax.check(filter: filter.span) } catch {
            throw arguments.error("--filter '\(String(decoding: filter, as: UTF8.self))': \(error)")
        }
        return LogExporter.Selection(
            stream: arguments.text("stream"), filter: filter,
            from: try arguments.value("from", expected: expected, position) ?? .earliest,
            until: try arguments.value("until", expected: expected, position),
            limit: try arguments.integer("limit", 1...Int.max))
    }

    /// Says what was found, on standard error.
    /// - Returns: the exit code.
    private static func conclude(_ findings: [InspectionFinding]) -> Int32 {
        for finding in findings where finding.severity == .damage {
            Sluice.complain("damage: \(finding.path): \(finding.text)")
        }
        return findings.contains { $0.severity == .damage } ? ExitCode.failure : ExitCode.success
    }
}

/// What `sluice log stats` prints.
struct StatisticsReport {
    let statistics: LogStatistics
    let isDeep: Bool

    var text: String {
        var titles = ["PARTITION", "SEGMENTS", "BATCHES", "RECORDS", "OFFSETS", "SIZE", "INDEXES", "TOPICS"]
        if isDeep { titles.append("UNCOMPRESSED") }
        titles += ["CODECS", "OLDEST", "NEWEST"]
        let alignments: [Table.Alignment] = titles.indices.map { index in
            index == 0 || index >= titles.count - 3 ? .left : .right
        }
        var table = Table(titles, alignments)
        for (name, counts) in statistics.partitions {
            var cells = [
                name, String(counts.segmentCount), String(counts.batchCount), String(counts.recordCount),
                "\(counts.start)..<\(counts.next)", Readable.bytes(counts.byteCount),
                Readable.bytes(counts.indexByteCount), Readable.bytes(counts.topicIndexByteCount),
            ]
            if isDeep { cells.append(Readable.bytes(counts.plainByteCount)) }
            let codecs = counts.batchCounts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            cells.append(codecs.isEmpty ? "-" : codecs.joined(separator: ", "))
            cells += [counts.oldest, counts.newest].map { $0.map { RFC3339.text($0) } ?? "-" }
            table.add(cells)
        }
        let journal = statistics.journal
        return table.text()
            + "journal: \(journal.fileCount) files of \(Readable.bytes(journal.byteCount)), "
            + "\(journal.frameCount) frames, \(journal.batchCount) batches, \(journal.recordCount) records\n"
            + "reserve: \(Readable.bytes(statistics.reserveByteCount))\n"
    }

    var json: JSON {
        let partitions = statistics.partitions.map { name, counts in
            JSON.members([
                "name": .string(name), "segments": .integer(counts.segmentCount),
                "batches": .integer(counts.batchCount), "records": .integer(counts.recordCount),
                "start": .integer(counts.start), "next": .integer(counts.next), "bytes": .integer(counts.byteCount),
                "uncompressed_bytes": isDeep ? .integer(counts.plainByteCount) : .null,
                "index_bytes": .integer(counts.indexByteCount),
                "topic_index_bytes": .integer(counts.topicIndexByteCount),
                "codecs": .object(
                    counts.batchCounts.sorted { $0.key < $1.key }.map {
                        JSON.Member(name: $0.key, value: .integer($0.value))
                    }), "oldest": .optional(counts.oldest), "newest": .optional(counts.newest),
            ])
        }
        let journal = statistics.journal
        return .members([
            "partitions": .array(partitions),
            "journal": .members([
                "files": .integer(journal.fileCount), "bytes": .integer(journal.byteCount),
                "frames": .integer(journal.frameCount), "batches": .integer(journal.batchCount),
                "records": .integer(journal.recordCount),
            ]), "reserve_bytes": .integer(statistics.reserveByteCount),
        ])
    }
}
