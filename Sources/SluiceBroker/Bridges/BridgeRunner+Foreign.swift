import Bridging
import LogInterface
import RecordFormat
import SluiceCore

/// What Kafka clients have produced, on its way upstream: as to MQTT subscribers, under the same topics.
extension BridgeRunner {
    /// The first batch in hand of a source, uncompressed; what does not decompress is passed over, and so are
    /// marks of transactions' ends.
    func firstBatch(_ index: Int) -> RecordBatch? {
        while let stored = sources[index].cursor.batches.first {
            guard stored.isCompressed || stored.isControl else { return stored }
            if !stored.isControl, let plain = plain(stored) {
                sources[index].cursor.replaceFirst(by: plain)
                return plain
            }
            sources[index].finishBatch()
        }
        return nil
    }

    /// A batch with its records uncompressed; one that does not decompress is reported.
    func plain(_ batch: RecordBatch) -> RecordBatch? {
        do throws(BatchError) {
            return try inflater.plain(batch)
        } catch {
            report(
                .bridgeBatchPassedOver,
                "bridge \(settings.name, as: .bridge): a batch is passed over, \(error, as: .reason)")
            return nil
        }
    }

    /// The message that a Kafka client's record becomes; nil when it stays here.
    func outgoing(
        foreign record: RecordView, _ bytes: Span<UInt8>, at offset: Offset, _ source: BridgeSource,
        _ batch: RecordBatch
    ) -> BridgeMessage? {
        let origin = KafkaOrigin(stream: Array(source.stream.utf8), downlink: downlinks[source.stream])
        let message = KafkaMessage(record, in: bytes, origin)
        guard map.outward(message.topic.span) != nil else { return nil }
        let own = message.batch(of: record, in: batch)
        let ownBytes = own.bytes
        var records = RecordReader(own)
        guard let record = next(&records, ownBytes) else { return nil }
        return outgoing(record, ownBytes, at: offset, source, own)
    }
}
