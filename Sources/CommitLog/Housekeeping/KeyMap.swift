import Checksums
package import SluiceCore

/// The newest offset of each key, by a 128-bit hash of the key, in a table that doubles up to a size.
///
/// Two keys of one hash would lose a record: with 2^24 keys the chance is 2^-81 for keys that nobody chose. Keys that
/// somebody chose to collide would have to know the seed, which differs from pass to pass.
/// Isolation: a value. Memory: 24 bytes a slot, of which at most three of four are used; half as much again for the
/// moment in which it doubles.
package struct KeyMap: ~Copyable {
    private struct Slot: BitwiseCopyable {
        var high: UInt64 = 0
        var low: UInt64 = 0
        /// -1 while the slot is free.
        var offset: Int64 = -1
    }

    private var slots: [Slot]
    /// How many slots there may be: a power of two, as their count is, so that a hash finds its slot with a mask.
    private let slotCountMax: Int
    private let seed: UInt64
    /// The number of keys.
    package private(set) var count = 0

    /// What it begins with: 24 KiB, enough for a few hundred sessions, groups or retained messages.
    private static let slotCountMin = 1024

    /// A map that grows to at most `byteCountMax` bytes.
    package init(byteCountMax: Int, seed: UInt64) {
        let slotCount = max(16, byteCountMax / MemoryLayout<Slot>.stride)
        slotCountMax = 1 << (Int.bitWidth - 1 - slotCount.leadingZeroBitCount)
        slots = Array(repeating: Slot(), count: min(Self.slotCountMin, slotCountMax))
        self.seed = seed
    }

    /// Bytes that the table takes.
    package var byteCount: Int { slots.count * MemoryLayout<Slot>.stride }

    /// Notes that `key` has a record at `offset`; one that is newer counts, whichever is noted first.
    /// - Returns: false when the map is full, and the key is not in it.
    package mutating func note(_ key: Span<UInt8>, at offset: Offset) -> Bool {
        let hash = XXH3.hash128(key, seed: seed)
        var index = slot(hash)
        if slots[index].offset < 0 {
            if count >= slots.count / 4 * 3 {
                guard slots.count < slotCountMax else { return false }
                double()
                index = slot(hash)
            }
            count += 1
        }
        guard slots[index].offset < offset.rawValue else { return true }
        slots[index] = Slot(high: hash.high, low: hash.low, offset: offset.rawValue)
        return true
    }

    /// The newest offset noted for `key`.
    package func offset(of key: Span<UInt8>) -> Offset? {
        let found = slots[slot(XXH3.hash128(key, seed: seed))].offset
        return found < 0 ? nil : Offset(rawValue: found)
    }

    private mutating func double() {
        let old = slots
        slots = Array(repeating: Slot(), count: old.count * 2)
        for entry in old where entry.offset >= 0 { slots[slot((entry.high, entry.low))] = entry }
    }

    /// The slot that holds `hash`, or the free one where it belongs.
    private func slot(_ hash: (high: UInt64, low: UInt64)) -> Int {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: hash.low) & mask
        while slots[index].offset >= 0, slots[index].high != hash.high || slots[index].low != hash.low {
            index = (index + 1) & mask
        }
        return index
    }
}
