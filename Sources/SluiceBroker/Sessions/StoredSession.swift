import MQTTSession
import MQTTWire
import SluiceCore
import Speaking

/// What is kept of a session while no connection has it: a position, and what was sent or received halfway. Never a
/// message.
///
/// Isolation: a value; the directory's while it is parked, its client's once that has it.
package struct StoredSession: Sendable, Equatable {
    /// Seconds that it outlives its connection; `ConnectRequest.sessionNeverExpires` for ever.
    var expirySeconds: UInt32
    /// What it subscribes to.
    var subscriptions: [StoredSubscription] = []
    /// Whether its subscriptions are on record in the session's own record, as they once were, and not by themselves.
    var hasSubscriptionsInside = false
    /// Where its ordinary subscriptions go on; nil while none asks for more than QoS 0.
    var positions: Positions?
    /// Up to where QoS 2 messages were sent in partitions whose position is older, after a crash.
    var assuredEnds: [PartitionID: Offset] = [:]
    /// What was sent and not acknowledged, in send order.
    var inflight: [InflightDelivery] = []
    /// Retained messages that were on their way to new subscriptions.
    var feeds: [StoredFeed] = []
    /// QoS 2 messages from the client that wait for their PUBREL.
    var unreleased: Set<UInt16> = []
    /// Whose it is: nobody else may go on with it.
    var owner = Principal.anonymous
    /// When its last connection ended; nil while it is connected, and after a crash.
    var disconnectedAt: Timestamp?

    init(expirySeconds: UInt32) { self.expirySeconds = expirySeconds }

    /// Bytes of memory that it takes, about: its parts, without what the allocator adds.
    var memoryByteCount: Int {
        let subscribed = subscriptions.reduce(0) {
            $0 + MemoryLayout<StoredSubscription>.stride + $1.filter.count + ($1.positions?.memoryByteCount ?? 0)
        }
        let feeding = feeds.reduce(0) { $0 + MemoryLayout<StoredFeed>.stride + $1.filter.count }
        return MemoryLayout<StoredSession>.stride + subscribed + feeding + (positions?.memoryByteCount ?? 0)
            + inflight.count * MemoryLayout<InflightDelivery>.stride + unreleased.count * MemoryLayout<UInt16>.stride
            + assuredEnds.count * MemoryLayout<(PartitionID, Offset)>.stride
    }

    /// The flows that its next connection goes on with.
    var flows: StoredFlows {
        StoredFlows(unreleased: unreleased.sorted().compactMap { PacketID(rawValue: $0) }, inflight: inflight)
    }

    /// Takes one step of a QoS 2 delivery that was recorded after the session's progress.
    mutating func apply(_ step: DeliveryStep) {
        if step.token.kind == .own {
            let partition = step.token.partition
            assuredEnds[partition] = max(assuredEnds[partition] ?? .zero, step.token.offset.advanced(by: 1))
        }
        inflight.removeAll { $0.packetID == step.packetID && (step.stage == nil || $0.token != step.token.rawValue) }
        guard let stage = step.stage else { return }
        // A consumer group gives what its member has not confirmed to whoever is a member next.
        if step.token.kind == .group, stage == .awaitingPubrec { return }
        if let index = inflight.firstIndex(where: { $0.packetID == step.packetID }) {
            inflight[index].stage = stage
        } else {
            inflight.append(InflightDelivery(packetID: step.packetID, token: step.token.rawValue, stage: stage))
        }
    }
}

/// A subscription of a stored session.
package struct StoredSubscription: Sendable, Equatable {
    /// The filter as the client wrote it.
    var filter: [UInt8]
    var options: SubscriptionOptions
    var identifier: UInt32?
    /// Where a replay goes on; from where an ordinary subscription counts that was made while its session was behind.
    var positions: Positions?
    /// Where a replay ends.
    var bounds: ReplayBounds?
}

/// What is left of the retained messages for a subscription.
struct StoredFeed: Sendable, Equatable {
    /// The subscription's filter as the client wrote it.
    var filter: [UInt8]
    /// Where in the stream of retained messages it goes on, and where it ends.
    var position: Offset
    var end: Offset
}

/// One step of a QoS 2 delivery.
struct DeliveryStep: Equatable, Sendable {
    var packetID: PacketID
    var token: DeliveryToken
    /// What the client must answer next; nil when it is done.
    var stage: InflightDelivery.Stage?
}

/// A will that is on record.
package struct StoredWill: Sendable, Equatable {
    var message: ConnectPacket.Will
    /// Who left it: in whose name it is published.
    var principal = Principal.anonymous
    /// The listener that its connection came to, by whose rules it may be published; empty where that is not known.
    var listener = ""
    /// Seconds between the loss of the connection and the message.
    var delaySeconds: UInt32
}
