import LogInterface
import MQTTWire
import SluiceCore

/// Acknowledgements that wait for the log: one group a tick, released in order.
///
/// Each tick's acknowledgements lie in one buffer, as runs of one client each; releasing a run is one copy into the
/// client's output.
/// Invariants: groups are released first in, first out, so a client's acknowledgements keep the order of its publishes
/// [MQTT-4.6.0-2].
/// Isolation: one shard's.
struct AckQueue: ~Copyable {
    /// Consecutive acknowledgements of one client.
    struct Run {
        let client: Client
        let start: Int
        var byteCount: Int
        /// How many of them end a publish's flow (PUBACK, PUBCOMP).
        var endedCount: Int
        /// How many of them say that a QoS 2 message was received (PUBREC).
        var receiptCount: Int
    }

    /// A tick's acknowledgements.
    final class Group {
        var bytes = ByteBuffer()
        var runs: [Run] = []
        /// What they wait for.
        var ticket = AppendTicket.none
        /// When the first of its messages was taken in, in nanoseconds of the exact clock.
        var time: Int64 = 0
        var isEmpty: Bool { runs.isEmpty }

        /// Adds one acknowledgement of four bytes.
        @inline(__always)
        func add(_ client: Client, _ acknowledgement: UInt32, ends: Bool, receives: Bool = false) {
            let start = bytes.count
            assert(start.isMultiple(of: 4), "each acknowledgement has four bytes")
            bytes.append(bigEndian: acknowledgement)
            if let last = runs.indices.last, runs[last].client === client {
                runs[last].byteCount += 4
                runs[last].endedCount += ends ? 1 : 0
                runs[last].receiptCount += receives ? 1 : 0
            } else {
                runs.append(
                    Run(
                        client: client, start: start, byteCount: 4, endedCount: ends ? 1 : 0,
                        receiptCount: receives ? 1 : 0))
            }
        }

        /// The acknowledgement that starts at `index`.
        func acknowledgement(at index: Int) -> (AcknowledgementKind?, PacketID) {
            assert(index.isMultiple(of: 4) && index + 4 <= bytes.count)
            return unsafe bytes.withUnsafeBytes { view in
                let id = unsafe UInt16(view[index + 2]) << 8 | UInt16(view[index + 3])
                return unsafe (AcknowledgementKind(rawValue: view[index] >> 4), PacketID(rawValue: id))
            }
        }

        func removeAll() {
            bytes.removeAll()
            runs.removeAll(keepingCapacity: true)
        }
    }

    private var waiting = Ring<Group>()
    private var free: [Group] = []
    /// The group of the running tick.
    private(set) var current = Group()

    /// Whether nothing waits and nothing was added this tick.
    var isEmpty: Bool { waiting.isEmpty && current.isEmpty }

    /// Closes the running tick's group: it waits for `ticket` to settle.
    mutating func commit(_ ticket: AppendTicket) {
        guard !current.isEmpty else {
            current.removeAll()
            return
        }
        assert(ticket > waiting.last?.ticket ?? .none, "acknowledgements leave in the order of their publishes")
        assert(current.runs.last.map { $0.start + $0.byteCount } == current.bytes.count, "every byte belongs to a run")
        current.ticket = ticket
        waiting.append(current)
        current = free.popLast() ?? Group()
    }

    /// The group that waited for `ticket`, which has settled.
    mutating func pop(_ ticket: AppendTicket) -> Group? {
        assert(waiting.first.map { ticket <= $0.ticket } ?? true, "no settlement of a ticket is passed over")
        guard let first = waiting.first, first.ticket == ticket else { return nil }
        return waiting.popFirst()
    }

    /// What the oldest group waits for.
    var oldest: AppendTicket? { waiting.first?.ticket }

    /// Takes a group back for another tick. One that grew unusually is not kept.
    mutating func recycle(_ group: Group) {
        assert(group !== current && group !== waiting.first, "a group is used again when all of it has left")
        group.removeAll()
        if free.count < 8, group.bytes.capacity <= 1 << 20 { free.append(group) }
    }
}
