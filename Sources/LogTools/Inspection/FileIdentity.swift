import CommitLogPosix
import Glibc
import SluiceCore

/// Which file a name stands for at a moment: one that was replaced since has another identity under the same name.
struct FileIdentity: Equatable {
    private let device: UInt64
    private let inode: UInt64
    /// Bytes of the file at that moment.
    let byteCount: Int64

    /// The file that `path` names; nil when there is none.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        byteCount = Int64(status.st_size)
    }

    /// Whether it is the same file as `other`, be it longer by now.
    func isSameFile(as other: FileIdentity) -> Bool { device == other.device && inode == other.inode }
}

/// The segments of a partition as its directory lists them at a moment.
///
/// Beside a running broker housekeeping may replace segments by others; what was read is of one state of the partition
/// only if nothing was replaced meanwhile.
struct SegmentListing {
    /// The base offsets, oldest first.
    private(set) var bases: [Int64] = []
    /// The `.log` files by base offset.
    private(set) var files: [Int64: FileIdentity] = [:]
    /// Whether a replacement is under way, so that names are not to be relied on.
    private(set) var isBeingReplaced = false

    /// Lists `partition`.
    init(_ place: InspectedPlace, _ partition: InspectedPartition) throws {
        let names = try place.storage.list(partition.directory)
        isBeingReplaced = names.contains { $0.hasSuffix(".swap") }
        for base in try partition.segments(place.storage) {
            guard let file = FileIdentity("\(place.root)/\(partition.path(base, ".log"))") else { continue }
            bases.append(base.rawValue)
            files[base.rawValue] = file
        }
    }

    /// Whether everything that this listing has is in the `later` one as the same file, but for the oldest, which
    /// retention may have removed, and the later one has more at the end only.
    func isContinued(by later: SegmentListing) -> Bool {
        guard !isBeingReplaced, !later.isBeingReplaced else { return false }
        let first = later.bases.first ?? .max
        for base in bases where base >= first {
            guard let before = files[base], let after = later.files[base], before.isSameFile(as: after) else {
                return false
            }
        }
        let last = bases.last ?? .min
        return later.bases.allSatisfy { $0 > last || files[$0] != nil }
    }
}
