import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// A request for records, and what was found so far.
///
/// Isolation: its loop's.
final class PendingFetch {
    let call: KafkaCall
    let request: FetchRequest
    /// When it is answered with whatever there is.
    let deadline: Int64
    /// Its partitions, in the request's order.
    var parts: [Part]
    /// Reads of history that have not come.
    var awaitedCount = 0
    /// The session that it belongs to.
    var session: FetchSession?
    /// Whether partitions without news are left out of the answer.
    var tellsNewsOnly = false
    /// Whether it is on the list of those that wait for records.
    var isParked = false

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

    init(_ call: KafkaCall, _ request: FetchRequest, now: Int64, topics: TopicTable) {
        self.call = call
        self.request = request
        deadline = now + Int64(max(0, request.maxWaitMs)) * 1_000_000
        parts = []
        for (index, wanted) in request.topics.enumerated() {
            let topic = topics[wanted.topic]
            for part in wanted.partitions {
                parts.append(
                    Part(
                        topicIndex: index, number: part.partition, topic: topic,
                        partition: topic?.partition(part.partition),
                        offset: Offset(rawValue: max(0, part.fetchOffset)),
                        byteCountMax: min(max(0, Int(part.partitionMaxBytes)), KafkaBounds.partitionBytesMax),
                        code: Self.code(of: part)))
            }
        }
    }

    private static func code(of part: FetchRequest.FetchPartition) -> KafkaErrorCode {
        if part.fetchOffset < 0 { return .offsetOutOfRange }
        switch part.currentLeaderEpoch {
        case -1, KafkaShard.leaderEpoch: return .none
        case ..<KafkaShard.leaderEpoch: return .fencedLeaderEpoch
        case _: return .unknownLeaderEpoch
        }
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

/// Fetches that wait for records.
struct FetchQueue {
    private(set) var byPartition: [PartitionID: [PendingFetch]] = [:]
    private var parked: [ObjectIdentifier: PendingFetch] = [:]
    /// A time before which none is to be answered; nil while none waits.
    private(set) var earliestDeadline: Int64?
    /// Whether the loop is woken by new records.
    var isInterested = false
    var entries: [TailEntry] = []

    /// All that wait.
    var all: [PendingFetch] { Array(parked.values) }

    var isEmpty: Bool { parked.isEmpty }

    mutating func park(_ fetch: PendingFetch) {
        assert(!fetch.isParked)
        fetch.isParked = true
        parked[ObjectIdentifier(fetch)] = fetch
        // Once for each, also of one that is asked for twice.
        for partition in Set(fetch.parts.compactMap(\.partition)) {
            byPartition[partition, default: []].append(fetch)
        }
        earliestDeadline = min(earliestDeadline ?? .max, fetch.deadline)
    }

    mutating func remove(_ fetch: PendingFetch) {
        guard fetch.isParked else { return }
        fetch.isParked = false
        parked[ObjectIdentifier(fetch)] = nil
        for part in fetch.parts {
            guard let partition = part.partition else { continue }
            byPartition[partition]?.removeAll { $0 === fetch }
            if byPartition[partition]?.isEmpty == true { byPartition[partition] = nil }
        }
        if parked.isEmpty { earliestDeadline = nil }
    }

    /// Takes off those whose time is over.
    mutating func takeExpired(at now: Int64) -> [PendingFetch] {
        guard let earliest = earliestDeadline, earliest <= now else { return [] }
        let expired = parked.values.filter { $0.deadline <= now }
        for fetch in expired { remove(fetch) }
        earliestDeadline = parked.values.map(\.deadline).min()
        return expired
    }
}
