import Cryptography
import Foundation
import Glibc
import SluiceCore
import Testing

@testable import SluiceTransport

/// What a test's listener proves itself with.
struct TLSContextBox {
    let context: TLSContext
}

/// Certificates that OpenSSL's command line makes, for one test.
final class PeerCertificates {
    private let path: String

    init() throws {
        path = NSTemporaryDirectory() + "sluice-peers-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try make("broker", "/CN=broker")
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { return }
    }

    /// A certificate that signs itself.
    func make(_ name: String, _ subject: String, names: String? = nil) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2", "-subj", subject, "-keyout", "\(name).key", "-out", "\(name).pem",
            ] + (names.map { ["-addext", "subjectAltName=\($0)"] } ?? [])
        process.currentDirectoryURL = URL(filePath: path)
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw LoopWorld.Failure(text: "openssl req \(subject)") }
    }

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path + "/" + name))) }

    /// The listener's side.
    /// - Parameter clients: whose certificates are accepted; nil asks for none.
    func listener(clients: String? = nil) throws -> TLSContextBox {
        var material = TLSMaterial(certificateChain: try bytes("broker.pem"), privateKey: try bytes("broker.key"))
        material.clientAuthorities = try clients.map { try bytes($0 + ".pem") }
        return TLSContextBox(context: try TLSContext(material))
    }

    /// The other side, with a certificate or without.
    func client(_ name: String? = nil) throws -> TLSClientContext {
        var material = TLSClientMaterial()
        material.authorities = try bytes("broker.pem")
        material.certificateChain = try name.map { try bytes($0 + ".pem") }
        material.privateKey = try name.map { try bytes($0 + ".key") }
        return try TLSClientContext(material, host: nil)
    }
}

/// A blocking peer of a loop: plain, in TLS, or in WebSocket.
final class TestPeer {
    enum Kind: CaseIterable, CustomTestStringConvertible {
        case tcp
        case tls
        case webSocket

        var testDescription: String { "\(self)" }
    }

    private let socket: Int32
    private let tls: TLSConnection?
    private let isWebSocket: Bool
    private var plain: [UInt8] = []
    private var isAtEnd = false

    init(_ socket: Int32, tls context: TLSClientContext? = nil, isWebSocket: Bool = false) throws {
        self.socket = socket
        self.isWebSocket = isWebSocket
        tls = context.map { TLSConnection(client: $0, host: "broker") }
        if let tls {
            var wire = ByteBuffer()
            tls.start(wire: &wire)
            try write(StreamRun.array(wire.bytes))
            while tls.state == .handshaking, try readMore() {}
            guard tls.state == .open else { throw LoopWorld.Failure(text: "\(tls.state)") }
        } else if isWebSocket {
            try write(UpgradeRequestTests.head())
            let end = Array("\r\n\r\n".utf8)
            while plain.count < 4 || Array(plain.suffix(4)) != end, try readMore(byteCountMax: 1) {}
            plain = []
        }
    }

    deinit { close(socket) }

    /// Says bytes.
    func send(_ bytes: [UInt8]) throws {
        if let tls {
            var wire = ByteBuffer()
            tls.send(bytes.span, wire: &wire)
            try write(StreamRun.array(wire.bytes))
        } else if isWebSocket {
            try write(ClientFrame.make(2, bytes))
        } else {
            try write(bytes)
        }
    }

    /// Says that nothing more follows.
    func endSending() { shutdown(socket, Int32(SHUT_WR)) }

    /// Reads until `count` bytes of the speaker have come, or the end.
    func read(_ count: Int, step: Int = 64 << 10) throws -> [UInt8] {
        while payload.count < count, try readMore(byteCountMax: step) {}
        return payload
    }

    /// Reads up to the end.
    func readToEnd() throws -> [UInt8] { try read(.max) }

    /// The speaker's bytes so far.
    private var payload: [UInt8] {
        guard isWebSocket else { return plain }
        var payload: [UInt8] = []
        var rest = plain[...]
        while rest.count >= 2 {
            let first = rest.startIndex
            var count = Int(rest[first + 1])
            var head = 2
            if count >= 126 {
                let width = count == 126 ? 2 : 8
                guard rest.count >= 2 + width else { break }
                count = rest[(first + 2)..<(first + 2 + width)].reduce(0) { $0 << 8 | Int($1) }
                head += width
            }
            guard rest.count >= head + count else { break }
            if rest[first] == 0x82 { payload += rest.dropFirst(head).prefix(count) }
            rest = rest.dropFirst(head + count)
        }
        return payload
    }

    private func readMore(byteCountMax: Int = 64 << 10) throws -> Bool {
        guard !isAtEnd else { return false }
        var chunk = [UInt8](repeating: 0, count: byteCountMax)
        var time = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        let count = recv(socket, &chunk, chunk.count, 0)
        if count < 0, errno == EAGAIN { throw LoopWorld.Failure(text: "nothing came for a minute") }
        guard count > 0 else {
            isAtEnd = true
            return false
        }
        if let tls {
            var output = ByteBuffer()
            var reply = ByteBuffer()
            _ = tls.received(chunk.span.extracting(first: count), plain: &output, reply: &reply)
            plain += StreamRun.array(output.bytes)
            try write(StreamRun.array(reply.bytes))
        } else {
            plain += chunk.prefix(count)
        }
        return true
    }

    private func write(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { all in
                Glibc.send(socket, all.baseAddress.map { $0 + done }, all.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw LoopWorld.Failure(text: "cannot send: \(String(cString: strerror(errno)))") }
            done += count
        }
    }
}
