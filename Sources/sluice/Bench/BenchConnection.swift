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
    mutating func receive(_ socket: Int32) -> Int {
        var count = 0
        bytes.append(upTo: 64 << 10) { memory in
            count = recv(socket, memory.baseAddress, memory.count, 0)
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
    private let socket: Int32
    private var input = BenchInput()
    private var watcher: ReadinessWatcher?
    private unowned let load: any BenchLoad
    private(set) var isBlocked = false
    private var isLost = false

    /// Connects, and sends CONNECT.
    init(_ number: Int, _ address: ListenAddress, _ loop: Loop, _ load: any BenchLoad) throws(CommandFailure) {
        self.number = number
        self.load = load
        socket = sluice_connect_tcp(address.host, String(address.port))
        guard socket >= 0, fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK) >= 0 else {
            throw CommandFailure("cannot connect to \(address): \(String(cString: strerror(errno)))")
        }
        guard let watcher = ReadinessWatcher(loop, socket: socket, target: self) else {
            throw CommandFailure("cannot watch connection \(number)")
        }
        self.watcher = watcher
        watcher.want(readable: true, writable: false)
        ConnectPacket(version: .v5, clientID: []).encode(into: &output)
        flush()
    }

    deinit {
        watcher?.close()
        if socket >= 0 { close(socket) }
    }

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
        while !output.isEmpty, !isBlocked, !isLost {
            let count = output.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count >= 0 {
                output.removeFirst(count)
            } else if errno == EAGAIN {
                isBlocked = true
            } else if errno != EINTR {
                lose(String(cString: strerror(errno)))
            }
        }
        if !isLost { watcher?.want(readable: true, writable: isBlocked) }
    }

    private func read() {
        let count = input.receive(socket)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        guard count > 0 else { return lose(count == 0 ? "closed by the broker" : String(cString: strerror(errno))) }
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
        flush()
    }

    private func lose(_ reason: String) {
        guard !isLost else { return }
        isLost = true
        watcher?.close()
        watcher = nil
        load.lost(self, reason)
    }
}
