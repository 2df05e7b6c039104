import Administration
import CLinux
import CommitLogPosix
import DeviceProfiles
import MQTTWire
import PayloadFormats
import SluiceBroker
import SluiceConfiguration
import SluiceCore

/// `sluice simulate`.
enum SimulateCommand {
    static let command = Command(
        name: "simulate", summary: "Be a fleet of devices, with real connections",
        notes: """
            Each device, or gateway of several, has an MQTT 5 connection of its own and publishes what its profile's
            signals say, every interval; --speed makes the time go faster. Without --for it goes on until it is
            interrupted. Faults are parts of all messages, from 0 to 1: --bad has payloads that the profile does not
            take, --drop-outs leaves messages out (their numbers are missing), --duplicates sends twice, --late
            keeps back for five intervals; --storm loses all connections at once, again and again. An edge node of
            Sparkplug B is born on each connection, then sends aliases, and its will is its death; what waits when a
            connection is lost is left out. With --from-history a captured window of a stream is published again at
            its own pace, by its own topics.
            """,
        example: "sluice simulate --devices 50 --profile temperature --for 5s --speed 10 --config config/sluice.yaml",
        options: [
            ConfigurationSource.option,
            CommandOption("devices", letter: "n", value: "N", "devices of each profile; 10 unless given"),
            CommandOption(
                "profile", letter: "p", value: "NAME", "which profile; every one unless given"),
            CommandOption("for", value: "TIME", "stop after 500ms, 10s, 2m, 1h"),
            CommandOption("speed", value: "FACTOR", "how many times faster than the profile says; 1 unless given"),
            CommandOption("qos", letter: "q", value: "QOS", "0, 1 or 2; 1 unless given"),
            CommandOption("bad", value: "PART", "bad payloads, such as 0.01"),
            CommandOption("drop-outs", value: "PART", "messages that are left out"),
            CommandOption("duplicates", value: "PART", "messages that are sent twice"),
            CommandOption("late", value: "PART", "messages that are kept back"),
            CommandOption("storm", value: "TIME", "lose all connections at once, every so often"),
            CommandOption("seed", value: "N", "the same number gives the same values; 1 unless given"),
            CommandOption("from-history", value: "STREAM", "publish what a stream has, again"),
            CommandOption("window", value: "POSITION", "from where on, with --from-history; -1h unless given"),
            CommandOption("json", "print JSON; times are nanoseconds"),
        ] + BrokerOption.options, run: run)

    private static func run(_ arguments: Arguments) throws -> Int32 {
        let settings = try settings(arguments)
        _ = sluice_raise_file_limit()
        let source: any FleetSource =
            if let stream = arguments.text("from-history") {
                try history(stream, arguments, speed: settings.speed)
            } else {
                ProfileFleet(
                    try profiles(arguments), count: try arguments.integer("devices", 1...100_000) ?? 10, settings)
            }
        guard source.connectionCount > 0 else { throw CommandFailure("there is nothing to publish") }
        let fleet = Fleet(settings, source)
        try fleet.run()
        let seconds = Double(max(1, fleet.elapsedNanoseconds)) / 1e9
        print(arguments.has("json") ? "\(json(fleet.report, seconds))" : text(fleet.report, seconds), terminator: "")
        if arguments.has("json") { print() }
        return ExitCode.success
    }

    private static func settings(_ arguments: Arguments) throws -> FleetSettings {
        var settings = FleetSettings(place: try BrokerOption.place(arguments))
        if let qos = try arguments.integer("qos", 0...2).flatMap({ QoS(rawValue: UInt8($0)) }) { settings.qos = qos }
        let factor: (String) -> Double? = { text in Double(text).flatMap { $0 > 0 && $0 <= 100_000 ? $0 : nil } }
        settings.speed = try arguments.value("speed", expected: "a number, such as 10", factor) ?? 1
        let time: (String) -> Int64? = { Quantity.duration($0).map { Int64($0 / .nanoseconds(1)) } }
        settings.nanoseconds = try arguments.value("for", expected: "a time such as 500ms, 10s or 2m", time)
        settings.stormNanoseconds = try arguments.value("storm", expected: "a time such as 10s or 2m", time)
        func part(_ name: String) throws -> Double {
            try arguments.value(name, expected: "a number from 0 to 1, such as 0.01") { text in
                Double(text).flatMap { (0...1).contains($0) ? $0 : nil }
            } ?? 0
        }
        settings.badPart = try part("bad")
        settings.dropPart = try part("drop-outs")
        settings.repeatPart = try part("duplicates")
        settings.latePart = try part("late")
        settings.seed = UInt64(try arguments.integer("seed", 0...Int.max) ?? 1)
        return settings
    }

    private static func profiles(_ arguments: Arguments) throws -> [DeviceProfile] {
        let configuration = try ConfigurationSource.load(arguments)
        guard !configuration.profiles.isEmpty else {
            throw CommandFailure("the configuration has no device profiles; 'devices: DIR' names their directory")
        }
        guard let name = arguments.text("profile") else {
            return configuration.profiles
        }
        guard let profile = configuration.profiles.first(where: { $0.name == name }) else {
            let advice = Nearest.advice(for: name, among: configuration.profiles.map(\.name))
            throw CommandFailure("there is no profile '\(name)'\(advice)")
        }
        return [profile]
    }

    /// Records that a window may have: they are in memory until they are published.
    private static let recordsMax = 1_000_000

    private static func history(_ stream: String, _ arguments: Arguments, speed: Double) throws -> HistoryFleet {
        let now = Timestamp(rawValue: WallClock.milliseconds())
        let text = arguments.text("window") ?? "-1h"
        guard let start = ReplayPosition(text, now: now) else {
            throw arguments.error("--window '\(text)': \(ReplayPosition.expectation)")
        }
        let client = try BrokerOption.connect(arguments)
        let report = try StreamsCommand.find(stream, in: client.streams().reports)
        var consumption = Consumption(
            report: report, from: start, until: nil, limit: recordsMax, isFollowing: false, filter: nil)
        var records: [HistoryFleet.Record] = []
        if !consumption.isDone {
            try ConsumeCommand.subscribe(client, to: report, from: text)
            try ConsumeCommand.forEach(client, &consumption) { _, record in
                records.append(
                    HistoryFleet.Record(
                        key: record.key ?? "", topic: Array(record.topic.utf8), payload: record.payload,
                        time: record.timestamp))
            }
        }
        guard !records.isEmpty else { throw CommandFailure("stream '\(stream)' has no records from \(text) on") }
        return HistoryFleet(records, speed: speed, connectionsMax: 1000)
    }

    private static func text(_ report: FleetReport, _ seconds: Double) -> String {
        var table = Table(columns: [.left, .left])
        table.add(["devices", "\(report.devices) on \(report.connections) connections"])
        table.add(["time", Readable.nanoseconds(Int64(seconds * 1e9))])
        let rate = Readable.decimal(Double(report.published) / seconds)
        table.add(["published", "\(report.published), \(rate) messages/s"])
        table.add(["acknowledged", "\(report.acknowledged), \(report.refused) of them refused"])
        let faults = [
            (report.bad, "bad"), (report.dropped, "left out"), (report.repeated, "sent twice"), (report.late, "late"),
            (report.reconnects, "connections lost"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        if !faults.isEmpty { table.add(["faults", faults.joined(separator: ", ")]) }
        table.add(["acknowledgement", report.latency.text])
        return table.text()
    }

    private static func json(_ report: FleetReport, _ seconds: Double) -> JSON {
        func count(_ value: Int) -> JSON { .integer(Int64(value)) }
        return .members([
            "devices": count(report.devices), "connections": count(report.connections), "seconds": .number(seconds),
            "published": count(report.published), "acknowledged": count(report.acknowledged),
            "refused": count(report.refused), "bad": count(report.bad), "left_out": count(report.dropped),
            "sent_twice": count(report.repeated), "late": count(report.late), "reconnects": count(report.reconnects),
            "acknowledgement": report.latency.json,
        ])
    }
}
