package import SluiceCore

/// Something that a client asked for and did not get.
package struct Refusal: Sendable, Equatable {
    /// The client's identifier, as text.
    package var client: String
    /// Where it last asked from.
    package var address: String
    /// What it asked for.
    package var asked: String
    /// Why it did not get it.
    package var reason: String
    /// How often.
    package var count = 0
    /// When first.
    package var first: Timestamp
    /// When last.
    package var last: Timestamp
}

/// The refusals of one shard that were last.
///
/// Invariants: at most `entriesMax` entries of bounded texts are told, and `spareCount` more kept, so that room is made
/// for many at a time; what a client repeats is one entry.
/// Isolation: behind the lock of the shards' shared state.
package struct RefusalList: Sendable {
    /// A screenful or a few; with texts of at most `textBytesMax` bytes no more than 256 KiB for each shard.
    static let entriesMax = 256
    private static let spareCount = 64
    private static let textBytesMax = 256

    private struct Key: Hashable {
        var client: String
        var asked: String
        var reason: String
    }

    private var entries: [Key: Refusal] = [:]
    private var droppedCount = 0

    /// How many entries have made room for newer ones.
    package var forgottenCount: Int { droppedCount + max(0, entries.count - Self.entriesMax) }

    /// An empty list.
    package init() {}

    /// The entries of several lists, the latest first; what a client repeated on several shards is one.
    package static func all(of lists: [RefusalList]) -> [Refusal] {
        var sum: [Key: Refusal] = [:]
        for (key, refusal) in lists.flatMap(\.newest) {
            guard var entry = sum[key] else {
                sum[key] = refusal
                continue
            }
            if refusal.last > entry.last { entry.address = refusal.address }
            entry.count += refusal.count
            entry.first = min(entry.first, refusal.first)
            entry.last = max(entry.last, refusal.last)
            sum[key] = entry
        }
        return sum.values.sorted { ($0.last, $0.client, $0.asked) > ($1.last, $1.client, $1.asked) }
    }

    /// The entries that are told: those that were last.
    private var newest: [(key: Key, value: Refusal)] {
        guard entries.count > Self.entriesMax else { return Array(entries) }
        return Array(entries.sorted { $0.value.last > $1.value.last }.prefix(Self.entriesMax))
    }

    /// Notes that something was refused.
    /// - Complexity: O(1), but for one in `spareCount` of what is new: O(n log n).
    mutating func note(
        _ client: String, at address: String, _ asked: String, because reason: String, count: Int, now: Timestamp
    ) {
        let key = Key(client: Self.short(client), asked: Self.short(asked), reason: Self.short(reason))
        assert(count > 0, "what is noted was refused")
        assert(entries.count <= Self.entriesMax + Self.spareCount)
        var entry =
            entries[key]
            ?? Refusal(
                client: key.client, address: address, asked: key.asked, reason: key.reason, first: now, last: now)
        entry.address = address
        entry.count += count
        entry.last = now
        entries[key] = entry
        guard entries.count > Self.entriesMax + Self.spareCount else { return }
        let kept = newest
        droppedCount += entries.count - kept.count
        entries = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
    }

    private static func short(_ text: String) -> String {
        guard text.utf8.count > textBytesMax else { return text }
        var bytes = text.utf8.prefix(textBytesMax - 3)
        // Not within a character.
        while let last = bytes.last, last & 0xC0 == 0x80 { bytes = bytes.dropLast() }
        if let last = bytes.last, last >= 0xC0 { bytes = bytes.dropLast() }
        return String(decoding: bytes, as: UTF8.self) + "…"
    }
}
