import Bridging
import SluiceTesting
import Testing

@Suite("topics of bridges")
struct TopicMapTests {
    private func topic(_ line: String) throws -> BridgeTopic {
        try BridgeTopic(words: line.split(separator: " ").map(String.init))
    }

    private func out(_ map: TopicMap, _ topic: String) -> String? {
        let bytes = Array(topic.utf8)
        return map.outward(bytes.span).map { String(decoding: $0.topic, as: UTF8.self) }
    }

    private func `in`(_ map: TopicMap, _ topic: String) -> String? {
        let bytes = Array(topic.utf8)
        return map.inward(bytes.span).map { String(decoding: $0.topic, as: UTF8.self) }
    }

    @Test(
        "the table of mosquitto.conf(5)",
        arguments: [
            ("pattern both 0 L/ R/", "L/pattern", "R/pattern"), ("pattern both 0 L/ \"\"", "L/pattern", "pattern"),
            ("pattern both 0 \"\" R/", "pattern", "R/pattern"), ("pattern both 0 \"\" \"\"", "pattern", "pattern"),
            ("\"\" both 0 local remote", "local", "remote"),
        ])
    func table(_ line: String, _ local: String, _ remote: String) throws {
        let map = TopicMap([try topic(line)])
        #expect(out(map, local) == remote)
        #expect(`in`(map, remote) == local)
        #expect(out(map, "other") == nil && `in`(map, "other") == nil)
    }

    @Test(
        "what is invalid there, and other nonsense, is refused with the reason",
        arguments: [
            "\"\" both 0 local \"\"", "\"\" both 0 \"\" remote", "\"\" both 0 \"\" \"\"", "a sideways", "a out 3",
            "a out x", "a#", "a out 0 b+/ c", "a out 0 b c d",
        ])
    func invalid(_ line: String) {
        #expect(throws: BridgeTopic.Fault.self) { try topic(line) }
    }

    @Test("what is left out has mosquitto's defaults")
    func defaults() throws {
        let read = try topic("sensors/#")
        #expect(read.direction == .out && read.qos == .atMostOnce)
        #expect(read.localFilter == "sensors/#" && read.remoteFilter == "sensors/#")
    }

    @Test("the man page's example: a $SYS topic becomes an ordinary one")
    func example() throws {
        let map = TopicMap([try topic("clients/total in 0 test/mosquitto/org/ $SYS/broker/")])
        #expect(`in`(map, "$SYS/broker/clients/total") == "test/mosquitto/org/clients/total")
        #expect(
            map.subscriptions == [
                TopicMap.Subscription(filter: Array("$SYS/broker/clients/total".utf8), qos: .atMostOnce)
            ])
        #expect(!map.isOut)
    }

    @Test("the first topic that matches decides; the same filter is subscribed to once")
    func first() throws {
        let map = TopicMap([
            try topic("a/b both 1 \"\" x/"), try topic("a/# out 2 \"\" y/"), try topic("a/b in 2 z/ x/"),
        ])
        #expect(out(map, "a/b") == "x/a/b")
        #expect(out(map, "a/c") == "y/a/c")
        #expect(`in`(map, "x/a/b") == "a/b")
        #expect(map.subscriptions.map(\.qos) == [.exactlyOnce])
    }

    @Test("a#-filter's parent, which is shorter than the prefix, is not renamed")
    func parent() throws {
        let map = TopicMap([try topic("# out 0 local/ remote/")])
        #expect(out(map, "local") == nil)
        #expect(out(map, "local/a") == "remote/a")
    }

    @Test("renaming there and back is the identity, for random topics and prefixes")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 7)
        let words = ["a", "b", "dev42", "", "x y", "ä"]
        for _ in 0..<2000 {
            func path(_ range: ClosedRange<Int>) -> String {
                (0..<Int.random(in: range, using: &generator)).map { _ in words.randomElement(using: &generator) ?? "a"
                }
                .joined(separator: "/")
            }
            let local = path(1...2) + "/"
            let remote = path(1...2) + "/"
            let map = TopicMap([
                try BridgeTopic(pattern: "#", direction: .both, localPrefix: local, remotePrefix: remote)
            ])
            let name = local + "t/" + path(1...3)
            let there = try #require(out(map, name), "\(local) \(remote) \(name)")
            #expect(there.hasPrefix(remote))
            #expect(`in`(map, there) == name)
        }
    }
}

@Suite("bridge topics that start with $")
struct DollarTopicTests {
    private func fault(_ line: String) -> String? {
        do throws(BridgeTopic.Fault) {
            _ = try BridgeTopic(words: line.split(separator: " ").map(String.init))
            return nil
        } catch { return error.description }
    }

    @Test(
        "what could never go is refused where it is written",
        arguments: [
            "$stream/# out", "$share/g/a out", "$replay/# both", "$sluice/# out 1", "$SYS/# in", "$sluice/# in",
            "$share/g/a in 1 here/", "# in 0 $SYS/",
        ])
    func refused(line: String) throws {
        #expect(try #require(fault(line)).contains("cannot"))
    }

    @Test(
        "what can go is not",
        arguments: ["$SYS/# out", "$SYS/# in 0 up/", "$aws/# in 1", "$foo/+ both 1", "# both", "x/$SYS/# in"])
    func taken(line: String) { #expect(fault(line) == nil) }
}

@Suite("hops")
struct HopCountTests {
    private let node = Array("node".utf8)

    @Test("a message is marked once with each node that it came from, and each bridge counts")
    func marks() {
        var properties = MessageProperties()
        HopCount.mark(&properties, node: node)
        #expect(HopCount.verdict(properties, node: node) == .ownMessage)
        let other = Array("other".utf8)
        for number in 1..<HopCount.hopsMax {
            #expect(HopCount.verdict(properties, node: other) == .take)
            HopCount.mark(&properties, node: Array("n\(number)".utf8))
        }
        #expect(HopCount.verdict(properties, node: other) == .tooFar(HopCount.hopsMax))
        #expect(properties.user.count == HopCount.hopsMax + 1)
        HopCount.mark(&properties, node: node)
        #expect(properties.user.count { $0.name == HopCount.originName && $0.value == node } == 1)
    }

    @Test("nonsense from others counts as nothing, or as too much, and never traps", arguments: ["", "x", "-5", "1e9"])
    func nonsense(_ value: String) {
        var properties = MessageProperties()
        properties.user = [(HopCount.hopsName, Array(value.utf8))]
        #expect(HopCount.verdict(properties, node: node) == .take)
        properties.user = [(HopCount.hopsName, Array("99999".utf8))]
        #expect(HopCount.verdict(properties, node: node) == .tooFar(HopCount.hopsMax))
    }
}
