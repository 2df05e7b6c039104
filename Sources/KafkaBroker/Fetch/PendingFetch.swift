import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// A request for records, and what was found so far.
///
/// Isolation: its loop's.
final class PendingFetch: WaitingFetch {
    private(set) var call: KafkaCall
    let request: FetchRequest
    /// When it is answered with whatever there is.
    private(set) var deadline: Int64
    /// Its partitions, in the request's order.
    var parts: [Part]
    /// Reads of history that have not come.
    var awaitedCount = 0
    /// The session that it belongs to.
    var session: FetchSession?
    /// Whether partitions without news are left out of the answer.
    var tellsNewsOnly = false
    /// Its number among those that wait for records; 0 while it does not.
    var parkedNumber: UInt64 = 0
    var firstNumber: UInt64 = 0

    /// The request as it came, if it may be sent again word for word, and where its session's epoch is.
    var keptRequest: (bytes: [UInt8], epochOffset: Int?)?

    /// The partitions whose records it waits for.
    var awaitedPartitions: [PartitionID] { parts.compactMap(\.partition) }

    /// A partition that is asked for.
    struct Part {
        let topicIndex: Int
        let number: Int32
        let topic: Topic?
        let partition: PartitionID?
        /// Where the answer begins: what was asked for, or behind what is gone by compaction.
        var offset: Offset
        let byteCountMax: Int
        /// Before which offset the client reads; nil for the high watermark.
        var end: Offset?
        var found = Found.nothing
        /// Where a region ends.
        var readEnd = Offset.zero
        var code = KafkaErrorCode.none
        /// Whether its history is being read.
        var isAwaited = false
        /// Whether its offset was moved over what is gone, since it was looked at last.
        var hasMoved = false

        var byteCount: Int {
            switch found {
            case .nothing: 0
            case .batches(let batches): batches.reduce(0) { $0 + $1.byteCount }
            case .region(let region): Int(region.range.upperBound - region.range.lowerBound)
            }
        }
    }

    enum Found {
        case nothing
        case batches([RecordBatch])
        case region(StoredRegion)
    }

    /// - Parameter mayRead: whether the client may read a topic.
    init(
        _ call: KafkaCall, _ request: FetchRequest, now: Int64, topics: TopicTable, mayRead: (String) -> Bool
    ) {
        self.call = call
        self.request = request
        deadline = Self.deadline(request, now)
        parts = []
        for (index, wanted) in request.topics.enumerated() {
            let known = Self.hasIDs(call.version) ? topics[wanted.topicID] : topics[wanted.topic]
            let isAllowed = Self.hasIDs(call.version) && known == nil || mayRead(known?.name ?? wanted.topic)
            let topic = isAllowed ? known : nil
            for part in wanted.partitions {
                parts.append(
                    Part(
                        topicIndex: index, number: part.partition, topic: topic,
                        partition: topic?.partition(part.partition),
                        offset: Offset(rawValue: max(0, part.fetchOffset)),
                        byteCountMax: min(max(0, Int(part.partitionMaxBytes)), KafkaBounds.partitionBytesMax),
                        code: isAllowed ? Self.code(of: part) : .topicAuthorizationFailed))
            }
        }
    }

    /// Judges anew what its client may read.
    func judge(_ mayRead: (String) -> Bool) {
        for index in parts.indices {
            guard let name = parts[index].topic?.name, !mayRead(name) else { continue }
            parts[index].code = .topicAuthorizationFailed
        }
    }

    private static func deadline(_ request: FetchRequest, _ now: Int64) -> Int64 {
        now + Int64(max(0, request.maxWaitMs)) * 1_000_000
    }

    /// The same request has come again.
    func begin(_ call: KafkaCall, now: Int64) {
        assert(!isParked && awaitedCount == 0)
        self.call = call
        deadline = Self.deadline(request, now)
        firstNumber = 0
    }

    private static func code(of part: FetchRequest.FetchPartition) -> KafkaErrorCode {
        if part.fetchOffset < 0 { return .offsetOutOfRange }
        switch part.currentLeaderEpoch {
        case -1, KafkaShard.leaderEpoch: return .none
        case ..<KafkaShard.leaderEpoch: return .fencedLeaderEpoch
        case _: return .unknownLeaderEpoch
        }
    }

    /// Whether topics are named by their identifiers.
    static func hasIDs(_ version: Int16) -> Bool { version >= 13 }

    /// What is said of a partition that is not there: of a topic that is known by its identifier alone, that this is
    /// unknown.
    func missingCode(_ topic: Topic?) -> KafkaErrorCode {
        Self.hasIDs(call.version) && topic == nil ? .unknownTopicID : .unknownTopicOrPartition
    }

    /// Whether the client wants nothing of transactions that have not ended well (read_committed).
    var readsCommitted: Bool { request.isolationLevel != 0 }

    /// Bytes that were found.
    var byteCount: Int { parts.reduce(0) { $0 + $1.byteCount } }

    /// Whether a partition cannot be read.
    var hasFault: Bool { parts.contains { $0.code != .none } }

    /// Whether the client is to hear what was found, without waiting for more.
    func isSatisfied(now: Int64) -> Bool {
        parts.isEmpty || hasFault || deadline <= now
            || byteCount >= max(0, min(Int(request.minBytes), Int(request.maxBytes)))
    }
}
