import MQTTWire
import SluiceCore
import Speaking
import Testing

@testable import SluiceBroker

/// A method that asks for the reverse of what the client began with.
private struct ReverseAuthenticator: EnhancedAuthenticator {
    struct Exchange: AuthenticationExchange {
        var expected: [UInt8]?
        var principal: Principal { .user(String(decoding: expected ?? [], as: UTF8.self)) }

        mutating func received(_ data: [UInt8]) -> AuthenticationVerdict {
            guard let expected else {
                self.expected = data.reversed()
                return .challenge([63])
            }
            return data == expected ? .accepted([33]) : .rejected
        }
    }

    func begin(_ method: [UInt8], clientID: [UInt8], peer: PeerIdentity) -> (any AuthenticationExchange)? {
        method.elementsEqual("REVERSE".utf8) ? Exchange() : nil
    }
}

@Suite("Authentication exchanges (AUTH)")
struct AuthenticationTests {
    private func properties(_ method: String, _ data: String) -> [UInt8] {
        PropertyWriter.bytes {
            PropertyWriter.append(.authenticationMethod, Array(method.utf8).span, to: &$0)
            PropertyWriter.append(.authenticationData, Array(data.utf8).span, to: &$0)
        }
    }

    private func client(_ test: TestShard, method: String = "REVERSE") -> TestClient {
        let client = TestClient(test, .v5)
        let begin = properties(method, "abc")
        client.send { ConnectPacket(version: .v5, clientID: [97], properties: begin).encode(into: &$0) }
        return client
    }

    private func answer(_ client: TestClient, _ data: String, reason: ReasonCode = .continueAuthentication) {
        let step = properties("REVERSE", data)
        client.send { AuthPacket(reason: reason, properties: step).encode(into: &$0) }
    }

    @Test("a client that answers the challenge is let in, and may authenticate again")
    func accepts() {
        let test = TestShard(authenticator: ReverseAuthenticator())
        let client = client(test)
        #expect(client.take() == ["auth 24"])
        answer(client, "cba")
        #expect(client.take() == ["connack 0"])
        #expect(client.client?.principal == .user("cba"))
        answer(client, "abc", reason: .reauthenticate)
        #expect(client.take() == ["auth 24"])
        answer(client, "cba")
        #expect(client.take() == ["auth 0"])
        #expect(client.client?.principal == .user("cba"))
        answer(client, "abc", reason: .reauthenticate)
        answer(client, "wrong")
        #expect(client.take() == ["auth 24", "disconnect 135"])
    }

    @Test("a client that authenticates again as somebody else is closed: its session is another's")
    func staysWho() {
        let client = client(TestShard(authenticator: ReverseAuthenticator()))
        answer(client, "cba")
        answer(client, "xy", reason: .reauthenticate)
        answer(client, "yx")
        #expect(client.take() == ["auth 24", "connack 0", "auth 24", "disconnect 135"])
    }

    /// The authentication method in each packet that came, nil where there is none.
    private func methods(_ client: TestClient) -> [String?] {
        client.takePackets().map { packet, bytes in
            let properties: ByteRange
            switch packet {
            case .auth(let auth): properties = auth.properties
            case .connack(let connack): properties = connack.properties
            case _: return "no answer"
            }
            var reader = PropertyReader(bytes.span, properties)
            while let property = reader.next() {
                guard property.id == .authenticationMethod, let range = property.bytes else { continue }
                return String(decoding: bytes.span.copy(range), as: UTF8.self)
            }
            return nil
        }
    }

    @Test("every AUTH and the CONNACK name the method of the CONNECT; another one closes; without one there is none")
    func namesMethod() {
        let test = TestShard(authenticator: ReverseAuthenticator())
        let client = client(test)
        #expect(methods(client) == ["REVERSE"])
        answer(client, "cba")
        #expect(methods(client) == ["REVERSE"])
        answer(client, "abc", reason: .reauthenticate)
        answer(client, "cba")
        #expect(methods(client) == ["REVERSE", "REVERSE"])
        let other = properties("OTHER", "xy")
        client.send { AuthPacket(reason: .reauthenticate, properties: other).encode(into: &$0) }
        #expect(client.take() == ["disconnect 140"])
        let plain = TestClient(test, .v5)
        plain.send { ConnectPacket(version: .v5, clientID: [98]).encode(into: &$0) }
        #expect(methods(plain) == [nil])
    }

    @Test("a wrong answer, another packet and an unknown method are refused")
    func refuses() {
        let test = TestShard(authenticator: ReverseAuthenticator())
        let wrong = client(test)
        answer(wrong, "abc")
        #expect(wrong.take() == ["auth 24", "connack 135"])
        let impatient = client(test)
        impatient.subscribe("t", qos: .atMostOnce)
        #expect(impatient.take() == ["auth 24", "connack 130"])
        #expect(client(test, method: "SCRAM").take() == ["connack 140"])
        let small = TestClient(test, .v5)
        let size = PropertyWriter.bytes { PropertyWriter.append(.maximumPacketSize, 15, to: &$0) }
        let begin = properties("REVERSE", "abc") + size
        small.send { ConnectPacket(version: .v5, clientID: [97], properties: begin).encode(into: &$0) }
        #expect(small.take() == ["connack 149"])
        #expect(client(TestShard()).take() == ["connack 140"])
    }
}
