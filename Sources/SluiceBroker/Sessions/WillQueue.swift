import LogInterface
import SluiceCore

/// Wills that were published, until the log has said what became of them.
///
/// Isolation: one shard's.
struct WillQueue: ~Copyable {
    /// A will on its way into the log.
    struct Entry {
        let will: StoredWill
        let clientID: [UInt8]
        /// Whether nothing else is in its append, so that what refuses that refuses it.
        let isAlone: Bool
    }

    private struct Group {
        let ticket: AppendTicket
        let entries: [Entry]
    }

    private var current: [Entry] = []
    private var waiting = Ring<Group>()

    /// Whether no will waits for the log.
    var isEmpty: Bool { waiting.isEmpty }

    /// Adds a will of the running tick.
    mutating func add(_ entry: Entry) { current.append(entry) }

    /// The tick's wills are in the append of `ticket`.
    mutating func commit(_ ticket: AppendTicket?) {
        guard !current.isEmpty else { return }
        guard let ticket else { preconditionFailure("Cannot publish a will without an append") }
        assert(ticket > waiting.last?.ticket ?? .none, "appends settle in the order of their tickets")
        waiting.append(Group(ticket: ticket, entries: current))
        current = []
    }

    /// The wills of `ticket`, which has settled.
    mutating func pop(_ ticket: AppendTicket) -> [Entry]? {
        assert(waiting.first.map { ticket <= $0.ticket } ?? true, "no settlement of a ticket is passed over")
        guard let first = waiting.first, first.ticket == ticket else { return nil }
        _ = waiting.popFirst()
        return first.entries
    }
}
