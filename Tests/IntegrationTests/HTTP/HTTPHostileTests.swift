import Foundation
import Testing

/// What is no HTTP, or too much of it.
@Suite("HTTP: bad input")
struct HTTPHostileTests {
    @Test("what two programs could read differently is refused, and the connection ends")
    func smuggling() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let body = "0\r\n\r\nGET /v1/streams HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for head in [
            "POST /v1/publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST /v1/publish/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n",
            "POST /v1/publish/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n\r\n",
            "POST /v1/publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\n",
            "POST /v1/publish/a HTTP/1.1\nHost: x\nContent-Length: 3\n\n",
            "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\r\n\r\n",
        ] {
            let client = try HTTPClient(port: broker.http)
            try client.send(raw: Array((head + body).utf8))
            client.endSending()
            let answer = try client.head()
            #expect((400...505).contains(answer.status), "\(head)")
            #expect(answer.fields["connection"] == "close", "\(head)")
            #expect(client.isClosed(), "\(head)")
        }
        #expect(try broker.ask("GET", "/v1/streams/mqtt/records").records.isEmpty)
    }

    @Test("requests that come together are answered one after the other, in their order")
    func pipelined() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let client = try HTTPClient(port: broker.http)
        var text = ""
        for number in 0..<50 {
            text +=
                "POST /v1/publish/sensors/a/d/t HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n\(10 + number)"
            text += "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        }
        try client.send(raw: Array(text.utf8))
        for _ in 0..<50 {
            #expect(try client.answer().status == 204)
            #expect(try client.answer().text == "ok\n")
        }
        let records = try broker.ask("GET", "/v1/streams/sensors/records").records
        #expect(records.compactMap { $0["payload"] as? String } == (10..<60).map { "\($0)" })
    }

    @Test("a head or a body without an end is cut off, and takes no memory with it")
    func endless() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let head = try HTTPClient(port: broker.http)
        _ = head.takes(Array("GET / HTTP/1.1\r\nHost: localhost\r\n".utf8))
        let filler = Array(("A: " + String(repeating: "b", count: 1000) + "\r\n").utf8)
        for _ in 0..<64 where head.takes(filler) {}
        #expect(try head.head().status == 431)
        for field in ["Content-Length: 99999999999", "Transfer-Encoding: chunked"] {
            let client = try HTTPClient(port: broker.http)
            _ = client.takes(Array("POST /v1/publish/a HTTP/1.1\r\nHost: localhost\r\n\(field)\r\n\r\n".utf8))
            let chunk = Array("100000\r\n".utf8) + [UInt8](repeating: 0x61, count: 0x100000) + Array("\r\n".utf8)
            for _ in 0..<40 where client.takes(chunk) {}
            #expect(try client.head().status == 413, "\(field)")
            #expect(client.isClosed())
        }
        #expect(try broker.ask("GET", "/healthz").status == 200)
    }

    @Test("a body that its client announces waits for 100 Continue, and comes whole")
    func continues() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let client = try HTTPClient(port: broker.http)
        try client.send(
            raw: Array(
                "POST /v1/publish/a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
                    .utf8))
        #expect(try client.head().status == 100)
        try client.send(raw: Array("21.5".utf8))
        #expect(try client.answer().status == 204)
    }

    @Test("requests that come byte by byte are cut off in time, with a log line, while others are served")
    func dripping() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let head = try HTTPClient(port: broker.http)
        let body = try HTTPClient(port: broker.http)
        try body.send(raw: Array("POST /v1/publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n".utf8))
        let silent = try HTTPClient(port: broker.http)
        try head.send(raw: Array("GET / HTTP/1.1\r\nX: ".utf8))
        for drip in [head, body] {
            var answer: HTTPAnswer?
            let deadline = Deadline(240)
            while answer == nil, !deadline.isOver {
                _ = head.takes([0x61])
                _ = body.takes([0x61])
                do { answer = try drip.answer(within: 0.5) } catch is HTTPClient.Failure {}
                #expect(try broker.ask("GET", "/healthz").status == 200)
            }
            #expect(answer?.status == 408)
            #expect(drip.isClosed())
        }
        #expect(silent.isClosed())
        for words in ["head takes too long", "body comes with fewer than", "nothing is asked"] {
            #expect(broker.logs(words), "\(broker.log)")
        }
    }

    @Test("random bytes and broken requests bring nobody down")
    func nonsense() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let client = try HTTPClient(port: broker.http)
            let count = Int.random(in: 1..<400, using: &random)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            if Bool.random(using: &random) {
                bytes = Array("GET /v1/streams HTTP/1.1\r\nHost: localhost\r\n".utf8) + bytes
            }
            _ = client.takes(bytes)
            client.endSending()
            #expect(client.isClosed())
        }
        #expect(try broker.ask("GET", "/readyz").text == "ready\n")
    }

    @Test("clients that leave in the middle of an answer leave nothing behind")
    func leaving() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let writer = try HTTPClient(port: broker.http)
        for _ in 0..<50 {
            try writer.send("POST", "/v1/publish/sensors/a/d/t", body: String(repeating: "x", count: 50_000))
            #expect(try writer.answer().status == 204)
        }
        for _ in 0..<50 {
            let client = try HTTPClient(port: broker.http)
            try client.send("GET", "/v1/streams/sensors/records?format=ndjson")
            _ = try client.line()
        }
        #expect(
            broker.process.wait {
                let text = try? broker.ask("GET", "/metrics").text
                return text?.contains("\nsluice_http_connections 2\n") == true
            })
    }
}
