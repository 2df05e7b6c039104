import SluiceCore

/// When the newest entries of the tail became visible: what the time to their delivery is measured from.
///
/// Bounded: a reader that is further behind than so many commits has no time for them.
/// Isolation: a value of the log's state.
struct VisibleTimes {
    private static let countMax = 256
    private var marks = Ring<(end: UInt64, time: Int64)>(capacity: countMax)

    /// Everything before the position `end` is visible, by now; nil where nobody measures.
    mutating func note(_ end: UInt64, at time: Int64?) {
        guard let time, end > marks.last?.end ?? 0 else { return }
        if marks.count == Self.countMax { _ = marks.popFirst() }
        marks.append((end, time))
    }

    /// Finds the times of entries that are asked for in their order, the first of which is at `position`.
    /// - Complexity: O(commits since that entry's).
    func lookup(from position: UInt64) -> Lookup {
        var index = marks.count
        while index > 0, marks[index - 1].end > position { index -= 1 }
        return Lookup(marks: marks, index: index)
    }

    /// Where the search is.
    struct Lookup {
        private var marks: Ring<(end: UInt64, time: Int64)>?
        private var index = 0

        /// Finds nothing.
        init() {}

        fileprivate init(marks: Ring<(end: UInt64, time: Int64)>, index: Int) {
            self.marks = marks
            self.index = index
        }

        /// When the entry at a position became visible; nil when that is not known, or was before all that is.
        mutating func time(of position: UInt64) -> Int64? {
            guard let marks else { return nil }
            while index < marks.count, marks[index].end <= position { index += 1 }
            guard index < marks.count, index > 0 || marks.count < VisibleTimes.countMax else { return nil }
            return marks[index].time
        }
    }
}
