import CommitLog
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore

/// The batch that a partition's publishes of one tick become.
///
/// Isolation: one shard's.
final class BatchAccumulator {
    let durability: Durability
    var builder = RecordBatchBuilder()
    /// Whether a publisher waits for a record of it.
    var isAwaited = false
    /// Whether its partition is on the shard's list for this tick.
    var isListed = false
    /// The distinct topics so far, while somebody scans; nil when there are too many to list.
    var topicHashes: [UInt64]? = []

    init(_ durability: Durability) { self.durability = durability }

    /// Notes a record's topic. Devices publish in runs, so the last one is looked at first.
    @inline(__always)
    func note(_ topicHash: UInt64) {
        guard let hashes = topicHashes, hashes.last != topicHash else { return }
        if hashes.contains(topicHash) { return }
        // Beyond 64 topics a list saves readers little and costs the publisher a search of it.
        if hashes.count == 64 { topicHashes = nil } else { topicHashes?.append(topicHash) }
    }
}

/// PUBLISH: from a client into the tick's batches, and the batches into the log.
extension BrokerShard {
    /// Bytes of a batch after which it is appended before its tick ends: consumers fetch up to 1 MiB, and a batch that fits the
    /// processor's cache is written while it is there.
    private static let batchBytesMax = 256 << 10

    /// Stores a message and notes its acknowledgement.
    @inline(__always)
    func publish(
        _ publish: PublishAction, _ client: Client, _ bytes: Span<UInt8>
    ) throws(MQTTDecodeError) {
        counters.publishesReceived += 1
        client.isPublisher = true
        let route: Route
        switch publish.topic {
        case .name(let range): route = try routes.route(bytes.extracting(range))
        case .namedAlias(let range, let alias):
            route = try routes.route(bytes.extracting(range))
            client.session.bindAlias(alias, to: UInt64(client.aliasRoutes.count))
            client.aliasRoutes.append(route)
        case .token(let token):
            guard let bound = client.aliasRoutes[Int(token)] else { return }
            route = bound
        }
        if route.isReserved { return refuseReserved(publish, client, route, bytes) }
        let accumulator = accumulators[route.partition.index]
        let isPlain = publish.properties.isEmpty && !publish.retain && noLocalCount == 0
        if isPlain {
            let keyField = route.keyField
            let headersField = route.headersFields[Int(publish.qos.rawValue)]
            accumulator.builder.append(
                at: wallClock, keyField: keyField.span, value: bytes.extracting(publish.payload),
                headersField: headersField.span)
        } else {
            appendWithProperties(publish, client, route, accumulator, bytes)
        }
        counters.messagesStored += 1
        if log.isScanned { accumulator.note(route.topicHash) }
        list(route.partition.index)
        switch publish.qos {
        case .atMostOnce: break
        case .atLeastOnce:
            accumulator.isAwaited = true
            acks.current.require(level(accumulator.durability))
            acknowledge(client, .puback, publish.packetID)
        case .exactlyOnce:
            accumulator.isAwaited = true
            acks.current.require(level(accumulator.durability))
            if client.isPersistent { record(.received(publish.packetID.rawValue), of: client) }
            acknowledge(client, .pubrec, publish.packetID)
        }
        if accumulator.builder.byteCount > Self.batchBytesMax { submit() }
    }

    @inline(never)
    private func appendWithProperties(
        _ publish: PublishAction, _ client: Client, _ route: Route, _ accumulator: BatchAccumulator,
        _ bytes: Span<UInt8>
    ) {
        let origin = noLocalCount > 0 || client.subscriptions.contains { $0.options.noLocal } ? client.clientID : nil
        let headers = RecordFields.headers(MessageHeader.headers(route, publish, in: bytes, clientID: origin))
        let keyField = route.keyField
        accumulator.builder.append(
            at: wallClock, keyField: keyField.span, value: bytes.extracting(publish.payload), headersField: headers.span
        )
    }

    /// `$` topics belong to the broker: `$SYS` is read only, and the others are requests.
    @inline(never)
    private func refuseReserved(_ publish: PublishAction, _ client: Client, _ route: Route, _ bytes: Span<UInt8>) {
        let isAnswered = answerRequest(publish, client, route, bytes)
        let reason: ReasonCode = isAnswered ? .success : .notAuthorized
        if !isAnswered {
            counters.messagesRefused += 1
            report(
                .info,
                "\(client.name) at \(client.address): publish to \(route.topicText) refused, $ topics are the broker's")
        }
        switch publish.qos {
        case .atMostOnce: return
        case .atLeastOnce:
            answer(client, .puback, publish.packetID, reason)
            client.session.acknowledged(publishCount: 1)
        case .exactlyOnce:
            answer(client, .pubrec, publish.packetID, reason)
            if !isAnswered && client.version == .v5 { client.session.refused(publish.packetID) }
        }
    }

    private func level(_ durability: Durability) -> AckQueue.Level {
        switch durability {
        case .fsync: .durable
        case .interval: .written
        case .memory: .none
        }
    }

    /// Puts a partition on the list of those with a batch this tick.
    @inline(__always)
    func list(_ index: Int) {
        guard !accumulators[index].isListed else { return }
        accumulators[index].isListed = true
        pendingPartitions.append(index)
    }

    /// Notes an acknowledgement of success, to leave when this tick's append has reached its durability.
    @inline(__always)
    func acknowledge(_ client: Client, _ kind: AcknowledgementKind, _ id: PacketID) {
        let firstByte = UInt32(kind.rawValue << 4 | (kind == .pubrel ? 2 : 0))
        acks.current.add(client, firstByte << 24 | 2 << 16 | UInt32(id.rawValue), ends: kind != .pubrec)
    }

    /// PUBREL: the identifier is free, which must be durable before the client hears of it. Were it lost, a new message of the same
    /// identifier would be taken for the old one.
    func release(_ client: Client, _ id: PacketID) {
        if client.isPersistent {
            record(.released(id.rawValue), of: client)
            acknowledge(client, .pubcomp, id)
        } else {
            answer(client, .pubcomp, id, .success)
            client.session.acknowledged(publishCount: 1)
        }
    }

    // MARK: The tick's append

    /// Appends the tick's batches as one.
    func submit() {
        if pendingPartitions.isEmpty {
            // Repeated publishes are acknowledged no sooner than what this shard appended last.
            if !acks.current.isEmpty {
                acks.current.require(.durable)
                acks.commit(lastLSN)
            }
            return
        }
        appends.removeAll(keepingCapacity: true)
        for index in pendingPartitions {
            let accumulator = accumulators[index]
            appends.append(
                Append(
                    partition: PartitionID(rawValue: UInt32(index)), batch: accumulator.builder.finish(),
                    isAwaited: accumulator.isAwaited,
                    topicHashes: log.isScanned ? accumulator.topicHashes : nil))
            accumulator.isAwaited = false
            accumulator.isListed = false
            accumulator.topicHashes = []
        }
        pendingPartitions.removeAll(keepingCapacity: true)
        switch log.append(appends, from: reader) {
        case .appended(let lsn):
            lastLSN = lsn
            acks.commit(lsn)
        case .refusedFull: refuse(acks.takeRefused(), .quotaExceeded)
        case .refusedPoisoned: refuse(acks.takeRefused(), .unspecifiedError)
        }
    }

    /// Nothing of the tick was stored. MQTT 5 clients are told with each message; others have no way to hear it, and a connection that
    /// ends unacknowledged makes them send again.
    private func refuse(_ group: AckQueue.Group, _ reason: ReasonCode) {
        counters.messagesRefused += UInt64(group.bytes.count / 4)
        for run in group.runs where !run.client.isClosing {
            let client = run.client
            guard client.version == .v5 else {
                report(.warning, "\(client.name) at \(client.address): closed, its publishes cannot be stored")
                terminate(client, reason)
                continue
            }
            for at in stride(from: run.start, to: run.start + run.byteCount, by: 4) {
                let (kind, id) = group.acknowledgement(at: at)
                refuse(client, kind, id, reason)
            }
        }
        acks.recycle(group)
    }

    private func refuse(_ client: Client, _ kind: AcknowledgementKind?, _ id: PacketID, _ reason: ReasonCode) {
        switch kind {
        case .puback:
            answer(client, .puback, id, reason)
            client.session.acknowledged(publishCount: 1)
        case .pubrec:
            answer(client, .pubrec, id, reason)
            if client.isPersistent { peers.withDirectory { $0.apply(.released(id.rawValue), to: client.clientID) } }
            client.session.refused(id)
        case .pubrel, .pubcomp, nil:
            // A PUBREL whose release could not be stored: without PUBCOMP the client asks again.
            terminate(client, reason)
        }
    }

    /// Sends every acknowledgement that the log has caught up with, and asks to be woken for the next.
    func releaseAcknowledgements() {
        let progress = log.progress
        while let group = acks.popReleased(written: progress.written, durable: progress.durable) {
            unsafe group.bytes.withUnsafeBytes { bytes in
                for run in group.runs where !run.client.isClosing {
                    unsafe run.client.output.append(
                        UnsafeRawBufferPointer(rebasing: bytes[run.start..<run.start + run.byteCount]))
                    if run.endedCount > 0 { run.client.session.acknowledged(publishCount: run.endedCount) }
                    markDirty(run.client)
                }
            }
            acks.recycle(group)
        }
        if let oldest = acks.oldest, oldest.level != .none {
            awaitProgress(oldest.lsn, written: oldest.level == .written)
        }
    }

    /// Asks to be woken, unless the request stands already.
    private func awaitProgress(_ lsn: LSN, written: Bool) {
        guard awaited?.lsn != lsn || awaited?.written != written else { return }
        awaited = (lsn, written)
        log.awaitProgress(lsn, written: written, for: reader)
    }
}
