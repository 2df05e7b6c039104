import SluiceCore

/// Removes the directory of a partition whose number is retired.
///
/// Its records go first; when the device has that, the file that says whose they were, and the directory: what a crash
/// leaves either says its retired number, or is empty.
enum PartitionRemoval {
    private static let metadata = "partition.metadata"

    /// Removes `streams/NAME` if it is there; the caller synchronises `streams`.
    static func run(_ name: String, _ storage: any Storage) throws(StorageError) {
        guard try storage.list("streams").contains(name) else { return }
        let directory = "streams/\(name)"
        for file in try storage.list(directory) where file != metadata { try storage.remove("\(directory)/\(file)") }
        try storage.synchronizeDirectory(directory)
        try storage.remove("\(directory)/\(metadata)")
        try storage.removeDirectory(directory)
    }

    /// Removes what deleted streams of `catalogue` have left.
    static func removeOrphans(_ catalogue: Catalogue, _ storage: any Storage) throws(StorageError) {
        guard !catalogue.retired.isEmpty else { return }
        let known = catalogue.directories
        for name in try storage.list("streams") where !known.contains(name) && isPartition(name) {
            let directory = "streams/\(name)"
            if let number = try Catalogue.number(in: directory, storage) {
                guard catalogue.retired.contains(number) else { continue }
            } else {
                // A stream that could not be made leaves a directory without anything that counts.
                let names = try storage.list(directory)
                guard !names.contains(where: { $0.hasSuffix(".log") }) else { continue }
            }
            try run(name, storage)
        }
        try storage.synchronizeDirectory("streams")
    }

    private static func isPartition(_ name: String) -> Bool {
        name.lastIndex(of: "-").map { Int(name[name.index(after: $0)...]) != nil } ?? false
    }
}
