import Foundation
import Testing

@Suite("Replay of a few topics out of many")
struct TopicIndexTests {
    /// Eight segments and more, of which the newest megabyte is in memory.
    private static let small = """
        journal:
          file_size: 1MiB
        log:
          tail_memory: 1MiB
          segment_size: 1MiB

        """

    private static let deviceCount = 2000
    private static let messageCount = 10_000

    private struct World {
        var broker: BrokerProcess
        var publisher: MosquittoClient

        var partition: String { broker.data + "/streams/mqtt-0" }

        /// Bytes that the broker has read so far, from its files and its sockets.
        var readByteCount: Int {
            get throws {
                let text = try String(contentsOfFile: "/proc/\(broker.process.pid)/io", encoding: .utf8)
                let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("rchar: ") })
                return try #require(Int(line.dropFirst(7)))
            }
        }

        func names(_ suffix: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: partition).filter { $0.hasSuffix(suffix) }.sorted()
        }

        /// The numbers that a new client is sent for a filter.
        func replay(_ filter: String, _ count: Int) throws -> [Int] {
            let client = try MosquittoClient(id: "reader")
            try client.connect(port: broker.port)
            try client.subscribe("$replay/earliest/\(filter)", qos: 1)
            return try client.receive(count, within: 120).map { Int($0.payload.prefix { $0 != " " }) ?? -1 }
        }

        /// Whether everything is in segments by now, and every sealed one has its index.
        func waitUntilIndexed() throws -> Bool {
            try broker.process.wait {
                let logs = try names(".log")
                let byteCount = try logs.reduce(0) { sum, name in
                    let attributes = try FileManager.default.attributesOfItem(atPath: partition + "/" + name)
                    return sum + (attributes[.size] as? Int ?? 0)
                }
                let sealed = logs.dropLast().map { $0.dropLast(4) }
                let indexed = try names(".topics").map { $0.dropLast(7) }
                return byteCount > TopicIndexTests.messageCount * 1000 && Set(sealed).isSubset(of: indexed)
            }
        }
    }

    private func build() throws -> World {
        let broker = try BrokerProcess(Self.small)
        let publisher = try MosquittoClient(id: "publisher")
        try publisher.connect(port: broker.port)
        let padding = String(repeating: "x", count: 1000)
        let ids = try (0..<Self.messageCount).map { number in
            try publisher.publish("plant/\(number % Self.deviceCount)/t", "\(number) \(padding)", qos: 1)
        }
        try publisher.waitForAcknowledgement(try #require(ids.last), within: 180)
        return World(broker: broker, publisher: publisher)
    }

    private func numbers(of device: Int) -> [Int] {
        Array(stride(from: device, to: Self.messageCount, by: Self.deviceCount))
    }

    @Test("one device's history is read without the others', wildcards find theirs, also after damage and a restart")
    func replaysOneDevice() throws {
        var world = try build()
        #expect(try world.waitUntilIndexed())
        let start = try world.readByteCount
        let one = numbers(of: 77)
        #expect(try world.replay("plant/77/t", one.count) == one)
        let narrow = try world.readByteCount - start
        #expect(try world.replay("plant/+/t", Self.messageCount) == Array(0..<Self.messageCount))
        // The newest megabyte is in memory; a batch has a window's worth of messages at most, the device five in all.
        #expect(try world.readByteCount - start - narrow > Self.messageCount * 1000 / 2)
        #expect(narrow < Self.messageCount * 1000 / 4)
        #expect(try world.replay("plant/77/#", one.count) == one)
        #expect(try world.replay("+/77/t", one.count) == one)

        for name in try world.names(".topics") {
            let file = try #require(FileHandle(forUpdatingAtPath: world.partition + "/" + name))
            try file.seek(toOffset: 130)
            try file.write(contentsOf: [UInt8](repeating: 0xA5, count: 3000))
            try file.close()
        }
        #expect(try world.replay("plant/77/t", one.count) == one)
        #expect(world.broker.logs(".topics: does not fit the log"))
        #expect(try world.replay("+/77/t", one.count) == one)

        world.broker.crash()
        try FileManager.default.removeItem(atPath: world.partition + "/" + (try #require(world.names(".topics").first)))
        world = World(broker: try world.broker.restarted(Self.small), publisher: world.publisher)
        #expect(try world.replay("plant/77/t", one.count) == one)
        #expect(try world.waitUntilIndexed())
        #expect(try world.replay("plant/77/t", one.count) == one)
        #expect(world.broker.stop() == 0)
    }

    @Test("a replay of one device goes on live, with no gap and no repeat, while a publisher runs")
    func crossesSeam() throws {
        let world = try build()
        let ids = try (Self.messageCount..<Self.messageCount + 2000).map { number in
            try world.publisher.publish("plant/\(number % Self.deviceCount)/t", "\(number) ", qos: 1)
        }
        let one = Array(stride(from: 33, to: Self.messageCount + 2000, by: Self.deviceCount))
        #expect(try world.replay("plant/33/t", one.count) == one)
        try world.publisher.waitForAcknowledgement(try #require(ids.last), within: 180)
        #expect(world.broker.stop() == 0)
    }
}
