import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// A request of a share group's member: what it acknowledges, and what was found for it so far.
///
/// Isolation: its loop's.
final class PendingShareFetch: WaitingFetch {
    let call: KafkaCall
    let id: ShareSessionID
    /// When it is answered with whatever there is.
    let deadline: Int64
    /// Its partitions, those first whose turn it is.
    var parts: [Part]
    /// Whether records are looked for at all.
    var isFetching: Bool
    /// Whether all partitions are told of, also those of which there is no news.
    let tellsAll: Bool
    /// Whether the group gets nothing of transactions that have not ended well.
    let readsCommitted: Bool
    /// How long the member has what it gets, in nanoseconds.
    let lockDuration: Int64
    /// Records that it wants in a stretch, and whether it never takes more than it asks for.
    let batchSize: Int
    let isStrict: Bool
    /// Records that it still takes.
    var recordRoom: Int
    /// Bytes that it still takes.
    var byteRoom: Int
    /// Reads of history, and beginnings, that have not come.
    var awaitedCount = 0
    /// Whether what it acknowledges is on its way to the log.
    var isRecording = false
    var parkedNumber: UInt64 = 0
    var firstNumber: UInt64 = 0

    /// A partition of it.
    struct Part {
        let place: SharePlace
        let topic: Topic?
        let partition: PartitionID?
        /// Whether records are looked for.
        var isFetched: Bool
        /// What it acknowledges.
        var words: [ShareAcknowledgement] = []
        /// Whether the member is to hear what became of that.
        var isAcknowledging = false
        var acknowledgeCode = KafkaErrorCode.none
        var code = KafkaErrorCode.none
        var batches: [RecordBatch] = []
        var acquired: [ShareAcquisition] = []
        /// Where it was read last, since the fetch was looked at: there is nothing to be had there.
        var lookedAt: Offset?

        var byteCount: Int { batches.reduce(0) { $0 + $1.byteCount } }
        var isNews: Bool { isAcknowledging || code != .none || !acquired.isEmpty }
    }

    init(
        _ call: KafkaCall, _ request: ShareFetchRequest, _ id: ShareSessionID, _ parts: [Part],
        settings: GroupSettings, now: Int64
    ) {
        self.call = call
        self.id = id
        self.parts = parts
        deadline = now + Int64(max(0, request.maxWaitMs)) * 1_000_000
        tellsAll = request.shareSessionEpoch == 0
        readsCommitted = settings.readsCommitted
        lockDuration = settings.shareLockDuration
        recordRoom = max(0, Int(request.maxRecords))
        batchSize = max(1, Int(request.batchSize))
        isStrict = request.shareAcquireMode == 1
        byteRoom = min(max(0, Int(request.maxBytes)), KafkaBounds.copiedBytesMax)
        isFetching =
            request.shareSessionEpoch >= 0 && !request.isRenewAck && request.maxRecords > 0 && request.maxBytes > 0
    }

    /// The partitions whose records it waits for.
    var awaitedPartitions: [PartitionID] { parts.compactMap { $0.isFetched ? $0.partition : nil } }

    /// Bytes that it takes until it is answered.
    var heldByteCount: Int { parts.count * MemoryLayout<Part>.stride }

    /// Whether its client may read topics has to be asked again.
    func judge(_ mayRead: (String) -> Bool) {
        for index in parts.indices {
            guard let topic = parts[index].topic, !mayRead(topic.name) else { continue }
            parts[index].code = .topicAuthorizationFailed
        }
    }

    /// What it acknowledges could not be stored.
    func failAcknowledgements() {
        for index in parts.indices where parts[index].isAcknowledging && parts[index].acknowledgeCode == .none {
            parts[index].acknowledgeCode = .kafkaStorageError
        }
    }

    /// Whether the member is to hear what was found, without waiting for more.
    func isSatisfied(now: Int64) -> Bool {
        !isFetching || deadline <= now || parts.contains { $0.code != .none || !$0.acquired.isEmpty }
            || !parts.contains(where: \.isFetched)
    }
}

/// What a request says of a partition's records.
struct ShareWords {
    let place: SharePlace
    /// Nil when some of it cannot be.
    let words: [ShareAcknowledgement]?

    /// Words of one partition: nil when they are no words, not in order, or ask for more time where none may be asked
    /// for.
    init(_ place: SharePlace, _ batches: [(first: Int64, last: Int64, kinds: [Int8])], renews: Bool) {
        self.place = place
        var words: [ShareAcknowledgement] = []
        for batch in batches {
            guard let word = ShareAcknowledgement(first: batch.first, last: batch.last, kinds: batch.kinds),
                renews || !word.renews, words.last.map({ $0.range.upperBound <= word.range.lowerBound }) ?? true
            else {
                self.words = nil
                return
            }
            words.append(word)
        }
        self.words = words
    }
}
