import Administration

/// A mechanism of SCRAM. Source: RFC 5802, RFC 7677.
package enum ScramMechanism: String, Sendable, CaseIterable {
    /// With SHA-256.
    case sha256 = "SCRAM-SHA-256"
    /// With SHA-512.
    case sha512 = "SCRAM-SHA-512"

    /// Its hash.
    package var hash: SecretHash {
        switch self {
        case .sha256: .sha256
        case .sha512: .sha512
        }
    }
}

/// What a server keeps of a password: enough to judge a proof, and too little to make one.
///
/// Source: RFC 5802 §3.
package struct ScramCredential: Sendable, Equatable {
    /// Iterations of PBKDF2.
    package let iterations: Int
    /// The salt.
    package let salt: [UInt8]
    /// The digest of the key that a client proves to have.
    package let storedKey: [UInt8]
    /// What the server proves itself with.
    package let serverKey: [UInt8]

    /// RFC 7677 §4 asks for 4,096 at least. More than the largest would keep a client busy for minutes.
    package static let iterationsRange = 4096...10_000_000

    /// A credential from its parts.
    package init(iterations: Int, salt: [UInt8], storedKey: [UInt8], serverKey: [UInt8]) {
        self.iterations = iterations
        self.salt = salt
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// The credential of a salted password, which PBKDF2 has made.
    package init(
        saltedPassword: [UInt8], salt: [UInt8], iterations: Int, _ hash: SecretHash, _ hashing: some SecretHashing
    ) {
        let clientKey = hashing.authenticationCode(hash, key: saltedPassword, Array("Client Key".utf8))
        self.init(
            iterations: iterations, salt: salt, storedKey: hashing.digest(hash, clientKey),
            serverKey: hashing.authenticationCode(hash, key: saltedPassword, Array("Server Key".utf8)))
    }

    /// The credential of a password.
    /// - Complexity: O(iterations): milliseconds, so never on a loop.
    package init(
        password: [UInt8], salt: [UInt8], iterations: Int, _ mechanism: ScramMechanism, _ hashing: some SecretHashing
    ) {
        let salted = hashing.derivedKey(
            mechanism.hash, password: password, salt: salt, iterations: iterations)
        self.init(saltedPassword: salted, salt: salt, iterations: iterations, mechanism.hash, hashing)
    }

    /// Whether a password is that of the credential.
    /// - Complexity: O(iterations): milliseconds, so never on a loop.
    package func isOf(password: [UInt8], _ mechanism: ScramMechanism, _ hashing: some SecretHashing) -> Bool {
        let other = Self(password: password, salt: salt, iterations: iterations, mechanism, hashing)
        return hashing.areEqual(other.storedKey, storedKey)
    }
}

extension ScramCredential: CustomStringConvertible {
    /// What clients are told of it: what may be logged.
    package var description: String { "\(iterations) iterations" }
}

/// What users that are unknown seem to have: the same salt each time they are asked for, so that nobody learns who is
/// known. Source: RFC 5802 §9.
package struct ScramDecoy: Sendable {
    private let key: [UInt8]
    private let iterations: Int
    private let saltByteCount: Int

    /// A decoy.
    /// - Parameters:
    ///   - key: a secret that stays the same when the node starts again: with another, salts that change give the
    ///     unknown away.
    ///   - iterations: as many as most users have.
    ///   - saltByteCount: as many bytes as the salts of most users have, 32 at most.
    package init(key: [UInt8], iterations: Int = 4096, saltByteCount: Int = 16) {
        precondition((1...32).contains(saltByteCount), "Cannot make such a salt of a digest")
        self.key = key
        self.iterations = iterations
        self.saltByteCount = saltByteCount
    }

    func credential(of user: [UInt8], _ mechanism: ScramMechanism, _ hashing: some SecretHashing) -> ScramCredential {
        let seed = Array(mechanism.rawValue.utf8) + [0] + user
        let salt = hashing.authenticationCode(.sha256, key: key, seed).prefix(saltByteCount)
        // Keys that no password leads to: the digest of something random is nobody's.
        let nobody = hashing.randomBytes(mechanism.hash.byteCount)
        return ScramCredential(iterations: iterations, salt: Array(salt), storedKey: nobody, serverKey: nobody)
    }
}
