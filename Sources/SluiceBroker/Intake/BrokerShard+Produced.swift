import Checksums
package import LogInterface
package import RecordFormat
package import SluiceCore

/// What device profiles make of a batch that a Kafka client has produced.
package struct ProducedFindings {
    /// Records that are not taken, by their numbers, with the reason: with one of them the whole batch is refused.
    package var refusals: [(number: Int, words: String)] = []
    /// The numbers of the records that are dead letters, which leave holes in the batch.
    package var letterNumbers: Set<Int> = []
    /// The dead letters, to be appended with the batch and not without it.
    package var letters: [Append] = []
    /// Whether its dead letters take more bytes than those of one batch may.
    package var isTooLarge = false
    /// What is counted of it.
    let tally: ProducedTally
}

/// Device profiles hold for what Kafka clients produce into the profiles' streams.
///
/// A record's topic is what it is for MQTT's readers (see `KafkaMessage`); records of a topic of no profile, and those
/// whose value is null, which say that a key is gone, are not looked at.
extension BrokerShard {
    /// Bytes that the dead letters of one batch may take: what is compressed a hundredfold is not while it waits there.
    private static let lettersByteCountMax = 8 << 20

    /// Whether batches of a stream are to be looked at.
    package func examinesProduced(into stream: String) -> Bool { intake.checks?.concerns(stream) ?? false }

    /// Looks at every record of a batch, and counts it.
    /// - Parameters:
    ///   - batch: from a Kafka client, checked and not compressed.
    ///   - client: what the client calls itself.
    ///   - stamp: the time of all of its records, where that is when they come; nil where they have their own.
    /// - Complexity: O(n).
    package func examine(
        produced batch: RecordBatch, into stream: String, from client: String, stampedAt stamp: Timestamp?
    ) -> ProducedFindings {
        guard let checks = intake.checks else { return ProducedFindings(tally: ProducedTally(time: wallClock)) }
        var tally = ProducedTally(time: wallClock)
        var refusals: [(number: Int, words: String)] = []
        var numbers: Set<Int> = []
        // Made for the first letter: there is one accumulator for each of the log's partitions.
        var letters: BatchAccumulators?
        var byteCount = 0
        let origin = KafkaOrigin(stream: Array(stream.utf8), downlink: settings.downlinks[stream])
        let (bytes, sender) = (batch.bytes, Array(client.utf8))
        var records = RecordReader(batch)
        while let record = nextChecked(&records, bytes) {
            guard let value = record.value else { continue }
            let message = KafkaMessage(record, in: bytes, origin)
            guard let (index, key) = intake.profiled(message.topic.span) else { continue }
            let payload = bytes.extracting(value.indices)
            switch checks.examine(
                produced: payload, of: message.topic.span, message: index, keyField: key.span, in: &tally)
            {
            case .good: continue
            case .refused(let words): refusals.append((record.offsetDelta, words))
            case .deadLetter(let letter):
                numbers.insert(record.offsetDelta)
                // What is refused or too large has none.
                guard refusals.isEmpty, byteCount <= Self.lettersByteCountMax else { continue }
                let time = stamp ?? KafkaMessage.time(of: record, in: batch)
                var batches = letters.take() ?? BatchAccumulators(count: streams.partitionCount, in: batchMemory)
                byteCount += append(letter, message, record, bytes, key, from: sender, at: time, to: &batches)
                letters = consume batches
            }
        }
        let isTooLarge = byteCount > Self.lettersByteCountMax
        checks.count(tally, isRefused: !refusals.isEmpty)
        var findings = ProducedFindings(
            refusals: refusals, letterNumbers: numbers, isTooLarge: isTooLarge && refusals.isEmpty, tally: tally)
        guard refusals.isEmpty, !isTooLarge else { return findings }
        letters?.takeBatches(into: &findings.letters, scanned: log.isScanned)
        return findings
    }

    /// The batch is not stored after all, or was there already.
    package func takeBack(_ findings: ProducedFindings) { intake.checks?.takeBack(findings.tally) }

    /// The next record of a batch that was checked before.
    private func nextChecked(_ records: inout RecordReader, _ bytes: Span<UInt8>) -> RecordView? {
        do throws(BatchError) { return try records.next(bytes) } catch {
            preconditionFailure("Cannot examine a batch that was not checked: \(error)")
        }
    }

    /// Adds a dead letter: the record as MQTT would have it, with what else its producer has put there.
    /// - Returns: the bytes that it takes.
    private func append(
        _ letter: DeadLetter, _ message: KafkaMessage, _ record: RecordView, _ bytes: Span<UInt8>, _ key: [UInt8],
        from client: [UInt8], at time: Timestamp, to letters: inout BatchAccumulators
    ) -> Int {
        let topic = DeadLetter.topic(of: message.topic.span)
        let recordTime = time.rawValue > 0 ? time : wallClock
        var named = message.headers(of: record, in: bytes, as: topic, hasTime: time.rawValue > 0)
        named += letter.headers + [RecordHeader(name: DeadLetter.Header.client, value: client)]
        if recordTime != wallClock { named.append(MessageHeader.arrival(wallClock)) }
        let headers = RecordFields.headers(named)
        let index = letter.partition.index
        let former = letters.byteCount(in: index)
        letters.append(
            to: index, at: recordTime, keyField: key.span,
            value: bytes.extracting(record.value?.indices ?? 0..<0), headersField: headers.span)
        if log.isScanned { letters.note(XXH3.hash(topic.span), in: index) }
        letters.expect(in: index)
        return letters.byteCount(in: index) - former
    }
}
