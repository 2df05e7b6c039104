import Checksums

/// Topics by number, found by their bytes; the part of `TopicCache` that is the same for all kinds of entries.
///
/// Layout: open addressing with linear probing over a power of two of slots, at most half of them used; keys lie behind
/// one another in one arena. A slot counts only while its epoch is the table's, so that forgetting everything is O(1).
/// Invariants: every key lies inside the arena; numbers are dense, `0..<count`; a probe looks at no more than
/// `probesMax` slots, since the hash has no seed and a peer could choose topics that collide.
@usableFromInline
struct TopicTable: ~Copyable {
    private var slots: [Slot]
    private var keys: [UInt8] = []
    private var epoch: UInt32 = 1
    private(set) var count = 0

    private struct Slot {
        var hash: UInt64 = 0
        var epoch: UInt32 = 0
        var number: UInt32 = 0
        var keyStart: UInt32 = 0
        var keyCount: UInt32 = 0
    }

    private static var probesMax: Int { 32 }
    private static var slotsMin: Int { 64 }

    init() { slots = Array(repeating: Slot(), count: Self.slotsMin) }

    var keyByteCount: Int { keys.count }
    var memoryByteCount: Int { keys.capacity + slots.capacity * MemoryLayout<Slot>.stride }

    /// The number of `topic`, when it is known.
    @usableFromInline
    borrowing func number(of topic: Span<UInt8>) -> Int? {
        let hash = XXH3.hash(topic)
        let slots = slots.span
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        for _ in 0..<Self.probesMax {
            let slot = slots[index]
            if slot.epoch != epoch { return nil }
            if slot.hash == hash, holds(topic, slot) { return Int(slot.number) }
            index = (index + 1) & mask
        }
        return nil
    }

    /// Numbers a topic that has no number yet; nil when too many topics collide with it.
    mutating func add(_ topic: Span<UInt8>) -> Int? {
        if count * 2 >= slots.count { grow() }
        let slot = Slot(
            hash: XXH3.hash(topic), epoch: epoch, number: UInt32(count), keyStart: UInt32(keys.count),
            keyCount: UInt32(topic.count))
        guard place(slot) else { return nil }
        keys.append(copying: topic)
        count += 1
        return count - 1
    }

    /// Calls `body` with each topic and its number, in no order.
    /// - Complexity: O(slots).
    borrowing func forEach(_ body: (Int, Span<UInt8>) -> Void) {
        for slot in slots where slot.epoch == epoch {
            let start = Int(slot.keyStart)
            body(Int(slot.number), keys.span.extracting(start..<start + Int(slot.keyCount)))
        }
    }

    /// Forgets every topic and keeps the memory.
    mutating func removeAll() {
        keys.removeAll(keepingCapacity: true)
        count = 0
        epoch &+= 1
        if epoch == 0 {
            slots = Array(repeating: Slot(), count: slots.count)
            epoch = 1
        }
    }

    @inline(__always)
    private borrowing func holds(_ topic: Span<UInt8>, _ slot: Slot) -> Bool {
        let start = Int(slot.keyStart)
        return slot.keyCount == topic.count
            && keys.span.extracting(start..<start + topic.count).holdsSameBytes(as: topic)
    }

    private mutating func place(_ slot: Slot) -> Bool {
        let mask = slots.count - 1
        let home = Int(truncatingIfNeeded: slot.hash) & mask
        for step in 0..<Self.probesMax where slots[(home + step) & mask].epoch != epoch {
            slots[(home + step) & mask] = slot
            return true
        }
        return false
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(), count: old.count * 2)
        // A topic that finds no slot near its home is forgotten; its number stays unused.
        for slot in old where slot.epoch == epoch { _ = place(slot) }
    }
}
