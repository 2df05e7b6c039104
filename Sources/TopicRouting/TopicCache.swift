/// What a loop knows about the topics it saw lately: topic bytes -> `Entry`.
///
/// Devices publish to the same few topics for years, so nearly every publish is answered here: one hash, one probe, one
/// comparison, no allocation. A cache that is full forgets everything at once and fills anew.
///
/// Invariants: `count <= entriesMax`; the topics' bytes are at most `keyBytesMax`.
/// Isolation: a value of one event loop.
///
/// `public` because the compiler specialises generic code for another module only then; 5 ns of each publish hang on
/// it.
public struct TopicCache<Entry>: ~Copyable {
    @usableFromInline var table = TopicTable()
    @usableFromInline var entries: [Entry] = []
    private let entriesMax: Int
    private let keyBytesMax: Int
    /// Bytes of memory that it takes.
    package var memoryByteCount: Int { table.memoryByteCount + entries.capacity * MemoryLayout<Entry>.stride }

    /// An empty cache.
    /// - Parameters:
    ///   - entriesMax: topics held at once; 65,536 of them take two slots of 24 bytes each, 3 MiB for each loop.
    ///   - keyBytesMax: bytes of all topics held; 64 for each entry covers what devices use, and long topics count as
    ///     more.
    package init(entriesMax: Int = 1 << 16, keyBytesMax: Int = 1 << 22) {
        precondition(entriesMax > 0 && entriesMax <= 1 << 24)
        precondition(keyBytesMax > 0 && keyBytesMax <= Int(UInt32.max))
        self.entriesMax = entriesMax
        self.keyBytesMax = keyBytesMax
    }

    /// Keeps `entry` for `topic`, in place of one already there.
    /// - Complexity: amortised O(1) with a copy of the topic's bytes.
    package mutating func insert(_ entry: Entry, for topic: Span<UInt8>) {
        if let number = table.number(of: topic) {
            entries[number] = entry
            return
        }
        if topic.count > keyBytesMax { return }
        if count == entriesMax || keyBytesMax - table.keyByteCount < topic.count { removeAll() }
        guard let number = table.add(topic) else { return }
        assert(number == entries.count)
        entries.append(entry)
    }

    /// Puts `entry` in the place of those of all topics for which `isMeant` holds.
    /// - Complexity: O(topics known).
    package mutating func replace(with entry: Entry, where isMeant: (Span<UInt8>) -> Bool) {
        var numbers: [Int] = []
        table.forEach { number, topic in if isMeant(topic) { numbers.append(number) } }
        for number in numbers { entries[number] = entry }
    }

    /// Puts `entry` in the place of that of `topic`, when it is known.
    /// - Complexity: O(n).
    package mutating func replace(with entry: Entry, for topic: Span<UInt8>) {
        if let number = table.number(of: topic) { entries[number] = entry }
    }

    /// Forgets every entry and keeps the memory.
    package mutating func removeAll() {
        table.removeAll()
        entries.removeAll(keepingCapacity: true)
    }

    /// The number of topics known.
    package var count: Int { entries.count }

    /// The entry of `topic`, when it is known.
    /// - Complexity: O(n), no allocation; a topic of 26 bytes takes 15 to 20 ns.
    @inlinable
    public borrowing func lookup(_ topic: Span<UInt8>) -> Entry? {
        guard let number = table.number(of: topic) else { return nil }
        return entries[number]
    }
}
