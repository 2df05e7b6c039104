import HTTPWire
import SluiceCore
import Testing

@Suite("HTTP: bodies and answers")
struct BodyTests {
    private func body(_ text: String, _ framing: BodyFraming, pieces: Int, most: Int = 1 << 20) throws -> (
        String, left: Int
    ) {
        var reader = try BodyReader(framing, byteCountMax: most)
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count, !reader.isOver {
            let end = min(bytes.count, start + pieces)
            start += try reader.take(bytes.span.extracting(start..<end))
        }
        guard reader.isOver else { return ("(not over)", 0) }
        return (String(decoding: Array(copying: reader.body.bytes), as: UTF8.self), bytes.count - start)
    }

    @Test("a body with a length ends there, whatever follows", arguments: [1, 2, 3, 100])
    func lengths(_ pieces: Int) throws {
        #expect(try body("hello world", .length(5), pieces: pieces) == ("hello", 6))
        #expect(try body("GET", .none, pieces: pieces) == ("", 3))
    }

    @Test("chunks are put together however they come", arguments: [1, 2, 3, 7, 100])
    func chunks(_ pieces: Int) throws {
        let text = "4\r\nWiki\r\n7;ext=\"a b\"\r\npedia i\r\nB\r\nn \r\nchunks.\r\n0\r\n\r\nGET /"
        #expect(try body(text, .chunked, pieces: pieces) == ("Wikipedia in \r\nchunks.", 5))
    }

    @Test(
        "what is no chunk is refused",
        arguments: [
            "x\r\n", "\r\n", "4\nWiki", "4\r\nWikix", "4\r\nWiki\nx", "-1\r\n", " 4\r\n", "4 \r\n", ";a\r\n",
            "0\r\nTrailer: x\r\n\r\n", "0x4\r\n", "1000000000000000\r\n",
        ])
    func malformed(_ text: String) {
        #expect(throws: HTTPFault.self, "\(text)") { _ = try body(text, .chunked, pieces: 1) }
    }

    @Test("no body is longer than it may be, by a length or by chunks")
    func bounds() throws {
        #expect(throws: HTTPFault(.contentTooLarge, "a body has at most 10 bytes here")) {
            _ = try body("", .length(11), pieces: 1, most: 10)
        }
        #expect(throws: HTTPFault(.contentTooLarge, "a body has at most 10 bytes here")) {
            _ = try body("8\r\n12345678\r\n3\r\n", .chunked, pieces: 1, most: 10)
        }
        // An extension that never ends is no body, and grows nothing.
        #expect(throws: HTTPFault.self) {
            _ = try body("1;" + String(repeating: "a", count: 1000), .chunked, pieces: 10)
        }
    }

    @Test("an answer's head says how long its body is, and whether more may follow")
    func answers() {
        var buffer = ByteBuffer()
        var head = ResponseHead(.ok, framing: .length(3), keepsAlive: true)
        head.fields = [("Content-Type", "text/plain")]
        head.write(to: &buffer)
        let text = String(decoding: Array(copying: buffer.bytes), as: UTF8.self)
        #expect(text == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n")
        buffer.removeAll()
        ResponseHead(.notFound, framing: .untilClosed, keepsAlive: true).write(to: &buffer)
        #expect(
            String(decoding: Array(copying: buffer.bytes), as: UTF8.self)
                == "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n")
        buffer.removeAll()
        Chunk.append(Array("hello".utf8).span, to: &buffer)
        Chunk.append([UInt8]().span, to: &buffer)
        Chunk.end([("A", "b")], to: &buffer)
        #expect(
            String(decoding: Array(copying: buffer.bytes), as: UTF8.self) == "5\r\nhello\r\n0\r\nA: b\r\n\r\n")
    }

    @Test("JSON strings escape what must be escaped, and nothing else")
    func strings() {
        var buffer = ByteBuffer()
        JSONText.append("a\"b\\c\n\u{1}ü/\u{7F}", to: &buffer)
        JSONText.append(0, to: &buffer)
        JSONText.append(-12, to: &buffer)
        JSONText.append(Int64.max, to: &buffer)
        #expect(
            String(decoding: Array(copying: buffer.bytes), as: UTF8.self)
                == "\"a\\\"b\\\\c\\n\\u0001ü/\\u007f\"0-129223372036854775807")
    }

    @Test("text in a path is encoded so that it comes back", arguments: ["a/b", "ü+# ?", "", "%41", "a~b_c-d.e"])
    func encoding(_ text: String) throws {
        let (path, _) = try RequestTarget.read(Array("/x/\(RequestTarget.encoded(text))".utf8)[...])
        #expect(path == ["x", text])
    }
}
