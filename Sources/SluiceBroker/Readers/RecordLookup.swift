import LogInterface
import RecordFormat
import SluiceCore

/// One record after the other by its place, found in memory or fetched.
///
/// Invariants: the batch in hand is of `partition`, also while another is awaited; an answer says that a record is gone
/// only of the one that was asked for, whatever is wanted by the time it comes.
struct RecordLookup {
    private var batch: RecordBatch?
    private var partition: PartitionID?
    /// What the answer is known by that it waits for.
    private var awaited: UInt64?
    /// The record that was asked for last.
    private var asked: DeliveryToken?
    /// Whether its answer has come.
    private var isAnswered = false

    enum Answer {
        case found(RecordBatch)
        case waits
        case gone
    }

    /// What is known of a record; nil when it is to be asked for.
    func answer(for token: DeliveryToken) -> Answer? {
        if partition == token.partition, let batch, batch.isPlausible(for: token.offset) { return .found(batch) }
        if awaited != nil { return .waits }
        return isAnswered && asked == token ? .gone : nil
    }

    /// The record was asked for; `read` is the answer when it came at once.
    mutating func asked(_ token: DeliveryToken, awaited number: UInt64?, _ read: PartitionRead?) {
        assert(awaited == nil, "one answer is awaited at a time")
        assert((number == nil) == (read != nil))
        asked = token
        awaited = number
        isAnswered = false
        if let read { received(read) }
    }

    /// Takes the answer. One that could not be read leaves the record to be asked for again.
    mutating func received(_ read: PartitionRead) {
        assert(asked != nil, "nothing is answered that nobody asked")
        assert(!isAnswered, "a question has one answer")
        assert(!read.isFailed || read.batches.isEmpty, "what could not be read has nothing to show")
        awaited = nil
        guard !read.isFailed else { return }
        batch = read.batches.first
        partition = asked?.partition
        isAnswered = true
    }
}

extension RecordBatch {
    /// Whether `offset` lies between its first and its last.
    func isPlausible(for offset: Offset) -> Bool { baseOffset <= offset && offset <= lastOffset }
}
