import KafkaWire
import SluiceCore
import Testing

@Suite("Kafka frames and headers")
struct FrameTests {
    private func length(_ text: String, limit: Int = 1000) -> Result<Int?, KafkaFrame.Fault> {
        let bytes = hex(text)
        do throws(KafkaFrame.Fault) {
            return .success(try KafkaFrame.byteCount(bytes.span, limit: limit))
        } catch {
            return .failure(error)
        }
    }

    @Test("A length is known when its four bytes are there")
    func lengths() {
        #expect(length("000000") == .success(nil))
        #expect(length("00000008") == .success(8))
        #expect(length("000003e8 00") == .success(1000))
    }

    @Test("A length that no request has is refused, and says what the bytes look like")
    func faults() {
        #expect(length("00000007") == .failure(.tooShort(7)))
        #expect(length("ffffffff") == .failure(.tooShort(-1)))
        #expect(length("000003e9") == .failure(.tooLong(1001, limit: 1000)))
        #expect(length("16030100") == .failure(.looksLikeTLS))
        #expect(length("47455420") == .failure(.looksLikeHTTP))
        #expect(length("504f5354") == .failure(.looksLikeHTTP))
    }

    @Test("The first eight bytes are read of any version of any API")
    func prefix() throws {
        let prefix = try KafkaRequestPrefix(hex("0012 0063 00000007 ff").span)
        #expect(prefix.api == .apiVersions)
        #expect(prefix.version == 99)
        #expect(prefix.correlationID == 7)
        #expect(try KafkaRequestPrefix(hex("7fff 0000 00000000").span).api == nil)
        #expect(throws: KafkaWireError.self) { try KafkaRequestPrefix(hex("0012 0063 000000").span) }
    }

    @Test("Headers have the version of the request's version, and the client's name is never compact")
    func headers() throws {
        var writer = KafkaWriter()
        try writer.writeFrame(HeartbeatRequest(groupID: "g"), correlationID: 5, clientID: "me", version: 3)
        #expect(
            copy(writer.buffer.bytes)
                == hex("00000017 000c 0003 00000005 0002 6d65 0001 67 00000000 0000 ffff"))
        writer.removeAll()
        try writer.writeFrame(HeartbeatRequest(groupID: "g"), correlationID: 5, clientID: nil, version: 4)
        let frame = copy(writer.buffer.bytes)
        #expect(frame == hex("00000014 000c 0004 00000005 ffff 00 0267 00000000 01 00 00"))
        var reader = KafkaReader(frame.span.extracting(droppingFirst: 4))
        let header = try reader.readRequestHeader(.heartbeat, version: 4)
        #expect(header == KafkaRequestHeader(requestApiKey: 12, requestApiVersion: 4, correlationID: 5, clientID: nil))
        #expect(try HeartbeatRequest(from: &reader, version: 4) == HeartbeatRequest(groupID: "g"))
        try reader.finish()
    }

    @Test("Responses have tagged fields in their header where they are flexible, but for ApiVersions")
    func responses() throws {
        var writer = KafkaWriter()
        try writer.writeFrame(HeartbeatResponse(), correlationID: 5, version: 3)
        try writer.writeFrame(HeartbeatResponse(), correlationID: 6, version: 4)
        #expect(
            copy(writer.buffer.bytes)
                == hex("0000000a 00000005 00000000 0000 0000000c 00000006 00 00000000 0000 00"))
        writer.removeAll()
        try writer.writeFrame(ApiVersionsResponse(), correlationID: 5, version: 3)
        #expect(copy(writer.buffer.bytes) == hex("0000000c 00000005 0000 01 00000000 00"))
        for api in KafkaAPI.allCases {
            for version in api.versions {
                let isFlexible = api.flexibleFrom.map { version >= $0 } ?? false
                #expect(api.requestHeaderVersion(version) == (isFlexible ? 2 : 1))
                #expect(api.responseHeaderVersion(version) == (isFlexible && api != .apiVersions ? 1 : 0))
            }
        }
    }

    @Test("The table of APIs is that of the messages")
    func table() {
        for type in KafkaMessages.all {
            if let request = type as? any KafkaRequest.Type {
                #expect(KafkaAPI(rawValue: request.key)?.versions == request.versions, "\(type)")
                #expect(KafkaAPI(rawValue: request.key)?.flexibleFrom == request.flexibleFrom, "\(type)")
            }
            if let response = type as? any KafkaResponse.Type {
                #expect(KafkaAPI(rawValue: response.key)?.versions == response.versions, "\(type)")
            }
        }
        #expect(KafkaAPI.produce.name == "Produce")
        #expect(KafkaAPI.offsetDelete.flexibleFrom == nil)
    }

    @Test("Identifiers are 22 characters of base64url")
    func identifiers() {
        let text = "__-AAAECAwQFBgcICQoLDA"
        #expect(KafkaUUID(text)?.description == text)
        #expect(KafkaUUID.zero.description == "AAAAAAAAAAAAAAAAAAAAAA")
        #expect(KafkaUUID("AAAAAAAAAAAAAAAAAAAAAB") == nil)
        #expect(KafkaUUID("AAAAAAAAAAAAAAAAAAAAA") == nil)
        #expect(KafkaUUID("AAAAAAAAAAAAAAAAAAAAA+") == nil)
    }

    @Test("Error codes have Kafka's names")
    func errorCodes() {
        #expect(KafkaErrorCode.none.name == "NONE")
        #expect(KafkaErrorCode.unknownServerError.name == "UNKNOWN_SERVER_ERROR")
        #expect(KafkaErrorCode.unknownTopicID.rawValue == 100)
        #expect(KafkaErrorCode.unknownTopicID.name == "UNKNOWN_TOPIC_ID")
        #expect(KafkaErrorCode.shareSessionLimitReached.name == "SHARE_SESSION_LIMIT_REACHED")
        #expect(KafkaErrorCode(rawValue: 134).description == "134")
        #expect(KafkaErrorCode(rawValue: -2).name == nil)
        #expect(KafkaErrorCode.notCoordinator.isRetriable)
        #expect(!KafkaErrorCode.invalidRequest.isRetriable)
    }
}
