import CLinux
import Cryptography
import Glibc
import SluiceBroker
import SluiceConfiguration
import SluiceCore

/// Where a command connects to, and as whom.
struct BrokerPlace {
    var address: ListenAddress
    var username: [UInt8]?
    var password: [UInt8]?
    /// What TLS is made of; nil for none.
    var material: TLSClientMaterial?
    /// The command's name, which its client identifier bears.
    var command: String

    /// A client identifier that says what is connected; see `CommandIdentity` of the broker.
    func clientID(_ number: Int = 0) -> [UInt8] {
        var name = [CChar](repeating: 0, count: 256)
        let isNamed = gethostname(&name, name.count - 1) == 0
        let host = isNamed ? String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
        // Containers share process identifiers and often names.
        let chance = String(UInt32.random(in: .min ... .max), radix: 36)
        let verb = command.replacing(" ", with: ".")
        return Array("\(CommandIdentity.prefix)\(verb)-\(host)-\(getpid())-\(chance)\(number)".utf8)
    }
}

/// A connection to a broker, over TLS where that is asked for.
///
/// Isolation: one thread at a time.
final class ClientSocket {
    let descriptor: Int32
    private let address: ListenAddress
    private let context: TLSClientContext?
    private let tls: TLSConnection?
    private var wire = ByteBuffer()
    private var plain = ByteBuffer()
    private var chunk: [UInt8] = []

    /// Whether there are bytes that the socket does not know of any more.
    var hasPendingBytes: Bool { !plain.isEmpty }

    /// Connects, and shakes hands.
    init(_ place: BrokerPlace) throws(CommandFailure) {
        address = place.address
        var reason: UnsafePointer<CChar>?
        descriptor = sluice_connect_tcp_named(address.host, String(address.port), &reason)
        if let material = place.material {
            do throws(TLSMaterialError) {
                context = try TLSClientContext(material, host: address.host)
            } catch {
                if descriptor >= 0 { close(descriptor) }
                throw CommandFailure("TLS: the \(error.part) \(error.reason)")
            }
        } else {
            context = nil
        }
        tls = context.map { TLSConnection(client: $0, host: place.address.host) }
        guard descriptor >= 0 else {
            let text = reason.map { String(cString: $0) } ?? String(cString: strerror(errno))
            throw CommandFailure("cannot connect to \(address): \(text)")
        }
        try shakeHands()
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Why TLS has ended it: with TLS 1.3 a server refuses a client's certificate behind the handshake.
    var failure: String? {
        guard case .failed(let failure)? = tls?.state else { return nil }
        return "TLS: \(failure)"
    }

    private func shakeHands() throws(CommandFailure) {
        guard let tls else { return }
        tls.start(wire: &wire)
        while tls.state == .handshaking {
            _ = flushWire()
            guard receiveWire() > 0 else {
                throw CommandFailure("cannot connect to \(address): the broker ends the TLS handshake")
            }
        }
        _ = flushWire()
        if case .failed(let failure) = tls.state {
            throw CommandFailure("cannot connect to \(address): TLS: \(context?.takeRefusal() ?? "\(failure)")")
        }
    }

    /// Reads into `memory`.
    /// - Returns: as `recv`: how many bytes, 0 at the end, below 0 for an error in `errno`.
    func receive(_ memory: UnsafeMutableRawBufferPointer) -> Int {
        guard tls != nil else { return recv(descriptor, memory.baseAddress, memory.count, 0) }
        if plain.isEmpty {
            let count = receiveWire()
            guard count > 0 else { return count }
            // Tickets and alerts say nothing to MQTT.
            _ = flushWire()
        }
        guard !plain.isEmpty else {
            if tls?.state == .open {
                errno = EAGAIN
                return -1
            }
            return 0
        }
        let count = min(memory.count, plain.count)
        plain.withUnsafeBytes { memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        plain.removeFirst(count)
        return count
    }

    private func receiveWire() -> Int {
        guard let tls else { return 0 }
        // Out of the object while it is read into: a view of an object's property cannot be passed on.
        var bytes = chunk.isEmpty ? [UInt8](repeating: 0, count: 32 << 10) : chunk
        chunk = []
        let count = recv(descriptor, &bytes, bytes.count, 0)
        if count > 0 {
            let received = bytes.span.extracting(0..<count)
            _ = tls.received(received, plain: &plain, reply: &wire)
        }
        chunk = bytes
        return count
    }

    /// Sends what it can of `output`.
    /// - Returns: false when the socket takes no more, or is broken: `errno` says which.
    func send(_ output: inout ByteBuffer) -> Bool {
        guard let tls else { return Self.flush(&output, descriptor) }
        // Sealed a bounded part at a time, so that a slow socket does not gather all of it twice.
        while !output.isEmpty || !wire.isEmpty {
            if wire.isEmpty {
                let count = min(output.count, 64 << 10)
                tls.send(output.bytes.extracting(0..<count), wire: &wire)
                output.removeFirst(count)
            }
            guard flushWire() else { return false }
        }
        return true
    }

    /// Whether everything sealed is with the socket.
    var isFlushed: Bool { wire.isEmpty }

    private func flushWire() -> Bool { Self.flush(&wire, descriptor) }

    private static func flush(_ bytes: inout ByteBuffer, _ descriptor: Int32) -> Bool {
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count >= 0 {
                bytes.removeFirst(count)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
