import CommitLog
import DeviceProfiles
import PayloadFormats
import SluiceCore

/// Finds the births of Sparkplug's edge nodes that are in force before an offset of each partition: for whoever begins
/// to read in the middle of a stream.
///
/// The topic index says where the birth of each node and device was last, so that only those are read.
enum BirthsInForce {
    /// The kinds of births, each by its place in a topic that begins with the namespace.
    private static let filters = ["+/+/NBIRTH/#", "+/+/DBIRTH/#"]

    /// Takes the births of a stream into `nodes`.
    /// - Parameter ends: where each partition ends, by the name of its directory.
    /// - Throws: as `PastState.read`.
    static func find(
        in place: InspectedPlace, stream: String, before ends: [String: Int64], into nodes: inout SparkplugNodes
    ) throws {
        var births: [PastState.Value] = []
        for filter in filters {
            var state = PastState(place, stream: stream, filter: Array(filter.utf8), before: ends)
            try state.read()
            births += state.values
        }
        // A node's birth ends what its devices have said before it; all of them have the node's key, and so its
        // partition.
        births.sort { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
        for birth in births {
            guard let topic = SparkplugTopic(birth.topic.span), let payload = birth.payload else { continue }
            nodes.take(topic, payload.span)
        }
    }
}
