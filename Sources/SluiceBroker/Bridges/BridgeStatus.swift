package import Bridging
package import LogInterface
package import SluiceCore

/// What a bridge does, as `sluice bridges` shows it.
package enum BridgeState: String, Sendable, CaseIterable {
    /// An attempt is on its way, the first or the next, or the upstream has not answered every subscription.
    case connecting
    /// Connected, with more behind it than is on its way.
    case catchingUp = "catching up"
    /// Connected, and nothing waits for long.
    case live
    /// Lazy, with too little to do.
    case idle
    /// Stopped by somebody.
    case paused
    /// Not connected, and retention waits for it; or stopped, since its messages go in circles.
    case held
    /// Not connected; the reason is told.
    case failed
}

/// A bridge at a moment.
package struct BridgeStatus: Sendable {
    /// Progress in a partition.
    package struct Partition: Sendable {
        /// The stream.
        package var stream: String
        /// The partition's number.
        package var number: Int
        /// The lowest offset that is not forwarded.
        package var position: Int64
        /// The offset behind the newest durable record.
        package var end: Int64
        /// When the record at the position was stored; nil when there is none, or it was not looked at yet.
        package var oldestStoredAt: Timestamp?
        /// What became of the records before the position.
        package var counts = BridgeCounts(start: .zero)
    }

    /// The bridge's name.
    package var name: String
    /// What it does.
    package var state: BridgeState
    /// Why it failed last.
    package var failure: UpstreamFailure?
    /// The address in use, or the first.
    package var address: String
    /// Topics that the upstream refused, with its reason.
    package var refusals: [String] = []
    /// What its settings do that an operator may not expect.
    package var remarks: [String] = []
    /// Records behind the position, of any topic.
    package var lagRecords: Int64 = 0
    /// Bytes that these take in segment files, about.
    package var lagBytes: Int64 = 0
    /// The age of the oldest record that the upstream has not acknowledged, in milliseconds.
    package var lagMilliseconds: Int64 = 0
    /// Messages handed upstream that are not acknowledged and checkpointed.
    package var inflight = 0
    /// What is counted besides the partitions.
    package var totals = BridgeTotals()
    /// Where it is.
    package var partitions: [Partition] = []

    /// Counts the lag up to what is durable now: the bridge made this status a while ago, and whoever has just
    /// published, and is told that nothing waits, takes it that this has arrived.
    /// - Parameter now: the wall's time, which the age of the oldest record is counted to.
    package mutating func renewLag(_ log: any LogEngine, now: Timestamp) {
        for index in partitions.indices {
            let place = partitions[index]
            guard let stream = log.streams.first(where: { $0.settings.name == place.stream }),
                stream.partitions.indices.contains(place.number)
            else { continue }
            partitions[index].end = log.bounds(stream.partitions[place.number]).highWatermark.rawValue
        }
        lagRecords = partitions.reduce(0) { $0 + max(0, $1.end - $1.position) }
        let waiting = partitions.filter { $0.end > $0.position }.compactMap(\.oldestStoredAt)
        lagMilliseconds = waiting.min().map { max(0, now.rawValue - $0.rawValue) } ?? 0
    }

    /// Everything that it has counted, the partitions included.
    package var sum: BridgeTotals {
        var sum = totals
        for place in partitions { sum.add(place.counts) }
        return sum
    }

    /// A JSON object.
    package var json: String {
        let sum = sum
        let places = partitions.map {
            """
            {"stream":\(JSONText.quoted(Array($0.stream.utf8))),"partition":\($0.number),"position":\($0.position),\
            "end":\($0.end),"start":\($0.counts.start.rawValue),"forwarded":\($0.counts.forwarded),\
            "refused":\($0.counts.refused),"dropped":\($0.counts.dropped),"skipped":\($0.counts.skipped),\
            "repeated":\($0.counts.repeated)}
            """
        }
        let reason = failure.map { JSONText.quoted(Array($0.description.utf8)) } ?? "null"
        let cause = failure.map { JSONText.quoted(Array($0.cause.rawValue.utf8)) } ?? "null"
        return """
            {"name":\(JSONText.quoted(Array(name.utf8))),"state":"\(state.rawValue)","cause":\(cause),\
            "reason":\(reason),"address":\(JSONText.quoted(Array(address.utf8))),\
            "refusals":[\(refusals.map { JSONText.quoted(Array($0.utf8)) }.joined(separator: ","))],\
            "remarks":[\(remarks.map { JSONText.quoted(Array($0.utf8)) }.joined(separator: ","))],\
            "lag_records":\(lagRecords),"lag_bytes":\(lagBytes),"lag_ms":\(lagMilliseconds),"inflight":\(inflight),\
            "forwarded":\(sum.forwarded),"received":\(sum.received),"dropped":\(sum.dropped),\
            "refused":\(sum.refused),"looped":\(sum.looped),"repeated":\(sum.repeated),\
            "partitions":[\(places.joined(separator: ","))]}
            """
    }
}

/// What somebody asks a bridge to do.
package enum BridgeCommand: Sendable, Equatable {
    /// Stop until `resume`, also after a restart of the node.
    case pause
    /// Go on.
    case resume
    /// Go on from another place in every partition.
    case seek(BridgeSeek)
}

/// Where a bridge is to go on.
package enum BridgeSeek: Sendable, Equatable {
    /// With the oldest record kept.
    case earliest
    /// With what comes from now on.
    case latest
    /// With the first record of this time or later, in milliseconds since 1970.
    case time(Int64)
}

/// The bridges of a node, to its shards: who asks them something.
///
/// Isolation: any thread; nothing waits.
package protocol BridgeDirectory: AnyObject, Sendable {
    /// What each bridge did when it last looked.
    var statuses: [BridgeStatus] { get }
    /// Tells what the broker's own topics say now, for bridges that forward them.
    func tell(_ topics: [SystemTopic])
    /// Hands a command to a bridge.
    /// - Returns: false when there is no bridge of that name.
    func perform(_ command: BridgeCommand, on name: String) -> Bool
}
