import LogInterface
import SluiceCore

/// What was asked of the log that it answers later, by the numbers of the questions.
///
/// Isolation: its loop's.
struct ReadsUnderWay {
    private var lastNumber: UInt64 = 0
    private var reads: [UInt64: (PartitionRead) -> Void] = [:]
    private var changes: [UInt64: (Result<StreamDescription, StreamFault>) -> Void] = [:]

    /// Whether nothing is awaited.
    var isEmpty: Bool { reads.isEmpty && changes.isEmpty }

    /// A number for a read whose answer goes to `body`.
    mutating func await(_ body: @escaping (PartitionRead) -> Void) -> UInt64 {
        lastNumber += 1
        reads[lastNumber] = body
        return lastNumber
    }

    /// A number for a change of a stream whose answer goes to `body`.
    mutating func awaitChange(_ body: @escaping (Result<StreamDescription, StreamFault>) -> Void) -> UInt64 {
        lastNumber += 1
        changes[lastNumber] = body
        return lastNumber
    }

    mutating func takeRead(_ number: UInt64) -> ((PartitionRead) -> Void)? { reads.removeValue(forKey: number) }

    mutating func takeChange(_ number: UInt64) -> ((Result<StreamDescription, StreamFault>) -> Void)? {
        changes.removeValue(forKey: number)
    }
}

/// Where consumers are about to read on, in the engine's terms: those who have read most lately.
///
/// Isolation: its loop's.
struct ReadHints {
    private static let countMax = 256

    private struct Place: Hashable {
        var partition: PartitionID
        var offset: Offset
    }

    private var hints: [Place: ReadHint] = [:]
    private var order = Ring<Place>(capacity: countMax)

    /// Keeps where what lies at `offset` is, for whoever reads it next.
    mutating func keep(_ hint: ReadHint, for partition: PartitionID, at offset: Offset) {
        let place = Place(partition: partition, offset: offset)
        if hints.updateValue(hint, forKey: place) == nil { order.append(place) }
        while order.count > Self.countMax, let oldest = order.popFirst() { hints[oldest] = nil }
    }

    /// Where what lies at `offset` is; nil when nobody has read up to there lately.
    func hint(for partition: PartitionID, at offset: Offset) -> ReadHint? {
        hints[Place(partition: partition, offset: offset)]
    }
}

extension KafkaShard {
    /// Reads history in the background.
    func read(
        _ partition: PartitionID, from offset: Offset, form: ReadForm, byteCountMax: Int,
        _ body: @escaping (PartitionRead) -> Void
    ) {
        let number = reads.await { [unowned self] read in
            if let hint = read.hint { readHints.keep(hint, for: partition, at: read.nextOffset) }
            body(read)
        }
        var request = ReadRequest(partition, from: offset, byteCountMax: byteCountMax, number: number)
        request.form = form
        request.hint = readHints.hint(for: partition, at: offset)
        log.fetch(request, for: loop)
    }

    /// Looks up a time in the background.
    func find(_ partition: PartitionID, at time: Timestamp, _ body: @escaping (PartitionRead) -> Void) {
        log.fetchOffset(partition, at: time, number: reads.await(body), for: loop)
    }

    /// Changes a stream in the background.
    func administer(
        _ request: StreamRequest, _ body: @escaping (Result<StreamDescription, StreamFault>) -> Void
    ) {
        log.administer(request, number: reads.awaitChange(body), for: loop)
    }

    /// Hands out the answers that have come.
    func takeReads() {
        guard !reads.isEmpty else { return }
        for (number, read) in log.takeFetched(loop) { reads.takeRead(number)?(read) }
        let changes = log.takeAdministered(loop)
        if !changes.isEmpty { followTopics() }
        for (number, result) in changes { reads.takeChange(number)?(result) }
    }
}
