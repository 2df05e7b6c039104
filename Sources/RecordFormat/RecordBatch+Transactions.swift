package import SluiceCore

extension RecordBatch {
    /// Whether the batch belongs to a transaction.
    package var isTransactional: Bool { BatchAttributes(rawValue: attributes).isTransactional }

    /// Whether its records are marks of a transaction's end, which no consumer sees.
    package var isControl: Bool { BatchAttributes(rawValue: attributes).isControl }

    /// The mark of a transaction's end, which is a batch of one record.
    ///
    /// Layout: key `i16 0, i16 type` (0 given up, 1 committed), value `i16 0, i32 0` (the coordinator's epoch).
    /// Source: KIP-98.
    package static func endOfTransaction(
        producer: ProducerID, epoch: Int16, commits: Bool, at time: Timestamp
    ) -> RecordBatch {
        var builder = RecordBatchBuilder()
        let key: [UInt8] = [0, 0, 0, commits ? 1 : 0]
        let value: [UInt8] = [0, 0, 0, 0, 0, 0]
        builder.append(
            at: time, keyField: RecordFields.key(key).span, value: value.span,
            headersField: RecordFields.headers([]).span)
        let batch = builder.finish()
        var header = batch.header
        header.attributes |= BatchAttributes.controlBit | BatchAttributes.transactionalBit
        header.producerID = producer
        header.producerEpoch = epoch
        return RecordBatch(header, records: batch.bytes.extracting(BatchLayout.headerByteCount..<batch.byteCount))
    }

    /// Whether a mark says that the transaction of its producer is committed; nil for what is no mark of an end.
    package var endsWell: Bool? {
        guard isControl, !isCompressed else { return nil }
        let bytes = bytes
        var records = RecordReader(self)
        do throws(BatchError) {
            guard let key = try records.next(bytes)?.key, key.indices.count == 4 else { return nil }
            switch BatchLayout.load(bytes, at: key.indices.lowerBound + 2, as: Int16.self) {
            case 0: return false
            case 1: return true
            case _: return nil
            }
        } catch {
            return nil
        }
    }
}
