/// An open file of a `Storage`.
package struct FileID: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    /// The storage's own number for it.
    package var rawValue: Int32
    /// Wraps a storage's number.
    package init(rawValue: Int32) { self.rawValue = rawValue }
}

/// The disk behind a seam: what the log needs of a file system, and no more.
///
/// Paths are relative to the data directory, with `/` between parts. Every call may fail with `StorageError`.
/// What "completed" promises: `write` reaches the operating system; `synchronize` reaches the device for a file's
/// content and size; `synchronizeDirectory` reaches the device for the names in it. Writes that were not synchronised
/// may be lost, torn at 512 bytes, or kept in any order.
/// Isolation: calls come from the journal's writer, the flusher and readers at the same time, never two on one file's
/// end.
package protocol Storage: AnyObject, Sendable {
    /// Opens a file to read and write; it is made when `creating` and it is missing.
    func open(_ path: String, creating: Bool) throws(StorageError) -> FileID
    /// The system's descriptor of an open file, to send from it; nil where there is none.
    func descriptor(of file: FileID) -> Int32?
    /// Closes a file. Errors are of no use to anybody and are dropped.
    func close(_ file: FileID)
    /// The file's length in bytes.
    func byteCount(_ file: FileID) throws(StorageError) -> Int64
    /// Reads into `memory` from `position`.
    /// - Returns: bytes read; fewer than asked only at the end of the file.
    func read(_ file: FileID, into memory: UnsafeMutableRawBufferPointer, at position: Int64) throws(StorageError)
        -> Int
    /// Writes all of `pieces`, one after the other, from `position`.
    func write(_ file: FileID, _ pieces: [UnsafeRawBufferPointer], at position: Int64) throws(StorageError)
    /// Waits until the file's content and size are on the device (`fdatasync`).
    func synchronize(_ file: FileID) throws(StorageError)
    /// Forgets what the operating system remembers of a file that was synchronised: what is read from here on is what
    /// the device has. After a synchronisation that failed, in this process or one before, memory shows bytes that the
    /// device will never get.
    func refresh(_ file: FileID) throws(StorageError)
    /// Waits until the directory's names are on the device.
    func synchronizeDirectory(_ path: String) throws(StorageError)
    /// Cuts or extends the file to `byteCount`.
    func truncate(_ file: FileID, to byteCount: Int64) throws(StorageError)
    /// Reserves `byteCount` bytes and fills them with zeros, so that later overwrites change no metadata.
    func preallocate(_ file: FileID, byteCount: Int64) throws(StorageError)
    /// The names in a directory, in no order; a missing directory has none.
    func list(_ path: String) throws(StorageError) -> [String]
    /// Makes a directory unless it is there; its parent must be.
    func makeDirectory(_ path: String) throws(StorageError)
    /// Renames a file over another.
    func rename(_ path: String, to newPath: String) throws(StorageError)
    /// Removes a file; a missing one is no error.
    func remove(_ path: String) throws(StorageError)
    /// Removes an empty directory; a missing one is no error.
    func removeDirectory(_ path: String) throws(StorageError)
    /// Bytes of the device that the files under a directory take, those of directories below it included.
    func usedByteCount(_ directory: String) throws(StorageError) -> Int64
}

/// A call to the disk that failed.
package struct StorageError: Error, Equatable, CustomStringConvertible {
    /// What was tried.
    package enum Operation: String, Sendable {
        case open, size, read, write, synchronize, synchronizeDirectory, truncate, preallocate, list, makeDirectory,
            rename,
            remove, lock, format
    }

    /// What was tried.
    package var operation: Operation
    /// The file or directory.
    package var path: String
    /// The system's error number; 0 where the system had no part.
    package var code: Int32
    /// The system's text, or ours.
    package var reason: String

    /// An error of `operation` on `path`.
    package init(_ operation: Operation, _ path: String, code: Int32, reason: String) {
        self.operation = operation
        self.path = path
        self.code = code
        self.reason = reason
    }

    /// Whether the disk or a quota is full (ENOSPC, EDQUOT), or an open found no descriptor or memory (ENFILE, EMFILE,
    /// ENOMEM): these come back, nothing is broken. A synchronisation that fails for want of space is another matter:
    /// the kernel may have dropped what it could not place, and trying again would succeed.
    package var isFull: Bool {
        switch (operation, code) {
        case (.synchronize, _), (.synchronizeDirectory, _): false
        case (_, 28), (_, 122), (.open, 23), (.open, 24), (.open, 12): true
        case (_, _): false
        }
    }

    /// Whether it is space that was wanting, on the disk or within a quota.
    package var isSpace: Bool { isFull && (code == 28 || code == 122) }

    /// Whether the call can be made again with nothing in doubt: for want of space or descriptors, or since it was
    /// about names only (open, rename, remove, list, making a directory), which are as they were or as they should be.
    ///
    /// Never a synchronisation, whose pages the kernel may have dropped, nor a write, of which any part may have
    /// reached the device: with these a second success would prove nothing (ADR 0019).
    package var isPassing: Bool {
        switch operation {
        case .open, .rename, .remove, .list, .makeDirectory: true
        case .size, .read, .write, .synchronize, .synchronizeDirectory, .truncate, .preallocate, .lock, .format: isFull
        }
    }

    /// Whether the name was not there (ENOENT).
    package var isMissing: Bool { code == 2 }

    /// `operation path: reason`.
    package var description: String { "\(operation.rawValue) \(path): \(reason)" }
}

extension Storage {
    /// None, unless a storage has them.
    package func descriptor(of file: FileID) -> Int32? { nil }

    /// Reads a whole file that is known to be small.
    /// - Throws: `StorageError`, also when it is longer than `byteCountMax`.
    package func contents(_ path: String, byteCountMax: Int) throws(StorageError) -> [UInt8] {
        let file = try open(path, creating: false)
        defer { close(file) }
        let byteCount = try byteCount(file)
        guard byteCount <= Int64(byteCountMax) else {
            throw StorageError(.read, path, code: 0, reason: "\(byteCount) bytes, at most \(byteCountMax) expected")
        }
        return try bytes(file, at: 0, count: Int(byteCount))
    }

    /// Reads up to `count` bytes from `position`.
    package func bytes(_ file: FileID, at position: Int64, count: Int) throws(StorageError) -> [UInt8] {
        // An array of no capacity is one that all share, and making it writes to that.
        guard count > 0 else { return [] }
        var failure: StorageError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { memory, initializedCount in
            do throws(StorageError) {
                initializedCount = try unsafe read(file, into: UnsafeMutableRawBufferPointer(memory), at: position)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes `bytes` from `position`.
    package func write(_ file: FileID, bytes: Span<UInt8>, at position: Int64) throws(StorageError) {
        var failure: StorageError?
        unsafe bytes.withUnsafeBytes { memory in
            do throws(StorageError) { try unsafe write(file, [memory], at: position) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Replaces a small file whole: written beside it, synchronised, renamed over it, the directory synchronised.
    /// After a crash the path holds either the old bytes or the new ones.
    package func replace(_ path: String, with bytes: [UInt8], inDirectory directory: String) throws(StorageError) {
        let temporary = path + ".new"
        let file = try open(temporary, creating: true)
        defer { close(file) }
        try truncate(file, to: 0)
        try write(file, bytes: bytes.span, at: 0)
        try synchronize(file)
        try rename(temporary, to: path)
        try synchronizeDirectory(directory)
    }
}
