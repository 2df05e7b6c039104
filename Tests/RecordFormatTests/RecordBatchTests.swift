import RecordFormat
import SluiceCore
import Testing

@Suite("Record batches")
struct RecordBatchTests {
    @Test("a batch of another implementation is read field by field")
    func readsGolden() throws {
        let bytes = GoldenBatch.bytes
        let header = try #require(try RecordBatch.verify(bytes.span))
        #expect(header.byteCount == bytes.count)
        #expect(header.baseOffset == .zero)
        #expect(header.lastOffset == Offset(rawValue: 3))
        #expect(header.nextOffset == Offset(rawValue: 4))
        #expect(header.recordCount == 4)
        #expect(header.attributes == 0)
        #expect(header.baseTimestamp.rawValue == 1_700_000_000_000)
        #expect(header.maxTimestamp.rawValue == 1_700_000_000_200)
        #expect(try Self.records(bytes) == GoldenBatch.records)
    }

    @Test("the builder makes the same bytes as another implementation out of the same records")
    func buildsGolden() {
        let batch = Self.build(GoldenBatch.records)
        #expect(Self.bytes(batch) == GoldenBatch.bytes)
    }

    @Test("a batch cut anywhere asks for more")
    func cutEverywhere() throws {
        let bytes = GoldenBatch.bytes
        for cut in 0..<bytes.count {
            #expect(try RecordBatch.verify(bytes.span.extracting(first: cut)) == nil)
        }
    }

    @Test("records cut anywhere are an error or fewer records, never a trap")
    func recordsCutEverywhere() throws {
        let bytes = GoldenBatch.bytes
        let header = try #require(try BatchHeader(bytes.span))
        for cut in 0..<bytes.count {
            #expect(Self.readAll(bytes.span.extracting(first: cut), header) < 4)
        }
    }

    @Test("a changed byte is found by the checksum, but for the fields that it leaves out")
    func mutationsAreFound() throws {
        for position in GoldenBatch.bytes.indices {
            for bit in 0..<8 {
                var bytes = GoldenBatch.bytes
                bytes[position] ^= UInt8(1 << bit)
                var isAccepted = false
                do { isAccepted = try RecordBatch.verify(bytes.span) != nil } catch {}
                // Base offset and leader epoch lie outside the checksum.
                #expect(!isAccepted || position < 8 || (12..<16).contains(position), "byte \(position), bit \(bit)")
            }
        }
    }

    @Test("unverified bytes, changed anywhere, never trap a reader")
    func mutationsNeverTrap() {
        for position in GoldenBatch.bytes.indices {
            for value in [UInt8(0), 1, 0x7F, 0x80, 0xFF] {
                var bytes = GoldenBatch.bytes
                bytes[position] = value
                do {
                    guard let header = try BatchHeader(bytes.span) else { continue }
                    #expect(header.nextOffset > header.baseOffset)
                    _ = Self.readAll(bytes.span, header)
                } catch {}
            }
        }
    }

    @Test("a header that cannot be one is refused by name")
    func refusals() {
        func refusal(_ change: (inout [UInt8]) -> Void) -> BatchError? {
            var bytes = GoldenBatch.bytes
            change(&bytes)
            do { _ = try RecordBatch.verify(bytes.span) } catch { return error }
            return nil
        }
        #expect(refusal { $0[16] = 1 } == .magic(1))
        #expect(refusal { for index in 8..<12 { $0[index] = 0 } } == .length(0))
        #expect(refusal { $0[8] = 0x80 } == .length(Int(Int32.min) + GoldenBatch.bytes.count - 12))
        #expect(refusal { $0[0] = 0x80 } == .offset(Int64.min))
        #expect(refusal { $0[60] = 9 } == .counts(records: 9, lastOffsetDelta: 3))
    }

    @Test("assigning an offset changes nothing that the checksum covers")
    func assigns() throws {
        let batch = Self.build(GoldenBatch.records)
        batch.assign(Offset(rawValue: 0x0102_0304_0506))
        let bytes = Self.bytes(batch)
        #expect(Array(bytes[..<8]) == [0, 0, 1, 2, 3, 4, 5, 6])
        #expect(try RecordBatch.verify(bytes.span)?.baseOffset == batch.baseOffset)
        #expect(batch.lastOffset.rawValue == 0x0102_0304_0509)
    }

    @Test("a builder that is used again starts anew")
    func reused() throws {
        var builder = RecordBatchBuilder(capacity: 1)
        for round in 1...3 {
            let isEmpty = builder.isEmpty
            #expect(isEmpty)
            for record in 0..<round { Self.append(Self.record(record), to: &builder) }
            let recordCount = builder.recordCount
            #expect(recordCount == round)
            let bytes = Self.bytes(builder.finish())
            #expect(try Self.records(bytes) == (0..<round).map(Self.record))
        }
    }

    // MARK: Records

    static func record(_ number: Int) -> GoldenBatch.Record {
        GoldenBatch.Record(
            timestamp: 5000 - Int64(number) * 7, key: number % 3 == 0 ? nil : "key-\(number)",
            value: number % 4 == 3 ? nil : String(repeating: "x", count: number * 60),
            headers: (0..<number % 3).map { "name\($0)=value" })
    }

    static func append(_ record: GoldenBatch.Record, to builder: inout RecordBatchBuilder) {
        let key = record.key.map { RecordFields.key(Array($0.utf8)) } ?? RecordFields.nullKey
        let headers = RecordFields.headers(
            record.headers.map { header in
                let parts = header.split(separator: "=")
                return RecordHeader(name: String(parts[0]), value: Array(parts[1].utf8))
            })
        let timestamp = Timestamp(rawValue: record.timestamp)
        if let value = record.value.map({ Array($0.utf8) }) {
            builder.append(at: timestamp, keyField: key.span, value: value.span, headersField: headers.span)
        } else {
            builder.appendTombstone(at: timestamp, keyField: key.span, headersField: headers.span)
        }
    }

    static func build(_ records: [GoldenBatch.Record]) -> RecordBatch {
        var builder = RecordBatchBuilder()
        for record in records { append(record, to: &builder) }
        return builder.finish()
    }

    static func bytes(_ batch: RecordBatch) -> [UInt8] { batch.withUnsafeBytes { Array($0) } }

    static func records(_ bytes: [UInt8]) throws -> [GoldenBatch.Record] {
        let header = try #require(try RecordBatch.verify(bytes.span))
        func text(_ range: FieldRange) -> String { String(decoding: bytes[range.indices], as: UTF8.self) }
        var records: [GoldenBatch.Record] = []
        var reader = RecordReader(header)
        while let record = try reader.next(bytes.span) {
            #expect(record.offsetDelta == records.count)
            var headers: [String] = []
            var headerReader = HeaderReader(record)
            while let header = headerReader.next(bytes.span) {
                headers.append("\(text(header.name))=\(text(header.value))")
            }
            #expect(headers.count == record.headerCount)
            records.append(
                GoldenBatch.Record(
                    timestamp: header.baseTimestamp.rawValue + Int64(record.timestampDelta),
                    key: record.key.map(text), value: record.value.map(text), headers: headers))
        }
        return records
    }

    /// Reads what can be read; the number of whole records.
    static func readAll(_ bytes: Span<UInt8>, _ header: BatchHeader) -> Int {
        var reader = RecordReader(header)
        var count = 0
        do {
            while let record = try reader.next(bytes) {
                count += 1
                var headers = HeaderReader(record)
                while headers.next(bytes) != nil {}
                // A batch may claim records without bytes; more than there are bytes it cannot hold.
                if count > bytes.count { break }
            }
        } catch {
            return count
        }
        return count
    }
}

@Suite("Zigzag integers of variable length")
struct VarintTests {
    static let vectors: [(Int, [UInt8])] = [
        (0, [0]), (-1, [1]), (1, [2]), (-2, [3]), (63, [0x7E]), (-64, [0x7F]), (64, [0x80, 0x01]), (-65, [0x81, 0x01]),
        (300, [0xD8, 0x04]), (8191, [0xFE, 0x7F]), (8192, [0x80, 0x80, 0x01]),
        (Int(Int32.max), [0xFE, 0xFF, 0xFF, 0xFF, 0x0F]), (Int(Int32.min), [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
        (Int.max, [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
        (Int.min, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
    ]

    @Test("known values have known bytes, both ways, and a cut value is none")
    func vectors() {
        for (value, bytes) in Self.vectors {
            var buffer = ByteBuffer()
            Varint.append(value, to: &buffer)
            #expect(buffer.withUnsafeBytes { Array($0) } == bytes)
            #expect(Varint.byteCount(value) == bytes.count)
            var index = 0
            #expect(Varint.read(bytes.span, at: &index) == value)
            #expect(index == bytes.count)
            for cut in bytes.indices {
                var index = 0
                #expect(Varint.read(bytes.span.extracting(first: cut), at: &index) == nil)
            }
        }
    }

    @Test("a value of more than ten bytes is refused")
    func overlong() {
        let bytes = [UInt8](repeating: 0x80, count: 10) + [0]
        var index = 0
        #expect(Varint.read(bytes.span, at: &index) == nil)
    }
}
