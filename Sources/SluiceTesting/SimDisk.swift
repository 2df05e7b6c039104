package import CommitLog
import Synchronization

/// A disk in memory that can crash, fail and run full, all of it following from seeds.
///
/// What "completed" promises is what `Storage` says and no more: a power cut loses, tears or keeps each unsynchronised
/// write by itself, and drops directory operations that were not synchronised. A process kill keeps all that was
/// written, and what was not synchronised is still at risk in the next power cut.
/// Isolation: any thread; one lock around the whole disk.
package final class SimDisk: Storage {
    /// Writes are atomic in units of this, and not beyond.
    package static let sectorByteCount = 512

    /// A call that changes the disk, as the trace has it.
    package struct Event: Sendable, Equatable {
        /// What was called.
        package var operation: StorageError.Operation
        /// The file or directory.
        package var path: String
    }

    let world = Mutex(World())

    /// An empty disk.
    package init() {}

    // MARK: Storage

    /// See `Storage`.
    package func open(_ path: String, creating: Bool) throws(StorageError) -> FileID {
        try world.withLock { world throws(StorageError) in try world.open(path, creating: creating) }
    }

    /// See `Storage`.
    package func close(_ file: FileID) { world.withLock { $0.close(file) } }

    /// See `Storage`.
    package func byteCount(_ file: FileID) throws(StorageError) -> Int64 {
        try world.withLock { world throws(StorageError) in Int64(try world.content(of: file, .size).count) }
    }

    /// See `Storage`.
    package func read(
        _ file: FileID, into memory: UnsafeMutableRawBufferPointer, at position: Int64
    ) throws(StorageError) -> Int {
        try world.withLock { world throws(StorageError) in
            try world.fault(.read, world.path(of: file))
            let content = try world.content(of: file, .read)
            let count = max(0, min(memory.count, content.count - Int(position)))
            guard count > 0 else { return 0 }
            content.withUnsafeBytes { source in
                memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[Int(position)..<Int(position) + count]))
            }
            return count
        }
    }

    /// See `Storage`.
    package func write(
        _ file: FileID, _ pieces: [UnsafeRawBufferPointer], at position: Int64
    ) throws(StorageError) {
        var bytes: [UInt8] = []
        for piece in pieces { bytes.append(contentsOf: piece) }
        try world.withLock { world throws(StorageError) in try world.write(file, bytes, at: Int(position)) }
    }

    /// See `Storage`.
    package func synchronize(_ file: FileID) throws(StorageError) {
        try world.withLock { world throws(StorageError) in try world.synchronize(file) }
    }

    /// See `Storage`.
    package func refresh(_ file: FileID) throws(StorageError) {
        try world.withLock { world throws(StorageError) in
            let index = try world.index(of: file, .read)
            world.files[index].refresh()
        }
    }

    /// See `Storage`.
    package func synchronizeDirectory(_ path: String) throws(StorageError) {
        try world.withLock { world throws(StorageError) in try world.synchronizeDirectory(path) }
    }

    /// See `Storage`.
    package func truncate(_ file: FileID, to byteCount: Int64) throws(StorageError) {
        try world.withLock { world throws(StorageError) in try world.truncate(file, to: Int(byteCount)) }
    }

    /// See `Storage`.
    package func preallocate(_ file: FileID, byteCount: Int64) throws(StorageError) {
        let zeros = [UInt8](repeating: 0, count: Int(byteCount))
        try world.withLock { world throws(StorageError) in try world.write(file, zeros, at: 0, as: .preallocate) }
    }

    /// See `Storage`.
    package func list(_ path: String) throws(StorageError) -> [String] {
        try world.withLock { world throws(StorageError) in try world.list(path) }
    }

    /// See `Storage`.
    package func makeDirectory(_ path: String) throws(StorageError) {
        try world.withLock { world throws(StorageError) in try world.makeDirectory(path) }
    }

    /// See `Storage`.
    package func rename(_ path: String, to newPath: String) throws(StorageError) {
        try world.withLock { world throws(StorageError) in try world.rename(path, to: newPath) }
    }

    /// See `Storage`.
    package func remove(_ path: String) throws(StorageError) {
        try world.withLock { world throws(StorageError) in try world.remove(path) }
    }

    /// See `Storage`.
    package func removeDirectory(_ path: String) throws(StorageError) {
        try world.withLock { world throws(StorageError) in try world.removeDirectory(path) }
    }

    /// See `Storage`; of the whole disk, whichever directory is asked for.
    package func usedByteCount(_ directory: String) throws(StorageError) -> Int64 {
        world.withLock { Int64($0.usedByteCount) }
    }
}

/// The calls, with the disk's lock held.
extension SimDisk.World {
    mutating func open(_ path: String, creating: Bool) throws(StorageError) -> FileID {
        try checkRunning(.open, path)
        let (directory, name) = Self.split(path)
        guard isThere(directory) else { throw Self.missing(.open, path) }
        if case .file(let index)? = directories[directory]?.shown[name] { return hand(out: index, path) }
        guard creating else { throw Self.missing(.open, path) }
        try step(.open, path)
        files.append(SimFile())
        directories[directory]?.apply(.add(name, .file(files.count - 1)))
        return hand(out: files.count - 1, path)
    }

    private mutating func hand(out index: Int, _ path: String) -> FileID {
        nextHandle += 1
        handles[nextHandle] = (index, path)
        return FileID(rawValue: nextHandle)
    }

    mutating func close(_ file: FileID) { handles[file.rawValue] = nil }

    func path(of file: FileID) -> String { handles[file.rawValue]?.path ?? "closed file \(file.rawValue)" }

    func index(of file: FileID, _ operation: StorageError.Operation) throws(StorageError) -> Int {
        try checkRunning(operation, path(of: file))
        guard let handle = handles[file.rawValue] else {
            throw StorageError(operation, path(of: file), code: 9, reason: "bad file descriptor")
        }
        return handle.index
    }

    func content(of file: FileID, _ operation: StorageError.Operation) throws(StorageError) -> [UInt8] {
        files[try index(of: file, operation)].shown
    }

    mutating func write(
        _ file: FileID, _ bytes: [UInt8], at position: Int, as operation: StorageError.Operation = .write
    ) throws(StorageError) {
        let index = try index(of: file, operation)
        let path = path(of: file)
        do throws(StorageError) {
            try step(operation, path)
        } catch {
            // A call that is cut short has got somewhere.
            let count = random.below(bytes.count + 1)
            if error.code == SimDisk.stoppedCode, count > 0 { files[index].write(Array(bytes[..<count]), at: position) }
            throw error
        }
        let room = spaceLeft.map { $0 - usedByteCount + files[index].shown.count } ?? Int.max
        guard position + bytes.count <= max(room, files[index].shown.count) else {
            let count = min(bytes.count, max(0, room - position))
            if count > 0 { files[index].write(Array(bytes[..<count]), at: position) }
            throw StorageError(operation, path, code: 28, reason: "no space left on device")
        }
        files[index].write(bytes, at: position)
    }

    var usedByteCount: Int {
        directories.values.reduce(0) { sum, directory in
            directory.shown.values.reduce(sum) { sum, entry in
                guard case .file(let index) = entry else { return sum }
                return sum + files[index].shown.count
            }
        }
    }

    mutating func synchronize(_ file: FileID) throws(StorageError) {
        let index = try index(of: file, .synchronize)
        do throws(StorageError) {
            try step(.synchronize, path(of: file))
        } catch {
            if error.code != SimDisk.stoppedCode { files[index].dropDirty() }
            throw error
        }
        if !lies.contains(.synchronize) { files[index].synchronize() }
    }

    mutating func synchronizeDirectory(_ path: String) throws(StorageError) {
        guard isThere(path) else { throw Self.missing(.synchronizeDirectory, path) }
        do throws(StorageError) {
            try step(.synchronizeDirectory, path)
        } catch {
            if error.code != SimDisk.stoppedCode { directories[path]?.dropDirty() }
            throw error
        }
        if !lies.contains(.synchronizeDirectory) { directories[path]?.synchronize() }
    }

    mutating func truncate(_ file: FileID, to byteCount: Int) throws(StorageError) {
        let index = try index(of: file, .truncate)
        // Nothing changes, nothing is dirty.
        guard files[index].shown.count != byteCount else { return }
        try step(.truncate, path(of: file))
        files[index].resize(to: byteCount)
    }

    func list(_ path: String) throws(StorageError) -> [String] {
        try checkRunning(.list, path)
        // Sorted by a hash, so that nobody relies on an order and a run still repeats.
        return (directories[path]?.shown.keys).map { $0.sorted { String($0.reversed()) > String($1.reversed()) } } ?? []
    }

    mutating func makeDirectory(_ path: String) throws(StorageError) {
        try checkRunning(.makeDirectory, path)
        let (parent, name) = Self.split(path)
        guard directories[parent] != nil else { throw Self.missing(.makeDirectory, path) }
        guard directories[parent]?.shown[name] == nil else { return }
        try step(.makeDirectory, path)
        directories[parent]?.apply(.add(name, .directory))
        directories[path] = SimDirectory()
    }

    mutating func rename(_ path: String, to newPath: String) throws(StorageError) {
        try step(.rename, path)
        let (directory, name) = Self.split(path)
        let (target, newName) = Self.split(newPath)
        precondition(directory == target, "Cannot rename across directories")
        guard directories[directory]?.shown[name] != nil else { throw Self.missing(.rename, path) }
        directories[directory]?.apply(.rename(name, newName))
    }

    mutating func remove(_ path: String) throws(StorageError) {
        try checkRunning(.remove, path)
        let (directory, name) = Self.split(path)
        guard directories[directory]?.shown[name] != nil else { return }
        try step(.remove, path)
        directories[directory]?.apply(.remove(name))
    }

    /// What is in it on the device stays there until its name is gone from there, too.
    mutating func removeDirectory(_ path: String) throws(StorageError) {
        try checkRunning(.remove, path)
        let (parent, name) = Self.split(path)
        guard directories[parent]?.shown[name] != nil, let directory = directories[path] else { return }
        guard directory.shown.isEmpty else {
            throw StorageError(.remove, path, code: 39, reason: "directory not empty")
        }
        try step(.remove, path)
        directories[parent]?.apply(.remove(name))
    }

    /// Whether there is such a directory, and not only what it had when it was removed.
    private func isThere(_ path: String) -> Bool {
        guard directories[path] != nil, path != "" else { return path == "" }
        let (parent, name) = Self.split(path)
        return directories[parent]?.shown[name] == .directory
    }

    static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    static func missing(_ operation: StorageError.Operation, _ path: String) -> StorageError {
        StorageError(operation, path, code: 2, reason: "no such file or directory")
    }
}
