import SluiceCore

/// The streams of a data directory and the numbers of their partitions.
///
/// Layout of `meta/catalogue`: lines of text: `sluice-catalogue 1`; `stream NAME ID PARTITION...` for each stream, the
/// partitions being the node's numbers for the stream's partitions 0, 1, ...; last `crc32c HEX` over all lines
/// before.
/// What is rebuilt: all of it, from `streams/NAME-N/partition.metadata`, which says the same for one partition, when
/// the file is missing or damaged; and those files from it.
struct Catalogue: Equatable {
    struct Stream: Equatable {
        var name: String
        var id: String
        var partitions: [PartitionID]
    }

    static let path = "meta/catalogue"
    private static let title = "sluice-catalogue 1"
    private(set) var streams: [Stream] = []

    /// The number that the next new partition gets.
    var nextPartition: UInt32 { (streams.flatMap(\.partitions).map(\.rawValue).max().map { $0 + 1 }) ?? 0 }

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

    /// The file's bytes.
    var encoded: [UInt8] {
        let lines = streams.map { stream in
            let numbers = stream.partitions.map { String($0.rawValue) }.joined(separator: " ")
            return "stream \(stream.name) \(stream.id) \(numbers)"
        }
        return ChecksummedText.encoded(title: Self.title, lines: lines)
    }

    init() {}

    /// The catalogue in `bytes`; nil when they are damaged or say what cannot be.
    init?(_ bytes: [UInt8]) {
        guard let lines = ChecksummedText.lines(bytes, title: Self.title) else { return nil }
        for line in lines {
            let words = line.split(separator: " ")
            guard words.count >= 4, words[0] == "stream" else { return nil }
            let partitions = words[3...].compactMap { UInt32($0).map(PartitionID.init(rawValue:)) }
            guard partitions.count == words.count - 3 else { return nil }
            streams.append(Stream(name: String(words[1]), id: String(words[2]), partitions: partitions))
        }
        guard hasDensePartitions else { return nil }
    }

    /// Whether every number from 0 on is given once: partitions are found by number in a table.
    var hasDensePartitions: Bool {
        streams.flatMap(\.partitions).map { Int($0.rawValue) }.sorted().elementsEqual(0..<Int(nextPartition))
    }

    // MARK: One partition's own file

    /// The bytes of `partition.metadata`; its first two lines are Kafka's.
    static func metadata(_ id: String, _ partition: PartitionID) -> [UInt8] {
        Array("version: 0\ntopic_id: \(id)\nsluice_partition: \(partition.rawValue)\n".utf8)
    }

    /// Puts the catalogue together from the partitions' own files.
    /// - Returns: nil when two contradict each other or one is missing beside segments.
    static func rebuilt(from storage: any Storage) throws(StorageError) -> Catalogue? {
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
            found[name, default: (id, [:])].partitions[number] = partition
        }
        var catalogue = Catalogue()
        for (name, entry) in found.sorted(by: { $0.key < $1.key }) {
            let partitions = (0..<entry.partitions.count).compactMap { entry.partitions[$0] }
            guard partitions.count == entry.partitions.count else { return nil }
            catalogue.streams.append(Stream(name: name, id: entry.id, partitions: partitions))
        }
        return catalogue.hasDensePartitions ? catalogue : nil
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
