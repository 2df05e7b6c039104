import CommitLog

/// What a backup holds: the file `backup` in it, written last, so that a backup without it is not complete.
///
/// Layout: lines of text: `sluice-backup 1`; `taken MILLISECONDS`; `file BYTES CRC32C PATH` for each file; last
/// `crc32c HEX` over all lines before.
package struct BackupManifest: Equatable {
    static let path = "backup"
    private static let title = "sluice-backup 1"

    /// A file of the backup.
    package struct File: Equatable {
        /// Its path in the data directory.
        package var path: String
        /// Its length in bytes.
        package var byteCount: Int64
        /// Its CRC-32C.
        package var checksum: UInt32
    }

    /// When the backup was begun, in milliseconds since 1970.
    var taken: Int64
    /// Its files.
    package var files: [File] = []

    init(taken: Int64) { self.taken = taken }

    /// Bytes of all files.
    package var byteCount: Int64 { files.reduce(0) { $0 + $1.byteCount } }

    /// The file's bytes.
    var encoded: [UInt8] {
        let lines = files.map { "file \($0.byteCount) \(String($0.checksum, radix: 16)) \($0.path)" }
        return ChecksummedText.encoded(title: Self.title, lines: ["taken \(taken)"] + lines)
    }

    /// The manifest in `bytes`; nil when they are damaged or of another version.
    init?(_ bytes: [UInt8]) {
        guard let lines = ChecksummedText.lines(bytes, title: Self.title), let first = lines.first,
            first.hasPrefix("taken "), let taken = Int64(first.dropFirst(6))
        else { return nil }
        self.taken = taken
        for line in lines.dropFirst() {
            let words = line.split(separator: " ", maxSplits: 3)
            guard words.count == 4, words[0] == "file", let byteCount = Int64(words[1]), byteCount >= 0,
                let checksum = UInt32(words[2], radix: 16), Self.isSafe(words[3])
            else { return nil }
            files.append(File(path: String(words[3]), byteCount: byteCount, checksum: checksum))
        }
    }

    /// Whether a path stays within the directory that it is relative to.
    private static func isSafe(_ path: Substring) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count <= 3 && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }
}
