import CommitLog
import LogInterface
import SluiceCore

/// Journal files between the flusher, which prepares them and makes full ones superfluous, and the journal thread,
/// which fills them.
///
/// Invariants: a file is in one place: prepared, written by the journal thread, or full; prepared and full ones are in
/// the order of their numbers.
/// Isolation: every call is made with the log's lock held.
// Sendable: as above.
final class JournalShelf: @unchecked Sendable {
    /// Full files from which a checkpoint frees them all: with 64 MiB each, a recovery reads at most 320 MiB.
    static let fullCountMax = 4
    /// Files that there can be: the one that is written, the full ones that a checkpoint takes, one at hand.
    private static let countMax = 1 + fullCountMax + 1

    /// Where the journal thread waits for a prepared file.
    let ready: Monitor.Condition
    private var spares: [JournalWriter.File] = []
    private var full: [JournalWriter.File] = []
    /// Whether the journal thread writes no more.
    private(set) var isWriterDone = false
    /// Whether no file will be prepared any more.
    private(set) var isMakerDone = false

    init(_ shared: SharedLog) {
        ready = Monitor.Condition(shared.monitor)
        shared.signalOnPoison(ready)
    }

    // MARK: The flusher

    /// Whether there is a prepared file.
    var hasSpare: Bool { !spares.isEmpty }

    /// Puts prepared files on the shelf.
    func offer(_ files: [JournalWriter.File]) {
        for file in files {
            if let last = spares.last { precondition(last.number < file.number) }
            spares.append(file)
        }
        ready.signal()
    }

    /// Full files that a later durable group lies behind, so that they may go when everything is flushed.
    func full(behind durable: LSN) -> [JournalWriter.File] { Array(full.prefix { $0.lastLSN < durable }) }

    /// The oldest full files are made superfluous.
    func removeFull(_ count: Int) { full.removeFirst(count) }

    /// No file will be prepared any more.
    func makerIsDone() {
        isMakerDone = true
        ready.signal()
    }

    // MARK: The journal thread

    /// The next prepared file.
    func takeSpare() -> JournalWriter.File? { spares.isEmpty ? nil : spares.removeFirst() }

    /// Leaves a file that is full.
    func leave(_ file: JournalWriter.File) {
        if let last = full.last { precondition(last.number < file.number) }
        full.append(file)
    }

    /// The journal thread writes no more.
    func writerIsDone() { isWriterDone = true }

    // MARK: Space

    /// The number of files that there are or can be.
    var countMax: Int { max(Self.countMax, 1 + spares.count + full.count) }
}
