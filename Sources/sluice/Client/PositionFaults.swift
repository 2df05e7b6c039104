import Administration
import SluiceBroker
import SluiceCore

extension StreamReport {
    /// Why nothing can be read between two positions, with the nearest that there is; nil when something could.
    func fault(from: ReplayPosition, until: ReplayPosition?, isFollowing: Bool, now: Timestamp) -> String? {
        for position in [from, until] {
            guard case .offset(let number, _)? = position, number >= partitions.count else { continue }
            let there = partitions.count == 1 ? "partition 0 only" : "partitions 0 to \(partitions.count - 1)"
            return "there is no partition \(number): '\(name)' has \(there)"
        }
        if case .offset(let number, let offset) = from, offset.rawValue > partitions[number].appended {
            let end = partitions[number].appended
            return "partition \(number) of '\(name)' ends at \(end), and there is no \(number):\(offset.rawValue); "
                + "the nearest is \(number):\(end)"
        }
        if case .time(let start) = from, start > now, !isFollowing {
            return "\(RFC3339.text(start.rawValue)) is yet to come; --follow waits for it"
        }
        switch (from, until) {
        case (.offset(let one, let start), .offset(let other, let end)?):
            if one != other { return "--from is of partition \(one), --until of partition \(other)" }
            return end < start ? "--until lies before --from" : nil
        case (.time(let start), .time(let end)?): return end < start ? "--until lies before --from" : nil
        case _: return nil
        }
    }

    /// What lies before the first record kept is passed over.
    func remark(from: ReplayPosition, isFollowing: Bool) -> String? {
        switch from {
        case .offset(let number, let offset) where offset.rawValue < partitions[number].start:
            "partition \(number) begins at \(partitions[number].start): what lies before is not kept any more"
        case .latest where !isFollowing, .committed where !isFollowing:
            "behind the newest record there is nothing yet; --follow waits for what comes"
        case .earliest, .latest, .committed, .time, .offset: nil
        }
    }
}
