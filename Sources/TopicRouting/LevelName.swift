/// A level of a topic or filter as a node of a tree keeps it: up to sixteen bytes lie in two words, so that nearly all
/// nodes are compared without following a reference.
///
/// Layout: levels of eight bytes and more fill the first word with their first eight bytes and the second with their
/// last eight; shorter ones fill the first word alone. With the length beside them the words stand for one level only.
/// Longer levels are in `rest` as a whole.
struct LevelName: Sendable {
    private let words: SIMD2<UInt64>
    private let byteCount: Int32
    private let rest: [UInt8]

    private static var wordsByteCount: Int { 16 }

    /// The name of `level`.
    init(_ level: Span<UInt8>) {
        let key = Key(level)
        words = key.words
        byteCount = key.byteCount
        var rest: [UInt8] = []
        if level.count > Self.wordsByteCount { rest.append(copying: level) }
        self.rest = rest
    }

    /// What of a level is compared and hashed; made once for each level of a topic.
    struct Key {
        let words: SIMD2<UInt64>
        let byteCount: Int32

        /// The words in short: levels that differ in it are different.
        var fold: UInt32 {
            let mixed = (words.x ^ words.y &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
            return UInt32(truncatingIfNeeded: mixed >> 32)
        }

        init(_ level: Span<UInt8>) {
            // Limits keep topics far below this.
            precondition(level.count <= Int32.max)
            byteCount = Int32(level.count)
            words = unsafe level.withUnsafeBytes { bytes in unsafe LevelName.words(of: bytes) }
        }
    }

    /// Whether this is the name of `level`, whose key is `key`.
    @inline(__always)
    func names(_ level: Span<UInt8>, _ key: Key) -> Bool {
        guard words == key.words, byteCount == key.byteCount else { return false }
        return level.count <= Self.wordsByteCount || rest.span.holdsSameBytes(as: level)
    }

    /// The level's bytes.
    var bytes: [UInt8] {
        let count = Int(byteCount)
        if count > Self.wordsByteCount { return rest }
        var bytes = [UInt8](repeating: 0, count: count)
        for index in 0..<min(8, count) { bytes[index] = UInt8(truncatingIfNeeded: words.x >> (8 * UInt64(index))) }
        for index in stride(from: max(8, count - 8), to: count, by: 1) {
            bytes[index] = UInt8(truncatingIfNeeded: words.y >> (8 * UInt64(index - (count - 8))))
        }
        return bytes
    }

    /// The hash of the edge from `parent` over a level, seeded for each process.
    static func hash(parent: UInt32, _ level: Span<UInt8>, _ key: Key) -> Int {
        var hasher = Hasher()
        hasher.combine(UInt64(parent) << 32 | UInt64(key.byteCount))
        if level.count <= wordsByteCount {
            hasher.combine(key.words.x)
            hasher.combine(key.words.y)
        } else {
            unsafe level.withUnsafeBytes { bytes in unsafe hasher.combine(bytes: bytes) }
        }
        return hasher.finalize()
    }

    /// The hash of the edge from `parent` to the node of this name.
    func hash(parent: UInt32) -> Int {
        var hasher = Hasher()
        hasher.combine(UInt64(parent) << 32 | UInt64(byteCount))
        if rest.isEmpty {
            hasher.combine(words.x)
            hasher.combine(words.y)
        } else {
            unsafe rest.withUnsafeBytes { bytes in unsafe hasher.combine(bytes: bytes) }
        }
        return hasher.finalize()
    }

    @unsafe
    private static func words(of bytes: UnsafeRawBufferPointer) -> SIMD2<UInt64> {
        let count = bytes.count
        if count >= 8 {
            let first = unsafe UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
            let last = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
            return SIMD2(first, last)
        }
        var word: UInt64 = 0
        for index in 0..<count { word |= unsafe UInt64(bytes[index]) << (8 * UInt64(index)) }
        return SIMD2(word, 0)
    }
}
