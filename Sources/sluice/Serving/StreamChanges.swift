import CommitLog
import CommitLogPosix
import SluiceConfiguration
import SluiceCore

/// How the streams of a data directory differ from those of a configuration, as far as that means something for keys or
/// for what is kept.
struct StreamChanges {
    /// One stream that differs.
    enum Change: Equatable {
        /// More partitions are configured than there are: keys move, and with them the order of what has one.
        case grown(stream: String, stored: Int, configured: Int)
        /// Fewer are configured: all that there are stay in use, since records are in them.
        case fewer(stream: String, stored: Int, configured: Int)
        /// A stream that no configuration names any more; it is kept and read.
        case unnamed(stream: String, stored: Int)

        /// What it means and what to do.
        var text: String { line.words.text }

        /// What the log says of it.
        var line: LogLine { LogLine(.streamDiffers, words) }

        private var words: LogWords {
            switch self {
            case .grown(let stream, let stored, let configured):
                "stream '\(stream, as: .stream)' has \(stored, as: .partitions) partitions and is configured with "
                    + "\(configured, as: .configured): most keys would move to another partition, and "
                    + "what a key has in the old one is not in order with what follows"
            case .fewer(let stream, let stored, let configured):
                "stream '\(stream, as: .stream)' has \(stored, as: .partitions) partitions and is configured with "
                    + "\(configured, as: .configured): all \(stored) stay, and keys go to them "
                    + "as before; 'partitions: \(stored)' says what is so"
            case .unnamed(let stream, let stored):
                "stream '\(stream, as: .stream)' with \(stored, as: .partitions) partitions is in the data directory "
                    + "and not in the configuration: it is kept for ever and can be read"
            }
        }
    }

    /// The partitions of each stream in the directory; nil without one.
    let stored: [String: Int]?
    private(set) var changes: [Change] = []
    private let configured: [String: Int]

    /// Compares `configuration` with the data directory that it names, if there is one. Changes nothing.
    /// - Throws: `StorageError` when what is in the directory cannot be read. A place that is no directory has nothing
    ///   to compare with: whoever opens it says what it is.
    init(_ configuration: Configuration) throws {
        do throws(StorageError) {
            stored = try LogOpening.storedPartitionCounts(PosixStorage(inspecting: configuration.dataDirectory))
        } catch {
            guard error.operation == .list else { throw error }
            stored = nil
        }
        configured = Dictionary(
            configuration.streams.map { ($0.name, $0.partitionCount) }, uniquingKeysWith: { max($0, $1) })
        guard let stored else { return }
        for stream in configuration.streams {
            guard let count = stored[stream.name] else { continue }
            let configured = stream.partitionCount
            if count < configured { changes.append(.grown(stream: stream.name, stored: count, configured: configured)) }
            if count > configured { changes.append(.fewer(stream: stream.name, stored: count, configured: configured)) }
        }
        for (name, count) in stored.sorted(by: { $0.key < $1.key })
        where !name.hasPrefix("__") && !configuration.streams.contains(where: { $0.name == name }) {
            changes.append(.unnamed(stream: name, stored: count))
        }
    }

    /// The changes that a start refuses unless it is told otherwise.
    var refused: [Change] {
        changes.filter { change in
            switch change {
            case .grown: true
            case .fewer, .unnamed: false
            }
        }
    }

    /// What to do about them.
    static let advice = "start once with --grow-partitions to let keys move, or configure as many as there are"

    /// The partitions of the node when it runs with this configuration, without those of its own streams.
    var partitionCount: Int {
        var counts = (stored ?? [:]).filter { !$0.key.hasPrefix("__") }
        for (name, count) in configured { counts[name] = max(counts[name] ?? 0, count) }
        return counts.values.reduce(0, +)
    }

    /// How many partitions a stream has, or will have.
    func partitionCount(_ stream: SluiceConfiguration.StreamSettings) -> Int {
        max(stream.partitionCount, stored?[stream.name] ?? 0)
    }
}

/// Says once, on a directory that an older version has written, that `retention: size:` is for each partition.
enum RetentionScope {
    private static let path = "meta/retention-scope"
    private static let mark = Array("partition\n".utf8)

    /// Leaves the mark, and says what changes for streams that are configured with a size.
    /// - Parameter isNew: whether the directory was made by this start.
    static func note(_ configuration: Configuration, _ storage: PosixStorage, isNew: Bool) throws {
        guard try !storage.list("meta").contains("retention-scope") else { return }
        try storage.replace(path, with: mark, inDirectory: "meta")
        guard !isNew else { return }
        for stream in configuration.streams where stream.partitionCount > 1 {
            guard let size = stream.retention.byteCount else { continue }
            let (one, all) = (Readable.bytes(Int64(size)), Readable.bytes(Int64(size * stream.partitionCount)))
            let same = Readable.bytes(Int64(size / stream.partitionCount))
            Console.log(
                .retentionRescoped,
                "stream '\(stream.name, as: .stream)': 'retention: size' is for each partition now, as Kafka's "
                    + "retention.bytes: \(stream.partitionCount, as: .partitions) of \(one, as: .bytes, number: size) "
                    + "keep \(all), where all together kept \(one); write \(same) to keep as "
                    + "much as before")
        }
    }
}
