import Checksums
import CommitLog
import RecordFormat
import SluiceCore

/// A journal file, read by its documented layout (docs/internals/formats.md) and not with the code that wrote it, so
/// that a mistake shared by the writer and recovery shows.
struct JournalFile {
    let storage: any Storage
    /// The number that its frames carry.
    let number: UInt64
    let path: String

    /// A whole frame.
    struct Frame {
        var position: Int
        var lsn: UInt64
        /// The newest LSN that was known to be durable when it was written.
        var durableLSN: UInt64
        var byteCount: Int
        var entries: [Entry]
    }

    /// One batch of a frame, or the end that it reserves when the batch is in no journal.
    struct Entry {
        var partition: Int
        /// Where the batch begins in the file.
        var position: Int
        var byteCount: Int
        var baseOffset: Int64
        var recordCount: Int
        var isReservation: Bool { byteCount == 0 }
    }

    /// What a file holds.
    struct Content {
        var frames: [Frame] = []
        /// Damaged bytes in front of a frame that shows they were durable.
        var damage: [(position: Int, byteCount: Int)] = []
        var byteCount = 0
    }

    private static let sector = 512
    private static let fileMagic: UInt32 = 0x534C_4A48
    private static let frameMagic: UInt32 = 0x534C_4746
    private static let tableStart = 40
    private static let entryByteCount = 24

    /// The file of `number`, under `path` when it does not lie where a data directory has it.
    init(storage: any Storage, number: UInt64, path: String? = nil) {
        self.storage = storage
        self.number = number
        self.path = path ?? JournalFiles.path(number)
    }

    /// The frames of the file; nil when nothing was written to it under its number yet.
    func read() throws(StorageError) -> Content? {
        let file = try storage.open(path, creating: false)
        defer { storage.close(file) }
        let bytes = try storage.bytes(file, at: 0, count: Int(try storage.byteCount(file)))
        guard isWritten(bytes.span) else { return nil }
        var content = Content()
        content.byteCount = bytes.count
        var position = Self.sector
        var lastLSN: UInt64 = 0
        // Damage that may be the torn end; it counts when a frame follows that could not be there otherwise.
        var doubt: Int?
        while position < bytes.count {
            guard let frame = frame(bytes.span, at: position), frame.lsn > lastLSN else {
                if doubt == nil { doubt = position }
                position += Self.sector
                continue
            }
            if let start = doubt {
                guard frame.durableLSN > lastLSN else { break }
                content.damage.append((start, position - start))
                doubt = nil
            }
            content.frames.append(frame)
            lastLSN = frame.lsn
            position += (frame.byteCount + Self.sector - 1) / Self.sector * Self.sector
        }
        return content
    }

    private func isWritten(_ bytes: Span<UInt8>) -> Bool {
        bytes.count >= Self.sector && load(bytes, 0, UInt32.self) == Self.fileMagic
            && load(bytes, 8, UInt64.self) == number
            && CRC32C.checksum(bytes.extracting(8..<32)) == load(bytes, 4, UInt32.self)
    }

    private func frame(_ bytes: Span<UInt8>, at position: Int) -> Frame? {
        let rest = bytes.extracting(position..<bytes.count)
        guard rest.count >= Self.tableStart, load(rest, 0, UInt32.self) == Self.frameMagic,
            load(rest, 8, UInt64.self) == number
        else { return nil }
        let byteCount = Int(load(rest, 32, UInt32.self))
        let entryCount = Int(load(rest, 36, UInt32.self))
        let tableEnd = Self.tableStart + Self.entryByteCount * entryCount
        guard tableEnd <= byteCount, byteCount <= rest.count,
            CRC32C.checksum(rest.extracting(8..<tableEnd)) == load(rest, 4, UInt32.self)
        else { return nil }
        var frame = Frame(
            position: position, lsn: load(rest, 16, UInt64.self), durableLSN: load(rest, 24, UInt64.self),
            byteCount: byteCount, entries: [])
        var batchStart = tableEnd
        for index in 0..<entryCount {
            let at = Self.tableStart + Self.entryByteCount * index
            let entry = Entry(
                partition: Int(load(rest, at, UInt32.self)), position: position + batchStart,
                byteCount: Int(load(rest, at + 4, UInt32.self)),
                baseOffset: load(rest, at + 8, Int64.self), recordCount: Int(load(rest, at + 20, UInt32.self)))
            guard entry.byteCount <= byteCount - batchStart,
                isBatch(rest.extracting(batchStart..<batchStart + entry.byteCount), entry)
            else { return nil }
            batchStart += entry.byteCount
            frame.entries.append(entry)
        }
        return batchStart == byteCount ? frame : nil
    }

    private func isBatch(_ bytes: Span<UInt8>, _ entry: Entry) -> Bool {
        if entry.isReservation { return true }
        do throws(BatchError) {
            guard let header = try RecordBatch.verify(bytes) else { return false }
            return header.byteCount == entry.byteCount && header.baseOffset.rawValue == entry.baseOffset
                && header.lastOffsetDelta + 1 == entry.recordCount
        } catch {
            return false
        }
    }

    private func load<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: Span<UInt8>, _ index: Int, _ type: Integer.Type
    ) -> Integer {
        BatchLayout.load(bytes, at: index, as: type)
    }
}
