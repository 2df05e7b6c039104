import Foundation
import Glibc
import Testing

@Suite("Taking over from a running broker")
struct TakeoverTests {
    /// What is connected, or published, before, while and after.
    private static let attempts = 300

    @Test("no attempt to connect is refused while a new process takes over, and no acknowledged message is lost")
    func losesNothing() throws {
        let first = try BrokerProcess(port: 0)
        let clients = InsistentClients(port: first.port)
        for number in 0..<3 { clients.connect(as: "guest\(number)") }
        for number in 0..<3 { clients.publish(as: "device\(number)", topic: "t") }
        #expect(Self.goOn(clients, first))
        let second = try BrokerProcess(
            directory: first.directory, port: first.port, flags: ["--takeover"])
        #expect(Self.goOn(clients, second))
        #expect(first.process.exitCode() == 0)
        let third = try BrokerProcess(
            directory: first.directory, port: first.port, flags: ["--takeover"])
        #expect(Self.goOn(clients, third))
        #expect(second.process.exitCode() == 0)
        clients.end()
        let tally = clients.tally
        #expect(tally.refused == 0, "\(tally.answered) were answered")
        #expect(tally.unanswered == 0, "\(tally.answered) were answered")
        #expect(first.log.contains { $0.contains("takes over; it has the listening sockets") })
        #expect(first.log.contains { $0.contains("stopped, everything is on disk") })
        #expect(second.log.contains { $0.contains("taking over mqtt on \(first.address)") }, "\(second.log)")
        #expect(!second.log.contains { $0.contains("recovery") }, "\(second.log)")
        #expect(third.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: third.data + "/takeover"))
        let stored = Set(try OfflineLog.values(third.data, stream: "mqtt"))
        #expect(tally.acknowledged.allSatisfy(stored.contains), "\(tally.acknowledged.count) were acknowledged")
    }

    /// Waits until clients have done a lot more.
    private static func goOn(_ clients: InsistentClients, _ broker: BrokerProcess) -> Bool {
        let before = clients.tally
        return broker.process.wait {
            let now = clients.tally
            return now.answered >= before.answered + attempts
                && now.acknowledged.count >= before.acknowledged.count + attempts
        }
    }

    @Test("a client that is connected is told that the broker stops, and finds its session with the new one")
    func keepsSessions() throws {
        let first = try BrokerProcess(port: 0)
        let client = try RawClient(port: first.port, level: 5, id: "c", flags: 0, properties: [0x11, 0, 0, 1, 0])
        client.send(RawPacket.subscribe(level: 5, filter: "t", qos: 1))
        guard case .packet = client.next() else {
            Issue.record("expected a SUBACK")
            return
        }
        let second = try BrokerProcess(
            directory: first.directory, port: first.port, flags: ["--takeover"])
        #expect(client.next() == .packet(RawPacket.disconnect(0x8B, "the broker stops")))
        #expect(client.next() == .closed)
        let again = try RawClient(port: second.port)
        again.send(RawPacket.connect(level: 5, id: "c", flags: 0, properties: [0x11, 0, 0, 1, 0]))
        guard case .packet(let connack) = again.next() else {
            Issue.record("expected a CONNACK")
            return
        }
        #expect(connack[2] == 1, "\(connack)")
        #expect(second.stop() == 0)
    }

    @Test("listeners may come and go: what the new configuration has not is closed, what it has beside is opened")
    func changesListeners() throws {
        let first = try BrokerProcess(
            BrokerProcess.plain + "listeners: { ws: '127.0.0.1:0', kafka: '127.0.0.1:0' }\n", port: 0)
        let second = try BrokerProcess(
            BrokerProcess.plain + "listeners: { kafka: '127.0.0.1:0', http: '127.0.0.1:0' }\n",
            directory: first.directory, port: first.port, flags: ["--takeover"])
        #expect(first.process.exitCode() == 0)
        #expect(second.port == first.port)
        // Port 0 is any: the one that there is.
        #expect(second.ports["kafka"] == first.ports["kafka"])
        #expect(second.ports["http"] != nil)
        #expect(throws: RawClient.ConnectError.self) { try RawClient(port: first.port("ws")) }
        #expect(try RawClient(port: second.port, level: 4, id: "c").answersPing())
        #expect(second.stop() == 0)
    }

    @Test("a configuration with an error leaves the process that runs as it is")
    func refusesBadConfiguration() throws {
        let broker = try BrokerProcess(port: 0)
        let result = try Program.sluice(
            ["serve", "--takeover", "--data", broker.data, "--mqtt", broker.address],
            environment: ["SLUICE_LISTENERS_KAFKA": "nowhere"])
        #expect(result.code == 1)
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            "sluice.yaml", "listeners: { mqtts: { address: '127.0.0.1:0', tls: { certificate: no, key: no } } }\n")
        let untrusted = try Program.sluice(
            ["serve", "--takeover", "--config", file, "--data", broker.data, "--mqtt", broker.address])
        #expect(untrusted.code == 1)
        #expect(try RawClient(port: broker.port, level: 4, id: "c").answersPing())
        #expect(broker.stop() == 0)
    }

    @Test("where nothing runs there is nothing to take over, and what a crash has left does not matter")
    func startsAlone() throws {
        let first = try BrokerProcess(port: 0, flags: ["--takeover"])
        #expect(first.logs("nothing runs on '\(first.data)' that could be taken over"))
        first.crash()
        #expect(FileManager.default.fileExists(atPath: first.data + "/takeover"))
        let second = try BrokerProcess(
            directory: first.directory, port: first.port, flags: ["--takeover"])
        #expect(second.logs("nothing runs on '\(first.data)' that could be taken over"))
        #expect(try RawClient(port: second.port, level: 4, id: "c").answersPing())
        #expect(second.stop() == 0)
    }

    @Test("only the broker's own user can ask, and what is not understood is passed over")
    func guardsMailbox() throws {
        let broker = try BrokerProcess(port: 0)
        let mailbox = broker.data + "/takeover"
        let attributes = try FileManager.default.attributesOfItem(atPath: mailbox)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let script = """
            import os, socket, sys
            os.chdir(sys.argv[1])
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            s.sendto(b'sluice-takeover 1', 'takeover')
            s.sendto(b'nonsense', 'takeover')
            s.sendto(b'x' * 9000, 'takeover')
            a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            other.connect('takeover')
            socket.send_fds(other, [b'nonsense'], [b.fileno()] * 3)
            b.close()
            print(len(a.recv(100)))
            """
        let result = try Program.run(["python3", "-c", script, broker.data])
        #expect(result.output == "0\n", "\(result)")
        #expect(broker.logs("is not understood"))
        #expect(try RawClient(port: broker.port, level: 4, id: "c").answersPing())
        #expect(broker.stop() == 0)
    }
}
