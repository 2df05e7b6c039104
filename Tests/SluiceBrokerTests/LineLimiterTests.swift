import SluiceCore
import Testing

@Suite("The bound of log lines")
struct LineLimiterTests {
    @Test("a burst is admitted, then one line in a time, and what is left out is counted once")
    func bound() {
        var limiter = LineLimiter(burst: 3, nanosecondsPerLine: 10)
        #expect((0..<5).map { _ in limiter.admits(at: 100) } == [true, true, true, false, false])
        #expect(limiter.takeLeftOut(at: 100) == 0, "there is no room to say so")
        #expect(limiter.takeLeftOut(at: 110) == 2)
        #expect(limiter.takeLeftOut(at: 1000) == 0)
        #expect((0..<4).map { _ in limiter.admits(at: 1000) } == [true, true, true, false])
    }

    @Test("a clock that stands still, or a long silence, gives no more than the burst")
    func clock() {
        var limiter = LineLimiter(burst: 2, nanosecondsPerLine: 1000)
        #expect((0..<3).map { _ in limiter.admits(at: 0) } == [true, true, false])
        #expect((0..<3).map { _ in limiter.admits(at: Int64.max) } == [true, true, false])
        // Half the time of a line is not lost.
        var halves = LineLimiter(burst: 1, nanosecondsPerLine: 10)
        #expect([0, 5, 10, 15, 20].map { halves.admits(at: $0) } == [true, false, true, false, true])
    }
}
