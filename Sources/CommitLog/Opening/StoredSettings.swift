import Compression
import LogInterface
import SluiceCore

/// The settings of a stream as a line of the catalogue has them.
///
/// Layout: `KEY=VALUE` words, in any order; keys: `durability`, `cleanup`, `retention.ms`, `retention.bytes`,
/// `tombstone.ms`, `dirty.percent`, `compression` and `sealing` (Kafka's numbers of codecs), `granule.bytes`,
/// `granule.ms`, `start.N` (the offset before which records of partition N were given up), `extra.NAME` (a setting that
/// is kept for others; bytes that are neither letters, digits, `.`, `-` nor `_` as `%` and two hexadecimal digits). A
/// word that is missing stands for the default; an unknown one makes the line damaged.
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
        words += settings.startOffsets.sorted { $0.key < $1.key }.map { "start.\($0.key)=\($0.value.rawValue)" }
        words += settings.extra.sorted { $0.key < $1.key }.map { "extra.\(escaped($0.key))=\(escaped($0.value))" }
        return words.joined(separator: " ")
    }

    private static func escaped(_ text: String) -> String {
        text.utf8.reduce(into: "") { word, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                word.unicodeScalars.append(Unicode.Scalar(byte))
            default: word += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }

    private static func unescaped(_ word: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = word.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let digits = String(rest.prefix(2)), digits.utf8.count == 2, let value = UInt8(digits, radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
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
        default: takeNamed(key, value, &settings)
        }
    }

    private static func takeNamed(_ key: Substring, _ value: Substring, _ settings: inout StreamSettings) -> Bool {
        if key.hasPrefix("start.") {
            guard let number = Int(key.dropFirst(6)), number >= 0, let offset = Int64(value), offset >= 0 else {
                return false
            }
            settings.startOffsets[number] = Offset(rawValue: offset)
            return true
        }
        guard key.hasPrefix("extra."), let name = unescaped(key.dropFirst(6)), let text = unescaped(value) else {
            return false
        }
        settings.extra[name] = text
        return true
    }

    private static func set<Value>(_ target: inout Value, _ value: Value?) -> Bool {
        guard let value else { return false }
        target = value
        return true
    }
}
