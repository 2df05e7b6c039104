import MQTTWire
import Testing

@Suite("Packets recorded from other implementations")
struct GoldenVectorTests {
    @Test("Every recorded stream is decoded whole", arguments: GoldenVector.all)
    func whole(_ vector: GoldenVector) {
        for (_, decoder, packets) in vector.directions {
            let stream = packets.flatMap { $0 }
            let result = decodeAll(stream, decoder)
            #expect(result.error == nil)
            #expect(result.packets.count == packets.count)
            #expect(result.end == stream.count)
        }
    }

    @Test("Byte by byte gives the same packets", arguments: GoldenVector.all)
    func byteByByte(_ vector: GoldenVector) {
        for (_, decoder, packets) in vector.directions {
            let stream = packets.flatMap { $0 }
            let result = decodeByteByByte(stream, decoder)
            #expect(result.error == nil)
            #expect(result.packets == decodeAll(stream, decoder).packets)
        }
    }

    @Test("A packet cut anywhere asks for more and continues", arguments: GoldenVector.all)
    func cutEverywhere(_ vector: GoldenVector) throws {
        for (_, start, packets) in vector.directions {
            var decoder = start
            for bytes in packets {
                var expected = decoder
                let whole = try expected.decode(bytes.span, from: 0)
                for cut in 0..<bytes.count {
                    var attempt = decoder
                    let prefix = bytes.span.extracting(first: cut)
                    guard case .needsMore(let byteCount) = try attempt.decode(prefix, from: 0) else {
                        Issue.record("a packet from \(cut) of \(bytes.count) bytes")
                        continue
                    }
                    #expect(byteCount > cut && byteCount <= bytes.count)
                    #expect(try attempt.decode(bytes.span, from: 0) == whole)
                }
                decoder = expected
            }
        }
    }

    @Test("Decoded and encoded again, every packet has the same bytes", arguments: GoldenVector.all)
    func roundTrip(_ vector: GoldenVector) throws {
        for (_, start, packets) in vector.directions {
            var decoder = start
            for bytes in packets {
                guard case .packet(let packet, _) = try decoder.decode(bytes.span, from: 0) else {
                    Issue.record("incomplete")
                    return
                }
                let again = reencoded(packet, bytes, vector.version)
                #expect(again.bytes == bytes)
                #expect(again.size == bytes.count)
            }
        }
    }

    @Test("Every packet type but AUTH is recorded in every version that has it")
    func coverage() {
        for version in ProtocolVersion.allCases {
            let recorded = GoldenVector.all.filter { $0.version == version }.flatMap { $0.toServer + $0.toClient }
            let types = Set(recorded.map { $0[0] >> 4 })
            #expect(types == Set(PacketType.connect.rawValue...PacketType.disconnect.rawValue))
        }
    }

    @Test("The recorded properties of a PUBLISH are the ones that were asked for")
    func publishProperties() throws {
        let vector = try #require(GoldenVector.all.first { $0.name == "mosquitto-5-properties-publish" })
        var decoder = connectedDecoder(.server, .v5)
        let bytes = vector.toServer[1]
        guard case .packet(.publish(let publish), _) = try decoder.decode(bytes.span, from: 0) else {
            Issue.record("no PUBLISH")
            return
        }
        let decoded = Decoded(packet: .publish(publish), bytes: bytes)
        var values: [String] = []
        var reader = PropertyReader(bytes.span, publish.properties)
        while let property = reader.next() {
            switch property.value {
            case .integer(let value): values.append("\(property.id)=\(value)")
            case .bytes(let range): values.append("\(property.id)=\(decoded.text(range))")
            case .pair(let name, let value): values.append("\(decoded.text(name)):\(decoded.text(value))")
            }
        }
        #expect(
            values == [
                "payloadFormatIndicator=1", "messageExpiryInterval=60", "contentType=text/plain",
                "responseTopic=answer/here", "correlationData=c0ffee", "unit:°C", "unit:again",
            ])
        #expect(decoded.text(publish.topic) == "plant1/dev42/temp")
        #expect(decoded.text(publish.payload) == "21.5")
    }
}
