import Compression
import LogInterface

/// The settings of a stream as a line of the catalogue has them.
///
/// Layout: `KEY=VALUE` words, in any order; keys: `durability`, `cleanup`, `retention.ms`, `retention.bytes`,
/// `tombstone.ms`, `dirty.percent`, `compression` and `sealing` (Kafka's numbers of codecs), `granule.bytes`,
/// `granule.ms`. A word that is missing stands for the default; an unknown one makes the line damaged.
enum StoredSettings {
    /// The words.
    static func text(_ settings: StreamSettings) -> String {
        let policy = settings.policy
        var words = ["durability=\(settings.durability.rawValue)", "cleanup=\(policy.cleanup.rawValue)"]
        if let value = policy.retentionMilliseconds { words.append("retention.ms=\(value)") }
        if let value = policy.retentionBytesMax { words.append("retention.bytes=\(value)") }
        words += [
            "tombstone.ms=\(policy.tombstoneMilliseconds)", "dirty.percent=\(policy.dirtyPercentMin)",
            "compression=\(policy.compression.rawValue)", "sealing=\(policy.sealing.rawValue)",
            "granule.bytes=\(policy.granuleBytesMax)", "granule.ms=\(policy.granuleMillisecondsMax)",
        ]
        return words.joined(separator: " ")
    }

    /// The settings that words stand for; the number of partitions is not among them. Nil when they say what cannot be.
    static func settings(_ words: ArraySlice<Substring>, of name: String) -> StreamSettings? {
        var settings = StreamSettings(name: name)
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, take(parts[0], parts[1], &settings) else { return nil }
        }
        return settings
    }

    private static func take(_ key: Substring, _ value: Substring, _ settings: inout StreamSettings) -> Bool {
        switch key {
        case "durability": set(&settings.durability, Durability(rawValue: String(value)))
        case "cleanup": set(&settings.policy.cleanup, CleanupPolicy(rawValue: String(value)))
        case "retention.ms": set(&settings.policy.retentionMilliseconds, Int64(value).map(Optional.some))
        case "retention.bytes": set(&settings.policy.retentionBytesMax, Int64(value).map(Optional.some))
        case "tombstone.ms": set(&settings.policy.tombstoneMilliseconds, Int64(value))
        case "dirty.percent": set(&settings.policy.dirtyPercentMin, Int(value))
        case "compression": set(&settings.policy.compression, UInt8(value).flatMap(Codec.init(rawValue:)))
        case "sealing": set(&settings.policy.sealing, UInt8(value).flatMap(Codec.init(rawValue:)))
        case "granule.bytes": set(&settings.policy.granuleBytesMax, Int64(value))
        case "granule.ms": set(&settings.policy.granuleMillisecondsMax, Int64(value))
        default: false
        }
    }

    private static func set<Value>(_ target: inout Value, _ value: Value?) -> Bool {
        guard let value else { return false }
        target = value
        return true
    }
}
