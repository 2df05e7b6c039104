/// How many retained messages there are, and bytes of their topics and payloads.
package struct RetainedUse: Sendable, Equatable {
    /// Messages.
    package var count: Int
    /// Bytes.
    package var byteCount: Int

    /// So many.
    package init(count: Int = 0, byteCount: Int = 0) {
        self.count = count
        self.byteCount = byteCount
    }

    /// Adds another, or takes it away.
    package mutating func add(_ other: RetainedUse, _ sign: Int) {
        count += sign * other.count
        byteCount += sign * other.byteCount
    }
}

/// Whose retained messages there are, by numbers that nodes of the tree have room for.
///
/// Invariants: number 0 is nobody; an owner without a message has no number.
/// Isolation: its tree's.
struct RetainedOwners: Sendable {
    private var numbers: [[UInt8]: UInt32] = [:]
    private var owners: [UInt32: (name: [UInt8], use: RetainedUse)] = [:]
    private var last: UInt32 = 0

    /// The number of an owner, who is about to have a message.
    mutating func number(of owner: [UInt8]) -> UInt32 {
        guard !owner.isEmpty else { return 0 }
        if let number = numbers[owner] { return number }
        repeat { last = last == .max ? 1 : last + 1 } while owners[last] != nil
        numbers[owner] = last
        owners[last] = (owner, RetainedUse())
        return last
    }

    /// An owner has more, or less.
    mutating func add(_ use: RetainedUse, _ sign: Int, to number: UInt32) {
        guard number != 0, var owner = owners[number] else { return }
        owner.use.add(use, sign)
        owners[number] = owner.use.count == 0 ? nil : owner
        if owner.use.count == 0 { numbers[owner.name] = nil }
    }

    func use(of owner: [UInt8]) -> RetainedUse { numbers[owner].flatMap { owners[$0]?.use } ?? RetainedUse() }

    func isNumber(_ number: UInt32, of owner: [UInt8]) -> Bool { number != 0 && numbers[owner] == number }
}
