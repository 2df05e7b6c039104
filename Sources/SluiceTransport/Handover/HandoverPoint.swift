import CLinux
import EventLoop
import Glibc
import SluiceCore

/// Where another process of the same user asks for the listening sockets: a mailbox in the data directory.
///
/// Isolation: the loop of the server that has it.
final class HandoverPoint: ReadinessTarget {
    /// A socket that can be given away.
    struct Offer {
        /// Its listener's name.
        var name: String
        /// See `InheritedSocket`.
        var isPinned: Bool
        /// The socket.
        var socket: Int32
    }

    private let mailbox: Int32
    private let directory: String
    private let report: (LogEvent, LogWords) -> Void
    private let offers: () -> [Offer]
    private let given: () -> Void
    private var watcher: ReadinessWatcher?

    /// A mailbox in `directory`.
    /// - Parameters:
    ///   - offers: what there is to give away.
    ///   - given: called when it is given away.
    /// - Returns: nil and `errno` when the directory can have none.
    init?(
        _ loop: Loop, in directory: String, report: @escaping (LogEvent, LogWords) -> Void,
        offers: @escaping () -> [Offer], given: @escaping () -> Void
    ) {
        self.directory = directory
        self.report = report
        self.offers = offers
        self.given = given
        mailbox = sluice_bind_mailbox(directory, HandoverMessage.mailbox)
        guard mailbox >= 0 else { return nil }
        watcher = ReadinessWatcher(loop, socket: mailbox, target: self)
        watcher?.want(readable: true, writable: false)
    }

    deinit { if mailbox >= 0 { Glibc.close(mailbox) } }

    /// Nobody gets anything any more.
    func close() {
        guard watcher != nil else { return }
        watcher?.close()
        watcher = nil
        unlink("\(directory)/\(HandoverMessage.mailbox)")
    }

    /// Somebody asks.
    func ready(readable: Bool, writable: Bool) {
        guard readable, let (text, sockets) = HandoverMessage.receive(mailbox) else { return }
        guard text == HandoverMessage.request, let answer = sockets.first, sockets.count == 1 else {
            for socket in sockets { Glibc.close(socket) }
            return report(
                .handoverMisunderstood,
                "what came to the mailbox '\(HandoverMessage.mailbox, as: .path)' is not understood")
        }
        let offers = offers()
        let lines = offers.map { "\($0.name) \($0.isPinned ? "pinned" : "own")" }
        let process = sluice_peer_process(answer)
        guard sluice_send_sockets(answer, lines.joined(separator: "\n"), offers.map(\.socket), offers.count) == 0
        else {
            let reason = String(cString: strerror(errno))
            Glibc.close(answer)
            return report(
                .handoverFailed,
                "process \(process, as: .process) does not get the listening sockets: \(reason, as: .reason)")
        }
        report(.handoverDone, "process \(process, as: .process) takes over; it has the listening sockets")
        // `answer` stays open: that it closes tells the other process that this one has ended, and with it its hold
        // on the data directory.
        close()
        given()
    }
}
