package import LogInterface
import SluiceCore

/// What a loop has appended and not been told of yet.
///
/// Invariants: tickets are dense and settle in their order; an append of a poisoned log that was not refused never
/// settles, since nobody knows what became of it.
/// Isolation: guarded by the log's lock.
package struct SettlementQueue {
    /// How far the log must get before an append settles.
    package enum Level: Int, Comparable, Sendable {
        /// As soon as it is taken.
        case taken
        /// The operating system has it.
        case written
        /// The device has it.
        case durable

        /// The one that is reached first comes first.
        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }

        /// The level of a batch of this durability that somebody waits for.
        init(_ durability: Durability) {
            switch durability {
            case .memory: self = .taken
            case .interval: self = .written
            case .fsync: self = .durable
            }
        }
    }

    private struct Waiting {
        var lsn: LSN
        var level: Level
        var outcome: Settlement.Outcome
    }

    private var waiting = Ring<Waiting>()
    /// The ticket of the last append.
    private var last: UInt64 = 0
    /// Whether the loop has yet to be woken for the oldest.
    private var isArmed = false

    /// Nothing appended.
    package init() {}

    /// Whether there is nothing to be told.
    package var isEmpty: Bool { waiting.isEmpty }

    /// Notes an append that settles with `outcome` when the log reaches `lsn`.
    package mutating func add(
        _ lsn: LSN, _ level: Level, _ outcome: Settlement.Outcome = .stored
    ) -> AppendTicket {
        last += 1
        waiting.append(Waiting(lsn: lsn, level: level, outcome: outcome))
        isArmed = true
        return AppendTicket(rawValue: last)
    }

    /// Notes an append that was refused.
    package mutating func refuse(_ refusal: AppendRefusal) -> AppendTicket { add(.zero, .taken, .refused(refusal)) }

    /// Hands over what has settled.
    package mutating func take(written: LSN, durable: LSN, into settlements: inout [Settlement]) {
        while let first = waiting.first, Self.isReached(first, written, durable) {
            _ = waiting.popFirst()
            let ticket = AppendTicket(rawValue: last - UInt64(waiting.count))
            settlements.append(Settlement(ticket: ticket, outcome: first.outcome))
        }
        isArmed = !waiting.isEmpty
    }

    /// Whether the loop should be woken: its oldest append has settled, and it has not been told so.
    package mutating func takeWake(written: LSN, durable: LSN) -> Bool {
        guard isArmed, let first = waiting.first, Self.isReached(first, written, durable) else { return false }
        isArmed = false
        return true
    }

    private static func isReached(_ waiting: Waiting, _ written: LSN, _ durable: LSN) -> Bool {
        switch waiting.level {
        case .taken: true
        case .written: waiting.lsn <= written
        case .durable: waiting.lsn <= durable
        }
    }
}
