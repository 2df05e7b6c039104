import Administration
import CommitLogPosix
import SluiceBroker
import SluiceConfiguration
import SluiceCore

/// `sluice devices list`, `describe`, `silent` and `forget`.
enum DevicesCommand {
    static let list = Command(
        name: "devices list", summary: "List the devices that a running broker knows",
        notes: """
            A device is what its profile's key says: a gateway's connection carries many. EVERY is the time between two
            messages of late, beside what the profile expects; MISSED counts numbers that did not come, by the
            device's own
            count; BAD payloads that were not as the profile says. READING has the first fields of the last good one.
            """,
        example: "sluice devices list --profile temperature",
        options: selection + [
            CommandOption("limit", letter: "n", value: "N", "list N devices at most; 1000 unless given")
        ] + BrokerOption.options + [CommandOption("json", "print JSON; times are milliseconds since 1970")]
    ) { arguments in try list(arguments, isSilent: false) }

    static let silent = Command(
        name: "devices silent", summary: "List devices that have not been heard of for longer than they may be",
        notes: """
            A device is silent when as many of its profile's intervals have passed without a message as
            `silent_after` says.
            """,
        example: "sluice devices silent --profile temperature",
        options: selection + [
            CommandOption("limit", letter: "n", value: "N", "list N devices at most; 1000 unless given")
        ] + BrokerOption.options + [CommandOption("json", "print JSON; times are milliseconds since 1970")]
    ) { arguments in try list(arguments, isSilent: true) }

    static let describe = Command(
        name: "devices describe", operands: ["DEVICE"], summary: "Describe one device of a running broker",
        notes: """
            With every field of its profile as the device has last said it, read from the log: from its last record,
            and where that is another message's from those of the day before it. TIME is the record's: the device's
            own where its profile takes that over.
            """,
        example: "sluice devices describe dev42",
        options: BrokerOption.options + [CommandOption("json", "print JSON; times are milliseconds since 1970")]
    ) { arguments in
        var query = DeviceQuery()
        query.key = arguments.operands[0]
        query.isReading = true
        let client = try BrokerOption.connect(arguments)
        let (document, reports, _) = try client.devices(query)
        try client.disconnect()
        guard !reports.isEmpty else { throw CommandFailure("the broker knows no device '\(query.key)'") }
        if arguments.has("json") {
            print(document["devices"] ?? .null)
            return ExitCode.success
        }
        let now = WallClock.milliseconds()
        for report in reports {
            print(description(report, now: now).text(), terminator: "")
            if !report.reading.isEmpty { print("\n" + fields(report).text(), terminator: "") }
        }
        return ExitCode.success
    }

    static let forget = Command(
        name: "devices forget", operands: ["DEVICE"], summary: "Forget a device that is no more",
        notes: "Its records stay; what is known of it begins anew when it is heard of again.",
        example: "sluice devices forget dev42",
        options: BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        let name = arguments.operands[0]
        let client = try BrokerOption.connect(arguments)
        let (document, reply) = try client.request(.forgetDevice(name))
        try client.disconnect()
        guard reply == .deleted(true) else { throw CommandFailure("the broker knows no device '\(name)'") }
        print(arguments.has("json") ? "\(document)" : "the device '\(name)' is forgotten")
        return ExitCode.success
    }

    private static let selection = [
        CommandOption("profile", letter: "p", value: "NAME", "only devices of this profile")
    ]

    private static func list(_ arguments: Arguments, isSilent: Bool) throws -> Int32 {
        let limit = try arguments.integer("limit", 1...10_000_000) ?? 1000
        var query = DeviceQuery()
        query.isSilent = isSilent
        query.profile = arguments.text("profile") ?? ""
        let client = try BrokerOption.connect(arguments)
        var reports: [DeviceReport] = []
        var known: Int64 = 0
        var isMore = true
        while isMore, reports.count < limit {
            query.limit = Int64(min(1000, limit - reports.count))
            let (_, some, place) = try client.devices(query)
            reports += some
            known = place.known
            isMore = place.next != nil
            query.start = place.next ?? 0
        }
        try client.disconnect()
        if arguments.has("json") {
            print(JSON.members(["devices": .array(reports.map(\.json)), "known": .integer(known)]))
        } else {
            print(table(reports, now: WallClock.milliseconds()).text(), terminator: "")
            if isMore { print("and more: \(known) devices are known, --limit shows more of them") }
        }
        return ExitCode.success
    }

    private static func table(_ reports: [DeviceReport], now: Int64) -> Table {
        var table = Table(
            ["DEVICE", "PROFILE", "STATE", "LAST SEEN", "EVERY", "EXPECTED", "MESSAGES", "BAD", "MISSED", "READING"],
            [.left, .left, .left, .right, .right, .right, .right, .right, .right, .left])
        for report in reports {
            table.add([
                report.key, report.profile, report.isSilent ? "silent" : "ok",
                "\(Readable.age(now - report.lastMilliseconds)) ago",
                report.interval.map { Readable.nanoseconds($0 * 1_000_000) } ?? "-",
                report.expected.map { Readable.milliseconds($0) } ?? "-", String(report.count),
                String(report.faults.bad),
                String(report.missed), report.readingText,
            ])
        }
        return table
    }

    private static func description(_ report: DeviceReport, now: Int64) -> Table {
        var table = Table(columns: [.left, .left])
        table.add(["device", report.key])
        table.add(["profile", "\(report.profile), stream \(report.stream)"])
        table.add(["state", report.isSilent ? "silent" : "ok"])
        let age = Readable.age(now - report.lastMilliseconds)
        table.add(["last seen", "\(RFC3339.text(report.lastMilliseconds)), \(age) ago"])
        table.add(["first seen", RFC3339.text(report.firstMilliseconds)])
        let expected = report.expected.map { ", expected every \(Readable.milliseconds($0))" } ?? ""
        table.add(["interval", (report.interval.map { Readable.nanoseconds($0 * 1_000_000) } ?? "-") + expected])
        table.add(["messages", "\(report.count) stored, \(report.faults.refused) refused, \(report.faults.bad) bad"])
        table.add(["silences", String(report.silences)])
        if let sequence = report.sequence {
            table.add(["sequence", "\(sequence), \(report.missed) missed, \(report.repeated) repeated"])
        }
        if let skew = report.skew {
            let amount = Readable.milliseconds(abs(skew))
            table.add(["clock", skew == 0 ? "as the broker's" : "\(amount) \(skew > 0 ? "ahead" : "behind")"])
        }
        if report.offset >= 0 { table.add(["last record", "\(report.stream) \(report.partition):\(report.offset)"]) }
        return table
    }

    /// The fields of what it has last said.
    private static func fields(_ report: DeviceReport) -> Table {
        var columns = ["FIELD", "VALUE", "UNIT", "TIME"]
        if report.messages.count > 1 { columns.append("TOPICS") }
        var table = Table(columns, columns.map { _ in .left })
        for value in report.reading {
            let cells = [
                value.name, value.text.isEmpty ? "-" : value.text, value.unit ?? "",
                value.time.map { RFC3339.text($0) } ?? "-", value.pattern ?? "",
            ]
            table.add(Array(cells.prefix(columns.count)))
        }
        return table
    }
}

extension DeviceReport {
    /// The first fields of the last reading, in a line.
    fileprivate var readingText: String {
        reading.map { "\($0.name)=\($0.text)\($0.unit ?? "")" }.joined(separator: " ")
    }
}

/// `sluice ledger`.
enum LedgerCommand {
    static let command = Command(
        name: "ledger", summary: "Say what became of everything that devices have published",
        notes: """
            By profile, of what came in since the broker started, or with --since since the start of that minute
            (of that hour, if it is more than a day ago). What came is counted as it comes in, what was stored and
            what became a dead letter as the log has it, each by when it came in, so that the one is a proof of the
            other. At QoS 1 and 2 nothing is OPEN but what is on its way to the disk, and what the log has refused;
            at QoS 0 what a broker never got is not counted. With --device it is one device's messages since it was
            first seen; PUBLISHED is there the sum of what became of them.
            """,
        example: "sluice ledger --since 1h",
        options: [
            CommandOption("since", value: "TIME", "only what came in since then, such as 1h; at most 31 days ago"),
            CommandOption("device", letter: "k", value: "DEVICE", "only this device"),
        ] + BrokerOption.options + [CommandOption("json", "print JSON; times are milliseconds since 1970")]
    ) { arguments in
        let time = try since(arguments)
        if let device = arguments.text("device") {
            // What was refused is on no record but the device's count.
            if time != nil { throw arguments.error("--since counts by profile: it does not go with --device") }
            return try run(device, try BrokerOption.connect(arguments), arguments)
        }
        let client = try BrokerOption.connect(arguments)
        // The first request lets every loop hand over what it has counted, the second has it.
        _ = try client.request(.ledger(since: time))
        try client.pause(milliseconds: 300)
        let (document, reply) = try client.request(.ledger(since: time))
        guard case .ledger(let reports, let start) = reply else {
            throw CommandFailure("the broker's ledger is not the JSON that was expected")
        }
        print(arguments.has("json") ? "\(document)" : text(reports, since: start))
        return ExitCode.success
    }

    private static func since(_ arguments: Arguments) throws -> Int64? {
        guard let given = arguments.text("since") else { return nil }
        // A span is one into the past here, with or without its sign.
        let text = Quantity.duration(given) == nil ? given : "-" + given
        let now = Timestamp(rawValue: WallClock.milliseconds())
        guard case .time(let time) = ReplayPosition(text, now: now), time.rawValue >= 0 else {
            throw arguments.error("--since '\(given)': expected a time, such as 1h or 2026-09-01T03:00Z")
        }
        guard now.rawValue - time.rawValue <= 31 * 86_400_000 else {
            throw arguments.error("--since '\(given)': counts are kept for 31 days")
        }
        return time.rawValue
    }

    private static func text(_ reports: [LedgerReport], since start: Int64) -> String {
        var table = Table(
            ["PROFILE", "PUBLISHED", "STORED", "DEAD LETTERS", "REFUSED", "OPEN", "REDRIVEN", "REASONS"],
            [.left, .right, .right, .right, .right, .right, .right, .left])
        for report in reports {
            table.add([
                report.profile, String(report.published), String(report.stored), String(report.deadLettered),
                String(report.refused), String(report.open), String(report.redriven),
                report.reasons.map { "\($0.reason) \($0.count)" }.joined(separator: ", "),
            ])
        }
        return table.text() + "of what came in since \(RFC3339.text(start))"
    }

    private static func run(_ device: String, _ client: MQTTClient, _ arguments: Arguments) throws -> Int32 {
        var query = DeviceQuery()
        query.key = device
        let (_, reports, _) = try client.devices(query)
        guard !reports.isEmpty else { throw CommandFailure("the broker knows no device '\(device)'") }
        if arguments.has("json") {
            let lines = reports.map { report -> JSON in
                guard case .object(let members) = report.json else { return report.json }
                return .object(members + [JSON.Member(name: "published", value: .integer(report.published))])
            }
            print(JSON.members(["devices": .array(lines)]))
            return ExitCode.success
        }
        var table = Table(
            ["DEVICE", "PROFILE", "PUBLISHED", "STORED", "DEAD LETTERS", "REFUSED", "REDRIVEN", "BAD", "SINCE"],
            [.left, .left, .right, .right, .right, .right, .right, .right, .left])
        for report in reports {
            table.add([
                report.key, report.profile, String(report.published), String(report.count),
                String(report.faults.letters),
                String(report.faults.refused), String(report.faults.redriven), String(report.faults.bad),
                RFC3339.text(report.firstMilliseconds),
            ])
        }
        print(table.text(), terminator: "")
        return ExitCode.success
    }
}

extension MQTTClient {
    /// Asks the broker for devices; one that has just started is asked again until it knows them.
    func devices(
        _ query: DeviceQuery
    ) throws(CommandFailure) -> (document: JSON, reports: [DeviceReport], place: (next: Int64?, known: Int64)) {
        let deadline = MonotonicClock.nanoseconds() + Int64(Self.patienceMilliseconds) * 1_000_000
        while true {
            let (document, reply) = try request(.devices(query))
            if case .devices(let reports, let next, let known) = reply { return (document, reports, (next, known)) }
            guard case .failed("starting") = reply else {
                throw CommandFailure("the broker's answer about devices is not what was asked for")
            }
            guard MonotonicClock.nanoseconds() < deadline else {
                throw CommandFailure("the broker is still reading what devices have published before it was started")
            }
            try pause(milliseconds: 100)
        }
    }
}
