import Checksums
import CommitLog
import RecordFormat
import SluiceCore

/// The copy of one segment in a backup, made in one go or in several while the original grows.
///
/// Every batch is verified on its way. What is damaged is left out and reported; offsets do not move. The indexes are
/// made anew from the batches.
/// Isolation: one thread.
final class SegmentCopy {
    let base: Offset
    /// The original, as it was when the copy began.
    let source: FileIdentity
    private let partition: InspectedPartition
    private let target: any Storage
    private var sparse: SparseIndex
    private var readByteCount: Int64 = 0
    private var waiting: [UInt8] = []
    /// By suffix: bytes written and their checksum.
    private(set) var files: [String: Written] = [:]
    /// The offset behind the last batch copied.
    private(set) var nextOffset: Int64
    /// Whether the indexes are complete: nothing more comes.
    private var isSealed = false
    private(set) var findings: [InspectionFinding] = []

    /// What a file of the copy holds.
    struct Written {
        var byteCount: Int64 = 0
        var checksum: UInt32 = 0
    }

    private static let writeBytes = 1 << 20
    static let suffixes = [".log", ".index", ".timeindex"]

    init(
        _ partition: InspectedPartition, base: Offset, source: FileIdentity, target: any Storage
    ) throws(StorageError) {
        self.partition = partition
        self.base = base
        self.source = source
        self.target = target
        sparse = SparseIndex(base: base, interval: SegmentShape().indexIntervalBytes)
        nextOffset = base.rawValue
        for suffix in Self.suffixes {
            files[suffix] = Written()
            let file = try target.open(partition.path(base, suffix), creating: true)
            defer { target.close(file) }
            try target.truncate(file, to: 0)
        }
    }

    /// Copies what the original has and the copy has not, up to the batch that ends behind `cut`.
    /// - Parameters:
    ///   - tornFrom: an end that is not whole is none of the backup's business from this offset on; nil in a sealed
    ///     segment, where it is damage.
    ///   - progress: told of the bytes read.
    func update(from place: InspectedPlace, cut: Int64, tornFrom: Int64?, _ progress: any WorkProgress) throws {
        let path = partition.path(base, ".log")
        let file = try target.open(path, creating: true)
        defer { target.close(file) }
        var isOver = false
        let segment = SegmentFile(storage: place.storage, path: path)
        _ = try segment.forEach(from: readByteCount) { item, position, bytes in
            if isOver { return }
            switch item {
            case .batch(let header):
                guard header.nextOffset.rawValue <= cut else {
                    isOver = true
                    return
                }
                progress.advance(by: Int64(header.byteCount))
                readByteCount = position + Int64(header.byteCount)
                guard header.baseOffset.rawValue >= nextOffset else {
                    return report("the batch at \(position) steps back to offset \(header.baseOffset.rawValue)", path)
                }
                try take(header, bytes, file)
            case .damage(let byteCount, let reason, let isLast):
                if isLast, let tornFrom, nextOffset >= tornFrom {
                    isOver = true
                    return
                }
                readByteCount = position + byteCount
                report("\(byteCount) bytes at \(position) are left out: \(reason)", path)
            }
        }
        try write(file)
        try writeIndexes()
    }

    private func report(_ text: String, _ path: String) {
        findings.append(InspectionFinding(severity: .damage, path: path, text: text))
    }

    private func take(_ header: BatchHeader, _ bytes: Span<UInt8>, _ file: FileID) throws {
        sparse.note(
            lastOffset: header.lastOffset, maxTimestamp: header.maxTimestamp, byteCount: header.byteCount,
            position: (files[".log"]?.byteCount ?? 0) + Int64(waiting.count))
        bytes.withUnsafeBytes { waiting.append(contentsOf: $0) }
        nextOffset = header.nextOffset.rawValue
        if waiting.count >= Self.writeBytes { try write(file) }
    }

    private func write(_ file: FileID) throws {
        try append(waiting, to: file, ".log")
        waiting.removeAll(keepingCapacity: true)
    }

    private func append(_ bytes: [UInt8], to file: FileID, _ suffix: String) throws {
        guard !bytes.isEmpty, var written = files[suffix] else { return }
        try target.write(file, bytes: bytes.span, at: written.byteCount)
        written.checksum = bytes.withUnsafeBytes { CRC32C.checksum($0, continuing: written.checksum) }
        written.byteCount += Int64(bytes.count)
        files[suffix] = written
    }

    private func writeIndexes() throws {
        var index: [UInt8] = []
        var times: [UInt8] = []
        sparse.drain(index: &index, times: &times)
        for (bytes, suffix) in [(index, ".index"), (times, ".timeindex")] where !bytes.isEmpty {
            let file = try target.open(partition.path(base, suffix), creating: true)
            defer { target.close(file) }
            try append(bytes, to: file, suffix)
        }
    }

    /// Ends the copy: nothing more comes, and it is on the device.
    /// - Parameter isNewest: whether more may be appended to it where it is restored.
    func finish(isNewest: Bool) throws {
        if !isNewest, !isSealed {
            isSealed = true
            sparse.addTimeEntry()
            try writeIndexes()
        }
        for suffix in Self.suffixes {
            let file = try target.open(partition.path(base, suffix), creating: false)
            defer { target.close(file) }
            try target.synchronize(file)
        }
    }

    /// Removes the copy.
    func remove() throws(StorageError) {
        for suffix in Self.suffixes { try target.remove(partition.path(base, suffix)) }
    }
}
