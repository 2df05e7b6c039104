import Checksums
import Compression
import RecordFormat
import SluiceCore
import Testing

/// A record as a consumer sees it.
struct StoredRecord: Equatable {
    var offset: Int64
    var timestamp: Int64
    var key: [UInt8]?
    var value: [UInt8]?
    /// The headers with their count in front, as they are stored.
    var headers: [UInt8]
    var headerCount: Int
}

extension RecordBatch {
    /// A verified batch of `bytes`.
    static func of(_ bytes: [UInt8]) throws -> RecordBatch {
        let header = try #require(try RecordBatch.verify(bytes.span))
        #expect(header.byteCount == bytes.count)
        var buffer = ByteBuffer()
        buffer.append(bytes.span)
        return RecordBatch(buffer, header: header)
    }

    /// A batch of `bytes` with a right checksum, whatever they are.
    static func sealed(_ bytes: [UInt8]) throws -> RecordBatch {
        var bytes = bytes
        let checksum = CRC32C.checksum(bytes.span.extracting(BatchLayout.checksummedFrom..<bytes.count))
        for index in 0..<4 { bytes[17 + index] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * index)) }
        return try of(bytes)
    }

    var copy: [UInt8] { withUnsafeBytes { Array($0) } }

    /// The batch's records, decompressed.
    var stored: [StoredRecord] {
        get throws {
            let plain = try decompressed(byteCountMax: 1 << 24)
            let bytes = plain.copy
            let header = plain.header
            #expect(try RecordBatch.verify(bytes.span) == header)
            var records: [StoredRecord] = []
            var reader = RecordReader(plain)
            while let record = try reader.next(bytes.span) {
                records.append(
                    StoredRecord(
                        offset: plain.baseOffset.rawValue + Int64(record.offsetDelta),
                        timestamp: header.baseTimestamp.rawValue &+ Int64(record.timestampDelta),
                        key: record.key.map { Array(bytes[$0.indices]) },
                        value: record.value.map { Array(bytes[$0.indices]) },
                        headers: Array(bytes[record.headers.indices]), headerCount: record.headerCount))
            }
            #expect(records.count == plain.recordCount)
            #expect(reader.position == bytes.count)
            return records
        }
    }
}
