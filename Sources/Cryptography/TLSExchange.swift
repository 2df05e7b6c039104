private import COpenSSL
import SluiceCore

/// What OpenSSL reads and writes instead of a socket, during one call: the bytes that came, and the buffer for those
/// that are to go.
///
/// Our own BIO rather than two of OpenSSL's memory BIOs: those keep the largest buffer they ever had for as long as the
/// connection lives, and copy every byte once more.
@unsafe
struct TLSExchange {
    /// What came and is not read yet.
    var input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// Whose certificate was not accepted; the connection forgets a certificate with the failure.
    var refusedSubject: String?
    /// The identity whose key was given; the connection takes it from here.
    var keyIdentity: [UInt8]?
    /// Gets what is to be sent.
    let output: UnsafeMutablePointer<ByteBuffer>

    init(output: UnsafeMutablePointer<ByteBuffer>) { unsafe self.output = unsafe output }

    /// The method table of our BIOs. OpenSSL copies nothing of it, so it lives as long as the process.
    // Immutable once made, and never freed.
    private nonisolated(unsafe) static let method: OpaquePointer = {
        guard let method = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice") else {
            preconditionFailure("OpenSSL gives no BIO method")
        }
        unsafe BIO_meth_set_read(method) { bio, target, capacity in
            unsafe TLSExchange.read(bio, target, capacity)
        }
        unsafe BIO_meth_set_write(method) { bio, source, count in
            unsafe TLSExchange.write(bio, source, count)
        }
        unsafe BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        unsafe BIO_meth_set_create(method) { bio in
            unsafe BIO_set_init(bio, 1)
            return 1
        }
        return unsafe method
    }()

    /// A new BIO, for `SSL_set_bio`.
    static func makeBIO() -> OpaquePointer {
        guard let bio = unsafe BIO_new(method) else { preconditionFailure("No memory for a BIO") }
        return unsafe bio
    }

    static func current(_ bio: OpaquePointer?) -> UnsafeMutablePointer<TLSExchange> {
        guard let data = unsafe BIO_get_data(bio) else {
            preconditionFailure("Cannot move bytes while no exchange is set")
        }
        return unsafe data.assumingMemoryBound(to: TLSExchange.self)
    }

    /// Notes whose certificate is refused; OpenSSL's own verdict stands.
    static let noteRefusal: @convention(c) (Int32, OpaquePointer?) -> Int32 = { isAccepted, verification in
        if isAccepted == 0, let certificate = unsafe X509_STORE_CTX_get0_cert(verification),
            let connection = unsafe X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx())
        {
            let exchange = unsafe current(SSL_get_rbio(OpaquePointer(connection)))
            unsafe exchange.pointee.refusedSubject = unsafe PEM.subject(of: certificate)
        }
        return isAccepted
    }

    private static func read(_ bio: OpaquePointer?, _ target: UnsafeMutablePointer<CChar>?, _ capacity: Int32) -> Int32
    {
        let exchange = unsafe current(bio)
        unsafe sluice_bio_clear_retry(bio)
        let input = unsafe exchange.pointee.input
        let count = min(Int(capacity), input.count)
        guard count > 0, let source = input.baseAddress, let target = unsafe target else {
            unsafe sluice_bio_want_more(bio)
            return -1
        }
        unsafe UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count)
        unsafe exchange.pointee.input = unsafe UnsafeRawBufferPointer(rebasing: input[count...])
        return Int32(count)
    }

    private static func write(_ bio: OpaquePointer?, _ source: UnsafePointer<CChar>?, _ count: Int32) -> Int32 {
        let exchange = unsafe current(bio)
        unsafe sluice_bio_clear_retry(bio)
        unsafe exchange.pointee.output.pointee.append(UnsafeRawBufferPointer(start: source, count: Int(count)))
        return count
    }
}
