/// Counts of durations in fixed buckets from 100 microseconds to ten seconds, as Prometheus has them.
///
/// Isolation: a value with one owner.
package struct LatencyHistogram: Sendable, Equatable {
    /// The upper bounds of the buckets in seconds; what is longer is in the last, which has none.
    package static let bounds = [
        0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]
    private static let nanosecondBounds = bounds.map { Int64($0 * 1_000_000_000) }

    /// How many there are of each bucket, one more than there are bounds.
    package private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// The sum of all durations, in nanoseconds.
    package private(set) var sum: UInt64 = 0

    /// Nothing counted.
    package init() {}

    /// Counts `count` durations of one length.
    /// - Complexity: O(buckets), no allocation.
    package mutating func record(nanoseconds: Int64, count: Int = 1) {
        let duration = max(0, nanoseconds)
        var index = 0
        while index < Self.nanosecondBounds.count, duration > Self.nanosecondBounds[index] { index += 1 }
        counts[index] += UInt64(count)
        sum &+= UInt64(duration) &* UInt64(count)
    }

    /// Adds what another one has counted.
    package static func += (sum: inout LatencyHistogram, other: LatencyHistogram) {
        for index in sum.counts.indices { sum.counts[index] += other.counts[index] }
        sum.sum &+= other.sum
    }
}
