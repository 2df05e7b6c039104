import Foundation
import Testing

/// What a client may get wrong, said to Sluice and to mosquitto 2.0 alike.
@Suite("Packets beside mosquitto")
struct BesideMosquittoTests {
    @Test("each packet has the answer of mosquitto 2.0, or one whose difference docs/COMPAT.md explains")
    func answers() throws {
        let sluice = try BrokerProcess("limits:\n  topic_aliases: 10\n" + BrokerProcess.plain)
        let mosquitto = try MosquittoBroker("allow_anonymous true\nmax_topic_alias 10\n")
        for packet in BesideMosquitto.packets {
            let name = "\(packet.name) (\(packet.level))"
            let ours = try heard(sluice.port, packet, packet.ours)
            #expect(ours == packet.ours, "\(name)")
            let theirs = try heard(mosquitto.port, packet, packet.theirs)
            #expect(theirs == packet.theirs, "\(name), of mosquitto")
            #expect((packet.difference == nil) == (packet.ours == packet.theirs), "\(name): the table")
        }
        #expect(sluice.stop() == 0)
    }

    @Test("docs/COMPAT.md has every kind of difference, and no kind is there for nothing")
    func isDocumented() throws {
        var root = URL(filePath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        let text = try String(contentsOf: root.appending(path: "docs/COMPAT.md"), encoding: .utf8)
        let used = Set(BesideMosquitto.packets.compactMap(\.difference))
        for kind in BesideMosquitto.Difference.allCases {
            #expect(text.contains("\n| \(kind.rawValue) | "), "\(kind)")
            #expect(used.contains(kind), "\(kind)")
        }
        #expect(BesideMosquitto.packets.count >= 60)
    }

    @Test("a QoS 2 publish that comes again and again before its PUBREL has a PUBREC each time and is stored once")
    func repeats() throws {
        var broker = try BrokerProcess()
        for level in [4, 5] as [UInt8] {
            let topic = "repeats/\(level)"
            let properties: [UInt8] = level == 5 ? [0x11, 0, 0, 0, 60] : []
            let first = try Peer(broker, level, "p", clean: false, properties: properties)
            first.publish(topic, "once", qos: 2, id: 5)
            first.expect("pubrec 5")
            for _ in 0..<4 {
                first.publish(topic, "once", qos: 2, id: 5, duplicate: true)
                first.expect("pubrec 5")
            }
            first.fade()
            for isCrash in [false, true] {
                if isCrash {
                    broker.crash()
                    broker = try broker.restarted()
                }
                let next = try Peer(broker, level, "p", clean: false, properties: properties, isPresent: true)
                for _ in 0..<3 {
                    next.publish(topic, "once", qos: 2, id: 5, duplicate: true)
                    next.expect("pubrec 5")
                }
                if isCrash {
                    next.pubrel(5)
                    next.expect("pubcomp 5")
                    next.stores(topic, "end")
                }
                next.fade()
            }
            let reader = try Peer(broker, 4, "reader")
            reader.subscribed("$replay/earliest/\(topic)", 0)
            reader.expectOnly("\(topic) once q0", "\(topic) end q0")
            try Peer(broker, level, "p").disconnect()
        }
        #expect(broker.stop() == 0)
    }

    /// What comes of `packet`, as many words as `expected` has; a connection that stays answers a PINGREQ.
    private func heard(_ port: Int, _ packet: BesideMosquitto.Packet, _ expected: String) throws -> String {
        let peer = try Peer(port: port, packet.level)
        if !packet.opens {
            peer.connect("beside", properties: packet.level == 5 ? [0x22, 0, 10] : [])
            guard peer.next() == "connack 0" else { return "not connected" }
        }
        var words: [String] = []
        for (index, bytes) in packet.bytes.enumerated() {
            // Each is answered before the next is said.
            if index > 0 { words.append(peer.next()) }
            peer.send(bytes)
        }
        while words.count < expected.split(separator: ",").count, words.last != "closed" { words.append(peer.next()) }
        if words.last != "closed" {
            peer.send([0xC0, 0])
            let last = peer.next()
            if last != "pingresp" { words.append(last) }
        }
        return words.joined(separator: ", ")
    }
}

/// The packets of `BesideMosquittoTests`.
enum BesideMosquitto {
    /// Why an answer is not mosquitto's; the text is the first column of a table in docs/COMPAT.md.
    enum Difference: String, CaseIterable {
        case refusedConnect = "a CONNECT of MQTT 5 that breaks the specification, its will included"
        case futureLevel = "a protocol level of the future"
        case closedWithoutReason = "a packet that mosquitto closes without a DISCONNECT"
        case topicCodes = "wildcards in topic names, malformed filters"
        case namedCodes = "what the specification calls a protocol error, or gives a code of its own"
        case leniency = "what the specification forbids and mosquitto 2.0 takes"
        case noSubscribers = "a publish that nobody subscribes to"
        case unknownIdentifier = "PUBREC and PUBREL of an unknown identifier"
        case systemTopics = "`$SYS` and other topics of the broker's own"
        case repeatedQoS2 = "the same QoS 2 publish three times before its PUBREL"
        case userProperties = "more than 128 user properties"
    }

    /// Packets of one connection and the words that come back.
    struct Packet {
        var name: String
        var level: UInt8
        var bytes: [[UInt8]]
        var ours: String
        var theirs: String
        var difference: Difference?
        /// Whether the first of them is the first of the connection.
        var opens: Bool

        init(
            _ name: String, _ level: UInt8, _ text: String, _ ours: String, _ theirs: String? = nil,
            _ difference: Difference? = nil
        ) {
            self.name = name
            self.level = level
            bytes = text.split(separator: ";").map { Packet.bytes(String($0)) }
            self.ours = ours
            self.theirs = theirs ?? ours
            self.difference = difference
            opens = name.hasPrefix("CONNECT") || name.hasPrefix("first")
        }

        /// The bytes that a text stands for: hexadecimal digits, `s:text` and `S:digits` with the two bytes of their
        /// length, `t:text` without, `{ … }` with the one byte of its length, and `| …` with the remaining length.
        static func bytes(_ text: String) -> [UInt8] {
            var stack: [[UInt8]] = [[]]
            for word in text.split(separator: " ") {
                var top = stack.removeLast()
                switch word.prefix(2) {
                case "|", "{": stack.append(top); top = []
                case "}": top = stack.removeLast() + [UInt8(top.count)] + top
                case "s:": top += RawPacket.string(String(word.dropFirst(2)))
                case "S:": top += RawPacket.string(digits(word.dropFirst(2)))
                case "t:": top += Array(word.dropFirst(2).utf8)
                case _: top += digits(word)
                }
                stack.append(top)
            }
            let body = stack.removeLast()
            return stack.isEmpty ? body : RawPacket.frame(stack[0][0], body)
        }

        private static func digits(_ word: Substring) -> [UInt8] {
            let values = word.map { UInt8($0.hexDigitValue ?? 0) }
            return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
        }
    }

    static let packets = connects + wills + publishes + publishProperties + subscribes + others
}
