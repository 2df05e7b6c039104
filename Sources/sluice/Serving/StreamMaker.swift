import CLinux
import CommitLogPosix
import Glibc
import LogInterface
import SluiceBroker

/// Makes streams of a running log, and waits for them.
///
/// Isolation: the main thread.
final class StreamMaker {
    private let log: LogRuntime
    private let answered: Int32
    private let loop: LoopID
    private var lastNumber: UInt64 = 0

    /// How long the log has for an answer, in nanoseconds; it is busy with housekeeping at worst.
    private static let patienceNanoseconds: Int64 = 10_000_000_000

    /// A maker of streams of `log`.
    init(_ log: LogRuntime) {
        self.log = log
        let answered = sluice_eventfd()
        precondition(answered >= 0, "eventfd: \(errno)")
        self.answered = answered
        loop = log.register(wake: {
            var one: UInt64 = 1
            _ = write(answered, &one, MemoryLayout<UInt64>.size)
        })
    }

    deinit { close(answered) }

    /// Makes a stream.
    /// - Returns: why it was not made; nil when it was.
    func make(_ settings: StreamSettings) -> String? {
        lastNumber += 1
        log.administer(.create(settings), number: lastNumber, for: loop)
        let deadline = MonotonicClock.nanoseconds() + Self.patienceNanoseconds
        while true {
            for (number, result) in log.takeAdministered(loop) where number == lastNumber {
                if case .failure(let fault) = result { return fault.words(for: settings.name) }
                return nil
            }
            guard MonotonicClock.nanoseconds() < deadline else { return "the log does not answer" }
            sluice_wait_readable(answered, max(0, deadline - MonotonicClock.nanoseconds()))
            var count: UInt64 = 0
            _ = read(answered, &count, MemoryLayout<UInt64>.size)
        }
    }
}
