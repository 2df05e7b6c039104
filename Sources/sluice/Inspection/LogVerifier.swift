import CommitLog
import SluiceCore

/// Verifies a data directory, or one partition of it, beside a running broker too.
///
/// Isolation: one thread. Nothing is written, no lock is taken.
struct LogVerifier {
    let place: InspectedPlace
    private(set) var findings: [InspectionFinding] = []
    private(set) var tallies: [(name: String, tally: PartitionTally)] = []
    private(set) var frameCount = 0
    private(set) var journalByteCount = 0
    private var catalogue: InspectedCatalogue?
    /// The first offset of each partition that the journal covers: what a crash may tear lies behind it.
    private var journalStarts: [Int: Int64] = [:]

    private var storage: any Storage { place.storage }

    init(_ place: InspectedPlace) { self.place = place }

    /// Whether something is damaged.
    var isDamaged: Bool { findings.contains { $0.severity == .damage } }

    /// Looks at everything.
    mutating func verify() throws {
        try verifyMetadata()
        let isClean = try storage.list("meta").contains("clean-shutdown")
        try verifyJournal()
        let partitions = try self.partitions()
        let progress = Progress("verifying", total: try byteCount(of: partitions))
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
            if format != "sluice-format 1\n" { add(.damage, "meta/format", "says '\(format)', not 'sluice-format 1'") }
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
            add(.damage, "streams/\(name)", "is not in the catalogue")
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
        for number in try storage.list(JournalFiles.directory).compactMap(JournalFiles.number).sorted() {
            let file = JournalFile(storage: storage, number: number)
            let content: JournalFile.Content?
            do throws(StorageError) { content = try file.read() } catch {
                guard error.code == 2 else { throw error }
                add(.notice, file.path, "went away: a running broker used it again")
                continue
            }
            // Prepared ahead, or used again under this number and not written yet.
            guard let content else { continue }
            frameCount += content.frames.count
            journalByteCount += content.byteCount
            for damage in content.damage {
                let place = "\(damage.byteCount) bytes at \(damage.position)"
                add(.damage, file.path, "\(place) are damaged; a later frame shows that they were durable")
            }
            for entry in content.frames.flatMap(\.entries) {
                journalStarts[entry.partition] = min(journalStarts[entry.partition] ?? .max, entry.baseOffset)
                if let catalogue, catalogue.partitions[entry.partition] == nil {
                    add(.damage, file.path, "a frame names partition \(entry.partition), which the catalogue lacks")
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

    private mutating func verify(_ partition: InspectedPartition, isClean: Bool, _ progress: Progress) throws {
        let bases = try partition.segments(storage)
        var tally = PartitionTally()
        tally.start = bases.first?.rawValue ?? 0
        let journalStart = partition.number.flatMap { journalStarts[$0] } ?? 0
        for (index, base) in bases.enumerated() {
            let following = index + 1 < bases.count ? bases[index + 1] : nil
            do {
                var verifier = try SegmentVerifier(
                    storage: storage, partition: partition, base: base, following: following,
                    tornFrom: isClean ? .max : journalStart)
                try verifier.verify(into: &tally, progress)
                findings += verifier.findings
            } catch let error as StorageError where error.code == 2 {
                add(.notice, partition.path(base, ".log"), "went away: retention has removed it")
            }
        }
        for name in try storage.list(partition.directory) where name.hasSuffix(".damaged") {
            add(.notice, "\(partition.directory)/\(name)", "was set aside by an earlier recovery")
        }
        tallies.append((partition.name, tally))
    }
}
