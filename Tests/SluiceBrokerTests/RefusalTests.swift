import Administration
import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("What the broker refuses is on a list")
struct RefusalTests {
    private func note(_ list: inout RefusalList, _ client: String, _ asked: String = "x", now: Int64, count: Int = 1) {
        list.note(client, at: "1.2.3.4:5", asked, because: "why", count: count, now: Timestamp(rawValue: now))
    }

    @Test("what a client repeats is one entry, with its first and last time and how often")
    func repeats() {
        var list = RefusalList()
        note(&list, "a", now: 10)
        note(&list, "a", now: 30, count: 4)
        note(&list, "b", now: 20)
        #expect(RefusalList.all(of: [list]).count == 2)
        let entry = RefusalList.all(of: [list]).first { $0.client == "a" }
        #expect(entry?.count == 5)
        #expect(entry?.first == Timestamp(rawValue: 10) && entry?.last == Timestamp(rawValue: 30))
        var other = RefusalList()
        note(&other, "a", now: 5)
        let both = RefusalList.all(of: [list, other])
        #expect(both.map(\.client) == ["a", "b"] && both.first?.count == 6)
        #expect(both.first?.first == Timestamp(rawValue: 5) && both.first?.last == Timestamp(rawValue: 30))
    }

    @Test("it keeps the newest, counts what made room for them, and shortens long texts between characters")
    func isBounded() {
        var list = RefusalList()
        for number in 0..<1000 { note(&list, "c\(number)", now: Int64(number)) }
        #expect(RefusalList.all(of: [list]).count == RefusalList.entriesMax)
        #expect(list.forgottenCount == 1000 - RefusalList.entriesMax)
        #expect(RefusalList.all(of: [list]).map(\.last.rawValue).min() == Int64(1000 - RefusalList.entriesMax))
        for (character, length) in [("x", 65_000), ("é", 30_000), ("€", 20_000), ("🌡", 15_000)] {
            var long = RefusalList()
            note(&long, String(repeating: character, count: length), now: 0)
            let client = RefusalList.all(of: [long])[0].client
            #expect(client.utf8.count <= 256 && client.hasSuffix("…"))
            #expect(client.dropLast().allSatisfy { String($0) == character })
        }
    }

    @Test("subscriptions, publishes, requests and connections are on it, also of clients that cannot be told why")
    func document() {
        let test = TestShard()
        let old = test.connect("old", .v311)
        old.subscribe("$replay/yesterday/#", qos: .atMostOnce)
        old.publish("$SYS/x", "", qos: .atMostOnce)
        let modern = test.connect("modern")
        modern.subscribe("$stream/mqtt", qos: .atMostOnce, offset: "0:999")
        modern.subscribe("a/b", qos: .atMostOnce, offset: "earliest")
        modern.send { $0.append([0xF0, 0].span) }
        guard case .refusals(let refusals, forgotten: 0) = test.shard.refusals() else {
            Issue.record("the refusals are not told")
            return
        }
        for (client, asked, reason) in [
            ("old", "to subscribe to $replay/yesterday/#", "'yesterday' is no position: expected earliest"),
            ("old", "to publish to $SYS/x", "the topic is the broker's"),
            ("modern", "to subscribe to $stream/mqtt", "ends at 0, and there is no 0:999; the nearest is 0:0"),
            ("modern", "to replay", "mean nothing without $stream/NAME"),
            ("modern", "to stay connected", ""),
        ] {
            let entry = refusals.first { $0.clientID == client && $0.asked == asked && $0.reason.contains(reason) }
            #expect(entry?.count == 1, "\(asked) in \(refusals)")
        }
    }

    @Test(
        "a property that is none of a replay's is refused with the nearest, where a replay is asked for",
        arguments: [
            ("stream-ofset", "$stream/mqtt", "did you mean 'stream-offset'?"),
            ("stream-offet", "$share/g/$stream/mqtt", "did you mean 'stream-offset'?"),
            ("Stream-Until", "$replay/earliest/#", "did you mean 'stream-until'?"),
            ("strem-speed", "$stream/mqtt", "did you mean 'stream-speed'?"),
            ("stream_offset", "$stream/mqtt", "did you mean 'stream-offset'?"),
            ("stream-from", "$stream/mqtt", "There are stream-offset, stream-until, stream-speed"),
            ("stream-offset", "$replay/earliest/#", "has its position in the filter"),
        ])
    func misspelt(name: String, filter: String, reason: String) {
        var options = ReplayRequest.Options()
        options.take(name, "earliest")
        #expect(options.fault(with: Array(filter.utf8))?.contains(reason) == true)
        #expect(options.fault(with: Array("a/b".utf8)) == nil)
    }

    @Test("other user properties are the client's own", arguments: ["trace-id", "offset", "streamline", "x", ""])
    func foreignProperties(_ name: String) {
        var options = ReplayRequest.Options()
        options.take(name, "1")
        #expect(options == ReplayRequest.Options())
    }
}
