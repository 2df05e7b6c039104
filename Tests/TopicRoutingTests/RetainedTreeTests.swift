import SluiceCore
import Testing
import TopicRouting

@Suite("The tree of retained topics")
struct RetainedTreeTests {
    @Test("A topic whose message expires comes back byte for byte, whatever the length of its levels")
    func expired() {
        var tree = RetainedTree()
        var topics: Set<[UInt8]> = []
        for byteCount in 0...40 {
            let level = (0..<byteCount).map { UInt8(ascii: "a") + UInt8($0 % 26) }
            topics.insert(Array("x/".utf8) + level + Array("/end".utf8))
        }
        for (number, topic) in topics.enumerated() {
            tree.apply(
                topic.span, at: Offset(rawValue: Int64(number)), isPresent: true, expiresAt: Timestamp(rawValue: 1000))
        }
        #expect(tree.takeExpired(at: Timestamp(rawValue: 0)).isEmpty)
        #expect(Set(tree.takeExpired(at: Timestamp(rawValue: 60_000))) == topics)
    }
}
