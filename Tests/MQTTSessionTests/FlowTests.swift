import MQTTSession
import MQTTWire
import SluiceCore
import Testing

@Suite("Messages from the client")
struct InboundTests {
    @Test("A QoS 2 message is published once, its repetition answered, and its identifier free after PUBREL")
    func exactlyOnce() {
        for version in ProtocolVersion.allCases {
            var peer = openPeer(version)
            #expect(peer.receive(publish(.exactlyOnce, 7, version: version)).published?.packetID == 7)
            #expect(peer.receive(publish(.exactlyOnce, 7, duplicate: true, version: version)) == .repeated(7))
            #expect(peer.receive(acknowledgement(.pubrel, 7, version: version)) == .release(7))
            #expect(peer.receive(acknowledgement(.pubrel, 7, version: version)) == .releaseUnknown(7))
            #expect(peer.receive(publish(.exactlyOnce, 7, version: version)).published?.packetID == 7)
        }
    }

    @Test("Identifiers that wait for PUBREL survive the connection")
    func resumed() {
        var first = openPeer(.v5)
        for id in [3, 1, 2] as [PacketID] { #expect(first.receive(publish(.exactlyOnce, id)).published != nil) }
        let stored = first.session.storedFlows
        #expect(stored == StoredFlows(unreleased: [1, 2, 3]))
        var second = Peer(.v5)
        second.open(resuming: stored)
        #expect(second.receive(publish(.exactlyOnce, 2, duplicate: true)) == .repeated(2))
        #expect(second.receive(acknowledgement(.pubrel, 3)) == .release(3))
    }

    @Test("A PUBREL that comes again after its session was resumed has lost its PUBCOMP, and is no error")
    func repeatedRelease() {
        for stored in [StoredFlows(), StoredFlows(unreleased: [9])] {
            var resumed = Peer(.v5)
            resumed.open(resuming: stored)
            #expect(resumed.receive(acknowledgement(.pubrel, 7)) == .releaseRepeated(7))
        }
        var fresh = openPeer(.v5)
        #expect(fresh.receive(acknowledgement(.pubrel, 7)) == .releaseUnknown(7))
    }

    @Test("A refused QoS 2 message frees its identifier at once")
    func refused() {
        var peer = openPeer(.v5)
        #expect(peer.receive(publish(.exactlyOnce, 5)).published != nil)
        peer.session.refused(5)
        #expect(peer.receive(publish(.exactlyOnce, 5)).published != nil)
        #expect(peer.receive(acknowledgement(.pubrel, 5)) == .release(5))
        // Its client has released it without waiting for the PUBREC.
        peer.session.refused(5)
        #expect(peer.session.storedFlows.unreleased.isEmpty)
    }

    @Test("Beyond the Receive Maximum a PUBLISH of QoS 1 waits in MQTT 5, and each PUBACK makes room for exactly one")
    func receiveMaximum() {
        var offer = SessionOffer()
        offer.receiveMaximum = 2
        var peer = openPeer(.v5, offer: offer)
        for id in [1, 2] as [PacketID] { #expect(peer.receive(publish(.atLeastOnce, id)).published != nil) }
        #expect(peer.receive(publish(.atMostOnce)).published != nil)
        for _ in 0..<2 { #expect(peer.receive(publish(.atLeastOnce, 3)) == .postpone) }
        peer.session.acknowledged(publishCount: 1)
        #expect(peer.receive(publish(.atLeastOnce, 3)).published != nil)
        #expect(peer.receive(publish(.atLeastOnce, 4)) == .postpone)
        // What has a step to take itself must not wait for it behind this.
        for id in 5...9 as ClosedRange<UInt16> {
            #expect(peer.receive(publish(.exactlyOnce, PacketID(rawValue: id))).published != nil)
        }
        #expect(peer.receive(acknowledgement(.pubrel, 5)) == .release(5))

        var old = openPeer(.v311, offer: offer)
        for id in 1...5 as ClosedRange<UInt16> {
            #expect(old.receive(publish(.atLeastOnce, PacketID(rawValue: id), version: .v311)).published != nil)
        }
        #expect(old.session.unacknowledgedCount == 5)
    }

    @Test("Every identifier can wait for PUBREL at once")
    func allIdentifiers() {
        var peer = openPeer(.v311)
        for id in UInt16(1)...UInt16.max {
            guard peer.receive(publish(.exactlyOnce, PacketID(rawValue: id), version: .v311)).published != nil else {
                Issue.record("\(id)")
                return
            }
        }
        #expect(peer.session.storedFlows.unreleased.count == 65_535)
        for id in UInt16(1)...UInt16.max {
            let packetID = PacketID(rawValue: id)
            guard peer.receive(acknowledgement(.pubrel, packetID, version: .v311)) == .release(packetID) else {
                Issue.record("\(id)")
                return
            }
        }
        #expect(peer.session.storedFlows == StoredFlows())
    }

    @Test("An alias stands for what its owner bound it to, until it is bound again")
    func aliases() {
        var peer = openPeer(.v5)
        let named = publish(topic: "a/b", alias: 3)
        #expect(peer.receive(publish(topic: "", alias: 3)) == .close(.topicAliasUnknown))
        peer = openPeer(.v5)
        guard case .namedAlias(let range, alias: 3) = peer.receive(named).published?.topic else {
            Issue.record("no alias")
            return
        }
        #expect(named.span.copy(range) == Array("a/b".utf8))
        peer.session.bindAlias(3, to: 99)
        #expect(peer.receive(publish(topic: "", alias: 3)).published?.topic == .token(99))
        #expect(peer.receive(publish(topic: "c", alias: 3)).published != nil)
        peer.session.bindAlias(3, to: 100)
        #expect(peer.receive(publish(topic: "", alias: 3)).published?.topic == .token(100))
        #expect(peer.receive(publish(topic: "", alias: 2)) == .close(.topicAliasUnknown))
    }

    @Test("A new name for an alias that is not bound leaves none")
    func aliasWithoutBinding() {
        var peer = openPeer(.v5)
        #expect(peer.receive(publish(topic: "a", alias: 1)).published != nil)
        peer.session.bindAlias(1, to: 1)
        #expect(peer.receive(publish(topic: "b", alias: 1)).published != nil)
        #expect(peer.receive(publish(topic: "", alias: 1)) == .close(.topicAliasUnknown))
    }

    @Test("An alias above the announced maximum is 0x94")
    func aliasTooLarge() {
        var peer = openPeer(.v5)
        let most = SessionOffer().topicAliasMaximum
        #expect(peer.receive(publish(topic: "a", alias: most)).published != nil)
        #expect(peer.receive(publish(topic: "a", alias: most + 1)) == .close(.topicAliasInvalid))
        #expect(SessionFault.topicAliasInvalid.reasonCode == .topicAliasInvalid)
    }

    @Test("RETAIN closes where there is none")
    func retain() {
        let retained = "3104 0001 74 00"
        var peer = openPeer(.v5)
        #expect(peer.receive(retained) == .close(.retainNotSupported))
        var offer = SessionOffer()
        offer.isRetainAvailable = true
        var allowed = openPeer(.v5, offer: offer)
        #expect(allowed.receive(retained).published?.retain == true)
        var old = openPeer(.v311)
        #expect(old.receive("3104 0001 74 00") == .close(.retainNotSupported))
    }

    @Test("a QoS above the maximum closes, on the short way too", arguments: [ProtocolVersion.v311, .v5])
    func maximumQoS(version: ProtocolVersion) {
        for most in QoS.allCases {
            var offer = SessionOffer()
            offer.maximumQoS = most
            for qos in QoS.allCases {
                var peer = openPeer(version, offer: offer)
                if qos > most { #expect(peer.session.takesPlain(qos: qos, now: 0) == false) }
                let action = peer.receive(publish(qos, version: version))
                if qos > most {
                    #expect(action == .close(.qosNotSupported))
                } else {
                    #expect(action.published?.qos == qos)
                }
            }
        }
    }
}

@Suite("Deliveries to the client")
struct OutboundTests {
    @Test("The client's Receive Maximum bounds the window, and an acknowledgement lets exactly the next one go")
    func window() {
        for most in [1, 2] as [UInt16] {
            var peer = openPeer(.v5, receiveMaximum: most)
            var sent: [PacketID] = []
            while let id = peer.session.send(qos: .atLeastOnce, token: UInt64(sent.count)) { sent.append(id) }
            #expect(sent.count == most)
            #expect(peer.session.hasRoom == false)
            for round in 0..<10 as Range<UInt64> {
                #expect(peer.receive(acknowledgement(.puback, sent.removeFirst())) == .delivered(token: round))
                guard let id = peer.session.send(qos: .atLeastOnce, token: round + UInt64(most)) else {
                    Issue.record("no room")
                    return
                }
                sent.append(id)
                #expect(peer.session.send(qos: .exactlyOnce, token: 0) == nil)
            }
        }
    }

    @Test("A QoS 2 delivery goes through PUBREC, PUBREL and PUBCOMP")
    func exactlyOnce() throws {
        for version in ProtocolVersion.allCases {
            var peer = openPeer(version)
            let id = try peer.send(qos: .exactlyOnce, token: 42)
            let pubrec = acknowledgement(.pubrec, id, version: version)
            #expect(peer.receive(pubrec) == .sendPubrel(id, token: 42))
            #expect(peer.receive(pubrec) == .sendPubrel(id, token: 42))
            #expect(peer.session.storedFlows.inflight.map(\.stage) == [.awaitingPubcomp])
            let pubcomp = acknowledgement(.pubcomp, id, version: version)
            #expect(peer.receive(pubcomp) == .completed(id, token: 42))
            #expect(peer.receive(pubcomp) == .none)
            #expect(peer.session.inflightCount == 0)
        }
    }

    @Test("A failing PUBREC or PUBACK ends the flow and frees its identifier")
    func rejected() throws {
        var peer = openPeer(.v5, receiveMaximum: 1)
        for (qos, kind) in [(QoS.exactlyOnce, AcknowledgementKind.pubrec), (.atLeastOnce, .puback)] {
            let id = try peer.send(qos: qos, token: 1)
            #expect(
                peer.receive(acknowledgement(kind, id, .quotaExceeded))
                    == .rejected(id, token: 1, reason: .quotaExceeded))
            #expect(peer.session.hasRoom == true)
        }
    }

    @Test("An acknowledgement of the wrong kind closes")
    func wrongKind() throws {
        let table: [(QoS, Bool, AcknowledgementKind)] = [
            (.atLeastOnce, false, .pubrec), (.atLeastOnce, false, .pubcomp), (.exactlyOnce, false, .puback),
            (.exactlyOnce, false, .pubcomp), (.exactlyOnce, true, .puback),
        ]
        for (qos, isReleased, kind) in table {
            var peer = openPeer(.v5)
            let id = try peer.send(qos: qos, token: 1)
            if isReleased { _ = peer.receive(acknowledgement(.pubrec, id)) }
            #expect(peer.receive(acknowledgement(kind, id)) == .close(.acknowledgementMismatch))
            #expect(peer.receive("c000") == .none)
        }
    }

    @Test("Unknown identifiers: PUBREC is answered unless it fails, PUBACK and PUBCOMP are ignored")
    func unknown() {
        var peer = openPeer(.v5)
        #expect(peer.receive(acknowledgement(.pubrec, 900)) == .sendPubrelUnknown(900))
        #expect(peer.receive(acknowledgement(.pubrec, 900, .quotaExceeded)) == .none)
        #expect(peer.receive(acknowledgement(.puback, 900)) == .none)
        #expect(peer.receive(acknowledgement(.pubcomp, 900)) == .none)
    }

    @Test("Deliveries are stored in send order and resumed with their identifiers and stages")
    func resumed() throws {
        var peer = openPeer(.v5)
        var ids: [PacketID] = []
        for token in 0..<6 as Range<UInt64> {
            ids.append(try peer.send(qos: token % 2 == 0 ? .atLeastOnce : .exactlyOnce, token: token))
        }
        #expect(peer.receive(acknowledgement(.puback, ids[2])) == .delivered(token: 2))
        #expect(peer.receive(acknowledgement(.pubrec, ids[1])) == .sendPubrel(ids[1], token: 1))
        let reused = try peer.send(qos: .atLeastOnce, token: 6)
        #expect(reused == ids[2])
        let stored = peer.session.storedFlows
        #expect(stored.inflight.map(\.token) == [0, 1, 3, 4, 5, 6])

        var next = Peer(.v5)
        next.open(resuming: stored)
        #expect(next.session.storedFlows == stored)
        #expect(next.receive(acknowledgement(.pubcomp, ids[1])) == .completed(ids[1], token: 1))
        #expect(next.session.send(qos: .atLeastOnce, token: 7) == ids[1])
        #expect(next.session.send(qos: .atLeastOnce, token: 8) == 7)
        #expect(next.session.storedFlows.inflight.map(\.token) == [0, 3, 4, 5, 6, 7, 8])
    }

    @Test("An idle session gives back the memory of a large window and goes on")
    func trimmed() throws {
        var peer = openPeer(.v5)
        var sent: [PacketID] = []
        while let id = peer.session.send(qos: .atLeastOnce, token: 0) { sent.append(id) }
        #expect(sent.count == Limits().inflightOutboundMax)
        for id in sent { #expect(peer.receive(acknowledgement(.puback, id)) == .delivered(token: 0)) }
        #expect(peer.session.elapsed(now: 0) == .none)
        #expect(peer.session.send(qos: .atLeastOnce, token: 0) == 1)
    }

    @Test("Whatever is acknowledged when, the window agrees with a list", arguments: 0..<20 as Range<UInt64>)
    func againstModel(_ seed: UInt64) {
        var random = Seeded(state: seed)
        var peer = openPeer(.v5, receiveMaximum: 8)
        var model: [InflightDelivery] = []
        for step in 0..<2000 as Range<UInt64> {
            if Bool.random(using: &random) {
                let qos: QoS = Bool.random(using: &random) ? .atLeastOnce : .exactlyOnce
                let id = peer.session.send(qos: qos, token: step)
                #expect((id != nil) == (model.count < 8))
                guard let id else { continue }
                #expect(!model.contains { $0.packetID == id })
                let stage: InflightDelivery.Stage = qos == .atLeastOnce ? .awaitingPuback : .awaitingPubrec
                model.append(InflightDelivery(packetID: id, token: step, stage: stage))
            } else if let index = model.indices.randomElement(using: &random) {
                let delivery = model[index]
                switch delivery.stage {
                case .awaitingPuback:
                    let action = peer.receive(acknowledgement(.puback, delivery.packetID))
                    #expect(action == .delivered(token: delivery.token))
                    model.remove(at: index)
                case .awaitingPubrec:
                    let action = peer.receive(acknowledgement(.pubrec, delivery.packetID))
                    #expect(action == .sendPubrel(delivery.packetID, token: delivery.token))
                    model[index].stage = .awaitingPubcomp
                case .awaitingPubcomp:
                    let action = peer.receive(acknowledgement(.pubcomp, delivery.packetID))
                    #expect(action == .completed(delivery.packetID, token: delivery.token))
                    model.remove(at: index)
                }
            }
            #expect(peer.session.storedFlows.inflight == model, "seed \(seed)")
        }
    }
}

/// A seeded generator (SplitMix64), so that a failure can be repeated.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
