import MQTTWire
import SluiceCore
import Testing

@Suite("Encoders")
struct EncoderTests {
    @Test("A PUBLISH of every shape is decoded to its parts, and its size and identifier are where they were announced")
    func publish() throws {
        let topic = Array("plant1/dev42/temp".utf8)
        let properties = encoded { PropertyWriter.append(.contentType, [0x61].span, to: &$0) }
        for version in ProtocolVersion.allCases {
            for qos in QoS.allCases {
                for payloadCount in [0, 1, 90, 120, 16_300, 70_000] {
                    let payload = [UInt8](repeating: 7, count: payloadCount)
                    var offset = 0
                    let bytes = encoded { buffer in
                        offset = PacketEncoder.publish(
                            into: &buffer, topic: topic.span, payload: payload.span, packetID: 0x1234, qos: qos,
                            retain: true, duplicate: qos != .atMostOnce, properties: properties.span, version: version)
                    }
                    var decoder = connectedDecoder(.client, version)
                    let step = try decoder.decode(bytes.span, from: 0)
                    guard case .packet(.publish(let packet), let end) = step else {
                        Issue.record("no PUBLISH")
                        return
                    }
                    #expect(end == bytes.count)
                    #expect(bytes.span.copy(packet.topic) == topic)
                    #expect(bytes.span.copy(packet.payload) == payload)
                    #expect(bytes.span.copy(packet.properties) == (version == .v5 ? properties : []))
                    #expect(packet.qos == qos && packet.retain && packet.duplicate == (qos != .atMostOnce))
                    #expect(packet.packetID == (qos == .atMostOnce ? .none : 0x1234))
                    if qos != .atMostOnce { #expect(Array(bytes[offset..<offset + 2]) == [0x12, 0x34]) }
                    #expect(reencoded(.publish(packet), bytes, version).size == bytes.count)
                }
            }
        }
    }

    @Test("Acknowledgements are four bytes unless MQTT 5 reports a failure")
    func acknowledgements() {
        func bytes(_ kind: AcknowledgementKind, _ reason: ReasonCode, _ version: ProtocolVersion) -> [UInt8] {
            encoded {
                PacketEncoder.acknowledgement(into: &$0, kind: kind, packetID: 0x0102, reason: reason, version: version)
            }
        }
        #expect(bytes(.puback, .success, .v5) == hex("40 02 0102"))
        #expect(bytes(.pubrec, .quotaExceeded, .v311) == hex("50 02 0102"))
        #expect(bytes(.pubrel, .success, .v31) == hex("62 02 0102"))
        #expect(bytes(.pubcomp, .packetIdentifierNotFound, .v5) == hex("70 03 0102 92"))
    }

    @Test("Owned packets survive encoding and decoding")
    func owned() throws {
        for version in ProtocolVersion.allCases {
            let is5 = version == .v5
            let userProperty = encoded { PropertyWriter.append(userProperty: [0x61].span, [0x62].span, to: &$0) }
            let properties = is5 ? userProperty : []
            let will = ConnectPacket.Will(
                topic: Array("w".utf8), payload: [0, 255], qos: .exactlyOnce, retain: true, properties: properties)
            let connect = ConnectPacket(
                version: version, clientID: Array("c".utf8), cleanStart: false, keepAliveSeconds: 65_535, will: will,
                userName: Array("u".utf8), password: [0, 1], properties: properties)
            #expect(
                try roundTrip(.server, version, connect.encodedSize, connect.encode) { packet, bytes in
                    guard case .connect(let view) = packet else { return false }
                    return ConnectPacket(view, in: bytes) == connect
                })
            let connack = ConnackPacket(version: version, reason: .notAuthorized, properties: properties)
            #expect(
                try roundTrip(.client, version, connack.encodedSize, connack.encode) { packet, bytes in
                    guard case .connack(let view) = packet else { return false }
                    return ConnackPacket(view, in: bytes, version: version) == connack
                })
            let options = SubscriptionOptions(
                qos: .atLeastOnce, noLocal: is5, retainAsPublished: is5, retainHandling: is5 ? .doNotSend : .send)
            let subscribe = SubscribePacket(
                version: version, packetID: 9,
                filters: [
                    .init(filter: Array("a/#".utf8), options: options),
                    .init(filter: [0x2B], options: .init(qos: .exactlyOnce)),
                ],
                properties: properties)
            #expect(
                try roundTrip(.server, version, subscribe.encodedSize, subscribe.encode) { packet, bytes in
                    guard case .subscribe(let view) = packet else { return false }
                    return view.filterCount == 2 && SubscribePacket(view, in: bytes, version: version) == subscribe
                })
            let suback = SubackPacket(
                version: version, packetID: 9, codes: [.grantedQoS1, .unspecifiedError], properties: properties)
            #expect(
                try roundTrip(.client, version, suback.encodedSize, suback.encode) { packet, bytes in
                    guard case .suback(let view) = packet else { return false }
                    return SubackPacket(view, in: bytes, version: version) == suback
                })
            let unsubscribe = UnsubscribePacket(
                version: version, packetID: 9, filters: [[0x61], [0x62, 0x2F]], properties: properties)
            #expect(
                try roundTrip(.server, version, unsubscribe.encodedSize, unsubscribe.encode) { packet, bytes in
                    guard case .unsubscribe(let view) = packet else { return false }
                    return view.filterCount == 2 && UnsubscribePacket(view, in: bytes, version: version) == unsubscribe
                })
            let unsuback = UnsubackPacket(
                version: version, packetID: 9, codes: is5 ? [.success, .noSubscriptionExisted] : [],
                properties: properties)
            #expect(
                try roundTrip(.client, version, unsuback.encodedSize, unsuback.encode) { packet, bytes in
                    guard case .unsuback(let view) = packet else { return false }
                    return UnsubackPacket(view, in: bytes, version: version) == unsuback
                })
        }
    }

    @Test("DISCONNECT and AUTH have their shortest forms and survive")
    func reasons() throws {
        let reasonString = encoded { PropertyWriter.append(.reasonString, [0x61].span, to: &$0) }
        let cases: [(DisconnectPacket, String)] = [
            (DisconnectPacket(version: .v311), "e0 00"), (DisconnectPacket(version: .v5), "e0 00"),
            (DisconnectPacket(version: .v5, reason: .sessionTakenOver), "e0 01 8e"),
            (DisconnectPacket(version: .v5, reason: .success, properties: reasonString), "e0 06 00 04 1f 0001 61"),
        ]
        for (packet, bytes) in cases {
            #expect(encoded(packet.encode) == hex(bytes))
            #expect(packet.encodedSize == hex(bytes).count)
        }
        let method = encoded { PropertyWriter.append(.authenticationMethod, [0x61].span, to: &$0) }
        let auth = AuthPacket(reason: .continueAuthentication, properties: method)
        #expect(
            try roundTrip(.server, .v5, auth.encodedSize, auth.encode) { packet, bytes in
                guard case .auth(let view) = packet else { return false }
                return AuthPacket(view, in: bytes) == auth
            })
    }

    @Test("Reasons become the return codes of MQTT 3.1.1")
    func returnCodes() {
        let table: [(ReasonCode, UInt8)] = [
            (.success, 0), (.unsupportedProtocolVersion, 1), (.clientIdentifierNotValid, 2), (.serverUnavailable, 3),
            (.serverBusy, 3), (.badUserNameOrPassword, 4), (.notAuthorized, 5), (.banned, 5),
        ]
        for (reason, code) in table { #expect(ConnackPacket(version: .v311, reason: reason).code == code) }
        #expect(ConnackPacket(version: .v31, sessionPresent: true).sessionPresent == false)
    }

    private func roundTrip(
        _ side: Side, _ version: ProtocolVersion, _ size: Int, _ encode: (inout ByteBuffer) -> Void,
        _ isEqual: (Packet, Span<UInt8>) -> Bool
    ) throws -> Bool {
        let bytes = encoded(encode)
        let isConnect = bytes[0] == 0x10
        var decoder = isConnect ? PacketDecoder(side: side) : connectedDecoder(side, version)
        guard case .packet(let packet, let end) = try decoder.decode(bytes.span, from: 0) else { return false }
        return end == bytes.count && size == bytes.count && isEqual(packet, bytes.span)
            && reencoded(packet, bytes, version).bytes == bytes
    }
}
