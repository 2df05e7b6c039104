import CommitLog
import LogInterface
import SluiceCore

/// Journal files between the flusher, which prepares them and makes full ones superfluous, and the journal thread,
/// which fills them.
///
/// Invariants: a file is in one place: prepared, written by the journal thread, full, or with the flusher; prepared and
/// full ones are in the order of their numbers.
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
    /// The number of the file that is written.
    private var currentNumber: UInt64
    private var scrub = Scrub.none

    /// How far files are with being overwritten.
    private enum Scrub: Equatable {
        /// None has to be.
        case none
        /// All that there are have to be.
        case asked
        /// Those with smaller numbers have to be, and those that are recycled meanwhile are.
        case begun(before: UInt64)
        /// All were.
        case done
    }

    /// - Parameter number: the file that the journal thread begins with.
    init(_ shared: SharedLog, writing number: UInt64) {
        currentNumber = number
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

    /// Leaves a file that is full, for the one with this number.
    func leave(_ file: JournalWriter.File, for number: UInt64) {
        if let last = full.last { precondition(last.number < file.number) }
        full.append(file)
        currentNumber = number
    }

    /// The journal thread writes no more.
    func writerIsDone() { isWriterDone = true }

    // MARK: Overwriting

    /// Asks for every file that there is now to be overwritten, as soon as nothing needs it.
    func askScrub() { scrub = .asked }

    /// Whether files are being overwritten, which begins with this call where it was asked for.
    /// - Parameter end: the number of the next file that is made or recycled.
    func isScrubbing(before end: UInt64) -> Bool {
        if scrub == .asked { scrub = .begun(before: end) }
        if case .begun = scrub { return true }
        return false
    }

    /// Whether the file that is written is to be left, though it is not full, since it has to be overwritten.
    var isCurrentUnwanted: Bool {
        guard case .begun(let end) = scrub else { return false }
        return currentNumber < end && hasSpare
    }

    /// Whether the flusher has something to do about files that are to be overwritten.
    func hasScrubWork(behind durable: LSN) -> Bool {
        switch scrub {
        case .none, .done: false
        case .asked: true
        case .begun: !full(behind: durable).isEmpty || staleSpareCount > 0 || isScrubbed
        }
    }

    /// Prepared files that have to be overwritten, if there is another to go on in.
    private var staleSpareCount: Int {
        guard case .begun(let end) = scrub, let last = spares.last, last.number >= end else { return 0 }
        return spares.prefix { $0.number < end }.count
    }

    /// Takes prepared files away that have to be overwritten.
    func takeStaleSpares() -> [JournalWriter.File] {
        let taken = Array(spares.prefix(staleSpareCount))
        spares.removeFirst(taken.count)
        return taken
    }

    private var isScrubbed: Bool {
        guard case .begun(let end) = scrub else { return false }
        return currentNumber >= end && (full + spares).allSatisfy { $0.number >= end }
    }

    /// Notes that all were overwritten, if that is so; the caller has none of them.
    func endScrub() { if isScrubbed { scrub = .done } }

    /// Whether all were, since it was asked for.
    func takeScrubbed() -> Bool {
        guard scrub == .done else { return false }
        scrub = .none
        return true
    }

    // MARK: Space

    /// The number of files that there are or can be.
    var countMax: Int { max(Self.countMax, 1 + spares.count + full.count) }
}
