import Administration
import CommitLogPosix
import MQTTWire
import SluiceBroker
import SluiceConfiguration
import SluiceCore

/// `sluice deadletters list`, `describe`, `redrive` and `discard`.
enum DeadLettersCommand {
    static let list = Command(
        name: "deadletters list", operands: ["STREAM"], summary: "List messages that a stream's profiles did not take",
        notes: """
            STREAM is the stream that they were meant for; they are in STREAM.dlq, with their bytes, topic, client,
            profile,
            reason, field and place. Those that were redriven or discarded are left out unless --all is given. The
            summary by
            profile and reason is at the end.
            """,
        example: "sluice deadletters list sensors --reason out-of-range",
        options: selection + [
            CommandOption("limit", letter: "n", value: "N", "list N at most, the oldest first; 100 unless given"),
            CommandOption("all", "those that are dealt with, too"),
        ] + BrokerOption.options + [CommandOption("json", "print JSON, one letter a line")]
    ) { arguments in
        let limit = try arguments.integer("limit", 1...Int.max) ?? 100
        let reader = try LetterReader(arguments)
        var table = Table(
            ["PLACE", "TIME", "DEVICE", "PROFILE", "REASON", "FIELD", "TOPIC", "PAYLOAD"],
            [.left, .left, .left, .left, .left, .left, .left, .left])
        var counts: [String: Int] = [:]
        var (shown, total) = (0, 0)
        try reader.forEach { letter in
            total += 1
            counts["\(letter.profile), \(letter.reason)", default: 0] += 1
            guard shown < limit else { return }
            shown += 1
            if arguments.has("json") { return print(letter.json.compact) }
            table.add([
                letter.place, RFC3339.text(letter.milliseconds), letter.device, letter.profile, letter.reason,
                letter.field ?? "-", letter.topic, letter.excerpt,
            ])
        }
        guard !arguments.has("json") else { return ExitCode.success }
        if total == 0 {
            print("no dead letters")
            return ExitCode.success
        }
        print(table.text())
        var summary = Table(["PROFILE, REASON", "LETTERS"], [.left, .right])
        for (name, count) in counts.sorted(by: { $0.value > $1.value }) { summary.add([name, String(count)]) }
        print(summary.text(), terminator: "")
        if total > shown { print("\(shown) of \(total) are shown; --limit shows more") }
        return ExitCode.success
    }

    static let describe = Command(
        name: "deadletters describe", operands: ["STREAM", "PLACE"], summary: "Show one dead letter, all of it",
        notes: "PLACE is PARTITION:OFFSET, as the list has it.",
        example: "sluice deadletters describe sensors 0:17",
        options: BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        let place = arguments.operands[1]
        let reader = try LetterReader(arguments, from: place)
        var found: Letter?
        try reader.forEach { letter in if letter.place == place { found = letter } }
        guard let letter = found else {
            throw CommandFailure("there is no dead letter at \(place) of '\(arguments.operands[0])'")
        }
        if arguments.has("json") {
            print(letter.json)
            return ExitCode.success
        }
        var table = Table(columns: [.left, .left])
        table.add(["place", letter.place])
        table.add(["time", RFC3339.text(letter.milliseconds)])
        table.add(["topic", letter.topic])
        table.add(["device", letter.device])
        table.add(["client", letter.client])
        table.add(["profile", letter.profile])
        table.add(["reason", letter.text])
        table.add(["state", letter.isDealtWith ? "dealt with" : "open"])
        let (payload, isText) = JSON.bytes(letter.payload)
        table.add([isText ? "payload" : "payload, base64", payload.text ?? ""])
        print(table.text(), terminator: "")
        return ExitCode.success
    }

    static let redrive = Command(
        name: "deadletters redrive", operands: ["STREAM"],
        summary: "Put dead letters through their profiles as they are now",
        notes: """
            What passes goes to its stream with its own time, and is not shown any more; what does not stays, with
            the reason
            counted. Passing and the note of it are one append: a redrive that is cut short, or done again, passes
            nothing
            twice. --dry-run counts only.
            """,
        example: "sluice deadletters redrive sensors --reason out-of-range --dry-run",
        options: selection + [CommandOption("dry-run", "say what would pass, and change nothing")]
            + BrokerOption.options
            + [CommandOption("json", "print JSON")]
    ) { arguments in try order(arguments, arguments.has("dry-run") ? .examine : .redrive) }

    static let discard = Command(
        name: "deadletters discard", operands: ["STREAM"], summary: "Take dead letters off the list",
        notes: "Their records stay in STREAM.dlq until its retention takes them; `list --all` still has them.",
        example: "sluice deadletters discard sensors --device dev42",
        options: selection + BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in try order(arguments, .discard) }

    static let selection = [
        CommandOption("reason", letter: "r", value: "REASON", "only those of this reason, such as out-of-range"),
        CommandOption("device", letter: "k", value: "DEVICE", "only those of this device"),
        CommandOption("from", value: "POSITION", "only those of this time or later, such as -1h"),
        CommandOption("until", value: "POSITION", "only those before this time"),
    ]

    private static func order(_ arguments: Arguments, _ action: LetterOrder.Action) throws -> Int32 {
        let client = try BrokerOption.connect(arguments)
        let stream = arguments.operands[0]
        var order = LetterOrder(action, stream: stream)
        order.reason = arguments.text("reason") ?? ""
        order.device = arguments.text("device") ?? ""
        let times = try LetterTimes(arguments)
        order.from = times.from
        order.until = times.until
        var (document, reply) = try client.request(.letters(order))
        guard reply != .unknown else {
            throw CommandFailure("stream '\(stream)' has no dead letters: no '\(stream).dlq'")
        }
        let progress = Progress("letters", total: 0, countsBytes: false)
        while true {
            guard case .letterJob(let report) = reply else {
                if case .failed(let reason) = reply { throw CommandFailure(reason) }
                throw CommandFailure("the broker's answer about dead letters is not what was asked for")
            }
            progress.reach(report.examined)
            guard report.isDone else {
                try client.pause(milliseconds: 100)
                (document, reply) = try client.request(.letterJob(report.number))
                continue
            }
            progress.clear()
            if let fault = report.fault { throw CommandFailure(fault) }
            print(arguments.has("json") ? "\(document)" : words(report, action))
            return ExitCode.success
        }
    }

    private static func words(_ report: LetterReport, _ action: LetterOrder.Action) -> String {
        let reasons = report.reasons.map { "\($0.reason) \($0.count)" }.joined(separator: ", ")
        let rest = report.failed == 0 ? "" : "; \(report.failed) stay: \(reasons)"
        return switch action {
        case .redrive: "\(report.passed) of \(report.selected) passed\(rest)"
        case .examine: "\(report.passed) of \(report.selected) would pass\(rest)"
        case .discard: "\(report.passed) discarded"
        }
    }
}

/// The times that `--from` and `--until` name, in milliseconds since 1970.
struct LetterTimes {
    let from: Int64
    let until: Int64

    /// Any time.
    init() {
        from = .min
        until = .max
    }

    /// - Throws: what is wrong with them; positions that are no times are none here.
    init(_ arguments: Arguments) throws {
        let now = Timestamp(rawValue: WallClock.milliseconds())
        func time(_ name: String) throws -> Int64? {
            let position = try arguments.value(
                name, expected: "a time, such as -1h or 2026-09-01T03:00Z", { ReplayPosition($0, now: now) })
            return switch position {
            case .time(let time): time.rawValue
            case .earliest: Int64.min
            case .latest: now.rawValue
            case nil: nil
            case .offset, .committed: throw arguments.error("--\(name) is a time here, such as -1h")
            }
        }
        from = try time("from") ?? .min
        until = try time("until") ?? .max
    }
}

/// A dead letter as a consumer of its stream gets it.
struct Letter {
    let place: String
    let milliseconds: Int64
    let device: String
    let topic: String
    let payload: [UInt8]
    let profile: String
    let reason: String
    let field: String?
    let offset: String?
    let text: String
    let client: String
    var isDealtWith = false

    init?(_ message: ReceivedMessage) {
        guard let record = ConsumedRecord(message), let reason = message.user("dlq.reason") else { return nil }
        place = "\(record.partition):\(record.offset)"
        milliseconds = record.timestamp / 1000
        device = record.key ?? ""
        let prefix = "$dlq/"
        topic = record.topic.hasPrefix(prefix) ? String(record.topic.dropFirst(prefix.count)) : record.topic
        payload = record.payload
        profile = message.user("dlq.profile") ?? ""
        self.reason = reason
        field = message.user("dlq.field")
        offset = message.user("dlq.offset")
        text = message.user("dlq.text") ?? reason
        client = message.user("dlq.client") ?? ""
    }

    /// The beginning of the payload, in a line.
    var excerpt: String {
        let (text, isText) = JSON.bytes(Array(payload.prefix(60)))
        let shown = isText ? text.text ?? "" : "base64:\(text.text ?? "")"
        let line = shown.map { $0.isNewline ? " " : String($0) }.joined()
        return payload.count > 60 ? line + "…" : line
    }

    var json: JSON {
        let (payload, isText) = JSON.bytes(payload)
        return .members([
            "place": .string(place), "timestamp_ms": .integer(milliseconds), "device": .string(device),
            "topic": .string(topic), "client": .string(client), "profile": .string(profile),
            "reason": .string(reason), "field": field.map { .string($0) } ?? .null,
            "offset": offset.flatMap { Int64($0) }.map { .integer($0) } ?? .null, "text": .string(text),
            "dealt_with": .bool(isDealtWith), "payload": payload, "encoding": .string(isText ? "utf8" : "base64"),
        ])
    }
}

/// Reads the dead letters of a stream, those that the arguments select.
struct LetterReader {
    private let client: MQTTClient
    private let report: StreamReport
    private let start: ReplayPosition
    private let startText: String
    private let runs: [LetterRun]
    private let arguments: Arguments
    private let times: LetterTimes

    /// - Parameter place: the one letter that is wanted; nil for all.
    init(_ arguments: Arguments, from place: String? = nil) throws {
        self.arguments = arguments
        times = try place == nil ? LetterTimes(arguments) : LetterTimes()
        client = try BrokerOption.connect(arguments)
        let stream = arguments.operands[0]
        let reports = try client.streams().reports
        guard let report = reports.first(where: { $0.name == "\(stream).dlq" }) else {
            _ = try StreamsCommand.find(stream, in: reports)
            throw CommandFailure("stream '\(stream)' has no dead letters: there is no '\(stream).dlq'")
        }
        self.report = report
        let now = Timestamp(rawValue: WallClock.milliseconds())
        startText = place ?? "earliest"
        guard let start = ReplayPosition(startText, now: now) else {
            throw arguments.error("'\(startText)' is no place: PARTITION:OFFSET, such as 0:17")
        }
        self.start = start
        guard case (_, .letterRuns(let runs)) = try client.request(.letterRuns(stream: stream)) else {
            throw CommandFailure("the broker's answer about dead letters is not what was asked for")
        }
        self.runs = runs
    }

    /// Calls `body` with each letter, the oldest of each partition first.
    func forEach(_ body: (Letter) -> Void) throws {
        let isOne = startText != "earliest"
        var consumption = Consumption(
            report: report, from: start, until: nil, limit: isOne ? 1 : nil, isFollowing: false, filter: nil)
        guard !consumption.isDone else { return }
        try ConsumeCommand.subscribe(client, to: report, from: startText)
        try ConsumeCommand.forEach(client, &consumption) { message, _ in
            guard var letter = Letter(message) else { return }
            letter.isDealtWith = runs.contains { run in
                guard let record = ConsumedRecord(message) else { return false }
                return run.partition == record.partition && (run.start..<run.end).contains(record.offset)
            }
            if isOne || isMeant(letter) { body(letter) }
        }
    }

    private func isMeant(_ letter: Letter) -> Bool {
        (arguments.has("all") || !letter.isDealtWith) && letter.milliseconds >= times.from
            && letter.milliseconds < times.until
            && (arguments.text("reason").map { $0 == letter.reason } ?? true)
            && (arguments.text("device").map { $0 == letter.device } ?? true)
    }
}
