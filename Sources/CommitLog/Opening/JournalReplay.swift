import RecordFormat
import SluiceCore

/// Appends what the journal has and the segments have not.
///
/// Idempotent: a batch that ends at or before its partition's end is there already.
struct JournalReplay {
    private let storage: any Storage
    /// By partition; none for retired numbers, whose frames are passed over.
    private(set) var recovered: [SegmentRecovery.Result?]
    /// Where each partition's offsets go on.
    private(set) var ends: [Offset]
    private(set) var findings: [RecoveryFinding] = []
    /// Partitions whose batches end before their offsets go on.
    private(set) var shortfalls: [(partition: Int, end: Offset, due: Offset)] = []
    private var waiting: [[RecordBatch]]
    private var waitingByteCount = 0
    private static let waitingBytesMax = 16 << 20

    init(storage: any Storage, recovered: [SegmentRecovery.Result?]) {
        self.storage = storage
        self.recovered = recovered
        ends = recovered.map { $0?.writer.active.nextOffset ?? .zero }
        waiting = Array(repeating: [], count: recovered.count)
    }

    /// Replays frames that a scan has verified.
    mutating func run(_ files: [ScannedFile]) throws(StorageError) {
        for file in files {
            let path = JournalFiles.path(file.number)
            let id = try storage.open(path, creating: false)
            defer { storage.close(id) }
            let bytes = try storage.bytes(id, at: 0, count: Int(try storage.byteCount(id)))
            for frame in file.frames {
                let end = frame.position + frame.header.byteCount
                guard end <= bytes.count else { throw Self.changed(path) }
                try replay(bytes.span.extracting(frame.position..<end), frame.header, path)
            }
        }
        try write()
        for partition in recovered.indices {
            guard let found = recovered[partition] else { continue }
            let end = found.writer.active.nextOffset
            if end < ends[partition] { shortfalls.append((partition, end, ends[partition])) }
            let isSealed = try found.writer.skip(to: ends[partition])
            if !isSealed { recovered[partition]?.segments.removeLast() }
            recovered[partition]?.segments.append(found.writer.active)
        }
    }

    private mutating func replay(
        _ bytes: Span<UInt8>, _ header: JournalFrame.Header, _ path: String
    ) throws(StorageError) {
        var position = header.tableEnd
        for index in 0..<header.batchCount {
            let entry = JournalFrame.entry(bytes, index)
            let start = position
            position += entry.byteCount
            guard position <= bytes.count else { throw Self.changed(path) }
            let partition = entry.partition.index
            guard partition < recovered.count else {
                let text = "frame \(header.lsn.rawValue) names partition \(partition), which the catalogue lacks"
                findings.append(RecoveryFinding(severity: .damage, path: path, text: text))
                continue
            }
            if recovered[partition] == nil { continue }
            if !entry.isReservation, entry.baseOffset >= ends[partition] {
                waiting[partition].append(try batch(bytes.extracting(start..<position), entry, path))
                waitingByteCount += entry.byteCount
            }
            ends[partition] = max(ends[partition], entry.nextOffset)
        }
        if waitingByteCount > Self.waitingBytesMax { try write() }
    }

    private func batch(
        _ bytes: Span<UInt8>, _ entry: JournalFrame.Entry, _ path: String
    ) throws(StorageError) -> RecordBatch {
        let header: BatchHeader?
        do throws(BatchError) { header = try BatchHeader(bytes) } catch { header = nil }
        // The scan has verified these bytes; a device that gives others the second time is not to be trusted with more.
        guard let header, header.byteCount == bytes.count, header.baseOffset == entry.baseOffset,
            header.checksum == entry.checksum, header.lastOffsetDelta + 1 == entry.recordCount
        else { throw Self.changed(path) }
        var buffer = ByteBuffer(capacity: bytes.count)
        buffer.append(bytes)
        return RecordBatch(buffer, header: header)
    }

    private mutating func write() throws(StorageError) {
        for partition in waiting.indices where !waiting[partition].isEmpty {
            guard let writer = recovered[partition]?.writer else { continue }
            var sealed: [SegmentInfo] = []
            try writer.append(waiting[partition], sealed: &sealed)
            recovered[partition]?.segments.removeLast()
            recovered[partition]?.segments += sealed + [writer.active]
            waiting[partition] = []
        }
        waitingByteCount = 0
    }

    private static func changed(_ path: String) -> StorageError {
        StorageError(.read, path, code: 0, reason: "the bytes are not those of the first reading")
    }
}
