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
/// Invariants: at most `entriesMax` entries of bounded texts; what a client repeats is one entry.
/// Isolation: behind the lock of the shards' shared state.
package struct RefusalList: Sendable {
    /// A screenful or a few; with texts of at most `textBytesMax` bytes no more than 256 KiB for each shard.
    static let entriesMax = 256
    private static let textBytesMax = 256

    private struct Key: Hashable {
        var client: String
        var asked: String
        var reason: String
    }

    private var entries: [Key: Refusal] = [:]
    /// How many entries have made room for newer ones.
    package private(set) var forgottenCount = 0

    /// An empty list.
    package init() {}

    /// The entries of several lists, the latest first; what a client repeated on several shards is one.
    package static func all(of lists: [RefusalList]) -> [Refusal] {
        var sum: [Key: Refusal] = [:]
        for (key, refusal) in lists.flatMap({ Array($0.entries) }) {
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

    /// Notes that something was refused.
    /// - Complexity: O(1) for what is there already, else O(n).
    mutating func note(
        _ client: String, at address: String, _ asked: String, because reason: String, count: Int, now: Timestamp
    ) {
        let key = Key(client: Self.short(client), asked: Self.short(asked), reason: Self.short(reason))
        assert(count > 0, "what is noted was refused")
        assert(entries.count <= Self.entriesMax)
        var entry =
            entries[key]
            ?? Refusal(
                client: key.client, address: address, asked: key.asked, reason: key.reason, first: now, last: now)
        entry.address = address
        entry.count += count
        entry.last = now
        entries[key] = entry
        guard entries.count > Self.entriesMax,
            let oldest = entries.filter({ $0.key != key }).min(by: { $0.value.last < $1.value.last })
        else { return }
        entries[oldest.key] = nil
        forgottenCount += 1
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
