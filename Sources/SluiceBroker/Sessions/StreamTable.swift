package import LogInterface
import SluiceCore

/// The streams of a log and the places of their partitions, as they were when it was made.
///
/// Records name a partition by its stream's identifier and its number there, which are the same after a restart, in
/// another order of the configuration, and on another engine; what runs uses the engine's `PartitionID`.
/// Isolation: an immutable value.
package struct StreamTable: Sendable {
    /// Where a partition is.
    struct Place: Equatable, Sendable {
        /// The stream, as an index into `streams`, or behind them for one that was deleted; see `id(at:)`.
        var stream: Int
        /// The partition's number in it.
        var number: Int
    }

    /// The streams, in the log's order.
    package let streams: [StreamDescription]
    /// Streams that were deleted while tables followed each other: what is noted of them has their names still.
    private let gone: [StreamDescription]
    private let places: [Place?]
    private let internals: [Bool]
    /// The partition of who is there, which only those read who ask for it by its stream's name.
    let presencePartition: PartitionID?
    private let indexes: [String: Int]

    /// The table of `streams`.
    /// - Parameter former: the table that this one takes the place of, in the same run.
    package init(_ streams: [StreamDescription], after former: StreamTable? = nil) {
        self.streams = streams
        let ids = Set(streams.map(\.id))
        let gone = (former.map { $0.gone + $0.streams } ?? []).filter { !ids.contains($0.id) }
        self.gone = gone
        let count = (streams + gone).flatMap(\.partitions).map { $0.index + 1 }.max() ?? 0
        var places = [Place?](repeating: nil, count: count)
        var internals = [Bool](repeating: true, count: count)
        for (index, stream) in streams.enumerated() {
            for (number, partition) in stream.partitions.enumerated() {
                assert(places[partition.index] == nil, "one partition of two streams")
                places[partition.index] = Place(stream: index, number: number)
                internals[partition.index] = stream.settings.isInternal
            }
        }
        for (index, stream) in gone.enumerated() {
            for (number, partition) in stream.partitions.enumerated() {
                assert(places[partition.index] == nil, "a partition's number is never given again")
                places[partition.index] = Place(stream: streams.count + index, number: number)
            }
        }
        self.places = places
        presencePartition = streams.first { $0.settings.name == StreamSettings.presence }?.partitions.first
        self.internals = internals
        indexes = Dictionary(uniqueKeysWithValues: streams.enumerated().map { ($1.id, $0) })
    }

    /// One more than the largest index of a partition's identifier.
    var partitionCount: Int { places.count }

    /// Where a partition is; nil for one that there is not, or not any more.
    func place(of partition: PartitionID) -> Place? {
        places.indices.contains(partition.index) ? places[partition.index] : nil
    }

    /// Whether a partition belongs to the node's own state, which is nobody's to subscribe to, or to nobody any more.
    @inline(__always)
    func isInternal(_ partition: PartitionID) -> Bool {
        // A log counts the numbers of streams that were deleted before as well.
        partition.index >= internals.count || internals[partition.index]
    }

    /// Whether a partition's stream was deleted.
    func isGone(_ partition: PartitionID) -> Bool { (place(of: partition)?.stream ?? 0) >= streams.count }

    /// The name of a partition's stream; nil when it was deleted.
    func name(of partition: PartitionID) -> String? {
        guard let place = place(of: partition), place.stream < streams.count else { return nil }
        return streams[place.stream].settings.name
    }

    /// The identifier of the stream of a place.
    func id(at index: Int) -> String {
        index < streams.count ? streams[index].id : gone[index - streams.count].id
    }

    /// The stream of an identifier, as an index into `streams`.
    func index(ofID id: String) -> Int? { indexes[id] }

    /// The stream of a name.
    package func stream(named name: String) -> StreamDescription? { streams.first { $0.settings.name == name } }

    /// Whether a partition is delivered to nobody: it is the node's own, or that of a stream that was deleted.
    @inline(__always)
    func isHidden(_ partition: PartitionID) -> Bool { isInternal(partition) && partition != presencePartition }

    /// The streams that clients read who name none: all but the node's own.
    package var readable: [StreamDescription] { streams.filter { !$0.settings.isInternal } }

    /// The stream of a name that clients may read.
    package func readable(named name: String) -> StreamDescription? {
        stream(named: name).flatMap { $0.settings.isReadable ? $0 : nil }
    }
}
