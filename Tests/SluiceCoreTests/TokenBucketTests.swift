import SluiceCore
import SluiceTesting
import Testing

@Suite("Rates")
struct TokenBucketTests {
    private static let second: Int64 = 1_000_000_000

    @Test("a full bucket gives what its rate gives in its time, and then one by one")
    func gives() {
        var bucket = TokenBucket(Rate(10))
        for _ in 0..<10 { #expect(bucket.take(at: 0) == true) }
        #expect(bucket.take(at: 0) == false)
        #expect(bucket.take(at: Self.second / 10 - 1) == false)
        #expect(bucket.take(at: Self.second / 10) == true)
        #expect(bucket.take(at: Self.second / 10) == false)
        #expect(bucket.isFull(at: 3 * Self.second) && !bucket.isFull(at: Self.second))
        for _ in 0..<10 { #expect(bucket.take(at: 100 * Self.second) == true) }
        #expect(bucket.take(at: 100 * Self.second) == false)
    }

    @Test("what is larger than a bucket passes when that is full, and is owed then")
    func owes() {
        var bucket = TokenBucket(Rate(1000))
        #expect(bucket.take(10_000, at: 0) == true)
        #expect(bucket.opensAt() == 9 * Self.second + Self.second / 1000)
        #expect(bucket.opensAt(for: 10_000) == 10 * Self.second && bucket.opensAt(for: 500) == 19 * Self.second / 2)
        #expect(bucket.take(500, at: 19 * Self.second / 2 - 1) == false)
        #expect(bucket.take(500, at: 19 * Self.second / 2) == true)
    }

    @Test("over any time no more comes through than the rate's count, what it gives meanwhile, and one piece")
    func holds() {
        for seed in 0..<200 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let rate = Rate(
                Int.random(in: 1...5000, using: &random), per: Int64.random(in: 1...90, using: &random) * Self.second)
            var bucket = TokenBucket(rate)
            let largest = Int.random(in: 1...3000, using: &random)
            var (now, sum) = (Int64.random(in: -5...5, using: &random) * Self.second, 0)
            let start = now
            for _ in 0..<300 {
                now += Int64.random(in: 0...Self.second / 3, using: &random)
                let cost = Int.random(in: 1...largest, using: &random)
                if bucket.take(cost, at: now) { sum += cost } else { #expect(bucket.opensAt(for: cost) > now) }
                let given = Double(rate.count) * Double(now - start) / Double(rate.nanoseconds)
                #expect(Double(sum) <= Double(rate.count + max(0, largest - rate.count)) + given + 1, "seed \(seed)")
            }
        }
    }

    @Test("no cost, rate or time makes it trap, and what is unlimited never runs out")
    func extremes() {
        for rate in [Rate(1, per: .max), Rate(1 << 40, per: 3_600 * Self.second), Rate.unlimited, Rate(1, per: 1)] {
            var bucket = TokenBucket(rate)
            for now in [Int64.min, -1, 0, Int64.max - 1] {
                for cost in [0, 1, 1 << 28, Int.max] { bucket.spend(cost, at: now) }
                _ = (bucket.hasRoom(at: now), bucket.opensAt(), bucket.isFull(at: now))
            }
        }
        var bucket = TokenBucket(.unlimited)
        for now in 0..<1000 as Range<Int64> { #expect(bucket.take(1 << 20, at: now) == true) }
    }

    @Test("rates are compared by what comes in the same time, and say what they are")
    func compares() {
        #expect(Rate(60, per: 60 * Self.second) == Rate(60, per: 60 * Self.second))
        #expect(Rate(1) < Rate(61, per: 60 * Self.second) && Rate(1) > Rate(59, per: 60 * Self.second))
        #expect(Rate(.max, per: .max) < .unlimited)
        #expect("\(Rate(6, per: 60 * Self.second)), \(Rate(100)), \(Rate.unlimited)" == "6/m, 100/s, unlimited")
    }
}
