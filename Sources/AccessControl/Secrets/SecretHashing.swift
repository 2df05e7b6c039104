/// A hash that secrets are kept under.
package enum SecretHash: Sendable, Equatable, CaseIterable {
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
}

/// The seam to the library that computes.
///
/// Isolation: any thread.
package protocol SecretHashing: Sendable {
    /// The digest of bytes.
    func digest(_ hash: SecretHash, _ bytes: [UInt8]) -> [UInt8]
    /// HMAC of bytes under a key. Source: RFC 2104.
    func authenticationCode(_ hash: SecretHash, key: [UInt8], _ bytes: [UInt8]) -> [UInt8]
    /// PBKDF2 with HMAC, as many bytes as a digest has. Source: RFC 8018 §5.2.
    /// - Complexity: O(iterations): milliseconds, so never on a loop.
    func derivedKey(_ hash: SecretHash, password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8]
    /// Argon2id. Source: RFC 9106.
    /// - Returns: nil when the library refuses the parameters, or has no memory.
    /// - Complexity: as `cost` says; never on a loop.
    func argon2id(password: [UInt8], salt: [UInt8], _ cost: Argon2Cost, byteCount: Int) -> [UInt8]?
    /// Bytes that nobody can guess.
    func randomBytes(_ count: Int) -> [UInt8]
    /// Whether two secrets are the same, in a time that tells only their lengths.
    func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool
}

/// What Argon2 costs.
package struct Argon2Cost: Sendable, Hashable {
    /// Memory, in KiB.
    package var memoryKibibytes: Int
    /// Passes over the memory.
    package var iterations: Int
    /// Lanes, which are computed one after the other.
    package var lanes: Int

    /// What new hashes take: OWASP's 46 MiB with one pass, as mosquitto 2.1.
    package static let usual = Argon2Cost(memoryKibibytes: 47_104, iterations: 1, lanes: 1)

    /// A cost from its parts.
    package init(memoryKibibytes: Int, iterations: Int, lanes: Int) {
        self.memoryKibibytes = memoryKibibytes
        self.iterations = iterations
        self.lanes = lanes
    }
}
