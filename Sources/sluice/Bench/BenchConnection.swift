import CLinux
import EventLoop
import Glibc
import MQTTWire
import SluiceConfiguration
import SluiceCore

/// What a load does with its connections.
protocol BenchLoad: AnyObject {
    /// A packet came; the view is valid during the call.
    func received(_ packet: Packet, _ bytes: Span<UInt8>, on connection: BenchConnection)
    /// The socket took everything.
    func drained(_ connection: BenchConnection)
    /// The connection is lost.
    func lost(_ connection: BenchConnection, _ reason: String)
}

/// Received bytes and their decoder.
struct BenchInput: ~Copyable {
    private var bytes = ByteBuffer()
    private var decoder = PacketDecoder(side: .client)

    init() { decoder.version = .v5 }

    /// Reads from `socket`.
    /// - Returns: what `recv` did.
    mutating func receive(_ socket: ClientSocket) -> Int {
        var count = 0
        bytes.append(upTo: 64 << 10) { memory in
            count = socket.receive(memory)
            return max(0, count)
        }
        return count
    }

    /// Hands every whole packet over.
    mutating func drain(_ body: (Packet, Span<UInt8>) -> Void) throws(MQTTDecodeError) {
        bytes.removeFirst(try Self.drain(bytes, &decoder, body))
        if bytes.isEmpty { bytes.reset(keeping: 0) }
    }

    /// The two are parameters because a view of one part of a value borrows all of it.
    private static func drain(
        _ bytes: borrowing ByteBuffer, _ decoder: inout PacketDecoder, _ body: (Packet, Span<UInt8>) -> Void
    ) throws(MQTTDecodeError) -> Int {
        var start = 0
        while case .packet(let packet, let end) = try decoder.decode(bytes.bytes, from: start) {
            body(packet, bytes.bytes)
            start = end
        }
        return start
    }
}

/// One non-blocking MQTT 5 connection of a load.
///
/// Isolation: the load's loop.
final class BenchConnection: ReadinessTarget {
    let number: Int
    var output = ByteBuffer()
    /// Whether the broker has let it in.
    var isOpen = false
    private let socket: ClientSocket
    private var input = BenchInput()
    private var watcher: ReadinessWatcher?
    private unowned let load: any BenchLoad
    private(set) var isBlocked = false
    private var isLost = false

    /// Connects, and sends CONNECT, with a will if there is one.
    init(
        _ number: Int, _ place: BrokerPlace, _ loop: Loop, _ load: any BenchLoad, will: ConnectPacket.Will? = nil
    ) throws(CommandFailure) {
        self.number = number
        self.load = load
        socket = try ClientSocket(place)
        let flags = fcntl(socket.descriptor, F_GETFL)
        guard fcntl(socket.descriptor, F_SETFL, flags | O_NONBLOCK) >= 0,
            let watcher = ReadinessWatcher(loop, socket: socket.descriptor, target: self)
        else {
            throw CommandFailure("cannot watch connection \(number)")
        }
        self.watcher = watcher
        watcher.want(readable: true, writable: false)
        var packet = ConnectPacket(version: .v5, clientID: place.clientID(number))
        packet.userName = place.username
        packet.password = place.password
        packet.will = will
        packet.encode(into: &output)
        flush()
    }

    deinit { watcher?.close() }

    func ready(readable: Bool, writable: Bool) {
        if writable {
            isBlocked = false
            flush()
            if !isBlocked, !isLost { load.drained(self) }
        }
        if readable, !isLost { read() }
    }

    /// Sends what it can of the output; the rest follows when the socket takes more.
    func flush() {
        if !isBlocked, !isLost, !socket.send(&output) {
            if errno == EAGAIN {
                isBlocked = true
            } else {
                lose(String(cString: strerror(errno)))
            }
        }
        if !isLost { watcher?.want(readable: true, writable: isBlocked) }
    }

    private func read() {
        // What TLS has opened already the socket does not tell of again.
        repeat { readOnce() } while socket.hasPendingBytes && !isLost
        flush()
    }

    private func readOnce() {
        let count = input.receive(socket)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        guard count > 0 else {
            return lose(count == 0 ? socket.failure ?? "closed by the broker" : String(cString: strerror(errno)))
        }
        do throws(MQTTDecodeError) {
            try input.drain { packet, bytes in
                if case .disconnect(let disconnect) = packet {
                    return lose("closed by the broker, reason \(disconnect.reason.rawValue)")
                }
                if case .connack(let connack) = packet {
                    guard connack.code == 0 else { return lose("refused, reason \(connack.code)") }
                    isOpen = true
                }
                load.received(packet, bytes, on: self)
            }
        } catch {
            lose("\(error)")
        }
    }

    private func lose(_ reason: String) {
        guard !isLost else { return }
        isLost = true
        watcher?.close()
        watcher = nil
        load.lost(self, reason)
    }
}
