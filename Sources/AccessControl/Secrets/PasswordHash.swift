import Administration

/// What a password file keeps of a password, in one of the forms that files have.
package enum PasswordHash: Sendable, Equatable {
    /// `$6$SALT$HASH`: SHA-512 of password and salt; mosquitto's until 1.6. Fast, and so weak.
    case sha512(salt: [UInt8], hash: [UInt8])
    /// `$7$ITERATIONS$SALT$HASH`: PBKDF2 with HMAC-SHA-512; mosquitto's since 2.0.
    case pbkdf2(iterations: Int, salt: [UInt8], hash: [UInt8])
    /// `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH`: mosquitto's since 2.1.
    case argon2id(Argon2Cost, salt: [UInt8], hash: [UInt8])
    /// `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY`, as PostgreSQL writes it.
    case scram(ScramMechanism, ScramCredential)

    /// A form, without its numbers.
    package enum Kind: Hashable, Sendable {
        /// `sha512`
        case sha512
        /// `pbkdf2`
        case pbkdf2
        /// `argon2id`
        case argon2id
        /// `scram`
        case scram(ScramMechanism)

        /// How a line of this form begins.
        package var mark: String {
            switch self {
            case .sha512: "$6$"
            case .pbkdf2: "$7$"
            case .argon2id: "$argon2id$"
            case .scram(let mechanism): mechanism.rawValue + "$"
            }
        }

        static let all: [Kind] = [.sha512, .pbkdf2, .argon2id, .scram(.sha256), .scram(.sha512)]
    }

    /// Its form.
    package var kind: Kind {
        switch self {
        case .sha512: .sha512
        case .pbkdf2: .pbkdf2
        case .argon2id: .argon2id
        case .scram(let mechanism, _): .scram(mechanism)
        }
    }

    /// Iterations of PBKDF2 in a new hash. mosquitto takes 101; with 4,096 and more a `$7$` line serves SCRAM-SHA-512
    /// too. 20,000 take 10 ms of one core.
    package static let iterationsUsual = 20_000
    /// More would keep a core busy for seconds at each login.
    package static let iterationsMax = 10_000_000
    /// Memory in KiB, passes and lanes of Argon2 that are taken.
    private static let argon2Bounds = (memory: 8...(2 << 20), passes: 1...100, lanes: 1...64)
    private static let saltBytesMax = 1024

    // MARK: Making

    /// A new hash of a password.
    /// - Parameter iterations: of PBKDF2; nil for the usual number.
    /// - Returns: nil when there is not the memory that Argon2 takes.
    /// - Complexity: milliseconds, so never on a loop.
    package static func make(
        _ kind: Kind, of password: [UInt8], iterations: Int? = nil, _ hashing: some SecretHashing
    ) -> PasswordHash? {
        let iterations = iterations ?? iterationsUsual
        // mosquitto 2.0 takes salts of 12 bytes only.
        let salt = hashing.randomBytes(12)
        switch kind {
        case .sha512: return .sha512(salt: salt, hash: hashing.digest(.sha512, password + salt))
        case .pbkdf2:
            let hash = hashing.derivedKey(.sha512, password: password, salt: salt, iterations: iterations)
            return .pbkdf2(iterations: iterations, salt: salt, hash: hash)
        case .argon2id:
            let salt = hashing.randomBytes(16)
            return hashing.argon2id(password: password, salt: salt, .usual, byteCount: 32)
                .map { .argon2id(.usual, salt: salt, hash: $0) }
        case .scram(let mechanism):
            let credential = ScramCredential(
                password: password, salt: hashing.randomBytes(16),
                iterations: max(iterations, ScramCredential.iterationsRange.lowerBound), mechanism, hashing)
            return .scram(mechanism, credential)
        }
    }

    // MARK: Judging

    /// Whether a password is the one.
    /// - Complexity: milliseconds, so never on a loop.
    package func isOf(_ password: [UInt8], _ hashing: some SecretHashing) -> Bool {
        switch self {
        case .sha512(let salt, let hash):
            return hashing.areEqual(hashing.digest(.sha512, password + salt), hash)
        case .pbkdf2(let iterations, let salt, let hash):
            let other = hashing.derivedKey(.sha512, password: password, salt: salt, iterations: iterations)
            return hashing.areEqual(other, hash)
        case .argon2id(let cost, let salt, let hash):
            let other = hashing.argon2id(password: password, salt: salt, cost, byteCount: hash.count)
            return other.map { hashing.areEqual($0, hash) } ?? false
        case .scram(let mechanism, let credential): return credential.isOf(password: password, mechanism, hashing)
        }
    }

    /// What asking costs, without the secret: two of equal cost take equally long.
    enum Cost: Hashable {
        case sha512
        case pbkdf2(Int)
        case argon2id(Argon2Cost)
        case scram(ScramMechanism, Int)
    }

    var cost: Cost {
        switch self {
        case .sha512: .sha512
        case .pbkdf2(let iterations, _, _): .pbkdf2(iterations)
        case .argon2id(let cost, _, _): .argon2id(cost)
        case .scram(let mechanism, let credential): .scram(mechanism, credential.iterations)
        }
    }

    // MARK: Text

    /// The text of a file.
    package var text: String {
        switch self {
        case .sha512(let salt, let hash): "$6$\(Base64.text(salt))$\(Base64.text(hash))"
        case .pbkdf2(let iterations, let salt, let hash):
            "$7$\(iterations)$\(Base64.text(salt))$\(Base64.text(hash))"
        case .argon2id(let cost, let salt, let hash):
            "$argon2id$v=19$m=\(cost.memoryKibibytes),t=\(cost.iterations),p=\(cost.lanes)"
                + "$\(Self.unpadded(salt))$\(Self.unpadded(hash))"
        case .scram(let mechanism, let credential):
            "\(mechanism.rawValue)$\(credential.iterations):\(Base64.text(credential.salt))"
                + "$\(Base64.text(credential.storedKey)):\(Base64.text(credential.serverKey))"
        }
    }

    private static func unpadded(_ bytes: [UInt8]) -> String {
        String(Base64.text(bytes).prefix { $0 != "=" })
    }

    /// Why a text is no hash; nothing of the text is in it.
    struct Fault: Error {
        let expected: String
    }

    /// The hash that a text says.
    init(_ text: ArraySlice<UInt8>) throws(Fault) {
        guard let kind = Kind.all.first(where: { text.starts(with: $0.mark.utf8) }) else {
            throw Fault(
                expected: "a hash that begins with '$7$', '$argon2id$', '$6$', 'SCRAM-SHA-256$' or 'SCRAM-SHA-512$'; "
                    + "'sluice passwd -U FILE' makes them of passwords")
        }
        let fields = text.dropFirst(kind.mark.utf8.count).split(
            separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
        switch kind {
        case .sha512: self = try Self.sha512(fields)
        case .pbkdf2: self = try Self.pbkdf2(fields)
        case .argon2id: self = try Self.argon2id(fields)
        case .scram(let mechanism): self = try Self.scram(fields, mechanism)
        }
    }

    private static func sha512(_ fields: [ArraySlice<UInt8>]) throws(Fault) -> PasswordHash {
        guard fields.count == 2, let salt = salt(fields[0]), let hash = Base64.bytes(fields[1]), hash.count == 64
        else { throw Fault(expected: "$6$SALT$HASH, in base64, with a hash of 64 bytes") }
        return .sha512(salt: salt, hash: hash)
    }

    private static func pbkdf2(_ fields: [ArraySlice<UInt8>]) throws(Fault) -> PasswordHash {
        guard fields.count == 3, let iterations = number(fields[0]), (1...iterationsMax).contains(iterations),
            let salt = salt(fields[1]), let hash = Base64.bytes(fields[2]), hash.count == 64
        else {
            throw Fault(
                expected:
                    "$7$ITERATIONS$SALT$HASH, with 1 to \(iterationsMax) iterations, in base64, with a hash of 64 bytes"
            )
        }
        return .pbkdf2(iterations: iterations, salt: salt, hash: hash)
    }

    private static func argon2id(_ fields: [ArraySlice<UInt8>]) throws(Fault) -> PasswordHash {
        let parts = fields.count > 1 ? fields[1].split(separator: UInt8(ascii: ",")) : []
        let bounds = argon2Bounds
        guard fields.count == 4, fields[0].elementsEqual("v=19".utf8), parts.count == 3,
            let memory = parameter("m=", parts[0]), bounds.memory.contains(memory),
            let passes = parameter("t=", parts[1]), bounds.passes.contains(passes),
            let lanes = parameter("p=", parts[2]), bounds.lanes.contains(lanes), memory >= 8 * lanes,
            let salt = bytes(unpadded: fields[2]), (8...saltBytesMax).contains(salt.count),
            let hash = bytes(unpadded: fields[3]), (16...1024).contains(hash.count)
        else {
            throw Fault(
                expected:
                    "$argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH, with up to \(bounds.memory.upperBound) KiB, "
                    + "\(bounds.passes.upperBound) passes and \(bounds.lanes.upperBound) lanes")
        }
        let cost = Argon2Cost(memoryKibibytes: memory, iterations: passes, lanes: lanes)
        return .argon2id(cost, salt: salt, hash: hash)
    }

    private static func scram(
        _ fields: [ArraySlice<UInt8>], _ mechanism: ScramMechanism
    ) throws(Fault) -> PasswordHash {
        let colon = UInt8(ascii: ":")
        let range = ScramCredential.iterationsRange
        let first = fields.first?.split(separator: colon) ?? []
        let keys = fields.count == 2 ? fields[1].split(separator: colon) : []
        guard first.count == 2, keys.count == 2, let iterations = number(first[0]), range.contains(iterations),
            let salt = salt(first[1]), let stored = Base64.bytes(keys[0]), let server = Base64.bytes(keys[1]),
            stored.count == mechanism.hash.byteCount, server.count == mechanism.hash.byteCount
        else {
            throw Fault(
                expected: "\(mechanism.rawValue)$ITERATIONS:SALT$STOREDKEY:SERVERKEY, with \(range.lowerBound) to "
                    + "\(range.upperBound) iterations, in base64")
        }
        let credential = ScramCredential(iterations: iterations, salt: salt, storedKey: stored, serverKey: server)
        return .scram(mechanism, credential)
    }

    private static func salt(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        Base64.bytes(text).flatMap { (1...saltBytesMax).contains($0.count) ? $0 : nil }
    }

    private static func bytes(unpadded text: ArraySlice<UInt8>) -> [UInt8]? {
        Base64.bytes(text + [UInt8](repeating: UInt8(ascii: "="), count: (4 - text.count % 4) % 4))
    }

    private static func parameter(_ name: String, _ text: ArraySlice<UInt8>) -> Int? {
        text.starts(with: name.utf8) ? number(text.dropFirst(2)) : nil
    }

    private static func number(_ text: ArraySlice<UInt8>) -> Int? {
        guard (1...9).contains(text.count), text.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return text.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}

extension PasswordHash: CustomStringConvertible {
    /// Its form: what may be logged of it.
    package var description: String { "\(kind.mark)…" }
}
