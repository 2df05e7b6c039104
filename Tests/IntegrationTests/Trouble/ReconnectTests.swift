import Foundation
import Synchronization
import Testing

@Suite("Sessions that come back for ever")
struct ReconnectTests {
    private static let sessionCount = 200
    private static let threadCount = 20
    private static let environment = ProcessInfo.processInfo.environment
    /// Reconnections of one run; `make soak` asks for 1,000,000.
    private static let soakCount = environment["SLUICE_SOAK_RECONNECTS"].flatMap(Int.init)
    private static let count = soakCount ?? 4000
    /// What the broker may take: its tail, its journal's buffers, and 200 sessions.
    private static let residentBytesMax = 400 << 20
    /// What the last three tenths may be above the three before: with a million, 14 bytes for each reconnection.
    private static let riseBytesMax = 4 << 20

    /// `tail_memory`: the default fills up over the first hundreds of thousands, the smallest is full at once.
    @Test(
        "are found each time, with their messages, and take no more memory the longer that goes on",
        arguments: ["64MiB", "1MiB"])
    func comeBack(_ tail: String) throws {
        let configuration = "log:\n  tail_memory: \(tail)\n  segment_size: 4MiB\n" + BrokerProcess.plain
        let broker = try BrokerProcess(configuration)
        let bundles = (0..<Self.threadCount).map { thread in
            ReconnectingBundle(
                port: broker.port,
                numbers: Array(stride(from: thread, to: Self.sessionCount, by: Self.threadCount)))
        }
        Self.run(bundles, rounds: 1)
        var resident: [Int] = []
        let start = ContinuousClock.now
        for tenth in 1...10 {
            Self.run(bundles, rounds: max(1, Self.count / 10 / Self.sessionCount))
            resident.append(try broker.residentBytes())
            guard Self.soakCount != nil else { continue }
            let seconds = (ContinuousClock.now - start).components.seconds
            print("\(tail): \(tenth * Self.count / 10) in \(seconds) s, \(resident[tenth - 1] >> 10) KiB")
        }
        for bundle in bundles { #expect(bundle.failure == nil) }
        // A sanitizer keeps what was freed.
        let isSanitized = Self.environment["SLUICE_SANITIZED"] != nil
        #expect(isSanitized || resident.allSatisfy { $0 < Self.residentBytesMax }, "\(resident)")
        if Self.soakCount != nil, !isSanitized {
            // The tail has filled up in the first half.
            let (before, after) = (resident[4...6].max() ?? 0, resident[7...9].max() ?? 0)
            #expect(after - before < Self.riseBytesMax, "\(resident)")
        }
        for bundle in bundles { bundle.close() }
        #expect(broker.stop() == 0)
        let again = try broker.restarted(configuration)
        let list = try again.sluice(["sessions", "list", "--json"])
        let found = list.output.components(separatedBy: "\"client_id\": \"back").count - 1
        #expect(found == Self.sessionCount)
        #expect(again.stop() == 0)
    }

    /// Lets every session come back `rounds` times.
    private static func run(_ bundles: [ReconnectingBundle], rounds: Int) {
        let group = DispatchGroup()
        for bundle in bundles {
            group.enter()
            Thread {
                bundle.run(rounds: rounds)
                group.leave()
            }.start()
        }
        group.wait()
    }
}

/// Persistent sessions of one thread that connect, do something and leave, one after the other.
///
/// Isolation: the thread that runs it, one at a time.
// Sendable: `ReconnectTests.run` waits for the thread before it starts another or reads.
private final class ReconnectingBundle: @unchecked Sendable {
    private let port: Int
    private var sessions: [Session]
    /// What went wrong first; nothing is done after it.
    private(set) var failure: String?

    /// What a session does whenever it comes back.
    private enum Habit: Int, CaseIterable {
        /// Publishes to itself and takes what comes; every other time it leaves without acknowledging that.
        case reads
        /// Is lost, and its will published.
        case isLost
        /// Comes back while it is still there.
        case takesOver
        /// Says goodbye at once.
        case leaves
    }

    private struct Session {
        var number: Int
        var habit: Habit
        var level: UInt8
        var connect: [UInt8]
        var round = 0
        /// The connection of one that is taken over.
        var client: RawClient?
    }

    private struct Trouble: Error { var text: String }

    init(port: Int, numbers: [Int]) {
        self.port = port
        sessions = numbers.map { number in
            // The threads are many times the habits, so each one has all of them.
            let place = number / 20 % 8
            let level: UInt8 = place < 4 ? 4 : 5
            let habit = Habit(rawValue: place % Habit.allCases.count) ?? .leaves
            let will = (level == 5 ? [0] : []) + RawPacket.string("wills/\(number)") + RawPacket.string("lost")
            let connect = RawPacket.connect(
                level: level, id: "back\(number)", flags: habit == .isLost ? 0x0C : 0,
                properties: level == 5 ? [0x11, 0, 0, 0x0E, 0x10] : [], payload: habit == .isLost ? will : [])
            return Session(number: number, habit: habit, level: level, connect: connect)
        }
    }

    /// Lets each session come back `rounds` times.
    func run(rounds: Int) {
        guard failure == nil else { return }
        do {
            for _ in 0..<rounds {
                for index in sessions.indices { try comeBack(&sessions[index]) }
            }
        } catch {
            failure = "\(error)"
        }
    }

    /// Ends the connections that are still there.
    func close() { for index in sessions.indices { sessions[index].client = nil } }

    private func comeBack(_ session: inout Session) throws {
        let client = try RawClient(port: port)
        client.send(session.connect)
        let greeting = client.next()
        guard case .packet(let connack) = greeting, connack[0] == 0x20, connack[3] == 0 else {
            throw Trouble(text: "\(session.number), round \(session.round): \(greeting)")
        }
        guard (connack[2] == 1) == (session.round > 0) else {
            throw Trouble(text: "\(session.number), round \(session.round): session present \(connack[2])")
        }
        switch session.habit {
        case .reads: try read(client, session)
        case .isLost: break
        case .takesOver: session.client = client
        case .leaves: client.send([0xE0, 0])
        }
        session.round += 1
    }

    /// Publishes a message to itself, and takes what comes until that has come.
    private func read(_ client: RawClient, _ session: Session) throws {
        let topic = "back/\(session.number)"
        if session.round == 0 { client.send(RawPacket.subscribe(level: session.level, filter: topic, qos: 1)) }
        let text = "\(session.round)"
        client.send(RawPacket.publish(level: session.level, topic: topic, payload: text, qos: 1))
        var (isAcknowledged, isDelivered) = (false, false)
        while !isAcknowledged || !isDelivered {
            guard case .packet(let packet) = client.next() else {
                throw Trouble(text: "\(session.number), round \(session.round): its message does not come")
            }
            if packet[0] == 0x40 { isAcknowledged = true }
            guard packet[0] >> 4 == 3 else { continue }
            isDelivered = isDelivered || packet.suffix(text.utf8.count).elementsEqual(text.utf8)
            let at = 4 + topic.utf8.count
            if session.round % 2 == 1 { client.send([0x40, 2, packet[at], packet[at + 1]]) }
        }
        client.send([0xE0, 0])
    }
}
