import LogInterface
import MQTTSession
import MQTTWire
package import RecordFormat
import SluiceCore
package import TopicRouting

/// Retained messages: kept in the compacted stream `__retained`, the newest of each topic, and fed to new
/// subscriptions.
extension BrokerShard {
    /// Matches whose places are kept in memory for one subscription: 8 KiB.
    private static let placesMax = 1024
    /// Steps of a search with the lock held: about a millisecond.
    private static let visitsMax = 16_384

    // MARK: Changes

    /// Takes expired messages away. The first shard does it for all.
    func expireRetained() {
        guard settings.index == 0 else { return }
        let expired = peers.withRetained { tree in
            tree.purge()
            return tree.takeExpired(at: wallClock)
        }
        for topic in expired { intake.forgetRetained(topic, at: wallClock) }
    }

    // MARK: Feeds

    /// Sends what is retained to a new subscription, as its options want it.
    /// - Parameter isNew: whether it takes the place of no other [MQTT-3.3.1-10].
    func feedRetained(_ subscription: Subscription, isNew: Bool) {
        switch subscription.options.retainHandling {
        case .send: break
        case .sendIfNew: guard isNew else { return }
        case .doNotSend: return
        }
        sendSystemTopics(subscription)
        guard let partition = retainedPartition, let client = subscription.client else { return }
        let bounds = log.bounds(partition)
        let feed: RetainedFeed
        // A client may have seen a message that its publisher's shard has in the log and not in the tree yet.
        if let unsettled = peers.withRetained({ $0.unsettled }) {
            feed = RetainedFeed(subscription, unsettled: unsettled, end: bounds.end)
        } else {
            feed = RetainedFeed(subscription, places: retainedPlaces(subscription.matched), end: bounds.end)
        }
        guard let start = feed.next(from: bounds.start) else { return }
        let reader = Reader(client: client, kind: .retained(feed))
        reader.addCursor(Reader.Cursor(partition: partition, offset: start))
        client.sideReaders.append(reader)
        queue(reader)
    }

    /// The places of what a filter matches; nil when they are many.
    private func retainedPlaces(_ filter: [UInt8]) -> [Offset]? {
        let isExact = !filter.contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }
        return peers.withRetained { tree in
            if tree.count == 0 { return [] }
            if isExact { return tree.offset(of: filter.span).map { [$0] } ?? [] }
            return tree.matches(filter.span, countMax: Self.placesMax, visitsMax: Self.visitsMax)
        }
    }

    /// Goes on with a feed that a session's former connection did not take to its end.
    func resume(_ client: Client, _ stored: StoredFeed) {
        guard let partition = retainedPartition,
            let subscription = client.subscriptions.first(where: { $0.filter == stored.filter })
        else { return }
        assert(!client.sideReaders.contains { $0.isClosed }, "a reader that is over is let go of")
        let feed = RetainedFeed(subscription, places: nil, end: stored.end)
        let start = max(stored.position, log.bounds(partition).start)
        guard start < stored.end else { return }
        let reader = Reader(client: client, kind: .retained(feed))
        reader.addCursor(Reader.Cursor(partition: partition, offset: start))
        client.sideReaders.append(reader)
        queue(reader)
    }

    /// Ends the feeds of a subscription that is gone.
    func dropFeeds(of subscription: Subscription) {
        subscription.client?.sideReaders.removeAll { reader in
            guard case .retained(let feed) = reader.kind, feed.subscription === subscription else { return false }
            reader.isClosed = true
            return true
        }
    }

    /// Moves a feed on.
    func move(_ reader: Reader, _ feed: RetainedFeed) -> Progress {
        assert(reader.cursors.count == 1 && reader.cursors[0].partition == retainedPartition, "a feed reads one stream")
        if let unsettled = feed.unsettled {
            guard peers.withRetained({ $0.isSettled(through: unsettled) }) else {
                sessions.whenDurable(.move(reader))
                return .waits
            }
            let end = peers.withRetained { $0.end(through: unsettled) }
            feed.found(retainedPlaces(feed.subscription.matched), end: end)
        }
        let visibility: Visibility = feed.subscription.options.qos == .atMostOnce ? .appended : .durable
        let byteCountMax = feed.isSingle ? 1 : Self.readBytesMax
        var budget = 4
        while reader.cursors[0].place.awaited == nil {
            if let batch = reader.cursors[0].place.batches.first {
                guard deliver(batch, reader, feed) else { return .full }
                reader.update(at: 0) { $0.finishBatch() }
                continue
            }
            guard let next = feed.next(from: reader.cursors[0].offset) else { return .caughtUp }
            reader.update(at: 0) { $0.offset = next }
            guard budget > 0 else {
                queue(reader)
                return .waits
            }
            if mustStarve(reader) { return .waits }
            budget -= 1
            let loaded = readers.load(
                reader, at: 0, from: next, visibility: visibility, selection: nil, byteCountMax: byteCountMax)
            guard let read = loaded else { return .waits }
            if read.batches.isEmpty && read.isCaughtUp {
                // It was published a moment ago and is not on the device yet, which is promised from QoS 1 on.
                sessions.whenDurable(.move(reader))
                return .waits
            }
            reader.update(at: 0) { $0.received(read) }
        }
        return .waits
    }

    /// Delivers a batch of the stream.
    /// - Returns: false when the client takes no more.
    private func deliver(_ batch: RecordBatch, _ reader: Reader, _ feed: RetainedFeed) -> Bool {
        let bytes = batch.bytes
        let partition = reader.cursors[0].partition
        let options = feed.subscription.options
        let target = MatchList.Target(
            reader: reader, qos: options.qos, retainAsPublished: true, identifier: feed.subscription.identifier)
        var records = reader.cursors[0].place.records ?? RecordReader(batch)
        while true {
            let before = records
            guard let record = next(&records, bytes, partition) else { return true }
            let offset = batch.baseOffset.advanced(by: record.offsetDelta)
            guard offset >= reader.cursors[0].offset else { continue }
            if feed.wants(offset), record.value != nil, let message = StoredMessage(record, in: bytes),
                isNewest(bytes.extracting(message.topic.indices), offset, feed)
            {
                let delivery = Delivery(batch: batch, record: record, message: message, partition: partition)
                if send(delivery, to: target, bytes, isRetained: true) == .full {
                    reader.update(at: 0) { cursor in
                        cursor.offset = offset
                        cursor.place.records = before
                    }
                    return false
                }
            }
            _ = feed.next(from: offset.advanced(by: 1))
        }
    }

    private func isNewest(_ topic: Span<UInt8>, _ offset: Offset, _ feed: RetainedFeed) -> Bool {
        let filter = feed.subscription.matched
        guard FilterSyntax.matches(filter: filter.span, topic: topic) else { return false }
        return peers.withRetained { $0.offset(of: topic) } == offset
    }
}

/// Brings the tree of retained messages back from the stream `__retained`.
package struct RetainedReplay {
    private var tree = RetainedTree()

    /// A replay at the stream's oldest record.
    package init() {}

    /// The stream's name.
    package static let stream = "__retained"

    /// Takes the next batch.
    /// - Throws: `BatchError` when a record does not decode; those before it count.
    package mutating func apply(_ batch: RecordBatch) throws(BatchError) {
        let bytes = batch.bytes
        var records = RecordReader(batch)
        while let record = try records.next(bytes) {
            guard let key = record.key, key.count > 0 else { continue }
            var expiresAt: Timestamp?
            if let message = StoredMessage(record, in: bytes), let expiry = message.expirySeconds {
                let time = BatchLayout.baseTimestamp(bytes).rawValue &+ Int64(record.timestampDelta)
                expiresAt = Timestamp(rawValue: time &+ Int64(expiry) * 1000)
            }
            tree.apply(
                bytes.extracting(key.indices), at: batch.baseOffset.advanced(by: record.offsetDelta),
                isPresent: record.value != nil, expiresAt: expiresAt,
                byteCount: key.indices.count + (record.value?.indices.count ?? 0))
        }
    }

    /// The tree at the stream's end.
    package consuming func finish() -> RetainedTree { tree }
}
