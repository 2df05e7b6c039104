import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("Positions in history")
struct ReplayPositionTests {
    private static let now = Timestamp(rawValue: 1_800_000_000_000)

    private static func time(_ milliseconds: Int64) -> ReplayPosition { .time(Timestamp(rawValue: milliseconds)) }

    static let positions: [(text: String, position: ReplayPosition)] = [
        ("earliest", .earliest), ("latest", .latest),
        ("-30s", time(now.rawValue - 30_000)), ("-5m", time(now.rawValue - 300_000)),
        ("-24h", time(now.rawValue - 86_400_000)), ("@-24h", time(now.rawValue - 86_400_000)),
        ("-7d", time(now.rawValue - 604_800_000)), ("-2w", time(now.rawValue - 1_209_600_000)),
        ("2026-09-01T00:00:00Z", time(1_788_220_800_000)), ("2026-09-01T03:00Z", time(1_788_231_600_000)),
        ("2026-09-01T02:30+02:00", time(1_788_222_600_000)), ("@2026-09-01T00:00:00Z", time(1_788_220_800_000)),
        ("2026-09-01t02:00:00.5+02:00", time(1_788_220_800_500)),
        ("1767225600000000", time(1_767_225_600_000)), ("0", time(0)),
        ("3:1200", .offset(partition: 3, Offset(rawValue: 1200))),
        ("#3:1200", .offset(partition: 3, Offset(rawValue: 1200))),
        ("0:0", .offset(partition: 0, .zero)),
        ("now", .time(now)), ("@now", .time(now)), ("24h", time(now.rawValue - 86_400_000)),
        ("1h", time(now.rawValue - 3_600_000)), ("0s", .time(now)),
        ("2026-09-01", time(1_788_220_800_000)), ("@2026-09-01", time(1_788_220_800_000)),
        ("1970-01-01", time(0)), ("2024-02-29", time(1_709_164_800_000)),
        ("2026-09-01T02:00:00e02:00", time(1_788_220_800_000)),
        ("2026-08-31T19:00:00-05:00", time(1_788_220_800_000)),
        ("2026-09-01T05:30:00.250E05:30", time(1_788_220_800_250)),
    ]

    @Test("each form is read", arguments: positions)
    func reads(text: String, position: ReplayPosition) {
        #expect(ReplayPosition(text, now: Self.now) == position)
    }

    @Test(
        "everything else is not",
        arguments: [
            "", "@", "#", "-", "-h", "-1", "-1y", "-1.5h", "--1h", "-99999999999999999999h", "-999999999999999999w",
            "yesterday",
            "Earliest", "12:", ":12", "1:2:3", "#1", "1:-1", "99999999999:0", "-1:5", "1e3", "+5",
            "12345678901234567890", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-02-29", "2026-9-1",
            "2026-09-01T", "2026-13-01", "2026-09-00", "1y", "1.5h", "h", "+24h", "nowhere",
            "2026-09-01T00:00:00w02:00",
            "2026-09-01T24:00:00Z",
            "2026-09-01T00:00:00", "2026-09-01T00:00", "2026-09-01T00:00.5Z", "2026-09-01T00:00:00.Z",
            "2026-09-01T00:00:00+25:00", "2026-09-01T00:00:00Zx",
        ])
    func refuses(_ text: String) {
        #expect(ReplayPosition(text, now: Self.now) == nil)
    }

    @Test("times are written so that they are read back, in leap years, before 1970 and at the ends of months")
    func roundTrips() throws {
        var moments: [Int64] = [0, -1, 1, 951_782_399_999, 951_782_400_000, 4_102_444_799_999, -2_208_988_800_000]
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            moments.append(Int64.random(in: -2_000_000_000_000...8_000_000_000_000, using: &generator))
        }
        for moment in moments {
            let text = RFC3339.text(moment)
            #expect(RFC3339.milliseconds(Array(text.utf8)[...]) == moment, "\(text)")
        }
        #expect(RFC3339.text(951_782_400_000) == "2000-02-29T00:00:00.000Z")
        #expect(RFC3339.text(-1) == "1969-12-31T23:59:59.999Z")
    }
}

@Suite("Filters that ask for history")
struct ReplayRequestTests {
    private func parse(_ filter: String, _ position: String? = nil) -> ReplayRequest.Parsed {
        ReplayRequest.parse(
            Array(filter.utf8), ReplayRequest.Options(offset: position), now: Timestamp(rawValue: 1_800_000_000_000))
    }

    @Test(
        "ordinary filters are none, also when they begin alike",
        arguments: ["a", "#", "$SYS/#", "$replays/x/y", "$streamx", "/$replay/earliest/#"])
    func leavesOrdinary(_ filter: String) {
        guard case .ordinary = parse(filter) else {
            Issue.record("\(filter) is taken for a replay")
            return
        }
    }

    @Test("$replay takes a time and the filter behind it")
    func readsReplay() {
        guard case .replay(let request) = parse("$replay/-24h/a/+/#") else {
            Issue.record("not a replay")
            return
        }
        #expect(request.stream == nil)
        #expect(request.filter == Array("a/+/#".utf8))
        #expect(request.position == .time(Timestamp(rawValue: 1_800_000_000_000 - 86_400_000)))
    }

    @Test("$stream takes a name, a filter that may be missing, and its position from the property")
    func readsStream() {
        for (filter, position, inner, expected) in [
            ("$stream/s", nil, "", ReplayPosition.latest), ("$stream/s/a/b", "earliest", "a/b", .earliest),
            ("$stream/s/#", "2:7", "#", .offset(partition: 2, Offset(rawValue: 7))),
        ] as [(String, String?, String, ReplayPosition)] {
            guard case .replay(let request) = parse(filter, position) else {
                Issue.record("\(filter) is not a replay")
                continue
            }
            #expect(request.stream == "s")
            #expect(request.filter == Array(inner.utf8))
            #expect(request.position == expected)
        }
    }

    @Test(
        "what cannot be says why",
        arguments: [
            ("$replay", nil), ("$replay/earliest", nil), ("$replay/earliest/", nil), ("$replay//a", nil),
            ("$replay/soon/#", nil), ("$replay/1:2/#", nil), ("$stream", nil), ("$stream/", nil), ("$stream/s", "soon"),
        ] as [(String, String?)])
    func refuses(filter: String, position: String?) {
        guard case .refused(let reason) = parse(filter, position) else {
            Issue.record("\(filter) is not refused")
            return
        }
        #expect(!reason.isEmpty)
    }
}
