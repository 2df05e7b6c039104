import COpenSSL
package import SluiceCore

/// One side of a TLS connection, over bytes in memory.
///
/// Between calls it holds no record: OpenSSL gives its record buffers back (SSL_MODE_RELEASE_BUFFERS) unless one is
/// half received, and what is to be sent leaves in the caller's buffer.
/// Isolation: one thread at a time.
@safe
package final class TLSConnection {
    /// Where a connection is.
    package enum State: Equatable, Sendable {
        /// The handshake goes on.
        /// *received: more of it or an error => open, failed*
        case handshaking
        /// Bytes go both ways.
        /// *received: close_notify => closed, a broken record => failed*
        case open
        /// The peer has said that nothing more comes.
        case closed
        /// The reason was told to the peer in an alert, where there was one to tell.
        case failed(TLSFailure)
    }

    private let handle: OpaquePointer
    /// What must outlive the handle.
    private let context: AnyObject
    private let bio: OpaquePointer
    /// Where it is.
    package private(set) var state = State.handshaking
    /// The identity whose key the client was to have; proved once the handshake is over.
    private var askedIdentity: [UInt8]?

    /// The server's side of a new connection.
    package convenience init(server context: TLSContext) {
        unsafe self.init(context.handle, of: context)
        unsafe SSL_set_accept_state(handle)
    }

    /// The client's side of a new connection.
    /// - Parameter host: what the server is told that the client wants to reach, unless it is an address.
    package convenience init(client context: TLSClientContext, host: String) {
        unsafe self.init(context.handle, of: context)
        unsafe SSL_set_connect_state(handle)
        let isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
        if !isAddress { unsafe sluice_ssl_set_server_name(handle, host) }
    }

    private init(_ context: OpaquePointer, of owner: AnyObject) {
        guard let handle = unsafe SSL_new(context) else { preconditionFailure("No memory for TLS") }
        unsafe self.handle = unsafe handle
        self.context = owner
        unsafe bio = unsafe TLSExchange.makeBIO()
        // One BIO both ways: the handle takes one reference for each.
        unsafe BIO_up_ref(bio)
        unsafe SSL_set_bio(handle, bio, bio)
    }

    deinit { unsafe SSL_free(handle) }

    /// Takes bytes that came from the peer.
    /// - Parameters:
    ///   - wire: all of them; none is left for later.
    ///   - plain: gets what they say.
    ///   - reply: gets what must be sent, also after a failure.
    /// - Returns: the state that they lead to.
    package func received(_ wire: Span<UInt8>, plain: inout ByteBuffer, reply: inout ByteBuffer) -> State {
        unsafe wire.withUnsafeBytes { input in
            unsafe exchange(input, &reply) {
                if case .handshaking = state { shakeHands() }
                while case .open = state, !read(&plain) {}
            }
        }
        return state
    }

    /// Begins a client's handshake.
    /// - Parameter wire: gets what must be sent.
    package func start(wire: inout ByteBuffer) {
        unsafe exchange(UnsafeRawBufferPointer(start: nil, count: 0), &wire) { shakeHands() }
    }

    /// Seals bytes for the peer.
    package func send(_ plain: Span<UInt8>, wire: inout ByteBuffer) {
        guard case .open = state, plain.count > 0 else { return }
        unsafe plain.withUnsafeBytes { source in
            unsafe exchange(UnsafeRawBufferPointer(start: nil, count: 0), &wire) {
                var done = 0
                while done < source.count, case .open = state {
                    var written = 0
                    let rest = unsafe source.baseAddress.map { unsafe $0 + done }
                    let status = unsafe SSL_write_ex(handle, rest, source.count - done, &written)
                    if status != 1 { return fail() }
                    done += written
                }
            }
        }
    }

    /// Says that nothing more follows.
    package func close(wire: inout ByteBuffer) {
        switch state {
        case .handshaking, .failed: return
        case .open, .closed:
            unsafe exchange(UnsafeRawBufferPointer(start: nil, count: 0), &wire) {
                unsafe SSL_shutdown(handle)
                ERR_clear_error()
            }
        }
    }

    /// The certificate that the peer has proved to be its own, and that leads to an authority of ours; nil without one,
    /// and while the handshake goes on. A resumed connection has that of the one before.
    package var peerCertificate: TLSPeerCertificate? {
        if case .handshaking = state { return nil }
        guard unsafe SSL_get_verify_result(handle) == Int(X509_V_OK),
            let certificate = unsafe SSL_get0_peer_certificate(handle)
        else { return nil }
        return unsafe TLSPeerCertificate(certificate)
    }

    /// The identity of the pre-shared key that the client has proved to have; nil without one, and while the handshake
    /// goes on.
    package var keyIdentity: [UInt8]? {
        if case .handshaking = state { return nil }
        return askedIdentity
    }

    /// The version that was agreed on, such as `TLSv1.3`.
    package var version: String { unsafe String(cString: SSL_get_version(handle)) }

    /// Runs `body` while the BIO takes from `input` and gives to `output`.
    private func exchange(_ input: UnsafeRawBufferPointer, _ output: inout ByteBuffer, _ body: () -> Void) {
        unsafe withUnsafeMutablePointer(to: &output) { output in
            var exchange = unsafe TLSExchange(output: output)
            unsafe exchange.input = unsafe input
            unsafe withUnsafeMutablePointer(to: &exchange) { exchange in
                unsafe BIO_set_data(bio, exchange)
                ERR_clear_error()
                body()
                unsafe BIO_set_data(bio, nil)
            }
            if let identity = unsafe exchange.keyIdentity { askedIdentity = identity }
        }
    }

    private func shakeHands() {
        let status = unsafe SSL_do_handshake(handle)
        if status == 1 {
            state = .open
        } else if unsafe SSL_get_error(handle, status) != SSL_ERROR_WANT_READ {
            fail()
        }
    }

    /// Reads one record's worth.
    /// - Returns: whether there is no more.
    private func read(_ plain: inout ByteBuffer) -> Bool {
        var isDone = false
        unsafe plain.append(upTo: Int(SSL3_RT_MAX_PLAIN_LENGTH)) { target in
            var count = 0
            let status = unsafe SSL_read_ex(handle, target.baseAddress, target.count, &count)
            if status == 1 { return count }
            isDone = true
            switch unsafe SSL_get_error(handle, status) {
            case SSL_ERROR_WANT_READ: break
            case SSL_ERROR_ZERO_RETURN: state = .closed
            default: fail()
            }
            return 0
        }
        return isDone
    }

    private func fail() {
        state = .failed(unsafe TLSFailure(of: handle))
    }
}
