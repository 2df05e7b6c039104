import Bridging
import Testing

@Suite("the pace of a bridge")
struct PaceTests {
    private static let second: Int64 = 1_000_000_000

    /// Hands over as fast as the pace allows for ten seconds.
    private func run(_ messages: Int?, _ bytes: Int?, byteCount: Int) -> (total: Int, inOneMillisecond: Int) {
        var pace = BridgePace(messagesPerSecond: messages, bytesPerSecond: bytes, now: 0)
        var total = 0
        var most = 0
        for tick in 0..<10_000 {
            pace.elapsed(now: Int64(tick) * 1_000_000)
            var count = 0
            while pace.due == nil, count < 100_000 {
                pace.took(byteCount: byteCount)
                count += 1
            }
            total += count
            most = max(most, count)
        }
        return (total, most)
    }

    @Test("it hands over what its rate allows, and never more at once than a tenth of a second holds")
    func messages() {
        let result = run(1000, nil, byteCount: 1 << 20)
        #expect((9_900...10_200).contains(result.total) && result.inOneMillisecond <= 101)
    }

    @Test("bytes count too, also of messages that are larger than a tenth of a second holds")
    func bytes() {
        let result = run(nil, 1_000_000, byteCount: 500_000)
        #expect((19...21).contains(result.total))
    }

    @Test("it is due when it says so, and at once without a rate")
    func due() throws {
        var pace = BridgePace(messagesPerSecond: 1, bytesPerSecond: nil, now: 0)
        pace.took(byteCount: 1)
        let due = try #require(pace.due)
        pace.elapsed(now: due - Self.second / 2)
        #expect(pace.due != nil)
        pace.elapsed(now: due)
        #expect(pace.due == nil)
        var free = BridgePace(messagesPerSecond: nil, bytesPerSecond: nil, now: 0)
        free.took(byteCount: 1 << 30)
        #expect(free.due == nil)
    }
}

@Suite("the pace of a catch-up")
struct CatchUpPaceTests {
    @Test("what is behind becomes less by 1,000 a second at any rate of publishing", arguments: [0, 5000, 200_000])
    func shrinks(published: Int) {
        var pace = CatchUpPace(now: 0)
        var behind = 20_000.0
        for tick in 1...10_000 {
            behind += Double(published) / 1000
            pace.elapsed(now: Int64(tick) * 1_000_000, newCount: Double(published) / 1000)
            while pace.due == nil {
                pace.took()
                behind -= 1
            }
        }
        #expect((9_800...10_000).contains(behind))
    }

    @Test("history goes in bursts of a tenth of a second at most, and is due when it says so")
    func bursts() throws {
        var pace = CatchUpPace(now: 0)
        pace.elapsed(now: 60_000_000_000, newCount: 0)
        var count = 0
        while pace.due == nil {
            pace.took()
            count += 1
        }
        #expect(count == CatchUpPace.messagesPerSecond / 10)
        let due = try #require(pace.due)
        pace.elapsed(now: due, newCount: 0)
        #expect(pace.due == nil)
    }
}
