import Administration

/// `sluice erase`.
enum EraseCommand {
    static let command = Command(
        name: "erase", summary: "Erase a device's records for good",
        notes: """
            Its records leave the stream and its dead letters, with their indexes and the journal, and so do its
            retained messages and what the broker knows of it. Other records keep their offsets, and readers go on.
            What the device publishes while the command runs stays. The command may be stopped and given again:
            the broker goes on without it. --dry-run counts only. Needs the right to administer.
            """,
        example: "sluice erase --device dev42 --stream sensors --dry-run",
        options: [
            CommandOption("device", letter: "k", value: "DEVICE", "whose records: those with this key"),
            CommandOption("stream", letter: "s", value: "STREAM", "the stream that they are in"),
            CommandOption("dry-run", "say how many records there are and where, and change nothing"),
        ] + BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        guard let device = arguments.text("device"), !device.isEmpty else {
            throw arguments.error("--device says whose records are to be erased")
        }
        guard let stream = arguments.text("stream") else {
            throw arguments.error("--stream says which stream they are in")
        }
        var order = EraseOrder(device: device, stream: stream)
        order.isDryRun = arguments.has("dry-run")
        let client = try BrokerOption.connect(arguments)
        let (document, report) = try result(of: order, client)
        try client.disconnect()
        print(arguments.has("json") ? "\(document["erasure"] ?? .null)" : text(report, order))
        return ExitCode.success
    }

    /// Gives the order, and waits for its end.
    private static func result(
        of order: EraseOrder, _ client: MQTTClient
    ) throws -> (document: JSON, report: EraseReport) {
        var (document, reply) = try client.request(.erase(order))
        guard reply != .unknown else { throw CommandFailure("the broker has no stream '\(order.stream)'") }
        var progress: Progress?
        var (stage, total) = ("", Int64(0))
        while true {
            guard case .eraseJob(let report) = reply else {
                if case .failed(let reason) = reply { throw CommandFailure(reason) }
                throw CommandFailure("the broker's answer about an erasure is not what was asked for")
            }
            if report.stage != stage || report.total != total {
                progress?.clear()
                (stage, total) = (report.stage, report.total)
                progress = Progress(report.stage, total: report.total)
            }
            progress?.reach(report.examined)
            guard !report.isDone else {
                progress?.clear()
                if let fault = report.fault { throw CommandFailure("the device is not erased: \(fault)") }
                return (document, report)
            }
            try client.pause(milliseconds: 100)
            (document, reply) = try client.request(.eraseJob(report.number))
        }
    }

    private static func text(_ report: EraseReport, _ order: EraseOrder) -> String {
        guard report.recordCount > 0 else { return "there is nothing of '\(order.device)' in '\(order.stream)'" }
        var table = Table(["STREAM", "RECORDS", "BYTES"], [.left, .right, .right])
        for part in report.streams { table.add([part.stream, String(part.records), Readable.bytes(part.bytes)]) }
        return table.text() + (order.isDryRun ? "nothing was changed" : "erased")
    }
}
