import SluiceCore

extension RecordBatch {
    /// The batch with the records that are kept, as they are: offsets, numbers and span stay, so that what is left out
    /// is a hole; itself when that is all of them, and a batch without records when it is none.
    /// - Parameter keeping: whether a record stays; it sees the record and the batch's bytes. The batch is not
    ///   compressed.
    /// - Throws: `BatchError.record` when a record does not decode.
    /// - Complexity: O(n), a copy of what stays.
    package func filtered(
        keeping: (RecordView, Span<UInt8>) -> Bool
    ) throws(BatchError) -> RecordBatch {
        let old = header
        var header = old
        header.recordCount = 0
        header.maxTimestamp = Timestamp(rawValue: .min)
        var kept = ByteBuffer()
        let bytes = bytes
        var reader = RecordReader(self)
        var start = reader.position
        while let record = try reader.next(bytes) {
            if keeping(record, bytes) {
                kept.append(bytes.extracting(start..<reader.position))
                let timestamp = Timestamp(rawValue: old.baseTimestamp.rawValue &+ Int64(record.timestampDelta))
                header.maxTimestamp = max(header.maxTimestamp, timestamp)
                header.recordCount += 1
            }
            start = reader.position
        }
        if header.recordCount == old.recordCount { return self }
        if old.hasAppendTime || header.recordCount == 0 { header.maxTimestamp = old.maxTimestamp }
        return RecordBatch(header, records: kept.bytes)
    }
}
