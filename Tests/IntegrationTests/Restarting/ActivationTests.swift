import Foundation
import Glibc
import Testing

@Suite("Sockets of a service manager", .enabled(if: Program.isInstalled("python3"), "python3 is not installed"))
struct ActivationTests {
    /// Listens, and starts a broker on that socket, and once more when that has ended; each ends with it.
    private static let manager = """
        import ctypes, os, socket, sys
        listener = socket.create_server(('127.0.0.1', 0), backlog=4096)
        for _ in range(2):
            process = os.fork()
            if process == 0:
                ctypes.CDLL(None).prctl(1, 9)
                os.dup2(listener.fileno(), 3)
                os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='mqtt')
                os.execv(sys.argv[1], sys.argv[1:])
            os.waitpid(process, 0)
        """

    @Test("are taken by their names, and no attempt to connect is refused while the service starts anew")
    func restarts() throws {
        // The address is the manager's to choose, whatever the configuration says.
        let broker = try BrokerProcess(port: 1, wrapper: ["python3", "-c", Self.manager])
        #expect(broker.port != 1)
        let clients = InsistentClients(port: broker.port)
        for number in 0..<3 { clients.connect(as: "guest\(number)") }
        clients.publish(as: "device", topic: "t")
        #expect(broker.process.wait { clients.tally.answered >= 300 && !clients.tally.acknowledged.isEmpty })
        kill(broker.pid, SIGTERM)
        #expect(broker.process.wait { broker.log.count { $0.contains("stopped, everything is on disk") } == 1 })
        let before = clients.tally
        #expect(
            broker.process.wait {
                clients.tally.answered >= before.answered + 300
                    && clients.tally.acknowledged.count > before.acknowledged.count + 10
            })
        clients.end()
        #expect(clients.tally.refused == 0, "\(clients.tally.answered) were answered")
    }

    @Test(
        "that are no listener's are refused by name",
        arguments: [
            ("LISTEN_FDNAMES='web'", "the socket 'web' is for no listener of the configuration, which has mqtt"),
            ("LISTEN_FDNAMES='mqtt:mqtt'", "LISTEN_FDS is 1 and LISTEN_FDNAMES has 2 names"),
            ("LISTEN_FDS='many'", "LISTEN_FDS is 'many'"),
            ("LISTEN_FDS='2', LISTEN_FDNAMES='mqtt:mqtt'", "there are two sockets 'mqtt'"),
        ])
    func refusesStrangers(_ variables: String, _ words: String) throws {
        let directory = try TemporaryDirectory()
        let script = """
            import os, socket, sys
            listener = socket.create_server(('127.0.0.1', 0))
            os.dup2(listener.fileno(), 4)
            os.dup2(4, 3)
            os.set_inheritable(3, True)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='mqtt')
            os.environ.update(\(variables))
            os.execv(sys.argv[1], sys.argv[1:])
            """
        let result = try Program.run(
            [
                "python3", "-c", script, Program.sluice, "serve", "--data", directory.path + "/data", "--mqtt",
                "127.0.0.1:0",
            ])
        #expect(result.code == 1)
        #expect(result.errors.contains(words), "\(result)")
    }

    @Test("that do not listen are refused, and those of another process are not taken")
    func refusesOthers() throws {
        let directory = try TemporaryDirectory()
        let script = """
            import os, socket, sys
            held = socket.socket()
            os.dup2(held.fileno(), 4)
            os.dup2(4, 3)
            os.set_inheritable(3, True)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='mqtt')
            os.execv(sys.argv[1], sys.argv[1:])
            """
        let result = try Program.run(
            [
                "python3", "-c", script, Program.sluice, "serve", "--data", directory.path + "/data", "--mqtt",
                "127.0.0.1:0",
            ])
        #expect(result.code == 1)
        #expect(result.errors.contains("the socket 'mqtt' does not listen for TCP"), "\(result)")
        let variables = ["LISTEN_PID=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=mqtt"]
        let broker = try BrokerProcess(port: 0, wrapper: ["env"] + variables, isSameProcess: true)
        #expect(try RawClient(port: broker.port, level: 4, id: "c").answersPing())
        #expect(broker.stop() == 0)
    }
}
