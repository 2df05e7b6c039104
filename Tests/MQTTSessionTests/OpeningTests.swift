import MQTTSession
import MQTTWire
import SluiceCore
import Testing

@Suite("Opening and ending a session")
struct OpeningTests {
    private func connack(_ bytes: [UInt8], _ version: ProtocolVersion) -> (view: Packet.Connack, properties: [String]) {
        guard case .connack(let view) = decode(bytes, version) else { preconditionFailure("no CONNACK") }
        var properties: [String] = []
        var reader = PropertyReader(bytes.span, view.properties)
        while let property = reader.next() {
            let value = property.integer.map(String.init) ?? property.bytes.map { "\(bytes.span.copy($0))" }
            properties.append("\(property.id)=\(value ?? "")")
        }
        return (view, properties)
    }

    @Test("A request carries everything that CONNECT said")
    func request() {
        var peer = Peer(.v5)
        let properties = written {
            PropertyWriter.append(.sessionExpiryInterval, 3600, to: &$0)
            PropertyWriter.append(.receiveMaximum, 5, to: &$0)
            PropertyWriter.append(.maximumPacketSize, 1000, to: &$0)
            PropertyWriter.append(.topicAliasMaximum, 7, to: &$0)
            PropertyWriter.append(.requestProblemInformation, 0, to: &$0)
        }
        let will = ConnectPacket.Will(
            topic: [0x77], payload: [1], qos: .atLeastOnce, retain: true,
            properties: written { PropertyWriter.append(.willDelayInterval, 30, to: &$0) })
        let connect = ConnectPacket(
            version: .v5, clientID: [0x63], cleanStart: false, keepAliveSeconds: 60, will: will, userName: [0x75],
            password: [0, 1], properties: properties)
        guard case .open(let request) = peer.receive(written(connect.encode)) else {
            Issue.record("not opened")
            return
        }
        #expect(request.clientID == [0x63] && request.userName == [0x75] && request.password == [0, 1])
        #expect(request.will == will && request.willDelaySeconds == 30)
        #expect(!request.cleanStart && request.keepAliveSeconds == 60 && request.sessionExpirySeconds == 3600)
        #expect(request.receiveMaximum == 5 && request.maximumPacketSize == 1000 && request.topicAliasMaximum == 7)
        #expect(!request.requestsProblemInformation && request.properties == properties)
        #expect(peer.session.maximumPacketSize == 1000)
        #expect(peer.session.topicAliasMaximum == 7)
        #expect(peer.session.requestsProblemInformation == false)
    }

    @Test("Before MQTT 5 a clean session expires at once and another never")
    func expiryBefore5() {
        for version in [ProtocolVersion.v31, .v311] {
            for clean in [true, false] {
                var peer = Peer(version)
                peer.open(ConnectPacket(version: version, clientID: [0x61], cleanStart: clean))
                #expect(peer.session.sessionExpirySeconds == (clean ? 0 : ConnectRequest.sessionNeverExpires))
                #expect(peer.output == [0x20, 2, 0, 0])
            }
        }
    }

    @Test("CONNACK of MQTT 5 announces what differs from the defaults")
    func announces() {
        var offer = SessionOffer()
        var peer = Peer(.v5)
        peer.open(offer: offer)
        #expect(
            connack(peer.output, .v5).properties == [
                "receiveMaximum=1024", "retainAvailable=0", "maximumPacketSize=2097152", "topicAliasMaximum=64",
                "subscriptionIdentifiersAvailable=0", "sharedSubscriptionAvailable=0",
            ])
        offer.isRetainAvailable = true
        offer.maximumQoS = .atLeastOnce
        offer.areSubscriptionIdentifiersAvailable = true
        offer.areSharedSubscriptionsAvailable = true
        offer.receiveMaximum = .max
        offer.topicAliasMaximum = 0
        offer.keepAliveSecondsMax = 30
        offer.sessionExpirySecondsMax = 100
        var capped = Peer(.v5)
        capped.open(
            ConnectPacket(
                version: .v5, clientID: [],
                properties: written { PropertyWriter.append(.sessionExpiryInterval, .max, to: &$0) }), offer: offer)
        #expect(
            connack(capped.output, .v5).properties == [
                "sessionExpiryInterval=100", "maximumQoS=1", "maximumPacketSize=2097152",
                "assignedClientIdentifier=[122]", "serverKeepAlive=30",
            ])
        #expect(capped.session.sessionExpirySeconds == 100)
        #expect(capped.session.deadline == 45 * second)
    }

    @Test("Session present is told when flows are resumed, except to MQTT 3.1")
    func sessionPresent() {
        for version in ProtocolVersion.allCases {
            var peer = Peer(version)
            peer.open(ConnectPacket(version: version, clientID: [0x61], cleanStart: false), resuming: StoredFlows())
            #expect(connack(peer.output, version).view.sessionPresent == (version != .v31))
        }
    }

    @Test("An empty client identifier needs a clean session in 3.1.1, is refused in 3.1 and assigned in 5")
    func emptyClientID() {
        let table: [(ProtocolVersion, Bool, Bool)] = [
            (.v31, true, false), (.v31, false, false), (.v311, true, true), (.v311, false, false), (.v5, true, true),
            (.v5, false, true),
        ]
        for (version, clean, isTaken) in table {
            var peer = Peer(version)
            let action = peer.receive(
                written(ConnectPacket(version: version, clientID: [], cleanStart: clean).encode))
            guard isTaken else {
                #expect(action == .refuse(.clientIdentifierNotValid))
                #expect(
                    peer.writtenBy { $0.refused(.clientIdentifierNotValid, because: "empty", into: &$1) }
                        == [0x20, 2, 0, 2])
                #expect(peer.session.isClosed == true)
                continue
            }
            guard case .open = action else {
                Issue.record("\(version) \(clean): \(action)")
                continue
            }
        }
    }

    @Test("An authentication exchange goes step by step, and nothing else may come between")
    func authentication() {
        let method = PropertyWriter.bytes {
            PropertyWriter.append(.authenticationMethod, Array("M".utf8).span, to: &$0)
        }
        let connect = ConnectPacket(version: .v5, clientID: [97], properties: method)
        let step = AuthPacket(reason: .continueAuthentication, properties: method)
        func challenged() -> Peer {
            var peer = Peer(.v5)
            guard case .open(let request) = peer.receive(written(connect.encode)) else {
                Issue.record("expected a request")
                return peer
            }
            #expect(request.authenticationMethod == Array("M".utf8))
            var output = ByteBuffer()
            peer.session.challenged(method, now: 0, into: &output)
            return peer
        }
        var peer = challenged()
        guard case .authenticate = peer.receive(written(step.encode)) else {
            Issue.record("expected the next step")
            return
        }
        #expect(peer.receive("c000") == .postpone)
        var other = challenged()
        #expect(other.receive("c000") == .close(.authenticationExpected))
        var silent = challenged()
        #expect(silent.session.elapsed(now: 11_000_000_000) == .close(.connectTimeout))
    }

    @Test("A CONNECT that cannot be read is answered in the form of its version, and in MQTT 5 told why")
    func malformed() {
        let table: [(MQTTDecodeError.Cause, ProtocolVersion, [UInt8])] = [
            (.protocolLevelUnsupported, .v311, [0x20, 2, 0, 1]), (.stringNotUTF8, .v311, []),
            (.connectExpected, .v311, []), (.protocolLevelUnsupported, .v5, [0x84]), (.stringNotUTF8, .v5, [0x81]),
            (.propertyRepeated, .v5, [0x82]),
        ]
        for (cause, version, expected) in table {
            let error = MQTTDecodeError(cause, at: 9)
            var peer = Peer(version)
            let answer = peer.writtenBy {
                $0.malformed(error, version: version, packetSizeMax: .max, into: &$1)
            }
            #expect(answer == (version == .v5 ? refusal(expected[0], error.description) : expected))
            #expect(peer.session.isClosed == true)
            guard version == .v5 else { continue }
            for (packetSizeMax, terse) in [(5, [0x20, 3, 0, expected[0], 0]), (4, [])] as [(UInt32, [UInt8])] {
                var small = Peer(version)
                #expect(
                    small.writtenBy {
                        $0.malformed(error, version: version, packetSizeMax: packetSizeMax, into: &$1)
                    } == terse)
            }
        }
        let error = MQTTDecodeError(.qosInvalid, at: 0)
        for (version, expected) in [(ProtocolVersion.v5, farewell(0x81, error.description)), (.v311, [])] {
            var open = openPeer(version)
            #expect(
                open.writtenBy { $0.malformed(error, version: version, packetSizeMax: .max, into: &$1) } == expected)
        }
    }

    @Test("A reason string goes with a refusal or a farewell that the client has room for, whatever else it asks for")
    func reasonStrings() {
        func peer(_ packetSizeMax: UInt32) -> Peer {
            var peer = Peer(.v5)
            let properties = written {
                PropertyWriter.append(.maximumPacketSize, packetSizeMax, to: &$0)
                PropertyWriter.append(.requestProblemInformation, 0, to: &$0)
            }
            let connect = ConnectPacket(version: .v5, clientID: [0x61], properties: properties)
            #expect(peer.receive(written(connect.encode)) != .none)
            return peer
        }
        let (refusal, farewell) = (refusal(0x87, "not you"), farewell(0x8B, "stops"))
        for (packetSizeMax, expected) in [
            (UInt32(refusal.count), refusal), (UInt32(refusal.count) - 1, [0x20, 3, 0, 0x87, 0]),
        ] {
            var refused = peer(packetSizeMax)
            #expect(refused.writtenBy { $0.refused(.notAuthorized, because: "not you", into: &$1) } == expected)
        }
        for (packetSizeMax, expected) in [
            (UInt32(farewell.count), farewell), (UInt32(farewell.count) - 1, [0xE0, 1, 0x8B]),
        ] {
            var open = peer(packetSizeMax)
            _ = open.writtenBy { $0.opened(SessionOffer(), assignedClientID: Span(), now: 0, into: &$1) }
            #expect(open.terminate(.serverShuttingDown, because: "stops") == expected)
            var failed = peer(packetSizeMax)
            _ = failed.writtenBy { $0.opened(SessionOffer(), assignedClientID: Span(), now: 0, into: &$1) }
            #expect(failed.receive(Self.pingResponse) == .close(.packetFromWrongSide))
            #expect(failed.terminate(.serverShuttingDown, because: "stops") == expected)
        }
    }

    private static let pingResponse: [UInt8] = [0xD0, 0]

    @Test("DISCONNECT tells whether the will is published and how long the session lives")
    func disconnect() {
        func connect(_ expiry: UInt32) -> ConnectPacket {
            ConnectPacket(
                version: .v5, clientID: [0x61],
                properties: written { PropertyWriter.append(.sessionExpiryInterval, expiry, to: &$0) })
        }
        let table: [(UInt32, String, SessionAction)] = [
            (10, "e000", .disconnect(.init(reason: .success, publishesWill: false, sessionExpirySeconds: 10))),
            (
                0, "e00104",
                .disconnect(.init(reason: .disconnectWithWill, publishesWill: true, sessionExpirySeconds: 0))
            ),
            (
                9, "e007000511ffffffff",
                .disconnect(.init(reason: .success, publishesWill: false, sessionExpirySeconds: .max))
            ),
            (
                9, "e00700051100000000",
                .disconnect(.init(reason: .success, publishesWill: false, sessionExpirySeconds: 0))
            ),
            (
                0, "e00700051100000000",
                .disconnect(.init(reason: .success, publishesWill: false, sessionExpirySeconds: 0))
            ),
            (0, "e00700051100000001", .close(.sessionExpiryForbidden)),
        ]
        for (expiry, bytes, action) in table {
            var peer = Peer(.v5)
            peer.open(connect(expiry))
            #expect(peer.receive(bytes) == action)
        }
    }

    @Test("Takeover and shutdown are told in MQTT 5 only")
    func takeover() {
        for (version, expected) in [(ProtocolVersion.v31, []), (.v311, []), (.v5, farewell(0x8E, "taken"))] {
            var peer = openPeer(version)
            #expect(peer.terminate(.sessionTakenOver, because: "taken") == expected)
        }
    }

    @Test("Keep alive runs out at one and a half times, counted from any packet")
    func keepAlive() {
        var peer = Peer(.v311)
        peer.open(ConnectPacket(version: .v311, clientID: [0x61], keepAliveSeconds: 3))
        #expect(peer.session.deadline == 4_500_000_000)
        #expect(peer.session.elapsed(now: 4_499_999_999) == .none)
        #expect(peer.receive(publish(.atMostOnce, version: .v311), now: 4 * second).published != nil)
        #expect(peer.session.deadline == 8_500_000_000)
        #expect(peer.session.elapsed(now: 8_500_000_000) == .close(.keepAliveTimeout))
        #expect(peer.session.deadline == .max)
    }

    @Test("Time in which nobody listened is no silence, before CONNECT and after it")
    func standstill() {
        var peer = Peer(.v311)
        peer.session.stoodStill(for: 3 * second)
        #expect(peer.session.deadline == 13 * second)
        peer.open(ConnectPacket(version: .v311, clientID: [0x61], keepAliveSeconds: 2))
        peer.session.stoodStill(for: 5 * second)
        #expect(peer.session.elapsed(now: 8 * second - 1) == .none)
        #expect(peer.session.elapsed(now: 8 * second) == .close(.keepAliveTimeout))
    }

    @Test("Without a keep alive a session waits for ever, but not for its CONNECT")
    func connectTimeout() {
        var peer = Peer(.v311, now: second)
        #expect(peer.session.deadline == 11 * second)
        peer.open(now: 2 * second)
        #expect(peer.session.deadline == .max)
        #expect(peer.session.elapsed(now: .max - 1) == .none)
    }

    @Test("MQTT 3.1.1 cannot be told of a shorter keep alive, so its own holds")
    func keepAliveHonoured() {
        var offer = SessionOffer()
        offer.keepAliveSecondsMax = 10
        var peer = Peer(.v311)
        peer.open(ConnectPacket(version: .v311, clientID: [0x61], keepAliveSeconds: 100), offer: offer)
        #expect(peer.session.deadline == 150 * second)
    }
}
