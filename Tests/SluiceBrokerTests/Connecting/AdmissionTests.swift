import MQTTWire
import SluiceCore
import Speaking
import Testing

@testable import SluiceBroker

/// An authenticator that answers when the test does.
// Sendable: one thread.
private final class LateAuthenticator: Authenticator, @unchecked Sendable {
    private(set) var asked: [Credentials] = []
    private(set) var tickets: [AuthenticationTicket] = []

    func authenticate(_ credentials: Credentials, _ ticket: AuthenticationTicket) -> AuthenticationAnswer? {
        asked.append(credentials)
        tickets.append(ticket)
        return nil
    }
}

/// An authenticator that knows at once.
private struct PromptAuthenticator: Authenticator {
    let answer: AuthenticationAnswer

    func authenticate(_ credentials: Credentials, _ ticket: AuthenticationTicket) -> AuthenticationAnswer? { answer }
}

@Suite("Who a client is")
struct AdmissionTests {
    private let late = LateAuthenticator()

    private func hello(_ client: TestClient, _ id: String, _ version: ProtocolVersion = .v5, clean: Bool = true) {
        client.send {
            ConnectPacket(
                version: version, clientID: Array(id.utf8), cleanStart: clean, userName: Array("ada".utf8),
                password: Array("secret".utf8)
            ).encode(into: &$0)
        }
    }

    private func connecting(_ test: TestShard, _ id: String = "a", _ version: ProtocolVersion = .v5) -> TestClient {
        let client = TestClient(test, version)
        hello(client, id, version)
        return client
    }

    @Test("nobody is asked anything unless an authenticator is set")
    func isOpen() {
        let test = TestShard()
        let client = connecting(test)
        #expect(client.take() == ["connack 0"])
        #expect(client.client?.principal == .anonymous)
    }

    @Test("an answer at once is the CONNACK's, with the code of the client's version")
    func answersAtOnce() {
        let accepting = TestShard(admission: PromptAuthenticator(answer: .accepted(.user("ada"))))
        let client = connecting(accepting)
        #expect(client.take() == ["connack 0"])
        #expect(client.client?.principal == .user("ada"))
        for (answer, v5, v3) in Self.refusals {
            let test = TestShard(admission: PromptAuthenticator(answer: answer))
            #expect(connecting(test).take() == ["connack \(v5)"])
            let old = connecting(test, "old", .v311)
            #expect(old.take() == ["connack \(v3)"])
            #expect(old.isClosed)
        }
    }

    private static let refusals: [(AuthenticationAnswer, v5: Int, v3: Int)] = [
        (.badCredentials, 0x86, 4), (.notAuthorized, 0x87, 5), (.unavailable, 0x88, 3),
    ]

    @Test("a later answer lets the client in; what it sent meanwhile waited")
    func acceptsLater() {
        let test = TestShard(admission: late)
        let client = connecting(test)
        #expect(client.take() == [])
        #expect(late.asked.count == 1)
        #expect(late.asked[0].identifier == Array("a".utf8))
        #expect(late.asked[0].userName == Array("ada".utf8))
        #expect(late.asked[0].password == Array("secret".utf8))
        #expect(late.asked[0].peer.address == "test")
        client.subscribe("t", qos: .atMostOnce)
        #expect(client.client?.mustWait == true)
        #expect(client.take() == [])
        late.tickets[0].answer(.accepted(.user("ada")))
        #expect(client.take() == [], "the loop looks at its mailbox first")
        test.tick()
        #expect(client.take() == ["connack 0"])
        #expect(client.client?.principal == .user("ada"))
        #expect(client.client?.mustWait == false)
        #expect(client.resumedCount == 1)
        client.subscribe("t", qos: .atMostOnce)
        #expect(client.take() == ["suback [0]"])
    }

    @Test("a later refusal says why, and closes")
    func refusesLater() {
        for (answer, v5, v3) in Self.refusals {
            let late = LateAuthenticator()
            let test = TestShard(admission: late)
            let (new, old) = (connecting(test, "new"), connecting(test, "old", .v31))
            for ticket in late.tickets { ticket.answer(answer) }
            test.tick()
            #expect(new.take() == ["connack \(v5)"])
            #expect(old.take() == ["connack \(v3)"])
            #expect(new.isClosed && old.isClosed)
            #expect(
                test.peers.withDirectory { $0.claim([1], by: ClientOwner(shard: 0, number: 99)) } == .granted(from: nil)
            )
        }
    }

    @Test("an answer for a client that is gone, and a second one, change nothing")
    func answersNobody() {
        let test = TestShard(admission: late)
        let gone = connecting(test, "a")
        gone.drop()
        late.tickets[0].answer(.accepted(.user("ada")))
        test.tick()
        #expect(gone.take() == [])
        let client = connecting(test, "a")
        late.tickets[1].answer(.accepted(.user("ada")))
        late.tickets[1].answer(.badCredentials)
        test.tick()
        late.tickets[1].answer(.badCredentials)
        test.tick()
        #expect(client.take() == ["connack 0"])
        #expect(!client.isClosed)
    }

    @Test("who is not known yet takes no session over; who is, does")
    func takesOver() {
        let test = TestShard(admission: late)
        let holder = connecting(test, "a")
        late.tickets[0].answer(.accepted(.user("ada")))
        test.tick()
        #expect(holder.take() == ["connack 0"])
        let stranger = connecting(test, "a")
        #expect(!holder.isClosed)
        late.tickets[1].answer(.badCredentials)
        test.tick()
        #expect(stranger.take() == ["connack 134"])
        #expect(!holder.isClosed)
        let (first, second) = (connecting(test, "a"), connecting(test, "a"))
        // The second is known first; the first comes later, and has the session then.
        late.tickets[3].answer(.accepted(.user("ada")))
        test.tick()
        #expect(holder.take() == ["disconnect 142"])
        #expect(second.take() == ["connack 0"])
        late.tickets[2].answer(.accepted(.user("ada")))
        test.tick()
        #expect(second.take() == ["disconnect 142"])
        #expect(first.take() == ["connack 0"])
    }

    @Test("nobody waits for an answer for longer than for a CONNECT; time in which the loop stood still is not counted")
    func expires() {
        var limits = Limits()
        limits.connectSecondsMax = 5
        let test = TestShard(limits: limits, admission: late)
        let client = connecting(test)
        let old = connecting(test, "old", .v311)
        test.pass(seconds: 4)
        #expect(client.take() == [])
        test.shard.now += 3_000_000_000
        test.shard.stoodStill(for: 3_000_000_000)
        test.shard.elapsed()
        test.tick()
        #expect(client.take() == [])
        test.pass(seconds: 1)
        #expect(client.take() == ["connack 136"])
        #expect(old.take() == ["connack 3"])
        #expect(client.isClosed && old.isClosed)
        #expect(test.reportLines.last?.contains("nobody could say within 5 s who it is") == true)
        late.tickets[0].answer(.accepted(.user("ada")))
        test.tick()
        #expect(client.take() == [])
    }

    @Test("a node that drains lets nobody wait: an answer in time is a CONNACK, and the end is told to the others")
    func drains() {
        let test = TestShard(admission: late)
        let (first, second) = (connecting(test, "a"), connecting(test, "b"))
        test.shard.beginDrain()
        #expect(test.shard.isDrained)
        late.tickets[0].answer(.accepted(.user("ada")))
        test.tick()
        #expect(first.take() == ["connack 0"])
        test.shard.shutDown()
        #expect(first.take() == ["disconnect 139"])
        #expect(second.take() == ["connack 136"])
        #expect(second.isClosed)
        late.tickets[1].answer(.accepted(.user("ada")))
        test.tick()
        #expect(second.take() == [])
    }

    @Test("whoever comes when there are too many costs no hash, and an exchange asks nobody else")
    func asksInVain() {
        let test = TestShard(authenticator: nil, admission: late)
        let surplus = TestClient(test, .v5, refusal: ConnectionRefusal(.tooMany, "there are as many as may be"))
        hello(surplus, "a")
        #expect(surplus.take() == ["connack 151"])
        let exchanging = TestClient(test, .v5)
        let method = PropertyWriter.bytes {
            PropertyWriter.append(.authenticationMethod, Array("SCRAM".utf8).span, to: &$0)
        }
        exchanging.send { ConnectPacket(version: .v5, clientID: [98], properties: method).encode(into: &$0) }
        #expect(exchanging.take() == ["connack 140"])
        #expect(late.asked.isEmpty)
    }
}
