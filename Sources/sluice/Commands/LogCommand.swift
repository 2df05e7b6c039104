import Administration
import LogTools
import SluiceBroker

/// `sluice log ...`: the files themselves, beside a running broker or without one.
enum LogCommand {
    static let dump = Command(
        name: "log dump", operands: ["PATH"], summary: "Print what log files hold",
        notes: """
            PATH is a data directory, a partition's directory in one, or a .log, .index, .timeindex or .wal
            file. Nothing is written and no lock is taken. Exits with 1 when something was not whole.
            """,
        example: "sluice log dump data/streams/mqtt-0 --deep",
        options: [
            CommandOption("deep", "print records too"), CommandOption("json", "print JSON, one item a line"),
        ]
    ) { arguments in
        let dumper = LogDumper(
            place: try InspectedPlace(arguments.operands[0]), isDeep: arguments.has("deep"),
            isJSON: arguments.has("json"), to: StandardOutput())
        return try dumper.dump() ? ExitCode.success : ExitCode.failure
    }

    static let verify = Command(
        name: "log verify", operands: ["DIR"], summary: "Verify a data directory, or one partition of it",
        notes: """
            Every batch's checksum, records and offsets, the indexes against the batches, the journal's frames,
            the catalogue. Exits with 1 when damage is found. An end that a crash left unfinished is a notice:
            the next start settles it.
            """,
        example: "sluice log verify data --json", options: [CommandOption("json", "print JSON")]
    ) { arguments in
        let place = try InspectedPlace(arguments.operands[0])
        if case .file(let name) = place.kind {
            throw CommandFailure("\(name) is a file; `sluice log dump` looks at one")
        }
        var verifier = LogVerifier(place, makeProgress: Progress.make)
        try verifier.verify()
        if arguments.has("json") {
            print(json(verifier))
        } else {
            print(text(verifier), terminator: "")
        }
        return verifier.isDamaged ? ExitCode.failure : ExitCode.success
    }

    private static func text(_ verifier: LogVerifier) -> String {
        var table = Table(
            ["PARTITION", "SEGMENTS", "BATCHES", "RECORDS", "OFFSETS", "SIZE"],
            [.left, .right, .right, .right, .right, .right])
        for (name, tally) in verifier.tallies {
            table.add([
                name, String(tally.segmentCount), String(tally.batchCount), String(tally.recordCount),
                "\(tally.start)..<\(tally.next)", Readable.bytes(tally.byteCount),
            ])
        }
        var text = table.text() + "journal: \(verifier.frameCount) frames\n"
        for finding in verifier.findings { text += "\(finding.severity.rawValue): \(finding.path): \(finding.text)\n" }
        return text + (verifier.isDamaged ? "DAMAGED\n" : "everything is whole\n")
    }

    private static func json(_ verifier: LogVerifier) -> JSON {
        let partitions = verifier.tallies.map { name, tally in
            JSON.members([
                "name": .string(name), "segments": .integer(Int64(tally.segmentCount)),
                "batches": .integer(tally.batchCount), "records": .integer(tally.recordCount),
                "start": .integer(tally.start), "next": .integer(tally.next), "bytes": .integer(tally.byteCount),
            ])
        }
        let findings = verifier.findings.map { finding in
            JSON.members([
                "severity": .string(finding.severity.rawValue), "path": .string(finding.path),
                "text": .string(finding.text),
            ])
        }
        return .members([
            "damaged": .bool(verifier.isDamaged), "partitions": .array(partitions),
            "journal": .members([
                "frames": .integer(Int64(verifier.frameCount)), "bytes": .integer(Int64(verifier.journalByteCount)),
            ]), "findings": .array(findings),
        ])
    }
}
