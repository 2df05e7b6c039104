import AccessControl
import LogInterface
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore

/// Single records by their place: the deliveries that an earlier connection left unfinished, made again with their
/// identifiers and DUP [MQTT-4.4.0-1], and what comes back to a share group.
extension BrokerShard {
    /// Who waits for a record.
    enum RecordWaiter {
        case client(Client)
        case group(ShareGroup)
        case offsets(OffsetLookup, Int)
    }

    /// Finds the batch of a record.
    func look(up token: DeliveryToken, _ lookup: inout RecordLookup, for waiter: RecordWaiter) -> RecordLookup.Answer {
        if let answer = lookup.answer(for: token) { return answer }
        var awaited: UInt64?
        let read = readers.read(
            token.partition, from: token.offset, visibility: .appended, byteCountMax: 1, for: waiter
        ) { awaited = $0 }
        lookup.asked(token, awaited: awaited, read)
        return lookup.answer(for: token) ?? .waits
    }

    /// Takes a batch that somebody waited for; without one, retention has taken the record. What could not be read is
    /// asked for again in a while: see `retryLookups`.
    func fetched(_ read: PartitionRead, for waiter: RecordWaiter) {
        switch waiter {
        case .client(let client):
            guard let redelivery = client.redelivery else { return }
            redelivery.lookup.received(read)
            if !read.isFailed { redeliver(client) }
        case .group(let group):
            group.lookup.received(read)
            if !read.isFailed { dispatch(group) }
        case .offsets(let lookup, let number):
            if read.isFailed { readers.stall(lookup, number) } else { fetched(read, for: lookup, number) }
        }
    }

    /// Goes on with what waits for single records, some of which could not be read when they were asked for.
    func retryLookups() {
        for client in Array(clients.all) where client.redelivery != nil { redeliver(client) }
        for group in shareGroups.all where !group.returned.isEmpty { dispatch(group) }
        for (lookup, number) in readers.takeStalledLookups() where !lookup.isOver { find(lookup, number) }
    }

    /// Calls `body` with the record of `token`.
    /// - Returns: nil when the batch does not have it: compaction has taken it, or it is no message.
    func withRecord<Result>(
        _ token: DeliveryToken, in batch: RecordBatch, _ body: (Delivery, Span<UInt8>) -> Result
    ) -> Result? {
        assert(batch.isPlausible(for: token.offset), "a record is looked for in the batch that has its place")
        guard let batch = plain(batch, token.partition) else { return nil }
        let bytes = batch.bytes
        var records = RecordReader(batch)
        while let record = next(&records, bytes, token.partition) {
            let offset = batch.baseOffset.advanced(by: record.offsetDelta)
            guard offset >= token.offset else { continue }
            guard offset == token.offset else { return nil }
            if batch.isFromKafka {
                guard let origin = kafkaOrigin(of: token.partition) else { return nil }
                let message = KafkaMessage(record, in: bytes, origin)
                return delivery(message, record, batch, token.partition).map { body($0, $0.batch.bytes) }
            }
            guard let message = StoredMessage(record, in: bytes) else { return nil }
            return body(Delivery(batch: batch, record: record, message: message, partition: token.partition), bytes)
        }
        return nil
    }

    // MARK: Redelivery

    /// Goes on with a client's unfinished deliveries as far as it and the log allow.
    func redeliver(_ client: Client) {
        guard let redelivery = client.redelivery, !client.isClosing else { return }
        while let entry = redelivery.entries.first {
            switch entry.stage {
            case .awaitingPubcomp: answer(client, .pubrel, entry.packetID, .success)
            case .awaitingPuback, .awaitingPubrec:
                guard redelivery.outstanding.count < client.session.deliveryWindow else { return }
                guard client.output.count < memory.outputBytesAllowed else {
                    client.hasBlockedReader = true
                    return
                }
                switch look(up: DeliveryToken(rawValue: entry.token), &redelivery.lookup, for: .client(client)) {
                case .waits: return
                case .gone: abandon(client, entry)
                case .found(let batch): if !sendAgain(client, entry, batch) { abandon(client, entry) }
                }
            }
            redelivery.entries = redelivery.entries.dropFirst()
        }
        assert(redelivery.outstanding.count <= client.session.deliveryWindow)
        client.redelivery = nil
        wakeReaders(of: client)
    }

    private func abandon(_ client: Client, _ entry: InflightDelivery) {
        counters.deliveriesSkipped += 1
        client.isProgressDirty = true
        if client.session.abandon(entry.packetID) { sendPubrel(client, entry.packetID, entry.token) }
    }

    /// Whether a client may still read what it was sent before.
    private func mayReadAgain(
        _ delivery: Delivery, _ target: MatchList.Target?, _ client: Client, _ bytes: Span<UInt8>
    ) -> Bool {
        guard let access = client.access else { return true }
        let topic = bytes.extracting(delivery.message.deliveredTopic(bytes).indices)
        if access.rights.mayRead(topic).isAllowed { return true }
        // The reader of a whole stream may have its records whatever their topics.
        let stream = streams.name(of: delivery.partition)
        return stream.map { mayReadWhole($0, client) } ?? false
    }

    /// Sends a record once more.
    /// - Returns: false when the batch does not have it, or the client does not take it.
    private func sendAgain(_ client: Client, _ entry: InflightDelivery, _ batch: RecordBatch) -> Bool {
        assert(entry.stage != .awaitingPubcomp, "what its client has confirmed is not sent again")
        let token = DeliveryToken(rawValue: entry.token)
        let qos: QoS = entry.stage == .awaitingPuback ? .atLeastOnce : .exactlyOnce
        let isSent = withRecord(token, in: batch) { delivery, bytes in
            let list = subscriptions.list(bytes.extracting(delivery.message.topic.indices))
            let target = list.targets.first { $0.reader.client === client }
            // The client may take less than it did on its earlier connection [MQTT-3.1.2-25].
            guard fits(delivery, target, client, bytes), mayReadAgain(delivery, target, client, bytes) else {
                return false
            }
            let keepsFlag = target?.retainAsPublished == true && delivery.message.isRetained
            encode(
                delivery, target, bytes, client,
                PublishFlags(
                    packetID: entry.packetID, qos: qos, retain: token.partition == retainedPartition || keepsFlag,
                    duplicate: true, isResumed: true))
            return true
        }
        guard isSent == true else { return false }
        let isFirst = client.redelivery?.outstanding.insert(entry.packetID.rawValue).inserted
        assert(isFirst == true, "a connection sends an identifier again once")
        return true
    }
}
