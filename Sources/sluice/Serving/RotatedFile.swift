import Glibc

/// A file that lines are appended to, of a bounded size, with so many before it: `PATH.1` is the newest of those.
///
/// Invariants: at most `keptCount` full files, and one that is not.
/// Isolation: one thread's.
struct RotatedFile: ~Copyable {
    /// Why a line is not in the file.
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ operation: String, _ path: String) {
            description = "cannot \(operation) \(path): \(String(cString: strerror(errno)))"
        }
    }

    let path: String
    private let byteCountMax: Int
    private let keptCount: Int
    private var descriptor: Int32 = -1
    private var byteCount = 0
    /// Whether the last line is there in part only.
    private var isTorn = false

    init(_ path: String, byteCountMax: Int, keptCount: Int) {
        self.path = path
        self.byteCountMax = byteCountMax
        self.keptCount = keptCount
    }

    deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

    /// Closes the file, so that the next line goes to the one that has its name then.
    mutating func reopen() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Appends a line, to another file when this one is full.
    mutating func append(_ line: [UInt8]) throws(Failure) {
        try open()
        if byteCount > 0, byteCount + line.count > byteCountMax { try rotate() }
        // What is torn ends its line, so that the next one is whole.
        let bytes = (isTorn ? [0x0A] : []) + line
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard count == bytes.count else {
            if count > 0 {
                isTorn = true
                byteCount += count
                errno = ENOSPC
            }
            throw Failure("write", path)
        }
        isTorn = false
        byteCount += count
    }

    private mutating func open() throws(Failure) {
        guard descriptor < 0 else { return }
        descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o600)
        guard descriptor >= 0 else { throw Failure("open", path) }
        var status = stat()
        byteCount = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    private mutating func rotate() throws(Failure) {
        reopen()
        if keptCount == 0 {
            guard unlink(path) == 0 || errno == ENOENT else { throw Failure("remove", path) }
        }
        for number in (0..<keptCount).reversed() {
            let name = number == 0 ? path : "\(path).\(number)"
            guard rename(name, "\(path).\(number + 1)") == 0 || errno == ENOENT else { throw Failure("rename", name) }
        }
        try open()
    }
}
