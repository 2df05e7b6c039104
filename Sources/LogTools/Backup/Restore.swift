import CommitLog
import CommitLogPosix
import SluiceCore

/// Puts a backup into an empty directory, from which a broker starts.
///
/// Every file is compared with the manifest on its way. `meta/format` comes last: a directory that was restored in part
/// only is refused by the broker.
package struct Restore {
    private let place: InspectedPlace
    /// The files of the backup.
    package let manifest: BackupManifest
    private let partitions: [InspectedPartition]

    /// Looks at the backup in `place`.
    /// - Throws: `ToolFault` when it is none, or not complete.
    package init(_ place: InspectedPlace) throws {
        self.place = place
        guard try place.storage.list("").contains(BackupManifest.path) else {
            throw ToolFault(
                "\(place.root) holds no file '\(BackupManifest.path)': it is no backup, or one that was not completed")
        }
        guard
            let manifest = BackupManifest(
                try place.storage.contents(BackupManifest.path, byteCountMax: 1 << 30))
        else {
            throw ToolFault("\(place.root)/\(BackupManifest.path) is damaged, or of another version than 1")
        }
        self.manifest = manifest
        let names = Set(
            manifest.files.compactMap { file -> String? in
                let parts = file.path.split(separator: "/")
                return parts.count == 3 && parts[0] == "streams" ? String(parts[1]) : nil
            })
        partitions = names.sorted().map { InspectedPartition(name: $0) }
    }

    /// Copies everything.
    /// - Throws: `ToolFault` naming the first file that is not as it was; what the storages throw.
    package func run(
        into target: BackupTarget, makeProgress: ProgressMaker = { _, _ in SilentProgress() }
    ) throws {
        let progress = makeProgress("restoring", manifest.byteCount)
        defer { progress.clear() }
        try target.makeDirectories(partitions)
        let format = manifest.files.filter { $0.path == "meta/format" }
        for file in manifest.files.filter({ $0.path != "meta/format" }) + format {
            let copied: BackupManifest.File
            do throws(StorageError) {
                copied = try target.copy(file.path, byteCount: .max, from: place.storage, progress)
            } catch {
                guard error.code == 2 else { throw error }
                throw ToolFault("\(place.root)/\(file.path) is missing; the backup's list names it")
            }
            guard copied == file else {
                try target.storage.remove(file.path)
                throw ToolFault(
                    "\(place.root)/\(file.path) is damaged: \(copied.byteCount) bytes with checksum "
                        + "\(String(copied.checksum, radix: 16)), expected \(file.byteCount) with "
                        + String(file.checksum, radix: 16))
            }
        }
        try target.finish(partitions)
    }
}
