private import COpenSSL

/// Digests and derived keys of secrets.
package enum SecretDigest: Sendable {
    /// SHA-256.
    case sha256
    /// SHA-512.
    case sha512

    /// Bytes of a digest.
    package var byteCount: Int {
        switch self {
        case .sha256: 32
        case .sha512: 64
        }
    }

    /// The digest of `bytes`.
    package func digest(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        var count: UInt32 = 0
        let status = unsafe EVP_Digest(bytes, bytes.count, &digest, &count, algorithm, nil)
        precondition(status == 1 && count == byteCount, "OpenSSL has no SHA-2")
        return digest
    }

    /// HMAC of `bytes` under `key`. Source: RFC 2104.
    package func authenticationCode(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: byteCount)
        var count: UInt32 = 0
        let result = unsafe HMAC(algorithm, key, Int32(key.count), bytes, bytes.count, &code, &count)
        precondition(unsafe result != nil && count == byteCount, "OpenSSL has no HMAC")
        return code
    }

    /// PBKDF2 with HMAC, `byteCount` bytes. Source: RFC 8018 §5.2.
    /// - Complexity: O(iterations).
    package func derivedKey(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        var key = [UInt8](repeating: 0, count: byteCount)
        let status = unsafe password.withUnsafeBytes { password in
            unsafe PKCS5_PBKDF2_HMAC(
                password.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(password.count), salt,
                Int32(salt.count), Int32(clamping: iterations), algorithm, Int32(key.count), &key)
        }
        precondition(status == 1, "OpenSSL has no PBKDF2")
        return key
    }

    private var algorithm: OpaquePointer? {
        switch self {
        case .sha256: unsafe EVP_sha256()
        case .sha512: unsafe EVP_sha512()
        }
    }
}

/// Comparing secrets.
package enum Secrets {
    /// Whether two are the same, in a time that tells only their lengths.
    package static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe CRYPTO_memcmp(left, right, left.count) == 0
    }

    /// Bytes that nobody can guess.
    package static func randomBytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let status = unsafe RAND_bytes(&bytes, Int32(count))
        precondition(status == 1, "The system gives no random numbers")
        return bytes
    }
}
