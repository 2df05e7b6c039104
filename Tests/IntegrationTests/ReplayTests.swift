import Foundation
import Testing

@Suite("Replay: history, then live")
struct ReplayTests {
    /// History lies in several segment files and does not fit in memory.
    private static let small = """
        journal:
          file_size: 1MiB
        log:
          tail_memory: 1MiB
          segment_size: 1MiB

        """

    private static let padding = String(repeating: "x", count: 1000)

    /// Queues messages `numbers` of about 1 KiB; the library's thread sends them, a hundred under way at a time.
    private func publish(_ numbers: Range<Int>, _ publisher: MosquittoClient) throws -> [Int32] {
        try numbers.map { try publisher.publish("s/\($0 % 7)", "\($0) \(Self.padding)", qos: 1) }
    }

    private func numbers(_ messages: [MosquittoClient.Message]) -> [Int] {
        messages.map { Int($0.payload.prefix { $0 != " " }) ?? -1 }
    }

    @Test(
        "a replay that starts while a publisher runs has no gap and no repeat at the seam",
        arguments: [0, 1, 2] as [Int32])
    func crossesSeam(qos: Int32) throws {
        let broker = try BrokerProcess(Self.small)
        let publisher = try MosquittoClient(id: "publisher")
        try publisher.connect(port: broker.port)
        let count = 5000
        let ids = try publish(0..<count, publisher)
        try publisher.waitForAcknowledgement(ids[2500], within: 120)
        let subscriber = try MosquittoClient(id: "subscriber")
        try subscriber.connect(port: broker.port)
        try subscriber.subscribe("$replay/earliest/s/#", qos: qos)
        let messages = try subscriber.receive(count, within: 120)
        #expect(numbers(messages) == Array(0..<count))
        #expect(messages.allSatisfy { $0.qos == min(1, Int(qos)) })
        try publisher.waitForAcknowledgement(try publisher.publish("s/end", "\(count) ", qos: 1))
        #expect(numbers(try subscriber.receive(count + 1)).last == count)
        #expect(broker.stop() == 0)
        let segments = try FileManager.default.contentsOfDirectory(atPath: broker.data + "/streams/mqtt-0")
        #expect(segments.count { $0.hasSuffix(".log") } > 3)
    }

    @Test("a slow reader with a receive maximum of 3 gets everything once, while a publisher runs")
    func servesSlowReader() throws {
        let broker = try BrokerProcess(Self.small)
        let publisher = try MosquittoClient(id: "publisher")
        try publisher.connect(port: broker.port)
        let count = 3000
        let ids = try publish(0..<count, publisher)
        try publisher.waitForAcknowledgement(ids[500], within: 120)
        let reader = try RawClient(port: broker.port, level: 5, id: "slow", properties: [0x21, 0, 3])
        reader.send(RawPacket.subscribe(level: 5, filter: "$replay/earliest/s/#", qos: 1))
        var seen: [Int] = []
        var waiting: [[UInt8]] = []
        while seen.count < count {
            guard case .packet(let packet) = reader.next() else { break }
            guard packet[0] & 0xF0 == 0x30 else { continue }
            let delivery = try #require(RawDelivery(packet, level: 5))
            seen.append(Int(delivery.payload.prefix { $0 != " " }) ?? -1)
            waiting.append([0x40, 2, UInt8(delivery.id >> 8), UInt8(delivery.id & 0xFF)])
            #expect(waiting.count <= 3)
            // Acknowledged late and in twos: the window is full most of the time.
            if waiting.count == 3 || seen.count == count {
                for acknowledgement in waiting.prefix(2) { reader.send(acknowledgement) }
                waiting.removeFirst(min(2, waiting.count))
            }
        }
        #expect(seen == Array(0..<count))
    }

    @Test("a replay at QoS 0 goes on when the socket took all that the output buffer held")
    func refillsOutput() throws {
        let broker = try BrokerProcess("limits:\n  output_buffer: 64KiB\n" + Self.small)
        let publisher = try MosquittoClient(id: "publisher")
        try publisher.connect(port: broker.port)
        let ids = try publish(0..<4000, publisher)
        try publisher.waitForAcknowledgement(try #require(ids.last), within: 120)
        for qos in [0, 1] as [UInt8] {
            let reader = try RawClient(port: broker.port, level: 4, id: "fast")
            reader.send(RawPacket.subscribe(level: 4, filter: "$replay/earliest/#", qos: qos))
            var seen = 0
            while seen < 4000, case .packet(let packet) = reader.next() {
                guard packet[0] & 0xF0 == 0x30 else { continue }
                let delivery = try #require(RawDelivery(packet, level: 4))
                if qos == 1 { reader.send([0x40, 2, UInt8(delivery.id >> 8), UInt8(delivery.id & 0xFF)]) }
                seen += 1
            }
            #expect(seen == 4000)
        }
    }

    @Test("a live subscriber at QoS 1 of messages at QoS 0 goes on after its output was full")
    func refillsLiveOutput() throws {
        let broker = try BrokerProcess("limits:\n  output_buffer: 64KiB\n" + Self.small)
        let reader = try RawClient(port: broker.port, level: 4, id: "reader")
        reader.send(RawPacket.subscribe(level: 4, filter: "s/#", qos: 1))
        #expect(reader.next() == .packet([0x90, 3, 0, 1, 1]))
        let publisher = try RawClient(port: broker.port, level: 4, id: "publisher")
        let count = 4000
        for number in 0..<count {
            publisher.send(RawPacket.publish(level: 4, topic: "s/1", payload: "\(number) \(Self.padding)"))
        }
        var seen: [Int] = []
        while seen.count < count, case .packet(let packet) = reader.next() {
            seen.append(Int(try #require(RawDelivery(packet, level: 4)).payload.prefix { $0 != " " }) ?? -1)
        }
        #expect(seen == Array(0..<count))
    }

    /// A replay that cannot be, and a part of the reason.
    static let refusals: [(filter: String, offset: String?, reason: String)] = [
        ("$replay/yesterday/#", nil, "'yesterday' is no position"),
        ("$replay/earliest", nil, "expected $replay/WHEN/FILTER"),
        ("$replay//a", nil, "expected $replay/WHEN/FILTER"),
        ("$replay/0:5/#", nil, "an offset belongs to one $stream/"),
        ("$stream", nil, "expected $stream/NAME"),
        ("$stream/nothing", "earliest", "there is no stream 'nothing'"),
        ("$stream/__sessions", "earliest", "there is no stream '__sessions'"),
        ("$stream/mqtt", "soon", "stream-offset 'soon' is no position"),
        ("$stream/mqtt", "7:0", "a partition that it has"),
    ]

    @Test("a replay that cannot be gets a failing code and a reason, in 3.1.1 the code")
    func refusesReplay() throws {
        let broker = try BrokerProcess()
        let modern = try MosquittoClient(id: "modern", version: 5)
        let old = try MosquittoClient(id: "old", version: 4)
        try modern.connect(port: broker.port)
        try old.connect(port: broker.port)
        for (filter, offset, reason) in Self.refusals {
            let answer = try modern.subscribe(filter, qos: 1, user: offset.map { [("stream-offset", $0)] } ?? [])
            #expect(answer.code >= 0x80, "\(filter)")
            #expect(answer.reason?.contains(reason) == true, "\(filter): \(answer)")
            if offset == nil { #expect(try old.subscribe(filter).code == 0x80) }
        }
    }

    @Test("stream-offset takes earliest, latest, times and offsets, and deliveries say where they are from")
    func positions() throws {
        let broker = try BrokerProcess("streams:\n  - name: mqtt\n    partitions: 2\n" + BrokerProcess.plain)
        let publisher = try MosquittoClient(id: "publisher")
        try publisher.connect(port: broker.port)
        for number in 0..<10 {
            try publisher.waitForAcknowledgement(try publisher.publish("p/\(number % 2)", String(number), qos: 1))
        }
        let all = try records(broker, "earliest", 10)
        #expect(all.map(\.payload).sorted() == (0..<10).map(String.init))
        #expect(all.allSatisfy { $0.user["key"] == $0.topic && $0.user["ts"].flatMap { Int($0) } ?? 0 > 0 })
        let offsets = Set(all.compactMap { $0.user["offset"] })
        #expect(offsets.count == 10)
        let last = try #require(all.max { ($0.user["ts"] ?? "") < ($1.user["ts"] ?? "") })
        let partition = try #require(last.user["offset"]?.split(separator: ":").first)
        for form in ["-1h", "@-1h", "0", "2020-01-01T00:00:00Z", "@2020-01-01T00:00:00+01:00"] {
            #expect(try records(broker, form, 10).count == 10, "\(form)")
        }
        let one = all.filter { $0.user["offset"]?.hasPrefix("\(partition):") == true }
        for form in ["\(partition):1", "#\(partition):1"] {
            let found = try records(broker, form, one.count - 1)
            #expect(found.map(\.payload) == one.dropFirst().map(\.payload), "\(form)")
        }
        let live = try MosquittoClient(id: "live", version: 5)
        try live.connect(port: broker.port)
        try live.subscribe("$stream/mqtt/p/#", user: [("stream-offset", "latest")])
        try publisher.waitForAcknowledgement(try publisher.publish("p/0", "new", qos: 1))
        #expect(try live.receive(1).map(\.payload) == ["new"])
    }

    @Test("a stream without a filter is every record of it, also of topics that begin with $")
    func readsWholeStream() throws {
        let broker = try BrokerProcess()
        let live = try MosquittoClient(id: "live", version: 5)
        let member = try MosquittoClient(id: "member", version: 5)
        let (system, plain) = (try MosquittoClient(id: "system", version: 5), try MosquittoClient(id: "plain"))
        for client in [live, member, system, plain] { try client.connect(port: broker.port) }
        #expect(try live.subscribe("$stream/mqtt", qos: 1).code == 1)
        #expect(try member.subscribe("$share/g/$stream/mqtt", qos: 1).code == 1)
        #expect(try system.subscribe("$stream/mqtt/#", qos: 1).code == 1)
        try plain.subscribe("#", qos: 1)
        let topics = ["$aws/x", "$aws", "a", "$x/y/z", "b/c"]
        for topic in topics {
            try #require(try broker.mosquitto("pub", ["-t", topic, "-m", topic, "-q", "1"]).code == 0)
        }
        let others = ["a", "b/c"]
        #expect(try live.receive(5).map(\.topic).sorted() == topics.sorted())
        #expect(try member.receive(5).map(\.topic).sorted() == topics.sorted())
        #expect(try system.receive(2).map(\.topic).sorted() == others)
        #expect(try plain.receive(2).map(\.topic).sorted() == others)
        #expect(try records(broker, "earliest", 5).map(\.topic).sorted() == topics.sorted())
        let late = try broker.mosquitto(
            "sub",
            [
                "-V", "5", "-t", "$stream/mqtt", "-D", "subscribe", "user-property", "stream-offset", "earliest", "-C",
                "5", "-F", "%t",
            ])
        #expect(late.output.split(separator: "\n").map(String.init).sorted() == topics.sorted())
        let all = try broker.sluice(["consume", "mqtt"])
        #expect(all.code == 0 && all.errors.isEmpty, "\(all.errors)")
        for topic in topics { #expect(all.output.contains("  \(topic) "), "\(all.output)") }
        let some = try broker.sluice(["consume", "mqtt", "--filter", "$aws/#", "--json"])
        #expect(some.output.split(separator: "\n").count == 2, "\(some.output)")
        let ordinary = try broker.sluice(["consume", "mqtt", "--filter", "#", "--json"])
        #expect(ordinary.output.split(separator: "\n").count == 2, "\(ordinary.output)")
        // What the broker tells on $SYS is in no stream.
        #expect(try live.receive(5).count == 5)
        #expect(broker.stop() == 0)
    }

    private func records(_ broker: BrokerProcess, _ offset: String, _ count: Int) throws -> [MosquittoClient.Message] {
        let client = try MosquittoClient(id: "reader", version: 5)
        try client.connect(port: broker.port)
        #expect(try client.subscribe("$stream/mqtt", user: [("stream-offset", offset)]).code == 0, "\(offset)")
        return try client.receive(count)
    }
}

/// A PUBLISH that a raw client got.
struct RawDelivery {
    var topic: String
    var id: UInt16
    var payload: String

    init?(_ packet: [UInt8], level: UInt8) {
        guard packet[0] & 0xF0 == 0x30, let lengthEnd = packet.dropFirst().firstIndex(where: { $0 < 0x80 }) else {
            return nil
        }
        var index = lengthEnd + 1
        let topicCount = Int(packet[index]) << 8 | Int(packet[index + 1])
        topic = String(decoding: packet[index + 2..<index + 2 + topicCount], as: UTF8.self)
        index += 2 + topicCount
        id = 0
        if packet[0] & 0x06 != 0 {
            id = UInt16(packet[index]) << 8 | UInt16(packet[index + 1])
            index += 2
        }
        if level == 5 {
            guard packet[index] < 0x80 else { return nil }
            index += 1 + Int(packet[index])
        }
        payload = String(decoding: packet[index...], as: UTF8.self)
    }
}
