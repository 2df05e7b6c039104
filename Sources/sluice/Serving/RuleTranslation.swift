import Bridging
import CommitLog
import Compression
import DeviceProfiles
import GroupCoordination
import KafkaBroker
import LogInterface
import SluiceBroker
import SluiceConfiguration
import SluiceCore
import TopicRouting

/// Configuration into the broker's own types.
enum RuleTranslation {
    /// The rules; the error has everything wrong with them, each with its place in the file.
    static func rules(_ configuration: Configuration) throws(ConfigurationErrors) -> RuleSet {
        var rules = try profiles(configuration).rules
        var errors: [ConfigurationError] = []
        for setting in configuration.rules {
            do throws(RuleError) {
                rules.append(
                    try Rule(from: setting.from, stream: setting.stream, key: setting.key, limits: configuration.limits)
                )
            } catch {
                let location =
                    switch error.field {
                    case .from: setting.fromLocation
                    case .stream: setting.streamLocation
                    case .key: setting.keyLocation
                    }
                errors.append(ConfigurationError(at: location, error.description))
            }
        }
        if !errors.isEmpty { throw ConfigurationErrors(errors) }
        return RuleSet(rules)
    }

    /// The device profiles.
    static func profiles(_ configuration: Configuration) throws(ConfigurationErrors) -> ProfileSet {
        do throws(RuleError) { return try ProfileSet(configuration.profiles) } catch {
            // Patterns and keys were read with the profiles.
            preconditionFailure("Cannot have a profile whose rules are wrong: \(error)")
        }
    }

    /// The templates of streams that have one, by name; the error has everything wrong with them, each with its place.
    static func downlinks(_ configuration: Configuration) throws(ConfigurationErrors) -> [String: DownlinkTemplate] {
        var templates: [String: DownlinkTemplate] = [:]
        var errors: [ConfigurationError] = []
        for stream in configuration.streams {
            guard let text = stream.downlink, let location = stream.downlinkLocation else { continue }
            do throws(DownlinkError) {
                templates[stream.name] = try DownlinkTemplate(text)
            } catch {
                errors.append(ConfigurationError(at: location, error.description))
            }
        }
        if !errors.isEmpty { throw ConfigurationErrors(errors) }
        return templates
    }

    /// What an operator should look at: rules that never decide where a topic goes.
    static func warnings(_ configuration: Configuration, _ rules: RuleSet) -> [ConfigurationError] {
        rules.idle.compactMap { index, reason in
            let place = index - rules.profiledCount
            guard place >= 0 else { return nil }
            let pattern = rules.rules[index].pattern.text
            let cause =
                switch reason {
                case .behind(let first):
                    "\(name(ofRule: first, rules, configuration)) ('\(rules.rules[first].pattern.text)') takes all "
                        + (first < rules.profiledCount ? "of its topics" : "of its topics; put it before that one")
                case .systemTopics: "topics that begin with $ are the broker's own, and are not stored"
                }
            return ConfigurationError(
                at: configuration.rules[place].fromLocation, "rule \(place + 1) ('\(pattern)') never matches: \(cause)")
        }
    }

    /// What people know a rule by: its number in the configuration, or the device profile that it belongs to.
    static func name(ofRule index: Int, _ rules: RuleSet, _ configuration: Configuration) -> String {
        let counts = configuration.profiles.map(\.messages.count)
        var left = index
        for (profile, count) in zip(configuration.profiles, counts) {
            if left < count { return "profile \(profile.name)" }
            left -= count
        }
        return "rule \(left + 1)"
    }

    /// The log's streams: those of the configuration and the broker's own.
    static func streams(_ configuration: Configuration) -> [LogInterface.StreamSettings] {
        var streams = configuration.streams.map { setting in
            var stream = LogInterface.StreamSettings(name: setting.name)
            stream.partitionCount = setting.partitionCount
            stream.durability =
                switch setting.durability {
                case .fsync: .fsync
                case .interval: .interval
                case .memory: .memory
                }
            stream.policy = policy(setting)
            return stream
        }
        let own = [
            SessionReplay.stream, RetainedReplay.stream, Presence.stream, GroupRecord.stream, BridgeCheckpoint.stream,
            ProducerNumbers.stream, TransactionTable.stream, ShareStateRecord.stream, DeviceRecord.stream,
        ]
        for name in own {
            var stream = LogInterface.StreamSettings(name: name)
            // Short segments: only sealed ones are compacted, and all of it is read when the node starts.
            stream.policy.granuleBytesMax = 4 << 20
            stream.policy.cleanup = .compact
            streams.append(stream)
        }
        return streams
    }

    /// How a stream's old records are kept.
    static func policy(_ setting: SluiceConfiguration.StreamSettings) -> StreamPolicy {
        var policy = StreamPolicy()
        policy.cleanup =
            switch setting.cleanup {
            case .delete: .delete
            case .compact: .compact
            case .compactAndDelete: .compactAndDelete
            }
        policy.compression = codec(setting.compression)
        policy.sealing = codec(setting.sealing)
        policy.retentionMilliseconds = setting.retention.age.map(\.milliseconds)
        policy.retentionBytesMax = setting.retention.byteCount.map(Int64.init)
        policy.tombstoneMilliseconds = setting.tombstoneAge.milliseconds
        policy.granuleBytesMax = Int64(setting.segmentBytes)
        policy.granuleMillisecondsMax = setting.segmentAge.milliseconds
        return policy
    }

    private static func codec(_ choice: CompressionChoice) -> Codec {
        switch choice {
        case .none: .none
        case .lz4: .lz4
        case .zstd: .zstd
        }
    }

    /// How the log as a whole is kept.
    static func policy(_ setting: LogSettings) -> LogPolicy {
        var policy = LogPolicy()
        policy.retentionBytesMax = setting.retentionBytes.map(Int64.init)
        policy.quotaBytes = setting.quotaBytes.map(Int64.init)
        return policy
    }
}
