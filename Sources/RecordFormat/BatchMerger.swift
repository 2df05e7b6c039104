package import Compression
import SluiceCore

/// Writes the records of many small batches as fewer, larger ones: sealed segments, and their compaction.
///
/// Records keep offset, timestamp, key, value and headers; their deltas are encoded anew. A finished batch spans all
/// offsets from its first to the next batch's first, whether their records were kept or not, so that the log has no
/// holes which it had not before. Where nothing at all is kept, a batch without records keeps the span, as Kafka's
/// log cleaner leaves it.
///
/// Batches whose header says more than their records (a producer id, a transaction, a control mark, append time, a
/// delete horizon) are not merged: they keep their header and stay by themselves. Batches of different leader epochs
/// do not meet.
/// Isolation: a value with one owner, off the event loops.
package struct BatchMerger: ~Copyable {
    private let recordByteCountMax: Int
    private var compressor: Compressor
    private var records = ByteBuffer()
    private var open: Open?
    private var finished: [RecordBatch] = []
    private var nextOffset = Offset.zero

    /// The batch under construction.
    private struct Open {
        let leaderEpoch: Int32
        let baseOffset: Offset
        /// The offset behind the batches taken so far.
        var nextOffset: Offset
        /// The offset behind the last record that was kept.
        var keptOffset: Offset
        var baseTimestamp = Timestamp(rawValue: 0)
        var maxTimestamp = Timestamp(rawValue: .min)
        /// The largest timestamp of the batches that are replaced: all that is left where no record is kept.
        var replacedTimestamp = Timestamp(rawValue: .min)
        var recordCount = 0
    }

    /// A merger without batches.
    /// - Parameters:
    ///   - recordByteCountMax: a finished batch holds at most so many bytes of records before compression, or one
    ///     larger record.
    ///   - codec: what batches are compressed with where that makes them smaller.
    ///   - level: as the codec's library counts; nil is its default.
    package init(recordByteCountMax: Int, codec: Codec = .none, level: Int? = nil) {
        precondition(recordByteCountMax > 0)
        precondition(recordByteCountMax <= Decompressor.inputByteCountMax / 2)
        self.recordByteCountMax = recordByteCountMax
        compressor = Compressor(codec, level: level)
    }

    /// Takes the next batch, verified and uncompressed, in the order of offsets.
    /// - Parameter keeping: whether a record stays; it sees the record and the bytes of its batch.
    /// - Returns: the batches that are finished by now; mostly none.
    /// - Throws: `BatchError.record` when a record does not decode or its offset does not rise. The merger is as it was
    ///   before; nothing of the batch was taken.
    /// - Complexity: O(n), plus the codec's work for what is finished.
    package mutating func append(
        _ batch: RecordBatch, keeping: (RecordView, Span<UInt8>) -> Bool = { _, _ in true }
    ) throws(BatchError) -> [RecordBatch] {
        let header = batch.header
        precondition(!header.isCompressed, "Cannot merge a compressed batch")
        precondition(batch.baseOffset >= nextOffset, "Cannot merge a batch that steps back")
        try Self.check(batch, header)
        if header.standsAlone {
            close()
            let rewritten = try batch.filtered(keeping: keeping)
            finish(rewritten)
        } else {
            try merge(batch, header, keeping)
        }
        nextOffset = batch.nextOffset
        return take()
    }

    /// Finishes the batch under construction; the merger is empty again.
    package mutating func finish() -> [RecordBatch] {
        close()
        nextOffset = .zero
        return take()
    }

    // MARK: Merging

    private mutating func merge(
        _ batch: RecordBatch, _ header: BatchHeader, _ keeping: (RecordView, Span<UInt8>) -> Bool
    ) throws(BatchError) {
        if let open, open.leaderEpoch != header.leaderEpoch || batch.nextOffset > Self.limit(of: open) { close() }
        var open = open ?? Self.begin(header.leaderEpoch, at: batch.baseOffset)
        let bytes = batch.bytes
        var reader = RecordReader(batch)
        while let record = try reader.next(bytes) {
            guard keeping(record, bytes) else { continue }
            let offset = batch.baseOffset.advanced(by: record.offsetDelta)
            let timestamp = Timestamp(rawValue: header.baseTimestamp.rawValue &+ Int64(record.timestampDelta))
            var byteCount = Self.byteCount(record, offset, timestamp, open)
            if open.recordCount > 0, records.count + Varint.byteCount(byteCount) + byteCount > recordByteCountMax {
                open.nextOffset = open.keptOffset
                close(open)
                open = Self.begin(header.leaderEpoch, at: open.keptOffset)
                byteCount = Self.byteCount(record, offset, timestamp, open)
            }
            add(record, bytes, byteCount, offset, timestamp, to: &open)
        }
        open.nextOffset = batch.nextOffset
        open.replacedTimestamp = max(open.replacedTimestamp, header.maxTimestamp)
        self.open = open
    }

    private static func begin(_ leaderEpoch: Int32, at offset: Offset) -> Open {
        Open(leaderEpoch: leaderEpoch, baseOffset: offset, nextOffset: offset, keptOffset: offset)
    }

    /// The offset that a batch cannot reach beyond: its last offset's delta is an i32.
    private static func limit(of open: Open) -> Offset { open.baseOffset.advanced(by: Int(Int32.max) + 1) }

    /// Bytes of a record's body, behind its length.
    private static func byteCount(
        _ record: RecordView, _ offset: Offset, _ timestamp: Timestamp, _ open: Open
    ) -> Int {
        let base = open.recordCount == 0 ? timestamp : open.baseTimestamp
        return 1 + Varint.byteCount(Int(timestamp.rawValue &- base.rawValue))
            + Varint.byteCount(Int(offset.rawValue - open.baseOffset.rawValue))
            + fieldByteCount(record.key) + fieldByteCount(record.value)
            + Varint.byteCount(record.headerCount) + Int(record.headers.count)
    }

    private static func fieldByteCount(_ field: FieldRange?) -> Int {
        guard let field else { return 1 }
        return Varint.byteCount(Int(field.count)) + Int(field.count)
    }

    private mutating func add(
        _ record: RecordView, _ bytes: Span<UInt8>, _ byteCount: Int, _ offset: Offset, _ timestamp: Timestamp,
        to open: inout Open
    ) {
        if open.recordCount == 0 { open.baseTimestamp = timestamp }
        open.maxTimestamp = max(open.maxTimestamp, timestamp)
        Varint.append(byteCount, to: &records)
        let start = records.count
        records.append(0)  // attributes, unused
        Varint.append(Int(timestamp.rawValue &- open.baseTimestamp.rawValue), to: &records)
        Varint.append(Int(offset.rawValue - open.baseOffset.rawValue), to: &records)
        append(record.key, bytes)
        append(record.value, bytes)
        Varint.append(record.headerCount, to: &records)
        records.append(bytes.extracting(record.headers.indices))
        assert(records.count - start == byteCount)
        open.recordCount += 1
        open.keptOffset = offset.advanced(by: 1)
    }

    private mutating func append(_ field: FieldRange?, _ bytes: Span<UInt8>) {
        guard let field else { return Varint.append(-1, to: &records) }
        Varint.append(Int(field.count), to: &records)
        records.append(bytes.extracting(field.indices))
    }

    // MARK: Finishing

    private mutating func take() -> [RecordBatch] {
        if finished.isEmpty { return [] }
        defer { finished = [] }
        return finished
    }

    private mutating func close() {
        guard let open else { return }
        close(open)
        self.open = nil
    }

    private mutating func close(_ open: Open) {
        let isEmpty = open.recordCount == 0
        var header = BatchHeader(
            baseOffset: open.baseOffset, byteCount: 0, checksum: 0, attributes: 0,
            lastOffsetDelta: Int(open.nextOffset.rawValue - open.baseOffset.rawValue) - 1,
            baseTimestamp: isEmpty ? open.replacedTimestamp : open.baseTimestamp,
            maxTimestamp: isEmpty ? open.replacedTimestamp : open.maxTimestamp, recordCount: open.recordCount)
        header.leaderEpoch = open.leaderEpoch
        finish(RecordBatch(header, records: records.bytes))
        records.removeAll()
    }

    private mutating func finish(_ batch: RecordBatch) {
        finished.append(batch.compressed(with: &compressor) ?? batch)
    }

    // MARK: Batches by themselves

    /// Checks every record of a batch before any of them is taken.
    private static func check(_ batch: RecordBatch, _ header: BatchHeader) throws(BatchError) {
        let bytes = batch.bytes
        var reader = RecordReader(batch)
        var number = 0
        var least = 0
        var position = reader.position
        while let record = try reader.next(bytes) {
            guard record.offsetDelta >= least, record.offsetDelta <= header.lastOffsetDelta else {
                throw .record(number: number, position: position)
            }
            least = record.offsetDelta + 1
            number += 1
            position = reader.position
        }
        guard position == header.byteCount else { throw .record(number: number, position: position) }
    }
}
