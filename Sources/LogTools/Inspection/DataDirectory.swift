import Administration
import Checksums
import CommitLog
import CommitLogPosix
import Glibc
import SluiceCore

/// A partition's files within a data directory.
package struct InspectedPartition {
    /// The directory's name: stream, dash, number.
    let name: String
    /// The partition's number in the node, when the catalogue knows it.
    var number: Int?

    /// The partition of a directory's name, and its number in the node where that is known.
    init(name: String, number: Int? = nil) {
        self.name = name
        self.number = number
    }

    /// Relative to the data directory.
    var directory: String { "streams/\(name)" }

    /// The base offsets of its segments, oldest first.
    func segments(_ storage: any Storage) throws(StorageError) -> [Offset] {
        try storage.list(directory).compactMap { SegmentPaths.baseOffset($0, suffix: ".log") }.sorted()
    }

    /// A file of the segment at `base`.
    func path(_ base: Offset, _ suffix: String) -> String {
        let digits = String(base.rawValue)
        return "\(directory)/\(String(repeating: "0", count: 20 - digits.utf8.count))\(digits)\(suffix)"
    }
}

/// Where a path that the user gave lies in a data directory.
package struct InspectedPlace {
    let storage: PosixStorage
    /// The directory that `storage` starts at.
    package let root: String
    /// What it is.
    package let kind: Kind

    /// What a place may be.
    package enum Kind {
        /// A whole data directory.
        case dataDirectory
        /// One partition's directory.
        case partition(InspectedPartition)
        /// One file, by its name within `root`.
        case file(String)
    }

    /// Finds out what `path` is.
    /// - Throws: `ToolFault` when it is neither.
    package init(_ path: String) throws(ToolFault) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw ToolFault("\(path): \(String(cString: strerror(errno)))")
        }
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        if status.st_mode & S_IFMT == S_IFREG {
            let (directory, name) = Self.split(path)
            self.init(root: directory, .file(name))
        } else if Self.isThere(path + "/meta/format") || Self.isThere(path + "/streams") {
            self.init(root: path, .dataDirectory)
        } else {
            guard let full = Self.absolute(path) else {
                throw ToolFault("\(path): \(String(cString: strerror(errno)))")
            }
            let (streams, name) = Self.split(full)
            let (root, folder) = Self.split(streams)
            guard folder == "streams", Self.isThere(full + "/partition.metadata") else {
                throw ToolFault("\(path) is neither a data directory nor a partition's directory in one")
            }
            self.init(root: root, .partition(InspectedPartition(name: name)))
        }
    }

    /// Bytes of all segments of a data directory.
    /// - Throws: what the storage throws.
    package func segmentByteCount() throws -> Int64 {
        var total: Int64 = 0
        for name in try storage.list("streams") {
            let files = try SegmentListing(self, InspectedPartition(name: name)).files
            total += files.values.reduce(0) { $0 + $1.byteCount }
        }
        return total
    }

    private init(root: String, _ kind: Kind) {
        storage = PosixStorage(inspecting: root)
        self.root = root
        self.kind = kind
    }

    private static func isThere(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func absolute(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        return (directory, String(path[path.index(after: slash)...]))
    }
}

/// The streams that a data directory's catalogue names.
struct InspectedCatalogue {
    /// Partition directories by the node's numbers.
    var partitions: [Int: String] = [:]
    var ids: [String: String] = [:]
    /// The numbers that deleted streams had.
    var retired: Set<Int> = []

    /// The partitions of a place's streams, by name; the node's own only when they are asked for.
    /// - Throws: `ToolFault` when the catalogue is damaged, or has no such stream.
    static func partitions(of place: InspectedPlace, stream: String?) throws -> [InspectedPartition] {
        let bytes = try place.storage.contents("meta/catalogue", byteCountMax: 64 << 20)
        guard let catalogue = InspectedCatalogue(bytes) else {
            throw ToolFault("meta/catalogue is damaged; `sluice log repair` makes it anew")
        }
        if let stream, catalogue.ids[stream] == nil {
            let advice = Nearest.advice(for: stream, among: Array(catalogue.ids.keys))
            throw ToolFault("\(place.root) has no stream '\(stream)'\(advice)")
        }
        return catalogue.partitions.sorted { $0.key < $1.key }.map {
            InspectedPartition(name: $0.value, number: $0.key)
        }.filter { partition in
            if case .partition(let wanted) = place.kind, wanted.name != partition.name { return false }
            return stream.map { $0 == partition.stream } ?? !partition.stream.hasPrefix("__")
        }
    }

    /// The catalogue in `bytes`, read by its documented layout; nil when it is damaged.
    init?(_ bytes: [UInt8]) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
        guard let last = lines.last, lines.first?.elementsEqual("sluice-catalogue 1".utf8) == true else { return nil }
        let words = String(decoding: last, as: UTF8.self).split(separator: " ")
        guard words.count == 2, words[0] == "crc32c", let stored = UInt32(words[1], radix: 16),
            CRC32C.checksum(Array(bytes[..<last.startIndex]).span) == stored
        else { return nil }
        for line in lines.dropFirst().dropLast() {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ")
            if words[0] == "retired" {
                retired.formUnion(words.dropFirst().compactMap { Int($0) })
                continue
            }
            // How a running node was told to keep the stream before.
            if words[0] == "settings" { continue }
            guard words.count >= 4, words[0] == "stream" else { return nil }
            ids[String(words[1])] = String(words[2])
            for (number, word) in words[3...].enumerated() {
                guard let partition = Int(word), partitions[partition] == nil else { return nil }
                partitions[partition] = "\(words[1])-\(number)"
            }
        }
    }
}
