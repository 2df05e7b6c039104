import Testing
import TopicRouting

struct Subscription: Identifiable, Equatable {
    var id: Int
    var qos = 0
}

@Suite("The subscription trie finds what matches filter by filter")
struct SubscriptionTrieTests {
    /// The trie behind strings and sorted identities.
    struct World: ~Copyable {
        var trie = SubscriptionTrie<Subscription>()

        mutating func insert(_ id: Int, _ filter: String, qos: Int = 0) -> Subscription? {
            let bytes = Array(filter.utf8)
            return trie.insert(Subscription(id: id, qos: qos), filter: bytes.span)
        }

        mutating func remove(_ id: Int, _ filter: String) -> Subscription? {
            let bytes = Array(filter.utf8)
            return trie.remove(id: id, filter: bytes.span)
        }

        mutating func match(_ topic: String) -> [Int] {
            let bytes = Array(topic.utf8)
            var found: [Int] = []
            trie.forEachMatch(of: bytes.span) { found.append($0.id) }
            return found.sorted()
        }
    }

    /// All filters of up to three levels over two names and the wildcards, and all topics over three names.
    static let filters: [String] =
        ["#"] + paths(of: ["a", "b", "+", "", "$"], lengthMax: 3).filter { !$0.isEmpty }
        + paths(of: ["a", "b", "+", "", "$"], lengthMax: 2).map { "\($0)/#" }
    static let topics: [String] = paths(of: ["a", "b", "c", "", "$", "$a"], lengthMax: 3).filter { !$0.isEmpty }

    @Test("In a small world, all filters at once find exactly what matches() finds")
    func exhaustive() {
        var world = World()
        for (id, filter) in Self.filters.enumerated() { #expect(world.insert(id, filter) == nil) }
        for topic in Self.topics {
            let expected = Self.filters.indices.filter { matches(Self.filters[$0], topic) }
            #expect(world.match(topic) == expected, "\(topic)")
        }
    }

    @Test("In a small world, every filter alone finds exactly what matches() finds, and leaves nothing behind")
    func oneByOne() {
        var world = World()
        for filter in Self.filters {
            _ = world.insert(1, filter)
            for topic in Self.topics {
                let found = world.match(topic)
                #expect(found == (matches(filter, topic) ? [1] : []), "\(filter) and \(topic)")
            }
            #expect(world.remove(1, filter) != nil)
            #expect(world.trie.count == 0)
        }
    }

    @Test("Levels of any length are told apart by each of their bytes", arguments: [1, 3, 4, 7, 8, 9, 15, 16, 17, 40])
    func longLevels(byteCount: Int) {
        var world = World()
        let names = (0...byteCount).map { changed in
            String(
                decoding: (0..<byteCount).map { $0 == changed ? UInt8(ascii: "b") : UInt8(ascii: "a") }, as: UTF8.self)
        }
        for (id, name) in names.enumerated() {
            #expect(world.insert(id, "x/\(name)/+") == nil)
            for (other, topic) in names.enumerated() {
                #expect(world.match("x/\(topic)/y") == (other <= id ? [other] : []))
            }
            #expect(world.match("x/\(name)a/y").isEmpty && world.match("x/\(name.dropLast())/y").isEmpty)
        }
        for (id, name) in names.enumerated() { #expect(world.remove(id, "x/\(name)/+") != nil) }
        #expect(names.allSatisfy { world.match("x/\($0)/y").isEmpty })
    }

    @Test("After any removals the rest still matches")
    func removals() {
        var world = World()
        for (id, filter) in Self.filters.enumerated() { _ = world.insert(id, filter) }
        var left = Array(Self.filters.indices)
        var state: UInt64 = 42
        while !left.isEmpty {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let id = left.remove(at: Int(state >> 33) % left.count)
            #expect(world.remove(id, Self.filters[id]) == Subscription(id: id))
            #expect(world.trie.count == left.count)
            guard left.count.isMultiple(of: 16) else { continue }
            for topic in ["a/b", "a/b/c", "$/a", "/", "b"] {
                let expected = left.filter { matches(Self.filters[$0], topic) }
                #expect(world.match(topic) == expected, "\(topic) with \(left.count) left")
            }
        }
        #expect(world.match("a/b").isEmpty)
    }

    @Test("Subscribing again replaces the subscription and says which")
    func replace() {
        var world = World()
        #expect(world.insert(7, "a/+", qos: 0) == nil)
        #expect(world.insert(7, "a/+", qos: 2) == Subscription(id: 7, qos: 0))
        #expect(world.trie.count == 1)
        #expect(world.match("a/b") == [7])
        #expect(world.remove(7, "a/+") == Subscription(id: 7, qos: 2))
    }

    @Test("A subscriber with overlapping filters is visited once for each")
    func overlap() {
        var world = World()
        for filter in ["a/+", "a/#", "a/b", "x"] { _ = world.insert(7, filter) }
        #expect(world.match("a/b") == [7, 7, 7])
    }

    @Test("Removing what is not there changes nothing")
    func removeUnknown() {
        var world = World()
        _ = world.insert(1, "a/b")
        for filter in ["a", "a/b/c", "a/#", "+/b", "x", "#"] { #expect(world.remove(1, filter) == nil) }
        #expect(world.remove(2, "a/b") == nil)
        #expect(world.trie.count == 1)
        #expect(world.match("a/b") == [1])
    }

    @Test("A thousand subscribers of one filter come and go in any order")
    func fleet() {
        var world = World()
        for id in 0..<1000 { _ = world.insert(id, "fleet/#") }
        #expect(world.match("fleet") == Array(0..<1000))
        for id in stride(from: 0, to: 1000, by: 2) { #expect(world.remove(id, "fleet/#")?.id == id) }
        #expect(world.match("fleet/x") == Array(stride(from: 1, to: 1000, by: 2)))
        for id in stride(from: 1, to: 1000, by: 2) { #expect(world.remove(id, "fleet/#")?.id == id) }
        #expect(world.match("fleet/x").isEmpty)
    }

    @Test("A filter and topic of the deepest allowed level match without recursion")
    func deep() {
        var world = World()
        let filter = Array(repeating: "+", count: 128).joined(separator: "/")
        _ = world.insert(1, filter)
        #expect(world.match(Array(repeating: "x", count: 128).joined(separator: "/")) == [1])
        #expect(world.match(Array(repeating: "x", count: 127).joined(separator: "/")).isEmpty)
    }
}
