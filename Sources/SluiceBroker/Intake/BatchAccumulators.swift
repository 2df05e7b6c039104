import LogInterface
import RecordFormat
import SluiceCore

/// The batches that a tick's publishes become, one for each partition.
///
/// Invariants: a partition is on the list exactly while its batch has records.
/// Isolation: one shard's.
@safe
struct BatchAccumulators: ~Copyable {
    /// Beyond 64 topics a list saves readers little and costs the publisher a search of it.
    private static let topicHashesMax = 64

    private struct Accumulator: ~Copyable {
        var builder: RecordBatchBuilder
        /// Whether a publisher waits for a record of it.
        var isAwaited = false
        /// The distinct topics so far, while somebody scans; nil when there are too many to list.
        var topicHashes: [UInt64]? = []
        var lastHash: UInt64 = 0

        init(_ memory: BatchMemory) { builder = RecordBatchBuilder(in: memory) }
    }

    // In memory of its own: an array of noncopyable values does not exist, and an array of objects counts references at
    // each publish.
    private var slots: UnsafeMutablePointer<Accumulator>
    private var count: Int
    private var listed: [Int] = []

    /// Accumulators of `count` partitions, by their numbers; their batches lie in `memory`.
    init(count: Int, in memory: BatchMemory) {
        self.count = count
        unsafe slots = .allocate(capacity: count)
        for index in 0..<count { unsafe (slots + index).initialize(to: Accumulator(memory)) }
    }

    /// There are `newCount` partitions from here on; what was added stays.
    mutating func grow(to newCount: Int, in memory: BatchMemory) {
        assert(newCount >= count, "a partition's number is never given again")
        guard newCount > count else { return }
        let grown = UnsafeMutablePointer<Accumulator>.allocate(capacity: newCount)
        unsafe grown.moveInitialize(from: slots, count: count)
        for index in count..<newCount { unsafe (grown + index).initialize(to: Accumulator(memory)) }
        unsafe slots.deallocate()
        unsafe slots = grown
        count = newCount
    }

    deinit {
        unsafe slots.deinitialize(count: count)
        unsafe slots.deallocate()
    }

    /// Whether no record was added since the batches were taken.
    var isEmpty: Bool { listed.isEmpty }

    /// Adds a record.
    @inline(__always)
    mutating func append(
        to index: Int, at timestamp: Timestamp, keyField: Span<UInt8>, value: Span<UInt8>, headersField: Span<UInt8>
    ) {
        precondition(index < count)
        if unsafe slots[index].builder.isEmpty { listed.append(index) }
        unsafe slots[index].builder.append(at: timestamp, keyField: keyField, value: value, headersField: headersField)
    }

    /// Adds a record without value: its key has none any more.
    mutating func appendTombstone(
        to index: Int, at timestamp: Timestamp, keyField: Span<UInt8>, headersField: Span<UInt8>
    ) {
        precondition(index < count)
        if unsafe slots[index].builder.isEmpty { listed.append(index) }
        unsafe slots[index].builder.appendTombstone(at: timestamp, keyField: keyField, headersField: headersField)
    }

    /// The records of a partition's batch so far.
    func recordCount(in index: Int) -> Int { unsafe slots[index].builder.recordCount }

    /// Notes that a publisher waits for the last record.
    @inline(__always)
    mutating func expect(in index: Int) {
        assert(recordCount(in: index) > 0, "who waits waits for a record")
        unsafe slots[index].isAwaited = true
    }

    /// Notes the last record's topic. Devices publish in runs, so the one before is looked at first.
    @inline(__always)
    mutating func note(_ topicHash: UInt64, in index: Int) {
        assert(recordCount(in: index) > 0, "a topic is listed with a record")
        if unsafe slots[index].lastHash == topicHash { return }
        insert(topicHash, in: index)
    }

    private mutating func insert(_ topicHash: UInt64, in index: Int) {
        unsafe slots[index].lastHash = topicHash
        guard let hashes = unsafe slots[index].topicHashes, !hashes.contains(topicHash) else { return }
        if hashes.count == Self.topicHashesMax {
            unsafe slots[index].topicHashes = nil
        } else {
            unsafe slots[index].topicHashes?.append(topicHash)
        }
    }

    /// Bytes of a partition's batch so far.
    @inline(__always)
    func byteCount(in index: Int) -> Int { unsafe slots[index].builder.byteCount }

    /// Finishes every batch and begins anew.
    /// - Parameter scanned: whether the batches come with their topics' hashes.
    mutating func takeBatches(into appends: inout [Append], scanned: Bool) {
        for index in listed {
            assert(recordCount(in: index) > 0, "a partition is on the list while its batch has records")
            let hashes = unsafe scanned ? slots[index].topicHashes : nil
            appends.append(
                Append(
                    partition: PartitionID(rawValue: UInt32(index)), batch: unsafe slots[index].builder.finish(),
                    isAwaited: unsafe slots[index].isAwaited,
                    // A batch whose first records came before somebody scanned has no list that is whole.
                    topicHashes: hashes?.isEmpty == true ? nil : hashes))
            unsafe slots[index].isAwaited = false
            unsafe slots[index].topicHashes = []
            unsafe slots[index].lastHash = 0
        }
        listed.removeAll(keepingCapacity: true)
    }
}
