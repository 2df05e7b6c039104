package import MQTTWire

/// A delivery that the client did not finish acknowledging.
package struct InflightDelivery: Equatable, Sendable, BitwiseCopyable {
    /// The identifier that it was sent with.
    package var packetID: PacketID
    /// What the owner knows the message by.
    package var token: UInt64
    /// What the client must answer next.
    package var stage: Stage

    /// How far a delivery got.
    package enum Stage: UInt8, Sendable, BitwiseCopyable {
        /// QoS 1, sent. *PUBACK => done.*
        case awaitingPuback
        /// QoS 2, sent. *PUBREC => awaitingPubcomp; PUBREC with a failure => done.*
        case awaitingPubrec
        /// QoS 2, the client has it, PUBREL sent. *PUBCOMP => done.*
        case awaitingPubcomp
    }

    /// A delivery from its parts.
    package init(packetID: PacketID, token: UInt64, stage: Stage) {
        self.packetID = packetID
        self.token = token
        self.stage = stage
    }
}

/// The window of QoS 1 and 2 deliveries, in the order in which they were sent.
///
/// Layout: one slot for each identifier from 1 on, 16 bytes each, as many as were ever in flight at once (at most the
/// window). A slot is in one of two lists that run through the slots: the deliveries in send order, or the free ones,
/// of which the one that is longest free is taken first.
/// Invariants: `count` deliveries in send order; every other slot is free.
struct OutboundFlow {
    private(set) var count = 0
    private var slots: [Slot] = []
    private var first = Slot.none
    private var last = Slot.none
    private var freeFirst = Slot.none
    private var freeLast = Slot.none
    private(set) var window = 0

    private struct Slot {
        var token: UInt64
        var next: UInt16
        var previous: UInt16
        /// Nil when the slot is free.
        var stage: InflightDelivery.Stage?

        /// No slot: the end of a list. Identifiers start at 1, so 0 is free to mean it.
        static let none: UInt16 = 0
    }

    /// Slots that an idle session keeps: 32 of 16 bytes are half of the 1 KiB that it may cost.
    private static let idleSlotCountMax = 32

    /// Whether one more delivery may be sent.
    var hasRoom: Bool { count < window }

    /// Starts a connection with room for `window` deliveries, with those that an earlier one left behind, in send
    /// order.
    mutating func open(window: Int, resuming deliveries: [InflightDelivery]) {
        precondition(window > 0 && count == 0)
        self.window = window
        let idMax = deliveries.map(\.packetID.rawValue).max() ?? 0
        while slots.count < idMax { slots.append(Slot(token: 0, next: 0, previous: 0, stage: nil)) }
        for delivery in deliveries {
            precondition(delivery.packetID != .none && self[delivery.packetID.rawValue].stage == nil)
            self[delivery.packetID.rawValue].token = delivery.token
            self[delivery.packetID.rawValue].stage = delivery.stage
            link(delivery.packetID.rawValue)
        }
        for id in 0..<UInt16(slots.count) where slots[Int(id)].stage == nil { linkFree(id + 1) }
    }

    /// Takes an identifier for a delivery, or nil when the window is full.
    mutating func send(_ token: UInt64, _ stage: InflightDelivery.Stage) -> PacketID? {
        guard hasRoom else { return nil }
        let id: UInt16
        if freeFirst != Slot.none {
            id = freeFirst
            freeFirst = self[id].next
            if freeFirst == Slot.none { freeLast = Slot.none }
            self[id].token = token
            self[id].stage = stage
        } else {
            slots.append(Slot(token: token, next: 0, previous: 0, stage: stage))
            id = UInt16(slots.count)
        }
        link(id)
        return PacketID(rawValue: id)
    }

    /// What an acknowledgement from the client means.
    mutating func received(_ packet: Packet.Acknowledgement) -> SessionAction {
        let id = packet.packetID.rawValue
        let stage = Int(id) <= slots.count ? self[id].stage : nil
        switch (packet.kind, stage) {
        case (.puback, nil), (.pubcomp, nil): return .none
        case (.pubrec, nil):
            // A failure ends the flow on the client's side, so there is nothing to release.
            return packet.reason.isFailure ? .none : .sendPubrelUnknown(packet.packetID)
        case (.pubrec, .awaitingPubrec):
            if packet.reason.isFailure { return end(id, packet.reason) }
            self[id].stage = .awaitingPubcomp
            return .sendPubrel(packet.packetID, token: self[id].token)
        case (.pubrec, .awaitingPubcomp): return .sendPubrel(packet.packetID, token: self[id].token)
        case (.puback, .awaitingPuback): return end(id, packet.reason)
        // Reason 0x92 says that the client forgot the message, and it has had it.
        case (.pubcomp, .awaitingPubcomp):
            let token = free(id)
            return .completed(packet.packetID, token: token)
        case (.puback, .awaitingPubrec), (.puback, .awaitingPubcomp), (.pubrec, .awaitingPuback),
            (.pubcomp, .awaitingPuback), (.pubcomp, .awaitingPubrec):
            return .close(.acknowledgementMismatch)
        case (.pubrel, _): preconditionFailure("Cannot acknowledge a delivery with PUBREL")
        }
    }

    /// Ends a delivery that cannot be made: its message is gone.
    ///
    /// At QoS 2 the client may have had the message on an earlier connection. It would take another one under the same
    /// identifier for that one; so it is told to release the identifier first, which it confirms in any case.
    /// - Returns: whether the client is to be sent PUBREL now.
    mutating func abandon(_ packetID: PacketID) -> Bool {
        let id = packetID.rawValue
        precondition(Int(id) <= slots.count && self[id].stage != nil, "Cannot abandon a delivery that is not in flight")
        if self[id].stage == .awaitingPubrec {
            self[id].stage = .awaitingPubcomp
            return true
        }
        _ = free(id)
        return false
    }

    /// Gives back the memory of an idle window.
    mutating func trim() {
        guard count == 0, slots.count > Self.idleSlotCountMax else { return }
        slots = []
        freeFirst = Slot.none
        freeLast = Slot.none
    }

    /// The deliveries in send order.
    var deliveries: [InflightDelivery] {
        var deliveries: [InflightDelivery] = []
        deliveries.reserveCapacity(count)
        var id = first
        while id != Slot.none {
            let slot = self[id]
            if let stage = slot.stage {
                deliveries.append(
                    InflightDelivery(packetID: PacketID(rawValue: id), token: slot.token, stage: stage))
            }
            id = slot.next
        }
        assert(deliveries.count == count)
        return deliveries
    }

    // MARK: Slots

    private subscript(id: UInt16) -> Slot {
        @inline(__always) get { slots[Int(id) - 1] }
        @inline(__always) _modify { yield &slots[Int(id) - 1] }
    }

    private mutating func end(_ id: UInt16, _ reason: ReasonCode) -> SessionAction {
        let token = free(id)
        return reason.isFailure
            ? .rejected(PacketID(rawValue: id), token: token, reason: reason) : .delivered(token: token)
    }

    /// Frees the slot of a delivery.
    /// - Returns: its token.
    private mutating func free(_ id: UInt16) -> UInt64 {
        unlink(id)
        self[id].stage = nil
        linkFree(id)
        return self[id].token
    }

    private mutating func link(_ id: UInt16) {
        self[id].next = Slot.none
        self[id].previous = last
        if last == Slot.none { first = id } else { self[last].next = id }
        last = id
        count += 1
    }

    private mutating func unlink(_ id: UInt16) {
        let (previous, next) = (self[id].previous, self[id].next)
        if previous == Slot.none { first = next } else { self[previous].next = next }
        if next == Slot.none { last = previous } else { self[next].previous = previous }
        count -= 1
    }

    private mutating func linkFree(_ id: UInt16) {
        self[id].next = Slot.none
        if freeLast == Slot.none { freeFirst = id } else { self[freeLast].next = id }
        freeLast = id
    }
}
