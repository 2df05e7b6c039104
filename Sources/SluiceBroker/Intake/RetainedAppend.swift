import LogInterface
import RecordFormat
import SluiceCore
import TopicRouting

/// A change of a topic's retained message.
struct RetainedChange {
    var topic: [UInt8]
    /// Which record of its append's batch it is.
    var recordIndex: Int
    var isPresent: Bool
    var expiresAt: Timestamp?
    /// Whose message it is; empty for nobody's.
    var owner: [UInt8]
    /// Bytes of topic and payload.
    var byteCount: Int
}

/// Changes of retained messages that were appended together, until they have settled: before that nobody knows at
/// which offsets they are.
struct RetainedAppend {
    let ticket: AppendTicket
    /// What the tree knows the append by.
    let number: UInt64
    let batch: RecordBatch
    let changes: [RetainedChange]

    /// Puts the changes into the tree, unless they were refused. New subscriptions wait for this.
    func settle(_ outcome: Settlement.Outcome, _ tree: inout RetainedTree) {
        switch outcome {
        case .stored, .duplicate:
            for change in changes {
                assert(change.recordIndex < batch.recordCount, "a change is one of the batch's records")
                tree.apply(
                    change.topic.span, at: batch.baseOffset.advanced(by: change.recordIndex),
                    isPresent: change.isPresent, expiresAt: change.expiresAt, byteCount: change.byteCount,
                    owner: change.owner)
            }
            tree.endAppend(number, end: batch.nextOffset)
        case .refused: tree.endAppend(number, end: nil)
        }
    }
}
