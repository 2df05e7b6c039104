import KafkaWire
import Testing

@Suite("Messages as Kafka itself writes them")
struct GoldenVectorTests {
    @Test("Every message is recorded in every version")
    func coverage() {
        var versions: [String: Set<Int16>] = [:]
        for vector in GoldenVector.all {
            versions[GoldenVector.folded(vector.name), default: []].insert(vector.version)
        }
        for type in KafkaMessages.all {
            #expect(versions[GoldenVector.folded(String(describing: type))] == Set(type.versions), "\(type)")
        }
        #expect(GoldenVector.groups.count == KafkaMessages.all.count)
        #expect(KafkaMessages.all.count == 2 * KafkaAPI.allCases.count + 9)
    }

    @Test("Every message is read with the values that it was written of", arguments: GoldenVector.groups)
    func values(_ name: String) throws {
        for vector in GoldenVector.all where vector.name == name {
            let type = try #require(vector.type)
            let message = try type.decode(vector.bytes.span, version: vector.version)
            let comparison = ValueComparison(frame: vector.bytes)
            #expect(comparison.differences(message, vector.values, at: name) == [], "\(vector.testDescription)")
        }
    }

    @Test("Read and written again, every message has the same bytes", arguments: GoldenVector.groups)
    func roundTrip(_ name: String) throws {
        for vector in GoldenVector.all where vector.name == name {
            let type = try #require(vector.type)
            #expect(try again(type, vector) == vector.bytes, "\(vector.testDescription)")
        }
    }

    private func again<Message: KafkaMessage>(_ type: Message.Type, _ vector: GoldenVector) throws -> [UInt8] {
        let message = try type.decode(vector.bytes.span, version: vector.version)
        return try encoded(message, vector.version, frame: vector.bytes)
    }

    @Test("A message cut anywhere, and one with a byte too many, is refused", arguments: GoldenVector.groups)
    func cutEverywhere(_ name: String) throws {
        for vector in GoldenVector.all where vector.name == name {
            let type = try #require(vector.type)
            for count in 0..<vector.bytes.count {
                #expect(throws: KafkaWireError.self, "\(vector.testDescription) cut at \(count)") {
                    try type.decode(vector.bytes.span.extracting(first: count), version: vector.version)
                }
            }
            let longer = vector.bytes + [0]
            let error = #expect(throws: KafkaWireError.self) {
                try type.decode(longer.span, version: vector.version)
            }
            #expect(error?.cause == .bytesLeftOver(1))
            #expect(error?.offset == vector.bytes.count)
        }
    }

    @Test("A message of a version that it does not have is refused, both ways")
    func versions() throws {
        for type in KafkaMessages.all {
            for version in [type.versions.lowerBound - 1, type.versions.upperBound + 1] {
                let error = #expect(throws: KafkaWireError.self) { try type.decode([UInt8]().span, version: version) }
                #expect(error?.cause == .versionUnknown(version))
            }
        }
        var writer = KafkaWriter()
        #expect(throws: KafkaWireError.self) { try HeartbeatRequest().encode(to: &writer, version: 5) }
    }
}
