import HTTPWire
import LogInterface
import RecordFormat
import SluiceBroker
import SluiceCore

/// A request for what comes: server-sent events, one for each record of a stream that its filter lets through.
///
/// Where it is live in a partition the endpoint's scan delivers to it, and each record is decoded and written once for
/// all tails; where it is behind it reads with a cursor of its own, from memory or from segments, until it has caught
/// up. One that reads too slowly falls behind, and holds nothing but a position.
///
/// Isolation: its loop's thread.
final class Tail {
    let exchange: Exchange
    let stream: String
    var filter: RecordFilter
    var lanes: [Lane]
    /// The time that it starts at, where it was given one.
    var startTime: Timestamp?
    /// Events since the last that had an identifier.
    private var unmarkedCount = 0

    /// A partition's part of it.
    struct Lane {
        let number: Int
        /// Everything before was told of, or is not wanted.
        var offset: Offset
        var cursor: PartitionCursor
        /// Whether the scan delivers here; else the cursor reads.
        var isLive = false
        /// The look-up of its start, while that is under way.
        var lookup: UInt64?
    }

    /// With more partitions an identifier is as long as a record: then one event in so many has it, and who comes back
    /// gets some again.
    private static let markedLaneCountMax = 16

    init(_ exchange: Exchange, _ stream: String, _ filter: RecordFilter, lanes: [Lane]) {
        self.exchange = exchange
        self.stream = stream
        self.filter = filter
        self.lanes = lanes
    }

    var isLive: Bool { lanes.allSatisfy(\.isLive) }

    /// Tells of a record.
    /// - Parameter scratch: has the event's lines behind its identifier.
    func tell(_ scratch: TailScratch, lane: Int, next: Offset) {
        lanes[lane].offset = next
        unmarkedCount += 1
        if lanes.count <= Self.markedLaneCountMax || unmarkedCount >= Self.markedLaneCountMax {
            unmarkedCount = 0
            scratch.mark.removeAll()
            scratch.mark.append(utf8: "id: ")
            for index in lanes.indices {
                if index > 0 { scratch.mark.append(UInt8(ascii: ",")) }
                JSONText.append(Int64(lanes[index].number), to: &scratch.mark)
                scratch.mark.append(UInt8(ascii: ":"))
                JSONText.append(lanes[index].offset.rawValue, to: &scratch.mark)
            }
            scratch.mark.append(UInt8(ascii: "\n"))
            exchange.write(scratch.mark)
        }
        exchange.write(scratch.event)
    }
}

/// The tails of one endpoint.
struct TailTable {
    var all: [ObjectIdentifier: Tail] = [:]
    /// The tails of a partition, with their lanes.
    var byPartition: [PartitionID: [(tail: Tail, lane: Int)]] = [:]
    /// Those that are behind somewhere and can go on.
    var behind: [ObjectIdentifier: Tail] = [:]
    /// Whether the endpoint has asked the log for its scan.
    var isScanning = false
    /// How many events were told of.
    var eventCount: UInt64 = 0
}
