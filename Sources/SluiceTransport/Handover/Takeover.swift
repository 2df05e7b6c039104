import CLinux
import Glibc

/// The taking over of a running process's listening sockets, seen from the one that takes them.
///
/// Isolation: the main thread.
package final class Takeover {
    /// The sockets that the other process had.
    package let sockets: [InheritedSocket]
    private let channel: Int32

    /// Seconds that the other process has for its answer, which it gives between two connections.
    private static let answerSeconds: Int64 = 30
    /// Seconds that it has to bring everything to disk and to end.
    private static let endSeconds: Int64 = 600

    /// Asks the process that runs on `directory` for its listening sockets, and has it stop.
    /// - Returns: nil when none runs there that can be asked.
    /// - Throws: `ListenError` when it does not answer.
    package static func ask(_ directory: String) throws(ListenError) -> Takeover? {
        let channel = sluice_ask_mailbox(directory, HandoverMessage.mailbox, HandoverMessage.request)
        guard channel >= 0 else {
            // No directory or no mailbox; or one that nobody reads any more.
            if errno == ENOENT || errno == ECONNREFUSED { return nil }
            throw ListenError(
                description:
                    "the process that runs on '\(directory)' cannot be asked: \(String(cString: strerror(errno)))")
        }
        return try Takeover(channel)
    }

    private init(_ channel: Int32) throws(ListenError) {
        self.channel = channel
        _ = sluice_wait_at_most(channel, Self.answerSeconds)
        guard let (text, received) = HandoverMessage.receive(channel), !text.isEmpty else {
            throw ListenError(description: "the running process does not hand over its listening sockets")
        }
        let lines = text.split(separator: "\n")
        guard lines.count == received.count else {
            for socket in received { Glibc.close(socket) }
            throw ListenError(description: "the running process hands over what is not understood: \(text)")
        }
        sockets = zip(lines, received).compactMap { line, socket in
            let words = line.split(separator: " ")
            return InheritedSocket(
                name: String(words.first ?? ""), isPinned: words.last == "pinned", socket: socket)
        }
    }

    deinit { Glibc.close(channel) }

    /// Waits until the other process has ended.
    /// - Throws: `ListenError` when it takes too long.
    package func waitForEnd() throws(ListenError) {
        _ = sluice_wait_at_most(channel, Self.endSeconds)
        // An error other than the time's is the end too: the other side is gone.
        if HandoverMessage.receive(channel) == nil, errno == EAGAIN {
            throw ListenError(
                description: "the process that was asked to stop has not ended after \(Self.endSeconds) seconds")
        }
    }
}
