import CommitLog
import CommitLogPosix
import SluiceCore

/// Puts a backup into an empty directory, from which a broker starts.
///
/// Every file is compared with the manifest on its way. `meta/format` comes last: a directory that was restored in part
/// only is refused by the broker.
struct Restore {
    private let place: InspectedPlace
    let manifest: BackupManifest
    private let partitions: [InspectedPartition]

    /// Looks at the backup in `place`.
    /// - Throws: `CommandFailure` when it is none, or not complete.
    init(_ place: InspectedPlace) throws {
        self.place = place
        guard try place.storage.list("").contains(BackupManifest.path) else {
            throw CommandFailure(
                "\(place.root) holds no file '\(BackupManifest.path)': it is no backup, or one that was not completed")
        }
        guard
            let manifest = BackupManifest(
                try place.storage.contents(BackupManifest.path, byteCountMax: 1 << 30))
        else {
            throw CommandFailure("\(place.root)/\(BackupManifest.path) is damaged, or of another version than 1")
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
    /// - Throws: `CommandFailure` naming the first file that is not as it was; what the storages throw.
    func run(into target: BackupTarget) throws {
        let progress = Progress("restoring", total: manifest.byteCount)
        defer { progress.clear() }
        try target.makeDirectories(partitions)
        let format = manifest.files.filter { $0.path == "meta/format" }
        for file in manifest.files.filter({ $0.path != "meta/format" }) + format {
            let copied: BackupManifest.File
            do throws(StorageError) {
                copied = try target.copy(file.path, byteCount: .max, from: place.storage, progress)
            } catch {
                guard error.code == 2 else { throw error }
                throw CommandFailure("\(place.root)/\(file.path) is missing; the backup's list names it")
            }
            guard copied == file else {
                try target.storage.remove(file.path)
                throw CommandFailure(
                    "\(place.root)/\(file.path) is damaged: \(copied.byteCount) bytes with checksum "
                        + "\(String(copied.checksum, radix: 16)), expected \(file.byteCount) with "
                        + String(file.checksum, radix: 16))
            }
        }
        try target.finish(partitions)
    }
}
