import Checksums
import CommitLog
import CommitLogPosix
import Glibc
import SluiceCore

/// An empty directory that a backup, or what is restored of one, goes into.
package struct BackupTarget {
    let path: String
    let storage: PosixStorage

    /// Makes `path`, or takes it when it is an empty directory.
    /// - Parameter source: a directory that it must not lie in, nor hold.
    /// - Throws: `ToolFault` when it is something else; what the storage throws.
    package init(_ path: String, apartFrom source: String) throws {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw ToolFault("\(path) is no directory; expected an empty one, or a name that is free")
            }
            guard try PosixStorage(inspecting: path).list("").isEmpty else {
                throw ToolFault("\(path) is not empty; expected an empty directory, or a name that is free")
            }
        }
        storage = try PosixStorage(root: path)
        self.path = path
        let (here, there) = (try Self.absolute(path), try Self.absolute(source))
        guard !(here + "/").hasPrefix(there + "/"), !(there + "/").hasPrefix(here + "/") else {
            try discard()
            throw ToolFault("\(path) lies in \(source), or the other way round; expected a place apart from it")
        }
    }

    /// Takes the directory away again, while there is nothing in it.
    private func discard() throws(StorageError) {
        try storage.remove("lock")
        rmdir(path)
    }

    private static func absolute(_ path: String) throws(ToolFault) -> String {
        guard let resolved = realpath(path, nil) else {
            throw ToolFault("\(path): \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Writes a small file and brings it to the device.
    func write(_ bytes: [UInt8], _ path: String) throws(StorageError) -> BackupManifest.File {
        let file = try storage.open(path, creating: true)
        defer { storage.close(file) }
        try storage.write(file, bytes: bytes.span, at: 0)
        try storage.synchronize(file)
        return BackupManifest.File(
            path: path, byteCount: Int64(bytes.count), checksum: CRC32C.checksum(bytes.span))
    }

    /// Copies the first `byteCount` bytes of a file, to the device.
    /// - Returns: what was copied; less than asked where the original ends before.
    func copy(
        _ path: String, byteCount: Int64, from source: any Storage, _ progress: any WorkProgress
    ) throws(StorageError) -> BackupManifest.File {
        let original = try source.open(path, creating: false)
        defer { source.close(original) }
        let file = try storage.open(path, creating: true)
        defer { storage.close(file) }
        try storage.truncate(file, to: 0)
        var copied = BackupManifest.File(path: path, byteCount: 0, checksum: 0)
        while copied.byteCount < byteCount {
            let count = Int(min(1 << 20, byteCount - copied.byteCount))
            let bytes = try source.bytes(original, at: copied.byteCount, count: count)
            guard !bytes.isEmpty else { break }
            try storage.write(file, bytes: bytes.span, at: copied.byteCount)
            copied.checksum = bytes.withUnsafeBytes { CRC32C.checksum($0, continuing: copied.checksum) }
            copied.byteCount += Int64(bytes.count)
            progress.advance(by: Int64(bytes.count))
        }
        try storage.synchronize(file)
        return copied
    }

    /// Makes the directories of a data directory.
    func makeDirectories(_ partitions: [InspectedPartition]) throws(StorageError) {
        for directory in ["meta", "journal", "streams"] + partitions.map(\.directory) {
            try storage.makeDirectory(directory)
        }
    }

    /// Brings every name in it to the device, and gives its lock back.
    func finish(_ partitions: [InspectedPartition]) throws(StorageError) {
        try storage.remove("lock")
        for directory in partitions.map(\.directory) + ["meta", "journal", "streams", ""] {
            try storage.synchronizeDirectory(directory)
        }
    }
}
