import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("Tails")
struct TailTests {
    /// Takes records until it is full.
    private final class TestSink: DeliverySink {
        var isClosing = false
        var hasWaitingOutput: Bool { room == 0 }
        var subscriptions: [Subscription] = []
        var room = Int.max
        var values: [String] = []
        var offsets: [Int64] = []
        var accountedCount = 0

        func take(
            _ delivery: BrokerShard.Delivery, for target: MatchList.Target, _ bytes: Span<UInt8>, isRetained: Bool,
            from shard: BrokerShard
        ) -> BrokerShard.SendOutcome {
            guard room > 0 else { return .full }
            room -= 1
            let payload = delivery.message.payload.indices.map { bytes[$0] }
            values.append(String(decoding: payload, as: UTF8.self))
            offsets.append(delivery.offset.rawValue)
            return .done
        }

        func account(_ reader: Reader, on shard: BrokerShard) {
            accountedCount += 1
            shard.account(alone: reader)
        }

        func missed(_ count: UInt64) { Issue.record("a tail reads what is durable") }
    }

    private func open(
        _ test: TestShard, _ sink: TestSink, _ filter: String = "", from position: ReplayPosition
    ) -> Subscription? {
        let request = ReplayRequest(stream: "mqtt", filter: Array(filter.utf8), position: position)
        guard case .open(let subscription) = test.shard.openTail(sink, request) else { return nil }
        sink.subscriptions = [subscription]
        return subscription
    }

    @Test("a sink that is no client gets history, then what comes, with neither gap nor repeat")
    func tails() throws {
        let test = TestShard()
        let publisher = test.connect("p")
        for number in 0..<20 { publisher.publish("t/\(number % 2)", "\(number)", qos: .atLeastOnce, id: 1) }
        test.commit()
        test.log.flush()
        let (all, some) = (TestSink(), TestSink())
        let subscription = try #require(open(test, all, from: .earliest))
        _ = try #require(open(test, some, "t/1", from: .earliest))
        test.settle()
        for number in 20..<30 {
            publisher.publish("t/\(number % 2)", "\(number)", qos: .atLeastOnce, id: 1)
            test.commit()
        }
        #expect(all.values == (0..<30).map { "\($0)" })
        #expect(all.offsets == Array(0..<30))
        #expect(some.values == (0..<30).filter { $0 % 2 == 1 }.map { "\($0)" })
        test.shard.closeTail(subscription)
        publisher.publish("t/1", "30", qos: .atLeastOnce, id: 1)
        test.commit()
        #expect(all.values.count == 30)
        #expect(some.values.last == "30")
    }

    @Test("one that takes no more keeps its place, and goes on there when it says so")
    func waits() throws {
        let test = TestShard()
        let publisher = test.connect("p")
        let sink = TestSink()
        sink.room = 3
        let subscription = try #require(open(test, sink, from: .latest))
        for number in 0..<10 { publisher.publish("t", "\(number)", qos: .atLeastOnce, id: 1) }
        test.commit()
        test.settle()
        #expect(sink.values == ["0", "1", "2"])
        sink.room = 4
        test.shard.tailDrained(subscription)
        test.settle()
        #expect(sink.values.count == 7)
        sink.room = .max
        test.shard.tailDrained(subscription)
        test.settle()
        publisher.publish("t", "10", qos: .atLeastOnce, id: 1)
        test.commit()
        #expect(sink.values == (0...10).map { "\($0)" })
        #expect(sink.accountedCount > 0)
        test.shard.closeTail(subscription)
        #expect(subscription.reader.heldByteCount == 0)
    }

    @Test("what is not there is refused by name")
    func refuses() {
        let test = TestShard()
        for (stream, word) in [("none", "'none'"), ("__sessions", "'__sessions'")] {
            let request = ReplayRequest(stream: stream, filter: [], position: .earliest)
            guard case .refused(let reason) = test.shard.openTail(TestSink(), request) else {
                Issue.record("a tail of \(stream) is open")
                continue
            }
            #expect(reason.contains(word))
        }
    }
}
