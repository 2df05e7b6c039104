import Administration
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

    /// As somebody who asks is told.
    var report: BridgeReport {
        let sum = sum
        var report = BridgeReport()
        report.name = name
        report.state = state.rawValue
        report.cause = failure?.cause.rawValue
        report.reason = failure?.description
        report.address = address
        report.refusals = refusals
        report.remarks = remarks
        report.lagRecords = lagRecords
        report.lagBytes = lagBytes
        report.lagMilliseconds = lagMilliseconds
        report.inflight = Int64(inflight)
        report.forwarded = Int64(clamping: sum.forwarded)
        report.received = Int64(clamping: sum.received)
        report.dropped = Int64(clamping: sum.dropped)
        report.refused = Int64(clamping: sum.refused)
        report.looped = Int64(clamping: sum.looped)
        report.repeated = Int64(clamping: sum.repeated)
        report.partitions = partitions.map { place in
            var report = BridgeReport.Place()
            report.stream = place.stream
            report.number = Int64(place.number)
            report.position = place.position
            report.end = place.end
            report.start = place.counts.start.rawValue
            report.forwarded = Int64(clamping: place.counts.forwarded)
            report.refused = Int64(clamping: place.counts.refused)
            report.dropped = Int64(clamping: place.counts.dropped)
            report.skipped = Int64(clamping: place.counts.skipped)
            report.repeated = Int64(clamping: place.counts.repeated)
            return report
        }
        return report
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
    /// Store what comes by other rules and profiles.
    case route(Routing)
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
