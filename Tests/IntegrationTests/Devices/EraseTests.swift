import Foundation
import Testing

@Suite("Erasing a device")
struct EraseTests {
    private static let marker = "secret-of-dev42"
    private static let topic = "sensors/b/dev42/temperature"

    /// A broker with messages of two devices in a partition: stored, retained, refused by their profile.
    private static func world(more: String = "") throws -> DeviceBroker {
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature], more: more)
        for number in 0..<10 {
            for device in ["dev42", "dev43"] {
                let payload = "{\"temperature\":\(number),\"note\":\"secret-of-\(device) \(number)\"}"
                let topic = "sensors/b/\(device)/temperature"
                let flags = number == 9 ? ["-r"] : []
                let options = ["-V", "5", "-q", String(number % 2), "-t", topic, "-m", payload]
                #expect(try world.broker.mosquitto("pub", options + flags).code == 0)
            }
        }
        for device in ["dev42", "dev43"] {
            let payload = "{\"temperature\":999,\"note\":\"secret-of-\(device) bad\"}"
            #expect(try world.publish("sensors/b/\(device)/temperature", payload).code == 0)
        }
        let isKnown = try world.broker.process.wait {
            try world.device("dev42")?["messages"] as? Int == 10 && world.device("dev42")?["bad"] as? Int == 1
        }
        #expect(isKnown)
        return world
    }

    /// The files of a directory that have the bytes of a text.
    private static func files(with text: String, in directory: String) throws -> [String] {
        let files = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
        return try files.filter { name in
            let path = directory + "/" + name
            // Directories, and a socket that takes over by, have no bytes.
            guard FileManager.default.fileExists(atPath: path) else { return false }
            let type = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
            guard type == .typeRegular else { return false }
            return try Data(contentsOf: URL(filePath: path)).range(of: Data(text.utf8)) != nil
        }
    }

    /// Offset and payload of a stream's records that have a text in their payload.
    private static func records(_ world: DeviceBroker, _ stream: String, with text: String = "secret") throws
        -> [String]
    {
        try world.broker.sluice(["consume", stream, "--json"]).lines.compactMap { line in
            let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            guard let payload = record?["payload"] as? String, payload.contains(text),
                let offset = record?["offset"] as? Int
            else { return nil }
            return "\(offset) \(payload)"
        }
    }

    private static func retained(_ world: DeviceBroker) throws -> [String] {
        let result = try world.broker.mosquitto("sub", ["-V", "5", "-t", "sensors/#", "-W", "3", "-C", "1"])
        return result.lines
    }

    private static func erase(_ world: DeviceBroker, _ more: [String] = []) throws -> [String: Int] {
        let document = try world.json(["erase", "--device", "dev42", "--stream", "sensors"] + more)
        let parts = document["streams"] as? [[String: Any]] ?? []
        return Dictionary(
            uniqueKeysWithValues: parts.compactMap { part in
                (part["stream"] as? String).flatMap { name in (part["records"] as? Int).map { (name, $0) } }
            })
    }

    @Test("nothing of it is in any file or with any reader, and others are as they were, also after a restart")
    func erased() throws {
        let world = try Self.world()
        let (kept, letters) = (
            try Self.records(world, "sensors", with: "dev43"), try Self.records(world, "sensors.dlq", with: "dev43")
        )
        #expect(kept.count == 10 && letters.count == 1)
        let before = try Self.files(with: Self.marker, in: world.broker.data)
        #expect(before.contains { $0.hasPrefix("journal/") }, "\(before)")
        let dry = try Self.erase(world, ["--dry-run"])
        #expect(dry["sensors"] == 10 && dry["sensors.dlq"] == 1 && dry["__retained"] == 1, "\(dry)")
        #expect(try Self.records(world, "sensors", with: Self.marker).count == 10)
        let report = try Self.erase(world)
        #expect(report == dry)
        #expect(try Self.files(with: Self.marker, in: world.broker.data) == [])
        // An index of topics that was being written as its segment was replaced is made anew a little later.
        #expect(try world.broker.process.wait { try Self.files(with: "dev42", in: world.broker.data) == [] })
        #expect(try Self.records(world, "sensors") == kept)
        #expect(try Self.records(world, "sensors.dlq") == letters)
        #expect(try world.device("dev42") == nil && world.device("dev43") != nil)
        #expect(try Self.retained(world) == [#"{"temperature":9,"note":"secret-of-dev43 9"}"#])
        let text = try world.broker.sluice(["erase", "--device", "dev42", "--stream", "sensors"]).output
        #expect(text == "there is nothing of 'dev42' in 'sensors'\n")
        // What comes now is a device's that nothing is known of.
        #expect(try world.publish(Self.topic, #"{"temperature":1}"#).code == 0)
        #expect(try world.broker.process.wait { try world.device("dev42")?["messages"] as? Int == 1 })
        #expect(world.broker.stop() == 0)
        let verified = try Program.sluice(["log", "verify", world.broker.data])
        #expect(verified.code == 0, "\(verified)")
        #expect(try Self.files(with: Self.marker, in: world.broker.data) == [])
        let again = try world.restarted()
        #expect(try Self.records(again, "sensors", with: "dev43") == kept)
        #expect(try Self.retained(again) == [#"{"temperature":9,"note":"secret-of-dev43 9"}"#])
        #expect(try again.device("dev42")?["messages"] as? Int == 1)
        #expect(again.broker.stop() == 0)
    }

    @Test("killed on the way and done again, it ends as if nothing had been")
    func killed() throws {
        var world = try Self.world()
        let kept = try Self.records(world, "sensors", with: "dev43")
        for _ in 0..<4 {
            // The order alone: nobody waits for its end.
            let order = [
                "-V", "5", "-q", "1", "-t", "$sluice/erase", "-m", "erase\nsensors\ndev42", "-D", "publish",
                "response-topic", "answers",
            ]
            #expect(try world.broker.mosquitto("pub", order).code == 0)
            world.broker.crash()
            world = try world.restarted()
            #expect(try Self.records(world, "sensors", with: "dev43") == kept)
        }
        _ = try Self.erase(world)
        #expect(try Self.files(with: Self.marker, in: world.broker.data) == [])
        #expect(try Self.records(world, "sensors") == kept)
        world.broker.crash()
        #expect(try Self.files(with: Self.marker, in: world.broker.data) == [])
        let verified = try Program.sluice(["log", "verify", world.broker.data])
        #expect(verified.code == 0, "\(verified)")
        let again = try world.restarted()
        #expect(try Self.records(again, "sensors") == kept)
        #expect(try Self.files(with: Self.marker, in: world.broker.data) == [])
        #expect(again.broker.stop() == 0)
    }

    @Test("the record of changes says who asked, for what, and how many records went")
    func audited() throws {
        let world = try Self.world(more: "audit: {}\n")
        _ = try Self.erase(world)
        #expect(world.broker.logs("request=erase subject=\"erase sensors dev42\""))
        let isNoted = world.broker.process.wait {
            world.broker.log.contains { line in
                line.contains("request=erase/done") && line.contains("subject=\"sensors dev42\"")
                    && line.contains("sensors 10") && line.contains("sensors.dlq 1") && line.contains("client=")
            }
        }
        #expect(isNoted, "\(world.broker.log)")
        #expect(world.broker.stop() == 0)
    }

    @Test("a stream that is not there, or the node's own, and options that are missing are said")
    func refused() throws {
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature])
        for (stream, words) in [("sensor", "the broker has no stream 'sensor'"), ("__devices", "the broker's own")] {
            let result = try world.broker.sluice(["erase", "--device", "d", "--stream", stream])
            #expect(result.code == 1 && result.errors.contains(words), "\(result)")
        }
        #expect(try world.broker.sluice(["erase", "--stream", "sensors"]).errors.contains("--device says whose"))
        #expect(try world.broker.sluice(["erase", "--device", "d"]).errors.contains("--stream says which"))
        #expect(world.broker.stop() == 0)
    }

    @Test("a consumer that is halfway gets every record of others, once", .timeLimit(.minutes(5)))
    func readers() throws {
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature])
        let publisher = try MosquittoClient(id: "publisher", version: 5)
        _ = try publisher.connect(port: world.broker.port)
        var last: Int32 = 0
        for number in 0..<2000 {
            let topic = "sensors/b/\(number % 2 == 0 ? "dev42" : "dev43")/temperature"
            last = try publisher.publish(topic, "{\"temperature\":1,\"seq\":\(number)}", qos: 1)
        }
        _ = try publisher.waitForAcknowledgement(last)
        let reader = try MosquittoClient(id: "reader", version: 5)
        _ = try reader.connect(port: world.broker.port)
        _ = try reader.subscribe("$stream/sensors", qos: 1, user: [("stream-offset", "earliest")])
        _ = try reader.receive(10)
        _ = try Self.erase(world)
        let all = try reader.receive(until: "{\"temperature\":1,\"seq\":1999}", times: 1, within: 60).map(\.payload)
        let others = all.filter { text in
            text.split(separator: ":").last.flatMap { Int($0.dropLast()) }.map { $0 % 2 == 1 } ?? false
        }
        #expect(others == (0..<1000).map { "{\"temperature\":1,\"seq\":\($0 * 2 + 1)}" })
        #expect(world.broker.stop() == 0)
    }

    @Test(
        "compressed batches of idempotent and transactional producers lose its records, and their producers go on",
        .enabled(if: Program.isInstalled("kcat"), "kcat is not installed"))
    func produced() throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        func kcat(_ arguments: [String], input: String? = nil) throws -> Program.Result {
            try Program.run(["kcat", "-b", broker.kafka()] + arguments, input: input)
        }
        func produce(_ arguments: [String], _ words: String) throws {
            let lines = (0..<300).map { "\($0 % 2 == 0 ? "dev42" : "dev43"):\(words) of \($0) \(Self.marker)" }
            let input = lines.joined(separator: "\n") + "\n"
            let produced = try kcat(["-P", "-t", "made", "-K:"] + arguments, input: input)
            #expect(produced.code == 0, "\(produced)")
        }
        func consume(_ format: String = "%o %k %s\\n") throws -> [String] {
            try kcat(["-C", "-t", "made", "-o", "beginning", "-e", "-q", "-f", format]).lines
        }
        for codec in ["none", "gzip", "snappy", "lz4", "zstd"] { try produce(["-z", codec], codec) }
        try produce(["-z", "lz4", "-X", "enable.idempotence=true"], "idempotent")
        try produce(["-z", "zstd", "-X", "transactional.id=t"], "transactional")
        let kept = try consume().filter { $0.contains(" dev43 ") }
        #expect(kept.count == 7 * 150)
        let report = try broker.sluice(["erase", "--device", "dev42", "--stream", "made"])
        #expect(report.code == 0, "\(report)")
        #expect(try consume() == kept)
        try produce(["-X", "transactional.id=t"], "later")
        #expect(try consume().count == kept.count + 300)
        broker.crash()
        #expect(try Program.sluice(["log", "verify", broker.data]).code == 0)
        let again = try broker.restarted(KafkaEndpoint.configuration)
        let consumed = try Program.run([
            "kcat", "-b", again.kafka(), "-C", "-t", "made", "-o", "beginning", "-e", "-q", "-f", "%o %k %s\\n",
        ])
        #expect(consumed.lines.filter { $0.contains(" dev43 ") && !$0.contains("later") } == kept)
        #expect(again.stop() == 0)
    }
}
