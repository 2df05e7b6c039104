package import LogInterface
package import RecordFormat
package import SluiceCore

/// What a partition remembers of idempotent producers: each one's epoch and its last five batches.
///
/// A batch that comes again is answered with the offset that it got; one whose number does not follow on is refused,
/// and so is one of an epoch that a later one has fenced. A producer that nobody remembers may begin anywhere: its
/// batches may have been removed.
/// Isolation: a value; one with the partition's appends, one with its segment writer, as of what each has.
/// Memory: about 200 bytes a producer, at most `countMax` of them; then those that were silent the longest are
/// forgotten.
/// Source: KIP-98; Kafka's `ProducerAppendInfo` and `ProducerStateEntry`.
package struct ProducerStates: Sendable, Equatable {
    /// Batches remembered of each producer: as many as a client of Kafka has under way.
    package static let batchCountMax = 5
    /// Producers remembered.
    package static let countMax = 16_384

    /// A batch of a producer.
    struct Batch: Sendable, Equatable {
        var firstSequence: Int32
        var lastSequence: Int32
        var baseOffset: Offset
        /// The group that covers it; zero when a recovery found it, on the device.
        var lsn = LSN.zero
    }

    /// A producer.
    struct Producer: Sendable, Equatable {
        var epoch: Int16
        /// Oldest first; all of `epoch`.
        var batches: [Batch]
    }

    /// The producers by their number.
    private(set) var producers: [ProducerID: Producer] = [:]

    /// What is to become of a batch.
    package enum Verdict: Sendable, Equatable {
        /// It follows on.
        case accepted
        /// It is there already, from this offset on; it is durable when this group is.
        case duplicate(Offset, LSN)
        /// Its first number is not the one that is due.
        case outOfOrder(due: Int32)
        /// A producer of this number has a later epoch.
        case fenced(Int16)
    }

    /// Nobody.
    package init() {}

    /// The states that a snapshot holds.
    init(_ producers: [ProducerID: Producer]) { self.producers = producers }

    /// Whether nobody is remembered.
    package var isEmpty: Bool { producers.isEmpty }

    /// The number of producers remembered.
    package var count: Int { producers.count }

    /// Them, for people to look at, by their numbers.
    package var figures: [ProducerFigures] {
        producers.sorted { $0.key.rawValue < $1.key.rawValue }.map { id, producer in
            ProducerFigures(
                id: id, epoch: producer.epoch, lastSequence: producer.batches.last?.lastSequence ?? -1)
        }
    }

    /// Says what is to become of a batch with a producer's number.
    /// - Complexity: O(1).
    package func verdict(of header: BatchHeader) -> Verdict {
        precondition(header.producerID.rawValue >= 0, "Cannot judge a batch that names no producer")
        guard let producer = producers[header.producerID] else { return .accepted }
        if header.producerEpoch < producer.epoch { return .fenced(producer.epoch) }
        if header.producerEpoch > producer.epoch {
            return header.baseSequence == 0 ? .accepted : .outOfOrder(due: 0)
        }
        let last = Self.lastSequence(header)
        for batch in producer.batches where batch.firstSequence == header.baseSequence && batch.lastSequence == last {
            return .duplicate(batch.baseOffset, batch.lsn)
        }
        guard let newest = producer.batches.last else { return .accepted }
        let due = Self.next(newest.lastSequence, 1)
        return header.baseSequence == due ? .accepted : .outOfOrder(due: due)
    }

    /// Notes a batch that was accepted, at its offset.
    /// - Complexity: O(1); O(n) once in many times when there are too many producers.
    package mutating func note(_ header: BatchHeader, lsn: LSN = .zero) {
        guard header.producerID.rawValue >= 0, header.baseSequence >= 0 else { return }
        let batch = Batch(
            firstSequence: header.baseSequence, lastSequence: Self.lastSequence(header), baseOffset: header.baseOffset,
            lsn: lsn)
        // Taken out while it changes, so that its batches are not copied.
        var producer =
            producers.removeValue(forKey: header.producerID) ?? Producer(epoch: header.producerEpoch, batches: [])
        if producer.epoch != header.producerEpoch {
            producer = Producer(epoch: header.producerEpoch, batches: [])
        }
        if producer.batches.count == Self.batchCountMax { producer.batches.removeFirst() }
        producer.batches.append(batch)
        producers[header.producerID] = producer
        if producers.count > Self.countMax { forgetOldest() }
    }

    /// Forgets an eighth of the producers, those that were silent the longest.
    private mutating func forgetOldest() {
        let byAge = producers.map { (id: $0.key, last: $0.value.batches.last?.baseOffset ?? .zero) }
            .sorted { ($0.last, $0.id.rawValue) < ($1.last, $1.id.rawValue) }
        for (id, _) in byAge.prefix(Self.countMax / 8) { producers[id] = nil }
    }

    /// The number of a batch's last record. Numbers go on at 0 behind the largest.
    private static func lastSequence(_ header: BatchHeader) -> Int32 {
        next(header.baseSequence, header.lastOffsetDelta)
    }

    private static func next(_ sequence: Int32, _ count: Int) -> Int32 {
        Int32(truncatingIfNeeded: (Int64(sequence) + Int64(count)) & Int64(Int32.max))
    }
}
