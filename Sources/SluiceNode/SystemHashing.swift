package import AccessControl
import Cryptography

/// Access control's hashes, computed by OpenSSL.
package struct SystemHashing: SecretHashing {
    /// The only one there is.
    package init() {}

    /// The digest of bytes.
    package func digest(_ hash: SecretHash, _ bytes: [UInt8]) -> [UInt8] { hash.digest.digest(bytes) }

    /// HMAC of bytes under a key.
    package func authenticationCode(_ hash: SecretHash, key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        hash.digest.authenticationCode(key: key, bytes)
    }

    /// PBKDF2 with HMAC.
    package func derivedKey(_ hash: SecretHash, password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        hash.digest.derivedKey(password: password, salt: salt, iterations: iterations)
    }

    /// Argon2id.
    package func argon2id(password: [UInt8], salt: [UInt8], _ cost: Argon2Cost, byteCount: Int) -> [UInt8]? {
        Argon2.id(
            password: password, salt: salt, memoryKibibytes: cost.memoryKibibytes, iterations: cost.iterations,
            lanes: cost.lanes, byteCount: byteCount)
    }

    /// Bytes that nobody can guess.
    package func randomBytes(_ count: Int) -> [UInt8] { Secrets.randomBytes(count) }

    /// Whether two secrets are the same.
    package func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool { Secrets.areEqual(left, right) }
}

extension SecretHash {
    fileprivate var digest: SecretDigest {
        switch self {
        case .sha256: .sha256
        case .sha512: .sha512
        }
    }
}
