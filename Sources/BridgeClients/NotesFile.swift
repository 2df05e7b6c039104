import Bridging
import Glibc

/// A bridge's notes in a file, which the system keeps when the process is killed.
///
/// Isolation: one thread, the bridge's.
package final class NotesFile: BridgeNotebook {
    /// What a file may have: the notes of 2,048 partitions are 64 KiB.
    private static let byteCountMax = 4 << 20

    private let path: String
    private let report: (String) -> Void
    private var descriptor: Int32 = -1

    /// A file that is made, with its directory, when it is not there yet.
    /// - Parameters:
    ///   - bridge: the bridge's name, of which nothing in a path is special.
    ///   - report: is told, once, when notes cannot be kept.
    package init(directory: String, bridge: String, report: @escaping (String) -> Void) {
        path = "\(directory)/\(bridge).notes"
        self.report = report
        mkdir(directory, 0o750)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor < 0 { fail() }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// See `BridgeNotebook`.
    package func contents() -> [UInt8] {
        guard descriptor >= 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: Self.byteCountMax)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        if count < 0 { fail() }
        return Array(bytes.prefix(max(0, count)))
    }

    /// See `BridgeNotebook`.
    package func write(_ bytes: [UInt8], at byteIndex: Int) -> Bool {
        guard descriptor >= 0 else { return false }
        var count: Int
        repeat { count = pwrite(descriptor, bytes, bytes.count, off_t(byteIndex)) } while count < 0 && errno == EINTR
        if count != bytes.count { fail() }
        return count == bytes.count
    }

    private func fail() {
        report("its notes cannot be kept, '\(path)': \(String(cString: strerror(errno))); its window waits for the log")
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }
}
