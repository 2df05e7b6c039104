import KafkaWire
import SluiceCore
import Testing

@Suite("Lengths that are not to be believed")
struct ReaderTests {
    /// The error of reading `text`, hexadecimal; nil when there is none.
    private func error<Value>(_ text: String, _ read: (inout KafkaReader) throws -> Value) -> KafkaWireError? {
        let bytes = hex(text)
        var reader = KafkaReader(bytes.span)
        do {
            _ = try read(&reader)
            return nil
        } catch {
            return error as? KafkaWireError
        }
    }

    @Test("An array of 2,147,483,647 elements is refused before room is made for it")
    func arrayBomb() throws {
        let error = error("7fffffff 00000001 00000002") { reader in
            let array: [Int32] = try reader.readArray(compact: false, version: 0, "here")
            #expect(reader.arrayByteCount == 0)
            return array
        }
        #expect(error?.cause == .countTooLarge(count: 2_147_483_647, atMost: 2))
        #expect(error?.field == "here")
        #expect(error?.offset == 0)
        let compact = self.error("ffffffff0f 00") { reader -> [String] in
            try reader.readArray(compact: true, version: 0, "here")
        }
        #expect(compact?.cause == .countTooLarge(count: 4_294_967_294, atMost: 1))
    }

    @Test("A message with such an array says where")
    func messageBomb() throws {
        // Fetch v4: replica, wait, least and most bytes, isolation, then the topics.
        let bytes = hex("ffffffff 00000064 00000001 00100000 00 7fffffff 0001 61 00000000")
        let error = #expect(throws: KafkaWireError.self) { try FetchRequest.decode(bytes.span, version: 4) }
        #expect(error?.cause == .countTooLarge(count: 2_147_483_647, atMost: 2))
        #expect(error?.description == "FetchRequest.topics at byte 17: 2147483647 elements announced, at most 2 fit")
    }

    @Test("Arrays together take no more memory than the reader may use")
    func arrayBudget() throws {
        let bytes = hex("00000003 00000001 00000002 00000003")
        var reader = KafkaReader(bytes.span, arrayBytesMax: 12)
        let array: [Int32] = try reader.readArray(compact: false, version: 0, "here")
        #expect(array == [1, 2, 3])
        #expect(reader.arrayByteCount == 12)
        var small = KafkaReader(bytes.span, arrayBytesMax: 11)
        do throws(KafkaWireError) {
            let array: [Int32] = try small.readArray(compact: false, version: 0, "here")
            Issue.record("\(array)")
        } catch {
            #expect(error.cause == .arraysTooLarge(12, atMost: 11))
        }
    }

    @Test("Negative lengths other than null's are refused")
    func negative() {
        #expect(error("fffffffe") { try $0.readBytes(compact: false, "a") }?.cause == .lengthNegative(-2))
        #expect(
            error("80000000") { try $0.readNullableBytes(compact: false, "a") }?.cause
                == .lengthNegative(-2_147_483_648))
        #expect(error("8000") { try $0.readNullableString(compact: false, "a") }?.cause == .lengthNegative(-32768))
        #expect(
            error("fffffffe") { try $0.readRecords(compact: false, nullable: true, "a") }?.cause == .lengthNegative(-2))
    }

    @Test("Null is refused where the version has a value")
    func null() {
        #expect(error("ffff") { try $0.readString(compact: false, "a") }?.cause == .nullNotAllowed)
        #expect(error("00") { try $0.readString(compact: true, "a") }?.cause == .nullNotAllowed)
        #expect(error("ffffffff") { try $0.readBytes(compact: false, "a") }?.cause == .nullNotAllowed)
        #expect(error("00") { try $0.readRecords(compact: true, nullable: false, "a") }?.cause == .nullNotAllowed)
        // Metadata v0 has no null for all topics, v1 has.
        #expect(throws: KafkaWireError.self) { try MetadataRequest.decode(hex("ffffffff").span, version: 0) }
        #expect(throws: Never.self) { try MetadataRequest.decode(hex("ffffffff").span, version: 1) }
    }

    @Test("A string or byte string longer than the frame is refused")
    func truncated() {
        #expect(
            error("7fff 61") { try $0.readString(compact: false, "a") }?.cause
                == .truncated(needed: 32767, remaining: 1))
        #expect(
            error("ffffffff0f 61") { try $0.readNullableBytes(compact: true, "a") }?.cause
                == .truncated(needed: 4_294_967_294, remaining: 1))
        #expect(error("00") { try $0.readInt16("a") }?.cause == .truncated(needed: 2, remaining: 1))
    }

    @Test("A varint of more than 32 bits is refused, one of five bytes is not")
    func varint() throws {
        #expect(error("ffffffffffffffffff01") { try $0.readVarint("a") }?.cause == .varintTooLong)
        #expect(error("ffffffff1f") { try $0.readVarint("a") }?.cause == .varintTooLong)
        #expect(error("8080808080") { try $0.readVarint("a") }?.cause == .varintTooLong)
        #expect(error("80") { try $0.readVarint("a") }?.cause == .truncated(needed: 1, remaining: 0))
        for value in [0, 1, 127, 128, 300, 16383, 16384, 2_097_151, 2_097_152, 268_435_456, UInt32.max] {
            var writer = KafkaWriter()
            writer.writeVarint(value)
            var reader = KafkaReader(writer.buffer.bytes)
            #expect(try reader.readVarint("a") == value)
            try reader.finish()
        }
    }

    @Test("A string that is not UTF-8 is refused where it begins")
    func notUTF8() {
        let error = error("0003 61ff62") { try $0.readString(compact: false, "a") }
        #expect(error?.cause == .stringNotUTF8)
        #expect(error?.offset == 2)
    }

    @Test("Unknown tagged fields are passed over, in a struct in an array too")
    func unknownTags() throws {
        // Heartbeat v4: group, generation, member, no instance, then tags 3 and 200.
        let bytes = hex("0267 00000005 026d 00 02 03 02 aabb c801 00")
        let request = try HeartbeatRequest.decode(bytes.span, version: 4)
        #expect(request == HeartbeatRequest(groupID: "g", generationID: 5, memberID: "m"))
        let metadata = try MetadataRequest.decode(hex("02 0274 01 07 01 ff 01 00 00 00").span, version: 9)
        #expect(metadata.topics?.map(\.name) == ["t"])
    }

    @Test("Tagged fields that are too many, too long, or out of order are refused")
    func brokenTags() {
        func cause(_ tags: String) -> KafkaWireError.Cause? {
            error("0267 00000005 026d 00 \(tags)") { reader in
                try HeartbeatRequest(from: &reader, version: 4)
            }?.cause
        }
        #expect(cause("ffffffff0f 00") == .countTooLarge(count: 4_294_967_295, atMost: 0))
        #expect(cause("01 03 ffffffff0f 00") == .truncated(needed: 4_294_967_295, remaining: 1))
        #expect(cause("02 03 00 03 00") == .tagsNotAscending(3))
        #expect(cause("02 03 00 02 00") == .tagsNotAscending(2))
        #expect(cause("01 ffffffffff01") == .varintTooLong)
    }

    @Test("A known tagged field that is shorter or longer than it says is refused")
    func knownTags() throws {
        // Fetch v12 up to the tags: eleven fields, all empty.
        let head = "ffffffff 00000064 00000001 00100000 00 00000000 ffffffff 01 01 01"
        func cause(_ tags: String) -> KafkaWireError.Cause? {
            error("\(head) \(tags)") { reader in try FetchRequest(from: &reader, version: 12) }?
                .cause
        }
        let request = try FetchRequest.decode(hex("\(head) 01 00 03 036162").span, version: 12)
        #expect(request.clusterID == "ab")
        #expect(cause("01 00 04 036162 00") == .tagTooLong(1))
        #expect(cause("01 00 02 036162") == .truncated(needed: 2, remaining: 1))
    }

    @Test("The byte before a struct that may be null is 1 or -1")
    func presence() {
        // DescribeTopicPartitions v0: no topics, a limit, then the cursor.
        #expect(throws: Never.self) {
            try DescribeTopicPartitionsRequest.decode(hex("01 00000001 ff 00").span, version: 0)
        }
        let error = #expect(throws: KafkaWireError.self) {
            try DescribeTopicPartitionsRequest.decode(hex("01 00000001 00 00").span, version: 0)
        }
        #expect(error?.cause == .presenceInvalid(0))
        #expect(error?.offset == 5)
    }
}
