import Foundation
import Glibc
import Testing

@Suite("A process with few open files")
struct DescriptorTests {
    /// A broker with a hard limit of open files.
    private static func broker(_ files: Int, _ configuration: String = BrokerProcess.plain) throws -> BrokerProcess {
        try BrokerProcess(configuration, wrapper: ["prlimit", "--nofile=\(files):\(files)"], isSameProcess: true)
    }

    /// Connects clients until one is told that they are too many.
    /// - Returns: those that were let in, and the answer to the next.
    private static func fill(_ broker: BrokerProcess, level: UInt8) throws -> (
        clients: [RawClient], answer: RawClient.Reply
    ) {
        var clients: [RawClient] = []
        while true {
            let client = try RawClient(port: broker.port)
            client.send(RawPacket.connect(level: level, id: "c\(level)-\(clients.count)"))
            let answer = client.next()
            guard case .packet(let connack) = answer, connack.count >= 4, connack[3] == 0 else {
                return (clients, answer)
            }
            clients.append(client)
        }
    }

    @Test("clients that take all connections keep nobody from publishing, and one too many hears why at once")
    func idleClients() throws {
        let broker = try Self.broker(256, "log:\n  segment_size: 1MiB\n" + BrokerProcess.plain)
        let publisher = try MosquittoClient(id: "publisher", version: 5)
        try publisher.connect(port: broker.port)
        let (clients, answer) = try Self.fill(broker, level: 5)
        guard case .packet(let connack) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(connack[0] == 0x20 && connack[3] == 0x97)
        let said = try #require(broker.log.first { $0.contains("ulimit -Hn") })
        #expect(said.contains("at most \(clients.count + 1) connections"), "\(said)")
        // Enough for several segments and journal files.
        let payload = String(repeating: "x", count: 200_000)
        for number in 0..<60 {
            #expect(try publisher.waitForAcknowledgement(try publisher.publish("t", payload, qos: 1)) == 0, "\(number)")
        }
        #expect(try Self.fill(broker, level: 4).answer == .packet([0x20, 2, 0, 3]))
        withExtendedLifetime(clients) {}
        #expect(!broker.log.contains { $0.contains("Too many open files") }, "\(broker.log)")
        #expect(broker.stop() == 0)
    }

    @Test("connections that come without end get their answers, and a bounded number of log lines")
    func storm() throws {
        let broker = try Self.broker(1024, "limits:\n  connections: 3\n" + BrokerProcess.plain)
        let (clients, _) = try Self.fill(broker, level: 4)
        #expect(clients.count == 3)
        for number in 0..<2000 {
            let client = try RawClient(port: broker.port)
            client.send(RawPacket.connect(level: 5, id: "again\(number)"))
            // Whoever comes while those that are being refused are too many as well is closed without a word.
            switch client.next() {
            case .packet(let connack): #expect(connack[3] == 0x97)
            case .closed: break
            case .silence: Issue.record("number \(number) hears nothing")
            }
        }
        #expect(clients.allSatisfy { $0.answersPing() })
        let lines = broker.log.count
        #expect(lines < 2000 / 4, "\(lines) lines")
        #expect(broker.log.contains { $0.contains("3 are open, as many as may be") })
        #expect(broker.stop() == 0)
    }

    @Test("a limit below what the log needs is refused at the start, with the number that is needed")
    func tooFew() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("sluice.yaml", BrokerProcess.plain)
        let result = try Program.run([
            "prlimit", "--nofile=64:64", Program.sluice, "serve", "--config", file, "--data", directory.path + "/data",
            "--mqtt", "127.0.0.1:0",
        ])
        #expect(result.code == 1)
        #expect(result.errors.contains("ulimit -Hn) is 64, and this configuration needs"), "\(result.errors)")
    }
}
