import Administration

/// Counts of durations in buckets whose width grows with the value: 64 for each power of two, so that a quantile is at
/// most 1.6 % above the true one at any size, in 30 KiB. What HDR histograms do.
///
/// Invariants: values below 128 have buckets of their own; the sum of all buckets is `count`.
struct Histogram {
    private static let subBucketBits = 6
    private var buckets = [UInt64](repeating: 0, count: 58 << subBucketBits)
    private(set) var count: UInt64 = 0
    private(set) var max: UInt64 = 0
    private(set) var min = UInt64.max
    private var sum: UInt64 = 0

    /// Counts one value.
    mutating func record(_ value: UInt64) {
        buckets[Self.index(of: value & UInt64(Int64.max))] += 1
        count += 1
        sum &+= value
        if value > max { max = value }
        if value < min { min = value }
    }

    /// The least value that at least `fraction` of all values do not pass, as near as the buckets tell.
    func quantile(_ fraction: Double) -> UInt64 {
        guard count > 0 else { return 0 }
        let rank = Swift.max(1, UInt64((Double(count) * fraction).rounded(.up)))
        var seen: UInt64 = 0
        for (index, bucket) in buckets.enumerated() {
            seen += bucket
            if seen >= rank { return Swift.min(Self.upperBound(of: index), max) }
        }
        return max
    }

    /// The mean of all values.
    var mean: UInt64 { count == 0 ? 0 : sum / count }

    /// The bucket of a value: its leading seven bits, behind those of all smaller powers of two.
    static func index(of value: UInt64) -> Int {
        let shift = Swift.max(0, 63 - value.leadingZeroBitCount - subBucketBits)
        return shift << subBucketBits + Int(value >> UInt64(shift))
    }

    /// The largest value that the bucket counts.
    static func upperBound(of index: Int) -> UInt64 {
        let shift = Swift.max(0, index >> subBucketBits - 1)
        return UInt64(index - shift << subBucketBits + 1) << UInt64(shift) - 1
    }
}

extension Histogram {
    private static let quantiles: [(name: String, fraction: Double)] = [
        ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999),
    ]

    /// The quantiles in one line; values are nanoseconds.
    var text: String {
        guard count > 0 else { return "none" }
        let parts = Self.quantiles.map { "\($0.name) \(Readable.nanoseconds(Int64(quantile($0.fraction))))" }
        return (parts + ["max \(Readable.nanoseconds(Int64(max)))"]).joined(separator: "  ")
    }

    /// The quantiles; values are nanoseconds.
    var json: JSON {
        var members: [JSON.Member] = [
            .init(name: "count", value: .integer(Int64(count))),
            .init(name: "min", value: .integer(Int64(count == 0 ? 0 : min))),
            .init(name: "mean", value: .integer(Int64(mean))),
        ]
        for (name, fraction) in Self.quantiles {
            members.append(.init(name: name, value: .integer(Int64(quantile(fraction)))))
        }
        members.append(.init(name: "max", value: .integer(Int64(max))))
        return .object(members)
    }
}
