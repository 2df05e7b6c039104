import LogInterface
import SluiceCore

/// The streams of a data directory and the numbers of their partitions.
///
/// Layout of `meta/catalogue`: lines of text: `sluice-catalogue 1`; `stream NAME ID PARTITION...` for each stream, the
/// partitions being the node's numbers for the stream's partitions 0, 1, ...; `settings NAME KEY=VALUE...` behind the
/// line of a stream that was made or changed while a node ran, see `StoredSettings`; `retired PARTITION...` with the
/// numbers that deleted streams had, if any; last `crc32c HEX` over all lines before. With lines of the latter two
/// kinds `meta/format` says version 2: a program that does not know them would give retired numbers again.
/// What is rebuilt: all of it but settings, from `streams/NAME-N/partition.metadata`, which says the same for one
/// partition, when the file is missing or damaged; and those files from it. Settings are the configuration's then.
package struct Catalogue: Equatable, Sendable {
    struct Stream: Equatable {
        var name: String
        var id: String
        var partitions: [PartitionID]
        /// How it is kept, when a running node was told so; otherwise its configuration says.
        var settings: StreamSettings?
    }

    static let path = "meta/catalogue"
    private static let title = "sluice-catalogue 1"
    private(set) var streams: [Stream] = []
    /// The numbers of deleted streams' partitions, which are never given again.
    private(set) var retired: Set<PartitionID> = []

    /// The number that the next new partition gets.
    var nextPartition: UInt32 {
        let last = (streams.flatMap(\.partitions) + retired).map(\.rawValue).max()
        return last.map { $0 + 1 } ?? 0
    }

    /// Whether it says what programs before format 2 do not understand.
    var needsFormat2: Bool { !retired.isEmpty || streams.contains { $0.settings != nil } }

    /// The stream's index; it is made, or gets more partitions, as asked.
    mutating func ensure(_ name: String, partitionCount: Int, makeID: () -> String) -> Int {
        precondition(partitionCount > 0)
        let index =
            streams.firstIndex { $0.name == name }
            ?? {
                streams.append(Stream(name: name, id: makeID(), partitions: []))
                return streams.count - 1
            }()
        while streams[index].partitions.count < partitionCount {
            streams[index].partitions.append(PartitionID(rawValue: nextPartition))
        }
        return index
    }

    /// A stream's index.
    func index(of name: String) -> Int? { streams.firstIndex { $0.name == name } }

    /// Keeps how a stream is kept.
    mutating func keep(_ settings: StreamSettings, at index: Int) { streams[index].settings = settings }

    /// Takes a stream out; its numbers are retired.
    mutating func remove(_ name: String) {
        guard let index = index(of: name) else { return }
        retired.formUnion(streams.remove(at: index).partitions)
    }

    /// Retires numbers that nobody has.
    mutating func retire(_ partitions: some Sequence<PartitionID>) { retired.formUnion(partitions) }

    /// The file's bytes.
    var encoded: [UInt8] {
        var lines: [String] = []
        for stream in streams {
            lines.append("stream \(stream.name) \(stream.id) \(Self.text(stream.partitions))")
            if let settings = stream.settings {
                lines.append("settings \(stream.name) \(StoredSettings.text(settings))")
            }
        }
        if !retired.isEmpty {
            lines.append("retired \(Self.text(retired.sorted { $0.rawValue < $1.rawValue }))")
        }
        return ChecksummedText.encoded(title: Self.title, lines: lines)
    }

    private static func text(_ partitions: [PartitionID]) -> String {
        partitions.map { String($0.rawValue) }.joined(separator: " ")
    }

    private static func partitions(_ words: ArraySlice<Substring>) -> [PartitionID]? {
        let partitions = words.compactMap { UInt32($0).map(PartitionID.init(rawValue:)) }
        return partitions.count == words.count ? partitions : nil
    }

    init() {}

    /// The catalogue in `bytes`; nil when they are damaged or say what cannot be.
    init?(_ bytes: [UInt8]) {
        guard let lines = ChecksummedText.lines(bytes, title: Self.title) else { return nil }
        for line in lines {
            let words = line.split(separator: " ")
            switch words.first {
            case "stream":
                guard words.count >= 4, let partitions = Self.partitions(words[3...]) else { return nil }
                streams.append(Stream(name: String(words[1]), id: String(words[2]), partitions: partitions))
            case "settings":
                guard words.count >= 2, let last = streams.last, last.name == words[1],
                    let settings = StoredSettings.settings(words[2...], of: last.name)
                else { return nil }
                streams[streams.count - 1].settings = settings
            case "retired":
                guard words.count >= 2, let partitions = Self.partitions(words[1...]) else { return nil }
                retired.formUnion(partitions)
            default: return nil
            }
        }
        guard hasDensePartitions else { return nil }
    }

    /// Whether every number from 0 on was given once: partitions are found by number in a table.
    var hasDensePartitions: Bool {
        (streams.flatMap(\.partitions) + retired).map { Int($0.rawValue) }.sorted()
            .elementsEqual(0..<Int(nextPartition))
    }

    /// The directories of its streams.
    var directories: Set<String> {
        Set(streams.flatMap { stream in stream.partitions.indices.map { "\(stream.name)-\($0)" } })
    }

    // MARK: One partition's own file

    /// The bytes of `partition.metadata`; its first two lines are Kafka's.
    static func metadata(_ id: String, _ partition: PartitionID) -> [UInt8] {
        Array("version: 0\ntopic_id: \(id)\nsluice_partition: \(partition.rawValue)\n".utf8)
    }

    /// Puts the catalogue together from the partitions' own files.
    /// - Parameter used: numbers that the journal names, when streams may have been deleted: those that no partition
    ///   has, and what is missing below the others, were theirs. Nil where every number must be there.
    /// - Returns: nil when two contradict each other or one is missing beside segments.
    static func rebuilt(
        from storage: any Storage, retiring used: (some Sequence<Int>)?
    ) throws(StorageError) -> Catalogue? {
        var found: [String: (id: String, partitions: [Int: PartitionID])] = [:]
        for directory in try storage.list("streams") {
            guard let dash = directory.lastIndex(of: "-"), let number = Int(directory[directory.index(after: dash)...])
            else {
                continue
            }
            let names = try storage.list("streams/\(directory)")
            // A crash while a stream was made leaves directories without anything in them.
            if !names.contains("partition.metadata"), !names.contains(where: { $0.hasSuffix(".log") }) { continue }
            let bytes: [UInt8]
            do throws(StorageError) {
                bytes = try storage.contents("streams/\(directory)/partition.metadata", byteCountMax: 4096)
            } catch {
                return nil
            }
            guard let (id, partition) = parseMetadata(bytes) else { return nil }
            let name = String(directory[..<dash])
            if let known = found[name], known.id != id { return nil }
            found[name, default: (id, [:])].partitions[number] = partition
        }
        var catalogue = Catalogue()
        for (name, entry) in found.sorted(by: { $0.key < $1.key }) {
            let partitions = (0..<entry.partitions.count).compactMap { entry.partitions[$0] }
            guard partitions.count == entry.partitions.count else { return nil }
            catalogue.streams.append(Stream(name: name, id: entry.id, partitions: partitions))
        }
        if let used {
            let end = max(Int(catalogue.nextPartition), (used.max() ?? -1) + 1)
            let given = Set(catalogue.streams.flatMap(\.partitions))
            catalogue.retire((0..<end).map { PartitionID(rawValue: UInt32($0)) }.filter { !given.contains($0) })
        }
        return catalogue.hasDensePartitions ? catalogue : nil
    }

    /// The number in a partition's own file; nil when there is no such file, or it says none.
    static func number(in directory: String, _ storage: any Storage) throws(StorageError) -> PartitionID? {
        guard try storage.list(directory).contains("partition.metadata") else { return nil }
        return parseMetadata(try storage.contents("\(directory)/partition.metadata", byteCountMax: 4096))?.1
    }

    private static func parseMetadata(_ bytes: [UInt8]) -> (String, PartitionID)? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var fields: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            fields[parts[0]] = parts[1].drop { $0 == " " }
        }
        guard let id = fields["topic_id"], let number = fields["sluice_partition"].flatMap({ UInt32($0) }) else {
            return nil
        }
        return (String(id), PartitionID(rawValue: number))
    }
}
