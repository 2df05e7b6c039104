import RecordFormat
import SluiceCore

/// Writes commit groups to the journal's files, one after the other.
///
/// Isolation: one thread (the journal's) calls `write` and `synchronize`; `adopt(spare:)` hands over a prepared file
/// under the log's lock.
/// Invariants: a file is written from its front, frames in LSN order; after a failed write the next frame goes to the
/// same place.
package struct JournalWriter: ~Copyable {
    /// A journal file with room for frames.
    package struct File: Sendable {
        /// The storage's file.
        package var id: FileID
        /// The number in its name and in each of its frames.
        package var number: UInt64
        /// Bytes that were set aside for it.
        package var byteCount: Int
        /// The newest group in it, once it is full.
        package var lastLSN = LSN.zero
    }

    private let storage: any Storage
    private var current: File
    private var position: Int
    private var lastLSN = LSN.zero
    private var isOpening: Bool
    private var header = ByteBuffer(capacity: 4096)
    private let zeros = [UInt8](repeating: 0, count: JournalFrame.alignment)

    /// A writer at the front of a prepared file, which a recovery begins its journal with, or not.
    package init(storage: any Storage, file: File, isOpening: Bool) {
        self.storage = storage
        current = file
        position = 0
        self.isOpening = isOpening
    }

    /// The number of the current file.
    package var fileNumber: UInt64 { current.number }

    /// Whether a group is in the current file: only then can it be left.
    package var isBegun: Bool { position > 0 }

    /// Whether a group would reach beyond the current file's end, so that a spare must be taken first. An empty file
    /// takes any group.
    package func needsSpare(for group: borrowing CommitGroup) -> Bool {
        position > 0
            && position + JournalFrame.padded(JournalFrame.headerByteCount + group.byteCount) > current.byteCount
    }

    /// Goes on in a prepared file.
    /// - Returns: the file left behind, every byte of it written and synchronised by the caller.
    package mutating func adopt(spare: File) -> File {
        precondition(spare.number > current.number)
        var finished = current
        finished.lastLSN = lastLSN
        isOpening = false
        current = spare
        position = 0
        return finished
    }

    /// Writes one group.
    /// - Throws: `StorageError`; nothing of the group counts then.
    /// - Complexity: one gathered write; no copy of a batch.
    package mutating func write(_ group: borrowing CommitGroup, durable: LSN) throws(StorageError) {
        if position == 0 {
            let sector = JournalFileHeader.encode(file: current.number, firstLSN: group.lsn, isOpening: isOpening)
            try storage.write(current.id, bytes: sector.span, at: 0)
            position = JournalFrame.alignment
        }
        header.removeAll()
        JournalFrame.encode(group, file: current.number, durable: durable, into: &header)
        var byteCount = header.count
        var pieces: [UnsafeRawBufferPointer] = unsafe []
        unsafe pieces.reserveCapacity(group.entries.count + 2)
        // The pointers outlive their closures: the header is this writer's, the batches are held by the group until the
        // write is done, and none of them moves or changes.
        unsafe header.withUnsafeBytes { unsafe pieces.append($0) }
        for entry in group.entries where entry.isJournaled {
            unsafe entry.batch.withUnsafeBytes { unsafe pieces.append($0) }
            byteCount += entry.batch.byteCount
        }
        let padding = JournalFrame.padded(byteCount) - byteCount
        if padding > 0 {
            unsafe zeros.withUnsafeBytes { unsafe pieces.append(UnsafeRawBufferPointer(rebasing: $0[0..<padding])) }
        }
        try unsafe storage.write(current.id, pieces, at: Int64(position))
        position += byteCount + padding
        lastLSN = group.lsn
    }

    /// Waits until every group written to the current file is on the device.
    /// - Throws: `StorageError`; the log is poisoned then, since the kernel may have dropped what it could not write.
    package func synchronize() throws(StorageError) {
        try storage.synchronize(current.id)
    }
}
