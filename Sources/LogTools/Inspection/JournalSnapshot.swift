import CommitLog
import SluiceCore

/// The journal as it stands at one moment, beside a running broker or without one: all groups up to one of them.
///
/// A running broker appends frames, goes on in another file and uses old ones again while the files are read. So they
/// are read anew until the groups in them follow one another without a gap.
struct JournalSnapshot {
    /// A file and the frames that count in it.
    struct File {
        var file: JournalFile
        var content: JournalFile.Content
        /// The bytes from the file's start that hold its header and those frames.
        var byteCount: Int64 {
            guard let last = content.frames.last else { return 512 }
            return Int64((last.position + last.byteCount + 511) / 512 * 512)
        }
    }

    /// The files with frames, oldest first.
    private(set) var files: [File] = []
    /// Where each partition ends as of the newest group, by the node's number.
    private(set) var ends: [Int: Int64] = [:]
    /// The first offset of each partition that the journal covers with a batch or in its place.
    private(set) var starts: [Int: Int64] = [:]

    /// Whether durable frames are damaged.
    private(set) var isDamaged = false

    /// How often the files are read at most: they change under the reader a few times a second.
    private static let attemptsMax = 20

    /// Reads the journal.
    /// - Throws: `ToolFault` when it changes faster than it can be read; what the storage throws.
    init(_ storage: any Storage) throws {
        var before: [UInt64] = []
        for attempt in 1...Self.attemptsMax {
            let found = try Self.read(storage)
            let shape = found.files.flatMap { [$0.file.number, UInt64($0.content.frames.count)] }
            // A file that was written to meanwhile is whole the next time; damage stays as it is.
            if found.isDense || attempt > 3 && shape == before {
                files = found.files
                isDamaged = !found.isDense
                note()
                return
            }
            before = shape
        }
        throw ToolFault("the journal changes faster than it can be read; try again when there is less load")
    }

    /// Whether there are frames at all.
    var isEmpty: Bool { files.isEmpty }

    /// Whether the snapshot's files still are what they were: none was used again under another number.
    func isCurrent(_ storage: any Storage) throws -> Bool {
        let numbers = Set(try storage.list(JournalFiles.directory).compactMap(JournalFiles.number))
        return files.allSatisfy { numbers.contains($0.file.number) }
    }

    private static func read(_ storage: any Storage) throws -> (files: [File], isDense: Bool) {
        var files: [File] = []
        for number in try storage.list(JournalFiles.directory).compactMap(JournalFiles.number).sorted() {
            let file = JournalFile(storage: storage, number: number)
            do throws(StorageError) {
                // Prepared ahead, or used again under this number and not written yet.
                guard let content = try file.read(), !content.frames.isEmpty else { continue }
                files.append(File(file: file, content: content))
            } catch {
                guard error.code == 2 else { throw error }
            }
        }
        // A file that was used again while it was read has lost its old name, and its batches are in segments.
        let numbers = Set(try storage.list(JournalFiles.directory).compactMap(JournalFiles.number))
        if let gone = files.lastIndex(where: { !numbers.contains($0.file.number) }) { files.removeFirst(gone + 1) }
        var last: UInt64?
        var isDense = true
        for frame in files.flatMap(\.content.frames) {
            if let last, frame.lsn != last + 1 { isDense = false }
            last = frame.lsn
        }
        return (files, isDense && files.allSatisfy { $0.content.damage.isEmpty })
    }

    private mutating func note() {
        for entry in files.flatMap(\.content.frames).flatMap(\.entries) {
            let next = entry.baseOffset + Int64(entry.recordCount)
            ends[entry.partition] = max(ends[entry.partition] ?? 0, next)
            // The reservations that a file begins with say where partitions end, not that something is here.
            if entry.recordCount == 0 { continue }
            starts[entry.partition] = min(starts[entry.partition] ?? .max, entry.baseOffset)
        }
    }
}
