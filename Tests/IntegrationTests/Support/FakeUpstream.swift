import Foundation
import Glibc
import Synchronization

/// A broker that answers as a test dictates, one connection after the other.
///
/// Isolation: its own thread serves; a test looks through `received`, and changes what it answers through `answers`.
// Sendable: what changes is behind a mutex, the descriptor never does.
final class FakeUpstream: @unchecked Sendable {
    /// A packet that came.
    struct Packet: Sendable {
        var first: UInt8
        var body: [UInt8]

        var kind: UInt8 { first >> 4 }
        var qos: UInt8 { first >> 1 & 3 }
        /// Of a PUBLISH.
        var topic: String { String(decoding: body[2..<2 + topicByteCount], as: UTF8.self) }
        /// Of a PUBLISH at QoS 1 or 2, and of packets that begin with it.
        var packetID: [UInt8] {
            let start = kind == 3 ? 2 + topicByteCount : 0
            return Array(body[start..<start + 2])
        }
        private var topicByteCount: Int { Int(body[0]) << 8 | Int(body[1]) }

        /// Of a PUBLISH whose properties fit one byte of length.
        func payload(level: UInt8) -> String {
            var start = 2 + topicByteCount + (qos > 0 ? 2 : 0)
            if level == 5 { start += 1 + Int(body[start]) }
            return String(decoding: body[start...], as: UTF8.self)
        }
    }

    /// What it says to a packet; nil for what a broker says that takes everything, `[]` for nothing.
    typealias Answer = @Sendable (Packet) -> [UInt8]?

    let port: Int
    private let level: UInt8
    private let listener: Int32
    private let state: Mutex<State>

    private struct State: Sendable {
        var answer: Answer
        var taken: [String] = []
        var connection: Int32 = -1
        var connectionCount: UInt8 = 0
        var held: [String: String] = [:]
    }

    /// - Parameter level: 4 for MQTT 3.1.1, 5.
    init(level: UInt8, _ answer: @escaping Answer = { _ in nil }) throws {
        self.level = level
        let listening = try LoopbackListener()
        (listener, port) = (listening.socket, listening.port)
        state = Mutex(State(answer: answer))
        let thread = Thread { [listener, state = Box(self)] in Self.serve(listener, state) }
        thread.start()
    }

    // Sendable: set before its thread starts, weak reads are safe from any.
    private final class Box: @unchecked Sendable {
        weak var owner: FakeUpstream?
        init(_ owner: FakeUpstream) { self.owner = owner }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        state.withLock { state in if state.connection >= 0 { shutdown(state.connection, Int32(SHUT_RDWR)) } }
    }

    /// Payloads of what it took, in order.
    var received: [String] { state.withLock { $0.taken } }

    /// Answers otherwise from now on.
    func answers(_ answer: @escaping Answer) { state.withLock { $0.answer = answer } }

    /// Sends bytes that nobody asked for.
    func send(_ bytes: [UInt8]) {
        let connection = state.withLock { $0.connection }
        Self.write(connection, bytes)
    }

    private static func write(_ socket: Int32, _ bytes: [UInt8]) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { view in
                Glibc.send(socket, view.baseAddress.map { $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            done += count
        }
    }

    private static func serve(_ listener: Int32, _ box: Box) {
        defer { close(listener) }
        while true {
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, -1) > 0 else { continue }
            let socket = accept(listener, nil, nil)
            guard socket >= 0 else { return }
            box.owner?.state.withLock { $0.connection = socket }
            converse(socket, box)
            box.owner?.state.withLock { $0.connection = -1 }
            close(socket)
        }
    }

    private static func converse(_ socket: Int32, _ box: Box) {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count > 0 else { return }
            bytes += chunk.prefix(count)
            var index = 0
            while let (packet, byteCount) = packet(bytes[index...]) {
                index += byteCount
                guard let owner = box.owner, let reply = owner.reply(packet) else { return }
                write(socket, reply)
            }
            bytes.removeFirst(index)
        }
    }

    private static func packet(_ bytes: ArraySlice<UInt8>) -> (Packet, Int)? {
        var length = 0
        for place in 1..<5 {
            guard place < bytes.count else { return nil }
            let byte = bytes[bytes.startIndex + place]
            length |= Int(byte & 0x7F) << (7 * (place - 1))
            guard byte < 0x80 else { continue }
            guard bytes.count >= place + 1 + length else { return nil }
            let body = bytes.dropFirst(place + 1).prefix(length)
            return (Packet(first: bytes[bytes.startIndex], body: Array(body)), place + 1 + length)
        }
        return nil
    }

    /// - Returns: nil to end the connection.
    private func reply(_ packet: Packet) -> [UInt8]? {
        if packet.kind == 14 { return nil }
        let answer = state.withLock { $0.answer }
        if let special = answer(packet) { return special }
        switch packet.kind {
        case 1:
            // It remembers the session.
            let present = state.withLock { state in
                defer { state.connectionCount = 1 }
                return state.connectionCount
            }
            return level == 5 ? [0x20, 3, present, 0, 0] : [0x20, 2, present, 0]
        case 3:
            let payload = packet.payload(level: level)
            if packet.qos < 2 {
                if !packet.topic.hasPrefix("$") { state.withLock { $0.taken.append(payload) } }
                return packet.qos == 0 ? [] : [0x40, 2] + packet.packetID
            }
            // It is taken with its PUBREL, as the library does.
            let name = "\(packet.packetID)"
            state.withLock { $0.held[name] = payload }
            return [0x50, 2] + packet.packetID
        case 6:
            let name = "\(packet.packetID)"
            state.withLock { state in
                if let payload = state.held.removeValue(forKey: name) { state.taken.append(payload) }
            }
            return [0x70, 2] + packet.packetID
        case 8:
            let rest: [UInt8] = level == 5 ? [0, 0] : [0]
            return [0x90, level == 5 ? 4 : 3] + packet.packetID + rest
        case 12: return [0xD0, 0]
        case _: return []
        }
    }
}
