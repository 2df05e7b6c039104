import MQTTSession
import MQTTWire
import SluiceCore
import Testing

@Suite("Every event in every state")
struct StateTests {
    enum State: CaseIterable { case awaitingConnect, opening, open, failed, closed }

    enum Event: String, CaseIterable {
        case connect = "1013 0004 4d515454 05 02 000a 03 210005 0003 616263"
        case connack = "2003 0000 00"
        case publish = "3004 0001 74 00"
        case puback = "4002 0009"
        case pubrec = "5002 0009"
        case pubrel = "6202 0009"
        case pubcomp = "7002 0009"
        case subscribe = "8207 0001 00 000161 00"
        case suback = "9004 0001 00 00"
        case unsubscribe = "a206 0001 00 000161"
        case unsuback = "b004 0001 00 00"
        case pingreq = "c000"
        case pingresp = "d000"
        case disconnect = "e000"
        case auth = "f006 18 04 15 0001 61"
        case early = ""
        case late = " "
    }

    /// The action's name, without what it carries, except for faults.
    private func name(_ action: SessionAction) -> String {
        switch action {
        case .close(let fault): "close \(fault.rawValue)"
        case .none, .postpone, .open, .authenticate, .refuse, .publish, .repeated, .release, .releaseUnknown,
            .releaseRepeated, .delivered, .completed, .rejected, .sendPubrel, .sendPubrelUnknown, .subscribe,
            .unsubscribe, .ping, .disconnect:
            "\(action)".split(separator: "(").first.map(String.init) ?? ""
        }
    }

    private func close(_ fault: SessionFault) -> String { "close \(fault.rawValue)" }

    private func peer(in state: State) -> Peer {
        var peer = Peer(.v5)
        switch state {
        case .awaitingConnect: break
        case .opening: _ = peer.receive(Event.connect.rawValue)
        case .open: peer.open(ConnectPacket(version: .v5, clientID: [0x61], keepAliveSeconds: 10))
        case .failed:
            peer.open()
            _ = peer.receive(Event.connect.rawValue)
        case .closed:
            peer.open()
            _ = peer.receive(Event.disconnect.rawValue)
        }
        return peer
    }

    private func expected(_ state: State, _ event: Event) -> String {
        switch (state, event) {
        case (.awaitingConnect, .connect): "open"
        case (.awaitingConnect, .early): "none"
        case (.awaitingConnect, .late): close(.connectTimeout)
        case (.awaitingConnect, _): close(.connectExpected)
        case (.opening, .early), (.opening, .late): "none"
        case (.opening, _): "postpone"
        case (.failed, _), (.closed, _): "none"
        case (.open, .connect): close(.connectRepeated)
        case (.open, .publish): "publish"
        case (.open, .puback), (.open, .pubcomp): "none"
        case (.open, .pubrec): "sendPubrelUnknown"
        case (.open, .pubrel): "releaseUnknown"
        case (.open, .subscribe): "subscribe"
        case (.open, .unsubscribe): "unsubscribe"
        case (.open, .pingreq): "ping"
        case (.open, .disconnect): "disconnect"
        case (.open, .auth): close(.authenticationUnexpected)
        case (.open, .connack), (.open, .suback), (.open, .unsuback), (.open, .pingresp): close(.packetFromWrongSide)
        case (.open, .early): "none"
        case (.open, .late): close(.keepAliveTimeout)
        }
    }

    @Test("Each event has the one action that the table says", arguments: State.allCases, Event.allCases)
    func table(_ state: State, _ event: Event) {
        var peer = peer(in: state)
        let action =
            switch event {
            case .early: peer.session.elapsed(now: 9 * second)
            case .late: peer.session.elapsed(now: 15 * second)
            case .connect, .connack, .publish, .puback, .pubrec, .pubrel, .pubcomp, .subscribe, .suback, .unsubscribe,
                .unsuback, .pingreq, .pingresp, .disconnect, .auth:
                peer.receive(event.rawValue, now: second)
            }
        #expect(name(action) == expected(state, event))
        if case .close(let fault) = action {
            // Once failed, nothing is answered, and the client of MQTT 5 that said so is told why.
            #expect(peer.receive(Event.pingreq.rawValue) == .none)
            let farewell = state == .open ? [0xE0, 1, fault.reasonCode.rawValue] : []
            #expect(peer.terminate(fault.reasonCode) == farewell)
            #expect(peer.session.isClosed == true)
        }
    }

    @Test("Termination in each state says what the client can understand", arguments: State.allCases)
    func terminated(_ state: State) {
        var peer = peer(in: state)
        let expected: [UInt8] =
            switch state {
            case .awaitingConnect, .closed: []
            case .opening: [0x20, 3, 0, 0x88, 0]
            case .open, .failed: [0xE0, 1, 0x8B]
            }
        #expect(peer.terminate(.serverShuttingDown) == expected)
        #expect(peer.session.isClosed == true)
        #expect(peer.terminate(.serverShuttingDown) == [])
    }

    @Test("Whatever ends a session before it opens is a reason that CONNACK has", arguments: 0x80...UInt8(0xA2))
    func terminatedEarly(_ rawValue: UInt8) {
        let reason = ReasonCode(rawValue: rawValue)
        guard reason.isDefined(for: .disconnect) else { return }
        var peer = peer(in: .opening)
        let told = peer.terminate(reason)
        #expect(told.count == 5 && told.prefix(3) == [0x20, 3, 0])
        #expect(ReasonCode(rawValue: told[3]).isDefined(for: .connack))
        if reason.isDefined(for: .connack) { #expect(told[3] == rawValue) }
    }

    @Test("Every fault has a clause, a summary and a reason that DISCONNECT has")
    func faults() {
        for fault in SessionFault.allCases {
            #expect(fault.reasonCode.isDefined(for: .disconnect) && fault.reasonCode.isFailure)
            #expect(fault.description == "\(fault.summary) [\(fault.clause)]")
        }
    }
}
