import MQTTWire

/// Packet identifiers that are in use: a few in a list, many in a bit for each possible one.
///
/// A list of 16 is searched in a few nanoseconds and is all that most clients need; the bits cost 8 KiB whatever a
/// client does, and are given back when no identifier is in use.
struct PacketIDSet {
    private var list: [PacketID] = []
    private var bits: [UInt64] = []
    private(set) var count = 0

    private static let listCountMax = 16
    private static let wordCount = (Int(UInt16.max) + 1) / UInt64.bitWidth

    /// Adds `id`; false when it was there.
    mutating func insert(_ id: PacketID) -> Bool {
        assert(id != .none)
        guard !contains(id) else { return false }
        count += 1
        if bits.isEmpty, list.count < Self.listCountMax {
            list.append(id)
            return true
        }
        if bits.isEmpty { spread() }
        bits[Self.word(id)] |= Self.mask(id)
        return true
    }

    /// Removes `id`; false when it was not there.
    mutating func remove(_ id: PacketID) -> Bool {
        if bits.isEmpty {
            guard let index = list.firstIndex(of: id) else { return false }
            list.swapAt(index, list.count - 1)
            list.removeLast()
            count -= 1
            return true
        }
        guard bits[Self.word(id)] & Self.mask(id) != 0 else { return false }
        bits[Self.word(id)] &= ~Self.mask(id)
        count -= 1
        if count == 0 { bits = [] }
        return true
    }

    func contains(_ id: PacketID) -> Bool {
        bits.isEmpty ? list.contains(id) : bits[Self.word(id)] & Self.mask(id) != 0
    }

    /// All identifiers, the smallest first.
    var sorted: [PacketID] {
        guard !bits.isEmpty else { return list.sorted() }
        return (1...UInt16.max).map(PacketID.init(rawValue:)).filter(contains)
    }

    private mutating func spread() {
        bits = [UInt64](repeating: 0, count: Self.wordCount)
        for id in list { bits[Self.word(id)] |= Self.mask(id) }
        list = []
    }

    private static func word(_ id: PacketID) -> Int { Int(id.rawValue) / UInt64.bitWidth }
    private static func mask(_ id: PacketID) -> UInt64 { 1 << UInt64(Int(id.rawValue) % UInt64.bitWidth) }
}
