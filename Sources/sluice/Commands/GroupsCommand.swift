import Administration
import CommitLogPosix
import SluiceBroker
import SluiceConfiguration
import SluiceCore

/// `sluice groups list`, `describe`, `reset` and `delete`.
enum GroupsCommand {
    static let list = Command(
        name: "groups list", summary: "List a running broker's consumer groups",
        notes:
            "A group is made by `$share/<group>/$stream/<stream>`, or by Kafka's clients; LAG counts the records that "
            + "it has not done with.",
        example: "sluice groups list --broker 127.0.0.1:1883",
        options: BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        let client = try BrokerOption.connect(arguments)
        let (document, reports) = try client.groups()
        try client.disconnect()
        if arguments.has("json") {
            print(document)
            return ExitCode.success
        }
        var table = Table(
            ["GROUP", "STATE", "MEMBERS", "STREAMS", "LAG"], [.left, .left, .right, .left, .right])
        for report in reports {
            table.add([
                report.name, report.state, String(report.members.count), report.streams.joined(separator: ","),
                String(report.lag),
            ])
        }
        print(table.text(), terminator: "")
        return ExitCode.success
    }

    static let describe = Command(
        name: "groups describe", operands: ["GROUP"], summary: "Describe one consumer group of a running broker",
        notes: "BEHIND is the age of the oldest record that the group has not done with.",
        example: "sluice groups describe analytics --json",
        options: BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        let client = try BrokerOption.connect(arguments)
        let (document, reports) = try client.groups()
        let report = try find(arguments.operands[0], in: reports)
        if arguments.has("json") {
            try client.disconnect()
            let group = document["groups"]?.elements?.first { $0["group"]?.text == report.name }
            print(group ?? .null)
            return ExitCode.success
        }
        var settings = Table(columns: [.left, .left])
        settings.add(["group", report.name])
        settings.add(["kind", report.kind])
        settings.add(["state", report.state])
        settings.add(["generation", String(report.generation)])
        print(settings.text())
        var members = Table(["MEMBER", "FROM", "PARTITIONS"], [.left, .left, .left])
        for member in report.members {
            let partitions = member.partitions.map { "\($0.stream):\($0.number)" }
            members.add([member.id, member.host, partitions.joined(separator: " ")])
        }
        print(members.text())
        var table = Table(
            ["STREAM", "PARTITION", "COMMITTED", "END", "LAG", "BEHIND", "MEMBER"],
            [.left, .right, .right, .right, .right, .right, .left])
        let now = WallClock.milliseconds()
        for position in report.offsets {
            var behind = "-"
            if position.lag > 0,
                let time = try client.recordTime(position.stream, position.partition, position.committed)
            {
                behind = Readable.milliseconds(max(0, now - time))
            }
            table.add([
                position.stream, String(position.partition), String(position.committed), String(position.end),
                String(position.lag), behind, report.owner(of: position) ?? "-",
            ])
        }
        try client.disconnect()
        print(table.text(), terminator: "")
        return ExitCode.success
    }

    static let delete = Command(
        name: "groups delete", operands: ["GROUP"], summary: "Forget a consumer group that has no members",
        example: "sluice groups delete analytics", options: BrokerOption.options
    ) { arguments in
        let client = try BrokerOption.connect(arguments)
        let name = arguments.operands[0]
        let (_, reply) = try client.request(.deleteGroup(name))
        try client.disconnect()
        switch reply {
        case .active: throw CommandFailure("the group '\(name)' has members; it can be deleted when they have left")
        case .deleted(true): print("the group '\(name)' is deleted")
        case _: throw CommandFailure("the broker has no group '\(name)'")
        }
        return ExitCode.success
    }

    static let reset = Command(
        name: "groups reset", operands: ["GROUP"], summary: "Move a consumer group in a stream",
        notes: """
            Says what it would do, and does it at once for a group without members, or for any with --execute:
            members let go of their partitions first and go on from the new place. An offset that a partition does
            not have is refused; a shift beyond its ends stops there, and says so.
            """,
        example: "sluice groups reset analytics --stream sensors --to-datetime 2026-09-01T00:00:00Z --execute",
        options: [
            CommandOption("stream", value: "STREAM", "the stream; needed when the group reads several"),
            CommandOption("partition", value: "N", "only this partition"),
            CommandOption("to-earliest", "to the oldest record kept"),
            CommandOption("to-latest", "behind the newest record"),
            CommandOption("to-datetime", value: "TIME", "to the first record of a time, such as -24h or 2026-09-01"),
            CommandOption("by-duration", value: "SPAN", "to the first record of the last SPAN, such as 24h"),
            CommandOption("shift-by", value: "N", "by N records, back with a minus sign"),
            CommandOption("to-offset", value: "N", "to this offset"),
            CommandOption("execute", "do it, also when the group has members"),
            CommandOption("dry-run", "only say what would be done"),
        ] + BrokerOption.options, run: runReset)

    private static let targets = [
        "to-earliest", "to-latest", "to-datetime", "by-duration", "shift-by", "to-offset",
    ]

    private static func runReset(_ arguments: Arguments) throws -> Int32 {
        guard targets.filter(arguments.isGiven).count == 1 else {
            throw arguments.error("expected one of \(targets.map { "--\($0)" }.joined(separator: ", "))")
        }
        let partition = try arguments.integer("partition", 0...Int(Int32.max))
        let client = try BrokerOption.connect(arguments)
        let name = arguments.operands[0]
        let report = try find(name, in: client.groups().reports)
        let stream = try stream(arguments, report)
        let streamReport = try StreamsCommand.find(stream, in: client.streams().reports)
        if let partition, partition >= streamReport.partitions.count {
            let last = streamReport.partitions.count - 1
            throw CommandFailure("there is no partition \(partition): the last of '\(stream)' is \(last)")
        }
        let wanted = try offsets(arguments, client, report, streamReport)
        var targets: [Int: Int64] = [:]
        var table = Table(["PARTITION", "COMMITTED", "NEW"], [.right, .right, .right])
        for (number, bounds) in streamReport.partitions.enumerated() where partition ?? number == number {
            guard let offset = wanted[number] else { continue }
            let clamped = min(max(offset, bounds.start), bounds.durable)
            try check(arguments, number, offset, nearest: clamped, bounds)
            let former = report.offsets.first { $0.stream == stream && $0.partition == Int64(number) }
            table.add([String(number), former.map { String($0.committed) } ?? "-", String(clamped)])
            targets[number] = clamped
        }
        print(table.text(), terminator: "")
        let executes = arguments.has("execute") || report.members.isEmpty && !arguments.has("dry-run")
        guard executes else {
            let reason = arguments.has("dry-run") ? "" : "; the group has members, --execute does it"
            print("nothing is changed\(reason)")
            try client.disconnect()
            return ExitCode.success
        }
        let (answer, reply) = try client.request(.resetGroup(name, stream: stream, targets))
        try client.disconnect()
        guard case .reset = reply else { throw CommandFailure("the broker did not take the request: \(answer)") }
        print("the group '\(name)' is moved")
        return ExitCode.success
    }

    /// A number that was written out must be one that there is; a shift goes as far as there are records, and says so.
    private static func check(
        _ arguments: Arguments, _ partition: Int, _ offset: Int64, nearest: Int64,
        _ bounds: StreamReport.PartitionReport
    ) throws(CommandFailure) {
        guard offset != nearest, arguments.isGiven("to-offset") || arguments.isGiven("shift-by") else { return }
        let text =
            "partition \(partition) goes from \(bounds.start) to \(bounds.durable), "
            + "and \(offset) is not in it; the nearest is \(nearest)"
        guard arguments.isGiven("shift-by") else { throw CommandFailure("\(text). Nothing is changed") }
        Sluice.complain(text)
    }

    private static func stream(_ arguments: Arguments, _ report: GroupReport) throws -> String {
        if let stream = arguments.text("stream") { return stream }
        guard report.streams.count == 1 else {
            throw arguments.error(
                "the group reads several streams (\(report.streams.joined(separator: ", "))): --stream")
        }
        return report.streams[0]
    }

    private static func offsets(
        _ arguments: Arguments, _ client: MQTTClient, _ report: GroupReport, _ stream: StreamReport
    ) throws -> [Int: Int64] {
        func each(_ offset: (Int, StreamReport.PartitionReport) -> Int64) -> [Int: Int64] {
            Dictionary(uniqueKeysWithValues: stream.partitions.enumerated().map { ($0, offset($0, $1)) })
        }
        let now = Timestamp(rawValue: WallClock.milliseconds())
        if arguments.has("to-earliest") { return each { $1.start } }
        if arguments.has("to-latest") { return each { $1.durable } }
        if let offset = try arguments.integer("to-offset", 0...Int.max) { return each { _, _ in Int64(offset) } }
        if let shift = try arguments.value("shift-by", expected: "a whole number, such as -100", { Int32($0) }) {
            return each { number, bounds in
                let former = report.offsets.first { $0.stream == stream.name && $0.partition == Int64(number) }
                return (former?.committed ?? bounds.durable) + Int64(shift)
            }
        }
        let span = try arguments.value("by-duration", expected: "a span such as 24h (s, m, h, d, w)") { text in
            ReplayPosition.span(Array(text.utf8)[...].drop { $0 == UInt8(ascii: "-") })
        }
        let time = try arguments.value("to-datetime", expected: ReplayPosition.timeExpectation) { text in
            if case .time(let time)? = ReplayPosition(text, now: now) { return time }
            return nil
        }
        let moment = span.map { Timestamp(rawValue: now.rawValue - $0) } ?? time
        guard let moment else { preconditionFailure("Cannot move a group without a target") }
        return try client.offsets(stream.name, at: moment)
    }

    private static func find(_ name: String, in reports: [GroupReport]) throws(CommandFailure) -> GroupReport {
        if let report = reports.first(where: { $0.name == name }) { return report }
        throw CommandFailure(
            "the broker has no group '\(name)'\(Nearest.advice(for: name, among: reports.map(\.name)))")
    }
}
