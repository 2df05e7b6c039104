import Administration
import Foundation
import SluiceCore
import Testing

@Suite("Base 64")
struct Base64Tests {
    @Test("texts are Foundation's, and stand for what they were made of", arguments: 0..<70)
    func agrees(_ count: Int) {
        var buffer = ByteBuffer()
        for _ in 0..<20 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255) }
            let text = Base64.text(bytes)
            #expect(text == Data(bytes).base64EncodedString())
            #expect(Base64.bytes(Array(text.utf8)) == bytes)
            buffer.removeAll()
            buffer.append(UInt8(ascii: "<"))
            Base64.append(bytes.span, to: &buffer)
            #expect(Array(copying: buffer.bytes) == Array("<\(text)".utf8))
        }
    }
}
