import RecordFormat
import SluiceCore

/// The keys of transactions whose ends a compaction has not come to: they count when a mark says that it is committed,
/// and never when it was given up.
///
/// Source: Kafka's `CleanedTransactionMetadata`.
struct OpenTransactionKeys {
    private var keys: [ProducerID: [(key: [UInt8], offset: Offset)]] = [:]
    private var byteCount = 0

    /// The first record of a transaction whose end has not come; nil when there is none.
    var first: Offset? { keys.values.compactMap { $0.first?.offset }.min() }

    /// Bytes that it holds.
    var heldByteCount: Int { byteCount }

    /// A record of a transaction.
    mutating func add(_ key: Span<UInt8>, at offset: Offset, of producer: ProducerID) {
        var copy: [UInt8] = []
        copy.reserveCapacity(key.count)
        for index in key.indices { copy.append(key[index]) }
        byteCount += copy.count + MemoryLayout<(key: [UInt8], offset: Offset)>.stride
        keys[producer, default: []].append((copy, offset))
    }

    /// The mark of a transaction's end.
    /// - Returns: its keys, in the order of their offsets; empty when it was given up.
    mutating func end(of producer: ProducerID, isCommitted: Bool) -> [(key: [UInt8], offset: Offset)] {
        guard let ended = keys.removeValue(forKey: producer) else { return [] }
        byteCount -= ended.reduce(0) { $0 + $1.key.count + MemoryLayout<(key: [UInt8], offset: Offset)>.stride }
        return isCommitted ? ended : []
    }
}
