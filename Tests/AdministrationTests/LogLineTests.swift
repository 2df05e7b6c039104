import Administration
import SluiceCore
import SluiceTesting
import Testing

@Suite("Log lines")
struct LogLineTests {
    private static let time = "2026-11-30T08:15:57.204Z"

    private static func line(_ client: String) -> LogLine {
        LogLine(
            .clientClosed, "\(client, as: .client) at \("10.0.0.7:4", as: .address): closed, \(client, as: .reason)")
    }

    @Test("in words a line ends with its event, and as JSON it has the facts by their keys")
    func formats() {
        let line = LogLine(.damagePassedOver, "partition \(3, as: .partition): \(80, as: .bytes) damaged bytes")
        #expect(
            line.text(at: Self.time)
                == "\(Self.time) warning log: partition 3: 80 damaged bytes [damage_passed_over]")
        #expect(
            line.json(at: Self.time).compact
                == #"{"time":"\#(Self.time)","level":"warning","part":"log","event":"damage_passed_over","#
                + #""message":"partition 3: 80 damaged bytes","partition":3,"bytes":80}"#)
    }

    @Test("whatever a client calls itself a line is one line, and says of it what it is")
    func hostile() throws {
        var names = [
            "a\nb", "\r\n", "\u{0}", "\u{1B}[2J", "\u{7F}", "\u{85}", "\u{9B}31m", "\u{2028}x\u{2029}", "\u{202E}cba",
            "\"", "\\", "\\\"", "\",\"level\":\"error", "x [log_poisoned]\n", "[node_stopped]", "é", "😀",
        ]
        var random = SeededGenerator(seed: 1)
        for _ in 0..<500 {
            let count = Int.random(in: 0..<40, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            names.append(String(decoding: bytes, as: UTF8.self))
        }
        for name in names {
            let line = Self.line(name)
            let text = line.text(at: Self.time)
            #expect(Self.isOneLine(text), "\(name.debugDescription)")
            let (head, tail) = ("\(Self.time) info mqtt: ".utf8, " [client_closed]".utf8)
            #expect(text.utf8.starts(with: head) && text.utf8.suffix(tail.count).elementsEqual(tail), "\(text)")
            #expect(!text.unicodeScalars.contains { (0x202A...0x202E).contains($0.value) })
            let json = line.json(at: Self.time).compact
            #expect(Self.isOneLine(json), "\(name.debugDescription)")
            let read = try #require(JSONReader.read(Array(json.utf8)), "\(json)")
            #expect(read["client"]?.text.map { Array($0.utf8) } == Array(name.utf8))
            #expect(read["reason"]?.text.map { Array($0.utf8) } == Array(name.utf8))
            #expect(read["level"]?.text == "info" && read["event"]?.text == "client_closed")
        }
    }

    /// Whether nothing in it ends a line for any program, or is an order to a terminal.
    private static func isOneLine(_ text: String) -> Bool {
        !text.unicodeScalars.contains { scalar in
            scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
        }
    }
}
