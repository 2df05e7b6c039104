import Compression
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("Compressed record batches")
struct CompressedBatchTests {
    static let codecs: [Codec] = [.gzip, .snappy, .lz4, .zstd]

    // MARK: Java's batches

    @Test("a batch that Java compressed is, decompressed, the batch that Java did not compress", arguments: codecs)
    func decompressesJava(_ codec: Codec) throws {
        let plain = try RecordBatch.of(try #require(JavaBatch.batches[.none]))
        let batch = try RecordBatch.of(try #require(JavaBatch.batches[codec]))
        #expect(try batch.codec == codec)
        #expect(batch.isCompressed)
        let decompressed = try batch.decompressed(byteCountMax: 1 << 20)
        #expect(decompressed.copy == plain.copy)
        #expect(decompressed.baseOffset.rawValue == 1000)
        #expect(try decompressed.stored.count == 20)
        #expect(decompressed.header == plain.header)
    }

    @Test("a batch that is not compressed gives itself")
    func decompressesPlain() throws {
        let plain = try RecordBatch.of(try #require(JavaBatch.batches[.none]))
        #expect(try plain.codec == .none)
        #expect(!plain.isCompressed)
        #expect(try plain.decompressed(byteCountMax: 0) === plain)
    }

    @Test("producer, transaction and control mark are read, and kept by compression")
    func producers() throws {
        let plain = try RecordBatch.of(try #require(JavaBatch.transactional[.none]))
        let header = plain.header
        #expect(header.producerID == ProducerID(rawValue: 4711))
        #expect(header.producerEpoch == 3)
        #expect(header.baseSequence == 77)
        #expect(header.isTransactional)
        #expect(!header.isControl)
        let batch = try RecordBatch.of(try #require(JavaBatch.transactional[.zstd]))
        #expect(batch.header.isTransactional)
        #expect(try batch.decompressed(byteCountMax: 1 << 20).copy == plain.copy)

        let control = try RecordBatch.of(JavaBatch.control)
        #expect(control.header.isControl)
        #expect(control.header.isTransactional)
        #expect(control.compressed(.zstd) == nil)

        let ours = RecordBatchTests.build(GoldenBatch.records).header
        #expect(ours.producerID == .none)
        #expect(ours.producerEpoch == -1)
        #expect(ours.baseSequence == -1)
        #expect(ours.leaderEpoch == 0)
        #expect(!ours.isTransactional)
        #expect(!ours.isControl)
    }

    // MARK: Ours

    @Test("what is compressed comes back byte for byte, and verifies in between", arguments: codecs)
    func roundTrip(_ codec: Codec) throws {
        for count in [2, 20, 500] {
            let batch = Self.readings(count)
            batch.assign(Offset(rawValue: 77))
            let compressed = try #require(batch.compressed(codec))
            let header = try #require(try RecordBatch.verify(compressed.bytes))
            #expect(header == compressed.header)
            #expect(compressed.byteCount < batch.byteCount)
            #expect(try header.codec == codec)
            var expected = batch.header
            expected.byteCount = header.byteCount
            expected.checksum = header.checksum
            expected.attributes = Int16(codec.rawValue)
            #expect(header == expected)
            #expect(try compressed.decompressed(byteCountMax: batch.byteCount - 61).copy == batch.copy)
            #expect(compressed.compressed(codec) == nil)
        }
    }

    @Test("a mark of a Kafka client stays through compression and merging, and its batch stays by itself")
    func keepsMark() throws {
        let (plain, other) = (Self.readings(100), Self.readings(100))
        #expect(!plain.isFromKafka && !plain.isForeign)
        var header = plain.header
        header.markFromKafka()
        let bytes = plain.bytes
        let marked = RecordBatch(copying: bytes, checksumming: header)
        #expect(try RecordBatch.verify(marked.bytes) != nil)
        let compressed = try #require(marked.compressed(.zstd))
        #expect(compressed.isFromKafka && compressed.isForeign)
        #expect(try compressed.decompressed(byteCountMax: 1 << 20).isFromKafka)
        other.assign(Offset(rawValue: 100))
        var merger = BatchMerger(recordByteCountMax: 1 << 20)
        let merged = try merger.append(marked) + merger.append(other) + merger.finish()
        #expect(merged.map(\.isFromKafka) == [true, false])
    }

    @Test("a loop decompresses a batch once, remembers a bounded amount, and forgets")
    func inflatesOnce() throws {
        let inflater = BatchInflater()
        let plain = Self.readings(100)
        #expect(try inflater.plain(plain) === plain)
        let compressed = try #require(plain.compressed(.lz4))
        let first = try inflater.plain(compressed)
        #expect(first.copy == plain.copy)
        #expect(try inflater.plain(compressed) === first)
        let large = try (0..<40).map { _ in try #require(Self.readings(20_000).compressed(.lz4)) }
        for batch in large {
            _ = try inflater.plain(batch)
            #expect(inflater.rememberedByteCount <= BatchInflater.keptBytesMax)
        }
        #expect(try inflater.plain(compressed) !== first)
        inflater.forget()
        #expect(inflater.rememberedByteCount == 0)
    }

    @Test("a batch that would not shrink is not compressed", arguments: Codec.allCases)
    func incompressible(_ codec: Codec) {
        var random = SeededGenerator(seed: 3)
        let value = (0..<200).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        var builder = RecordBatchBuilder()
        let nothing = RecordFields.headers([])
        let nullKey = RecordFields.nullKey
        builder.append(
            at: Timestamp(rawValue: 0), keyField: nullKey.span, value: value.span,
            headersField: nothing.span)
        #expect(builder.finish().compressed(codec) == nil)
        #expect(Self.readings(20).compressed(.none) == nil)
    }

    @Test("ingest compresses where it pays, with one context for all batches", arguments: codecs)
    func ingest(_ codec: Codec) throws {
        var compressor = Compressor(codec)
        var builder = RecordBatchBuilder()
        for count in [100, 1, 30] {
            let plain = Self.readings(count)
            Self.append(count, to: &builder)
            let batch = builder.finish(compression: &compressor)
            #expect(try batch.decompressed(byteCountMax: 1 << 20).copy == plain.copy)
            #expect(batch.isCompressed == (batch.byteCount < plain.byteCount))
            if count > 1 { #expect(batch.isCompressed) }
        }
    }

    // MARK: Damage

    @Test("a reader does not take compressed bytes for records", arguments: codecs)
    func readerRefuses(_ codec: Codec) throws {
        let batch = try RecordBatch.of(try #require(JavaBatch.batches[codec]))
        var ofBatch = RecordReader(batch)
        #expect(throws: BatchError.record(number: 0, position: 61)) { try ofBatch.next(batch.bytes) }
        var ofHeader = RecordReader(batch.header)
        #expect(throws: BatchError.record(number: 0, position: 61)) { try ofHeader.next(batch.bytes) }
    }

    @Test("an unknown codec is refused by name")
    func unknownCodec() throws {
        for number in UInt8(5)...7 {
            var bytes = GoldenBatch.bytes
            bytes[22] = number
            let batch = try RecordBatch.sealed(bytes)
            #expect(throws: BatchError.codec(number)) { try batch.codec }
            #expect(throws: BatchError.codec(number)) { try batch.decompressed(byteCountMax: 1 << 20) }
        }
    }

    @Test("more output than allowed is refused, just as much is not", arguments: codecs)
    func bound(_ codec: Codec) throws {
        let batch = try RecordBatch.of(try #require(JavaBatch.batches[codec]))
        let count = try #require(JavaBatch.batches[.none]).count - 61
        #expect(try batch.decompressed(byteCountMax: count).byteCount == count + 61)
        #expect(throws: BatchError.compression(.tooLarge(byteCountMax: count - 1))) {
            try batch.decompressed(byteCountMax: count - 1)
        }
    }

    @Test("a section with fewer or more records than the header says is refused", arguments: codecs)
    func counts(_ codec: Codec) throws {
        let original = try #require(JavaBatch.batches[codec])
        for count in [UInt8(19), 18, 1, 0] {
            var bytes = original
            bytes[60] = count
            let batch = try RecordBatch.sealed(bytes)
            let error = #expect(throws: BatchError.self) { try batch.decompressed(byteCountMax: 1 << 20) }
            guard case .record(let number, _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(number == Int(count))
        }
        var bytes = original
        bytes[60] = 21
        bytes[26] = 20
        let batch = try RecordBatch.sealed(bytes)
        let end = try #require(JavaBatch.batches[.none]).count
        #expect(throws: BatchError.record(number: 20, position: end)) {
            try batch.decompressed(byteCountMax: 1 << 20)
        }
    }

    @Test("a damaged section under a right checksum is an error or other records, never a trap", arguments: codecs)
    func damaged(_ codec: Codec) throws {
        let original = try #require(JavaBatch.batches[codec])
        var decompressor = Decompressor()
        for position in 61..<original.count {
            for mask in [UInt8(1), 0x10, 0x80, 0xFF] {
                var bytes = original
                bytes[position] ^= mask
                Self.readAll(try RecordBatch.sealed(bytes), &decompressor)
            }
            // Cut there, with a length that says so.
            var cut = Array(original[..<position])
            cut[10] = UInt8(truncatingIfNeeded: (position - 12) >> 8)
            cut[11] = UInt8(truncatingIfNeeded: position - 12)
            let batch = try RecordBatch.sealed(cut)
            #expect(throws: BatchError.self) { try batch.decompressed(byteCountMax: 1 << 20) }
        }
    }

    /// Decompresses and reads what there is; that it returns is the test.
    static func readAll(_ batch: RecordBatch, _ decompressor: inout Decompressor) {
        do throws(BatchError) {
            let plain = try batch.decompressed(byteCountMax: 1 << 20, with: &decompressor)
            var merger = BatchMerger(recordByteCountMax: 1000)
            for merged in try merger.append(plain) + merger.finish() { #expect(merged.nextOffset > batch.baseOffset) }
        } catch {
            switch error {
            case .record, .compression: break
            case .magic, .length, .offset, .counts, .checksum, .codec: Issue.record("\(error)")
            }
        }
    }

    // MARK: Batches

    static func append(_ count: Int, to builder: inout RecordBatchBuilder) {
        for number in 0..<count {
            let key = RecordFields.key(Array("dev-\(number % 7)".utf8))
            let topic = Array("sensors/plant3/dev-\(number % 7)/telemetry".utf8)
            let headers = RecordFields.headers([RecordHeader(name: "mqtt.topic", value: topic)])
            let value = Array("{\"device\":\"dev-\(number % 7)\",\"seq\":\(number),\"status\":\"ok\"}".utf8)
            builder.append(
                at: Timestamp(rawValue: 1_767_225_600_000 + Int64(number)), keyField: key.span, value: value.span,
                headersField: headers.span)
        }
    }

    static func readings(_ count: Int) -> RecordBatch {
        var builder = RecordBatchBuilder()
        append(count, to: &builder)
        return builder.finish()
    }
}
