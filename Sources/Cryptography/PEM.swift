import COpenSSL

/// Certificates and keys in PEM text.
@unsafe
enum PEM {
    /// The certificates in `text`, at least one, each the caller's to free.
    static func certificates(
        _ text: [UInt8], part: TLSMaterialError.Part
    ) throws(TLSMaterialError) -> [OpaquePointer] {
        var found: [OpaquePointer] = unsafe []
        let isWhole = unsafe withBIO(text) { bio in
            while let certificate = unsafe PEM_read_bio_X509(bio, nil, refusePassphrase, nil) {
                unsafe found.append(certificate)
            }
            // Reading ends with the error that there is no other; every other error is a damaged one.
            return sluice_err_is_no_start_line() != 0
        }
        let reason = isWhole ? "holds no certificate (PEM, '-----BEGIN CERTIFICATE-----')" : TLSFailure.lastReason()
        ERR_clear_error()
        if unsafe isWhole && !found.isEmpty { return unsafe found }
        unsafe found.forEach { unsafe X509_free($0) }
        throw TLSMaterialError(part: part, reason: isWhole ? reason : "holds a damaged certificate: \(reason)")
    }

    /// The public key in `text`, the caller's to free; nil when there is none.
    static func publicKey(_ text: [UInt8]) -> OpaquePointer? {
        unsafe withBIO(text) { bio in unsafe PEM_read_bio_PUBKEY(bio, nil, refusePassphrase, nil) }
    }

    /// The revocation lists in `text`, at least one, each the caller's to free.
    static func revocations(_ text: [UInt8]) throws(TLSMaterialError) -> [OpaquePointer] {
        var found: [OpaquePointer] = unsafe []
        let isWhole = unsafe withBIO(text) { bio in
            while let list = unsafe PEM_read_bio_X509_CRL(bio, nil, refusePassphrase, nil) {
                unsafe found.append(list)
            }
            return sluice_err_is_no_start_line() != 0
        }
        let reason = isWhole ? "holds no revocation list (PEM, '-----BEGIN X509 CRL-----')" : TLSFailure.lastReason()
        ERR_clear_error()
        if unsafe isWhole && !found.isEmpty { return unsafe found }
        unsafe found.forEach { unsafe X509_CRL_free($0) }
        throw TLSMaterialError(
            part: .revocations, reason: isWhole ? reason : "holds a damaged revocation list: \(reason)")
    }

    /// The private key in `text`, the caller's to free.
    static func privateKey(_ text: [UInt8]) throws(TLSMaterialError) -> OpaquePointer {
        let key = unsafe withBIO(text) { bio in unsafe PEM_read_bio_PrivateKey(bio, nil, refusePassphrase, nil) }
        if let key = unsafe key { return unsafe key }
        let reason = TLSFailure.lastReason()
        let words = String(decoding: text, as: UTF8.self)
        let isEncrypted = words.contains("ENCRYPTED")
        let isMissing = !words.contains("PRIVATE KEY-----")
        throw TLSMaterialError(
            part: .privateKey,
            reason: isEncrypted
                ? "is encrypted with a passphrase, which nobody would be there to enter"
                : isMissing ? "holds no private key (PEM, '-----BEGIN PRIVATE KEY-----')" : "is damaged: \(reason)")
    }

    /// The subject of a certificate on one line.
    static func subject(of certificate: OpaquePointer) -> String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { preconditionFailure("No memory for a BIO") }
        defer { unsafe BIO_free(bio) }
        unsafe X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, sluice_name_one_line)
        var line = [UInt8](repeating: 0, count: 256)
        let count = unsafe BIO_read(bio, &line, Int32(line.count))
        return String(decoding: line.prefix(Int(max(0, count))), as: UTF8.self)
    }

    /// The subject of a certificate as RFC 2253 writes it, all of it; nil when it holds a zero byte or is no UTF-8.
    static func distinguishedName(of certificate: OpaquePointer) -> String? {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { preconditionFailure("No memory for a BIO") }
        defer { unsafe BIO_free(bio) }
        unsafe X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, sluice_name_rfc2253)
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 256)
        while true {
            let count = unsafe BIO_read(bio, &chunk, Int32(chunk.count))
            guard count > 0 else { break }
            line += chunk.prefix(Int(count))
        }
        return line.isEmpty || line.contains(0) ? nil : String(validating: line, as: UTF8.self)
    }

    /// When a certificate ends, in seconds since 1970.
    static func expirySeconds(of certificate: OpaquePointer) -> Int64 {
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard let start = unsafe ASN1_TIME_set(nil, 0) else { preconditionFailure("No memory for a time") }
        defer { unsafe ASN1_STRING_free(start) }
        guard unsafe ASN1_TIME_diff(&days, &seconds, start, X509_get0_notAfter(certificate)) == 1 else { return 0 }
        return Int64(days) * 86_400 + Int64(seconds)
    }

    /// SHA-256 of a certificate's SubjectPublicKeyInfo: what RFC 7469 pins.
    static func keyPin(of certificate: OpaquePointer) -> [UInt8] {
        var encoded: UnsafeMutablePointer<UInt8>?
        let byteCount = unsafe i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &encoded)
        guard byteCount > 0, let bytes = unsafe encoded else { preconditionFailure("No memory for a public key") }
        defer { unsafe sluice_openssl_free(bytes) }
        var digest = [UInt8](repeating: 0, count: 32)
        var digestByteCount: UInt32 = 0
        let status = unsafe EVP_Digest(bytes, Int(byteCount), &digest, &digestByteCount, EVP_sha256(), nil)
        precondition(status == 1 && digestByteCount == 32, "OpenSSL has no SHA-256")
        return digest
    }

    /// Bytes as people compare them.
    static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    /// OpenSSL would ask on the terminal.
    private static let refusePassphrase:
        @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
            _, _, _, _ in -1
        }

    private static func withBIO<Result>(_ text: [UInt8], _ body: (OpaquePointer) -> Result) -> Result {
        unsafe text.withUnsafeBytes { bytes in
            guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else {
                preconditionFailure("No memory for a BIO")
            }
            defer { unsafe BIO_free(bio) }
            ERR_clear_error()
            return unsafe body(bio)
        }
    }
}
