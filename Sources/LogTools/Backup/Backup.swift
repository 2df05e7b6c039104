import CommitLog
import CommitLogPosix
import SluiceCore

/// Copies a data directory as it is at one moment, beside a running broker or without one.
///
/// The moment is that of a group in the journal: the copy has all groups up to it and nothing of those behind it, as if
/// the broker had been killed there, and the next start of it recovers like after that. Whatever was acknowledged
/// before the backup began is in those groups.
///
/// The bulk of the segments is copied first. Then the journal is read; then what came to the segments meanwhile is
/// copied, up to where the journal ends. A batch that the journal does not hold any more was in its segment before its
/// journal file was used again. If housekeeping replaced segments meanwhile the last steps are done again: a compaction
/// may have taken a record out whose successor lies behind the moment.
package struct Backup {
    let place: InspectedPlace
    let target: BackupTarget
    private let progress: any WorkProgress
    private let catalogue: InspectedCatalogue
    private let catalogueBytes: [UInt8]
    private let formatBytes: [UInt8]
    private let partitions: [InspectedPartition]
    private var copies: [String: [Int64: SegmentCopy]] = [:]
    private var records: [String: [UInt8]] = [:]
    private var journal: [BackupManifest.File] = []
    /// What was damaged, and is left out.
    package private(set) var findings: [InspectionFinding] = []
    /// The files that were copied.
    package private(set) var manifest: BackupManifest

    private static let attemptsMax = 50

    /// Looks at the directory in `place`.
    /// - Parameters:
    ///   - now: the wall's time, in milliseconds since 1970.
    ///   - makeProgress: who is told how far it has come.
    /// - Throws: `ToolFault` when it is no data directory that this program reads; what the storage throws.
    package init(
        _ place: InspectedPlace, to target: BackupTarget, now: Int64,
        makeProgress: ProgressMaker = { _, _ in SilentProgress() }
    ) throws {
        self.place = place
        self.target = target
        manifest = BackupManifest(taken: now)
        (catalogue, catalogueBytes, formatBytes) = try Self.catalogue(place)
        let directories = Set(try place.storage.list("streams"))
        partitions = catalogue.partitions.sorted { $0.key < $1.key }.map {
            InspectedPartition(name: $0.value, number: $0.key)
        }
        for partition in partitions where !directories.contains(partition.name) {
            findings.append(
                InspectionFinding(
                    severity: .damage, path: partition.directory, text: "is missing; the catalogue names it"))
        }
        var total: Int64 = 0
        for partition in partitions {
            total += try SegmentListing(place, partition).files.values.reduce(0) { $0 + $1.byteCount }
        }
        progress = makeProgress("copying", total)
    }

    /// The catalogue, and the version that goes with it: that is raised first, so it is read last.
    private static func catalogue(_ place: InspectedPlace) throws -> (InspectedCatalogue, [UInt8], [UInt8]) {
        let bytes = try place.storage.contents("meta/catalogue", byteCountMax: 64 << 20)
        let formatBytes = try place.storage.contents("meta/format", byteCountMax: 256)
        let format = String(decoding: formatBytes, as: UTF8.self)
        guard format == "sluice-format 1\n" || format == "sluice-format 2\n" else {
            let known = "'sluice-format 1' and 'sluice-format 2'"
            throw ToolFault("meta/format says '\(format.prefix(64))'; this program reads \(known)")
        }
        guard let catalogue = InspectedCatalogue(bytes) else {
            throw ToolFault("meta/catalogue is damaged; `sluice log repair` makes it anew")
        }
        return (catalogue, bytes, formatBytes)
    }

    /// Makes the copy.
    /// - Throws: `ToolFault` when the directory changes faster than it can be copied; what the storages throw.
    package mutating func run() throws {
        defer { progress.clear() }
        try target.makeDirectories(partitions)
        for _ in 0..<Self.attemptsMax {
            if try attempt() { return try finish() }
        }
        throw ToolFault("the segments are replaced faster than they can be copied; try again later")
    }

    // MARK: One moment

    private mutating func attempt() throws -> Bool {
        let before = try listings()
        for partition in partitions {
            records[partition.name] = try record(partition)
            guard try copy(partition, before[partition.name], cut: .max, tornFrom: .min) else { return false }
        }
        let snapshot = try JournalSnapshot(place.storage)
        guard try copyJournal(snapshot) else { return false }
        let isClean = try place.storage.list("meta").contains("clean-shutdown")
        let between = try listings()
        for partition in partitions {
            let number = partition.number ?? 0
            // What the journal does not know of a partition came behind it; unless it is damaged, and says too little.
            let isTrusted = !snapshot.isEmpty && !snapshot.isDamaged
            let cut = isTrusted ? snapshot.ends[number] ?? 0 : .max
            let torn = isClean ? Int64.max : snapshot.starts[number] ?? 0
            guard try copy(partition, between[partition.name], cut: cut, tornFrom: torn) else { return false }
        }
        let after = try listings()
        return try partitions.allSatisfy { partition in
            guard let first = before[partition.name], let last = after[partition.name] else { return false }
            guard first.isContinued(by: last) else { return false }
            try removeGone(partition, last)
            return true
        }
    }

    private func listings() throws -> [String: SegmentListing] {
        var listings: [String: SegmentListing] = [:]
        for partition in partitions { listings[partition.name] = try SegmentListing(place, partition) }
        return listings
    }

    /// The housekeeping record of a partition: how far it was compacted and sealed.
    private func record(_ partition: InspectedPartition) throws -> [UInt8]? {
        guard try place.storage.list(partition.directory).contains("housekeeping") else { return nil }
        return try place.storage.contents("\(partition.directory)/housekeeping", byteCountMax: 1 << 16)
    }

    /// Copies what a listing has and the copies have not.
    /// - Returns: false when the segments are being replaced.
    private mutating func copy(
        _ partition: InspectedPartition, _ listing: SegmentListing?, cut: Int64, tornFrom: Int64
    ) throws -> Bool {
        guard let listing, !listing.isBeingReplaced else { return false }
        for base in listing.bases where base <= cut {
            guard let file = listing.files[base] else { continue }
            let isNewest = base == listing.bases.last
            do {
                let copy = try copy(of: base, file, partition)
                try copy.update(from: place, cut: cut, tornFrom: isNewest ? tornFrom : nil, progress)
            } catch let error as StorageError where error.code == 2 && error.operation == .open {
                // Removed or replaced meanwhile; which of the two the next listing tells.
                try forget(base, partition)
            }
        }
        return true
    }

    private mutating func copy(
        of base: Int64, _ file: FileIdentity, _ partition: InspectedPartition
    ) throws(StorageError) -> SegmentCopy {
        if let known = copies[partition.name]?[base], known.source.isSameFile(as: file) { return known }
        let copy = try SegmentCopy(
            partition, base: Offset(rawValue: base), source: file, target: target.storage)
        copies[partition.name, default: [:]][base] = copy
        return copy
    }

    private mutating func forget(_ base: Int64, _ partition: InspectedPartition) throws(StorageError) {
        try copies[partition.name]?.removeValue(forKey: base)?.remove()
    }

    /// Drops the copies of segments that retention has removed.
    private mutating func removeGone(_ partition: InspectedPartition, _ listing: SegmentListing) throws {
        let gone = (copies[partition.name] ?? [:]).keys.filter { listing.files[$0] == nil }
        for base in gone { try forget(base, partition) }
    }

    /// Copies the journal's files as far as the snapshot goes.
    /// - Returns: false when one of them was used again meanwhile.
    private mutating func copyJournal(_ snapshot: JournalSnapshot) throws -> Bool {
        for file in journal { try target.storage.remove(file.path) }
        journal = []
        for file in snapshot.files {
            do throws(StorageError) {
                journal.append(
                    try target.copy(file.file.path, byteCount: file.byteCount, from: place.storage, progress))
            } catch {
                guard error.code == 2, error.operation == .open else { throw error }
                return false
            }
        }
        return try snapshot.isCurrent(place.storage)
    }

    // MARK: The end

    private mutating func finish() throws {
        for partition in partitions {
            let copies = (copies[partition.name] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
            for copy in copies {
                try copy.finish(isNewest: copy.base == copies.last?.base)
                findings += copy.findings
                for suffix in SegmentCopy.suffixes {
                    guard let written = copy.files[suffix] else { continue }
                    manifest.files.append(
                        BackupManifest.File(
                            path: partition.path(copy.base, suffix), byteCount: written.byteCount,
                            checksum: written.checksum))
                }
                try copySnapshot(of: copy, partition)
            }
            if let record = records[partition.name] {
                manifest.files.append(try target.write(record, "\(partition.directory)/housekeeping"))
            }
            try writeMetadata(partition)
        }
        manifest.files += journal
        manifest.files.append(try target.write(catalogueBytes, "meta/catalogue"))
        manifest.files.append(try target.write(formatBytes, "meta/format"))
        _ = try target.write(manifest.encoded, BackupManifest.path)
        try target.finish(partitions)
    }

    /// Copies what a segment says of producers up to its start, if it does.
    private mutating func copySnapshot(of copy: SegmentCopy, _ partition: InspectedPartition) throws {
        let path = partition.path(copy.base, ".snapshot")
        do throws(StorageError) {
            let bytes = try place.storage.contents(path, byteCountMax: 64 << 20)
            manifest.files.append(try target.write(bytes, path))
        } catch {
            guard error.code == 2 else { throw error }
        }
    }

    private mutating func writeMetadata(_ partition: InspectedPartition) throws {
        let stream = String(partition.name[..<(partition.name.lastIndex(of: "-") ?? partition.name.endIndex)])
        let text = """
            version: 0
            topic_id: \(catalogue.ids[stream] ?? "")
            sluice_partition: \(partition.number ?? 0)

            """
        manifest.files.append(try target.write(Array(text.utf8), "\(partition.directory)/partition.metadata"))
    }
}
