import SluiceCore

/// The journal's files on disk: prepared ahead, recycled when a checkpoint has made them superfluous.
///
/// Isolation: the flusher's thread, or recovery before it starts.
/// Invariants: numbers only grow; a file's name and number are on the device before a frame is written to it.
package struct JournalFiles: ~Copyable {
    /// Where the files are.
    package static let directory = "journal"

    private let storage: any Storage
    private let fileByteCount: Int
    private var nextNumber: UInt64
    /// The new names of files whose renames failed, by their old numbers: a device that answers with an error may have
    /// done it all the same.
    private var doubtfulNames: [UInt64: UInt64] = [:]

    /// A maker of files from number `nextNumber` on.
    package init(storage: any Storage, fileByteCount: Int, nextNumber: UInt64) {
        self.storage = storage
        self.fileByteCount = fileByteCount
        self.nextNumber = nextNumber
    }

    /// Makes a new file, full of zeros and on the device.
    package mutating func make() throws(StorageError) -> JournalWriter.File { try make(byteCount: fileByteCount) }

    /// Makes a file for `byteCount` bytes, where there is no space for a whole one.
    mutating func make(byteCount: Int) throws(StorageError) -> JournalWriter.File {
        let number = nextNumber
        let path = Self.path(number)
        let id = try storage.open(path, creating: true)
        do throws(StorageError) {
            try storage.preallocate(id, byteCount: Int64(byteCount))
            try storage.synchronize(id)
            try storage.synchronizeDirectory(Self.directory)
        } catch {
            storage.close(id)
            try abandon(path, after: error)
        }
        nextNumber += 1
        return JournalWriter.File(id: id, number: number, byteCount: byteCount)
    }

    /// Takes a file away that could not be finished: what it has got so far would be missing elsewhere.
    /// - Throws: always; what failed first, which decides whether anything is in doubt, unless only the removal is in
    ///   the way.
    private func abandon(_ path: String, after failure: StorageError) throws(StorageError) -> Never {
        do throws(StorageError) {
            try storage.remove(path)
        } catch {
            throw failure.isPassing ? error : failure
        }
        throw failure
    }

    /// Brings a file that nothing needs any more, and that was made where there was no space, to its size.
    /// - Throws: `StorageError`; it is as it was, but for zeros in place of what nothing needs.
    package func fill(_ file: JournalWriter.File) throws(StorageError) -> JournalWriter.File {
        guard file.byteCount < fileByteCount else { return file }
        try storage.preallocate(file.id, byteCount: Int64(fileByteCount))
        try storage.synchronize(file.id)
        var filled = file
        filled.byteCount = fileByteCount
        return filled
    }

    /// Gives a file that nothing needs any more a new name and number. Its old frames carry the old number and count
    /// for nothing.
    /// - Returns: nil when the file has lost its name to a rename that was reported as failed: it is gone then.
    /// - Throws: `StorageError`. When it is passing, the file can be recycled again, or removed by a recovery, which
    ///   knows it by its old frames or ignores them.
    package mutating func recycle(_ file: JournalWriter.File) throws(StorageError) -> JournalWriter.File? {
        // A number is tried once: what a failed rename has left under its name is not to be met again.
        let number = nextNumber
        nextNumber += 1
        do throws(StorageError) {
            try storage.rename(Self.path(file.number), to: Self.path(number))
        } catch {
            guard let doubtful = doubtfulNames[file.number], error.isMissing else {
                doubtfulNames[file.number] = number
                throw error
            }
            try storage.remove(Self.path(doubtful))
            doubtfulNames[file.number] = nil
            storage.close(file.id)
            return nil
        }
        doubtfulNames[file.number] = nil
        try storage.synchronizeDirectory(Self.directory)
        return JournalWriter.File(id: file.id, number: number, byteCount: file.byteCount)
    }

    /// The number of the next file that is made or recycled: every file that there is has a smaller one.
    package var numbersEnd: UInt64 { nextNumber }

    /// Puts zeros in the place of all that a recycled file still has of its earlier life, on the device.
    /// - Throws: `StorageError`; it may be written for all that, and is to be overwritten once more.
    package func overwrite(_ file: JournalWriter.File) throws(StorageError) {
        try storage.preallocate(file.id, byteCount: Int64(file.byteCount))
        try storage.synchronize(file.id)
    }

    /// Removes a file that nothing needs any more.
    package func remove(_ file: JournalWriter.File) throws(StorageError) {
        storage.close(file.id)
        try storage.remove(Self.path(file.number))
    }

    /// The path of file `number`.
    package static func path(_ number: UInt64) -> String {
        let text = String(number)
        return "\(directory)/\(String(repeating: "0", count: max(0, 20 - text.utf8.count)))\(text).wal"
    }

    /// The number in a journal file's name; nil for other names.
    package static func number(_ name: String) -> UInt64? {
        guard name.utf8.count == 24, name.hasSuffix(".wal"), name.prefix(20).allSatisfy(\.isNumber),
            let number = UInt64(name.prefix(20)), number <= UInt64(Int64.max)
        else { return nil }
        return number
    }
}
