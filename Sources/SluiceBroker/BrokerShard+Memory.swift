import MQTTWire
import SluiceCore
import Speaking

/// How near the node is to what clients together may hold in memory.
///
/// Each client is bounded by itself (`Limits.outputBytesMax`, what a reader reads ahead, the largest packet); with
/// enough of them that is more than a small machine has. So there is one budget for all: outputs, read-ahead and
/// packets that are half received.
package enum MemoryPressure: Int, Comparable, Sendable {
    /// Below three quarters of the budget. *Everybody has what the limits say.*
    case none
    /// *Whoever is behind holds little: no read-ahead while the socket takes nothing, small outputs. Who has taken
    /// nothing for seconds is closed.*
    case high
    /// The budget is used up. *Nothing new is read for anybody who holds something, and half packets are refused.*
    case full

    /// The pressure when `used` of `budget` bytes are held.
    package init(used: Int, budget: Int) {
        assert(used >= 0 && budget > 0)
        self = used >= budget ? .full : used >= budget / 4 * 3 ? .high : .none
    }

    /// By how bad it is.
    package static func < (left: MemoryPressure, right: MemoryPressure) -> Bool { left.rawValue < right.rawValue }
}

extension BrokerShard {
    /// Bytes of a half received packet that are kept whatever the pressure: the head of any ordinary message.
    private static let smallPacketBytes = 64 << 10
    /// How long a client may take nothing while others want the memory.
    private static let stuckNanosecondsMax: Int64 = 5_000_000_000
    /// How long its output may wait, be it taken byte by byte, while nobody else can have any.
    private static let waitingNanosecondsMax: Int64 = 30_000_000_000

    /// Takes into account what a client holds now.
    func account(_ client: Client) {
        // Whoever is closed has let go of everything, or does so at once; what its output holds goes with it.
        guard !client.isClosing else { return }
        var held = client.outputQueue.heldByteCount + client.stashedByteCount
        if let reader = client.liveReader {
            held += reader.heldByteCount
            if reader.hasQuick { held += reader.quick.heldByteCount }
        }
        for reader in client.sideReaders { held += reader.heldByteCount }
        assert(held >= 0 && clients[client.number] === client, "nothing is counted for who is gone")
        memory.add(held - client.heldByteCount)
        client.heldByteCount = held
        weigh(client)
    }

    /// Takes into account what a reader that belongs to no client holds now.
    func account(alone reader: Reader) {
        assert(reader.client == nil, "a client's readers are counted with it")
        memory.add(reader.heldByteCount - reader.accountedByteCount)
        reader.accountedByteCount = reader.heldByteCount
    }

    /// A reader that belongs to no client is gone. A read that is on its way brings it nothing any more.
    func release(alone reader: Reader) {
        assert(reader.isClosed)
        assert(reader.client == nil)
        reader.forgetRead()
        memory.add(-reader.accountedByteCount)
        reader.accountedByteCount = 0
    }

    /// A client is gone, with what it held.
    func release(_ client: Client) {
        memory.add(-client.heldByteCount)
        client.heldByteCount = 0
    }

    /// Tells the node what this shard's clients hold, and learns how near the budget is. Once a tick.
    func measureMemory() {
        // Who had to wait goes on.
        if memory.measure(peers), memory.pressure == .none { readers.wakeStarved() }
    }

    /// Whether a reader must wait until others have let go of memory.
    func mustStarve(_ reader: Reader) -> Bool {
        switch memory.pressure {
        case .none: return false
        case .high: guard reader.sink.hasWaitingOutput else { return false }
        case .full: break
        }
        readers.starve(reader)
        return true
    }

    /// A client keeps `byteCount` bytes of a packet that is half received.
    func keeps(_ client: Client, byteCount: Int) {
        guard byteCount != client.stashedByteCount else { return }
        client.stashedByteCount = byteCount
        client.movedAt = now
        account(client)
        guard memory.pressure == .full, byteCount > Self.smallPacketBytes, !client.isClosing else { return }
        // The one that has been waiting for the longest makes room for the one that goes on.
        let stalest = clients.all.filter { $0.stashedByteCount > Self.smallPacketBytes && !$0.isClosing }
            .min { $0.movedAt < $1.movedAt }
        let loser = stalest ?? client
        reportClosed(
            loser,
            "\(loser.stashedByteCount) bytes of a packet have come and there is no memory for the rest\(memoryNote)")
        terminate(loser, .quotaExceeded, "there is no memory for its packet")
        measureMemory()
    }

    /// Frees memory when it is wanted: what is read ahead for clients that take nothing, and clients that have taken
    /// nothing for long. Their sessions, if they stay, lose nothing: a position is all that they need.
    func relieveMemory() {
        guard memory.pressure > .none else { return }
        var stuck: [Client] = []
        for client in clients.all where client.heldByteCount > 0 {
            if client.hasBlockedReader {
                client.liveReader?.forgetRead()
                if client.liveReader?.hasQuick == true { client.liveReader?.quick.forgetRead() }
                for reader in client.sideReaders { reader.forgetRead() }
                account(client)
            }
            let isWaiting = client.waitsSince != nil || client.stashedByteCount > Self.smallPacketBytes
            let isStuck = isWaiting && now - client.movedAt > Self.stuckNanosecondsMax
            let isSlow = client.waitsSince.map { now - $0 > Self.waitingNanosecondsMax } ?? false
            if isStuck || memory.pressure == .full && isSlow { stuck.append(client) }
        }
        // The largest first, and no more than are needed.
        var excess = peers.memoryUse - settings.limits.clientMemoryMax / 2
        for client in stuck.sorted(by: { $0.heldByteCount > $1.heldByteCount }) where excess > 0 {
            excess -= client.heldByteCount
            let seconds = (now - (client.waitsSince ?? client.movedAt)) / 1_000_000_000
            reportClosed(
                client, "it has been behind for \(seconds) s and holds \(client.heldByteCount) bytes\(memoryNote)")
            // Nothing of it would arrive, and the memory is wanted now.
            client.output.reset(keeping: 0)
            terminate(client, .quotaExceeded, "it takes nothing, and memory is short")
        }
        measureMemory()
        readers.wakeStarved()
    }

    private var memoryNote: String {
        "; clients hold \(peers.memoryUse) of \(settings.limits.clientMemoryMax) bytes ('memory')"
    }
}
