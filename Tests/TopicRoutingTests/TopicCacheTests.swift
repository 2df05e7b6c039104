import Testing
import TopicRouting

@Suite("The topic cache answers known topics and forgets on purpose only")
struct TopicCacheTests {
    func lookup<Entry>(_ topic: String, in cache: borrowing TopicCache<Entry>) -> Entry? {
        let bytes = Array(topic.utf8)
        return cache.lookup(bytes.span)
    }

    func insert<Entry>(_ entry: Entry, _ topic: String, in cache: inout TopicCache<Entry>) {
        let bytes = Array(topic.utf8)
        cache.insert(entry, for: bytes.span)
    }

    @Test("A topic is found after it is inserted, and no other")
    func hit() {
        var cache = TopicCache<UInt32>()
        #expect(lookup("a/b", in: cache) == nil)
        insert(7, "a/b", in: &cache)
        #expect(lookup("a/b", in: cache) == 7)
        #expect(lookup("a/", in: cache) == nil)
        #expect(lookup("a/bc", in: cache) == nil)
        #expect(cache.count == 1)
    }

    @Test("Topics of every length up to 70 bytes are told apart in every byte")
    func everyByte() {
        var cache = TopicCache<Int>()
        for length in 1...70 {
            let topic = [UInt8](repeating: UInt8(ascii: "x"), count: length)
            cache.insert(length, for: topic.span)
        }
        for length in 1...70 {
            var topic = [UInt8](repeating: UInt8(ascii: "x"), count: length)
            #expect(cache.lookup(topic.span) == length)
            for index in 0..<length {
                topic[index] ^= 1
                #expect(cache.lookup(topic.span) == nil)
                topic[index] ^= 1
            }
        }
    }

    @Test("Inserting a known topic replaces its entry")
    func replace() {
        var cache = TopicCache<UInt32>()
        insert(1, "a", in: &cache)
        insert(2, "a", in: &cache)
        #expect(lookup("a", in: cache) == 2)
        #expect(cache.count == 1)
    }

    @Test("What is replaced is that of the topics meant, and of no others")
    func replaced() {
        var cache = TopicCache<UInt32>()
        for (number, topic) in ["a/1", "a/2", "b/1"].enumerated() { insert(UInt32(number), topic, in: &cache) }
        cache.replace(with: 9, where: { $0[0] == UInt8(ascii: "a") })
        cache.replace(with: 8, for: Array("b/1".utf8).span)
        cache.replace(with: 7, for: Array("c".utf8).span)
        #expect(["a/1", "a/2", "b/1", "c"].map { lookup($0, in: cache) } == [9, 9, 8, nil])
    }

    @Test("A full cache is cleared and filled anew")
    func full() {
        var cache = TopicCache<Int>(entriesMax: 100)
        for number in 0..<100 { insert(number, "t/\(number)", in: &cache) }
        #expect(cache.count == 100)
        for number in 0..<100 { #expect(lookup("t/\(number)", in: cache) == number) }
        insert(100, "t/100", in: &cache)
        #expect(cache.count == 1)
        #expect(lookup("t/100", in: cache) == 100)
        #expect(lookup("t/0", in: cache) == nil)
    }

    @Test("Long topics clear the cache before its memory outgrows the bound")
    func keyBytes() {
        var cache = TopicCache<Int>(entriesMax: 100, keyBytesMax: 64)
        let long = String(repeating: "x", count: 40)
        insert(1, long, in: &cache)
        insert(2, "short", in: &cache)
        #expect(cache.count == 2)
        insert(3, long + "y", in: &cache)
        #expect(cache.count == 1)
        #expect(lookup(long + "y", in: cache) == 3)
        insert(4, long + long, in: &cache)
        #expect(lookup(long + long, in: cache) == nil, "A topic that can never fit is not kept")
        #expect(cache.count == 1)
    }

    @Test("Growing keeps every topic")
    func growth() {
        var cache = TopicCache<Int>()
        for number in 0..<20_000 { insert(number, "sensors/site/\(number)/temp", in: &cache) }
        #expect(cache.count == 20_000)
        for number in 0..<20_000 { #expect(lookup("sensors/site/\(number)/temp", in: cache) == number) }
    }

    @Test("Entries that are references are let go")
    func references() {
        final class Route {}
        var cache = TopicCache<Route>()
        weak var weakRoute: Route?
        do {
            let route = Route()
            weakRoute = route
            insert(route, "a", in: &cache)
        }
        #expect(weakRoute != nil)
        cache.removeAll()
        #expect(weakRoute == nil)
    }
}
