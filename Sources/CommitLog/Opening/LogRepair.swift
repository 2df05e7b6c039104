import LogInterface
import SluiceCore

/// Puts a data directory right that no broker uses: what an opening does, and what it leaves alone because it would
/// have to read everything.
///
/// A damaged segment is set aside as `.log.damaged` and rewritten without the damage; offsets do not move. Indexes
/// that do not fit are made anew. Every step can be repeated.
/// Isolation: one thread, with the directory's lock held.
package struct LogRepair {
    private static let formatPath = "meta/format"

    private let storage: any Storage
    private let makeID: () -> String
    /// What was found and done.
    package private(set) var findings: [RecoveryFinding] = []

    /// The repair of the directory behind `storage`; `makeID` makes random stream identifiers.
    package init(storage: any Storage, makeID: @escaping () -> String) {
        self.storage = storage
        self.makeID = makeID
    }

    /// Does all of it.
    /// - Parameter advance: told of the bytes of segments that were looked at.
    /// - Throws: `StorageError`, operation `format` when the directory is of another format version.
    package mutating func run(advance: (Int64) -> Void) throws(StorageError) {
        try repairFormat()
        try removeLeftovers()
        let streams = try open()
        for stream in streams {
            for number in stream.partitions.indices {
                try repair(SegmentPaths(stream: stream.settings.name, number: number), advance)
            }
        }
    }

    /// Recovers as a start does, and stops in order.
    private mutating func open() throws(StorageError) -> [StreamDescription] {
        let opening = LogOpening(
            storage: storage, settings: [], limits: LogLimits(), journalFileBytes: 1 << 20, makeID: makeID)
        let opened = try opening.open()
        findings += opened.findings
        for writer in opened.writers { try writer?.synchronize() }
        try storage.replace(LogOpening.cleanMark, with: Array("clean\n".utf8), inDirectory: "meta")
        return opened.streams
    }

    /// The line that says the version, when something that says no version is in its place.
    private mutating func repairFormat() throws(StorageError) {
        try storage.makeDirectory("meta")
        guard try !storage.list("streams").isEmpty else { return }
        var state = "missing"
        if try storage.list("meta").contains("format") {
            let found = String(decoding: try storage.contents(Self.formatPath, byteCountMax: 1 << 20), as: UTF8.self)
            let words = found.split(whereSeparator: \.isWhitespace)
            // A version that can be read is believed, and left to the opening.
            if words.count == 2, words[0] == "sluice-format", Int(words[1]) != nil { return }
            state = "damaged"
        }
        let expected = LogOpening.format
        try storage.replace(Self.formatPath, with: Array(expected.utf8), inDirectory: "meta")
        findings.append(
            RecoveryFinding(
                severity: .damage, path: Self.formatPath, text: "\(state); written anew as '\(expected.dropLast())'"))
    }

    /// Removes files that were written beside others and never took their places.
    private mutating func removeLeftovers() throws(StorageError) {
        var directories = ["meta"]
        for name in try storage.list("streams") { directories.append("streams/\(name)") }
        for directory in directories {
            for name in try storage.list(directory) where name.hasSuffix(".new") {
                try storage.remove("\(directory)/\(name)")
                findings.append(
                    RecoveryFinding(
                        severity: .notice, path: "\(directory)/\(name)", text: "removed: left over from a crash"))
            }
        }
    }

    private mutating func repair(_ paths: SegmentPaths, _ advance: (Int64) -> Void) throws(StorageError) {
        let bases = try storage.list(paths.directory).compactMap { SegmentPaths.baseOffset($0, suffix: ".log") }
            .sorted()
        for (index, base) in bases.enumerated() {
            var recovery = SegmentRecovery(
                storage: storage, paths: paths, shape: SegmentShape(), journalStart: Offset(rawValue: Int64.max),
                journalEnd: nil)
            advance(try recovery.repair(base, next: index + 1 < bases.count ? bases[index + 1] : nil))
            findings += recovery.findings
        }
        try storage.synchronizeDirectory(paths.directory)
    }
}
