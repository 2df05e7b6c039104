import KafkaWire
package import LogInterface
package import RecordFormat
package import SluiceCore

/// What looks at the records of producers before they are stored: the device profiles of a broker beside the endpoint.
///
/// Isolation: the endpoint's loop.
package protocol ProduceExaminer: AnyObject {
    /// Whether a topic's batches are to be looked at.
    func examines(_ topic: String) -> Bool
    /// Looks at a batch.
    /// - Parameters:
    ///   - batch: checked, and not compressed.
    ///   - client: what the producer calls itself.
    ///   - stamp: the time of all of its records, where that is when they come.
    func examine(
        _ batch: RecordBatch, into topic: String, from client: String, stampedAt stamp: Timestamp?
    ) -> Examination
}

/// What was found in a batch.
package struct Examination {
    /// Records for which the whole batch is refused, by their numbers, with the reasons.
    package var refusals: [(number: Int, words: String)]
    /// The numbers of records that are not stored with the others.
    package var leftOut: Set<Int>
    /// What is appended with the batch, and not without it.
    package var companions: [Append]
    /// Whether what is appended with it would be too large.
    package var isTooLarge: Bool
    /// To be called when the batch is not stored, or was there already.
    package var takeBack: () -> Void

    /// An examination from its parts.
    package init(
        refusals: [(number: Int, words: String)], leftOut: Set<Int>, companions: [Append], isTooLarge: Bool,
        takeBack: @escaping () -> Void
    ) {
        self.refusals = refusals
        self.leftOut = leftOut
        self.companions = companions
        self.isTooLarge = isTooLarge
        self.takeBack = takeBack
    }
}

/// A batch on its way into the log.
struct ProducedBatch {
    /// Its append.
    var append: Append
    /// What is appended with it.
    var companions: [Append] = []
    /// To be called when it is not stored, or was there already; nil when nothing was counted of it.
    var takeBack: (() -> Void)?
}

extension KafkaShard {
    /// Records that an answer names; those behind them are refused with the same batch.
    private static let recordErrorsMax = 1000

    /// Lets the examiner look at a batch of its topics.
    /// - Throws: `BatchFault` when it is not to be stored.
    func examined(
        _ produced: inout ProducedBatch, plain: RecordBatch, into topic: String, _ rules: BatchRules, _ call: KafkaCall
    ) throws(BatchFault) {
        guard let examiner, examiner.examines(topic) else { return }
        let found = examiner.examine(
            plain, into: topic, from: call.clientID ?? "", stampedAt: rules.stampsTime ? rules.now : nil)
        guard found.refusals.isEmpty else {
            let named = found.refusals.prefix(Self.recordErrorsMax).map { number, words in
                ProduceResponse.BatchIndexAndErrorMessage(
                    batchIndex: Int32(truncatingIfNeeded: number), batchIndexErrorMessage: words)
            }
            let words = "\(found.refusals.count) of \(plain.recordCount) records are not as they should be"
            throw BatchFault(
                .invalidRecord, "\(words): \(found.refusals[0].words)", records: Array(named))
        }
        guard !found.isTooLarge else {
            found.takeBack()
            throw BatchFault(.messageTooLarge, "What is bad in the batch takes too much room uncompressed.")
        }
        produced.takeBack = found.takeBack
        guard !found.leftOut.isEmpty else { return }
        do throws(BatchFault) {
            produced.append.batch = try validator.batch(produced.append.batch, without: found.leftOut)
        } catch {
            found.takeBack()
            throw error
        }
        produced.companions = found.companions
    }
}
