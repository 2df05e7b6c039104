import MQTTWire
import SluiceCore
import Testing

/// Bytes, who decodes them, and what is wrong with them where.
struct Malformed: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var bytes: [UInt8]
    var side: Side
    var versions: [ProtocolVersion]
    var cause: MQTTDecodeError.Cause
    var offset: Int

    init(
        _ name: String, _ bytes: String, _ versions: [ProtocolVersion], _ cause: MQTTDecodeError.Cause, at offset: Int,
        side: Side = .server
    ) {
        testDescription = name
        self.bytes = hex(bytes)
        self.side = side
        self.versions = versions
        self.cause = cause
        self.offset = offset
    }
}

private let every = ProtocolVersion.allCases
private let before5: [ProtocolVersion] = [.v31, .v311]
private let from311: [ProtocolVersion] = [.v311, .v5]

@Suite("Malformed packets")
struct MalformedPacketTests {
    @Test("A broken packet is refused with its cause and offset", arguments: connected + properties + fromServer)
    func refused(_ packet: Malformed) {
        for version in packet.versions {
            let decoder = connectedDecoder(packet.side, version)
            let expected = MQTTDecodeError(packet.cause, at: packet.offset)
            #expect(decodeAll(packet.bytes, decoder).error == expected)
            #expect(decodeByteByByte(packet.bytes, decoder).error == expected)
        }
    }

    @Test("A broken first packet is refused with its cause and offset", arguments: connecting)
    func refusedFirst(_ packet: Malformed) {
        let expected = MQTTDecodeError(packet.cause, at: packet.offset)
        #expect(decodeAll(packet.bytes, PacketDecoder(side: .server)).error == expected)
        #expect(decodeByteByByte(packet.bytes, PacketDecoder(side: .server)).error == expected)
    }

    static let connected: [Malformed] = [
        Malformed("remaining length of five bytes", "30 80808080 01", every, .remainingLengthTooLong, at: 4),
        Malformed("longer remaining length than needed", "c0 8000", [.v5], .variableIntegerMalformed, at: 1),
        Malformed("2 MiB and a byte", "30 feff7f", every, .packetTooLarge, at: 1),
        Malformed("type 0", "00 00", every, .packetTypeReserved, at: 0),
        Malformed("type 15", "f0 00", before5, .packetTypeReserved, at: 0),
        Malformed("second CONNECT", "10 00", every, .connectRepeated, at: 0),
        Malformed("CONNACK from a client", "20 02 0000", every, .packetFromWrongSide, at: 0),
        Malformed("SUBACK from a client", "90 03 000100", every, .packetFromWrongSide, at: 0),
        Malformed("UNSUBACK from a client", "b0 02 0001", every, .packetFromWrongSide, at: 0),
        Malformed("PINGRESP from a client", "d0 00", every, .packetFromWrongSide, at: 0),
        Malformed("flags of PUBACK", "41 02 0001", every, .flagsReserved, at: 0),
        Malformed("flags of PUBREC", "52 02 0001", every, .flagsReserved, at: 0),
        Malformed("flags of PUBREL", "60 02 0001", from311, .flagsReserved, at: 0),
        Malformed("flags of PUBCOMP", "78 02 0001", every, .flagsReserved, at: 0),
        Malformed("flags of SUBSCRIBE", "80 06 0001 000161 00", [.v311], .flagsReserved, at: 0),
        Malformed("flags of UNSUBSCRIBE", "a3 05 0001 000161", [.v311], .flagsReserved, at: 0),
        Malformed("flags of PINGREQ", "c1 00", every, .flagsReserved, at: 0),
        Malformed("flags of DISCONNECT", "e8 00", every, .flagsReserved, at: 0),
        Malformed("flags of AUTH", "f1 00", [.v5], .flagsReserved, at: 0),
        Malformed("PINGREQ with a body", "c0 01 00", every, .bytesLeftOver, at: 2),
        Malformed("DISCONNECT with a body", "e0 01 00", before5, .bytesLeftOver, at: 2),
        Malformed("PUBACK with a reason", "40 03 0001 00", before5, .bytesLeftOver, at: 4),
        Malformed("PUBACK with bytes after its properties", "40 05 0001 00 00 00", [.v5], .bytesLeftOver, at: 6),
        Malformed("PUBACK of one byte", "40 01 00", every, .packetTruncated, at: 2),
        Malformed("PUBACK of 0", "40 02 0000", every, .packetIDZero, at: 2),
        Malformed("PUBREL of 0", "62 02 0000", every, .packetIDZero, at: 2),
        Malformed("PUBACK with an unknown reason", "40 03 0001 01", [.v5], .reasonCodeUndefined, at: 4),
        Malformed("PUBREL with a reason of PUBREC", "62 03 0001 97", [.v5], .reasonCodeUndefined, at: 4),
        Malformed("DISCONNECT with an unknown reason", "e0 01 01", [.v5], .reasonCodeUndefined, at: 2),
        Malformed("AUTH without a method", "f0 02 18 00", [.v5], .authenticationMethodMissing, at: 4),
        Malformed("PUBLISH at QoS 3", "36 06 000161 0001 00", every, .qosInvalid, at: 0),
        Malformed("DUP at QoS 0", "38 05 000161 00 00", every, .duplicateWithoutQoS, at: 0),
        Malformed("empty PUBLISH", "30 00", every, .packetTruncated, at: 2),
        Malformed("topic past the end", "30 04 0003 6161", every, .packetTruncated, at: 4),
        Malformed("no packet identifier", "32 03 000161", every, .packetTruncated, at: 5),
        Malformed("packet identifier 0", "32 06 000161 0000 00", every, .packetIDZero, at: 5),
        Malformed("empty topic", "30 03 0000 00", before5, .topicNameEmpty, at: 2),
        Malformed("empty topic without alias", "30 03 0000 00", [.v5], .topicNameAndAliasMissing, at: 2),
        Malformed("SUBSCRIBE to nothing", "82 02 0001", before5, .subscribeEmpty, at: 4),
        Malformed("SUBSCRIBE to nothing", "82 03 0001 00", [.v5], .subscribeEmpty, at: 5),
        Malformed("SUBSCRIBE 0", "82 06 0000 000161 00", before5, .packetIDZero, at: 2),
        Malformed("SUBSCRIBE without options", "82 05 0001 000161", before5, .packetTruncated, at: 7),
        Malformed("SUBSCRIBE at QoS 3", "82 06 0001 000161 03", before5, .subscribeQoSInvalid, at: 7),
        Malformed("options of MQTT 5", "82 06 0001 000161 04", before5, .subscribeOptionsReserved, at: 7),
        Malformed("reserved options", "82 07 0001 00 000161 40", [.v5], .subscribeOptionsReserved, at: 8),
        Malformed("retain handling 3", "82 07 0001 00 000161 30", [.v5], .retainHandlingInvalid, at: 8),
        Malformed(
            "shared and no local", "82 10 0001 00 000a 2473686172652f672f61 04", [.v5], .sharedNoLocal, at: 17),
        Malformed("empty filter", "82 05 0001 0000 00", before5, .topicFilterEmpty, at: 6),
        Malformed("a#", "82 07 0001 0002 6123 00", before5, .multiLevelWildcardMisplaced, at: 7),
        Malformed("surrogate in a filter", "82 08 0001 0003 eda080 00", before5, .stringNotUTF8, at: 6),
        Malformed("U+0000 in a filter", "82 07 0001 0002 6100 00", before5, .stringContainsNull, at: 7),
        Malformed("UNSUBSCRIBE of nothing", "a2 02 0001", before5, .unsubscribeEmpty, at: 4),
        Malformed("UNSUBSCRIBE 0", "a2 05 0000 000161", before5, .packetIDZero, at: 2),
        Malformed("UNSUBSCRIBE of a+", "a2 06 0001 0002 612b", before5, .singleLevelWildcardMisplaced, at: 7),
    ]

    static let properties: [Malformed] = [
        Malformed("unknown property", "30 06 000161 02 04 00", [.v5], .propertyUnknown, at: 6),
        Malformed("property 128", "30 06 000161 02 8001", [.v5], .propertyUnknown, at: 6),
        Malformed("property of CONNECT", "30 07 000161 03 21 0001", [.v5], .propertyMisplaced, at: 6),
        Malformed("twice", "30 08 000161 04 0100 0100", [.v5], .propertyRepeated, at: 8),
        Malformed("boolean 2", "30 06 000161 02 0102", [.v5], .propertyValueInvalid, at: 6),
        Malformed("alias 0", "30 07 000161 03 23 0000", [.v5], .topicAliasZero, at: 6),
        Malformed(
            "identifier from a client", "30 06 000161 02 0b01", [.v5], .subscriptionIdentifierFromClient, at: 6),
        Malformed("length past the packet", "30 04 000161 05", [.v5], .packetTruncated, at: 6),
        Malformed("value past the properties", "30 06 000161 02 23 00", [.v5], .packetTruncated, at: 7),
        Malformed("no length", "30 03 000161", [.v5], .packetTruncated, at: 5),
        Malformed("length of five bytes", "30 08 000161 8080808000", [.v5], .variableIntegerMalformed, at: 5),
        Malformed("longer length than needed", "30 05 000161 8000", [.v5], .variableIntegerMalformed, at: 5),
        Malformed("response topic a/+", "30 0a 000161 06 08 0003 612f2b", [.v5], .responseTopicHasWildcard, at: 11),
        Malformed("content type with U+0000", "30 08 000161 04 03 0001 00", [.v5], .stringContainsNull, at: 9),
        Malformed("overlong user property", "30 0b 000161 07 26 0002 c080 0000", [.v5], .stringNotUTF8, at: 9),
        Malformed("identifier 0", "82 09 0001 02 0b00 000161 00", [.v5], .propertyValueInvalid, at: 5),
        Malformed("two identifiers", "82 0b 0001 04 0b01 0b02 000161 00", [.v5], .propertyRepeated, at: 7),
    ]

    static let fromServer: [Malformed] = [
        Malformed("SUBSCRIBE from a server", "82 06 0001 000161 00", every, .packetFromWrongSide, at: 0, side: .client),
        Malformed("PINGREQ from a server", "c0 00", every, .packetFromWrongSide, at: 0, side: .client),
        Malformed("CONNECT from a server", "10 00", every, .packetFromWrongSide, at: 0, side: .client),
        Malformed("DISCONNECT from a server", "e0 00", before5, .packetFromWrongSide, at: 0, side: .client),
        Malformed("CONNACK flag 2", "20 02 0200", [.v311], .connackFlagsInvalid, at: 2, side: .client),
        Malformed("refused and present", "20 02 0105", [.v311], .connackFlagsInvalid, at: 2, side: .client),
        Malformed("return code 6", "20 02 0006", before5, .reasonCodeUndefined, at: 3, side: .client),
        Malformed("CONNACK with code 1", "20 03 0001 00", [.v5], .reasonCodeUndefined, at: 3, side: .client),
        Malformed("SUBACK without codes", "90 02 0001", before5, .packetTruncated, at: 4, side: .client),
        Malformed("SUBACK with code 3", "90 03 0001 03", before5, .reasonCodeUndefined, at: 4, side: .client),
        Malformed("UNSUBACK with codes", "b0 03 0001 00", before5, .bytesLeftOver, at: 4, side: .client),
    ]

    static let connecting: [Malformed] = [
        Malformed("PINGREQ", "c0 00", [], .connectExpected, at: 0),
        Malformed("PUBLISH", "30 03 000161", [], .connectExpected, at: 0),
        Malformed("type 0", "00 00", [], .packetTypeReserved, at: 0),
        Malformed("an HTTP request", "474554202f20485454502f312e31", [], .connectExpected, at: 0),
        Malformed("five bytes of length", "10 ffffffff 7f", [], .remainingLengthTooLong, at: 4),
        Malformed("256 MB", "10 ffffff7f", [], .packetTooLarge, at: 1),
        Malformed("other protocol", "10 0c 0004 4d51544a 04 02 0000 0000", [], .protocolNameUnknown, at: 2),
        Malformed("lower case", "10 0c 0004 6d717474 04 02 0000 0000", [], .protocolNameUnknown, at: 2),
        Malformed("level 6", "10 0c 0004 4d515454 06 02 0000 0000", [], .protocolLevelUnsupported, at: 8),
        Malformed("level 3 of MQTT", "10 0c 0004 4d515454 03 02 0000 0000", [], .protocolLevelUnsupported, at: 8),
        Malformed(
            "level 4 of MQIsdp", "10 0e 0006 4d5149736470 04 02 0000 0000", [], .protocolLevelUnsupported, at: 10),
        Malformed("a bridge of MQTT 5", "10 0c 0004 4d515454 85 02 0000 0000", [], .protocolLevelUnsupported, at: 8),
        Malformed("bridge 3 of MQTT", "10 0c 0004 4d515454 83 02 0000 0000", [], .protocolLevelUnsupported, at: 8),
        Malformed("flags of CONNECT", "11 0c 0004 4d515454 04 02 0000 0000", [], .flagsReserved, at: 0),
        Malformed("reserved flag", "10 0c 0004 4d515454 04 03 0000 0000", [], .connectFlagReserved, at: 9),
        Malformed("will QoS without will", "10 0c 0004 4d515454 04 0a 0000 0000", [], .willFlagsWithoutWill, at: 9),
        Malformed("will retain without will", "10 0c 0004 4d515454 04 22 0000 0000", [], .willFlagsWithoutWill, at: 9),
        Malformed("will QoS 3", "10 12 0004 4d515454 04 1e 0000 0000 000161 000162", [], .willQoSInvalid, at: 9),
        Malformed(
            "password alone", "10 0f 0004 4d515454 04 42 0000 0000 000161", [], .passwordWithoutUserName, at: 9),
        Malformed("no client identifier", "10 0a 0004 4d515454 04 02 0000", [], .packetTruncated, at: 12),
        Malformed("no user name", "10 0c 0004 4d515454 04 82 0000 0000", [], .packetTruncated, at: 14),
        Malformed("bytes left", "10 0d 0004 4d515454 04 02 0000 0000 00", [], .bytesLeftOver, at: 14),
        Malformed(
            "will topic a/#", "10 13 0004 4d515454 04 06 0000 0000 0003 612f23 0000", [], .topicNameHasWildcard,
            at: 18),
        Malformed("empty will topic", "10 10 0004 4d515454 04 06 0000 0000 0000 0000", [], .topicNameEmpty, at: 16),
        Malformed("client identifier", "10 0d 0004 4d515454 04 02 0000 0001 ff", [], .stringNotUTF8, at: 14),
        Malformed("user name", "10 0f 0004 4d515454 04 82 0000 0000 0001 00", [], .stringContainsNull, at: 16),
        Malformed(
            "receive maximum 0", "10 10 0004 4d515454 05 02 0000 03 210000 0000", [], .propertyValueInvalid, at: 13),
        Malformed(
            "maximum packet size 0", "10 12 0004 4d515454 05 02 0000 05 2700000000 0000", [], .propertyValueInvalid,
            at: 13),
        Malformed(
            "data without method", "10 11 0004 4d515454 05 02 0000 04 16000100 0000", [], .authenticationMethodMissing,
            at: 13),
    ]

    @Test("Leniencies of MQTT 3.1: flags of the first byte, CONNECT's reserved flag, a missing user name")
    func version31() {
        let bytes = hex("1b 0e 0006 4d5149736470 03 c3 0000 0000")
        let result = decodeAll(bytes, PacketDecoder(side: .server))
        #expect(result.error == nil)
        guard case .connect(let connect) = result.packets.first else {
            Issue.record("no CONNECT")
            return
        }
        #expect(!connect.hasUserName && !connect.hasPassword && connect.version == .v31)
        let decoder = connectedDecoder(.server, .v31)
        #expect(decodeError(hex("8a 06 0001 000161 00"), decoder) == nil)
        #expect(decodeError(hex("aa 05 0001 000161"), decoder) == nil)
        #expect(decodeError(hex("6a 02 0001"), decoder) == nil)
    }

    @Test("Padded remaining lengths are taken before MQTT 5")
    func paddedLength() {
        #expect(decodeAll(hex("c0 808000"), connectedDecoder(.server, .v311)).packets == [.pingRequest])
    }

    @Test("A mosquitto bridge says so in its level", arguments: [0x04, 0x84])
    func bridgeLevel(_ level: UInt8) throws {
        var bytes = hex("10 0c 0004 4d515454 00 02 0000 0000")
        bytes[8] = level
        var decoder = PacketDecoder(side: .server)
        guard case .packet(.connect(let view), _) = try decoder.decode(bytes.span, from: 0) else {
            Issue.record("not decoded")
            return
        }
        #expect(view.isBridge == (level == 0x84) && view.version == .v311)
        var buffer = ByteBuffer()
        ConnectPacket(view, in: bytes.span).encode(into: &buffer)
        #expect(buffer.bytes[8] == level)
    }

    @Test("A level of the future is refused in the form of MQTT 5, a bridge's in that of 3.1.1")
    func versionOfRefusal() {
        for (level, version) in [(0x06, ProtocolVersion.v5), (0x7F, .v5), (0x85, .v311), (0x00, .v311), (0xFF, .v311)] {
            var bytes = hex("10 0c 0004 4d515454 00 02 0000 0000")
            bytes[8] = UInt8(level)
            var decoder = PacketDecoder(side: .server)
            #expect(throws: MQTTDecodeError(.protocolLevelUnsupported, at: 8)) {
                try decoder.decode(bytes.span, from: 0)
            }
            #expect(decoder.version == version)
        }
    }

    @Test("MQTT 5 takes a password alone, a null will payload, and acknowledgements of 2, 3 and more bytes")
    func accepted() {
        #expect(decodeError(hex("10 10 0004 4d515454 05 42 0000 00 0000 000161"), PacketDecoder(side: .server)) == nil)
        #expect(
            decodeError(hex("10 11 0004 4d515454 04 06 0000 0000 000161 0000"), PacketDecoder(side: .server)) == nil)
        let decoder = connectedDecoder(.server, .v5)
        for bytes in [
            "40 02 0001", "40 03 0001 00", "40 03 0001 97", "40 04 0001 00 00", "40 08 0001 80 04 1f 0001 61",
        ] {
            #expect(decodeError(hex(bytes), decoder) == nil)
        }
        for bytes in ["e0 00", "e0 01 04", "e0 02 00 00", "f0 00", "e0 07 00 05 11 00000001"] {
            #expect(decodeError(hex(bytes), decoder) == nil)
        }
    }

    @Test("One user property more than the limit is refused")
    func userProperties() {
        var limits = Limits()
        limits.userPropertiesMax = 3
        let decoder = connectedDecoder(.server, .v5, limits: limits)
        func publish(_ count: Int) -> [UInt8] {
            let properties = [[UInt8]](repeating: hex("26 0000 0000"), count: count).flatMap { $0 }
            return [0x30, UInt8(4 + properties.count), 0, 1, 0x61, UInt8(properties.count)] + properties
        }
        #expect(decodeError(publish(3), decoder) == nil)
        #expect(decodeError(publish(4), decoder)?.cause == .userPropertiesTooMany)
    }

    @Test("The limits of size and topics are those that were given")
    func limits() {
        var limits = Limits()
        limits.packetBytesMax = 40
        limits.topicBytesMax = 4
        limits.topicLevelsMax = 2
        let decoder = connectedDecoder(.server, .v311, limits: limits)
        #expect(decodeError([0x30, 38, 0, 1, 0x61] + [UInt8](repeating: 0, count: 35), decoder) == nil)
        #expect(decodeError([0x30, 39], decoder) == MQTTDecodeError(.packetTooLarge, at: 1))
        #expect(decodeError(hex("82 0a 0001 0005 6161616161 00"), decoder)?.cause == .topicFilterTooLong)
        #expect(decodeError(hex("82 08 0001 0003 2f612f 00"), decoder)?.cause == .topicFilterTooLong)
        #expect(decodeError(hex("82 08 0001 0003 612f61 00"), decoder) == nil)
    }

    @Test("Every cause has a clause, a summary and a failing reason code")
    func descriptions() {
        for cause in MQTTDecodeError.Cause.allCases {
            let error = MQTTDecodeError(cause, at: 7)
            #expect(error.reasonCode.isFailure)
            #expect(error.reasonCode.isDefined(for: .disconnect) || error.reasonCode == .unsupportedProtocolVersion)
            #expect(error.clause.description.contains("MQTT"))
            #expect(error.description.hasPrefix(cause.summary.description + " at byte 7 ["))
        }
    }
}
