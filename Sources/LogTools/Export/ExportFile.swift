import Administration
import CommitLogPosix
import Glibc

/// A file that is written under another name until it is whole, and that an export which is cut short goes on with.
///
/// Beside `FILE` there are `FILE.partial`, what has been written, and `FILE.progress`, how far it counts; both are gone
/// when `FILE` appears. What is in `FILE.partial` behind that is cut off before it is gone on with.
package final class ExportFile: LineOutput {
    /// How far an export has come.
    package struct Checkpoint: Equatable, Sendable {
        /// What was asked for, in words.
        package var request: String
        /// The time that relative times were read at, in milliseconds since 1970.
        package var now: Int64
        /// The partition that is being read, by its directory's name; empty before the first.
        var partition = ""
        /// The offset in it that comes next.
        var offset: Int64 = 0
        /// Records that are written.
        var recordCount = 0
        /// Bytes that are written.
        var byteCount: Int64 = 0

        /// The beginning of an export.
        package init(request: String, now: Int64) {
            self.request = request
            self.now = now
        }
    }

    private let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var failure: ToolFault?
    /// How far it is.
    private(set) var checkpoint: Checkpoint
    private var notedByteCount: Int64 = 0

    private static let bufferByteCount = 256 << 10
    /// Bytes between two notes of how far it is; what a crash costs at most.
    private static let noteByteCount: Int64 = 8 << 20

    private var partial: String { path + ".partial" }
    private static func progress(_ path: String) -> String { path + ".progress" }

    // MARK: Beginning

    /// How far an export to `path` came that was cut short; nil for none.
    package static func unfinished(_ path: String) -> Checkpoint? {
        guard let bytes = contents(progress(path)), let json = JSONReader.read(bytes),
            let request = json["request"]?.text,
            let now = json["now"]?.integer, let partition = json["partition"]?.text,
            let offset = json["offset"]?.integer, let records = json["records"]?.integer,
            let byteCount = json["bytes"]?.integer, access(path + ".partial", W_OK) == 0
        else { return nil }
        var checkpoint = Checkpoint(request: request, now: now)
        checkpoint.partition = partition
        checkpoint.offset = offset
        checkpoint.recordCount = Int(records)
        checkpoint.byteCount = byteCount
        return checkpoint
    }

    /// Begins a file, or goes on with one.
    /// - Parameter checkpoint: how far it is; what was written behind that is cut off.
    /// - Throws: `ToolFault` with the system's reason.
    package init(_ path: String, at checkpoint: Checkpoint) throws(ToolFault) {
        self.path = path
        self.checkpoint = checkpoint
        notedByteCount = checkpoint.byteCount
        let name = path + ".partial"
        descriptor = Glibc.open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw Self.fault("cannot write", name) }
        var status = stat()
        let isCut =
            fstat(descriptor, &status) == 0 && Int64(status.st_size) >= checkpoint.byteCount
            && ftruncate(descriptor, off_t(checkpoint.byteCount)) == 0
            && lseek(descriptor, off_t(checkpoint.byteCount), SEEK_SET) >= 0
        guard isCut else {
            close(descriptor)
            throw Self.fault("cannot go on with", name)
        }
    }

    deinit { close(descriptor) }

    // MARK: Writing

    /// See `LineOutput`.
    package func line(_ text: String) {
        buffer += text.utf8
        buffer.append(UInt8(ascii: "\n"))
        checkpoint.byteCount += Int64(text.utf8.count) + 1
        if buffer.count >= Self.bufferByteCount { flush() }
    }

    /// See `LineOutput`.
    package func flush() {
        var done = 0
        while done < buffer.count, failure == nil {
            let count = buffer.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { failure = Self.fault("cannot write", partial) }
            done += max(count, 0)
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Notes that everything before an offset of a partition is written, when enough has been since the last time.
    /// - Throws: `ToolFault` when something could not be written.
    func reached(partition: String, offset: Int64, recordCount: Int) throws(ToolFault) {
        checkpoint.partition = partition
        checkpoint.offset = offset
        checkpoint.recordCount = recordCount
        if let failure { throw failure }
        guard checkpoint.byteCount - notedByteCount >= Self.noteByteCount else { return }
        try note()
    }

    /// Writes everything, and how far it is.
    func note() throws(ToolFault) {
        flush()
        if let failure { throw failure }
        // The note must not say more than the device has.
        guard fdatasync(descriptor) == 0 else { throw Self.fault("cannot write", partial) }
        let json = JSON.members([
            "request": .string(checkpoint.request), "now": .integer(checkpoint.now),
            "partition": .string(checkpoint.partition), "offset": .integer(checkpoint.offset),
            "records": .integer(Int64(checkpoint.recordCount)), "bytes": .integer(checkpoint.byteCount),
        ])
        let name = Self.progress(path)
        try Self.write(Array((json.compact + "\n").utf8), to: name + ".new")
        guard rename(name + ".new", name) == 0 else { throw Self.fault("cannot write", name) }
        notedByteCount = checkpoint.byteCount
    }

    /// Gives the file its name.
    /// - Throws: `ToolFault` with the system's reason; everything is then as it was.
    func finish() throws(ToolFault) {
        flush()
        if let failure { throw failure }
        guard fsync(descriptor) == 0 else { throw Self.fault("cannot write", partial) }
        guard rename(partial, path) == 0 else { throw Self.fault("cannot write", path) }
        if unlink(Self.progress(path)) != 0 && errno != ENOENT {
            throw Self.fault("cannot remove", Self.progress(path))
        }
    }

    // MARK: Files

    private static func fault(_ what: String, _ path: String) -> ToolFault {
        ToolFault("\(what) \(path): \(String(cString: strerror(errno)))")
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(ToolFault) {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw fault("cannot write", path) }
        defer { close(descriptor) }
        guard bytes.withUnsafeBytes({ Glibc.write(descriptor, $0.baseAddress, $0.count) }) == bytes.count,
            fdatasync(descriptor) == 0
        else { throw fault("cannot write", path) }
    }

    private static func contents(_ path: String) -> [UInt8]? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }
}
