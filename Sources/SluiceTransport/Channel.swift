import Cryptography
import SluiceCore
import Speaking

/// What stands between a socket's bytes and the speaker's: TLS, WebSocket, or a WebSocket inside TLS. A plain
/// connection has none.
///
/// Isolation: its loop's thread.
final class Channel {
    /// What bytes that came lead to.
    enum Event: Equatable {
        /// A handshake is not finished.
        case opening
        /// The speaker's bytes flow.
        case open
        /// The peer has ended it in order.
        case closed
        /// What failed, for the log; the peer was told what it may know.
        case failed(String)
    }

    /// The peer; its address is asked for at once, since a socket that was reset knows it no more.
    let peer: PeerIdentity
    private let context: TLSContext?
    /// Made when the first bytes come, so that a silent connection costs nothing.
    private var tls: TLSConnection?
    private let webSocket: WebSocketStream?
    /// Bytes for the socket that it did not take yet; no more than one step's worth and what answers the peer.
    var unsent = ByteBuffer()
    private(set) var isClosed = false

    /// Plain bytes that are sealed and framed in one step. What the socket does not take of a step is kept, so this is
    /// what a slow reader costs beyond its own output.
    static let stepBytes = 64 << 10

    init(peer: PeerIdentity, tls: TLSContext?, webSocket: WebSocketStream?) {
        precondition(tls != nil || webSocket != nil)
        self.peer = peer
        context = tls
        self.webSocket = webSocket
    }

    /// What it is busy with before the speaker's bytes flow, for log lines.
    var handshake: String {
        context != nil && tls?.state ?? .handshaking == .handshaking ? "TLS handshake" : "WebSocket upgrade"
    }

    /// The peer with what TLS has proved of it; once the speaker's bytes flow.
    var provenPeer: PeerIdentity {
        guard let tls else { return peer }
        let certificate = tls.peerCertificate.map { certificate in
            PeerCertificate(
                subject: certificate.subject, distinguishedName: certificate.distinguishedName,
                commonName: certificate.commonName, alternativeNames: certificate.names.map(Self.name))
        }
        let identity = tls.keyIdentity.flatMap { String(validating: $0, as: UTF8.self) }
        if certificate == nil, identity == nil { return peer }
        return PeerIdentity(
            address: peer.address, listener: peer.listener, certificate: certificate, keyIdentity: identity)
    }

    private static func name(_ name: TLSPeerCertificate.Name) -> PeerCertificate.AlternativeName {
        switch name.kind {
        case .dns: .dns(name.text)
        case .email: .email(name.text)
        case .uri: .uri(name.text)
        case .address: .address(name.text)
        }
    }

    /// Takes bytes off the wire.
    /// - Parameters:
    ///   - plain: gets the speaker's bytes.
    ///   - wire: gets what must be sent.
    ///   - clear: scratch, for what lies between TLS and WebSocket.
    ///   - frames: scratch, the other way.
    func received(
        _ bytes: Span<UInt8>, plain: inout ByteBuffer, wire: inout ByteBuffer, clear: inout ByteBuffer,
        frames: inout ByteBuffer
    ) -> Event {
        if tls == nil, let context { tls = TLSConnection(server: context) }
        guard let webSocket else {
            guard let tls else { preconditionFailure("Cannot be without TLS and WebSocket") }
            return Self.event(tls.received(bytes, plain: &plain, reply: &wire))
        }
        guard let tls else { return Self.event(webSocket.received(bytes, payload: &plain, reply: &wire)) }
        clear.removeAll()
        let outer = Self.event(tls.received(bytes, plain: &clear, reply: &wire))
        if clear.isEmpty {
            return outer == .open && !isWebSocketOpen ? .opening : outer
        }
        frames.removeAll()
        let inner = Self.event(webSocket.received(clear.bytes, payload: &plain, reply: &frames))
        isWebSocketOpen = inner != .opening
        tls.send(frames.bytes, wire: &wire)
        switch outer {
        case .closed, .failed: return outer
        case .opening, .open: return inner
        }
    }

    private var isWebSocketOpen = false

    private static func event(_ state: TLSConnection.State) -> Event {
        switch state {
        case .handshaking: .opening
        case .open: .open
        case .closed: .closed
        case .failed(let failure): .failed("TLS failed: \(failure)")
        }
    }

    private static func event(_ event: WebSocketStream.Event) -> Event {
        switch event {
        case .opening: .opening
        case .open: .open
        case .closed: .closed
        case .failed(let reason): .failed(reason)
        }
    }

    /// Wraps the speaker's bytes for the wire.
    func send(_ plain: Span<UInt8>, wire: inout ByteBuffer, frames: inout ByteBuffer) {
        guard let webSocket else {
            tls?.send(plain, wire: &wire)
            return
        }
        guard let tls else { return webSocket.send(plain, into: &wire) }
        frames.removeAll()
        webSocket.send(plain, into: &frames)
        tls.send(frames.bytes, wire: &wire)
    }

    /// Says goodbye at each level, once.
    func close(isStopping: Bool, wire: inout ByteBuffer, frames: inout ByteBuffer) {
        guard !isClosed else { return }
        isClosed = true
        frames.removeAll()
        webSocket?.close(isStopping ? .goingAway : .normal, into: &frames)
        guard let tls else { return frames.withUnsafeBytes { wire.append($0) } }
        tls.send(frames.bytes, wire: &wire)
        tls.close(wire: &wire)
    }
}
