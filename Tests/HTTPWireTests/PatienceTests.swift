import HTTPWire
import SluiceCore
import Testing

@Suite("HTTP: how long a request may take")
struct PatienceTests {
    private static let second: Int64 = 1_000_000_000

    /// When a client is refused that does something each second, in seconds; nil when it is not within ten minutes.
    private func refused(
        _ patience: inout RequestPatience, eachSecond act: (inout RequestPatience, Int64) -> Void
    ) -> (second: Int64, verdict: RequestPatience.Verdict)? {
        for second in Int64(1)...600 {
            act(&patience, second * Self.second)
            let verdict = patience.elapsed(now: second * Self.second)
            if verdict != .go { return (second, verdict) }
        }
        return nil
    }

    @Test("a connection that asks nothing, or sends its head byte by byte, has 30 seconds")
    func heads() {
        var silent = RequestPatience(now: 0)
        #expect(refused(&silent) { _, _ in }?.second == 31)
        var dripping = RequestPatience(now: 0)
        let late = refused(&dripping) { $0.began(.head, now: $1) }
        // The first byte came at the first second.
        #expect(late?.second == 32)
        #expect(late?.verdict == .late("the request's head takes too long to come"))
    }

    @Test("a body must come with so many bytes in each 30 seconds, and may then take as long as it needs")
    func bodies() {
        var dripping = RequestPatience(now: 0)
        dripping.began(.body(byteCount: 0), now: 0)
        #expect(refused(&dripping) { patience, _ in patience.took(1) }?.second == 31)
        var steady = RequestPatience(now: 0)
        steady.began(.body(byteCount: 0), now: 0)
        #expect(refused(&steady) { patience, _ in patience.took(1024) } == nil)
        // What came fast at first does not pay for what drips later.
        var turning = RequestPatience(now: 0)
        turning.began(.body(byteCount: 0), now: 0)
        turning.took(10 << 20)
        #expect(refused(&turning) { patience, _ in patience.took(1) }?.second == 62)
    }

    @Test("an answer may take its time; a kept connection has 120 seconds for the next request")
    func keeping() {
        var patience = RequestPatience(now: 0)
        patience.began(.answer, now: 0)
        #expect(refused(&patience) { _, _ in } == nil)
        var idle = RequestPatience(now: 0)
        idle.began(.idle, now: 0)
        let end = refused(&idle) { _, _ in }
        #expect(end?.second == 121 && end?.verdict == .idle)
        var again = RequestPatience(now: 0)
        again.began(.idle, now: 0)
        again.began(.head, now: 100 * Self.second)
        #expect(again.elapsed(now: 129 * Self.second) == .go)
        #expect(again.elapsed(now: 131 * Self.second) != .go)
    }

    @Test("a listener on loopback is asked by address, as localhost or by its own names, and by no others")
    func hosts() throws {
        func isKnown(_ host: String, _ names: HostNames) throws -> Bool {
            let head = try RequestHead(Array("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8).span)
            do throws(HTTPFault) {
                try names.check(head)
                return true
            } catch {
                #expect(error.status == .misdirectedRequest && error.words.contains("'localhost'"))
                return false
            }
        }
        for local in ["127.0.0.1", "::1", "localhost", "127.0.0.53"] {
            let names = HostNames(host: local, names: ["Sluice.example"])
            for host in [
                "127.0.0.1:8090", "[::1]:8090", "localhost", "LOCALHOST:1", "a.localhost", "10.0.0.7",
                "sluice.example:80", "sluice.example.",
            ] { #expect(try isKnown(host, names), "\(host)") }
            for host in [
                "evil.example", "evil.example:8090", "127.0.0.1.evil.example", "localhost.evil.example", "1.2.3",
                "256.1.1.1", "notlocalhost", "x.sluice.example", "", "+1.0.0.1",
            ] { #expect(try !isKnown(host, names), "\(host)") }
        }
        #expect(try isKnown("anything.example", HostNames(host: "0.0.0.0", names: [])))
        #expect(try !isKnown("anything.example", HostNames(host: "0.0.0.0", names: ["sluice.example"])))
    }
}
