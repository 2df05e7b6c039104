/// A place within a batch's bytes.
package struct FieldRange: Equatable, Sendable, BitwiseCopyable {
    /// The index of the first byte.
    package var start: Int32
    /// The number of bytes.
    package var count: Int32

    /// No bytes at all.
    package static let none = FieldRange(0, 0)

    @inline(__always)
    init(_ start: Int, _ count: Int) {
        self.start = Int32(truncatingIfNeeded: start)
        self.count = Int32(truncatingIfNeeded: count)
    }

    /// The range as array indices.
    @inline(__always)
    package var indices: Range<Int> { Int(start)..<Int(start) + Int(count) }

    /// An owned copy of its bytes in a batch.
    package func copy(from bytes: Span<UInt8>) -> [UInt8] {
        let field = bytes.extracting(indices)
        return unsafe field.withUnsafeBufferPointer { unsafe Array($0) }
    }

    /// The range without its first `dropped` bytes.
    package func dropFirst(_ dropped: Int) -> FieldRange {
        precondition(dropped >= 0 && dropped <= Int(count))
        return FieldRange(Int(start) + dropped, Int(count) - dropped)
    }
}

/// One record, as ranges into its batch.
package struct RecordView: Equatable, Sendable, BitwiseCopyable {
    /// The record's offset, less the batch's base offset.
    package var offsetDelta: Int
    /// The record's timestamp, less the batch's base timestamp.
    package var timestampDelta: Int
    /// The key; nil is null.
    package var key: FieldRange?
    /// The value; nil is null.
    package var value: FieldRange?
    /// The number of headers.
    package var headerCount: Int
    /// The headers' bytes.
    package var headers: FieldRange
}

/// Reads the records of an uncompressed batch, one after the other.
///
/// Isolation: a value. Nothing is allocated; ranges refer to the bytes that each call is given, which must be the same
/// batch. The first record of a compressed batch is an error: see `RecordBatch.decompressed(byteCountMax:)`.
package struct RecordReader: Sendable {
    private var index = BatchLayout.headerByteCount
    private var number = 0
    private let recordCount: Int
    private let end: Int

    /// A reader at the first record of a verified batch.
    package init(_ header: BatchHeader) {
        recordCount = header.recordCount
        end = Self.end(header.byteCount, header.attributes)
    }

    /// A reader at the first record of `batch`.
    package init(_ batch: RecordBatch) {
        recordCount = batch.recordCount
        end = Self.end(batch.byteCount, batch.attributes)
    }

    /// Compressed bytes might pass for records, so there are none of them to read.
    private static func end(_ byteCount: Int, _ attributes: Int16) -> Int {
        BatchAttributes(rawValue: attributes).isCompressed ? BatchLayout.headerByteCount : byteCount
    }

    /// Where the next record starts in the batch's bytes.
    package var position: Int { index }

    /// The next record, or nil after the last.
    /// - Throws: `BatchError.record` when a field reaches beyond its record or its batch.
    /// - Complexity: O(1) in the sizes of key, value and headers.
    package mutating func next(_ bytes: Span<UInt8>) throws(BatchError) -> RecordView? {
        guard number < recordCount else { return nil }
        let position = index
        guard let record = parse(bytes.extracting(0..<Swift.min(end, bytes.count))) else {
            throw .record(number: number, position: position)
        }
        number += 1
        return record
    }

    private mutating func parse(_ bytes: Span<UInt8>) -> RecordView? {
        guard let byteCount = Varint.read(bytes, at: &index), byteCount > 0, byteCount <= bytes.count - index else {
            return nil
        }
        let recordEnd = index + byteCount
        index += 1  // attributes, unused
        guard let timestampDelta = Varint.read(bytes, at: &index),
            let offsetDelta = Varint.read(bytes, at: &index), offsetDelta >= 0, offsetDelta <= Int(Int32.max),
            let key = field(bytes, until: recordEnd), let value = field(bytes, until: recordEnd),
            let headerCount = Varint.read(bytes, at: &index), headerCount >= 0, index <= recordEnd
        else { return nil }
        // A header takes two bytes at least.
        guard headerCount <= (recordEnd - index) / 2 || headerCount == 0 else { return nil }
        let headers = FieldRange(index, recordEnd - index)
        index = recordEnd
        return RecordView(
            offsetDelta: offsetDelta, timestampDelta: timestampDelta, key: key.range, value: value.range,
            headerCount: headerCount, headers: headers)
    }

    private struct Field { var range: FieldRange? }

    @inline(__always)
    private mutating func field(_ bytes: Span<UInt8>, until recordEnd: Int) -> Field? {
        guard let count = Varint.read(bytes, at: &index), count >= -1, count <= recordEnd - index else { return nil }
        guard count >= 0 else { return Field(range: nil) }
        defer { index += count }
        return Field(range: FieldRange(index, count))
    }
}

/// Reads a record's headers, one after the other.
package struct HeaderReader: Sendable {
    private var index: Int
    private var remaining: Int
    private let end: Int

    /// A reader at the first header of `record`.
    package init(_ record: RecordView) {
        index = Int(record.headers.start)
        end = index + Int(record.headers.count)
        remaining = record.headerCount
    }

    /// The next header's name and value, or nil after the last one or at a damaged one.
    package mutating func next(_ bytes: Span<UInt8>) -> (name: FieldRange, value: FieldRange)? {
        guard remaining > 0, end <= bytes.count else { return nil }
        remaining -= 1
        guard let nameCount = Varint.read(bytes, at: &index), nameCount >= 0, nameCount <= end - index else {
            return nil
        }
        let name = FieldRange(index, nameCount)
        index += nameCount
        guard let valueCount = Varint.read(bytes, at: &index), valueCount >= -1, valueCount <= end - index else {
            return nil
        }
        let value = FieldRange(index, max(0, valueCount))
        index += max(0, valueCount)
        return (name, value)
    }
}
