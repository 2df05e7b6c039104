import AccessControl
import Administration
import Checksums
import HTTPWire
import LogInterface
import RecordFormat
import SluiceCore
import TopicRouting

/// `POST /v1/streams/{stream}/records`: records as a Kafka client would produce them.
///
/// With an `Idempotency-Key` the batches are those of an idempotent producer that the key stands for, so that what the
/// log knows of producers, after a crash as well, makes a repetition harmless (KIP-98): it is answered with the offsets
/// that the first one got. A partition remembers some 14,000 keys at least.
extension HTTPShard {
    /// What a request's appends come to.
    private final class PendingAppend {
        let exchange: Exchange
        var awaitedCount = 0
        var places: [(partition: Int, first: Int64, count: Int, isDuplicate: Bool)] = []
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
            let orders = try RecordOrder.all(in: exchange.body, type: exchange.head.field("content-type"))
            let number = try Self.integer(exchange, "partition", 0...(stream.partitions.count - 1))
            let key = try Self.idempotencyKey(exchange)
            let byPartition = deal(orders, to: stream, number)
            let pending = PendingAppend(exchange)
            for (partition, batch) in byPartition {
                append(batch, to: partition, of: stream, key, pending)
            }
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

    /// The records of each partition, in their order.
    private func deal(
        _ orders: [RecordOrder], to stream: StreamDescription, _ number: Int?
    ) -> [(partition: Int, batch: RecordBatch)] {
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
        return builders.sorted { $0.key < $1.key }.map { ($0.key, batch(of: $0.value)) }
    }

    private func batch(of orders: [RecordOrder]) -> RecordBatch {
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
        return builder.finish()
    }

    private func append(
        _ plain: RecordBatch, to number: Int, of stream: StreamDescription, _ producer: ProducerID?,
        _ pending: PendingAppend
    ) {
        var marked: RecordBatch?
        do throws(BatchError) {
            if var header = try BatchHeader(plain.bytes) {
                header.markFromKafka()
                if let producer { (header.producerID, header.producerEpoch, header.baseSequence) = (producer, 0, 0) }
                marked = RecordBatch(copying: plain.bytes, checksumming: header)
            }
        } catch {
            preconditionFailure("Cannot read a batch that was just made: \(error)")
        }
        guard let batch = marked else { preconditionFailure("Cannot make a batch without a header") }
        let append = Append(
            partition: stream.partitions[number], batch: batch, isAwaited: true,
            topicHashes: nil)
        pending.awaitedCount += 1
        let ticket = producer == nil ? log.append([append], from: loop) : log.append(sequenced: append, from: loop)
        appends[ticket] = { [unowned self] outcome in settled(outcome, batch, number, pending) }
    }

    private func settled(
        _ outcome: Settlement.Outcome, _ batch: RecordBatch, _ number: Int, _ pending: PendingAppend
    ) {
        switch outcome {
        case .stored: pending.places.append((number, batch.baseOffset.rawValue, batch.recordCount, false))
        case .duplicate(let offset): pending.places.append((number, offset.rawValue, batch.recordCount, true))
        case .refused(let refusal): pending.fault = Self.fault(of: refusal)
        }
        pending.awaitedCount -= 1
        guard pending.awaitedCount == 0 else { return }
        if let fault = pending.fault { return pending.exchange.fail(fault) }
        let places = pending.places.sorted { $0.partition < $1.partition }.map { place in
            JSON.members([
                "partition": .integer(Int64(place.partition)), "offset": .integer(place.first),
                "count": .integer(Int64(place.count)), "isDuplicate": .bool(place.isDuplicate),
            ])
        }
        pending.exchange.respond(.created, .members(["stored": .array(places)]))
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
