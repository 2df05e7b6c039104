import CLinux
import CommitLogPosix
import EventLoop
import Glibc
import SluiceConfiguration
import SluiceCore
import SluiceNode
import Synchronization

/// Who runs the process as a service, and is told how it does: systemd, or whoever else has given it a socket.
///
/// While it runs it says that it is alive as long as every event loop goes round: clients of one that hangs get
/// nothing, and the process is started anew.
/// Isolation: the main thread.
/// Source: sd_notify(3), sd_watchdog_enabled(3).
final class Supervisor {
    /// Where it is told; nil for nobody.
    private let socket: String?
    /// How often it wants to hear that all is well, in nanoseconds.
    private let patience: Int64?
    private let server: BrokerNode
    private let wake = EventDescriptor()
    private let flag = Flag()
    private var thread: LoopThread?

    // Sendable: an atomic.
    private final class Flag: Sendable { let isStopping = Atomic<Bool>(false) }

    /// The supervisor that the environment names, if it does.
    init(_ server: BrokerNode) {
        self.server = server
        socket = Self.variable("NOTIFY_SOCKET")
        let isMeant = Self.variable("WATCHDOG_PID").map { $0 == String(getpid()) } ?? true
        patience = Self.variable("WATCHDOG_USEC").flatMap { Int64($0) }.flatMap { isMeant && $0 > 0 ? $0 * 1000 : nil }
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func tell(_ socket: String?, _ text: String) {
        guard let socket, sluice_notify(socket, text) != 0 else { return }
        let reason = String(cString: strerror(errno))
        Console.log(
            .supervisorUntold, "the supervisor at \(socket, as: .path) is not told: \(reason, as: .reason)")
    }

    // MARK: Events

    /// Every listener accepts.
    func ready() {
        Self.tell(socket, "READY=1")
        watch()
    }

    /// The configuration is read again by `body`.
    func reload(_ body: () -> Void) {
        Self.tell(socket, "RELOADING=1\nMONOTONIC_USEC=\(MonotonicClock.nanoseconds() / 1000)")
        body()
        Self.tell(socket, "READY=1")
    }

    /// No connection is accepted any more.
    func stopping() {
        flag.isStopping.store(true, ordering: .relaxed)
        wake.signal()
        thread?.join()
        thread = nil
        Self.tell(socket, "STOPPING=1")
    }

    /// Says three times in the time that all is well, when it is.
    private func watch() {
        guard let socket, let patience else { return }
        let (wake, flag, loops) = (wake, flag, server.loopProgress)
        thread = LoopThread(name: "watchdog") {
            var former: [UInt64] = []
            while !flag.isStopping.load(ordering: .relaxed) {
                let current = loops()
                if zip(former, current).allSatisfy({ $0 != $1 }) { Self.tell(socket, "WATCHDOG=1") }
                former = current
                wake.wait(nanoseconds: patience / 3)
            }
        }
    }
}
