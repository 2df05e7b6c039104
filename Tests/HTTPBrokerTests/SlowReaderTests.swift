import HTTPBroker
import HTTPWire
import SluiceCore
import Testing

@Suite("HTTP: who takes an answer slowly")
struct SlowReaderTests {
    /// A document that the socket does not take at once, of some 20 KB.
    private static let path = "/v1/openapi.json"

    /// Lets time pass while a reader takes so much each half second, until it has taken everything or is cut off.
    /// - Returns: the seconds after which its connection ended; nil when it did not within half an hour.
    private func end(
        _ http: TestHTTP, _ reader: TestReader, taking byteCount: (Int) -> Int
    ) -> Int? {
        for half in 0..<3600 {
            if reader.isClosed { return half / 2 }
            reader.take(byteCount(half))
            http.elapse()
        }
        return nil
    }

    @Test("who takes nothing, or a byte now and then, is cut off in 30 seconds, and a line says so", arguments: [0, 1])
    func dripping(byteCount: Int) throws {
        for keepsAlive in [true, false] {
            let http = TestHTTP()
            let reader = TestReader(http)
            reader.ask(Self.path, times: 5, keepsAlive: keepsAlive)
            let seconds = try #require(end(http, reader) { _ in byteCount })
            #expect((30...32).contains(seconds), "\(seconds)")
            let line = try #require(http.lines.first { $0.event == .httpClientClosed })
            #expect(line.words[.address] == .text("192.0.2.1:40000"))
            let reason = byteCount == 0 ? "does not read its answer" : "fewer than 16384 bytes in 30 seconds"
            #expect(line.words.text.contains(reason), "\(line.words)")
        }
    }

    @Test("what came fast at first does not pay for what drips later")
    func turning() throws {
        let http = TestHTTP()
        let reader = TestReader(http)
        reader.ask(Self.path, times: 5)
        let seconds = try #require(end(http, reader) { half in half < 20 ? 1000 : 1 })
        #expect((60...63).contains(seconds), "\(seconds)")
    }

    @Test("who takes 16 KiB in 30 seconds gets all of it, also of an answer that is the last, and may ask again")
    func slowLine() throws {
        for keepsAlive in [true, false] {
            let http = TestHTTP()
            let reader = TestReader(http)
            reader.ask(Self.path, times: 5, keepsAlive: keepsAlive)
            // Two windows at least: 280 bytes each half second are a little more than 16 KiB in 30 seconds.
            let seconds = end(http, reader) { half in half < 3000 ? 280 : 0 }
            #expect(!http.lines.contains { $0.event == .httpClientClosed }, "\(http.lines)")
            #expect(reader.takenByteCount > 3 * AnswerPatience.byteCountMin, "\(reader.takenByteCount)")
            // One that is kept has two minutes from the answer's end on for the next request.
            let took = reader.takenByteCount / 560
            let end = keepsAlive ? took + 100...took + 122 : took - 15...took + 2
            #expect(end.contains(try #require(seconds)), "\(String(describing: seconds)), \(took)")
            #expect(keepsAlive || reader.isPaused)
        }
    }

    @Test("a tail that has nothing to send stays however long it takes nothing")
    func quietTail() {
        let http = TestHTTP()
        let reader = TestReader(http)
        reader.ask("/v1/streams/mqtt/tail")
        for _ in 0..<4 { http.elapse() }
        reader.take(.max)
        let head = reader.takenByteCount
        #expect(head > 0 && reader.text.hasPrefix("HTTP/1.1 200"), "\(reader.text)")
        #expect(end(http, reader) { half in half < 3000 ? 0 : .max } == nil)
        #expect(http.lines.isEmpty, "\(http.lines)")
        // What says from time to time that it is still there.
        #expect(reader.takenByteCount > head)
    }
}
