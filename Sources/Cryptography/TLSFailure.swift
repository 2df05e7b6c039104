import COpenSSL

/// Why a TLS connection ended: which check failed, for a log line.
package struct TLSFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// What failed, in a sentence without its full stop.
    package let description: String

    /// OpenSSL's last error, which is cleared, and what the verification of the client's certificate said.
    @unsafe
    init(of connection: OpaquePointer) {
        let error = ERR_get_error()
        let verification = unsafe SSL_get_verify_result(connection)
        ERR_clear_error()
        description = unsafe Self.sentence(error, verification, of: connection)
    }

    private static func sentence(_ error: UInt, _ verification: Int, of connection: OpaquePointer) -> String {
        guard sluice_err_library(error) == ERR_LIB_SSL else { return text(error) }
        let reason = sluice_err_reason(error)
        // From 1000 on it is an alert of the peer's (RFC 8446 §6.2): it did not like what it saw.
        if reason > 1000 {
            return unsafe "the client refused: alert '\(String(cString: SSL_alert_desc_string_long(reason - 1000)))'"
        }
        switch reason {
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            let why = unsafe String(cString: X509_verify_cert_error_string(verification))
            return unsafe "the client's certificate\(peerSubject(connection)) is not accepted: \(why)"
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return "the client sent no certificate, which this listener requires"
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_UNKNOWN_SSL_VERSION:
            return "the client offers no version of TLS that is spoken here"
        case SSL_R_NO_SHARED_CIPHER: return "the client offers no cipher that is spoken here"
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: return "plain HTTP came instead of TLS"
        case SSL_R_WRONG_VERSION_NUMBER: return "what came is not TLS"
        default: return text(error)
        }
    }

    private static func peerSubject(_ connection: OpaquePointer) -> String {
        guard let subject = unsafe TLSExchange.current(SSL_get_rbio(connection)).pointee.refusedSubject else {
            return ""
        }
        return " (\(subject))"
    }

    /// OpenSSL's last error in its own words; clears them all.
    static func lastReason() -> String {
        let error = ERR_peek_last_error()
        ERR_clear_error()
        return text(error)
    }

    private static func text(_ error: UInt) -> String {
        guard let reason = unsafe ERR_reason_error_string(error) else { return "unknown error \(error)" }
        return unsafe String(cString: reason)
    }
}
