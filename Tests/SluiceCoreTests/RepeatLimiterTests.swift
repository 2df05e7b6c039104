import SluiceCore
import Testing

@Suite("Log lines that are alike")
struct RepeatLimiterTests {
    private static let second: Int64 = 1_000_000_000

    @Test("a burst of lines that differ in numbers is admitted, the rest is counted and said once")
    func counts() {
        var limiter = RepeatLimiter(burst: 3, nanosecondsPerLine: 10 * Self.second)
        let admitted = (0..<10).map { limiter.admits(.clientClosed, "client c\($0) at 10.0.0.\($0):4000: gone", at: 0) }
        #expect(admitted == [true, true, true] + [Bool](repeating: false, count: 7))
        #expect(limiter.takeLeftOut(at: 9 * Self.second).isEmpty)
        let told = limiter.takeLeftOut(at: 10 * Self.second)
        #expect(told.map(\.kind) == ["client c# at #.#.#.#:#: gone"] && told.map(\.count) == [7])
        #expect(told.map(\.event) == [.clientClosed])
        #expect(limiter.takeLeftOut(at: 30 * Self.second).isEmpty)
        let later = limiter.admits(.clientClosed, "client c1 at 10.0.0.1:4000: gone", at: 30 * Self.second)
        #expect(later)
    }

    @Test("other lines are not held up, however many kinds there are")
    func kinds() {
        var limiter = RepeatLimiter(burst: 1, nanosecondsPerLine: Self.second)
        for kind in 0..<2000 {
            let name = String(kind).map { String(UnicodeScalar(UInt8(ascii: "a") + UInt8($0.wholeNumberValue ?? 0))) }
            let admitted = limiter.admits(.clientClosed, "kind " + name.joined(), at: 0)
            #expect(admitted, "\(kind)")
        }
    }
}
