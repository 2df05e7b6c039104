import Foundation
import Glibc
import KafkaWire
import Testing

@Suite("Stopping under load", .serialized)
struct StopTests {
    private static let publisherCount = 200
    private static let subscriberCount = 50
    private static let tailCount = 20
    private static let consumerCount = 20
    /// What a stop takes at most: a second of drain, four tenths for last bytes, and the log's end.
    private static let bound = Duration.seconds(2)
    /// A machine that does other things as well may be late, but not each time.
    private static let attempts = 5
    private static let configuration = """
        \(BrokerProcess.plain)listeners: { mqtt: '127.0.0.1:0', kafka: '127.0.0.1:0', http: '127.0.0.1:0' }

        """

    @Test("ends within two seconds, whether subscribers, tails and consumers read or not", arguments: [true, false])
    func endsInTime(_ isRead: Bool) throws {
        var times: [Duration] = []
        while times.count < Self.attempts, times.allSatisfy({ $0 >= Self.bound }) {
            times.append(try stop(isRead: isRead))
        }
        print("stops under load, \(isRead ? "everybody reads" : "nobody reads"): \(times)")
        #expect(times.contains { $0 < Self.bound }, "\(times)")
    }

    /// Stops a broker under load.
    /// - Returns: the time from the signal to the end of the process.
    private func stop(isRead: Bool) throws -> Duration {
        let broker = try BrokerProcess(Self.configuration, port: 0)
        let publishers = InsistentClients(port: broker.port)
        var subscribers: [RawClient] = []
        for number in 0..<Self.subscriberCount {
            let client = try RawClient(port: broker.port, level: 5, id: "s\(number)")
            client.send(RawPacket.subscribe(level: 5, filter: "#", qos: UInt8(number % 2)))
            guard case .packet = client.next() else { throw RawClient.ConnectError(code: 0) }
            subscribers.append(client)
        }
        let tails = try (0..<Self.tailCount).map { _ in
            let tail = try HTTPClient(port: broker.port("http"))
            try tail.send("GET", "/v1/streams/mqtt/tail")
            #expect(try tail.head().status == 200)
            return tail
        }
        let consumers = try (0..<Self.consumerCount).map { _ in
            let consumer = try KafkaClient(port: broker.port("kafka"))
            // Behind the end of what there will be: each is parked.
            try consumer.send(
                FetchRequest(
                    maxWaitMs: 60_000, minBytes: 1 << 30, maxBytes: 1 << 30,
                    topics: [.init(topic: "mqtt", partitions: [.init(partition: 0, partitionMaxBytes: 1 << 30)])]),
                11)
            return consumer
        }
        let payload = String(repeating: "x", count: 4000)
        for number in 0..<Self.publisherCount {
            publishers.publish(as: "p\(number)", topic: "t/\(number)", payload: payload)
        }
        #expect(broker.process.wait { publishers.tally.acknowledged.count >= 3000 })
        let readers = isRead ? ReadingThreads(subscribers) : nil
        let start = ContinuousClock.now
        kill(broker.pid, SIGTERM)
        // Who has lost its connection must not take the processor with attempts to get another one.
        publishers.letEnd()
        #expect(broker.process.exitCode() == 0)
        let time = ContinuousClock.now - start
        publishers.end()
        readers?.end()
        withExtendedLifetime((tails, consumers, subscribers)) {}
        let stored = Set(try OfflineLog.values(broker.data, stream: "mqtt").map { $0.prefix { $0 != "x" } })
        #expect(publishers.tally.acknowledged.allSatisfy { stored.contains($0.prefix { $0 != "x" }) })
        return time
    }
}

/// Threads that read what comes on connections, until those end.
private final class ReadingThreads {
    private let group = DispatchGroup()

    init(_ clients: [RawClient]) {
        for client in clients {
            group.enter()
            // Sendable: until the end the thread is the only one that has it.
            nonisolated(unsafe) let client = client
            Thread { [group] in
                while case .packet = client.next() {}
                group.leave()
            }.start()
        }
    }

    func end() { group.wait() }
}
