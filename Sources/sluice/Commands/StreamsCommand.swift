import Administration
import SluiceBroker

/// `sluice streams list` and `sluice streams describe`.
enum StreamsCommand {
    static let list = Command(
        name: "streams list", summary: "List a running broker's streams",
        notes: "Streams whose names start with '__' are the broker's own.",
        example: "sluice streams list --broker 127.0.0.1:1883",
        options: BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        let client = try BrokerOption.connect(arguments)
        let (document, reports) = try client.streams()
        try client.disconnect()
        if arguments.has("json") {
            print(document)
            return ExitCode.success
        }
        var table = Table(
            ["STREAM", "PARTITIONS", "RECORDS", "SIZE", "DURABILITY", "KEPT"],
            [.left, .right, .right, .right, .left, .left])
        for report in reports {
            table.add([
                report.name, String(report.partitions.count),
                String(report.partitions.reduce(0) { $0 + $1.recordCount }),
                Readable.bytes(report.partitions.reduce(0) { $0 + $1.byteCount }), report.durability, report.kept,
            ])
        }
        print(table.text(), terminator: "")
        return ExitCode.success
    }

    static let describe = Command(
        name: "streams describe", operands: ["NAME"], summary: "Describe one stream of a running broker",
        notes: """
            An offset is durable when it is on the device, appended when it is in memory, flushed when it is in
            its segment file; each is the number behind the last such record.
            """,
        example: "sluice streams describe sensors --json",
        options: BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        let client = try BrokerOption.connect(arguments)
        let (document, reports) = try client.streams()
        try client.disconnect()
        let report = try find(arguments.operands[0], in: reports)
        if arguments.has("json") {
            let stream = document["streams"]?.elements?.first { $0["name"]?.text == report.name }
            print(stream ?? .null)
            return ExitCode.success
        }
        var settings = Table(columns: [.left, .left])
        settings.add(["stream", report.name])
        settings.add(["id", report.id])
        settings.add(["durability", report.durability])
        settings.add(["kept", report.kept])
        print(settings.text())
        var table = Table(
            ["PARTITION", "START", "FLUSHED", "DURABLE", "APPENDED", "SIZE", "SEGMENTS"],
            [.right, .right, .right, .right, .right, .right, .right])
        for (number, partition) in report.partitions.enumerated() {
            let figure = { (name: String) in partition.figures[name].map { String($0) } ?? "-" }
            table.add([
                String(number), String(partition.start), figure("flushed"), String(partition.durable),
                String(partition.appended), Readable.bytes(partition.byteCount), figure("segments"),
            ])
        }
        print(table.text(), terminator: "")
        return ExitCode.success
    }

    /// The stream of this name.
    static func find(_ name: String, in reports: [StreamReport]) throws(CommandFailure) -> StreamReport {
        if let report = reports.first(where: { $0.name == name }) { return report }
        let advice = Nearest.advice(for: name, among: reports.map(\.name))
        throw CommandFailure("the broker has no stream '\(name)'\(advice)")
    }
}

extension StreamReport {
    /// What is kept, in a few words.
    fileprivate var kept: String {
        let parts = [
            retentionMilliseconds.map { Readable.milliseconds($0) },
            retentionBytes.map { "\(Readable.bytes($0)) a partition" },
        ].compactMap { $0 }
        return parts.isEmpty ? "for ever" : parts.joined(separator: ", ")
    }
}
