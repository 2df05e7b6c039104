import Administration
import SluiceCore
import SluiceTesting
import Testing

@Suite("Administration as values")
struct AdministrationTests {
    private static let requests: [AdministrationRequest] = [
        .streams, .sessions, .deleteSession(clientID: Array("dev 42\n".utf8)), .refusals, .groups,
        .deleteGroup("analytics"), .resetGroup("analytics", stream: "sensors", [0: 12, 3: 0]),
        .offsets(stream: "sensors", time: 1_790_000_000_000), .bridges, .bridge("cloud", .pause),
        .bridge("cloud", .resume), .bridge("cloud", .seekEarliest), .bridge("cloud", .seekLatest),
        .bridge("cloud", .seekTime(0)), .bans, .ban("10.0.0.0/8", seconds: nil), .ban("::1", seconds: 60),
        .unban("::1"), .erase(EraseOrder(device: "dev\n42", stream: "sensors")), .eraseJob(7),
        .ledger(since: nil), .ledger(since: 1_790_000_000_000),
    ]

    @Test("a request is what its name and payload say", arguments: requests)
    func requestsComeBack(_ request: AdministrationRequest) throws {
        #expect(try AdministrationRequest(name: request.name, payload: request.payload) == request)
    }

    @Test("what is no request is told from one that is malformed, with what was expected")
    func faults() {
        #expect(throws: AdministrationRequest.Fault.unknown) { try AdministrationRequest(name: "stream", payload: []) }
        for (name, payload) in [
            ("groups/reset", "g\ns"), ("groups/reset", "g\ns\n0"), ("groups/reset", "g\ns\n-1 4"),
            ("groups/reset", "g\ns\n0 -4"), ("offsets", "sensors"), ("offsets", "sensors\nnoon"),
            ("bridges/seek", "cloud"), ("bridges/seek", "cloud\n-5"), ("bans/add", ""), ("bans/add", "::1\n0"),
            ("bans/add", "::1\n1\n2"),
        ] {
            do throws(AdministrationRequest.Fault) {
                _ = try AdministrationRequest(name: name, payload: Array(payload.utf8))
                Issue.record("\(name) \(payload) is taken")
            } catch {
                guard case .malformed(let expected) = error else {
                    Issue.record("\(name) \(payload): \(error)")
                    continue
                }
                #expect(expected.hasPrefix("expected "))
            }
        }
    }

    private static func stream() -> StreamReport {
        var report = StreamReport()
        (report.name, report.id, report.durability, report.cleanup) = ("sensors", "id", "fsync", "delete")
        report.retentionBytes = 7
        report.partitions = [StreamReport.PartitionReport()]
        report.partitions[0].appended = 9
        report.partitions[0].figures = ["segments": 3]
        return report
    }

    private static func session() -> SessionReport {
        var report = SessionReport()
        (report.clientID, report.isConnected, report.expirySeconds) = ("a \"b\"\n\u{1}é", true, nil)
        report.command = "consume"
        report.behind = 4
        report.subscriptions = [SessionReport.Filter("plant/+", qos: 1)]
        return report
    }

    private static func group() -> GroupReport {
        var report = GroupReport()
        report.name = "analytics"
        var member = GroupReport.Member()
        (member.id, member.clientID, member.host) = ("m", "m", "127.0.0.1")
        member.partitions = [GroupReport.Partition("sensors", 2)]
        report.members = [member]
        report.offsets = [GroupReport.Position()]
        report.offsets[0].committed = .max
        return report
    }

    private static func bridge() -> BridgeReport {
        var report = BridgeReport()
        (report.name, report.state, report.reason) = ("cloud", "live", nil)
        report.refusals = ["one", "two"]
        report.partitions = [BridgeReport.Place()]
        report.partitions[0].repeated = 5
        return report
    }

    private static func erasure() -> EraseReport {
        var report = EraseReport()
        (report.number, report.stage, report.isDone, report.fault) = (3, "erasing", true, "no space")
        report.streams = [EraseReport.Part()]
        report.streams[0].records = 12
        return report
    }

    private static let replies: [AdministrationReply] = [
        .streams([stream()]), .streams([]), .sessions([session(), SessionReport()]), .refusals([], forgotten: 3),
        .refusals([RefusalReport()], forgotten: 0), .groups([group()]), .bridges([bridge()]), .offsets([1: 2, 0: 9]),
        .deleted(true), .deleted(false), .reset(4), .done(true), .eraseJob(erasure()),
        .ledger([LedgerReport()], since: 5),
        .unknown, .active, .failed("expected a time"),
    ]

    @Test("a reply is what its document says", arguments: replies)
    func repliesComeBack(_ reply: AdministrationReply) throws {
        for text in [reply.json.description, reply.json.compact] {
            let document = try #require(JSONReader.read(Array(text.utf8)))
            #expect(AdministrationReply(json: document) == reply)
        }
    }

    @Test("a document with a field missing, or of another kind, is none; one with more fields is")
    func strict() throws {
        guard case .object(let members) = Self.session().json else {
            Issue.record("a report is an object")
            return
        }
        for index in members.indices {
            var fewer = members
            fewer.remove(at: index)
            #expect(SessionReport(json: .object(fewer)) == nil, "\(members[index].name)")
            fewer.insert(JSON.Member(name: members[index].name, value: .number(0.5)), at: index)
            #expect(SessionReport(json: .object(fewer)) == nil, "\(members[index].name)")
        }
        let more = members + [JSON.Member(name: "new", value: .bool(true))]
        #expect(SessionReport(json: .object(more)) == Self.session())
    }

    @Test("no bytes are more than no document", arguments: 0..<50)
    func damaged(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        for reply in Self.replies {
            var bytes = Array(reply.json.description.utf8)
            for _ in 0..<3 { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
            bytes.removeLast(random.below(4))
            if let document = JSONReader.read(bytes) { _ = AdministrationReply(json: document) }
        }
        let nested = [UInt8](repeating: UInt8(ascii: "["), count: 10_000)
        #expect(JSONReader.read(nested) == nil)
    }

    @Test(
        "JSON is read as RFC 8259 has it, and nothing else is",
        arguments: [
            (#"{"a":1,"b":[true,null,-0.5e-1]}"#, true), (#""\u00e9\ud83d\ude00""#, true), ("0", true), ("-0", true),
            ("1E+2", true), (#"{"a":1,"a":1}"#, false), (#"{"a":1,"\u0061":2}"#, false), ("01", false), ("+1", false),
            ("1.", false), (".5", false), ("-", false), ("1e", false), ("0x1", false), (#""\ud83d""#, false),
            (#""\ude00\ud83d""#, false), (#""\u+123""#, false), (#""\x""#, false), ("[1,]", false), ("{,}", false),
            ("nul", false), ("1 2", false), ("\"a\nb\"", false), ("", false),
        ])
    func strict(text: String, isTaken: Bool) {
        #expect((JSONReader.read(Array(text.utf8)) != nil) == isTaken)
        #expect(JSONReader.read(Array(#""\ud83d\ude00 \u00e9""#.utf8)) == .string("\u{1F600} \u{E9}"))
    }
}
