import HTTPWire
import SluiceTransport
import Testing

@Suite("The request to become a WebSocket")
struct UpgradeRequestTests {
    static let offer = WebSocketOffer(
        name: "MQTT", path: "/mqtt", subprotocols: ["mqtt"], messageBytesMax: 268_435_460)

    /// RFC 6455's example, with MQTT's path and subprotocol.
    static let fields = [
        "Host: server.example.com", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: mqtt", "Sec-WebSocket-Version: 13",
    ]

    static func head(_ first: String = "GET /mqtt HTTP/1.1", with fields: [String] = fields) -> [UInt8] {
        Array(([first] + fields).map { $0 + "\r\n" }.joined().utf8) + Array("\r\n".utf8)
    }

    /// The example's fields with one replaced, by its name, or taken out.
    static func replacing(_ name: String, by line: String...) -> [String] {
        fields.flatMap { $0.hasPrefix(name + ":") ? line : [$0] }
    }

    private func refusal(_ head: [UInt8]) -> UpgradeRefusal? {
        do throws(UpgradeRefusal) {
            _ = try UpgradeRequest(head: head, offer: Self.offer)
            return nil
        } catch { return error }
    }

    @Test("RFC 6455's example is accepted with its key")
    func example() throws {
        let request = try UpgradeRequest(head: Self.head(), offer: Self.offer)
        #expect(String(decoding: request.accept, as: UTF8.self) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(request.subprotocol == "mqtt")
    }

    @Test("the listener says which subprotocols it speaks, and its first choice that the client has is taken")
    func choosesSubprotocol() throws {
        let offer = WebSocketOffer(
            name: "Tail", path: "/tail", subprotocols: ["tail.v2", "tail.v1"], messageBytesMax: 1024)
        func request(_ line: String...) throws(UpgradeRefusal) -> UpgradeRequest {
            let lines = line.map { "Sec-WebSocket-Protocol: \($0)" }
            let fields = Self.fields.flatMap { $0.hasPrefix("Sec-WebSocket-Protocol:") ? lines : [$0] }
            return try UpgradeRequest(head: Self.head("GET /tail HTTP/1.1", with: fields), offer: offer)
        }
        #expect(try request("tail.v1, tail.v2").subprotocol == "tail.v2")
        #expect(try request("chat", "tail.v1").subprotocol == "tail.v1")
        let error = #expect(throws: UpgradeRefusal.self) { try request("mqtt") }
        #expect(error?.reason == "'Sec-WebSocket-Protocol' does not offer 'tail.v2' or 'tail.v1'")
        let elsewhere = #expect(throws: UpgradeRefusal.self) { try UpgradeRequest(head: Self.head(), offer: offer) }
        #expect(elsewhere?.status == .notFound && elsewhere?.reason == "Tail is served on /tail")
    }

    @Test(
        "what browsers and proxies make of it is accepted",
        arguments: [
            head("GET /mqtt?token=1 HTTP/1.1"), head("GET http://server.example.com/mqtt HTTP/1.1"),
            head("GET HTTPS://server.example.com:8084/mqtt?a=/b HTTP/1.1"),
            head(with: fields.map { $0.replacing("Upgrade: websocket", with: "uPGRADE:\tWebSocket \t") }),
            head(with: replacing("Connection", by: "Connection: keep-alive, Upgrade")),
            head(with: replacing("Connection", by: "Connection: keep-alive", "connection: upgrade")),
            head(with: replacing("Sec-WebSocket-Protocol", by: "Sec-WebSocket-Protocol: mqttv3.1, mqtt")),
            head(
                with: fields + [
                    "Cookie: \u{E9}=1", "Origin: https://dashboard.example", "X-Empty:", "Content-Length: 0",
                ]),
        ])
    func accepts(head: [UInt8]) { #expect(refusal(head) == nil) }

    typealias Refused = (head: [UInt8], status: HTTPStatus)

    /// First lines.
    static let refusedLines: [Refused] = [
        (head("GET / HTTP/1.1"), .notFound), (head("GET /mqtt/ HTTP/1.1"), .notFound),
        (head("GET http://server.example.com HTTP/1.1"), .notFound),
        (head("POST /mqtt HTTP/1.1"), .methodNotAllowed), (head("get /mqtt HTTP/1.1"), .methodNotAllowed),
        (head("GET /mqtt HTTP/1.0"), .versionNotSupported), (head("GET /mqtt HTTP/2"), .versionNotSupported),
        (head("GET /mqtt"), .badRequest), (head("GET  /mqtt HTTP/1.1"), .badRequest),
        (head("GET /mqtt HTTP/1.1 "), .badRequest), (head("G\u{E9}T /mqtt HTTP/1.1"), .badRequest),
        (head("GET /mqtt SIP/2.0"), .badRequest), (head(""), .badRequest),
    ]

    /// Fields that are missing or have another value.
    static let refusedFields: [Refused] = [
        (head(with: replacing("Host")), .badRequest),
        (head(with: replacing("Upgrade")), .upgradeRequired),
        (head(with: replacing("Upgrade", by: "Upgrade: h2c")), .upgradeRequired),
        (head(with: replacing("Connection")), .badRequest),
        (head(with: replacing("Sec-WebSocket-Version")), .badRequest),
        (head(with: replacing("Sec-WebSocket-Version", by: "Sec-WebSocket-Version: 8")), .upgradeRequired),
        (head(with: replacing("Sec-WebSocket-Key")), .badRequest),
        (head(with: replacing("Sec-WebSocket-Key", by: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=")), .badRequest),
        (head(with: replacing("Sec-WebSocket-Key", by: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ-==")), .badRequest),
        (head(with: replacing("Sec-WebSocket-Protocol")), .badRequest),
        (head(with: replacing("Sec-WebSocket-Protocol", by: "Sec-WebSocket-Protocol: MQTT, chat")), .badRequest),
    ]

    /// Lines that must not be there.
    static let refusedAdditions: [Refused] = [
        "Host: other", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Content-Length: 5",
        "Transfer-Encoding: chunked", "no colon", " folded: line", "Name : value", ": value",
    ].map { (line: String) -> Refused in (head(with: fields + [line]), .badRequest) }

    /// What is no head.
    static let refusedHeads: [Refused] = [
        (Array("GET /mqtt HTTP/1.1\nHost: x\n\n".utf8), .badRequest),
        (Array("GET /mqtt HTTP/1.1\r\n".utf8), .badRequest), (Array("GET /mqtt HTTP/1.1\r\r\n".utf8), .badRequest),
        ([], .badRequest),
    ]

    @Test(
        "what is wrong with a request decides its answer",
        arguments: refusedLines + refusedFields + refusedAdditions + refusedHeads)
    func refuses(_ refused: Refused) { #expect(refusal(refused.head)?.status == refused.status) }
}
