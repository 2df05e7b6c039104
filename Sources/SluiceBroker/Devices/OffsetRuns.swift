/// A partition of a stream of dead letters.
struct LetterPlace: Hashable, Sendable {
    /// The stream of dead letters.
    var stream: String
    /// The partition's number in it.
    var number: Int
}

/// A set of offsets, as runs.
///
/// Invariants: the runs are in order, none is empty, and none touches another.
struct OffsetRuns: Equatable, Sendable {
    private(set) var ranges: [Range<Int64>] = []

    /// Whether an offset is in it.
    /// - Complexity: O(log n) in the runs.
    func contains(_ offset: Int64) -> Bool {
        let index = firstIndex(endingBehind: offset)
        return index < ranges.count && ranges[index].contains(offset)
    }

    /// Adds offsets.
    /// - Complexity: O(n) in the runs at worst, O(1) behind the last.
    mutating func insert(_ range: Range<Int64>) {
        precondition(!range.isEmpty)
        // Runs that touch it become one with it.
        var start = firstIndex(endingBehind: range.lowerBound)
        if start > 0, ranges[start - 1].upperBound == range.lowerBound { start -= 1 }
        var end = start
        var (lower, upper) = (range.lowerBound, range.upperBound)
        while end < ranges.count, ranges[end].lowerBound <= upper {
            lower = min(lower, ranges[end].lowerBound)
            upper = max(upper, ranges[end].upperBound)
            end += 1
        }
        ranges.replaceSubrange(start..<end, with: [lower..<upper])
    }

    /// Forgets offsets before `offset`.
    mutating func removeAll(before offset: Int64) {
        ranges.removeAll { $0.upperBound <= offset }
        guard let first = ranges.first, first.lowerBound < offset else { return }
        ranges[0] = offset..<first.upperBound
    }

    private func firstIndex(endingBehind offset: Int64) -> Int {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
