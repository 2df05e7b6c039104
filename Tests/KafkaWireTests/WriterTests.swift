import KafkaWire
import SluiceCore
import Testing

@Suite("What is written")
struct WriterTests {
    private func bytes<Message: KafkaMessage>(_ message: Message, _ version: Int16) throws -> [UInt8] {
        try encoded(message, version)
    }

    private func cause(_ body: () throws -> Void) -> KafkaWireError.Cause? {
        do {
            try body()
            return nil
        } catch {
            return (error as? KafkaWireError)?.cause
        }
    }

    @Test("A value that the version cannot carry is refused, unless it may be dropped")
    func notInVersion() throws {
        var writer = KafkaWriter()
        let instance = HeartbeatRequest(groupID: "g", memberID: "m", groupInstanceID: "i")
        let error = #expect(throws: KafkaWireError.self) { try instance.encode(to: &writer, version: 2) }
        #expect(error?.cause == .notInVersion(2))
        #expect(error?.field == "HeartbeatRequest.groupInstanceID")
        let plain = HeartbeatRequest(groupID: "g", memberID: "m")
        #expect(try bytes(plain, 2) == hex("0001 67 00000000 0001 6d"))
        // A throttle time is dropped by the version without it.
        #expect(try bytes(HeartbeatResponse(throttleTimeMs: 7, errorCode: .rebalanceInProgress), 0) == hex("001b"))
        #expect(try bytes(HeartbeatResponse(throttleTimeMs: 7), 1) == hex("00000007 0000"))
    }

    @Test("Null is refused where the version has a value")
    func null() {
        var writer = KafkaWriter()
        #expect(cause { try MetadataRequest(topics: nil).encode(to: &writer, version: 0) } == .nullNotAllowed)
        #expect(cause { try MetadataRequest(topics: nil).encode(to: &writer, version: 1) } == nil)
    }

    @Test("A string is at most 32,767 bytes long, also where its length could say more")
    func longString() throws {
        let long = String(repeating: "é", count: 16384)
        var writer = KafkaWriter()
        #expect(cause { try writer.write(long, compact: false, "a") } == .tooLong(32768))
        #expect(cause { try writer.write(long, compact: true, "a") } == .tooLong(32768))
        try writer.write(String(long.dropLast()), compact: true, "a")
        var reader = KafkaReader(writer.buffer.bytes)
        #expect(try reader.readString(compact: true, "a") == String(long.dropLast()))
        var other = KafkaWriter()
        other.writeVarint(32769)
        other.buffer.append(utf8: long)
        var longReader = KafkaReader(other.buffer.bytes)
        do throws(KafkaWireError) {
            _ = try longReader.readString(compact: true, "a")
            Issue.record("a string of 32,768 bytes is read")
        } catch {
            #expect(error.cause == .tooLong(32768))
        }
    }

    @Test("External records are a length and a gap, which the frame's length counts")
    func gaps() throws {
        func response(_ first: KafkaRecords, _ second: KafkaRecords) -> FetchResponse {
            FetchResponse(responses: [
                FetchResponse.FetchableTopicResponse(
                    topic: "t",
                    partitions: [
                        FetchResponse.PartitionData(partitionIndex: 0, abortedTransactions: nil, records: first),
                        FetchResponse.PartitionData(partitionIndex: 1, abortedTransactions: nil, records: second),
                    ])
            ])
        }
        for version in FetchResponse.versions {
            let (one, two) = ([UInt8](repeating: 1, count: 300), [UInt8](repeating: 2, count: 5))
            var whole = KafkaWriter()
            try whole.writeFrame(response(.bytes(one), .bytes(two)), correlationID: 9, version: version)
            var gappy = KafkaWriter()
            gappy.write(0xAABB as UInt16)
            try gappy.writeFrame(
                response(.external(byteCount: 300), .external(byteCount: 5)), correlationID: 9, version: version)
            #expect(gappy.byteCount == whole.byteCount + 2)
            #expect(gappy.gaps.map(\.byteCount) == [300, 5])
            var sent: [UInt8] = []
            var rest = copy(gappy.buffer.bytes)[...]
            for (gap, bytes) in zip(gappy.gaps, [one, two]) {
                sent += rest[..<gap.offset] + bytes
                rest = rest[gap.offset...]
            }
            #expect(Array((sent + rest).dropFirst(2)) == copy(whole.buffer.bytes), "\(version)")
        }
    }

    @Test("Nothing is left of a frame that could not be written")
    func undone() throws {
        var writer = KafkaWriter()
        let good = FetchResponse(responses: [
            FetchResponse.FetchableTopicResponse(
                topic: "t", partitions: [FetchResponse.PartitionData(records: .external(byteCount: 10))])
        ])
        try writer.writeFrame(good, correlationID: 1, version: 4)
        let (count, gaps) = (writer.byteCount, writer.gaps)
        var bad = good
        bad.responses[0].partitions.append(FetchResponse.PartitionData(preferredReadReplica: 5))
        #expect(throws: KafkaWireError.self) { try writer.writeFrame(bad, correlationID: 2, version: 4) }
        #expect(writer.byteCount == count)
        #expect(writer.gaps == gaps)
        #expect(writer.gapByteCount == 10)
    }

    @Test("Records of a frame are where they lie in it, and are not written by accident")
    func frameRecords() throws {
        let request = ProduceRequest(
            acks: -1, timeoutMs: 1000,
            topicData: [
                ProduceRequest.TopicProduceData(
                    name: "t", partitionData: [ProduceRequest.PartitionProduceData(records: .bytes([1, 2, 3]))])
            ])
        let frame = try bytes(request, 9)
        let read = try ProduceRequest.decode(frame.span, version: 9)
        let records = read.topicData[0].partitionData[0].records
        let range = try #require(records.range)
        #expect(frame.span.copy(range) == [1, 2, 3])
        #expect(records.copied(from: frame.span) == .bytes([1, 2, 3]))
        var writer = KafkaWriter()
        #expect(cause { try read.encode(to: &writer, version: 9) } == .recordsElsewhere)
    }

    @Test("Tagged fields are written when they differ from their default, in the order of their numbers")
    func tags() throws {
        var response = ApiVersionsResponse()
        #expect(try bytes(response, 3) == hex("0000 01 00000000 00"))
        response.finalizedFeaturesEpoch = 7
        response.zkMigrationReady = true
        #expect(try bytes(response, 3) == hex("0000 01 00000000 02 01 08 0000000000000007 03 01 01"))
        #expect(try bytes(response, 2) == hex("0000 00000000 00000000"))
    }
}
