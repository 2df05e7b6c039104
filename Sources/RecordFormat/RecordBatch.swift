import Checksums
package import SluiceCore

/// A finished record batch: the bytes that journal, tail, segment file and readers share.
///
/// Invariants: the bytes are one whole batch of format v2 with a right checksum; `memory` is within `slab`.
/// Isolation: the builder's owner sets the base offset once, under the log's lock, before the batch is shared; after
/// that nothing changes.
/// Sendable by that rule: `assign` is called by the append that publishes the batch, and by nobody afterwards.
@safe package final class RecordBatch: @unchecked Sendable {
    private let slab: BatchSlab
    private let memory: UnsafeMutableRawPointer
    /// The offset of the first record.
    package private(set) var baseOffset: Offset
    /// The last record's offset, less the first's.
    package let lastOffsetDelta: Int
    /// The number of records.
    package let recordCount: Int
    /// The largest timestamp of a record.
    package let maxTimestamp: Timestamp
    /// The stored checksum.
    package let checksum: UInt32
    /// Compression in bits 0-2, timestamp type in 3, transactional in 4, control in 5.
    package let attributes: Int16
    /// Who sent the batch; `.none` without idempotence.
    package let producerID: ProducerID
    /// Whether a Kafka client has sent the batch, so that its records may have any headers; see `TopicHeader`.
    package let isFromKafka: Bool
    /// Bytes of the whole batch.
    package let byteCount: Int
    /// Bytes of memory that the batch holds.
    package let memoryByteCount: Int

    /// Takes bytes that a builder made, or that were read and verified.
    package convenience init(_ storage: consuming ByteBuffer, header: BatchHeader) {
        let capacity = storage.capacity
        self.init(BatchSlab(storage), at: 0, memoryByteCount: capacity, header: header)
    }

    /// Takes bytes in a slab that it may share with other batches; its own are verified.
    package init(_ slab: BatchSlab, at position: Int, memoryByteCount: Int, header: BatchHeader) {
        precondition(position + header.byteCount <= slab.count)
        unsafe memory = slab.address(of: position)
        self.slab = slab
        self.memoryByteCount = memoryByteCount
        baseOffset = header.baseOffset
        lastOffsetDelta = header.lastOffsetDelta
        recordCount = header.recordCount
        maxTimestamp = header.maxTimestamp
        checksum = header.checksum
        attributes = header.attributes
        producerID = header.producerID
        isFromKafka = header.isFromKafka
        byteCount = header.byteCount
    }

    /// The memory that it keeps from being freed, which other batches may share, and how many bytes that is.
    package var keptMemory: (id: ObjectIdentifier, byteCount: Int) { (ObjectIdentifier(slab), slab.capacity) }

    /// The offset of the last record.
    package var lastOffset: Offset { baseOffset.advanced(by: lastOffsetDelta) }

    /// The offset behind the last record.
    package var nextOffset: Offset { baseOffset.advanced(by: lastOffsetDelta + 1) }

    /// Sets the base offset, in the object and in the bytes.
    package func assign(_ offset: Offset) {
        baseOffset = offset
        unsafe memory.storeBytes(of: offset.rawValue.bigEndian, as: Int64.self)
    }

    /// Calls `body` with the batch's bytes.
    @unsafe @inline(__always)
    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: memory, count: byteCount))
    }

    /// The batch's bytes, valid while the batch is referred to.
    package var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            // The memory neither moves nor changes once the batch is shared, so the view may outlive the access.
            let pointer = unsafe UnsafePointer(memory.assumingMemoryBound(to: UInt8.self))
            let span = unsafe Span<UInt8>(_unsafeStart: pointer, count: byteCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}

extension RecordBatch {
    /// Checks the batch at the start of `bytes`: header, length, checksum.
    /// - Returns: its header, or nil when `bytes` end before the batch does.
    /// - Throws: `BatchError` when the bytes are damaged or are no batch.
    /// - Complexity: O(n) for the checksum.
    package static func verify(_ bytes: Span<UInt8>) throws(BatchError) -> BatchHeader? {
        guard let header = try BatchHeader(bytes), bytes.count >= header.byteCount else { return nil }
        let computed = CRC32C.checksum(bytes.extracting(BatchLayout.checksummedFrom..<header.byteCount))
        guard computed == header.checksum else { throw .checksum(stored: header.checksum, computed: computed) }
        return header
    }
}

extension RecordBatch {
    /// A copy of a batch that was checked: its bytes with the leader epoch of `header`, which the checksum leaves out.
    package convenience init(copying bytes: Span<UInt8>, _ header: BatchHeader) {
        precondition(bytes.count == header.byteCount)
        var storage = ByteBuffer(capacity: bytes.count)
        storage.append(bytes)
        storage.set(bigEndian: header.leaderEpoch, at: BatchLayout.leaderEpochAt)
        self.init(storage, header: header)
    }

    /// A copy of a batch whose header is to be another one: the records of `bytes` behind `header`, with its checksum.
    package convenience init(copying bytes: Span<UInt8>, checksumming header: BatchHeader) {
        precondition(bytes.count == header.byteCount)
        self.init(header, records: bytes.extracting(BatchLayout.headerByteCount..<bytes.count))
    }
}
