import Testing
import TopicRouting

@Suite("Keys go to the partitions that Kafka's own producers choose")
struct KafkaPartitionerTests {
    /// Vectors of Kafka's `UtilsTest.testMurmur2`.
    @Test(
        "murmur2 agrees with Kafka",
        arguments: [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] as [(String, Int32)])
    func murmur2(key: String, hash: Int32) {
        let bytes = Array(key.utf8)
        #expect(KafkaPartitioner.murmur2(bytes.span) == hash)
    }

    @Test("A negative hash loses its sign bit, as in Kafka's toPositive")
    func positive() {
        let bytes = Array("21".utf8)
        #expect(
            KafkaPartitioner.partition(forKey: bytes.span, partitionCount: 4) == Int(-973_932_308 & 0x7fff_ffff) % 4)
    }

    @Test("Every partition of a small stream is used, and only those")
    func spread() {
        var used: Set<Int> = []
        for number in 0..<200 {
            let key = Array("dev\(number)".utf8)
            used.insert(KafkaPartitioner.partition(forKey: key.span, partitionCount: 7))
        }
        #expect(used == Set(0..<7))
    }
}
