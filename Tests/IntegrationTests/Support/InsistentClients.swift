import CLinux
import Foundation
import Glibc
import Synchronization

/// Threads of a test that go on until they are told to end.
final class InsistentClients: Sendable {
    /// What they have seen.
    struct Tally {
        /// Attempts to connect that were answered.
        var answered = 0
        /// Attempts that the kernel refused.
        var refused = 0
        /// Connections that ended without an answer to CONNECT.
        var unanswered = 0
        /// Messages that were acknowledged.
        var acknowledged: [String] = []
    }

    private let state = Mutex(Tally())
    private let isEnding = Atomic<Bool>(false)
    private let group = DispatchGroup()
    private let port: Int

    /// Clients of a broker on the loopback.
    init(port: Int) { self.port = port }

    /// What they have seen so far.
    var tally: Tally { state.withLock { $0 } }

    /// Lets a client connect, say goodbye and connect again.
    func connect(as name: String) {
        start { [unowned self] in
            let client: RawClient
            do {
                client = try RawClient(port: port)
            } catch {
                return state.withLock { $0.refused += 1 }
            }
            client.send(RawPacket.connect(level: 4, id: name))
            let reply = client.next()
            client.send([0xE0, 0])
            state.withLock { tally in
                if reply == .packet([0x20, 2, 0, 0]) { tally.answered += 1 } else { tally.unanswered += 1 }
            }
        }
    }

    /// Lets a client publish numbers at QoS 1, each again until it is acknowledged.
    /// - Parameter payload: what stands behind the name and the number.
    func publish(as name: String, topic: String, payload more: String = "") {
        var number = 0
        var connection: RawClient?
        start { [unowned self] in
            do {
                let client = try connection ?? RawClient(port: port, level: 4, id: name)
                connection = client
                let payload = "\(name) \(number)\(more)"
                client.send(RawPacket.publish(level: 4, topic: topic, payload: payload, qos: 1))
                guard client.next() == .packet([0x40, 2, 0, 1]) else {
                    connection = nil
                    return
                }
                number += 1
                state.withLock { $0.acknowledged.append(payload) }
            } catch {
                connection = nil
            }
        }
    }

    /// Lets each end with what it is doing.
    func letEnd() { isEnding.store(true, ordering: .relaxed) }

    /// Ends them, and waits for that.
    func end() {
        letEnd()
        group.wait()
    }

    private func start(_ body: @escaping () -> Void) {
        group.enter()
        // Sendable: the thread that is started is the only one that has it.
        nonisolated(unsafe) let body = body
        Thread { [self] in
            while !isEnding.load(ordering: .relaxed) { body() }
            group.leave()
        }.start()
    }
}
