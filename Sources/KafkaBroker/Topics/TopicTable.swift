import GroupCoordination
import KafkaWire
import LogInterface
import SluiceCore

/// A stream as a topic.
struct Topic: Sendable {
    let name: String
    let id: KafkaUUID
    let partitions: [PartitionID]
    let settings: StreamSettings

    /// Whether it holds the node's own state.
    var isInternal: Bool { settings.isInternal }

    /// The partition of a number; nil when there is none.
    func partition(_ number: Int32) -> PartitionID? {
        partitions.indices.contains(Int(number)) ? partitions[Int(number)] : nil
    }
}

/// The topics that clients see, by name and by identifier.
///
/// Of the node's own streams they see the one that is Kafka's, whose records tools understand, and who is there.
/// Isolation: one shard's.
struct TopicTable: Sendable {
    /// In the log's order.
    private(set) var topics: [Topic] = []
    private var byName: [String: Int] = [:]
    private var byID: [KafkaUUID: Int] = [:]
    private var byPartition: [PartitionID: (topic: Int, number: Int32)] = [:]
    /// The only partition of each of the node's own streams.
    private var internals: [String: PartitionID] = [:]

    init(_ streams: [StreamDescription]) {
        for stream in streams {
            if stream.settings.isInternal { internals[stream.settings.name] = stream.partitions.first }
            guard stream.settings.isReadable || stream.settings.name == GroupRecord.stream,
                let id = KafkaUUID(stream.id)
            else { continue }
            byName[stream.settings.name] = topics.count
            byID[id] = topics.count
            for (number, partition) in stream.partitions.enumerated() {
                byPartition[partition] = (topics.count, Int32(number))
            }
            topics.append(
                Topic(
                    name: stream.settings.name, id: id, partitions: stream.partitions, settings: stream.settings))
        }
    }

    /// The topic of a name.
    subscript(name: String) -> Topic? { byName[name].map { topics[$0] } }

    /// The topic of an identifier.
    subscript(id: KafkaUUID) -> Topic? { byID[id].map { topics[$0] } }

    /// The only partition of one of the node's own streams, whether or not clients see it.
    func internalPartition(_ name: String) -> PartitionID? { internals[name] }

    /// Which topic and number a partition is.
    func place(of partition: PartitionID) -> (topic: Topic, number: Int32)? {
        byPartition[partition].map { (topics[$0.topic], $0.number) }
    }
}
