import Compression
import LogInterface

/// The configuration of topics in Kafka's words: every setting that Kafka has is taken, kept and shown; those that mean
/// something here are the stream's own settings, the others are kept for whoever asks.
///
/// Source: Kafka's `TopicConfig` and `LogConfig`, 4.x.
enum TopicConfigs {
    /// Kafka's numbers of types.
    enum Kind: Int8, Sendable {
        case boolean = 1
        case string = 2
        case int = 3
        case long = 5
        case double = 6
        case list = 7
    }

    /// A setting.
    struct Setting: Sendable {
        var name: String
        var kind: Kind
        /// What holds unless it is given, in Kafka's words.
        var standard: String
        /// Values that are taken; empty for any of the kind.
        var choices: [String] = []
        /// The least number.
        var least: Int64 = .min
        /// Its value in a stream's settings; nil for one that is only kept.
        var get: (@Sendable (StreamSettings) -> String)?
        /// Puts a value that is valid into a stream's settings.
        var set: (@Sendable (inout StreamSettings, String) -> Void)?
    }

    /// All of them, by name.
    static let all: [String: Setting] = Dictionary(uniqueKeysWithValues: (own + kept).map { ($0.name, $0) })

    /// In the order of their names.
    static let sorted: [Setting] = all.values.sorted { $0.name < $1.name }

    private static func number(_ value: Int64?) -> String { "\(value ?? -1)" }

    private static func optional(_ text: String) -> Int64? {
        Int64(text).flatMap { $0 < 0 ? nil : $0 }
    }

    private static let codecs: [(name: String, codec: Codec)] = [
        ("producer", .none), ("gzip", .gzip), ("snappy", .snappy), ("lz4", .lz4), ("zstd", .zstd),
    ]

    /// Those that a stream has itself.
    private static let own: [Setting] = {
        let standard = StreamSettings(name: "")
        var settings: [Setting] = [
            Setting(
                name: "cleanup.policy", kind: .list, standard: "", choices: ["delete", "compact"],
                get: { $0.policy.cleanup.rawValue },
                set: { settings, value in
                    let words = Set(value.split(separator: ",").map { $0.filter { $0 != " " } })
                    settings.policy.cleanup =
                        words.count == 2 ? .compactAndDelete : words.contains("compact") ? .compact : .delete
                }),
            Setting(
                name: "retention.ms", kind: .long, standard: "", least: -1,
                get: { number($0.policy.retentionMilliseconds) },
                set: { $0.policy.retentionMilliseconds = optional($1) }),
            Setting(
                name: "retention.bytes", kind: .long, standard: "", least: -1,
                get: { number($0.policy.retentionBytesMax) }, set: { $0.policy.retentionBytesMax = optional($1) }),
            Setting(
                name: "segment.bytes", kind: .int, standard: "", least: 14,
                get: { "\($0.policy.granuleBytesMax)" },
                // Shorter segments than this cost more files than they are worth.
                set: { $0.policy.granuleBytesMax = max(64 << 10, Int64($1) ?? 0) }),
            Setting(
                name: "segment.ms", kind: .long, standard: "", least: 1,
                get: { "\($0.policy.granuleMillisecondsMax)" },
                set: { $0.policy.granuleMillisecondsMax = Int64($1) ?? 1 }),
            Setting(
                name: "delete.retention.ms", kind: .long, standard: "", least: 0,
                get: { "\($0.policy.tombstoneMilliseconds)" },
                set: { $0.policy.tombstoneMilliseconds = Int64($1) ?? 0 }),
            Setting(
                name: "min.cleanable.dirty.ratio", kind: .double, standard: "", least: 0,
                get: { "\(Double($0.policy.dirtyPercentMin) / 100)" },
                set: { $0.policy.dirtyPercentMin = Int((Double($1) ?? 0.5) * 100) }),
            Setting(
                name: "compression.type", kind: .string, standard: "",
                choices: codecs.map(\.name) + ["uncompressed"],
                get: { settings in
                    codecs.first { $0.codec.rawValue == settings.policy.compression.rawValue }?.name ?? "producer"
                },
                set: { settings, value in
                    settings.policy.compression = codecs.first { $0.name == value }?.codec ?? .none
                }),
            Setting(
                name: "sluice.durability", kind: .string, standard: "",
                choices: Durability.allCases.map(\.rawValue), get: { $0.durability.rawValue },
                set: { $0.durability = Durability(rawValue: $1) ?? .fsync }),
        ]
        for index in settings.indices { settings[index].standard = settings[index].get?(standard) ?? "" }
        return settings
    }()

    /// Those that are kept for whoever asks; some of them `BatchRules` follow.
    private static let kept: [Setting] = [
        Setting(name: "file.delete.delay.ms", kind: .long, standard: "60000", least: 0),
        Setting(name: "flush.messages", kind: .long, standard: "9223372036854775807", least: 1),
        Setting(name: "flush.ms", kind: .long, standard: "9223372036854775807", least: 0),
        Setting(name: "follower.replication.throttled.replicas", kind: .list, standard: ""),
        Setting(name: "index.interval.bytes", kind: .int, standard: "4096", least: 0),
        Setting(name: "leader.replication.throttled.replicas", kind: .list, standard: ""),
        Setting(name: "local.retention.bytes", kind: .long, standard: "-2", least: -2),
        Setting(name: "local.retention.ms", kind: .long, standard: "-2", least: -2),
        Setting(name: "max.compaction.lag.ms", kind: .long, standard: "9223372036854775807", least: 1),
        Setting(
            name: "max.message.bytes", kind: .int, standard: "\(KafkaBounds.batchBytesMax)", least: 0),
        Setting(
            name: "message.timestamp.after.max.ms", kind: .long, standard: "\(KafkaBounds.futureMilliseconds)",
            least: 0),
        Setting(
            name: "message.timestamp.before.max.ms", kind: .long, standard: "9223372036854775807", least: 0),
        Setting(
            name: "message.timestamp.type", kind: .string, standard: "CreateTime",
            choices: ["CreateTime", "LogAppendTime"]),
        Setting(name: "min.compaction.lag.ms", kind: .long, standard: "0", least: 0),
        Setting(name: "min.insync.replicas", kind: .int, standard: "1", least: 1),
        Setting(name: "preallocate", kind: .boolean, standard: "false"),
        Setting(name: "remote.log.copy.disable", kind: .boolean, standard: "false"),
        Setting(name: "remote.log.delete.on.disable", kind: .boolean, standard: "false"),
        Setting(name: "remote.storage.enable", kind: .boolean, standard: "false"),
        Setting(name: "segment.index.bytes", kind: .int, standard: "10485760", least: 4),
        Setting(name: "segment.jitter.ms", kind: .long, standard: "0", least: 0),
        Setting(name: "unclean.leader.election.enable", kind: .boolean, standard: "false"),
    ]

    /// Why a value is none of a setting's; nil when it is one.
    static func fault(_ setting: Setting, _ value: String) -> String? {
        func expected(_ what: String) -> String { "\(setting.name): expected \(what), found '\(value.shortened)'" }
        switch setting.kind {
        case .boolean: return value == "true" || value == "false" ? nil : expected("true or false")
        case .int:
            guard let number = Int32(value), Int64(number) >= setting.least else {
                return expected("a whole number from \(setting.least) on")
            }
        case .long:
            guard let number = Int64(value), number >= setting.least else {
                return expected("a whole number from \(setting.least) on")
            }
        case .double:
            guard let number = Double(value), (0...1).contains(number) else { return expected("a number from 0 to 1") }
        case .string:
            guard setting.choices.isEmpty || setting.choices.contains(value) else {
                return expected("one of \(setting.choices.joined(separator: ", "))")
            }
        case .list:
            let words = value.split(separator: ",").map { $0.filter { $0 != " " } }
            guard setting.choices.isEmpty || !words.isEmpty && words.allSatisfy(setting.choices.contains) else {
                return expected("of \(setting.choices.joined(separator: ", ")), with commas between them")
            }
        }
        return nil
    }

    /// A setting's value in a stream.
    static func value(_ setting: Setting, in settings: StreamSettings) -> String {
        // What was said of it, where the stream's own settings cannot tell.
        if let said = settings.extra[setting.name] { return said }
        return setting.get?(settings) ?? setting.standard
    }

    /// Puts a value into a stream's settings; nil puts the standard there.
    /// - Returns: why that is not possible, if it is not.
    static func set(_ name: String, _ value: String?, in settings: inout StreamSettings) -> String? {
        guard let setting = all[name] else { return "there is no setting '\(name.shortened)' of topics" }
        let value = value ?? setting.standard
        if let fault = fault(setting, value) { return fault }
        setting.set?(&settings, value)
        let shown = setting.get?(settings)
        settings.extra[name] = value == (shown ?? setting.standard) ? nil : value
        return nil
    }

    /// Whether a setting was given another value than it has by itself.
    static func isGiven(_ setting: Setting, in settings: StreamSettings) -> Bool {
        value(setting, in: settings) != setting.standard
    }
}

extension StreamSettings {
    /// What producers of the topic may send.
    func apply(to rules: inout BatchRules) {
        rules.needsKeys = policy.cleanup.compacts
        guard !extra.isEmpty else { return }
        func number(_ name: String) -> Int64? { extra[name].flatMap { Int64($0) } }
        if let bytes = number("max.message.bytes") { rules.byteCountMax = Int(bytes) }
        if let time = number("message.timestamp.after.max.ms") { rules.futureMilliseconds = time }
        if let time = number("message.timestamp.before.max.ms") { rules.pastMilliseconds = time }
        rules.stampsTime = extra["message.timestamp.type"] == "LogAppendTime"
    }
}
