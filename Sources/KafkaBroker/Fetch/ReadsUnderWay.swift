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

extension KafkaShard {
    /// Reads history in the background.
    func read(
        _ partition: PartitionID, from offset: Offset, form: ReadForm, byteCountMax: Int,
        _ body: @escaping (PartitionRead) -> Void
    ) {
        var request = ReadRequest(partition, from: offset, byteCountMax: byteCountMax, number: reads.await(body))
        request.form = form
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
