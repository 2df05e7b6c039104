import CommitLog
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
    }

    /// What a tick's acknowledgements wait for.
    enum Level {
        /// Nothing.
        case none
        /// The journal's write.
        case written
        /// The device.
        case durable
    }

    /// A tick's acknowledgements.
    final class Group {
        var bytes = ByteBuffer()
        var runs: [Run] = []
        var level = Level.none
        var lsn = LSN.zero
        var isEmpty: Bool { runs.isEmpty }

        /// Adds one acknowledgement of four bytes.
        @inline(__always)
        func add(_ client: Client, _ acknowledgement: UInt32, ends: Bool) {
            let start = bytes.count
            bytes.append(bigEndian: acknowledgement)
            if let last = runs.indices.last, runs[last].client === client {
                runs[last].byteCount += 4
                runs[last].endedCount += ends ? 1 : 0
            } else {
                runs.append(Run(client: client, start: start, byteCount: 4, endedCount: ends ? 1 : 0))
            }
        }

        /// The acknowledgement that starts at `index`.
        func acknowledgement(at index: Int) -> (AcknowledgementKind?, PacketID) {
            unsafe bytes.withUnsafeBytes { view in
                let id = unsafe UInt16(view[index + 2]) << 8 | UInt16(view[index + 3])
                return unsafe (AcknowledgementKind(rawValue: view[index] >> 4), PacketID(rawValue: id))
            }
        }

        func require(_ level: Level) {
            switch (self.level, level) {
            case (_, .none), (.durable, _): break
            case (_, .durable): self.level = .durable
            case (.none, .written), (.written, .written): self.level = .written
            }
        }

        func removeAll() {
            bytes.removeAll()
            runs.removeAll(keepingCapacity: true)
            level = .none
        }
    }

    private var waiting = Ring<Group>()
    private var free: [Group] = []
    /// The group of the running tick.
    private(set) var current = Group()

    /// Whether nothing waits and nothing was added this tick.
    var isEmpty: Bool { waiting.isEmpty && current.isEmpty }

    /// Closes the running tick's group: it waits for `lsn` at its level.
    mutating func commit(_ lsn: LSN) {
        guard !current.isEmpty else {
            current.removeAll()
            return
        }
        current.lsn = lsn
        waiting.append(current)
        current = free.popLast() ?? Group()
    }

    /// Takes the running tick's group out: its publishes were refused.
    mutating func takeRefused() -> Group {
        let refused = current
        current = free.popLast() ?? Group()
        return refused
    }

    /// The oldest group if the log has reached what it waits for.
    mutating func popReleased(written: LSN, durable: LSN) -> Group? {
        guard let group = waiting.first else { return nil }
        let isReached =
            switch group.level {
            case .none: true
            case .written: group.lsn <= written
            case .durable: group.lsn <= durable
            }
        return isReached ? waiting.popFirst() : nil
    }

    /// What the oldest group waits for.
    var oldest: (lsn: LSN, level: Level)? { waiting.first.map { ($0.lsn, $0.level) } }

    /// Takes a group back for another tick. One that grew unusually is not kept.
    mutating func recycle(_ group: Group) {
        group.removeAll()
        if free.count < 8, group.bytes.capacity <= 1 << 20 { free.append(group) }
    }
}
