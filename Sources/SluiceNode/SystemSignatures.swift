package import AccessControl
import Cryptography

/// Access control's public keys, made and asked by OpenSSL.
package struct SystemSignatures: SignatureKeyMaking {
    /// The only one there is.
    package init() {}

    /// The public key in a PEM text.
    package func publicKey(pem: [UInt8]) throws(SignatureKeyFault) -> any SignatureKey {
        try Self.key { () throws(SignaturePublicKey.Fault) in try SignaturePublicKey(pem: pem) }
    }

    /// An RSA key.
    package func rsaKey(modulus: [UInt8], exponent: [UInt8]) throws(SignatureKeyFault) -> any SignatureKey {
        try Self.key { () throws(SignaturePublicKey.Fault) in
            try SignaturePublicKey(modulus: modulus, exponent: exponent)
        }
    }

    /// A point on P-256.
    package func p256Key(x: [UInt8], y: [UInt8]) throws(SignatureKeyFault) -> any SignatureKey {
        try Self.key { () throws(SignaturePublicKey.Fault) in try SignaturePublicKey(p256X: x, y: y) }
    }

    private static func key(
        _ make: () throws(SignaturePublicKey.Fault) -> SignaturePublicKey
    ) throws(SignatureKeyFault) -> any SignatureKey {
        do throws(SignaturePublicKey.Fault) {
            return PublicSignatureKey(key: try make())
        } catch {
            throw SignatureKeyFault(reason: error.reason)
        }
    }
}

private struct PublicSignatureKey: SignatureKey {
    let key: SignaturePublicKey

    var algorithm: TokenAlgorithm {
        switch key.kind {
        case .rsa: .rs256
        case .p256: .es256
        }
    }

    func isSigned(_ message: [UInt8], by signature: [UInt8]) -> Bool { key.isSigned(message, by: signature) }
}
