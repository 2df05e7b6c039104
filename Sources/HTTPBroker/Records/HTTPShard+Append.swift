import AccessControl
import Administration
import Checksums
import HTTPWire
import LogInterface
import RecordFormat
import SluiceBroker
import SluiceCore
import TopicRouting

/// `POST /v1/streams/{stream}/records`: records as a Kafka client would produce them.
///
/// With an `Idempotency-Key` the batches are those of an idempotent producer that the key stands for, so that what the
/// log knows of producers, after a crash as well, makes a repetition harmless (KIP-98): it is answered with the offsets
/// that the first one got. A partition remembers some 14,000 keys at least.
///
/// Device profiles hold as they do for what Kafka clients produce: a bad record becomes a dead letter and leaves a
/// hole, or the whole request is refused, before anything of it is appended.
extension HTTPShard {
    /// What a request's appends come to.
    private final class PendingAppend {
        let exchange: Exchange
        var awaitedCount = 0
        var places: [JSON] = []
        var fault: HTTPFault?
        init(_ exchange: Exchange) { self.exchange = exchange }
    }

    func appendRecords(_ exchange: Exchange) {
        do throws(HTTPFault) {
            let stream = try readableStream(exchange)
            let name = Array(stream.settings.name.utf8)
            guard !stream.settings.isInternal else {
                throw HTTPFault(.forbidden, "'\(stream.settings.name)' is the node's own, and only read")
            }
            if let rights = exchange.session?.rights {
                let verdict = rights.mayWriteStream(name.span)
                guard verdict.isAllowed else {
                    throw HTTPFault(
                        .forbidden,
                        "who asks may not write to '\(stream.settings.name)': \(rights.description(of: verdict.rule))")
                }
            }
            let orders = try RecordOrder.all(
                in: exchange.body, type: exchange.head.field("content-type"), now: wallClock)
            let number = try Self.integer(exchange, "partition", 0...(stream.partitions.count - 1))
            let key = try Self.idempotencyKey(exchange)
            let parts = try examined(deal(orders, to: stream, number, key), into: stream, exchange)
            let pending = PendingAppend(exchange)
            for part in parts { append(part, to: stream, pending) }
        } catch {
            exchange.fail(error)
        }
    }

    private static func idempotencyKey(_ exchange: Exchange) throws(HTTPFault) -> ProducerID? {
        guard let text = exchange.head.field("idempotency-key") else { return nil }
        guard (1...255).contains(text.utf8.count) else {
            throw HTTPFault(.badRequest, "'Idempotency-Key' has 1 to 255 bytes")
        }
        let owner = exchange.session.map { "\($0.principal)" } ?? ""
        let hash = XXH3.hash(Array("\(owner)\u{0}\(text)".utf8).span)
        // Far from the numbers that Kafka's producers are given, which begin at 0.
        return ProducerID(rawValue: Int64(bitPattern: hash >> 2 | 1 << 62))
    }

    /// What a partition gets of a request.
    private struct Part {
        let number: Int
        var batch: RecordBatch
        var findings: ProducedFindings?
    }

    /// The records of each partition, in their order.
    private func deal(
        _ orders: [RecordOrder], to stream: StreamDescription, _ number: Int?, _ producer: ProducerID?
    ) -> [Part] {
        var builders: [Int: [RecordOrder]] = [:]
        // Without a key the records of a request stay together: one batch, one place.
        let keyless = number ?? Int(truncatingIfNeeded: UInt64(bitPattern: now) >> 10) % stream.partitions.count
        for order in orders {
            let partition =
                number ?? order.key.map {
                    KafkaPartitioner.partition(forKey: $0.span, partitionCount: stream.partitions.count)
                }
                ?? keyless
            builders[partition, default: []].append(order)
        }
        return builders.sorted { $0.key < $1.key }.map { Part(number: $0.key, batch: batch(of: $0.value, producer)) }
    }

    /// The parts as the profiles of the stream's messages let them be.
    /// - Throws: `HTTPFault` when one of them refuses a record; then nothing is stored.
    private func examined(
        _ parts: [Part], into stream: StreamDescription, _ exchange: Exchange
    ) throws(HTTPFault) -> [Part] {
        let name = stream.settings.name
        guard broker.examinesProduced(into: name) else { return parts }
        var parts = parts
        func takeBack() { for findings in parts.compactMap(\.findings) { broker.takeBack(findings) } }
        for index in parts.indices {
            let found = broker.examine(
                produced: parts[index].batch, into: name, from: exchange.session?.name ?? "", stampedAt: nil)
            if let refusal = found.refusals.first {
                takeBack()
                throw HTTPFault(
                    .unprocessableContent,
                    "\(found.refusals.count) records are not as they should be; of partition \(parts[index].number), "
                        + "number \(refusal.number + 1): \(refusal.words)")
            }
            parts[index].findings = found
            guard !found.isTooLarge else {
                takeBack()
                throw HTTPFault(.contentTooLarge, "what is bad in the request takes too much room")
            }
            guard !found.letterNumbers.isEmpty else { continue }
            do throws(BatchError) {
                parts[index].batch = try parts[index].batch.filtered { record, _ in
                    !found.letterNumbers.contains(record.offsetDelta)
                }
            } catch {
                preconditionFailure("Cannot filter a batch that was just made: \(error)")
            }
        }
        return parts
    }

    private func batch(of orders: [RecordOrder], _ producer: ProducerID?) -> RecordBatch {
        var builder = RecordBatchBuilder()
        for order in orders {
            let key = order.key.map { RecordFields.key($0) } ?? RecordFields.nullKey
            let headers = RecordFields.headers(order.headers)
            let time = order.time ?? wallClock
            if let payload = order.payload {
                builder.append(at: time, keyField: key.span, value: payload.span, headersField: headers.span)
            } else {
                builder.appendTombstone(at: time, keyField: key.span, headersField: headers.span)
            }
        }
        let plain = builder.finish()
        do throws(BatchError) {
            guard var header = try BatchHeader(plain.bytes) else {
                preconditionFailure("Cannot make a batch without a header")
            }
            header.markFromKafka()
            if let producer { (header.producerID, header.producerEpoch, header.baseSequence) = (producer, 0, 0) }
            return RecordBatch(copying: plain.bytes, checksumming: header)
        } catch {
            preconditionFailure("Cannot read a batch that was just made: \(error)")
        }
    }

    private func append(_ part: Part, to stream: StreamDescription, _ pending: PendingAppend) {
        let own = Append(
            partition: stream.partitions[part.number], batch: part.batch, isAwaited: true, topicHashes: nil)
        let letters = part.findings?.letters ?? []
        pending.awaitedCount += 1
        let ticket =
            part.batch.producerID == .none
            ? log.append([own] + letters, from: loop) : log.append(sequenced: own, with: letters, from: loop)
        appends[ticket] = { [unowned self] outcome in settled(outcome, part, pending) }
    }

    private func settled(_ outcome: Settlement.Outcome, _ part: Part, _ pending: PendingAppend) {
        if outcome != .stored, let findings = part.findings { broker.takeBack(findings) }
        func store(at offset: Offset, isDuplicate: Bool) {
            pending.places.append(
                .members([
                    "partition": .integer(Int64(part.number)), "offset": .integer(offset.rawValue),
                    "count": .integer(Int64(part.batch.lastOffsetDelta + 1)), "isDuplicate": .bool(isDuplicate),
                    "deadLetters": .integer(Int64(part.findings?.letterNumbers.count ?? 0)),
                ]))
        }
        switch outcome {
        case .stored: store(at: part.batch.baseOffset, isDuplicate: false)
        case .duplicate(let offset): store(at: offset, isDuplicate: true)
        case .refused(let refusal): pending.fault = Self.fault(of: refusal)
        }
        pending.awaitedCount -= 1
        guard pending.awaitedCount == 0 else { return }
        if let fault = pending.fault { return pending.exchange.fail(fault) }
        pending.exchange.respond(.created, .members(["stored": .array(pending.places)]))
    }

    private static func fault(of refusal: AppendRefusal) -> HTTPFault {
        switch refusal {
        case .full: HTTPFault(.insufficientStorage, "there is no space; nothing was stored")
        case .failed: HTTPFault(.unavailable, "the log takes nothing: a write has failed")
        case .outOfOrder, .fenced:
            HTTPFault(.unprocessableContent, "this 'Idempotency-Key' was used with other records before")
        case .unknownStream: HTTPFault(.notFound, "the stream was deleted")
        }
    }

    /// Answers what has settled since the last tick.
    func settleAppends() {
        guard !appends.isEmpty else { return }
        var settlements: [Settlement] = []
        log.takeSettlements(of: loop, into: &settlements)
        for settlement in settlements { appends.removeValue(forKey: settlement.ticket)?(settlement.outcome) }
    }
}
