import CLinux
import CommitLogPosix
import Glibc

/// What a directory's disk is like.
struct DiskProbe {
    /// The directory, or what is nearest to it of those that are there.
    let path: String
    /// Whether it is the directory itself.
    let isThere: Bool

    init(_ directory: String) {
        var path = directory
        while access(path, F_OK) != 0, path != "/", path != "." {
            let parent = path.split(separator: "/", omittingEmptySubsequences: true).dropLast().joined(separator: "/")
            path = path.hasPrefix("/") ? "/" + parent : parent.isEmpty ? "." : parent
        }
        self.path = path
        isThere = path == directory
    }

    // MARK: The file system

    private static let names: [Int64: String] = [
        0xEF53: "ext4", 0x5846_5342: "xfs", 0x9123_683E: "btrfs", 0xF2F5_2010: "f2fs", 0x2FC1_2FC1: "zfs",
        0x0102_1994: "tmpfs", 0x6969: "nfs", 0x794C_7630: "overlay", 0x6573_5546: "fuse", 0xFF53_4D42: "cifs",
        0xFE53_4D42: "smb", 0x8584_58F6: "ramfs",
    ]

    /// What it is, and whether a log should be there.
    var fileSystem: Finding {
        let type = sluice_file_system_type(path)
        guard type >= 0 else { return Finding(.fault, "file system", "\(path): \(Self.reason)") }
        let name = Self.names[type] ?? "of type 0x\(String(type, radix: 16))"
        switch name {
        case "tmpfs", "ramfs":
            return Finding(.warning, "file system", name, "what is in memory is gone with the machine: use a disk")
        case "overlay":
            return Finding(.warning, "file system", name, "a container's own layer goes with it: use a volume")
        case "nfs", "cifs", "smb", "fuse":
            return Finding(
                .warning, "file system", name, "locks and syncs over a network may not hold: use a disk of this machine"
            )
        case _: return Finding(.good, "file system", name)
        }
    }

    /// What is left of it.
    var space: Finding {
        var found = statvfs()
        guard statvfs(path, &found) == 0 else { return Finding(.fault, "free space", "\(path): \(Self.reason)") }
        let (free, all) = (Int64(found.f_bavail) * Int64(found.f_frsize), Int64(found.f_blocks) * Int64(found.f_frsize))
        let percent = all > 0 ? free * 100 / all : 100
        let text = "\(Readable.bytes(free)) of \(Readable.bytes(all)), \(percent) %"
        if found.f_files > 0, found.f_favail < 1000 {
            return Finding(.fault, "free space", "\(found.f_favail) files more", "remove files, or make inodes")
        }
        if free < 256 << 20 { return Finding(.fault, "free space", text, "publishes are refused when it is full") }
        if free < 2 << 30 || percent < 5 {
            return Finding(.warning, "free space", text, "give it more, or let streams keep less ('retention')")
        }
        return Finding(.good, "free space", text)
    }

    /// Whether the log can be written.
    var rights: Finding {
        let user = "user \(geteuid())"
        guard isThere else {
            return access(path, W_OK | X_OK) == 0
                ? Finding(.good, "data directory", "will be made in \(path)")
                : Finding(
                    .fault, "data directory", "\(user) cannot make it in \(path)", "give the directory to \(user)")
        }
        var found = stat()
        guard stat(path, &found) == 0 else { return Finding(.fault, "data directory", "\(path): \(Self.reason)") }
        guard found.st_mode & S_IFMT == S_IFDIR else {
            return Finding(.fault, "data directory", "\(path) is no directory")
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            return Finding(.fault, "data directory", "\(path) is not writable for \(user)", "give it to \(user)")
        }
        guard found.st_mode & 0o022 == 0 else {
            return Finding(.warning, "data directory", "\(path) can be written by others", "chmod go-w \(path)")
        }
        return Finding(.good, "data directory", path)
    }

    private static var reason: String { String(cString: strerror(errno)) }

    // MARK: Syncs

    private static let syncsMax = 50
    private static let nanosecondsMax: Int64 = 2_000_000_000

    /// How long it takes until what is written is on the device, as the journal writes: four kibibytes and a
    /// `fdatasync`.
    var syncTime: Finding {
        let file = "\(path)/.doctor-\(getpid())"
        let descriptor = open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return Finding(.fault, "sync", "\(file): \(Self.reason)") }
        defer {
            close(descriptor)
            unlink(file)
        }
        let block = [UInt8](repeating: 0x5A, count: 4096)
        var times: [Int64] = []
        let start = MonotonicClock.nanoseconds()
        for number in 0..<Self.syncsMax {
            let before = MonotonicClock.nanoseconds()
            let count = block.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(4096 * number)) }
            guard count == block.count, fdatasync(descriptor) == 0 else {
                return Finding(.fault, "sync", "\(file): \(Self.reason)")
            }
            let now = MonotonicClock.nanoseconds()
            times.append(now - before)
            if now - start > Self.nanosecondsMax { break }
        }
        return Self.judge(times.sorted())
    }

    /// - Parameter times: of syncs, in nanoseconds, the shortest first.
    static func judge(_ times: [Int64]) -> Finding {
        let (middle, late) = (times[times.count / 2], times[times.count - 1 - times.count / 50])
        let text = "\(Readable.nanoseconds(middle)) mostly, \(Readable.nanoseconds(late)) at times"
        if middle < 20_000 {
            return Finding(
                .warning, "sync", text,
                "no device is so fast: what lies above it does not wait for it, and a power cut loses")
        }
        if middle > 50_000_000 || late > 500_000_000 {
            return Finding(
                .warning, "sync", text,
                "an acknowledgement waits that long: use another disk, or 'durability: interval'")
        }
        return Finding(.good, "sync", text)
    }
}
