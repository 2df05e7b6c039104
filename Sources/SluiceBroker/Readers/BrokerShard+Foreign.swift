import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore

/// Batches that Kafka clients have produced, which are stored as they came: perhaps compressed, with any headers.
///
/// They say so in their attributes (`RecordBatch.isForeign`); all others are as MQTT writes them and take no other way.
extension BrokerShard {
    /// A batch with its records uncompressed; nil for one that is passed over: it does not decompress, which is
    /// reported, or it is the mark of a transaction's end, which no reader sees.
    func plain(_ batch: RecordBatch, _ partition: PartitionID) -> RecordBatch? {
        if batch.isControl { return nil }
        do throws(BatchError) {
            return try inflater.plain(batch)
        } catch {
            report(
                .batchPassedOver,
                "partition \(partition.rawValue, as: .partition): a batch is passed over, \(error, as: .reason)")
            return nil
        }
    }

    /// What a partition's records without a topic are delivered under; nil when its stream was deleted.
    func kafkaOrigin(of partition: PartitionID) -> KafkaOrigin? {
        guard let place = streams.place(of: partition), streams.streams.indices.contains(place.stream) else {
            return nil
        }
        let name = streams.streams[place.stream].settings.name
        return KafkaOrigin(stream: Array(name.utf8), downlink: settings.downlinks[name])
    }

    /// A record of a Kafka client on its way to subscribers.
    func delivery(
        _ message: KafkaMessage, _ record: RecordView, _ batch: RecordBatch, _ partition: PartitionID
    ) -> Delivery? {
        let own = message.batch(of: record, in: batch)
        let bytes = own.bytes
        var records = RecordReader(own)
        guard let record = next(&records, bytes, partition), let stored = StoredMessage(record, in: bytes) else {
            assertionFailure("a batch that was just made has its record")
            return nil
        }
        return Delivery(batch: own, record: record, message: stored, partition: partition)
    }

    /// Delivers a batch of the tail.
    @inline(never)
    func deliver(foreign entry: TailEntry, _ visibility: Visibility) {
        guard let batch = plain(entry.batch, entry.partition) else { return }
        guard batch.isForeign else {
            return deliver(TailEntry(batch: batch, partition: entry.partition, topicHashes: nil), visibility)
        }
        guard let origin = kafkaOrigin(of: entry.partition) else { return }
        let bytes = batch.bytes
        var records = RecordReader(batch)
        while let record = next(&records, bytes, entry.partition) {
            let message = KafkaMessage(record, in: bytes, origin)
            let list = subscriptions.list(message.topic.span)
            guard list.has(visibility) else {
                subscriptions.noteUnmatched(message.topic.span, visibility)
                continue
            }
            guard let delivery = delivery(message, record, batch, entry.partition) else { continue }
            for target in list.targets where target.visibility == visibility {
                deliverLive(delivery, to: target, delivery.batch.bytes)
            }
        }
    }
}
