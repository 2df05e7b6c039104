/// Kafka's default partitioner for records with a key, so that outside producers agree with ours.
///
/// Source: Kafka's `org.apache.kafka.common.utils.Utils.murmur2` and `toPositive`; MurmurHash2 with seed 0x9747b28c.
package enum KafkaPartitioner {
    /// The partition of `key` among `partitionCount` partitions.
    /// - Complexity: O(n), no allocation.
    package static func partition(forKey key: Span<UInt8>, partitionCount: Int) -> Int {
        precondition(partitionCount > 0)
        return Int(murmur2(key) & Int32.max) % partitionCount
    }

    /// The hash as Java computes it: signed, 32 bits, little-endian words.
    package static func murmur2(_ bytes: Span<UInt8>) -> Int32 {
        let multiplier: UInt32 = 0x5bd1_e995
        var hash = 0x9747_b28c ^ UInt32(truncatingIfNeeded: bytes.count)
        var position = 0
        while bytes.count - position >= 4 {
            var word = UInt32(bytes[position])
            word |= UInt32(bytes[position + 1]) << 8
            word |= UInt32(bytes[position + 2]) << 16
            word |= UInt32(bytes[position + 3]) << 24
            word = word &* multiplier
            word ^= word >> 24
            word = word &* multiplier
            hash = hash &* multiplier
            hash ^= word
            position += 4
        }
        if position < bytes.count {
            var tail: UInt32 = 0
            for offset in (position..<bytes.count).reversed() { tail = tail << 8 | UInt32(bytes[offset]) }
            hash ^= tail
            hash = hash &* multiplier
        }
        hash ^= hash >> 13
        hash = hash &* multiplier
        hash ^= hash >> 15
        return Int32(bitPattern: hash)
    }
}
