import MQTTSession
import MQTTWire
import SluiceCore
import Testing

@Suite("What an owner must never do")
struct PreconditionTests {
    @Test("Opening without a CONNECT traps")
    func openedEarly() async {
        await #expect(processExitsWith: .failure) {
            var peer = Peer(.v5)
            _ = peer.writtenBy { $0.opened(SessionOffer(), assignedClientID: Span(), now: 0, into: &$1) }
        }
    }

    @Test("Sending before the session is open traps")
    func sentEarly() async {
        await #expect(processExitsWith: .failure) {
            var peer = Peer(.v5)
            _ = peer.session.send(qos: .atLeastOnce, token: 0)
        }
    }

    @Test("Numbering a delivery of QoS 0 traps")
    func sentQoS0() async {
        await #expect(processExitsWith: .failure) {
            var peer = openPeer(.v5)
            _ = peer.session.send(qos: .atMostOnce, token: 0)
        }
    }
}
