import CLinux
import Glibc

/// An eventfd: one thread waits, another wakes it.
final class EventDescriptor: Sendable {
    private let file: Int32

    init() {
        file = sluice_eventfd()
        precondition(file >= 0, "eventfd: \(errno)")
    }

    deinit { close(file) }

    /// Wakes who waits, or will.
    func signal() {
        var one: UInt64 = 1
        _ = write(file, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits for a signal, or until the time is over.
    func wait(nanoseconds: Int64) {
        sluice_wait_readable(file, nanoseconds)
        var count: UInt64 = 0
        _ = read(file, &count, MemoryLayout<UInt64>.size)
    }
}
