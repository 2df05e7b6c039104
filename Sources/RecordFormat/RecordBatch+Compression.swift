import Checksums
package import Compression
package import SluiceCore

extension RecordBatch {
    /// The same batch with its records uncompressed: header, offsets and producer as they are, length and checksum new.
    ///
    /// Makes a context for one call; who decompresses often passes a `Decompressor`.
    package func decompressed(byteCountMax: Int) throws(BatchError) -> RecordBatch {
        var decompressor = Decompressor()
        return try decompressed(byteCountMax: byteCountMax, with: &decompressor)
    }

    /// The same batch with its records uncompressed; itself when it is not compressed.
    /// - Parameter byteCountMax: the most bytes that the records may take.
    /// - Throws: `BatchError.codec`, `.compression`, or `.record` when the section does not hold as many records as the
    ///   header says. The records' fields are checked when they are read.
    /// - Complexity: O(bytes of the records).
    package func decompressed(
        byteCountMax: Int, with decompressor: inout Decompressor
    ) throws(BatchError) -> RecordBatch {
        let header = header
        guard header.isCompressed else { return self }
        let codec = try header.codec
        let section = bytes.extracting(BatchLayout.headerByteCount..<byteCount)
        let bound = min(byteCountMax, Decompressor.inputByteCountMax - BatchLayout.headerByteCount)
        let records: [UInt8]
        do throws(CompressionError) {
            records = try decompressor.decompress(section, codec, byteCountMax: bound)
        } catch {
            throw .compression(error)
        }
        try Self.checkLengths(records.span, count: recordCount)
        return replacing(header, records.span, .none)
    }

    /// The same batch with its records compressed.
    ///
    /// Makes a context for one call; who compresses often passes a `Compressor`.
    package func compressed(_ codec: Codec, level: Int? = nil) -> RecordBatch? {
        var compressor = Compressor(codec, level: level)
        return compressed(with: &compressor)
    }

    /// The same batch with its records compressed: header, offsets and producer as they are, length and checksum new.
    /// - Returns: nil when it would not be smaller, and for batches that are compressed, or that mark a transaction's
    ///   end, which Kafka leaves uncompressed.
    /// - Complexity: O(n); allocates the compressed form twice.
    package func compressed(with compressor: inout Compressor) -> RecordBatch? {
        let header = header
        guard compressor.codec.rawValue != Codec.none.rawValue, !header.isCompressed, !header.isControl else {
            return nil
        }
        let section = bytes.extracting(BatchLayout.headerByteCount..<byteCount)
        let records = compressor.compress(section)
        guard records.count < section.count else { return nil }
        return replacing(header, records.span, compressor.codec)
    }

    /// The same batch with a producer's number, epoch and the sequence number of its first record.
    /// - Complexity: O(n); a copy.
    package func with(
        producer: ProducerID, epoch: Int16, baseSequence: Int32, isTransactional: Bool = false
    ) -> RecordBatch {
        var header = header
        if isTransactional { header.attributes |= BatchAttributes.transactionalBit }
        header.producerID = producer
        header.producerEpoch = epoch
        header.baseSequence = baseSequence
        return RecordBatch(header, records: bytes.extracting(BatchLayout.headerByteCount..<byteCount))
    }

    private func replacing(_ old: BatchHeader, _ records: Span<UInt8>, _ codec: Codec) -> RecordBatch {
        var header = old
        header.attributes = BatchAttributes(rawValue: old.attributes).with(codec)
        return RecordBatch(header, records: records)
    }

    /// Checks that `records` are `count` records, by their lengths alone.
    private static func checkLengths(_ records: Span<UInt8>, count: Int) throws(BatchError) {
        var index = 0
        for number in 0..<count {
            let position = BatchLayout.headerByteCount + index
            guard let byteCount = Varint.read(records, at: &index), byteCount > 0, byteCount <= records.count - index
            else { throw .record(number: number, position: position) }
            index += byteCount
        }
        guard index == records.count else {
            throw .record(number: count, position: BatchLayout.headerByteCount + index)
        }
    }
}

extension RecordBatch {
    /// A batch of `records` behind `header`, whose length and checksum are filled in.
    convenience init(_ header: BatchHeader, records: Span<UInt8>) {
        var header = header
        header.byteCount = BatchLayout.headerByteCount + records.count
        precondition(header.byteCount <= Int(Int32.max))
        var storage = ByteBuffer(capacity: header.byteCount)
        header.encode(into: &storage)
        storage.append(records)
        header.checksum = CRC32C.checksum(
            storage.bytes.extracting(BatchLayout.checksummedFrom..<header.byteCount))
        storage.set(bigEndian: header.checksum, at: BatchLayout.checksumAt)
        self.init(storage, header: header)
    }
}

extension BatchHeader {
    /// Appends the 61 bytes of the header.
    func encode(into buffer: inout ByteBuffer) {
        precondition(lastOffsetDelta >= 0 && lastOffsetDelta <= Int(Int32.max))
        precondition(recordCount >= 0 && recordCount <= lastOffsetDelta + 1)
        let start = buffer.count
        buffer.append(bigEndian: baseOffset.rawValue)
        buffer.append(bigEndian: Int32(byteCount - BatchLayout.prefixByteCount))
        buffer.append(bigEndian: leaderEpoch)
        buffer.append(BatchLayout.magic)
        buffer.append(bigEndian: checksum)
        buffer.append(bigEndian: attributes)
        buffer.append(bigEndian: Int32(lastOffsetDelta))
        buffer.append(bigEndian: baseTimestamp.rawValue)
        buffer.append(bigEndian: maxTimestamp.rawValue)
        buffer.append(bigEndian: producerID.rawValue)
        buffer.append(bigEndian: producerEpoch)
        buffer.append(bigEndian: baseSequence)
        buffer.append(bigEndian: Int32(recordCount))
        precondition(buffer.count - start == BatchLayout.headerByteCount)
    }
}

extension RecordBatchBuilder {
    /// Finishes the batch as `finish()` does, compressed where that makes it smaller.
    /// - Complexity: as `finish()`, and O(n) of the codec.
    package mutating func finish(compression: inout Compressor) -> RecordBatch {
        let batch = finish()
        return batch.compressed(with: &compression) ?? batch
    }
}

extension RecordBatch {
    /// A batch of one record at `offset`, not compressed and as MQTT writes it, with a key and a value of `other`'s.
    /// - Parameters:
    ///   - record: a record of `other`, which is not compressed.
    ///   - headersField: encoded headers with their count, see `RecordFields.headers(_:)`.
    /// - Complexity: O(n), a copy of the record.
    package static func single(
        _ record: RecordView, of other: RecordBatch, at offset: Offset, time: Timestamp, headersField: Span<UInt8>
    ) -> RecordBatch {
        let bytes = other.bytes
        var body = ByteBuffer(
            capacity: 24 + Int(record.key?.count ?? 0) + Int(record.value?.count ?? 0) + headersField.count)
        body.append(0)  // attributes, unused
        Varint.append(0, to: &body)
        Varint.append(0, to: &body)
        append(record.key, bytes, to: &body)
        append(record.value, bytes, to: &body)
        body.append(headersField)
        var records = ByteBuffer(capacity: body.count + 10)
        Varint.append(body.count, to: &records)
        records.append(body.bytes)
        let header = BatchHeader(
            baseOffset: offset, byteCount: 0, checksum: 0, attributes: 0, lastOffsetDelta: 0, baseTimestamp: time,
            maxTimestamp: time, recordCount: 1)
        return RecordBatch(header, records: records.bytes)
    }

    private static func append(_ field: FieldRange?, _ bytes: Span<UInt8>, to buffer: inout ByteBuffer) {
        guard let field else { return Varint.append(-1, to: &buffer) }
        Varint.append(Int(field.count), to: &buffer)
        buffer.append(bytes.extracting(field.indices))
    }
}
