package import MQTTWire
package import SluiceCore

/// The server's side of one MQTT connection: which packet means what, when.
///
/// Packets come in through `received`, time through `elapsed`, and each answers with one action. The owner authorises,
/// routes, stores and encodes; it reports back with `opened`, `refused`, `acknowledged`, `bindAlias` and `send`.
///
/// Times are nanoseconds of a clock that never goes back.
///
/// Invariants: `count` of deliveries in flight never exceeds the client's Receive Maximum; a QoS 2 message is given
/// to the owner once.
/// Isolation: one owner, the loop of the connection.
/// Source: MQTT 5.0 §4.
package struct Session: ~Copyable {
    private var state: State
    /// When the last packet came.
    private var heardAt: Int64
    /// The two flows outlive what `state` knows of the connection, so they are no part of it; a PUBLISH changes them in
    /// place.
    private var inbound = InboundFlow()
    private var outbound = OutboundFlow()

    private enum State: BitwiseCopyable {
        /// The connection is new. *CONNECT => opening; anything else, or the deadline => failed.*
        case awaitingConnect(deadline: Int64)
        /// The owner decides. *opened => open; refused => closed; packets are postponed.*
        case opening(SessionPeer)
        /// The client owes the next step of an exchange. *AUTH => opening; DISCONNECT => closed; else, or silence =>
        /// failed.*
        case authenticating(SessionPeer)
        /// Packets flow. *DISCONNECT => closed; a broken rule or silence => failed.*
        case open(SessionPeer)
        /// The connection must be closed with a word to the client, if it said what it understands. *terminated =>
        /// closed; packets are ignored.*
        case failed(SessionPeer?)
        /// The connection is over. *Packets are ignored.*
        case closed
    }

    /// A session whose connection was accepted at `now`.
    package init(limits: Limits = Limits(), now: Int64) {
        state = .awaitingConnect(deadline: now + Int64(limits.connectSecondsMax) * Self.nanosecondsPerSecond)
        heardAt = now
    }

    private static let nanosecondsPerSecond: Int64 = 1_000_000_000
    /// How long a client may take for a step of its exchange, as long as for its CONNECT.
    private static let authenticationNanosecondsMax = 10 * nanosecondsPerSecond

    // MARK: Packets

    /// Takes the next packet of the client.
    ///
    /// - Parameters:
    ///   - packet: what the decoder answered.
    ///   - bytes: what it was decoded from.
    /// - Returns: what to do; after `.close` and `.disconnect` further packets are ignored.
    /// - Complexity: O(1) but for CONNECT; only CONNECT, new aliases and a growing window allocate.
    package mutating func received(_ packet: Packet, in bytes: Span<UInt8>, now: Int64) -> SessionAction {
        guard case .open(let peer) = state else { return receivedWhileNotOpen(packet, in: bytes) }
        heardAt = now
        switch packet {
        case .publish(let publish): return received(publish, peer)
        case .acknowledgement(let acknowledgement): return received(acknowledgement, peer)
        case .pingRequest: return .ping
        case .subscribe(let subscribe): return .subscribe(subscribe)
        case .unsubscribe(let unsubscribe): return .unsubscribe(unsubscribe)
        case .disconnect(let disconnect): return received(disconnect, in: bytes, peer)
        case .auth(let auth):
            guard peer.hasMethod, auth.reason != .success else { return fail(.authenticationUnexpected, peer) }
            return .authenticate(auth)
        case .connect: return fail(.connectRepeated, peer)
        case .connack, .suback, .unsuback, .pingResponse: return fail(.packetFromWrongSide, peer)
        }
    }

    /// Takes a PUBLISH of QoS 0 or 1 that has nothing special: no alias, no RETAIN, a packet identifier if it needs
    /// one.
    ///
    /// The shortest way for nearly every message; `received` does the same and all the rest.
    /// - Returns: whether it is to be stored; if not, nothing has changed and the packet goes to `received`.
    package mutating func takesPlain(qos: QoS, now: Int64) -> Bool {
        guard case .open(let peer) = state else { return false }
        switch qos {
        case .atMostOnce: break
        case .atLeastOnce:
            if case .atMostOnce = peer.maximumQoS { return false }
            guard inbound.admit(version: peer.version) else { return false }
        case .exactlyOnce: return false
        }
        heardAt = now
        return true
    }

    private mutating func receivedWhileNotOpen(_ packet: Packet, in bytes: Span<UInt8>) -> SessionAction {
        switch state {
        case .awaitingConnect:
            guard case .connect(let connect) = packet else { return fail(.connectExpected, nil) }
            return received(ConnectRequest(connect, in: bytes))
        case .opening: return .postpone
        case .authenticating(let peer):
            switch packet {
            case .auth(let auth) where auth.reason == .continueAuthentication:
                state = .opening(peer)
                return .authenticate(auth)
            case .disconnect(let disconnect): return received(disconnect, in: bytes, peer)
            // It stays as it is: what ends it is a CONNACK [MQTT-3.14.0-1].
            case _: return .close(.authenticationExpected)
            }
        case .failed, .closed: return .none
        case .open: preconditionFailure("Cannot be open here: received() looked")
        }
    }

    private mutating func received(_ request: ConnectRequest) -> SessionAction {
        state = .opening(SessionPeer(request))
        if request.clientID.isEmpty {
            switch request.version {
            // MQTT 3.1 has no empty identifier, 3.1.1 one that cannot be found again [MQTT-3.1.3-8].
            case .v31: return .refuse(.clientIdentifierNotValid)
            case .v311: guard request.cleanStart else { return .refuse(.clientIdentifierNotValid) }
            case .v5: break
            }
        }
        return .open(request)
    }

    @inline(__always)
    private mutating func received(_ publish: Packet.Publish, _ peer: SessionPeer) -> SessionAction {
        if publish.retain, !peer.isRetainAvailable { return fail(.retainNotSupported, peer) }
        if publish.qos.rawValue > peer.maximumQoS.rawValue { return fail(.qosNotSupported, peer) }
        let topic: PublishAction.Topic
        do {
            topic = publish.topicAlias == 0 ? .name(publish.topic) : try inbound.topic(of: publish)
        } catch {
            return fail(error, peer)
        }
        // Patterns rather than ==, here and below: that of an enum from another module is a call through a witness
        // table.
        switch publish.qos {
        case .atMostOnce: break
        case .atLeastOnce: if !inbound.admit(version: peer.version) { return .postpone }
        case .exactlyOnce: if !inbound.unreleased.insert(publish.packetID) { return .repeated(publish.packetID) }
        }
        return .publish(
            PublishAction(
                topic: topic, payload: publish.payload, properties: publish.properties, packetID: publish.packetID,
                qos: publish.qos, retain: publish.retain, duplicate: publish.duplicate))
    }

    @inline(__always)
    private mutating func received(_ packet: Packet.Acknowledgement, _ peer: SessionPeer) -> SessionAction {
        if case .pubrel = packet.kind {
            if inbound.unreleased.remove(packet.packetID) { return .release(packet.packetID) }
            // Its PUBCOMP may have been lost with an earlier connection: "not an error during recovery" (§3.7.2.1).
            return inbound.isResumed ? .releaseRepeated(packet.packetID) : .releaseUnknown(packet.packetID)
        }
        let action = outbound.received(packet)
        if case .close(let fault) = action { return fail(fault, peer) }
        return action
    }

    private mutating func received(
        _ packet: Packet.Reason, in bytes: Span<UInt8>, _ peer: SessionPeer
    ) -> SessionAction {
        var expiry = peer.sessionExpirySeconds
        var reader = PropertyReader(bytes, packet.properties)
        while let property = reader.next() {
            guard property.id == .sessionExpiryInterval, let asked = property.integer else { continue }
            guard expiry != 0 || asked == 0 else { return fail(.sessionExpiryForbidden, peer) }
            expiry = asked
        }
        state = .closed
        return .disconnect(
            DisconnectAction(
                reason: packet.reason, publishesWill: packet.reason != .success, sessionExpirySeconds: expiry))
    }

    private mutating func fail(_ fault: SessionFault, _ peer: SessionPeer?) -> SessionAction {
        state = .failed(peer)
        return .close(fault)
    }

    // MARK: Time

    /// When `elapsed` wants to be called next; `Int64.max` for never.
    package var deadline: Int64 {
        switch state {
        case .awaitingConnect(let deadline): deadline
        case .authenticating: heardAt + Self.authenticationNanosecondsMax
        case .open(let peer): keepAliveDeadline(peer)
        case .opening, .failed, .closed: .max
        }
    }

    /// Takes the time; closes a connection that was silent for too long, and frees memory that an idle one holds.
    ///
    /// Source: MQTT 5.0 §3.1.2.10: one and a half times the keep alive, from any packet.
    package mutating func elapsed(now: Int64) -> SessionAction {
        switch state {
        case .awaitingConnect(let deadline): return now < deadline ? .none : fail(.connectTimeout, nil)
        case .authenticating:
            return now < deadline ? .none : .close(.connectTimeout)
        case .open(let peer):
            outbound.trim()
            return now < keepAliveDeadline(peer) ? .none : fail(.keepAliveTimeout, peer)
        case .opening, .failed, .closed: return .none
        }
    }

    /// The owner could not listen for a while: that time is not the client's silence.
    package mutating func stoodStill(for nanoseconds: Int64) {
        heardAt += nanoseconds
        if case .awaitingConnect(let deadline) = state {
            state = .awaitingConnect(deadline: deadline + nanoseconds)
        }
    }

    private func keepAliveDeadline(_ peer: SessionPeer) -> Int64 {
        guard peer.keepAliveSeconds > 0 else { return .max }
        return heardAt + Int64(peer.keepAliveSeconds) * Self.nanosecondsPerSecond * 3 / 2
    }

    // MARK: The owner's decisions

    /// Lets the client in: appends its CONNACK.
    ///
    /// - Parameters:
    ///   - offer: what the client may do.
    ///   - stored: what an earlier connection left of this session, nil when there was no session.
    ///   - assignedClientID: the identifier made up for a client that sent none, else empty.
    ///   - authentication: encoded properties of the exchange's last step, else empty.
    package mutating func opened(
        _ offer: SessionOffer, resuming stored: StoredFlows? = nil, assignedClientID: Span<UInt8>,
        authentication: [UInt8] = [], now: Int64, into buffer: inout ByteBuffer
    ) {
        guard case .opening(var peer) = state else { preconditionFailure("Cannot open a session without its CONNECT") }
        precondition(assignedClientID.isEmpty || peer.needsClientID)
        greeting(offer, peer, isPresent: stored != nil, assignedClientID, authentication).encode(into: &buffer)
        peer.keepAliveSeconds = offer.keepAliveSeconds(asked: peer.keepAliveSeconds, version: peer.version)
        peer.sessionExpirySeconds = offer.sessionExpirySeconds(asked: peer.sessionExpirySeconds)
        peer.isRetainAvailable = offer.isRetainAvailable
        peer.maximumQoS = offer.maximumQoS
        inbound.open(
            receiveMaximum: offer.receiveMaximum, topicAliasMaximum: offer.topicAliasMaximum,
            unreleased: stored?.unreleased)
        outbound.open(
            window: Int(min(peer.receiveMaximum, offer.inflightOutboundMax)), resuming: stored?.inflight ?? [])
        heardAt = now
        state = .open(peer)
    }

    /// The size of the CONNACK that `opened` will append, to be compared with what the client takes.
    package func openedSize(_ offer: SessionOffer, assignedClientID: Span<UInt8>, authentication: [UInt8]) -> Int {
        guard case .opening(let peer) = state else { preconditionFailure("Cannot open a session without its CONNECT") }
        return greeting(offer, peer, isPresent: false, assignedClientID, authentication).encodedSize
    }

    private func greeting(
        _ offer: SessionOffer, _ peer: SessionPeer, isPresent: Bool, _ assignedClientID: Span<UInt8>,
        _ authentication: [UInt8]
    ) -> ConnackPacket {
        let properties =
            peer.version == .v5
            ? offer.properties(for: peer, assignedClientID: assignedClientID) + authentication : []
        return ConnackPacket(version: peer.version, sessionPresent: isPresent, properties: properties)
    }

    /// Asks the client for the next step of its authentication: appends an AUTH.
    /// - Parameter properties: encoded, with the method.
    package mutating func challenged(_ properties: [UInt8], now: Int64, into buffer: inout ByteBuffer) {
        switch state {
        case .opening(let peer):
            state = .authenticating(peer)
            heardAt = now
        case .open: break
        case .awaitingConnect, .authenticating, .failed, .closed:
            preconditionFailure("Cannot challenge a client that has not asked for it")
        }
        AuthPacket(reason: .continueAuthentication, properties: properties).encode(into: &buffer)
    }

    /// Tells a client that has authenticated again that it may stay.
    package mutating func authenticated(_ properties: [UInt8], into buffer: inout ByteBuffer) {
        guard case .open = state else { preconditionFailure("Cannot end an exchange while the session is not open") }
        AuthPacket(reason: .success, properties: properties).encode(into: &buffer)
    }

    /// Turns the client away: appends a CONNACK with `reason`, or the return code that stands for it before MQTT 5.
    /// - Parameter cause: what the reason string says, unless the client has no room for it [MQTT-3.2.2-19].
    package mutating func refused(_ reason: ReasonCode, because cause: String = "", into buffer: inout ByteBuffer) {
        guard case .opening(let peer) = state else {
            preconditionFailure("Cannot refuse a session without its CONNECT")
        }
        precondition(reason.isFailure)
        turnAway(reason, cause, peer.version, packetSizeMax: peer.maximumPacketSize, into: &buffer)
        state = .closed
    }

    private func turnAway(
        _ reason: ReasonCode, _ cause: String, _ version: ProtocolVersion, packetSizeMax: UInt32,
        into buffer: inout ByteBuffer
    ) {
        var connack = ConnackPacket(version: version, reason: reason, properties: ReasonString.properties(cause))
        if connack.encodedSize > Int(packetSizeMax) { connack.properties = [] }
        if connack.encodedSize <= Int(packetSizeMax) { connack.encode(into: &buffer) }
    }

    /// Ends the connection from our side: appends what the client's version has to say so, which is nothing before
    /// MQTT 5.
    /// - Parameter cause: what the reason string says, unless the client has no room for it [MQTT-3.14.2-3].
    package mutating func terminated(
        _ reason: ReasonCode, because cause: String = "", into buffer: inout ByteBuffer
    ) {
        switch state {
        case .opening(let peer), .authenticating(let peer):
            state = .opening(peer)
            return refused(Self.refusal(reason), because: cause, into: &buffer)
        case .open(let peer), .failed(let peer?): sayGoodbye(reason, cause, peer, into: &buffer)
        case .awaitingConnect, .failed(nil), .closed: break
        }
        state = .closed
    }

    /// What a CONNACK says instead of a reason that only DISCONNECT has.
    private static func refusal(_ reason: ReasonCode) -> ReasonCode {
        if reason.isDefined(for: .connack) { return reason }
        switch reason {
        case .serverShuttingDown: return .serverUnavailable
        case .sessionTakenOver, .administrativeAction: return .unspecifiedError
        case _: return .protocolError
        }
    }

    /// Ends the connection because its bytes are no packets: appends a CONNACK or DISCONNECT that says so where there
    /// is one.
    ///
    /// - Parameters:
    ///   - version: what the decoder knows the client's version to be.
    ///   - packetSizeMax: what a CONNECT said before it went wrong.
    package mutating func malformed(
        _ error: MQTTDecodeError, version: ProtocolVersion, packetSizeMax: UInt32, into buffer: inout ByteBuffer
    ) {
        let cause = error.description
        guard case .awaitingConnect = state else {
            return terminated(error.reasonCode, because: cause, into: &buffer)
        }
        state = .closed
        guard version == .v5 || error.cause == .protocolLevelUnsupported else { return }
        let isDefined = error.reasonCode.isDefined(for: .connack)
        turnAway(
            isDefined ? error.reasonCode : .malformedPacket, cause, version, packetSizeMax: packetSizeMax,
            into: &buffer)
    }

    private func sayGoodbye(
        _ reason: ReasonCode, _ cause: String, _ peer: SessionPeer, into buffer: inout ByteBuffer
    ) {
        assert(reason.isDefined(for: .disconnect))
        guard peer.version == .v5 else { return }
        var packet = DisconnectPacket(
            version: peer.version, reason: reason, properties: ReasonString.properties(cause))
        if packet.encodedSize > Int(peer.maximumPacketSize) { packet.properties = [] }
        packet.encode(into: &buffer)
    }

    // MARK: Inbound messages

    /// Lets `alias` stand for `token` in this connection; the answer to `.namedAlias`. `UInt64.max` is no token.
    package mutating func bindAlias(_ alias: UInt16, to token: UInt64) { inbound.bind(alias, to: token) }

    /// Notes that PUBACKs for `publishCount` messages are on their way to the client: a PUBLISH that was postponed for
    /// them can be taken.
    @inline(__always)
    package mutating func acknowledged(publishCount: Int) { inbound.acknowledged(publishCount) }

    /// Notes that a QoS 2 message was refused with a PUBREC of 0x80 or above: its identifier is free at once, unless
    /// its client has released it without waiting for the PUBREC.
    package mutating func refused(_ packetID: PacketID) { _ = inbound.unreleased.remove(packetID) }

    /// QoS 1 messages of this connection whose PUBACK did not leave yet.
    package var unacknowledgedCount: Int { inbound.unacknowledgedCount }

    // MARK: Deliveries

    /// Takes a packet identifier for a delivery of `qos` 1 or 2, or nil when the window is full: deliveries that end
    /// make room.
    ///
    /// - Parameter token: what the actions about this delivery will call it.
    package mutating func send(qos: QoS, token: UInt64) -> PacketID? {
        guard case .open = state else { preconditionFailure("Cannot send while the session is not open") }
        switch qos {
        case .atMostOnce: preconditionFailure("Cannot number a delivery of QoS 0")
        case .atLeastOnce: return outbound.send(token, .awaitingPuback)
        case .exactlyOnce: return outbound.send(token, .awaitingPubrec)
        }
    }

    /// Ends a delivery whose message is gone, so that it cannot be made again on this connection.
    /// - Returns: whether the client is to be sent PUBREL now: it may know the identifier.
    package mutating func abandon(_ packetID: PacketID) -> Bool { outbound.abandon(packetID) }

    /// How many deliveries may be in flight at once.
    package var deliveryWindow: Int { outbound.window }

    /// Whether `send` would find room.
    package var hasRoom: Bool { outbound.hasRoom }

    /// Deliveries in flight.
    package var inflightCount: Int { outbound.count }

    /// What must be stored to resume the session on another connection: QoS 2 messages that wait for PUBREL, and
    /// deliveries in flight in send order.
    package var storedFlows: StoredFlows {
        StoredFlows(unreleased: inbound.unreleased.sorted, inflight: outbound.deliveries)
    }

    // MARK: Queries

    /// Whether packets flow.
    package var isOpen: Bool {
        switch state {
        case .open: true
        case .awaitingConnect, .opening, .authenticating, .failed, .closed: false
        }
    }

    /// Whether nothing more will be read or written.
    package var isClosed: Bool {
        switch state {
        case .closed: true
        case .awaitingConnect, .opening, .authenticating, .open, .failed: false
        }
    }

    /// The version of the connection, nil before its CONNECT and after its end.
    package var version: ProtocolVersion? {
        switch state {
        case .opening(let peer), .authenticating(let peer), .open(let peer): peer.version
        case .failed(let peer): peer?.version
        case .awaitingConnect, .closed: nil
        }
    }

    /// The largest packet that the client takes; larger ones are not sent and count as delivered.
    package var maximumPacketSize: UInt32 { peer?.maximumPacketSize ?? 0 }

    /// The largest topic alias that may be sent to the client.
    package var topicAliasMaximum: UInt16 { peer?.topicAliasMaximum ?? 0 }

    /// Whether failures may carry reason strings and user properties.
    package var requestsProblemInformation: Bool { peer?.requestsProblemInformation ?? false }

    /// Seconds that the session lives on when its connection is lost.
    package var sessionExpirySeconds: UInt32 { peer?.sessionExpirySeconds ?? 0 }

    private var peer: SessionPeer? {
        switch state {
        case .opening(let peer), .authenticating(let peer), .open(let peer): peer
        case .awaitingConnect, .failed, .closed: nil
        }
    }
}

/// What of a session outlives its connection, besides its subscriptions.
package struct StoredFlows: Equatable, Sendable {
    /// QoS 2 messages from the client that wait for their PUBREL.
    package var unreleased: [PacketID]
    /// Deliveries to the client, in send order.
    package var inflight: [InflightDelivery]

    /// Flows from their parts.
    package init(unreleased: [PacketID] = [], inflight: [InflightDelivery] = []) {
        self.unreleased = unreleased
        self.inflight = inflight
    }
}
