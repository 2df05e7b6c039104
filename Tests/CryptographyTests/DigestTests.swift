import Cryptography
import Testing

@Suite("Digests and base 64")
struct DigestTests {
    @Test("SHA-1 and base 64 give the accept key of RFC 6455's example")
    func acceptKey() {
        let text = Array("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)
        #expect(String(decoding: Base64.encode(Digest.sha1(text)), as: UTF8.self) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test("Base 64 is padded", arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")])
    func padding(input: String, expected: String) {
        #expect(Base64.encode(Array(input.utf8)) == Array(expected.utf8))
    }

    @Test("Random numbers differ")
    func random() {
        var generator = SecureRandom()
        #expect(Set((0..<100).map { _ in generator.next() }).count == 100)
    }
}
