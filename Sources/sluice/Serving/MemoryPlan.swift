import CLinux
import CommitLog
import Glibc
import SluiceConfiguration
import SluiceCore

/// How the memory that the process may take is shared out, so that what clients do never ends it.
///
/// Of what is left beside the process itself a quarter at most is the log's tail, an eighth batches on their way to
/// their files, a sixth what clients hold (outputs, read-ahead, half packets). The rest is for what is there for a
/// moment (copies while a buffer grows, reads, compaction) and for the heap's holes.
struct MemoryPlan {
    /// What the process may take, and who says so.
    let total: Int
    let source: String
    /// What of it is left for messages.
    private let room: Int

    /// The process at rest: code, runtime, tables, buffers of the threads.
    private static let restingBytes = 30 << 20
    /// What the second heap takes of the address space before it holds anything.
    private static let heapBytes = 64 << 20
    private static let stackBytes = 1 << 20
    /// The least that messages need: the largest packet on its way in, in the log and on its way out.
    private static let roomMin = 24 << 20

    /// A plan for a node with so many threads to come.
    /// - Throws: `CommandFailure` when the system leaves less than a node needs.
    init(_ configuration: Configuration, threadCount: Int) throws(CommandFailure) {
        var bounds: [(total: Int, resting: Int, source: String)] = [
            (MachineMemory.physicalBytes, Self.restingBytes, "the machine's memory")
        ]
        if let bytes = MachineMemory.controlGroupBytes() {
            bounds.append((bytes, Self.restingBytes, "the control group"))
        }
        let space = sluice_address_space_limit()
        if space < UInt64.max {
            let resting = MachineMemory.addressSpaceBytes() + Self.heapBytes + threadCount * Self.stackBytes
            bounds.append((Int(clamping: space), resting, "ulimit -v"))
        }
        if let bytes = configuration.memoryBytes { bounds.append((bytes, Self.restingBytes, "'memory'")) }
        guard let least = bounds.min(by: { $0.total - $0.resting < $1.total - $1.resting }) else {
            preconditionFailure("Cannot be without the machine's memory")
        }
        (total, source) = (least.total, least.source)
        room = least.total - least.resting
        guard room >= Self.roomMin else {
            throw CommandFailure(
                "\(source) allows \(Readable.bytes(Int64(total))) of memory, and at least "
                    + "\(Readable.bytes(Int64(least.resting + Self.roomMin))) are needed")
        }
    }

    /// Bounds the log's memory.
    func apply(to limits: inout LogLimits) {
        limits.tailBytesMax = min(limits.tailBytesMax, room / 4)
        limits.unflushedBytesMax = min(limits.unflushedBytesMax, room / 8)
        limits.pendingBytesMax = min(limits.pendingBytesMax, limits.unflushedBytesMax / 4)
    }

    /// Bounds what clients hold.
    func apply(to limits: inout Limits) { limits.clientMemoryMax = room / 6 }

    /// What there is to say of it at the start.
    func note(tailBytes: Int) -> LogLine {
        let clients = Readable.bytes(Int64(room / 6))
        let tail =
            tailBytes > room / 4 ? "; 'log: tail_memory' is \(Readable.bytes(Int64(room / 4))) for want of it" : ""
        return LogLine(
            .memoryPlanned,
            "memory: \(Readable.bytes(Int64(total)), as: .bytes, number: total) (\(source, as: .reason)), "
                + "clients may hold \(clients, as: .limit, number: room / 6)\(tail)")
    }
}

/// What the system says of memory.
enum MachineMemory {
    /// Bytes of the machine.
    static var physicalBytes: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

    /// Bytes of the address space that the process uses now.
    static func addressSpaceBytes() -> Int {
        // Pages, the first word of the file.
        let pages = text("/proc/self/statm")?.split(separator: " ").first.flatMap { Int($0) } ?? 0
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// The least that the control groups of the process allow; nil when none bounds it.
    ///
    /// Source: the kernel's cgroup-v2, `memory.max` of the group and of each above it; cgroup-v1,
    /// `memory.limit_in_bytes`.
    static func controlGroupBytes(root: String = "/sys/fs/cgroup", of file: String = "/proc/self/cgroup") -> Int? {
        var least: Int?
        for line in (text(file) ?? "").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isUnified = parts[0] == "0"
            guard isUnified || parts[1].split(separator: ",").contains("memory") else { continue }
            let (base, name) = isUnified ? (root, "memory.max") : ("\(root)/memory", "memory.limit_in_bytes")
            var path = String(parts[2])
            while true {
                if let bytes = number("\(base)\(path == "/" ? "" : path)/\(name)") {
                    least = min(least ?? bytes, bytes)
                }
                guard let slash = path.lastIndex(of: "/"), path != "/" else { break }
                path = slash == path.startIndex ? "/" : String(path[..<slash])
            }
        }
        // Version 1 says "no limit" with a number beyond every machine.
        return least.flatMap { $0 < Int.max >> 12 ? $0 : nil }
    }

    private static func number(_ path: String) -> Int? {
        text(path).flatMap { Int($0.filter { !$0.isWhitespace }) }
    }

    private static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
