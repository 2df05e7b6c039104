import Administration
import CLinux
import MQTTWire

/// `sluice bench pub` and `sluice bench sub`.
enum BenchCommand {
    private static let shared = [
        CommandOption("connections", letter: "c", value: "N", "how many clients"),
        CommandOption("qos", letter: "q", value: "QOS", "0, 1 or 2"),
        CommandOption("messages", letter: "n", value: "N", "stop after N messages over all clients"),
        CommandOption(
            "duration", letter: "t", value: "TIME", "stop after 500ms, 10s, 2m; 10s unless --messages is given"),
        CommandOption("json", "print JSON; times are nanoseconds"),
    ]

    static let publish = Command(
        name: "bench pub", summary: "Publish load, and measure rate and acknowledgement latency",
        notes: """
            In a topic %c stands for the client's number and %m for the message's. With --rate a message's
            latency counts from when it was due, so that a broker that falls behind cannot hide it. Payloads of
            16 bytes and more carry that time for `sluice bench sub` on the same machine.
            """,
        example: "sluice bench pub --connections 50 --qos 1 --rate 5000 --duration 10s",
        options: shared + [
            CommandOption(
                "rate", letter: "r", value: "N", "messages a second over all clients; as many as it can unless given"),
            CommandOption("size", letter: "s", value: "BYTES", "payload bytes; 64 unless given"),
            CommandOption("window", letter: "w", value: "N", "unacknowledged messages of a client; 20 unless given"),
            CommandOption("topic", value: "TOPIC", "where to; bench/%c unless given"),
        ] + BrokerOption.options
    ) { arguments in
        var settings = PublishLoadSettings(place: try BrokerOption.place(arguments))
        settings.connectionCount = try arguments.integer("connections", 1...100_000) ?? settings.connectionCount
        settings.rate = try arguments.integer("rate", 1...1_000_000_000) ?? 0
        settings.payloadByteCount = try arguments.integer("size", 0...16 << 20) ?? settings.payloadByteCount
        settings.window = try arguments.integer("window", 1...65_535) ?? settings.window
        if let topic = arguments.text("topic") { settings.topic = BenchTopic(topic) }
        settings.qos = try qos(arguments) ?? settings.qos
        (settings.messageCount, settings.nanoseconds) = try end(arguments)
        _ = sluice_raise_file_limit()
        let load = PublishLoad(settings)
        try load.run()
        let seconds = Double(load.elapsedNanoseconds) / 1e9
        let rate = Double(load.publishedCount) / seconds
        if arguments.has("json") {
            print(
                JSON.members([
                    "messages": .integer(Int64(load.publishedCount)), "seconds": .number(seconds),
                    "rate": .number(rate), "payload_bytes": .integer(Int64(settings.payloadByteCount)),
                    "refused": .integer(Int64(load.refusedCount)),
                    "acknowledgement": settings.qos == .atMostOnce ? .null : load.latency.json,
                ]))
        } else {
            var table = report(load.publishedCount, load.publishedCount * settings.payloadByteCount, seconds)
            if settings.qos != .atMostOnce { table.add(["acknowledgement", load.latency.text]) }
            if load.refusedCount > 0 { table.add(["refused", String(load.refusedCount)]) }
            print(table.text(), terminator: "")
        }
        return load.refusedCount == 0 ? ExitCode.success : ExitCode.failure
    }

    static let subscribe = Command(
        name: "bench sub", summary: "Receive load, and measure rate and end-to-end latency",
        notes: """
            Says `subscribed` on standard error when every client's subscription is granted. Latency is known
            for messages of `sluice bench pub` on the same machine. Ten seconds of silence end it too; when
            --messages alone was to end it, it then exits with 1, and so when no message came at all.
            """,
        example: "sluice bench sub --topic 'bench/#' --messages 100000",
        options: shared + [
            CommandOption(
                "topic", value: "FILTER", "what to subscribe to; bench/# unless given, %c is the client's number")
        ] + BrokerOption.options
    ) { arguments in
        var settings = SubscribeLoadSettings(place: try BrokerOption.place(arguments))
        settings.connectionCount = try arguments.integer("connections", 1...100_000) ?? settings.connectionCount
        if let filter = arguments.text("topic") { settings.filter = BenchTopic(filter) }
        settings.qos = try qos(arguments) ?? settings.qos
        (settings.messageCount, settings.nanoseconds) = try end(arguments)
        _ = sluice_raise_file_limit()
        let load = SubscribeLoad(settings) { Sluice.complain("subscribed") }
        try load.run()
        let seconds = Double(load.elapsedNanoseconds) / 1e9
        if arguments.has("json") {
            print(
                JSON.members([
                    "messages": .integer(Int64(load.receivedCount)), "seconds": .number(seconds),
                    "rate": .number(Double(load.receivedCount) / seconds), "bytes": .integer(Int64(load.byteCount)),
                    "end_to_end": load.latency.json,
                ]))
        } else {
            var table = report(load.receivedCount, load.byteCount, seconds)
            table.add(["end to end", load.latency.text])
            print(table.text(), terminator: "")
        }
        guard load.receivedCount > 0 else {
            Sluice.complain("no message came: is there load, and does --topic match it?")
            return ExitCode.failure
        }
        guard let wanted = settings.messageCount, settings.nanoseconds == nil, load.receivedCount < wanted else {
            return ExitCode.success
        }
        Sluice.complain("\(wanted - load.receivedCount) of \(wanted) messages did not come")
        return ExitCode.failure
    }

    private static func report(_ count: Int, _ byteCount: Int, _ seconds: Double) -> Table {
        var table = Table(columns: [.left, .left])
        table.add(["messages", String(count)])
        table.add(["time", Readable.nanoseconds(Int64(seconds * 1e9))])
        table.add(["rate", "\(Int64((Double(count) / seconds).rounded())) messages/s"])
        table.add(["payload", "\(Readable.bytes(Int64(Double(byteCount) / seconds)))/s"])
        return table
    }

    private static func qos(_ arguments: Arguments) throws(UsageError) -> QoS? {
        try arguments.integer("qos", 0...2).flatMap { QoS(rawValue: UInt8($0)) }
    }

    /// When a load ends: after messages, after a time, or whichever comes first.
    private static func end(_ arguments: Arguments) throws(UsageError) -> (messages: Int?, nanoseconds: Int64?) {
        let messages = try arguments.integer("messages", 1...Int.max)
        let duration = try arguments.value("duration", expected: "a time such as 500ms, 10s or 2m", nanoseconds)
        if let duration { return (messages, duration) }
        return (messages, messages == nil ? 10_000_000_000 : nil)
    }

    private static func nanoseconds(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: Int64] = ["ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000]
        let unit = text.dropFirst(digits.count)
        guard let number = Int64(digits), number > 0, number <= 1_000_000, let unit = units[unit] else { return nil }
        return number * unit
    }
}
