import CommitLogPosix
import Glibc
import LogTools

/// How far long work has come, on a terminal's last line.
///
/// Isolation: the command's thread.
final class Progress: WorkProgress {
    private let title: String
    private let total: Int64
    private let countsBytes: Bool
    private var done: Int64 = 0
    private var shownAt = MonotonicClock.nanoseconds()
    private var isShown = false
    private let isWanted = StandardOutput.errorIsTerminal

    /// - Parameter countsBytes: whether what is done is bytes, else it is a plain number; 0 as total says nothing of
    ///   the end.
    init(_ title: String, total: Int64, countsBytes: Bool = true) {
        self.title = title
        self.countsBytes = countsBytes
        self.total = total
    }

    /// As the tools of the log want one made.
    static func make(_ title: String, _ total: Int64) -> any WorkProgress { Progress(title, total: total) }

    deinit { clear() }

    /// Notes that `count` more bytes are done.
    func advance(by count: Int64) {
        done += count
        let now = MonotonicClock.nanoseconds()
        // Work that is done in the blink of an eye needs no line.
        guard isWanted, now - shownAt > 200_000_000 else { return }
        shownAt = now
        isShown = true
        let percent = total > 0 ? " \(min(100, done * 100 / total)) %" : ""
        let (done, total) =
            countsBytes ? (Readable.bytes(done), Readable.bytes(total)) : (String(done), String(total))
        let end = self.total > 0 ? " of \(total)" : ""
        write("\r\u{1B}[K\(title)\(percent)  \(done)\(end)")
    }

    /// Notes that `done` are done in all.
    func reach(_ done: Int64) { advance(by: done - self.done) }

    /// Takes the line away.
    func clear() {
        if isShown { write("\r\u{1B}[K") }
        isShown = false
    }

    private func write(_ text: String) { FileBytes.write(Array(text.utf8), to: STDERR_FILENO) }
}
