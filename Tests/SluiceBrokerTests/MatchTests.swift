import MQTTWire
import SluiceCore
import Testing
import TopicRouting

@testable import SluiceBroker

@Suite("Which clients a topic's messages go to")
struct MatchTests {
    @Test(
        "whatever is subscribed and unsubscribed when, a message goes to those whose filters match",
        arguments: 0..<20 as Range<UInt64>)
    func agreesWithTheFilters(_ seed: UInt64) {
        var random = Random(seed: seed)
        let test = TestShard()
        let publisher = test.connect("p", .v311)
        // More than a list looks at one by one.
        let clients = (0..<24).map { test.connect("c\($0)", .v311) }
        var filters = [Set<String>](repeating: [], count: clients.count)
        let names = ["a", "b", "a/x", "a/y", "b/x", "$d/x"]
        let patterns = names + ["#", "+", "a/#", "+/x", "a/+", "$d/#"]
        for step in 0..<300 {
            let index = random.below(clients.count)
            let filter = patterns[random.below(patterns.count)]
            if filters[index].contains(filter), random.below(3) > 0 {
                clients[index].unsubscribe(filter)
                filters[index].remove(filter)
            } else {
                clients[index].subscribe(filter, qos: random.below(2) == 0 ? .atMostOnce : .atLeastOnce)
                filters[index].insert(filter)
            }
            test.settle()
            for client in clients { _ = client.take() }
            let topic = names[random.below(names.count)]
            publisher.publish(topic, "\(step)", qos: .atMostOnce)
            test.settle()
            for (index, client) in clients.enumerated() {
                let isMeant = filters[index].contains { filter in
                    FilterSyntax.matches(filter: Array(filter.utf8).span, topic: Array(topic.utf8).span)
                }
                let got = client.take().count { $0.contains("\(topic) \(step)") }
                #expect(got == (isMeant ? 1 : 0), "seed \(seed), step \(step): \(topic) to \(filters[index].sorted())")
            }
        }
    }

    @Test("a topic that everybody subscribes to costs a look-up of its own only when somebody joins or leaves it")
    func looksUpWhatChanged() {
        let test = TestShard()
        let first = test.connect("first", .v311)
        first.subscribe("many", qos: .atMostOnce)
        test.settle()
        let list = test.shard.subscriptions.list(Array("many".utf8).span)
        let other = test.connect("other", .v311)
        for filter in ["other", "other/#", "+/other", "man", "many/x"] {
            other.subscribe(filter, qos: .atMostOnce)
            #expect(test.shard.subscriptions.list(Array("many".utf8).span) === list, "\(filter)")
        }
        for filter in ["many", "+", "#", "many/#"] {
            let before = test.shard.subscriptions.list(Array("many".utf8).span)
            other.subscribe(filter, qos: .atMostOnce)
            #expect(test.shard.subscriptions.list(Array("many".utf8).span) !== before, "\(filter)")
        }
    }

    private struct Random {
        private var state: UInt64
        init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

        mutating func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
    }
}
