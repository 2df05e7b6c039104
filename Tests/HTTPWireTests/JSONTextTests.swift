import Foundation
import HTTPWire
import SluiceCore
import Testing

/// JSON as it is written, read by Foundation.
@Suite("JSON written into buffers")
struct JSONTextTests {
    private static func written(_ text: String) -> [UInt8] {
        var buffer = ByteBuffer()
        JSONText.append(text, to: &buffer)
        return Array(copying: buffer.bytes)
    }

    @Test("each character that must be escaped is, wherever it is among others")
    func escapes() throws {
        for scalar in Array(UInt8(0)...0x7F).map({ UnicodeScalar($0) }) + ["é", "€", "😀", "\u{80}"] {
            for length in 0...20 {
                for place in 0...length {
                    var text = String(repeating: "a", count: length)
                    text.unicodeScalars.insert(scalar, at: text.index(text.startIndex, offsetBy: place))
                    let bytes = Self.written(text)
                    #expect(!bytes.dropFirst().dropLast().contains { $0 < 0x20 || $0 == 0x7F })
                    let read = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
                    #expect(read as? String == text, "\(scalar.value) at \(place) of \(length)")
                }
            }
        }
    }

    @Test("texts of many kinds of characters come back as they were")
    func comesBack() throws {
        var random = SystemRandomNumberGenerator()
        let alphabet: [Character] = ["a", "\"", "\\", "\n", "\u{7F}", "\u{1}", "é", "😀", " ", "/"]
        for _ in 0..<2000 {
            let text = String((0..<Int.random(in: 0...60, using: &random)).map { _ in alphabet.randomElement() ?? "a" })
            let read = try JSONSerialization.jsonObject(with: Data(Self.written(text)), options: .fragmentsAllowed)
            #expect(read as? String == text)
        }
    }

    @Test("numbers are whole", arguments: [0, 7, 10, 99, 1_796_030_557_067_000, Int64.max, -1, Int64.min])
    func numbers(_ number: Int64) {
        var buffer = ByteBuffer()
        JSONText.append(number, to: &buffer)
        #expect(String(decoding: Array(copying: buffer.bytes), as: UTF8.self) == String(number))
    }
}
