import COpenSSL

/// A version of TLS that a listener may ask for.
package enum TLSVersion: Sendable, CaseIterable {
    /// RFC 5246; the oldest one that is spoken at all (RFC 8996 put an end to those before).
    case v12
    /// RFC 8446.
    case v13
}

/// What a TLS listener proves itself with, and what it asks of clients; PEM texts as their files hold them.
package struct TLSMaterial: Equatable, Sendable {
    /// The listener's certificate, and those that lead from it to an authority, in this order.
    package var certificateChain: [UInt8]
    /// The private key of its certificate, without a passphrase.
    package var privateKey: [UInt8]
    /// The authorities whose client certificates are accepted; nil asks clients for none.
    package var clientAuthorities: [UInt8]?
    /// Whether a client without a certificate is refused.
    package var requiresClientCertificate = false
    /// Certificates that authorities have revoked, PEM: at least one list of each authority of client certificates, for
    /// without a list of its own authority no certificate is accepted. Nil revokes none.
    package var revocations: [UInt8]?
    /// The oldest version that is spoken.
    package var leastVersion = TLSVersion.v12
    /// Cipher suites of TLS 1.2, in OpenSSL's words; nil leaves OpenSSL's own choice.
    package var ciphers: String?

    /// Material of a certificate and its key.
    package init(certificateChain: [UInt8], privateKey: [UInt8]) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }
}

/// Why material cannot be used, and which part of it is to blame.
package struct TLSMaterialError: Error, Equatable, Sendable {
    /// A part of the material.
    package enum Part: Sendable {
        /// `certificateChain`.
        case certificateChain
        /// `privateKey`.
        case privateKey
        /// `clientAuthorities`.
        case clientAuthorities
        /// `revocations`.
        case revocations
        /// `ciphers`.
        case ciphers
    }

    /// The part that is wrong.
    package let part: Part
    /// What is wrong with it.
    package let reason: String
}

// Sendable: OpenSSL counts the handle's references atomically, and nothing is set after `init`.
/// Everything that the TLS connections of one listener share. It never changes: a reload makes another, and
/// connections keep the one they began with, as do the keys of their session tickets.
@safe package final class TLSContext: @unchecked Sendable {
    let handle: OpaquePointer
    /// The certificate's subject, as `CN = broker, O = plant`; empty without a certificate.
    package let subject: String
    /// When the certificate ends, in seconds since 1970; the end of time without a certificate.
    package let expirySeconds: Int64
    /// The keys that connections may have instead of certificates; the handle refers to them.
    private let sharedKeys: TLSSharedKeys?

    /// A context of checked material.
    /// - Throws: `TLSMaterialError` that says which part does not fit.
    package init(_ material: TLSMaterial) throws(TLSMaterialError) {
        guard let handle = unsafe SSL_CTX_new(TLS_server_method()) else { preconditionFailure("No memory for TLS") }
        unsafe self.handle = unsafe handle
        let leaf: OpaquePointer
        do throws(TLSMaterialError) {
            unsafe leaf = try unsafe Self.configure(handle, material)
        } catch {
            unsafe SSL_CTX_free(handle)
            throw error
        }
        subject = unsafe PEM.subject(of: leaf)
        expirySeconds = unsafe PEM.expirySeconds(of: leaf)
        sharedKeys = nil
        unsafe X509_free(leaf)
    }

    /// A context whose clients and server prove themselves to each other by a key that both have, without certificates.
    /// Nothing is resumed, so that a key that is taken away is of no use from then on.
    /// - Parameters:
    ///   - leastVersion: the oldest version that is spoken.
    ///   - ciphers: cipher suites of TLS 1.2 with pre-shared keys; nil for those with forward secrecy first.
    /// - Throws: `TLSMaterialError` when no such cipher is known.
    package init(
        sharedKeys: TLSSharedKeys, leastVersion: TLSVersion = .v12, ciphers: String? = nil
    ) throws(TLSMaterialError) {
        guard let handle = unsafe SSL_CTX_new(TLS_server_method()) else { preconditionFailure("No memory for TLS") }
        unsafe self.handle = unsafe handle
        unsafe sluice_ssl_context_limit(handle, Self.number(of: leastVersion))
        unsafe SSL_CTX_set_num_tickets(handle, 0)
        unsafe sluice_ssl_context_refuse_tickets(handle)
        let list = ciphers ?? "kECDHEPSK+CHACHA20:kECDHEPSK+AES:PSK+AESGCM:PSK+CHACHA20:PSK+AES"
        guard unsafe SSL_CTX_set_cipher_list(handle, list) == 1 else {
            let reason = "no known cipher in '\(list)': \(TLSFailure.lastReason())"
            unsafe SSL_CTX_free(handle)
            throw TLSMaterialError(part: .ciphers, reason: reason)
        }
        if let hint = sharedKeys.hint { unsafe SSL_CTX_use_psk_identity_hint(handle, hint) }
        unsafe SSL_CTX_set_psk_server_callback(handle, TLSSharedKeys.giveKey)
        unsafe sluice_ssl_context_set_data(handle, Unmanaged.passUnretained(sharedKeys).toOpaque())
        subject = ""
        expirySeconds = .max
        self.sharedKeys = sharedKeys
    }

    private static func number(of version: TLSVersion) -> Int32 {
        switch version {
        case .v12: TLS1_2_VERSION
        case .v13: TLS1_3_VERSION
        }
    }

    deinit { unsafe SSL_CTX_free(handle) }

    /// - Returns: the listener's own certificate, which is the caller's to free.
    private static func configure(
        _ handle: OpaquePointer, _ material: TLSMaterial
    ) throws(TLSMaterialError) -> OpaquePointer {
        unsafe sluice_ssl_context_limit(handle, number(of: material.leastVersion))
        // One ticket is enough for a device that comes back.
        unsafe SSL_CTX_set_num_tickets(handle, 1)
        if let ciphers = material.ciphers, unsafe SSL_CTX_set_cipher_list(handle, ciphers) != 1 {
            throw TLSMaterialError(
                part: .ciphers, reason: "no known cipher in '\(ciphers)': \(TLSFailure.lastReason())")
        }
        try unsafe setClientAuthorities(handle, material)
        return try unsafe setCertificate(handle, material)
    }

    private static func setCertificate(
        _ handle: OpaquePointer, _ material: TLSMaterial
    ) throws(TLSMaterialError) -> OpaquePointer {
        let chain = try unsafe PEM.certificates(material.certificateChain, part: .certificateChain)
        let leaf = unsafe chain[0]
        var isRefused = unsafe SSL_CTX_use_certificate(handle, leaf) != 1
        unsafe chain.dropFirst().forEach { certificate in
            if unsafe !isRefused && sluice_ssl_context_add_chain(handle, certificate) == 1 { return }
            isRefused = true
            unsafe X509_free(certificate)
        }
        do throws(TLSMaterialError) {
            if isRefused { throw TLSMaterialError(part: .certificateChain, reason: TLSFailure.lastReason()) }
            let key = try unsafe PEM.privateKey(material.privateKey)
            defer { unsafe EVP_PKEY_free(key) }
            // Whether the two belong together, before OpenSSL drops the one for the sake of the other.
            guard unsafe X509_check_private_key(leaf, key) == 1 else {
                ERR_clear_error()
                throw TLSMaterialError(part: .privateKey, reason: "is not the key of the certificate")
            }
            guard unsafe SSL_CTX_use_PrivateKey(handle, key) == 1 else {
                throw TLSMaterialError(part: .privateKey, reason: TLSFailure.lastReason())
            }
        } catch {
            unsafe X509_free(leaf)
            throw error
        }
        return unsafe leaf
    }

    private static func setClientAuthorities(
        _ handle: OpaquePointer, _ material: TLSMaterial
    ) throws(TLSMaterialError) {
        guard let text = material.clientAuthorities else { return }
        let authorities = try unsafe PEM.certificates(text, part: .clientAuthorities)
        let store = unsafe SSL_CTX_get_cert_store(handle)
        unsafe authorities.forEach { authority in
            // The list that clients are shown, to choose a certificate by.
            unsafe SSL_CTX_add_client_CA(handle, authority)
            unsafe X509_STORE_add_cert(store, authority)
            unsafe X509_free(authority)
        }
        if let text = material.revocations {
            let lists = try unsafe PEM.revocations(text)
            unsafe lists.forEach { list in
                unsafe X509_STORE_add_crl(store, list)
                unsafe X509_CRL_free(list)
            }
            // The client's own certificate is looked up, as mosquitto does; authorities between are not.
            unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK))
        }
        var mode = SSL_VERIFY_PEER
        if material.requiresClientCertificate { mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT }
        unsafe SSL_CTX_set_verify(handle, mode, TLSExchange.noteRefusal)
        // Tickets of a context that asks for certificates must say what they are for. The keys that seal them are the
        // context's own, so a ticket never outlives the authorities that its client was judged by.
        let purpose: [UInt8] = Array("sluice".utf8)
        unsafe SSL_CTX_set_session_id_context(handle, purpose, UInt32(purpose.count))
    }
}
