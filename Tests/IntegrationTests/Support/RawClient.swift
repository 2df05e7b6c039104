import CLinux
import Foundation
import Glibc

/// MQTT packets byte by byte, right or wrong as a test wants them.
enum RawPacket {
    /// A packet with a right remaining length.
    static func frame(_ firstByte: UInt8, _ body: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        var rest = body.count
        repeat {
            length.append(UInt8(rest % 128) | (rest >= 128 ? 0x80 : 0))
            rest /= 128
        } while rest > 0
        return [firstByte] + length + body
    }

    static func string(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes }
    static func string(_ text: String) -> [UInt8] { string(Array(text.utf8)) }

    /// CONNECT of `level` 3, 4 or 5, with the protocol name that belongs to it.
    static func connect(
        level: UInt8, id: String, flags: UInt8 = 2, keepAlive: UInt8 = 0, properties: [UInt8] = [],
        payload: [UInt8] = []
    ) -> [UInt8] {
        let name = string(level == 3 ? "MQIsdp" : "MQTT")
        let table = level == 5 ? [UInt8(properties.count)] + properties : []
        return frame(0x10, name + [level, flags, 0, keepAlive] + table + string(id) + payload)
    }

    /// DISCONNECT of MQTT 5 with a reason string.
    static func disconnect(_ reason: UInt8, _ text: String) -> [UInt8] {
        let properties = [0x1F] + string(text)
        return frame(0xE0, [reason, UInt8(properties.count)] + properties)
    }

    static func publish(
        level: UInt8, topic: String, payload: String = "", qos: UInt8 = 0, id: UInt16 = 1, duplicate: Bool = false
    ) -> [UInt8] {
        let number = qos > 0 ? [UInt8(id >> 8), UInt8(id & 0xFF)] : []
        return frame(
            0x30 | qos << 1 | (duplicate ? 8 : 0),
            string(topic) + number + (level == 5 ? [0] : []) + Array(payload.utf8))
    }

    static func subscribe(level: UInt8, filter: String, qos: UInt8 = 0, id: UInt8 = 1) -> [UInt8] {
        frame(0x82, [0, id] + (level == 5 ? [0] : []) + string(filter) + [qos])
    }
}

/// What clients of all protocols do with their sockets.
enum LoopbackSocket {
    /// Sends bytes, all of them, and says whether the connection took them.
    static func takes(_ bytes: [UInt8], _ socket: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { view in
                Glibc.send(socket, view.baseAddress.map { $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}

/// A plain socket that speaks MQTT as a test dictates.
final class RawClient {
    private let socket: Int32
    private var received: [UInt8] = []

    /// What came next.
    enum Reply: Equatable {
        /// A whole packet, header and all.
        case packet([UInt8])
        case closed
        case silence
    }

    struct ConnectError: Error { let code: Int32 }

    init(port: Int) throws {
        socket = sluice_connect_tcp("127.0.0.1", String(port))
        guard socket >= 0 else { throw ConnectError(code: errno) }
    }

    /// Connects and takes the CONNACK, which must say yes.
    convenience init(
        port: Int, level: UInt8, id: String, flags: UInt8 = 2, keepAlive: UInt8 = 0, properties: [UInt8] = []
    ) throws {
        try self.init(port: port)
        send(RawPacket.connect(level: level, id: id, flags: flags, keepAlive: keepAlive, properties: properties))
        guard case .packet(let connack) = next(), connack.count >= 4, connack[0] == 0x20, connack[3] == 0 else {
            throw ConnectError(code: 0)
        }
    }

    deinit { close(socket) }

    /// Sends bytes; a connection that the broker has closed takes them to nowhere.
    func send(_ bytes: [UInt8]) { _ = takes(bytes) }

    /// Sends bytes, and says whether the connection took them.
    func takes(_ bytes: [UInt8]) -> Bool { LoopbackSocket.takes(bytes, socket) }

    /// Sends what the socket takes at once.
    func sendSome(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { view in
            Glibc.send(socket, view.baseAddress, view.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
    }

    /// The next packet.
    func next(within seconds: Double = 60) -> Reply {
        let deadline = Deadline(seconds)
        while true {
            if let packet = takePacket() { return .packet(packet) }
            var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, deadline.milliseconds) > 0 else {
                if deadline.isOver { return .silence }
                continue
            }
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count > 0 else { return .closed }
            received += chunk.prefix(count)
        }
    }

    /// What comes until the broker closes the connection, or until `isEnough` says so.
    func bytes(within seconds: Double = 60, until isEnough: ([UInt8]) -> Bool = { _ in false }) -> [UInt8] {
        let deadline = Deadline(seconds)
        while !isEnough(received) {
            var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, deadline.milliseconds) > 0 else {
                if deadline.isOver { break }
                continue
            }
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            received += chunk.prefix(count)
        }
        defer { received = [] }
        return received
    }

    /// Ends the connection as a lost process does whose last bytes still arrive: nothing more is sent, and what comes
    /// is dropped until the broker has closed. (A socket that is closed with bytes unread takes back what it sent.)
    func fade() {
        shutdown(socket, Int32(SHUT_WR))
        while case .packet = next() {}
    }

    /// Whether the broker lives and answers in order.
    func answersPing() -> Bool {
        send([0xC0, 0])
        return next() == .packet([0xD0, 0])
    }

    private func takePacket() -> [UInt8]? {
        var length = 0
        for index in 1..<5 {
            guard index < received.count else { return nil }
            length |= Int(received[index] & 0x7F) << (7 * (index - 1))
            guard received[index] < 0x80 else { continue }
            let end = index + 1 + length
            guard received.count >= end else { return nil }
            defer { received.removeFirst(end) }
            return Array(received[..<end])
        }
        return nil
    }
}
