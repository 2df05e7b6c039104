/// How a token may be signed. Source: RFC 7518 §3.1.
package enum TokenAlgorithm: String, Sendable, CaseIterable {
    /// HMAC with SHA-256: whoever can judge can sign.
    case hs256 = "HS256"
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    case rs256 = "RS256"
    /// ECDSA on P-256 with SHA-256.
    case es256 = "ES256"
}

/// A key that judges signatures, in the hands of the library that computes.
///
/// Isolation: any thread; never changes.
package protocol SignatureKey: Sendable {
    /// The one algorithm that it is for: what a token says of its algorithm chooses no other.
    var algorithm: TokenAlgorithm { get }
    /// Whether a signature is that of a message.
    /// - Parameter signature: as RFC 7515 has it; of ES256 the two numbers, 32 bytes each.
    /// - Complexity: 100 us.
    func isSigned(_ message: [UInt8], by signature: [UInt8]) -> Bool
}

/// Why a key is none.
package struct SignatureKeyFault: Error, Sendable {
    /// What is wrong, in words that follow the name of the key or its file.
    package let reason: String

    /// A fault.
    package init(reason: String) { self.reason = reason }
}

/// The seam to the library that makes keys of their texts and numbers.
package protocol SignatureKeyMaking: Sendable {
    /// The public key in a PEM text: of its own, or of a certificate.
    func publicKey(pem: [UInt8]) throws(SignatureKeyFault) -> any SignatureKey
    /// An RSA key of 2048 bits at least, which RFC 7518 §3.3 demands; numbers with their most significant byte first.
    func rsaKey(modulus: [UInt8], exponent: [UInt8]) throws(SignatureKeyFault) -> any SignatureKey
    /// A point on P-256; numbers of 32 bytes.
    func p256Key(x: [UInt8], y: [UInt8]) throws(SignatureKeyFault) -> any SignatureKey
}

/// A secret that signs and judges.
struct SecretSignatureKey: SignatureKey {
    let algorithm = TokenAlgorithm.hs256
    let secret: [UInt8]
    let hashing: any SecretHashing

    func isSigned(_ message: [UInt8], by signature: [UInt8]) -> Bool {
        hashing.areEqual(hashing.authenticationCode(.sha256, key: secret, message), signature)
    }
}
