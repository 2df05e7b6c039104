import Bridging
import LogInterface
import SluiceCore

/// Catching up without flooding the upstream.
extension BridgeRunner {
    /// A catch-up that goes on.
    struct CatchUp {
        var pace: CatchUpPace
        /// The sum of the ends of all partitions, as of the last look.
        var end: Int64
        /// The sum of the places read to when it began.
        let begin: Int64
        /// Messages handed over since.
        var sentCount: Int64 = 0
    }

    private var durableEnds: Int64 { sources.reduce(0) { $0 + log.bounds($1.partition).highWatermark.rawValue } }
    private var readPlaces: Int64 { sources.reduce(0) { $0 + $1.progress.read.rawValue } }

    /// The bridge is connected: with more behind it than its window takes, it goes on at a pace. An upstream that is a
    /// Sluice keeps its subscribers' messages in its log, and needs none.
    func beginCatchUp() {
        catchUp = nil
        guard settings.pacesCatchUp, upstreamNode == nil, map.isOut else { return }
        let (end, begin) = (durableEnds, readPlaces)
        guard end - begin > Int64(settings.inflightMax) else { return }
        catchUp = CatchUp(pace: CatchUpPace(now: now), end: end, begin: begin)
        report(
            .bridgeCatchingUp,
            "bridge \(settings.name, as: .bridge): catches up on \(end - begin, as: .count) records, of any topic, "
                + "with \(CatchUpPace.messagesPerSecond, as: .limit) messages a second above what is published "
                + "('rate')")
    }

    /// Time has passed, and more may have been published.
    func elapseCatchUp() {
        guard var catchUp else { return }
        let (end, place) = (durableEnds, readPlaces)
        guard end - place > Int64(settings.inflightMax) else { return self.catchUp = nil }
        // Of what is published only a part may be the bridge's: the part that it was of what it has read.
        let readCount = place - catchUp.begin
        assert(readCount >= 0, "a connection that is lost ends the catch-up before its reading begins anew")
        let share = readCount > 0 ? min(1, Double(catchUp.sentCount) / Double(readCount)) : 1
        catchUp.pace.elapsed(now: now, newCount: Double(max(0, end - catchUp.end)) * share)
        catchUp.end = end
        self.catchUp = catchUp
    }

    /// When the next message may go at the earliest; nil for now.
    var paceDue: Int64? {
        guard let first = pace.due else { return catchUp?.pace.due }
        return max(first, catchUp?.pace.due ?? first)
    }
}
