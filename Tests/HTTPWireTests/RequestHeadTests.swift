import HTTPWire
import SluiceCore
import SluiceTesting
import Testing

@Suite("HTTP requests: heads")
struct RequestHeadTests {
    private func head(_ text: String) throws -> RequestHead {
        let bytes = Array(text.replacing("\n", with: "\r\n").utf8)
        return try RequestHead(bytes.span)
    }

    private func fault(_ text: String) -> HTTPFault? { fault(Array(text.replacing("\n", with: "\r\n").utf8)) }

    private func fault(_ bytes: [UInt8]) -> HTTPFault? {
        do throws(HTTPFault) {
            _ = try RequestHead(bytes.span)
            return nil
        } catch {
            return error
        }
    }

    @Test("a request is read: method, path, query, fields")
    func plain() throws {
        let head = try head(
            "GET /v1/streams/a%2Fb/records?filter=sensors/+/%23&limit=5&empty= HTTP/1.1\nHost: x\nX-Odd:  a b \t\n\n")
        #expect(head.method == "GET")
        #expect(head.path == ["v1", "streams", "a/b", "records"])
        #expect(head.query.map(\.name) == ["filter", "limit", "empty"])
        #expect(head.query.map(\.value) == ["sensors/+/#", "5", ""])
        #expect(head.field("x-odd") == "a b")
        #expect(head.framing == .none && head.keepsAlive && !head.expectsContinue)
    }

    @Test(
        "a target is a path or a URL",
        arguments: [
            ("/", []), ("/a", ["a"]), ("/a/", ["a", ""]), ("http://h:1/a/b", ["a", "b"]), ("https://h?x=1", []),
            ("/%C3%BC", ["ü"]),
        ] as [(String, [String])])
    func targets(_ target: String, _ path: [String]) throws {
        #expect(try head("GET \(target) HTTP/1.1\nHost: x\n\n").path == path)
    }

    @Test("the length of a body is said by one field, and once")
    func framings() throws {
        #expect(try head("POST / HTTP/1.1\nHost: x\nContent-Length: 12\n\n").framing == .length(12))
        #expect(try head("POST / HTTP/1.1\nHost: x\nTransfer-Encoding: Chunked\n\n").framing == .chunked)
        #expect(try head("POST / HTTP/1.1\nHost: x\nContent-Length: 0\n\n").framing == .none)
    }

    @Test("who speaks HTTP/1.0 hangs up unless it says otherwise; who speaks 1.1 stays unless it says otherwise")
    func persistence() throws {
        #expect(try !head("GET / HTTP/1.0\n\n").keepsAlive)
        #expect(try head("GET / HTTP/1.0\nConnection: Keep-Alive\n\n").keepsAlive)
        #expect(try !head("GET / HTTP/1.1\nHost: x\nConnection: foo, close\n\n").keepsAlive)
    }

    @Test(
        "what a proxy could understand otherwise is refused",
        arguments: [
            "POST / HTTP/1.1\nHost: x\nContent-Length: 3\nTransfer-Encoding: chunked\n\n",
            "POST / HTTP/1.1\nHost: x\nContent-Length: 3\nContent-Length: 3\n\n",
            "POST / HTTP/1.1\nHost: x\nContent-Length: +3\n\n",
            "POST / HTTP/1.1\nHost: x\nContent-Length: 3, 3\n\n",
            "POST / HTTP/1.1\nHost: x\nContent-Length: 0x10\n\n",
            "POST / HTTP/1.1\nHost: x\nContent-Length:\n\n",
            "POST / HTTP/1.1\nHost: x\nContent-Length: 99999999999999999999\n\n",
            "POST / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n",
            "POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n",
            "POST / HTTP/1.1\nHost: x\nTransfer-Encoding : chunked\n\n",
            "GET / HTTP/1.1\nHost: x\n folded\n\n", "GET / HTTP/1.1\nHost: x\nHost: y\n\n", "GET / HTTP/1.1\n\n",
            "GET  / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1 \nHost: x\n\n", "GET /\nHost: x\n\n",
            "GET x HTTP/1.1\nHost: x\n\n", "GET /% HTTP/1.1\nHost: x\n\n", "GET /%00 HTTP/1.1\nHost: x\n\n",
            "GET /%ff HTTP/1.1\nHost: x\n\n", "G(T / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\nHo st: x\n\n",
            "GET / HTTP/1.1\nHost: x\nA: \u{1}\n\n", "\n\n", "GET / http/1.1\nHost: x\n\n",
        ])
    func smuggling(_ text: String) { #expect(fault(text)?.status == .badRequest, "\(text)") }

    @Test("what is not served says so")
    func refusals() {
        #expect(fault("GET / HTTP/2.0\nHost: x\n\n")?.status == .versionNotSupported)
        #expect(fault("POST / HTTP/1.1\nHost: x\nTransfer-Encoding: gzip, chunked\n\n")?.status == .notImplemented)
        #expect(fault("POST / HTTP/1.1\nHost: x\nExpect: tea\n\n")?.status == .expectationFailed)
        let many = (0..<70).map { "A\($0): b\n" }.joined()
        #expect(fault("GET / HTTP/1.1\nHost: x\n\(many)\n")?.status == .headTooLarge)
        #expect(fault(Array("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n".utf8))?.status == .badRequest)
        #expect(fault(Array("GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n".utf8))?.status == .badRequest)
    }

    @Test("a head is found however its bytes come, and has an end")
    func ends() throws {
        let bytes = Array("GET / HTTP/1.1\r\nHost: x\r\n\r\nrest".utf8)
        var scanned = 0
        for count in 0..<bytes.count {
            let found = try RequestHead.end(in: bytes.span.extracting(0..<count), scanned: &scanned)
            #expect(found == (count >= bytes.count - 4 ? bytes.count - 4 : nil), "\(count)")
            if found != nil { break }
        }
        let endless = [UInt8](repeating: UInt8(ascii: "a"), count: RequestHead.byteCountMax)
        var none = 0
        #expect(throws: HTTPFault.self) { _ = try RequestHead.end(in: endless.span, scanned: &none) }
    }

    @Test("no bytes make it fail otherwise than by a fault")
    func nonsense() {
        var random = SeededGenerator(seed: 0x4854_5450)
        let words = [
            "GET", "POST", " ", "/", "?", "=", "&", "%41", "%", "HTTP/1.1", "HTTP/1.0", "\r\n", "\n", "\r", ":", "Host",
            "Content-Length", "Transfer-Encoding", "chunked", "1", "\u{0}", "ü", ",", "\t",
        ]
        for _ in 0..<50_000 {
            var text = ""
            for _ in 0..<Int.random(in: 0..<24, using: &random) { text += words.randomElement(using: &random) ?? "" }
            text += "\r\n\r\n"
            _ = fault(Array(text.utf8))
        }
    }
}
