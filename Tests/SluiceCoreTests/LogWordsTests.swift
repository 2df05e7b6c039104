import SluiceCore
import Testing

@Suite("The words of a log line and their facts")
struct LogWordsTests {
    private func facts(_ words: LogWords) -> [LogKey: LogWords.Fact] {
        Dictionary(words.all.map { ($0.key, $0.fact) }, uniquingKeysWith: { first, _ in first })
    }

    @Test("what has a key is a part of the words and a fact besides")
    func facts() {
        let (client, bytes) = ("dév\n42", 1200)
        let words: LogWords =
            "\(client, as: .client): \(bytes, as: .bytes) bytes at \(Offset(rawValue: 7), as: .offset)!"
        #expect(words.text == "dév\n42: 1200 bytes at \(Offset(rawValue: 7))!")
        #expect(words.all.map(\.key) == [.client, .bytes, .offset])
        #expect(words[.client] == .text("dév\n42"))
        #expect(words[.bytes] == .number(1200))
        #expect(words[.offset] == .text("\(Offset(rawValue: 7))"))
        #expect(words[.reason] == nil)
    }

    @Test("a number may stand in the words as people read it, and no number is too large to be told")
    func numbers() {
        let words: LogWords = "\("1.5 GiB", as: .bytes, number: 3 << 29) of \(UInt64.max, as: .count)"
        #expect(words.text == "1.5 GiB of 18446744073709551615")
        #expect(facts(words) == [.bytes: .number(3 << 29), .count: .number(.max)])
    }

    @Test("words within words, and behind words, keep their facts")
    func composition() {
        let label: LogWords = "ä \("c1", as: .client) at \("10.0.0.1:4", as: .address)"
        let more: LogWords = "(\(3, as: .leftOut) before)"
        let words: LogWords = "öö \(label): \("gone", as: .reason)" + " \(more)"
        #expect(words.text == "öö ä c1 at 10.0.0.1:4: gone (3 before)")
        #expect(
            facts(words) == [
                .client: .text("c1"), .address: .text("10.0.0.1:4"), .reason: .text("gone"), .leftOut: .number(3),
            ])
        #expect(LogWords("plain").all.isEmpty)
    }

    @Test("names of events and keys are words with underscores, and no key is one that every line has")
    func names() {
        let names = LogEvent.allCases.map(\.rawValue) + LogKey.allCases.map(\.rawValue)
        for name in names {
            #expect(name.allSatisfy { $0.isLowercase && $0.isASCII || $0 == "_" } && !name.hasPrefix("_"), "\(name)")
        }
        #expect(Set(LogKey.allCases.map(\.rawValue)).isDisjoint(with: ["time", "level", "part", "event", "message"]))
    }
}
