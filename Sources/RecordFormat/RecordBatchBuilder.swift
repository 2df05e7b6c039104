import Checksums
public import SluiceCore

/// Builds one record batch in place: records are encoded behind a header that is filled in at the end.
///
/// Isolation: a value with one owner. Offsets are relative; the append that publishes the batch sets the base offset.
@usableFromInline package struct RecordBatchBuilder: ~Copyable {
    @usableFromInline var storage: ByteBuffer
    @usableFromInline var baseTimestamp = Timestamp(rawValue: 0)
    @usableFromInline var maxTimestamp = Timestamp(rawValue: 0)
    /// The number of records added since the last batch was finished.
    @inlinable package var recordCount: Int { records }
    @usableFromInline var records = 0
    private var nextCapacity: Int
    private let memory: BatchMemory?

    /// A builder whose next batch starts with room for `capacity` bytes. The builders of one thread share a memory;
    /// without one each batch has its own.
    package init(capacity: Int = 256, in memory: BatchMemory? = nil) {
        storage = ByteBuffer()
        nextCapacity = capacity
        self.memory = memory
    }

    /// Bytes of the batch so far, header included.
    @inlinable package var byteCount: Int { storage.count }

    /// Whether no record was added since the last batch was finished.
    @inlinable package var isEmpty: Bool { records == 0 }

    /// Adds one record.
    /// - Parameters:
    ///   - timestamp: the record's time; deltas may be negative.
    ///   - keyField: an encoded key, see `RecordFields.key(_:)`.
    ///   - value: the record's value, untouched.
    ///   - headersField: encoded headers with their count, see `RecordFields.headers(_:)`.
    /// - Complexity: O(value); allocates only when the batch grows.
    @inlinable @inline(__always)
    package mutating func append(
        at timestamp: Timestamp, keyField: Span<UInt8>, value: Span<UInt8>, headersField: Span<UInt8>
    ) {
        if recordCount == 0 { begin(at: timestamp) }
        let timestampDelta = Int(timestamp.rawValue &- baseTimestamp.rawValue)
        if timestamp > maxTimestamp { maxTimestamp = timestamp }
        let bodyByteCount =
            1 + Varint.byteCount(timestampDelta) + Varint.byteCount(recordCount) + keyField.count
            + Varint.byteCount(value.count) + value.count + headersField.count
        // One check for room: ten bytes at most for the length in front.
        storage.reserve(bodyByteCount + 10)
        Varint.append(bodyByteCount, to: &storage)
        storage.append(0)
        Varint.append(timestampDelta, to: &storage)
        Varint.append(recordCount, to: &storage)
        storage.append(keyField)
        Varint.append(value.count, to: &storage)
        storage.append(value)
        storage.append(headersField)
        records += 1
    }

    /// Adds one record whose value is null: a tombstone in a compacted stream.
    package mutating func appendTombstone(at timestamp: Timestamp, keyField: Span<UInt8>, headersField: Span<UInt8>) {
        if recordCount == 0 { begin(at: timestamp) }
        let timestampDelta = Int(timestamp.rawValue &- baseTimestamp.rawValue)
        if timestamp > maxTimestamp { maxTimestamp = timestamp }
        let bodyByteCount =
            1 + Varint.byteCount(timestampDelta) + Varint.byteCount(recordCount) + keyField.count + 1
            + headersField.count
        Varint.append(bodyByteCount, to: &storage)
        storage.append(0)
        Varint.append(timestampDelta, to: &storage)
        Varint.append(recordCount, to: &storage)
        storage.append(keyField)
        Varint.append(-1, to: &storage)
        storage.append(headersField)
        records += 1
    }

    /// Fills in the header and hands the batch over; the builder is empty again and its next batch starts as large as
    /// this one was.
    /// - Returns: a batch with base offset 0.
    /// - Complexity: O(n) for the checksum and a copy; allocates the batch object.
    package mutating func finish() -> RecordBatch {
        precondition(recordCount > 0, "Cannot finish a batch without records")
        let byteCount = storage.count
        storage.set(bigEndian: Int32(byteCount - BatchLayout.prefixByteCount), at: BatchLayout.lengthAt)
        storage.set(bigEndian: Int32(recordCount - 1), at: BatchLayout.lastOffsetDeltaAt)
        storage.set(bigEndian: baseTimestamp.rawValue, at: BatchLayout.baseTimestampAt)
        storage.set(bigEndian: maxTimestamp.rawValue, at: BatchLayout.maxTimestampAt)
        storage.set(bigEndian: Int32(recordCount), at: BatchLayout.recordCountAt)
        let checksum = CRC32C.checksum(storage.bytes.extracting(BatchLayout.checksummedFrom..<byteCount))
        storage.set(bigEndian: checksum, at: BatchLayout.checksumAt)
        let header = BatchHeader(
            baseOffset: .zero, byteCount: byteCount, checksum: checksum, attributes: 0,
            lastOffsetDelta: recordCount - 1,
            baseTimestamp: baseTimestamp, maxTimestamp: maxTimestamp, recordCount: recordCount)
        var built = ByteBuffer()
        swap(&built, &storage)
        // Batches of one loop are alike from tick to tick; a sixteenth more saves most second growths.
        nextCapacity = byteCount + byteCount / 16
        records = 0
        guard let memory else { return RecordBatch(built, header: header) }
        let kept = memory.keep(built)
        return RecordBatch(kept.slab, at: kept.position, memoryByteCount: kept.byteCount, header: header)
    }

    @usableFromInline
    mutating func begin(at timestamp: Timestamp) {
        baseTimestamp = timestamp
        maxTimestamp = timestamp
        if let memory { storage = memory.takeScratch() }
        storage.reserve(max(BatchLayout.headerByteCount, nextCapacity))
        storage.append(bigEndian: Int64(0))
        storage.append(bigEndian: Int32(0))
        storage.append(bigEndian: Int32(0))  // leader epoch: one node, one epoch
        storage.append(BatchLayout.magic)
        storage.append(bigEndian: UInt32(0))
        storage.append(bigEndian: Int16(0))
        storage.append(bigEndian: Int32(0))
        storage.append(bigEndian: Int64(0))
        storage.append(bigEndian: Int64(0))
        storage.append(bigEndian: Int64(-1))  // no producer id
        storage.append(bigEndian: Int16(-1))
        storage.append(bigEndian: Int32(-1))
        storage.append(bigEndian: Int32(0))
        precondition(storage.count == BatchLayout.headerByteCount)
    }
}

/// A header of a record: a name and bytes.
package struct RecordHeader: Equatable, Sendable {
    /// The name, UTF-8.
    package var name: [UInt8]
    /// The value, any bytes.
    package var value: [UInt8]

    /// A header from a name and a value.
    package init(name: String, value: [UInt8]) {
        self.name = Array(name.utf8)
        self.value = value
    }
}

/// The parts of a record that stay the same from one publish to the next, encoded once.
package enum RecordFields {
    /// A key: its length and its bytes.
    package static func key(_ key: [UInt8]) -> [UInt8] {
        encoded { buffer in appendKey(key.span, to: &buffer) }
    }

    /// Appends a key: its length and its bytes.
    package static func appendKey(_ key: Span<UInt8>, to buffer: inout ByteBuffer) {
        Varint.append(key.count, to: &buffer)
        buffer.append(key)
    }

    /// Appends one header: its name and its value with their lengths. The count of headers goes before the first.
    package static func appendHeader(_ name: Span<UInt8>, _ value: Span<UInt8>, to buffer: inout ByteBuffer) {
        Varint.append(name.count, to: &buffer)
        buffer.append(name)
        Varint.append(value.count, to: &buffer)
        buffer.append(value)
    }

    /// The key in an encoded one.
    package static func key(in field: Span<UInt8>) -> [UInt8] {
        var index = 0
        guard let count = Varint.read(field, at: &index), count > 0, count <= field.count - index else { return [] }
        return (index..<index + count).map { field[$0] }
    }

    /// A null key.
    package static let nullKey: [UInt8] = [1]

    /// Headers: their count, then each one's name and value with their lengths.
    package static func headers(_ headers: [RecordHeader]) -> [UInt8] {
        encoded { buffer in
            Varint.append(headers.count, to: &buffer)
            for header in headers { appendHeader(header.name.span, header.value.span, to: &buffer) }
        }
    }

    private static func encoded(_ body: (inout ByteBuffer) -> Void) -> [UInt8] {
        var buffer = ByteBuffer()
        body(&buffer)
        let bytes = buffer.bytes
        return unsafe [UInt8](unsafeUninitializedCapacity: bytes.count) { memory, count in
            for index in 0..<bytes.count { unsafe memory[index] = bytes[index] }
            count = bytes.count
        }
    }
}
