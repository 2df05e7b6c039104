import Glibc
import LogTools

/// Standard output in large writes, and what is known of the terminal.
///
/// Isolation: the command's thread.
final class StandardOutput: LineOutput {
    private var buffer: [UInt8] = []
    /// Whether somebody reads along, so that each line goes out at once.
    private let isLive: Bool

    /// Whether standard output is a terminal.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    /// Whether standard error is a terminal: then long work shows its progress there.
    static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    init() { isLive = Self.isTerminal }

    deinit { flush() }

    /// Writes a line.
    func line(_ text: String) {
        buffer += text.utf8
        buffer.append(UInt8(ascii: "\n"))
        if isLive || buffer.count > 64 << 10 { flush() }
    }

    /// Writes what has gathered. A reader that is gone ends the process by SIGPIPE, as in any pipeline.
    func flush() {
        FileBytes.write(buffer, to: STDOUT_FILENO)
        buffer.removeAll(keepingCapacity: true)
    }
}

/// Files and descriptors as bytes.
enum FileBytes {
    /// Writes all of `bytes`, as far as the descriptor takes them.
    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        bytes.withUnsafeBytes { view in
            var done = 0
            while done < view.count, let base = view.baseAddress {
                let count = Glibc.write(descriptor, base + done, view.count - done)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                done += count
            }
        }
    }

    /// The whole file at `path`.
    /// - Throws: `CommandFailure` with the system's reason, or when it is longer than `byteCountMax`.
    static func contents(of path: String, byteCountMax: Int) throws(CommandFailure) -> [UInt8] {
        guard let file = fopen(path, "re") else {
            throw CommandFailure("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk.prefix(count)
            guard bytes.count <= byteCountMax else {
                throw CommandFailure("\(path) has more than \(byteCountMax) bytes")
            }
        }
        if ferror(file) != 0 { throw CommandFailure("cannot read \(path): \(String(cString: strerror(errno)))") }
        return bytes
    }
}

/// The environment that the process was started with.
enum Environment {
    /// The variables by name. From the kernel: the C library's `environ` is a mutable global, which Swift 6 refuses.
    static func variables() throws(CommandFailure) -> [String: String] {
        var variables: [String: String] = [:]
        for entry in try FileBytes.contents(of: "/proc/self/environ", byteCountMax: 16 << 20).split(separator: 0) {
            let parts = entry.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            variables[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
        }
        return variables
    }
}
