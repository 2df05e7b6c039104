import COpenSSL
import SluiceCore

/// What a TLS client proves itself with, and what it asks of the server; PEM texts as their files hold them.
package struct TLSClientMaterial: Equatable, Sendable {
    /// The authorities that the server's certificate must lead to; nil for the system's.
    package var authorities: [UInt8]?
    /// A directory of authorities, by their hashes (`openssl rehash`).
    package var authoritiesPath: String?
    /// The client's own certificate and those that lead from it to an authority.
    package var certificateChain: [UInt8]?
    /// The private key of its certificate, without a passphrase.
    package var privateKey: [UInt8]?
    /// The oldest version that is spoken.
    package var leastVersion = TLSVersion.v12
    /// SHA-256 of the SubjectPublicKeyInfo that the server's certificate must have, one of them; none for any.
    package var pins: [[UInt8]] = []
    /// The identity of a pre-shared key, which takes the place of certificates.
    package var keyIdentity: String?
    /// The pre-shared key.
    package var key: [UInt8]?
    /// The protocol that the server is asked for, 1 to 255 bytes (RFC 7301); nil asks for none.
    package var applicationProtocol: String?

    /// Nothing set.
    package init() {}
}

/// What TLS connections to one server share: an `SSL_CTX` for a library that makes its connections itself.
///
/// Isolation: one thread, that of its connections; the callbacks run within their handshakes.
@safe package final class TLSClientContext {
    /// What the callbacks of a handshake know.
    private final class Judge {
        let host: String?
        let pins: [[UInt8]]
        let keyIdentity: [UInt8]
        let key: [UInt8]
        var refusal: String?

        init(host: String?, pins: [[UInt8]], keyIdentity: String?, key: [UInt8]?) {
            self.host = host
            self.pins = pins
            self.keyIdentity = Array((keyIdentity ?? "").utf8)
            self.key = key ?? []
        }
    }

    /// How long before its end a certificate is worth a warning, in seconds: 14 days.
    private static let warningSeconds: Int64 = 14 * 86_400

    let handle: OpaquePointer
    private let judge: Judge

    /// A context of checked material.
    /// - Parameter host: the name or address that the server's certificate must be of; nil for any.
    /// - Throws: `TLSMaterialError` that says which part does not fit.
    package init(_ material: TLSClientMaterial, host: String?) throws(TLSMaterialError) {
        guard let handle = unsafe SSL_CTX_new(TLS_client_method()) else { preconditionFailure("No memory for TLS") }
        unsafe self.handle = unsafe handle
        judge = Judge(
            host: host, pins: material.pins, keyIdentity: material.keyIdentity, key: material.key)
        do throws(TLSMaterialError) {
            try unsafe Self.configure(handle, material, host)
        } catch {
            unsafe SSL_CTX_free(handle)
            throw error
        }
        unsafe sluice_ssl_context_set_data(handle, Unmanaged.passUnretained(judge).toOpaque())
    }

    // A library that made connections of it has counted its references.
    deinit { unsafe SSL_CTX_free(handle) }

    /// Calls `body` with the address of the `SSL_CTX`, for a library that takes one.
    package func withAddress<Result>(_ body: (UInt) -> Result) -> Result {
        body(unsafe UInt(bitPattern: handle))
    }

    /// Which check the server failed, once.
    package func takeRefusal() -> String? {
        defer { judge.refusal = nil }
        return judge.refusal
    }

    /// What to say of a server's certificate that soon ends.
    /// - Parameters:
    ///   - address: that of the library's `SSL`, connected.
    ///   - now: seconds since 1970.
    package func expiryWarning(connectionAt address: UInt, now: Int64) -> String? {
        guard let connection = unsafe OpaquePointer(bitPattern: address),
            let certificate = unsafe SSL_get1_peer_certificate(connection)
        else { return nil }
        defer { unsafe X509_free(certificate) }
        let left = unsafe PEM.expirySeconds(of: certificate) - now
        guard left < Self.warningSeconds else { return nil }
        let subject = unsafe PEM.subject(of: certificate)
        return "the upstream's certificate (\(subject)) ends in \(max(0, left) / 86_400) days"
    }

    private static func configure(
        _ handle: OpaquePointer, _ material: TLSClientMaterial, _ host: String?
    ) throws(TLSMaterialError) {
        let leastVersion =
            switch material.leastVersion {
            case .v12: TLS1_2_VERSION
            case .v13: TLS1_3_VERSION
            }
        unsafe sluice_ssl_context_limit(handle, leastVersion)
        if let name = material.applicationProtocol {
            precondition((1...255).contains(name.utf8.count), "Cannot ask for a protocol without a name")
            let list = [UInt8(name.utf8.count)] + Array(name.utf8)
            // Unlike its relatives it answers 0 when all is well.
            guard unsafe SSL_CTX_set_alpn_protos(handle, list, UInt32(list.count)) == 0 else {
                preconditionFailure("No memory for TLS")
            }
        }
        if material.key != nil {
            unsafe SSL_CTX_set_psk_client_callback(handle, giveKey)
            // OpenSSL's callback of this form is of TLS 1.2, and without certificates there must be such ciphers.
            unsafe sluice_ssl_context_limit_most(handle, TLS1_2_VERSION)
            guard unsafe SSL_CTX_set_cipher_list(handle, "PSK+AESGCM:PSK+CHACHA20:PSK+AES") == 1 else {
                throw TLSMaterialError(part: .ciphers, reason: TLSFailure.lastReason())
            }
            return
        }
        if let text = material.authorities {
            let store = unsafe SSL_CTX_get_cert_store(handle)
            let authorities = try unsafe PEM.certificates(text, part: .clientAuthorities)
            unsafe authorities.forEach { authority in
                unsafe X509_STORE_add_cert(store, authority)
                unsafe X509_free(authority)
            }
        }
        if let path = material.authoritiesPath, unsafe SSL_CTX_load_verify_dir(handle, path) != 1 {
            throw TLSMaterialError(part: .clientAuthorities, reason: TLSFailure.lastReason())
        }
        if material.authorities == nil, material.authoritiesPath == nil {
            unsafe SSL_CTX_set_default_verify_paths(handle)
        }
        unsafe SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, verify)
        if let host, let parameters = unsafe SSL_CTX_get0_param(handle) {
            if unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, host) != 1 {
                ERR_clear_error()
                unsafe X509_VERIFY_PARAM_set1_host(parameters, host, 0)
            }
        }
        try unsafe setCertificate(handle, material)
    }

    private static func setCertificate(
        _ handle: OpaquePointer, _ material: TLSClientMaterial
    ) throws(TLSMaterialError) {
        guard let text = material.certificateChain else { return }
        guard let keyText = material.privateKey else {
            throw TLSMaterialError(part: .privateKey, reason: "is missing beside the certificate")
        }
        let chain = try unsafe PEM.certificates(text, part: .certificateChain)
        let leaf = unsafe chain[0]
        defer { unsafe X509_free(leaf) }
        var isRefused = unsafe SSL_CTX_use_certificate(handle, leaf) != 1
        unsafe chain.dropFirst().forEach { certificate in
            if unsafe !isRefused && sluice_ssl_context_add_chain(handle, certificate) == 1 { return }
            isRefused = true
            unsafe X509_free(certificate)
        }
        if isRefused { throw TLSMaterialError(part: .certificateChain, reason: TLSFailure.lastReason()) }
        let key = try unsafe PEM.privateKey(keyText)
        defer { unsafe EVP_PKEY_free(key) }
        guard unsafe SSL_CTX_use_PrivateKey(handle, key) == 1 else {
            ERR_clear_error()
            throw TLSMaterialError(part: .privateKey, reason: "is not the key of the certificate")
        }
    }

    // MARK: Callbacks

    /// Every certificate of the server's chain passes here, its own last.
    private static let verify: @convention(c) (Int32, OpaquePointer?) -> Int32 = { isAccepted, store in
        guard let store = unsafe store,
            let connection = unsafe X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let data = unsafe sluice_ssl_context_data(SSL_get_SSL_CTX(OpaquePointer(connection)))
        else { return 0 }
        let judge = unsafe Unmanaged<Judge>.fromOpaque(data).takeUnretainedValue()
        let certificate = unsafe X509_STORE_CTX_get_current_cert(store)
        let subject = unsafe certificate.map { unsafe PEM.subject(of: $0) } ?? "none"
        guard isAccepted == 1 else {
            let code = unsafe X509_STORE_CTX_get_error(store)
            let why = unsafe String(cString: X509_verify_cert_error_string(Int(code)))
            let wanted =
                code == X509_V_ERR_HOSTNAME_MISMATCH || code == X509_V_ERR_IP_ADDRESS_MISMATCH
                ? ", expected one of '\(judge.host ?? "")'" : ""
            judge.refusal = "the upstream's certificate (\(subject)) is not accepted: \(why)\(wanted)"
            return 0
        }
        guard unsafe X509_STORE_CTX_get_error_depth(store) == 0, !judge.pins.isEmpty else { return 1 }
        guard let certificate = unsafe certificate else { return 0 }
        let pin = unsafe PEM.keyPin(of: certificate)
        if judge.pins.contains(pin) { return 1 }
        let found = unsafe PEM.hexadecimal(pin)
        judge.refusal = "the upstream's public key is not pinned: sha256 \(found), its certificate is of \(subject)"
        return 0
    }

    /// The server asks for a pre-shared key.
    private static let giveKey:
        @convention(c) (
            OpaquePointer?, UnsafePointer<CChar>?, UnsafeMutablePointer<CChar>?, UInt32, UnsafeMutablePointer<UInt8>?,
            UInt32
        ) -> UInt32 = { connection, _, identity, identityBytesMax, key, keyBytesMax in
            guard let connection = unsafe connection, let identity = unsafe identity, let key = unsafe key,
                let data = unsafe sluice_ssl_context_data(SSL_get_SSL_CTX(connection))
            else { return 0 }
            let judge = unsafe Unmanaged<Judge>.fromOpaque(data).takeUnretainedValue()
            guard judge.keyIdentity.count < identityBytesMax, judge.key.count <= keyBytesMax else { return 0 }
            for (index, byte) in judge.keyIdentity.enumerated() { unsafe identity[index] = CChar(bitPattern: byte) }
            unsafe identity[judge.keyIdentity.count] = 0
            for (index, byte) in judge.key.enumerated() { unsafe key[index] = byte }
            return UInt32(judge.key.count)
        }
}

/// A TLS connection that another library made, by the address of its `SSL`.
package enum TLSPeer {
    /// Whether bytes were decrypted that the library has not read yet: the socket will not tell of them.
    package static func hasPendingBytes(connectionAt address: UInt) -> Bool {
        guard let connection = unsafe OpaquePointer(bitPattern: address) else { return false }
        return unsafe SSL_pending(connection) > 0
    }

    /// Writes a few bytes.
    /// - Returns: whether all of them are on their way.
    package static func write(_ bytes: [UInt8], connectionAt address: UInt) -> Bool {
        guard let connection = unsafe OpaquePointer(bitPattern: address) else { return false }
        return unsafe SSL_write(connection, bytes, Int32(bytes.count)) == Int32(bytes.count)
    }

    /// OpenSSL's last error on this thread, which is cleared.
    package static func lastError() -> String? {
        guard ERR_peek_last_error() != 0 else { return nil }
        return TLSFailure.lastReason()
    }
}
