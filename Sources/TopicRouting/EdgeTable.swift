/// The exact edges of a trie: a hash of parent and level -> the child's index. The trie compares what is behind the
/// index.
///
/// Layout: open addressing with linear probing over a power of two of slots, at most half of them used; a removal
/// closes the gap it leaves, so there are no tombstones.
struct EdgeTable {
    private var slots: [Slot] = Array(repeating: Slot(), count: 16)
    private var count = 0
    /// Bytes of memory that it takes.
    var memoryByteCount: Int { slots.capacity * MemoryLayout<Slot>.stride }

    private struct Slot {
        /// The low half of the edge's hash, enough to find its home; the nodes tell the rest.
        var hash: UInt32 = 0
        var child: UInt32 = .max

        var isFree: Bool { child == .max }
        var home: Int { Int(hash) }
    }

    /// A search that goes from slot to slot.
    struct Probe {
        fileprivate var hash: UInt32
        fileprivate var index: Int
    }

    mutating func insert(_ child: UInt32, hash: Int) {
        if (count + 1) * 2 > slots.count { grow() }
        precondition(slots.count <= 1 << 32)
        place(Slot(hash: UInt32(truncatingIfNeeded: hash), child: child))
        count += 1
    }

    mutating func remove(_ child: UInt32, hash: Int) {
        let mask = slots.count - 1
        var gap = hash & mask
        while slots[gap].child != child {
            precondition(!slots[gap].isFree, "Cannot remove an edge that is not there")
            gap = (gap + 1) & mask
        }
        count -= 1
        var next = (gap + 1) & mask
        while !slots[next].isFree {
            // A slot may move back only as far as its own home.
            let home = slots[next].home & mask
            if (next - home) & mask >= (next - gap) & mask {
                slots[gap] = slots[next]
                gap = next
            }
            next = (next + 1) & mask
        }
        slots[gap] = Slot()
    }

    /// Starts to look for the edges of `hash`.
    func probe(hash: Int) -> Probe {
        Probe(hash: UInt32(truncatingIfNeeded: hash), index: hash & (slots.count - 1))
    }

    /// The next child whose edge has the probe's hash.
    @inline(__always)
    func next(_ probe: inout Probe) -> UInt32? {
        let mask = slots.count - 1
        while !slots[probe.index].isFree {
            let slot = slots[probe.index]
            probe.index = (probe.index + 1) & mask
            if slot.hash == probe.hash { return slot.child }
        }
        return nil
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(), count: old.count * 2)
        for slot in old where !slot.isFree { place(slot) }
    }

    private mutating func place(_ slot: Slot) {
        let mask = slots.count - 1
        var index = slot.home & mask
        while !slots[index].isFree { index = (index + 1) & mask }
        slots[index] = slot
    }
}
