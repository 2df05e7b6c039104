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

/// A journal file and the frames that count in it.
struct ScannedFile {
    var number: UInt64
    var frames: [ScannedFrame] = []
}

/// Finds the frames of the journal's files after a stop.
///
/// Groups are numbered without gaps, so a gap is where a frame is not whole: it, and what follows, was never
/// acknowledged. Unless a later frame says that a lost one was durable: then the loss is damage, it is reported, and
/// the later frames count.
/// The frame that a recovery opens its journal with says that all before it is in segments, on the device: older files,
/// which a crash may have left in any number, count for nothing then.
struct JournalScan {
    private let storage: any Storage
    private var candidates: [ScannedFile] = []
    private var firstLSNs: [LSN?] = []
    /// The numbers of all files there are, oldest first.
    private(set) var numbers: [UInt64] = []
    /// The files that count, oldest first.
    private(set) var files: [ScannedFile] = []
    private(set) var findings: [RecoveryFinding] = []
    private(set) var lastLSN = LSN.zero
    /// The first offset of each partition that whole frames cover, with a batch or with a reservation in its place.
    private(set) var starts: [Int: Offset] = [:]
    /// The offset behind all that whole frames say of each partition.
    private(set) var ends: [Int: Offset] = [:]

    init(storage: any Storage) { self.storage = storage }

    /// Reads and verifies every file once.
    mutating func run() throws(StorageError) {
        numbers = try storage.list(JournalFiles.directory).compactMap(JournalFiles.number).sorted()
        for number in numbers {
            let id = try storage.open(JournalFiles.path(number), creating: false)
            defer { storage.close(id) }
            // A process that was killed leaves frames that the device may not have; what is replayed from here on must
            // not vanish. What a failed synchronisation left in memory only must not be replayed in the first place.
            try storage.synchronize(id)
            try storage.refresh(id)
            let bytes = try storage.bytes(id, at: 0, count: Int(try storage.byteCount(id)))
            collect(bytes.span, number)
        }
        chain()
    }

    // MARK: Whole frames

    private mutating func collect(_ bytes: Span<UInt8>, _ number: UInt64) {
        var file = ScannedFile(number: number)
        if isOpening(bytes, number) {
            candidates = []
            firstLSNs = []
            starts = [:]
            ends = [:]
        }
        var position = JournalFrame.alignment
        while position < bytes.count {
            let rest = bytes.extracting(position..<bytes.count)
            guard let header = JournalFrame.header(rest, file: number), header.byteCount <= rest.count,
                hasWholeBatches(rest, header)
            else {
                position += JournalFrame.alignment
                continue
            }
            file.frames.append(ScannedFrame(position: position, header: header))
            noteOffsets(rest, header)
            position += JournalFrame.padded(header.byteCount)
        }
        guard !file.frames.isEmpty else { return }
        candidates.append(file)
        firstLSNs.append(JournalFileHeader.firstLSN(bytes, file: number))
    }

    private mutating func noteOffsets(_ bytes: Span<UInt8>, _ header: JournalFrame.Header) {
        for index in 0..<header.batchCount {
            let entry = JournalFrame.entry(bytes, index)
            let partition = entry.partition.index
            ends[partition] = max(ends[partition] ?? .zero, entry.nextOffset)
            // The reservations that a file begins with say where partitions end, not that something is here.
            if entry.recordCount == 0 { continue }
            starts[partition] = min(starts[partition] ?? entry.baseOffset, entry.baseOffset)
        }
    }

    /// Whether a recovery began the file and its first group is whole.
    private func isOpening(_ bytes: Span<UInt8>, _ number: UInt64) -> Bool {
        guard bytes.count > JournalFrame.alignment, JournalFileHeader.isOpening(bytes, file: number) else {
            return false
        }
        let rest = bytes.extracting(JournalFrame.alignment..<bytes.count)
        guard let header = JournalFrame.header(rest, file: number) else { return false }
        return header.byteCount <= rest.count && hasWholeBatches(rest, header)
    }

    // MARK: The chain

    private mutating func chain() {
        guard let first = candidates.first?.frames.first else { return }
        // The first file says where the numbers begin; when its first sector is damaged, the first whole frame has to.
        lastLSN = (firstLSNs.first?.map { $0 } ?? first.header.lsn).previous
        // The newest group that some frame, here or later, knows to be durable.
        var durable = candidates.map { $0.frames.map(\.header.durableLSN).max() ?? .zero }
        for index in durable.indices.dropLast().reversed() { durable[index] = max(durable[index], durable[index + 1]) }
        for (index, candidate) in candidates.enumerated() {
            var file = ScannedFile(number: candidate.number)
            var isBroken = false
            for frame in candidate.frames where frame.header.lsn > lastLSN {
                if frame.header.lsn > lastLSN.next {
                    guard durable[index] > lastLSN else {
                        isBroken = true
                        break
                    }
                    reportGap(before: frame, candidate.number)
                }
                lastLSN = frame.header.lsn
                file.frames.append(frame)
            }
            if !file.frames.isEmpty { files.append(file) }
            if isBroken { return }
        }
    }

    private mutating func reportGap(before frame: ScannedFrame, _ number: UInt64) {
        let (first, last) = (lastLSN.next.rawValue, frame.header.lsn.previous.rawValue)
        findings.append(
            RecoveryFinding(
                severity: .damage, path: JournalFiles.path(number),
                text:
                    "groups \(first) to \(last), before byte \(frame.position), were durable and are damaged or missing"
            ))
    }

    private func hasWholeBatches(_ bytes: Span<UInt8>, _ header: JournalFrame.Header) -> Bool {
        var position = header.tableEnd
        for index in 0..<header.batchCount {
            let entry = JournalFrame.entry(bytes, index)
            guard entry.baseOffset >= .zero, entry.baseOffset.rawValue < Int64.max >> 1 else { return false }
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
}
