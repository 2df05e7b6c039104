import COpenSSL

// Sendable: OpenSSL counts the handle's references atomically, and nothing is set after `init`.
/// A public key that judges signatures: RSA or P-256.
@safe package final class SignaturePublicKey: @unchecked Sendable {
    /// What kind of key it is.
    package enum Kind: Sendable {
        /// RSA, which signs with PKCS #1 v1.5 and SHA-256.
        case rsa
        /// A point on P-256, which signs with ECDSA and SHA-256.
        case p256
    }

    /// Why a key is none.
    package struct Fault: Error, Sendable {
        /// What is wrong, in words that follow the key's name.
        package let reason: String
    }

    private let handle: OpaquePointer
    /// What kind of key it is.
    package let kind: Kind

    /// Fewer can be factored. Source: RFC 7518 §3.3.
    private static let rsaBitsMin: Int32 = 2048
    /// More make a token cost milliseconds.
    private static let rsaBitsMax: Int32 = 8192

    /// The key of a PEM text: `PUBLIC KEY`, or that of a `CERTIFICATE`.
    package convenience init(pem text: [UInt8]) throws(Fault) {
        let words = String(decoding: text, as: UTF8.self)
        if words.contains("-----BEGIN CERTIFICATE-----") {
            let certificates: [OpaquePointer]
            do throws(TLSMaterialError) {
                unsafe certificates = try unsafe PEM.certificates(text, part: .certificateChain)
            } catch {
                throw Fault(reason: error.reason)
            }
            let key = unsafe X509_get_pubkey(certificates[0])
            unsafe certificates.forEach { unsafe X509_free($0) }
            try unsafe self.init(taking: key)
        } else {
            try unsafe self.init(taking: PEM.publicKey(text))
        }
    }

    /// An RSA key of its numbers, most significant byte first.
    package convenience init(modulus: [UInt8], exponent: [UInt8]) throws(Fault) {
        let numbers = DER.sequence(DER.integer(modulus) + DER.integer(exponent))
        try self.init(information: DER.keyInformation(DER.rsa, numbers))
    }

    /// A point on P-256 of its coordinates, 32 bytes each.
    package convenience init(p256X x: [UInt8], y: [UInt8]) throws(Fault) {
        guard x.count == 32, y.count == 32 else { throw Fault(reason: "is no point on P-256: 32 bytes each") }
        try self.init(information: DER.keyInformation(DER.p256, [4] + x + y))
    }

    private convenience init(information: [UInt8]) throws(Fault) {
        let key = unsafe information.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe d2i_PUBKEY(nil, &start, bytes.count)
        }
        try unsafe self.init(taking: key)
    }

    private init(taking key: OpaquePointer?) throws(Fault) {
        guard let key = unsafe key else { throw Fault(reason: "is no public key: \(TLSFailure.lastReason())") }
        unsafe handle = unsafe key
        if unsafe EVP_PKEY_is_a(key, "RSA") == 1 {
            kind = .rsa
            let bits = unsafe EVP_PKEY_get_bits(key)
            guard (Self.rsaBitsMin...Self.rsaBitsMax).contains(bits) else {
                throw Fault(reason: "has \(bits) bits; \(Self.rsaBitsMin) to \(Self.rsaBitsMax) are taken")
            }
        } else if unsafe EVP_PKEY_is_a(key, "EC") == 1, unsafe Self.isP256(key) {
            kind = .p256
        } else {
            kind = .rsa
            throw Fault(reason: "is neither RSA nor on the curve P-256")
        }
    }

    deinit { unsafe EVP_PKEY_free(handle) }

    private static func isP256(_ key: OpaquePointer) -> Bool {
        var name = [CChar](repeating: 0, count: 64)
        guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, nil) == 1 else { return false }
        return name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)).elementsEqual("prime256v1".utf8)
    }

    /// Whether `signature` is that of `message`, with SHA-256.
    /// - Parameter signature: of P-256 the two numbers, 32 bytes each (RFC 7518 §3.4).
    package func isSigned(_ message: [UInt8], by signature: [UInt8]) -> Bool {
        guard let encoded = kind == .p256 ? Self.encoded(signature) : signature,
            let context = unsafe EVP_MD_CTX_new()
        else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        let isReady = unsafe EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, handle) == 1
        let isSigned =
            unsafe isReady && EVP_DigestVerify(context, encoded, encoded.count, message, message.count) == 1
        ERR_clear_error()
        return isSigned
    }

    private static func encoded(_ signature: [UInt8]) -> [UInt8]? {
        guard signature.count == 64 else { return nil }
        return DER.sequence(DER.integer(Array(signature[..<32])) + DER.integer(Array(signature[32...])))
    }
}

/// The few forms of DER that keys and signatures have. Source: ITU-T X.690, RFC 5280 §4.1.
enum DER {
    static let rsa: [UInt8] = [0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 5, 0]
    static let p256: [UInt8] = [
        0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7,
    ]

    /// A number that is not negative.
    static func integer(_ bytes: [UInt8]) -> [UInt8] {
        var digits = Array(bytes.drop { $0 == 0 })
        if digits.isEmpty || digits[0] >= 0x80 { digits.insert(0, at: 0) }
        return value(0x02, digits)
    }

    static func sequence(_ content: [UInt8]) -> [UInt8] { value(0x30, content) }

    /// SubjectPublicKeyInfo.
    static func keyInformation(_ algorithm: [UInt8], _ key: [UInt8]) -> [UInt8] {
        sequence(sequence(algorithm) + value(0x03, [0] + key))
    }

    private static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        guard content.count >= 128 else { return [tag, UInt8(content.count)] + content }
        var length: [UInt8] = []
        var rest = content.count
        while rest > 0 {
            length.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        }
        return [tag, 0x80 | UInt8(length.count)] + length + content
    }
}
