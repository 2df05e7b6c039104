import Administration
import CommitLogPosix
import MQTTWire
import SluiceBroker
import SluiceCore
import TopicRouting

/// `sluice consume`.
enum ConsumeCommand {
    static let command = Command(
        name: "consume", operands: ["STREAM"], summary: "Print a stream's records",
        notes: """
            A POSITION is earliest, latest, now, -1h (s, m, h, d, w), a date such as 2026-09-01 (UTC), a time such as
            2026-09-01T00:00:00Z, microseconds since 1970, or PARTITION:OFFSET, which keeps to that partition.
            Without --follow it ends where the stream ended when it began. With --json each line is an object:
            topic, partition, offset, timestamp (µs since 1970), key, payload; `encoding` says base64 where the
            payload is not UTF-8.
            """,
        example: "sluice consume sensors --filter 'sensors/+/dev42/#' --from -1h --json",
        options: [
            CommandOption("filter", value: "FILTER", "only topics that match, such as 'sensors/+/dev42/#'"),
            CommandOption("from", value: "POSITION", "where to start; earliest unless given"),
            CommandOption("until", value: "POSITION", "where to stop: before that record"),
            CommandOption("limit", letter: "n", value: "N", "stop after N records"),
            CommandOption("follow", letter: "f", "go on with what comes"),
            CommandOption("json", "print JSON, one record a line"),
        ] + BrokerOption.options, run: run)

    private static func run(_ arguments: Arguments) throws -> Int32 {
        let now = Timestamp(rawValue: WallClock.milliseconds())
        let position: (String) -> ReplayPosition? = { ReplayPosition($0, now: now) }
        let expected = ReplayPosition.expectation.replacing("expected ", with: "")
        let from = try arguments.value("from", expected: expected, position) ?? .earliest
        let until = try arguments.value("until", expected: expected, position)
        let limit = try arguments.integer("limit", 0...Int.max)
        let filter = arguments.text("filter").map { Array($0.utf8) }
        if let filter {
            do throws(TopicSyntaxError) { try FilterSyntax.check(filter: filter.span) } catch {
                throw arguments.error("--filter '\(String(decoding: filter, as: UTF8.self))': \(error)")
            }
        }
        let client = try BrokerOption.connect(arguments)
        let report = try StreamsCommand.find(arguments.operands[0], in: client.streams().reports)
        let isPresence = report.name == Presence.stream
        guard isPresence || !report.name.hasPrefix("__") else {
            throw CommandFailure("'\(report.name)' is the broker's own and not for reading")
        }
        let isFollowing = arguments.has("follow")
        if let fault = report.fault(from: from, until: until, isFollowing: isFollowing, now: now) {
            throw CommandFailure(fault)
        }
        if let remark = report.remark(from: from, isFollowing: isFollowing) { Sluice.complain(remark) }
        var consumption = Consumption(
            report: report, from: from, until: until, limit: limit, isFollowing: isFollowing,
            filter: isPresence ? filter.map { Array("\(report.name)/".utf8) + $0 } : filter)
        guard !consumption.isDone else { return ExitCode.success }
        // The end that the client knows is one of offsets, of matching records or not: all is read, and matched here.
        let narrowed = isFollowing ? filter.map { Array("/".utf8) + $0 } ?? [] : []
        try subscribe(
            client, to: report, from: arguments.text("from") ?? "earliest", filter: narrowed, isFollowing: isFollowing)
        let printer = RecordPrinter(isJSON: arguments.has("json"))
        // Where the records are seen themselves, they are the progress.
        let progress = StandardOutput.isTerminal ? nil : Progress("records", total: 0, countsBytes: false)
        try forEach(client, &consumption, quiet: printer.flush) { _, record in
            printer.print(record)
            progress?.advance(by: 1)
        }
        progress?.clear()
        return ExitCode.success
    }

    /// Subscribes to a stream's records.
    /// - Parameter filter: what is behind the stream's name in the filter of the subscription.
    /// - Throws: when the broker refuses, or does not answer.
    static func subscribe(
        _ client: MQTTClient, to report: StreamReport, from: String, filter: [UInt8] = [], isFollowing: Bool = false
    ) throws(CommandFailure) {
        let properties = PropertyWriter.bytes {
            // With an end the broker says when it is over, whatever the records at the end have become.
            for (name, value) in [("stream-offset", from), ("stream-until", isFollowing ? nil : "latest")] {
                guard let value else { continue }
                PropertyWriter.append(userProperty: Array(name.utf8).span, Array(value.utf8).span, to: &$0)
            }
        }
        try client.subscribe(Array("$stream/\(report.name)".utf8) + filter, properties: properties)
    }

    /// How long nothing comes before the broker is asked whether it is there.
    private static let quietMilliseconds = 500
    /// After so many answered pings without a record nothing more is waited for: a broker whose clients hold all of its
    /// memory, or whose device takes nothing, needs half a minute to make room.
    private static let quietPingsMax = 120

    /// Calls `body` with each message and record until the consumption is done.
    /// - Parameter quiet: called when nothing has come for a while, and at the end.
    /// - Throws: what `body` does, and when the broker is silent, or sends no more although there is more.
    static func forEach(
        _ client: MQTTClient, _ consumption: inout Consumption, quiet: () -> Void = {},
        _ body: (ReceivedMessage, ConsumedRecord) throws(CommandFailure) -> Void
    ) throws(CommandFailure) {
        var (quietPings, unansweredWaits) = (0, 0)
        while !consumption.isDone {
            guard let event = try client.next(milliseconds: consumption.isFollowing ? 1000 : quietMilliseconds) else {
                quiet()
                if consumption.isFollowing { continue }
                unansweredWaits += 1
                // A broker that does not answer is slow, and is no end.
                if unansweredWaits > 1 {
                    guard unansweredWaits * quietMilliseconds < MQTTClient.patienceMilliseconds else {
                        throw client.silent("a ping")
                    }
                    continue
                }
                guard quietPings < quietPingsMax else {
                    throw CommandFailure("the broker delivers nothing more; missing: \(consumption.missing)")
                }
                try client.ping()
                continue
            }
            if case .pong = event {
                quietPings += 1
                unansweredWaits = 0
            }
            guard case .message(let message) = event else { continue }
            quietPings = 0
            if let record = ConsumedRecord(message) {
                if consumption.takes(record) { try body(message, record) }
            } else if !consumption.isFollowing, message.user("stream-end") != nil {
                // What has not come has expired, or was removed meanwhile.
                if !consumption.isTimed, !consumption.isDone {
                    Sluice.complain("not delivered, because it is no longer there: \(consumption.missing)")
                }
                break
            }
        }
        quiet()
    }
}

/// A record as a replay delivers it.
struct ConsumedRecord {
    let topic: String
    let partition: Int
    let offset: Int64
    /// Microseconds since 1970.
    let timestamp: Int64
    let key: String?
    let payload: [UInt8]

    /// The record in a delivery; nil when the delivery is none of a replay.
    init?(_ message: ReceivedMessage) {
        guard let timestamp = message.user("ts").flatMap({ Int64($0) }),
            let parts = message.user("offset")?.split(separator: ":"), parts.count == 2,
            let partition = Int(parts[0]), let offset = Int64(parts[1])
        else { return nil }
        topic = String(decoding: message.topic, as: UTF8.self)
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        // A record's own user properties come before those of the replay.
        key = message.userProperties.last { $0.name == "key" }?.value
        payload = message.payload
    }
}

/// How far a consumption has come, and where it ends.
struct Consumption {
    let isFollowing: Bool
    /// What topics must match; nil for every record of the stream.
    private let filter: [UInt8]?
    private let untilTime: Int64?
    /// Whether it begins at a time. *It then begins at an offset that only the broker knows; it may be the end.*
    let isTimed: Bool
    /// Where each partition that is not at its end yet ends; `Int64.max` for never.
    private var ends: [Int: Int64] = [:]
    private var next: [Int: Int64] = [:]
    private var left: Int?

    init(
        report: StreamReport, from: ReplayPosition, until: ReplayPosition?, limit: Int?, isFollowing: Bool,
        filter: [UInt8]?
    ) {
        self.isFollowing = isFollowing
        self.filter = filter
        left = limit
        if case .time = from { isTimed = true } else { isTimed = false }
        if case .time(let time) = until { untilTime = time.rawValue * 1000 } else { untilTime = nil }
        for (number, partition) in report.partitions.enumerated() {
            var start = partition.start
            // What is not on the device yet is asked for by the replay itself.
            var end = isFollowing ? Int64.max : partition.appended
            switch until {
            case .earliest: end = partition.start
            case .latest, .committed: end = partition.appended
            case .offset(let wanted, let offset): end = wanted == number ? min(end, offset.rawValue) : start
            case .time, nil: break
            }
            switch from {
            case .latest, .committed: start = partition.appended
            case .offset(let wanted, let offset): start = wanted == number ? max(start, offset.rawValue) : end
            case .earliest, .time: break
            }
            if start < end {
                ends[number] = end
                next[number] = start
            }
        }
    }

    /// Whether nothing more is wanted.
    var isDone: Bool { ends.isEmpty || left == 0 }

    /// Notes a record.
    /// - Returns: whether it is to be printed.
    mutating func takes(_ record: ConsumedRecord) -> Bool {
        guard left != 0, let end = ends[record.partition], record.offset < end else { return false }
        if let untilTime, record.timestamp >= untilTime {
            ends[record.partition] = nil
            return false
        }
        next[record.partition] = record.offset + 1
        if record.offset + 1 >= end { ends[record.partition] = nil }
        if let filter {
            let topic = Array(record.topic.utf8)
            guard FilterSyntax.matches(filter: filter.span, topic: topic.span) else { return false }
        }
        if let count = left { left = count - 1 }
        return true
    }

    /// The offsets that have not come, for people.
    var missing: String {
        ends.sorted { $0.key < $1.key }
            .map { "partition \($0.key) from \(next[$0.key] ?? 0) to \($0.value)" }.joined(separator: ", ")
    }
}

/// Prints records, as columns for people or as JSON.
final class RecordPrinter {
    private let output = StandardOutput()
    private let isJSON: Bool
    private var widths = [24, 6, 8, 16]

    init(isJSON: Bool) { self.isJSON = isJSON }

    func flush() { output.flush() }

    func print(_ record: ConsumedRecord) {
        if isJSON { return output.line(json(record).description) }
        let cells = [
            RFC3339.text(record.timestamp / 1000), "\(record.partition):\(record.offset)",
            Readable.short(Readable.oneLine(record.key ?? "-"), 48), Readable.short(Readable.oneLine(record.topic), 64),
        ]
        var line = ""
        for (column, cell) in cells.enumerated() {
            // Columns grow with what they hold, and stay: a stream has no last row to measure.
            widths[column] = max(widths[column], cell.count)
            line += cell.padded(to: widths[column]) + "  "
        }
        let (text, isText) = JSON.bytes(record.payload)
        line += isText ? Readable.oneLine(text.text ?? "") : "base64 \(text.text ?? "")"
        output.line(line)
    }

    private func json(_ record: ConsumedRecord) -> JSON {
        let (payload, isText) = JSON.bytes(record.payload)
        var members: [JSON.Member] = [
            .init(name: "topic", value: .string(record.topic)),
            .init(name: "partition", value: .integer(Int64(record.partition))),
            .init(name: "offset", value: .integer(record.offset)),
            .init(name: "timestamp", value: .integer(record.timestamp)),
            .init(name: "key", value: record.key.map { .string($0) } ?? .null),
            .init(name: "payload", value: payload),
        ]
        if !isText { members.append(.init(name: "encoding", value: .string("base64"))) }
        return .object(members)
    }
}

extension Readable {
    /// Control characters as escapes, so that a peer's bytes neither break a line nor drive the terminal.
    static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }) else {
            return text
        }
        return text.unicodeScalars.map { scalar in
            let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
            return isControl ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
        }.joined()
    }
}
