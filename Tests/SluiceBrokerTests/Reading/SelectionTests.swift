import CommitLog
import LogInterface
import MQTTWire
import SluiceCore
import Testing
import TopicRouting

@testable import SluiceBroker

@Suite("What readers ask the log for")
struct SelectionTests {
    private static let levels = ["a", "b", "", "é", "$x"]

    /// Every topic, and every filter, of up to three levels.
    private static func paths(_ levels: [String]) -> [String] {
        let two = levels.flatMap { first in levels.map { "\(first)/\($0)" } }
        let three = two.flatMap { path in levels.map { "\(path)/\($0)" } }
        return levels + two + three
    }

    @Test("is what its filters match, and the prefix leaves out no topic")
    func equalsFilters() {
        let topics = Self.paths(Self.levels).filter { !$0.isEmpty }.map { Array($0.utf8) }
        let filters = Self.paths(["a", "b", "", "é", "$x", "+", "#"]).map { Array($0.utf8) }
        var checked = 0
        for filter in filters {
            do { try FilterSyntax.check(filter: filter.span) } catch { continue }
            guard let selection = TopicSelection(filters: [filter]) else {
                #expect(filter == Array("#".utf8))
                continue
            }
            checked += 1
            for topic in topics {
                let isMatch = FilterSyntax.matches(filter: filter.span, topic: topic.span)
                let text = String(decoding: filter + [32] + topic, as: UTF8.self)
                if selection.contains(topic.span) != isMatch { Issue.record("\(text)") }
            }
        }
        #expect(checked > 200)
    }

    @Test("is everything when a filter is, or there are too many to look up")
    func everything() {
        let many = (0..<2000).map { Array("t/\($0)".utf8) }
        let wild = (0..<20).map { Array("t/\($0)/#".utf8) }
        #expect(TopicSelection(filters: [Array("a".utf8), Array("#".utf8)]) == nil)
        #expect(TopicSelection(filters: many) == nil)
        #expect(TopicSelection(filters: wild) == nil)
        #expect(TopicSelection(filters: Array(many.prefix(1000)) + wild.prefix(16)) != nil)
        #expect(TopicSelection(filters: []) != nil)
    }

    @Test("a replay asks for its own filter, delivers only that, and goes on live behind what was ruled out")
    func replays() {
        let test = TestShard(FakeLog(tailBytesMax: 0))
        let publisher = test.connect("publisher")
        for number in 1...30 {
            publisher.publish(
                "t/\(number % 10)", "\(number)", qos: .atLeastOnce, id: PacketID(rawValue: UInt16(number)))
            test.commit()
        }
        test.log.flush()
        let other = test.connect("other")
        other.subscribe("other/#", qos: .atLeastOnce)
        let reader = test.connect("reader", .v311)
        reader.subscribe("$replay/earliest/t/3", qos: .atLeastOnce)
        while test.takeWake() || test.log.fetchCount == 0 { test.tick() }
        test.tick()
        #expect(reader.take() == ["suback [1]", "t/3 3 q1 #1", "t/3 13 q1 #2", "t/3 23 q1 #3"])
        let topic = Array("t/3".utf8)
        let another = Array("t/4".utf8)
        #expect(test.log.fetchedSelection?.contains(topic.span) == true)
        #expect(test.log.fetchedSelection?.contains(another.span) == false)
        publisher.publish("t/3", "live", qos: .atLeastOnce, id: 99)
        publisher.publish("t/4", "live", qos: .atLeastOnce, id: 100)
        test.commit()
        #expect(reader.take() == ["t/3 live q1 #4"])
    }

    @Test("an answer to older subscriptions is asked for again: it may have ruled out what the new ones want")
    func subscribesMeanwhile() {
        let test = TestShard(FakeLog(tailBytesMax: 0))
        let reader = test.connect("reader", properties: [0x21, 0, 1])
        reader.subscribe("a", qos: .atLeastOnce)
        let publisher = test.connect("publisher")
        for number in 1...4 {
            publisher.publish("a", "\(number)", qos: .atLeastOnce, id: PacketID(rawValue: UInt16(number)))
        }
        test.commit()
        test.log.flush()
        test.log.holdsFetches = true
        #expect(reader.take() == ["suback [1]", "a 1 q1 #1"])
        reader.acknowledge(.puback, 1)
        #expect(test.log.fetchCount == 1)
        reader.subscribe("b", qos: .atLeastOnce)
        #expect(reader.take() == ["suback [1]"])
        publisher.publish("b", "new", qos: .atLeastOnce, id: 9)
        publisher.publish("c", "nobody's", qos: .atLeastOnce, id: 10)
        test.commit()
        test.log.flush()
        test.log.releaseFetches()
        test.tick()
        var received: [String] = []
        for _ in 0..<10 {
            test.tick()
            for packet in reader.take() {
                received.append(packet)
                reader.acknowledge(.puback, 1)
            }
        }
        #expect(received == ["a 2 q1 #1", "a 3 q1 #1", "a 4 q1 #1", "b new q1 #1"])
        publisher.publish("b", "live", qos: .atLeastOnce, id: 11)
        test.commit()
        test.tick()
        #expect(reader.take() == ["b live q1 #1"])
    }

    @Test("a batch in hand is kept when a client unsubscribes, but for what it no longer wants")
    func unsubscribesMeanwhile() {
        let test = TestShard(FakeLog(tailBytesMax: 0))
        let reader = test.connect("reader", properties: [0x21, 0, 1])
        reader.subscribe("a", qos: .atLeastOnce)
        reader.subscribe("b", qos: .atLeastOnce)
        let publisher = test.connect("publisher")
        for number in 1...6 {
            publisher.publish(
                number.isMultiple(of: 2) ? "a" : "b", "\(number)", qos: .atLeastOnce,
                id: PacketID(rawValue: UInt16(number)))
        }
        test.commit()
        test.log.flush()
        _ = reader.take()
        reader.send {
            UnsubscribePacket(version: .v5, packetID: 8, filters: [Array("b".utf8)]).encode(into: &$0)
        }
        var received: [String] = []
        for _ in 0..<10 {
            reader.acknowledge(.puback, 1)
            test.tick()
            received += reader.take().filter { $0.hasPrefix("a ") || $0.hasPrefix("b ") }
        }
        #expect(received == ["a 2 q1 #1", "a 4 q1 #1", "a 6 q1 #1"])
    }
}
