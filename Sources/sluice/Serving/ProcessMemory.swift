import CLinux
import Glibc

/// The memory of this process, as the kernel counts it.
///
/// Isolation: any thread; asking is one system call, which reads no disk.
/// Source: proc_pid_statm(5).
final class ProcessMemory: Sendable {
    private let file = sluice_open("/proc/self/statm", O_RDONLY, 0)
    private let pageBytes = UInt64(sysconf(Int32(_SC_PAGESIZE)))

    deinit { if file >= 0 { close(file) } }

    /// Bytes that are resident and no file's: heap, stacks, buffers; nil where there is no /proc.
    var ownBytes: UInt64? { pages.map { ($0.resident - $0.shared) * pageBytes } }

    /// Bytes that are resident; nil where there is no /proc.
    var residentBytes: UInt64? { pages.map { $0.resident * pageBytes } }

    private var pages: (resident: UInt64, shared: UInt64)? {
        var text = [UInt8](repeating: 0, count: 128)
        let count = pread(file, &text, text.count, 0)
        guard count > 0 else { return nil }
        let words = text[..<count].split { $0 <= 0x20 }.map { UInt64(String(decoding: $0, as: UTF8.self)) ?? 0 }
        guard words.count > 2, words[1] >= words[2] else { return nil }
        return (words[1], words[2])
    }
}
