import CLinux
package import CommitLog
import Glibc
import SluiceCore
import Synchronization

/// The data directory on a real disk.
///
/// Isolation: any thread; each call is one or a few system calls on a descriptor.
package final class PosixStorage: Storage {
    /// What a file's writes do with the page cache.
    private enum CacheUse: Sendable {
        case always(DirectWriter)
        case large(DirectWriter)
        case never
    }

    /// Bytes from which a write past the cache is cheaper even where the journal's fsync has to wait for the device
    /// anyway.
    private static let directBytesMin = 64 << 10

    private let root: String
    private let lock: Int32
    private let directWriters = Mutex<[FileID: CacheUse]>([:])

    /// Opens, and makes if needed, the directory `root` and takes its lock for this process.
    /// - Throws: `StorageError` with operation `lock` when another process has the directory; `makeDirectory` or `open`
    ///   when it cannot
    ///   be used.
    package init(root: String) throws(StorageError) {
        self.root = root
        if mkdir(root, 0o750) != 0 && errno != EEXIST { throw Self.error(.makeDirectory, root) }
        // The directory's own name must outlive a power cut as well.
        try Self.synchronizeDirectory(at: root + "/..", as: root)
        let descriptor = sluice_open(root + "/lock", O_RDWR | O_CREAT, 0o640)
        guard descriptor >= 0 else { throw Self.error(.open, root + "/lock") }
        guard sluice_lock_exclusive(descriptor) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw StorageError(.lock, root, code: code, reason: "in use by another process")
        }
        lock = descriptor
    }

    /// Opens the directory `root` without its lock, to look at it beside a running broker; every write fails.
    package init(inspecting root: String) {
        self.root = root
        lock = -1
    }

    deinit { if lock >= 0 { Glibc.close(lock) } }

    /// See `Storage`.
    package func open(_ path: String, creating: Bool) throws(StorageError) -> FileID {
        let access = lock < 0 ? O_RDONLY : O_RDWR
        let descriptor = sluice_open(full(path), creating ? access | O_CREAT : access, 0o640)
        guard descriptor >= 0 else { throw Self.error(.open, path) }
        return FileID(rawValue: descriptor)
    }

    /// See `Storage`.
    package func descriptor(of file: FileID) -> Int32? { file.rawValue }

    /// See `Storage`.
    package func close(_ file: FileID) {
        directWriters.withLock { $0[file] = nil }
        Glibc.close(file.rawValue)
    }

    /// See `Storage`.
    package func byteCount(_ file: FileID) throws(StorageError) -> Int64 {
        var status = stat()
        guard fstat(file.rawValue, &status) == 0 else { throw Self.error(.size, "file \(file.rawValue)") }
        return Int64(status.st_size)
    }

    /// See `Storage`.
    package func read(
        _ file: FileID, into memory: UnsafeMutableRawBufferPointer, at position: Int64
    ) throws(StorageError) -> Int {
        var done = 0
        while done < memory.count, let base = memory.baseAddress {
            let count = pread(file.rawValue, base + done, memory.count - done, off_t(position) + off_t(done))
            if count < 0 {
                if errno == EINTR { continue }
                throw Self.error(.read, "file \(file.rawValue)")
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Large writes go past the page cache as far as they are whole blocks; journal files (those that were
    /// preallocated) always do.
    package func write(
        _ file: FileID, _ pieces: [UnsafeRawBufferPointer], at position: Int64
    ) throws(StorageError) {
        let byteCount = pieces.reduce(0) { $0 + $1.count }
        guard let direct = directWriter(file, byteCount) else { return try writeCached(file, pieces, at: position) }
        let alignment = Int64(direct.alignment)
        let start = (position + alignment - 1) / alignment * alignment
        let end = (position + Int64(byteCount)) / alignment * alignment
        guard end > start else { return try writeCached(file, pieces, at: position) }
        let head = Int(start - position)
        var cursor = PieceCursor(pieces, skipping: 0)
        if head > 0 { try writeCached(file, cursor.take(head), at: position) }
        guard direct.write(pieces, skipping: head, count: Int(end - start), at: start) else {
            throw Self.error(.write, "file \(file.rawValue)")
        }
        let tail = byteCount - head - Int(end - start)
        if tail > 0 {
            var rest = PieceCursor(pieces, skipping: byteCount - tail)
            try writeCached(file, rest.take(tail), at: end)
        }
    }

    /// The direct writer of a file, when a write of `byteCount` is to use one.
    private func directWriter(_ file: FileID, _ byteCount: Int) -> DirectWriter? {
        directWriters.withLock { writers in
            switch writers[file] {
            case .always(let writer): return writer
            case .large(let writer): return byteCount >= Self.directBytesMin ? writer : nil
            case .never: return nil
            case nil:
                guard byteCount >= Self.directBytesMin else { return nil }
                let writer = DirectWriter(file: file.rawValue)
                writers[file] = writer.map { .large($0) } ?? .never
                return writer
            }
        }
    }

    private func writeCached(
        _ file: FileID, _ pieces: [UnsafeRawBufferPointer], at position: Int64
    ) throws(StorageError) {
        var vectors = pieces.compactMap { piece in
            piece.isEmpty
                ? nil : iovec(iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress), iov_len: piece.count)
        }
        var position = position
        var first = 0
        while first < vectors.count {
            let count = min(vectors.count - first, 1024)  // IOV_MAX
            let written = vectors.withUnsafeBufferPointer { all in
                pwritev(file.rawValue, all.baseAddress.map { $0 + first }, Int32(count), off_t(position))
            }
            if written < 0 {
                if errno == EINTR { continue }
                throw Self.error(.write, "file \(file.rawValue)")
            }
            position += Int64(written)
            var left = written
            // A short write goes on behind the last byte taken.
            while left > 0 {
                let taken = min(left, vectors[first].iov_len)
                left -= taken
                if taken == vectors[first].iov_len {
                    first += 1
                } else {
                    vectors[first].iov_base += taken
                    vectors[first].iov_len -= taken
                }
            }
        }
    }

    /// See `Storage`.
    package func synchronize(_ file: FileID) throws(StorageError) {
        guard fdatasync(file.rawValue) == 0 else { throw Self.error(.synchronize, "file \(file.rawValue)") }
    }

    /// Drops the file's clean pages; after a failed writeback Linux calls such pages clean.
    package func refresh(_ file: FileID) throws(StorageError) {
        let code = posix_fadvise(file.rawValue, 0, 0, POSIX_FADV_DONTNEED)
        guard code == 0 else {
            throw StorageError(.read, "file \(file.rawValue)", code: code, reason: String(cString: strerror(code)))
        }
    }

    /// See `Storage`.
    package func synchronizeDirectory(_ path: String) throws(StorageError) {
        try Self.synchronizeDirectory(at: full(path), as: path)
    }

    private static func synchronizeDirectory(at path: String, as name: String) throws(StorageError) {
        let descriptor = sluice_open(path, O_RDONLY | O_DIRECTORY, 0)
        guard descriptor >= 0 else { throw Self.error(.synchronizeDirectory, name) }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Self.error(.synchronizeDirectory, name) }
    }

    /// See `Storage`.
    package func truncate(_ file: FileID, to byteCount: Int64) throws(StorageError) {
        guard ftruncate(file.rawValue, off_t(byteCount)) == 0 else {
            throw Self.error(.truncate, "file \(file.rawValue)")
        }
    }

    /// See `Storage`.
    package func preallocate(_ file: FileID, byteCount: Int64) throws(StorageError) {
        guard sluice_preallocate(file.rawValue, byteCount) == 0 || errno == EOPNOTSUPP else {
            throw Self.error(.preallocate, "file \(file.rawValue)")
        }
        // Blocks that were only reserved change the extent tree when they are first written, and fdatasync then writes
        // that too.
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        var position: Int64 = 0
        while position < byteCount {
            let count = min(Int64(zeros.count), byteCount - position)
            try write(file, bytes: zeros.span.extracting(0..<Int(count)), at: position)
            position += count
        }
        // Frames start and end at multiples of 512. Where the device takes no smaller blocks than 4 KiB, the cache has
        // to put them together.
        if let writer = DirectWriter(file: file.rawValue), writer.alignment <= 512 {
            directWriters.withLock { $0[file] = .always(writer) }
        }
    }

    /// See `Storage`.
    package func list(_ path: String) throws(StorageError) -> [String] {
        guard let directory = opendir(full(path)) else {
            if errno == ENOENT { return [] }
            throw Self.error(.list, path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// See `Storage`.
    package func makeDirectory(_ path: String) throws(StorageError) {
        guard mkdir(full(path), 0o750) == 0 || errno == EEXIST else { throw Self.error(.makeDirectory, path) }
    }

    /// See `Storage`.
    package func rename(_ path: String, to newPath: String) throws(StorageError) {
        guard Glibc.rename(full(path), full(newPath)) == 0 else { throw Self.error(.rename, path) }
    }

    /// See `Storage`.
    package func remove(_ path: String) throws(StorageError) {
        guard unlink(full(path)) == 0 || errno == ENOENT else { throw Self.error(.remove, path) }
    }

    /// See `Storage`.
    package func removeDirectory(_ path: String) throws(StorageError) {
        guard rmdir(full(path)) == 0 || errno == ENOENT else { throw Self.error(.remove, path) }
    }

    /// See `Storage`. A file that goes meanwhile counts for nothing.
    package func usedByteCount(_ directory: String) throws(StorageError) -> Int64 {
        var sum: Int64 = 0
        for name in try list(directory) {
            let path = directory.isEmpty ? name : "\(directory)/\(name)"
            var status = stat()
            guard lstat(full(path), &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                sum += try usedByteCount(path)
            } else {
                sum += Int64(status.st_blocks) * 512
            }
        }
        return sum
    }

    private func full(_ path: String) -> String { root + "/" + path }

    private static func error(_ operation: StorageError.Operation, _ path: String) -> StorageError {
        let code = errno
        return StorageError(operation, path, code: code, reason: String(cString: strerror(code)))
    }
}
