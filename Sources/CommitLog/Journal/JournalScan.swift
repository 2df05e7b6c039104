import RecordFormat
import SluiceCore

/// What recovery has to say to the operator.
package struct RecoveryFinding: Sendable, Equatable {
    /// How bad it is.
    package enum Severity: String, Sendable {
        /// What every crash leaves behind: an end that was never acknowledged.
        case notice
        /// Bytes that were on the device are damaged; records may be missing.
        case damage
    }

    /// How bad it is.
    package var severity: Severity
    /// The file.
    package var path: String
    /// What was found and what was done.
    package var text: String
}

/// A frame found whole in a journal file.
struct ScannedFrame {
    var position: Int
    var header: JournalFrame.Header
}

/// A journal file with what is whole in it.
struct ScannedFile {
    var number: UInt64
    var bytes: [UInt8]
    var frames: [ScannedFrame]
}

/// Finds the frames of the journal's files after a stop.
///
/// The chain of frames ends at the first that is not whole: it, and what follows, was never acknowledged. Unless a later frame says that
/// a lost one was durable: then the loss is damage, it is reported, and the later frames count.
struct JournalScan {
    let storage: any Storage
    private(set) var findings: [RecoveryFinding] = []
    private(set) var lastLSN = LSN.zero

    init(storage: any Storage) { self.storage = storage }

    /// The numbers of all files, oldest first.
    static func numbers(_ storage: any Storage) throws(StorageError) -> [UInt64] {
        try storage.list(JournalFiles.directory).compactMap(JournalFiles.number).sorted()
    }

    /// Reads file `number`; nil when nothing was ever written to it under that number.
    mutating func read(_ number: UInt64) throws(StorageError) -> ScannedFile? {
        let path = JournalFiles.path(number)
        let id = try storage.open(path, creating: false)
        defer { storage.close(id) }
        let bytes = try storage.bytes(id, at: 0, count: Int(try storage.byteCount(id)))
        guard JournalFileHeader.firstLSN(bytes.span, file: number) != nil else { return nil }
        var frames: [ScannedFrame] = []
        var position = JournalFrame.alignment
        while position < bytes.count {
            if let frame = frame(bytes.span, at: position, file: number) {
                frames.append(frame)
                position += JournalFrame.padded(frame.header.byteCount)
                lastLSN = max(lastLSN, frame.header.lsn)
                continue
            }
            guard let next = frameBehindDamage(bytes.span, from: position, file: number) else { break }
            findings.append(
                RecoveryFinding(
                    severity: .damage, path: path,
                    text:
                        "\(next - position) bytes at \(position) are damaged; a later frame shows that they were durable"
                ))
            position = next
        }
        return ScannedFile(number: number, bytes: bytes, frames: frames)
    }

    private func frame(_ bytes: Span<UInt8>, at position: Int, file: UInt64) -> ScannedFrame? {
        let rest = bytes.extracting(position..<bytes.count)
        guard let header = JournalFrame.header(rest, file: file), header.lsn > lastLSN, header.byteCount <= rest.count,
            hasWholeBatches(rest, header)
        else { return nil }
        return ScannedFrame(position: position, header: header)
    }

    private func hasWholeBatches(_ bytes: Span<UInt8>, _ header: JournalFrame.Header) -> Bool {
        var position = header.tableEnd
        for index in 0..<header.batchCount {
            let entry = JournalFrame.entry(bytes, index)
            if entry.isReservation { continue }
            guard entry.byteCount <= header.byteCount - position else { return false }
            do throws(BatchError) {
                let batch = try RecordBatch.verify(bytes.extracting(position..<position + entry.byteCount))
                guard let batch, batch.byteCount == entry.byteCount, batch.checksum == entry.checksum,
                    batch.baseOffset == entry.baseOffset, batch.lastOffsetDelta + 1 == entry.recordCount
                else { return false }
            } catch {
                return false
            }
            position += entry.byteCount
        }
        return position == header.byteCount
    }

    /// The next whole frame that was written after a lost one had become durable.
    private func frameBehindDamage(_ bytes: Span<UInt8>, from position: Int, file: UInt64) -> Int? {
        var index = position + JournalFrame.alignment
        while index < bytes.count {
            if let frame = frame(bytes, at: index, file: file) {
                return frame.header.durableLSN > lastLSN ? index : nil
            }
            index += JournalFrame.alignment
        }
        return nil
    }
}
