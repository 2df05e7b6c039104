import CommitLog
import SluiceCore

/// Verifies a data directory, or one partition of it, beside a running broker too.
///
/// Isolation: one thread. Nothing is written, no lock is taken.
package struct LogVerifier {
    private let place: InspectedPlace
    private let makeProgress: ProgressMaker
    /// What was found.
    package private(set) var findings: [InspectionFinding] = []
    /// What each partition holds.
    package private(set) var tallies: [(name: String, tally: PartitionTally)] = []
    /// Frames in the journal.
    package private(set) var frameCount = 0
    /// Bytes of these.
    package private(set) var journalByteCount = 0
    private var catalogue: InspectedCatalogue?
    /// The first offset of each partition that the journal covers: what a crash may tear lies behind it.
    private var journalStarts: [Int: Int64] = [:]

    private var storage: any Storage { place.storage }

    /// A verifier of a place that is no single file.
    /// - Parameter makeProgress: who is told how far it has come.
    package init(_ place: InspectedPlace, makeProgress: @escaping ProgressMaker = { _, _ in SilentProgress() }) {
        self.place = place
        self.makeProgress = makeProgress
    }

    /// Whether something is damaged.
    package var isDamaged: Bool { findings.contains { $0.severity == .damage } }

    /// Looks at everything.
    /// - Throws: `ToolFault` when files change faster than they can be read; what the storage throws.
    package mutating func verify() throws {
        try verifyMetadata()
        let isClean = try storage.list("meta").contains("clean-shutdown")
        try verifyJournal()
        let partitions = try self.partitions()
        let progress = makeProgress("verifying", try byteCount(of: partitions))
        for partition in partitions { try verify(partition, isClean: isClean, progress) }
        progress.clear()
    }

    private mutating func add(_ severity: InspectionFinding.Severity, _ path: String, _ text: String) {
        findings.append(InspectionFinding(severity: severity, path: path, text: text))
    }

    // MARK: Metadata

    private mutating func verifyMetadata() throws {
        let names = try storage.list("meta")
        if names.contains("format") {
            let format = String(decoding: try storage.contents("meta/format", byteCountMax: 256), as: UTF8.self)
            if format != "sluice-format 1\n" && format != "sluice-format 2\n" {
                add(.damage, "meta/format", "says '\(format)', not 'sluice-format 1' or 'sluice-format 2'")
            }
        } else {
            add(.damage, "meta/format", "is missing")
        }
        guard names.contains("catalogue") else { return add(.damage, "meta/catalogue", "is missing") }
        catalogue = InspectedCatalogue(try storage.contents("meta/catalogue", byteCountMax: 64 << 20))
        guard let catalogue else { return add(.damage, "meta/catalogue", "its lines or their checksum are damaged") }
        let directories = Set(try storage.list("streams"))
        for (number, name) in catalogue.partitions.sorted(by: { $0.key < $1.key }) {
            guard directories.contains(name) else {
                add(.damage, "streams/\(name)", "is missing; the catalogue names it")
                continue
            }
            try verifyMetadata(number, name, catalogue)
        }
        for name in directories.subtracting(catalogue.partitions.values).sorted() {
            if try isLeft(name, catalogue) {
                add(.notice, "streams/\(name)", "is of a deleted stream, and goes at the next start")
            } else {
                add(.damage, "streams/\(name)", "is not in the catalogue")
            }
        }
    }

    /// Whether a directory is what the removal of a deleted stream has left.
    private func isLeft(_ name: String, _ catalogue: InspectedCatalogue) throws -> Bool {
        let names = try storage.list("streams/\(name)")
        guard names.contains("partition.metadata") else {
            return !names.contains { $0.hasSuffix(".log") } && !catalogue.retired.isEmpty
        }
        let bytes = try storage.contents("streams/\(name)/partition.metadata", byteCountMax: 4096)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains { line in
            let words = line.split(separator: " ")
            return words.first == "sluice_partition:" && catalogue.retired.contains(Int(words[1]) ?? -1)
        }
    }

    private mutating func verifyMetadata(_ number: Int, _ name: String, _ catalogue: InspectedCatalogue) throws {
        let path = "streams/\(name)/partition.metadata"
        guard try storage.list("streams/\(name)").contains("partition.metadata") else {
            return add(.damage, path, "is missing")
        }
        let text = String(decoding: try storage.contents(path, byteCountMax: 4096), as: UTF8.self)
        let stream = String(name[..<(name.lastIndex(of: "-") ?? name.endIndex)])
        let expected = ["topic_id: \(catalogue.ids[stream] ?? "?")", "sluice_partition: \(number)"]
        let lines = text.split(separator: "\n").map(String.init)
        for line in expected where !lines.contains(line) { add(.damage, path, "does not say '\(line)'") }
    }

    // MARK: The journal

    private mutating func verifyJournal() throws {
        let snapshot = try JournalSnapshot(storage)
        journalStarts = snapshot.starts
        var lastLSN: UInt64?
        for file in snapshot.files {
            let (path, content) = (file.file.path, file.content)
            frameCount += content.frames.count
            journalByteCount += content.byteCount
            for damage in content.damage {
                let place = "\(damage.byteCount) bytes at \(damage.position)"
                add(.damage, path, "\(place) are damaged; a later frame shows that they were durable")
            }
            if let lastLSN, let first = content.frames.first, first.lsn != lastLSN + 1 {
                add(.damage, path, "begins with group \(first.lsn), the file before it ends with \(lastLSN)")
            }
            lastLSN = content.frames.last?.lsn
            for number in Set(content.frames.flatMap(\.entries).map(\.partition)).sorted() {
                if let catalogue, catalogue.partitions[number] == nil, !catalogue.retired.contains(number) {
                    add(.damage, path, "a frame names partition \(number), which the catalogue lacks")
                }
            }
        }
    }

    // MARK: Partitions

    private func partitions() throws -> [InspectedPartition] {
        let numbers = Dictionary(
            (catalogue?.partitions ?? [:]).map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
        var names = try storage.list("streams").sorted()
        if case .partition(let partition) = place.kind { names = [partition.name] }
        return names.map { InspectedPartition(name: $0, number: numbers[$0]) }
    }

    private func byteCount(of partitions: [InspectedPartition]) throws -> Int64 {
        var total: Int64 = 0
        for partition in partitions {
            for base in try partition.segments(storage) {
                let file = try storage.open(partition.path(base, ".log"), creating: false)
                defer { storage.close(file) }
                total += try storage.byteCount(file)
            }
        }
        return total
    }

    private mutating func verify(_ partition: InspectedPartition, isClean: Bool, _ progress: any WorkProgress) throws {
        var tally = PartitionTally()
        var next = try partition.segments(storage).first
        tally.start = next?.rawValue ?? 0
        let journalStart = partition.number.flatMap { journalStarts[$0] } ?? 0
        while let base = next {
            try verify(partition, base, tornFrom: isClean ? .max : journalStart, &tally, progress)
            next = try partition.segments(storage).first { $0 > base }
        }
        for name in try storage.list(partition.directory) where name.hasSuffix(".damaged") {
            add(.notice, "\(partition.directory)/\(name)", "was set aside by an earlier recovery")
        }
        tallies.append((partition.name, tally))
    }

    /// Verifies a segment; once more when a running broker replaced it meanwhile.
    private mutating func verify(
        _ partition: InspectedPartition, _ base: Offset, tornFrom: Int64, _ tally: inout PartitionTally,
        _ progress: any WorkProgress
    ) throws {
        for _ in 0..<10 {
            let before = try SegmentListing(place, partition)
            let following = before.bases.first { $0 > base.rawValue }.map { Offset(rawValue: $0) }
            var counted = tally
            do {
                var verifier = try SegmentVerifier(
                    storage: storage, partition: partition, base: base, following: following, tornFrom: tornFrom)
                try verifier.verify(into: &counted, progress)
                let isDamaged = verifier.findings.contains { $0.severity == .damage }
                if isDamaged, try !before.isContinued(by: SegmentListing(place, partition)) { continue }
                findings += verifier.findings
                tally = counted
                return
            } catch let error as StorageError where error.code == 2 {
                guard before.bases.contains(base.rawValue), before.files[base.rawValue] != nil,
                    try SegmentListing(place, partition).files[base.rawValue] == nil
                else { continue }
                return add(.notice, partition.path(base, ".log"), "went away: retention or compaction has removed it")
            }
        }
        add(.notice, partition.path(base, ".log"), "is replaced faster than it can be verified")
    }
}
