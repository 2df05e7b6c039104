import Checksums
import RecordFormat
import SluiceCore

/// One commit group in the journal: every batch that one write and one fsync make durable.
///
/// Layout (big-endian), padded with zeros to a multiple of 512 bytes:
///
///      0 magic u32 "SLGF" | 4 CRC-32C u32 over bytes 8 ..< 40 + 24 x count
///      8 file number u64 | 16 LSN u64 | 24 newest LSN known to be durable when this was written u64
///     32 byte count u32 (header, table and batches, no padding) | 36 batch count u32
///     40 table, 24 bytes a batch: partition u32 | bytes u32 (0: a reservation, the batch is not here)
///        | base offset i64 | checksum u32 (of the batch) | record count u32
///        then the batches, back to back.
///
/// What is checksummed: the header and table by the frame's CRC; a batch's base offset by the table, its content by its
/// own CRC, which the table repeats. A block of an older life of the file cannot pass: it has another file number.
/// A reservation moves the partition's end without holding data: QoS 0 records go to the segment file alone, and their
/// offsets must not be given twice after a crash.
/// Frames start at multiples of 512, so that a torn write cannot touch a sector of the frame before.
package enum JournalFrame {
    /// Frames and the file header start at multiples of this.
    package static let alignment = 512
    static let magic: UInt32 = 0x534C_4746
    static let headerByteCount = 40
    static let entryByteCount = 24
    /// The largest table that a reader believes: 1 Mi batches, 24 MiB.
    static let batchCountMax = 1 << 20

    /// The header of a frame, checked.
    struct Header {
        var lsn: LSN
        var durableLSN: LSN
        var byteCount: Int
        var batchCount: Int
        var tableEnd: Int { headerByteCount + entryByteCount * batchCount }
    }

    /// One line of a frame's table.
    struct Entry {
        var partition: PartitionID
        var byteCount: Int
        var baseOffset: Offset
        var checksum: UInt32
        var recordCount: Int
        var isReservation: Bool { byteCount == 0 }
        var nextOffset: Offset { baseOffset.advanced(by: recordCount) }
    }

    /// Encodes the header and table of a group.
    static func encode(_ group: borrowing CommitGroup, file: UInt64, durable: LSN, into buffer: inout ByteBuffer) {
        precondition(buffer.isEmpty)
        let entryCount = group.entries.count + group.reservations.count
        var byteCount = headerByteCount + entryByteCount * entryCount
        for entry in group.entries where entry.isJournaled { byteCount += entry.batch.byteCount }
        buffer.append(bigEndian: magic)
        buffer.append(bigEndian: UInt32(0))
        buffer.append(bigEndian: file)
        buffer.append(bigEndian: group.lsn.rawValue)
        buffer.append(bigEndian: durable.rawValue)
        buffer.append(bigEndian: UInt32(byteCount))
        buffer.append(bigEndian: UInt32(entryCount))
        for reservation in group.reservations {
            buffer.append(bigEndian: reservation.partition.rawValue)
            buffer.append(bigEndian: UInt32(0))
            buffer.append(bigEndian: reservation.end.rawValue)
            buffer.append(bigEndian: UInt64(0))
        }
        for entry in group.entries {
            buffer.append(bigEndian: entry.partition.rawValue)
            buffer.append(bigEndian: UInt32(entry.isJournaled ? entry.batch.byteCount : 0))
            buffer.append(bigEndian: entry.batch.baseOffset.rawValue)
            buffer.append(bigEndian: entry.batch.checksum)
            buffer.append(bigEndian: UInt32(entry.batch.lastOffsetDelta + 1))
        }
        buffer.set(bigEndian: CRC32C.checksum(buffer.bytes.extracting(8..<buffer.count)), at: 4)
    }

    /// Reads and checks a header with its table at the start of `bytes`.
    /// - Returns: nil when it is not a whole, undamaged frame header of this file.
    static func header(_ bytes: Span<UInt8>, file: UInt64) -> Header? {
        guard bytes.count >= headerByteCount, load(bytes, 0, UInt32.self) == magic else { return nil }
        let batchCount = Int(load(bytes, 36, UInt32.self))
        guard batchCount <= batchCountMax else { return nil }
        let header = Header(
            lsn: LSN(rawValue: load(bytes, 16, UInt64.self)), durableLSN: LSN(rawValue: load(bytes, 24, UInt64.self)),
            byteCount: Int(load(bytes, 32, UInt32.self)), batchCount: batchCount)
        guard load(bytes, 8, UInt64.self) == file, bytes.count >= header.tableEnd, header.byteCount >= header.tableEnd,
            CRC32C.checksum(bytes.extracting(8..<header.tableEnd)) == load(bytes, 4, UInt32.self)
        else { return nil }
        return header
    }

    /// Line `index` of the table of a checked frame.
    static func entry(_ bytes: Span<UInt8>, _ index: Int) -> Entry {
        let at = headerByteCount + entryByteCount * index
        return Entry(
            partition: PartitionID(rawValue: load(bytes, at, UInt32.self)),
            byteCount: Int(load(bytes, at + 4, UInt32.self)),
            baseOffset: Offset(rawValue: load(bytes, at + 8, Int64.self)), checksum: load(bytes, at + 16, UInt32.self),
            recordCount: Int(load(bytes, at + 20, UInt32.self)))
    }

    /// `byteCount` rounded up to a whole number of sectors.
    static func padded(_ byteCount: Int) -> Int { (byteCount + alignment - 1) / alignment * alignment }

    private static func load<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: Span<UInt8>, _ index: Int, _ type: Integer.Type
    ) -> Integer {
        BatchLayout.load(bytes, at: index, as: type)
    }
}

/// The first sector of a journal file.
///
/// Layout (big-endian): 0 magic u32 "SLJH" | 4 CRC-32C u32 over bytes 8 ..< 32 | 8 file number u64 | 16 format version
/// u32 | 20 flags u32 (1: begun by a recovery) | 24 first LSN u64.
package enum JournalFileHeader {
    static let magic: UInt32 = 0x534C_4A48
    static let byteCount = 32
    static let version: UInt32 = 1

    static func encode(file: UInt64, firstLSN: LSN, isOpening: Bool) -> [UInt8] {
        var buffer = ByteBuffer(capacity: JournalFrame.alignment)
        buffer.append(bigEndian: magic)
        buffer.append(bigEndian: UInt32(0))
        buffer.append(bigEndian: file)
        buffer.append(bigEndian: version)
        buffer.append(bigEndian: UInt32(isOpening ? 1 : 0))
        buffer.append(bigEndian: firstLSN.rawValue)
        buffer.set(bigEndian: CRC32C.checksum(buffer.bytes.extracting(8..<byteCount)), at: 4)
        var bytes = [UInt8](repeating: 0, count: JournalFrame.alignment)
        for index in 0..<byteCount { bytes[index] = buffer.bytes[index] }
        return bytes
    }

    /// Whether a recovery began file `file`: when its first frame is whole, all before it is in segments, on the
    /// device.
    static func isOpening(_ bytes: Span<UInt8>, file: UInt64) -> Bool {
        firstLSN(bytes, file: file) != nil && BatchLayout.load(bytes, at: 20, as: UInt32.self) & 1 == 1
    }

    /// The first LSN of file `file`; nil when the header is another file's, damaged, or not written yet.
    static func firstLSN(_ bytes: Span<UInt8>, file: UInt64) -> LSN? {
        guard bytes.count >= byteCount,
            BatchLayout.load(bytes, at: 0, as: UInt32.self) == magic,
            BatchLayout.load(bytes, at: 8, as: UInt64.self) == file,
            BatchLayout.load(bytes, at: 16, as: UInt32.self) == version,
            CRC32C.checksum(bytes.extracting(8..<byteCount)) == BatchLayout.load(bytes, at: 4, as: UInt32.self)
        else { return nil }
        return LSN(rawValue: BatchLayout.load(bytes, at: 24, as: UInt64.self))
    }
}
