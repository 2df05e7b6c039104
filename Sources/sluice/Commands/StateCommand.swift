import Administration
import CommitLogPosix
import LogTools
import SluiceBroker
import SluiceCore
import TopicRouting

/// `sluice state`.
enum StateCommand {
    static let command = Command(
        name: "state", operands: ["FILTER"], summary: "Print the last value of each topic at a moment",
        notes: """
            Read from the data directory by its indexes, beside a running broker or without one. TIME is now, -1h
            (s, m, h, d, w), a date such as 2026-09-01 (UTC), a time such as 2026-09-01T03:00Z, or microseconds since
            1970. What counts in a partition is what it held when its first record of a later time came; readings
            that a device sent late count from when they arrived. Exits with 1 when something was damaged and left
            out.
            """,
        example: "sluice state --at 2026-09-01T03:00Z 'plant1/#'",
        options: [
            CommandOption("at", value: "TIME", "the moment; now unless given"),
            CommandOption("data", letter: "d", value: "DIR", "the data directory; ./data unless given"),
            CommandOption("stream", value: "NAME", "only this stream"),
            CommandOption("json", "print JSON, one topic a line"),
        ], run: run)

    private static func run(_ arguments: Arguments) throws -> Int32 {
        let now = Timestamp(rawValue: WallClock.milliseconds())
        let position: (String) -> ReplayPosition? = { text in
            guard case .time(let time)? = ReplayPosition(text, now: now) else { return nil }
            return .time(time)
        }
        let at = try arguments.value("at", expected: ReplayPosition.timeExpectation, position) ?? .time(now)
        guard case .time(let time) = at else { preconditionFailure("Only times are read here") }
        let filter = Array(arguments.operands[0].utf8)
        do throws(TopicSyntaxError) { try FilterSyntax.check(filter: filter.span) } catch {
            throw arguments.error("'\(arguments.operands[0])': \(error)")
        }
        let place = try InspectedPlace(arguments.text("data") ?? "data")
        if case .file(let name) = place.kind {
            throw CommandFailure("\(name) is a file; expected a data directory")
        }
        var state = PastState(place, stream: arguments.text("stream"), filter: filter, at: time.rawValue)
        try state.read()
        let values = state.values
        if arguments.has("json") {
            let output = StandardOutput()
            for value in values { output.line(json(value).description) }
            output.flush()
        } else if !values.isEmpty {
            print(text(values), terminator: "")
        }
        for finding in state.findings { Sluice.complain("damage: \(finding.path): \(finding.text)") }
        if values.isEmpty {
            Sluice.complain(
                "no topic that matches '\(arguments.operands[0])' had a value at \(RFC3339.text(time.rawValue))")
        }
        return state.findings.isEmpty ? ExitCode.success : ExitCode.failure
    }

    private static func text(_ values: [PastState.Value]) -> String {
        var table = Table(["TOPIC", "TIME", "AT", "VALUE"], [.left, .left, .left, .left])
        for value in values {
            let payload: String
            if let bytes = value.payload {
                let (text, isText) = JSON.bytes(bytes)
                payload = isText ? Readable.oneLine(text.text ?? "") : "base64 \(text.text ?? "")"
            } else {
                payload = "(deleted)"
            }
            table.add([
                Readable.oneLine(String(decoding: value.topic, as: UTF8.self)), RFC3339.text(value.timestamp),
                "\(value.stream) \(value.partition):\(value.offset)", Readable.short(payload, 120),
            ])
        }
        return table.text()
    }

    /// A value as `sluice state --json` and `GET /v1/state` tell of it.
    static func json(_ value: PastState.Value) -> JSON {
        func member(_ name: String, _ encoding: String, _ bytes: [UInt8]?) -> [JSON.Member] {
            guard let bytes else { return [.init(name: name, value: .null)] }
            let (text, isText) = JSON.bytes(bytes)
            return [.init(name: name, value: text)]
                + (isText ? [] : [.init(name: encoding, value: .string("base64"))])
        }
        return .object(
            [
                .init(name: "topic", value: .string(String(decoding: value.topic, as: UTF8.self))),
                .init(name: "stream", value: .string(value.stream)),
                .init(name: "partition", value: .integer(Int64(value.partition))),
                .init(name: "offset", value: .integer(value.offset)),
                .init(name: "timestamp", value: .integer(value.timestamp * 1000)),
            ] + member("key", "key_encoding", value.key) + member("payload", "encoding", value.payload))
    }
}
