import MQTTWire
import SluiceCore
import Testing

/// A place for properties and the bytes around them.
private struct Place {
    var name: String
    var place: PropertyPlaces
    var side: Side
    var firstByte: UInt8
    /// The body up to the property length.
    var before: [UInt8]
    /// The body behind the properties.
    var after: [UInt8]

    init(
        _ name: String, _ place: PropertyPlaces, _ side: Side, _ firstByte: UInt8, before: String, after: String = ""
    ) {
        self.name = name
        self.place = place
        self.side = side
        self.firstByte = firstByte
        self.before = hex(before)
        self.after = hex(after)
    }

    static let all = [
        Place("connect", .connect, .server, 0x10, before: "0004 4d515454 05 02 0000", after: "0000"),
        Place("will", .will, .server, 0x10, before: "0004 4d515454 05 06 0000 00 0000", after: "000161 0000"),
        Place("connack", .connack, .client, 0x20, before: "0000"),
        Place("publish>", .publishToServer, .server, 0x30, before: "000161"),
        Place("publish<", .publishToClient, .client, 0x30, before: "000161"),
        Place("puback", .puback, .server, 0x40, before: "0001 00"),
        Place("pubrec", .pubrec, .server, 0x50, before: "0001 00"),
        Place("pubrel", .pubrel, .server, 0x62, before: "0001 00"),
        Place("pubcomp", .pubcomp, .server, 0x70, before: "0001 00"),
        Place("subscribe", .subscribe, .server, 0x82, before: "0001", after: "000161 00"),
        Place("suback", .suback, .client, 0x90, before: "0001", after: "00"),
        Place("unsubscribe", .unsubscribe, .server, 0xA2, before: "0001", after: "000161"),
        Place("unsuback", .unsuback, .client, 0xB0, before: "0001", after: "00"),
        Place("disconnect>", .disconnectToServer, .server, 0xE0, before: "00"),
        Place("disconnect<", .disconnectToClient, .client, 0xE0, before: "00"),
        Place("auth", .auth, .client, 0xF0, before: "18"),
    ]

    /// The error that the packet with `properties` here ends in.
    func error(with properties: [UInt8]) -> MQTTDecodeError? {
        let body = before + [UInt8(properties.count)] + properties + after
        let packet = [firstByte, UInt8(body.count)] + body
        let isFirst = firstByte == 0x10
        let decoder = isFirst ? PacketDecoder(side: .server) : connectedDecoder(side, .v5)
        let result = decodeAll(packet, decoder)
        if result.error == nil {
            #expect(result.end == packet.count)
            #expect(reencoded(result.packets[0], packet, .v5).bytes == packet)
        }
        return result.error
    }
}

@Suite("Properties")
struct PropertyTests {
    /// Table 2-4 of the specification, typed in a second time: identifier, a value, and where it belongs.
    private static let table: [(id: PropertyID, bytes: String, places: String)] = [
        (.payloadFormatIndicator, "01 01", "publish> publish< will"),
        (.messageExpiryInterval, "02 00000001", "publish> publish< will"),
        (.contentType, "03 0001 61", "publish> publish< will"),
        (.responseTopic, "08 0001 61", "publish> publish< will"),
        (.correlationData, "09 0001 ff", "publish> publish< will"),
        (.subscriptionIdentifier, "0b ffffff7f", "publish< subscribe"),
        (.sessionExpiryInterval, "11 ffffffff", "connect connack disconnect>"),
        (.assignedClientIdentifier, "12 0001 61", "connack"),
        (.serverKeepAlive, "13 0000", "connack"),
        (.authenticationMethod, "15 0001 61", "connect connack auth"),
        (.authenticationData, "16 0001 ff", "connect connack auth"),
        (.requestProblemInformation, "17 00", "connect"),
        (.willDelayInterval, "18 00000000", "will"),
        (.requestResponseInformation, "19 01", "connect"),
        (.responseInformation, "1a 0001 61", "connack"),
        (.serverReference, "1c 0001 61", "connack disconnect<"),
        (
            .reasonString, "1f 0001 61",
            "connack puback pubrec pubrel pubcomp suback unsuback disconnect> disconnect< auth"
        ),
        (.receiveMaximum, "21 0001", "connect connack"),
        (.topicAliasMaximum, "22 0000", "connect connack"),
        (.topicAlias, "23 0001", "publish> publish<"),
        (.maximumQoS, "24 00", "connack"),
        (.retainAvailable, "25 01", "connack"),
        (.userProperty, "26 0001 61 0000", Place.all.map(\.name).joined(separator: " ")),
        (.maximumPacketSize, "27 00000001", "connect connack"),
        (.wildcardSubscriptionAvailable, "28 00", "connack"),
        (.subscriptionIdentifiersAvailable, "29 01", "connack"),
        (.sharedSubscriptionAvailable, "2a 00", "connack"),
    ]

    @Test("Each property is taken exactly where table 2-4 has it, and twice only where it may repeat")
    func exhaustive() {
        #expect(Self.table.map(\.id) == PropertyID.allCases)
        for (id, text, names) in Self.table {
            let allowed = Set(names.split(separator: " ").map(String.init))
            for place in Place.all {
                // AUTH must have a method and authentication data needs one; give it to what is under test.
                let needsMethod = (place.place == .auth || id == .authenticationData) && id != .authenticationMethod
                let method =
                    needsMethod && PropertyID.authenticationMethod.places.contains(place.place) ? "15 0001 61" : ""
                let once = place.error(with: hex(method + text))
                let twice = place.error(with: hex(method + text + text))
                #expect(id.places.contains(place.place) == allowed.contains(place.name))
                guard allowed.contains(place.name) else {
                    let isFromClient = id == .subscriptionIdentifier && place.name == "publish>"
                    #expect(once?.cause == (isFromClient ? .subscriptionIdentifierFromClient : .propertyMisplaced))
                    continue
                }
                #expect(once == nil, "\(id) in \(place.name)")
                let repeats = id == .userProperty || id == .subscriptionIdentifier && place.name == "publish<"
                #expect(twice?.cause == (repeats ? nil : .propertyRepeated), "\(id) in \(place.name)")
            }
        }
    }

    @Test("Identifiers that do not exist are refused everywhere")
    func unknown() {
        for raw in UInt8.min...0x7F where PropertyID(rawValue: raw) == nil {
            for place in Place.all { #expect(place.error(with: [raw, 0])?.cause == .propertyUnknown) }
        }
    }

    @Test("What the writer writes the reader reads, and written again it is the same")
    func writer() {
        let name = Array("name".utf8)
        let value = Array("välue".utf8)
        for id in PropertyID.allCases {
            let bytes = encoded { buffer in
                switch id.form {
                case .byte: PropertyWriter.append(id, 1, to: &buffer)
                case .twoByteInteger: PropertyWriter.append(id, 0xABCD, to: &buffer)
                case .fourByteInteger: PropertyWriter.append(id, 0x89AB_CDEF, to: &buffer)
                case .variableByteInteger: PropertyWriter.append(id, 16_384, to: &buffer)
                case .string, .binary: PropertyWriter.append(id, value.span, to: &buffer)
                case .stringPair: PropertyWriter.append(userProperty: name.span, value.span, to: &buffer)
                }
            }
            var reader = PropertyReader(bytes.span, ByteRange(start: 0, byteCount: bytes.count))
            guard let property = reader.next() else {
                Issue.record("\(id) is not read")
                continue
            }
            #expect(reader.next() == nil)
            #expect(property.id == id)
            #expect(encoded { PropertyWriter.append(property, of: bytes.span, to: &$0) } == bytes)
        }
    }

    @Test("Variable byte integers have their sizes at every boundary")
    func variableIntegers() {
        let sizes = [0: 1, 127: 1, 128: 2, 16_383: 2, 16_384: 3, 2_097_151: 3, 2_097_152: 4, 268_435_455: 4]
        for (value, size) in sizes {
            #expect(VariableInteger.encodedSize(value) == size)
            let bytes = encoded { VariableInteger.append(value, to: &$0) }
            #expect(bytes.count == size)
            let identifier = [PropertyID.subscriptionIdentifier.rawValue] + bytes
            guard value > 0 else { continue }
            var reader = PropertyReader(identifier.span, ByteRange(start: 0, byteCount: identifier.count))
            #expect(reader.next()?.integer == UInt32(value))
        }
        #expect(VariableInteger.max == 268_435_455)
    }
}
