import Bridging
import CommitLogPosix
import DeviceProfiles
import PayloadFormats
import SluiceBroker
import SluiceConfiguration
import SluiceCore
import SluiceNode
import TopicRouting

/// `sluice check`.
enum CheckCommand {
    static let command = Command(
        name: "check", summary: "Read a configuration and say what it means",
        notes: """
            Prints every error with file, line and column, and exits with 1, when there is one; so it does when the
            streams of the data directory differ in a way that a start refuses. With --json errors and
            warnings are objects with file, line, column and message, on standard output.

            --against asks a running broker for what it has stored since then, and says what the rules and profiles
            of this configuration would have made of it otherwise: routed, refused or dead-lettered, by reason, with
            examples. Nothing is changed.
            """,
        example: "sluice check --config config/sluice.yaml",
        options: [
            ConfigurationSource.option,
            CommandOption("data", letter: "d", value: "DIR", "the data directory to compare its streams with"),
            CommandOption("against", value: "POSITION", "put rules and profiles to history, from here on, such as 24h"),
            CommandOption("json", "print JSON"),
        ] + BrokerOption.options, run: run)

    private static func run(_ arguments: Arguments) throws -> Int32 {
        if let text = arguments.text("against") { return try check(arguments, against: text) }
        guard arguments.has("json") else { return try check(arguments) }
        do {
            let configuration = try load(arguments)
            let changes = try StreamChanges(configuration)
            print(try CheckReport(configuration, changes).json)
            return changes.refused.isEmpty ? ExitCode.success : ExitCode.failure
        } catch let error as ConfigurationErrors {
            print(CheckReport.json(error))
            return ExitCode.failure
        }
    }

    private static func check(_ arguments: Arguments) throws -> Int32 {
        let configuration = try load(arguments)
        let changes = try StreamChanges(configuration)
        let rules = try RuleTranslation.rules(configuration)
        let downlinks = try RuleTranslation.downlinks(configuration)
        let certificates = try Certificates(configuration)
        let policy = try SecurityTranslation.policy(configuration)
        let bridges = try BridgeTranslation.settings(configuration)
        var settings = Table(columns: [.left, .left])
        for (kind, address) in configuration.listeners.addresses {
            settings.add(["\(kind.rawValue) listener", address.description])
        }
        for entry in certificates.entries {
            settings.add(["\(entry.kind.rawValue) \(entry.title)", entry.summary])
        }
        for bridge in bridges {
            let places = bridge.addresses.map(\.description).joined(separator: ", ")
            settings.add(["bridge \(bridge.name)", "\(places), MQTT \(bridge.version.rawValue)"])
        }
        settings.add(["data", configuration.dataDirectory])
        settings.add(["loops", configuration.loopCount == 0 ? "one for each core" : String(configuration.loopCount)])
        settings.add(["log level", configuration.logging.level.rawValue])
        print(settings.text())
        for warning in certificates.warnings { print("warning: \(warning.words)\n") }
        for warning in SecurityTranslation.warnings(configuration, policy) { print("warning: \(warning.words)\n") }
        for warning in RuleTranslation.warnings(configuration, rules) { print("warning: \(warning)\n") }
        for warning in BridgeTranslation.warnings(configuration, bridges) { print("warning: \(warning)\n") }
        for bridge in bridges {
            for remark in bridge.remarks { print("note: bridge \(bridge.name): \(remark)\n") }
        }
        var streams = Table(
            ["STREAM", "PARTITIONS", "DURABILITY", "KEPT", "SEGMENTS"], [.left, .right, .left, .left, .right])
        for stream in configuration.streams {
            streams.add([
                stream.name, String(changes.partitionCount(stream)), stream.durability.text, stream.retention.text,
                Readable.bytes(Int64(stream.segmentBytes)),
            ])
        }
        print(streams.text())
        if !downlinks.isEmpty {
            var table = Table(["DOWNLINK", "TOPICS OF ITS RECORDS WITHOUT ONE"], [.left, .left])
            for (name, template) in downlinks.sorted(by: { $0.key < $1.key }) { table.add([name, template.text]) }
            print(table.text())
        }
        if !configuration.profiles.isEmpty { print(profiles(configuration).text()) }
        var table = Table(["RULE", "TOPICS", "STREAM", "KEY"], [.right, .left, .left, .left])
        for (number, rule) in rules.rules.dropFirst(rules.profiledCount).enumerated() {
            table.add([String(number + 1), rule.pattern.text, rule.stream, rule.key.text])
        }
        table.add(["last", "#", Configuration.catchAllStream, "{topic}"])
        print(table.text(), terminator: "")
        for change in changes.changes where !changes.refused.contains(change) { print("\nwarning: \(change.text)") }
        for change in changes.refused { print("\nerror: \(change.text); \(StreamChanges.advice)") }
        return changes.refused.isEmpty ? ExitCode.success : ExitCode.failure
    }

    private static func check(_ arguments: Arguments, against text: String) throws -> Int32 {
        let configuration = try load(arguments)
        // A span is one into the past here, with or without its sign.
        let text = Quantity.duration(text) == nil ? text : "-" + text
        let now = Timestamp(rawValue: WallClock.milliseconds())
        guard let position = ReplayPosition(text, now: now) else {
            throw arguments.error("--against '\(text)': \(ReplayPosition.expectation)")
        }
        var dryRun = DryRun(
            rules: try RuleTranslation.rules(configuration), profiles: try RuleTranslation.profiles(configuration))
        try dryRun.run(arguments, from: position, text)
        print(arguments.has("json") ? "\(dryRun.json)\n" : dryRun.text, terminator: "")
        return ExitCode.success
    }

    private static func profiles(_ configuration: Configuration) -> Table {
        var table = Table(
            ["PROFILE", "TOPICS", "STREAM", "KEY", "PAYLOAD", "FIELDS", "EVERY", "BAD PAYLOAD"],
            [.left, .left, .left, .left, .left, .right, .right, .left])
        for profile in configuration.profiles {
            for message in profile.messages {
                table.add([
                    profile.name, message.pattern.text, profile.stream, profile.key, message.schema.format.rawValue,
                    String(message.schema.fields.count),
                    profile.interval.map { Readable.milliseconds($0.milliseconds) } ?? "-",
                    profile.badPayload.rawValue,
                ])
            }
        }
        return table
    }

    private static func load(_ arguments: Arguments) throws -> Configuration {
        var configuration = try ConfigurationSource.load(arguments)
        if let data = arguments.text("data") { configuration.dataDirectory = data }
        return configuration
    }
}

extension SluiceConfiguration.Durability {
    /// What an acknowledgement promises, in a few words.
    var text: String {
        switch self {
        case .fsync: "fsync"
        case .memory: "memory"
        case .interval(let interval): "interval \(Readable.milliseconds(interval.milliseconds))"
        }
    }
}

extension Retention {
    /// What is kept, in a few words.
    var text: String {
        let parts = [
            age.map { Readable.milliseconds($0.milliseconds) },
            byteCount.map { "\(Readable.bytes(Int64($0))) a partition" },
        ].compactMap { $0 }
        return parts.isEmpty ? "for ever" : parts.joined(separator: ", ")
    }
}
