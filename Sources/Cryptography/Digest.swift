private import COpenSSL

/// Digests that protocols prescribe.
package enum Digest {
    /// SHA-1, for RFC 6455's handshake alone, where it is no protection but a proof that the server read the request.
    /// - Returns: 20 bytes.
    package static func sha1(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 20)
        var byteCount: UInt32 = 0
        let status = unsafe EVP_Digest(bytes, bytes.count, &digest, &byteCount, EVP_sha1(), nil)
        precondition(status == 1 && byteCount == 20, "OpenSSL has no SHA-1")
        return digest
    }
}

/// Base 64 as RFC 4648 §4 has it, with padding.
package enum Base64 {
    /// The text that stands for `bytes`.
    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        // One more byte, since OpenSSL ends it with a null character.
        var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        let byteCount = unsafe EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
        precondition(Int(byteCount) == text.count - 1)
        text.removeLast()
        return text
    }
}

/// The system's cryptographic random numbers.
package struct SecureRandom: RandomNumberGenerator {
    /// A generator; all of them draw from OpenSSL's.
    package init() {}

    /// Eight random bytes as a number.
    package mutating func next() -> UInt64 {
        var value: UInt64 = 0
        let status = unsafe withUnsafeMutableBytes(of: &value) { bytes in
            unsafe RAND_bytes(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(bytes.count))
        }
        precondition(status == 1, "The system gives no random numbers")
        return value
    }
}
