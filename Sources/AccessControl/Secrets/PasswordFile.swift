/// The users of a password file, in Mosquitto's form.
///
/// Layout: lines of `USER:HASH`; `#` in the first column begins a comment. A user may have several lines, one for each
/// form of hash; a password is judged by the first of them.
/// Isolation: any thread; never changes.
package struct PasswordFile: Sendable {
    private let hashes: [[UInt8]: [PasswordHash]]
    private let token = Token()
    /// What asking for a user who is not there costs: as much as for most who are.
    private let decoy: PasswordHash

    private final class Token: Sendable {}

    private init(_ hashes: [[UInt8]: [PasswordHash]]) {
        self.hashes = hashes
        var counts: [PasswordHash.Cost: Int] = [:]
        for user in hashes.values { counts[user[0].cost, default: 0] += 1 }
        let usual = counts.max { $0.value < $1.value }?.key ?? .pbkdf2(PasswordHash.iterationsUsual)
        decoy = Self.nobody(usual)
    }

    /// A hash that costs so much, of no password.
    private static func nobody(_ cost: PasswordHash.Cost) -> PasswordHash {
        let (salt, hash) = ([UInt8](repeating: 0, count: 16), [UInt8](repeating: 0, count: 64))
        return switch cost {
        case .sha512: .sha512(salt: salt, hash: hash)
        case .pbkdf2(let iterations): .pbkdf2(iterations: iterations, salt: salt, hash: hash)
        case .argon2id(let cost): .argon2id(cost, salt: salt, hash: Array(hash.prefix(32)))
        case .scram(let mechanism, let iterations):
            .scram(
                mechanism,
                ScramCredential(
                    iterations: iterations, salt: salt, storedKey: Array(hash.prefix(mechanism.hash.byteCount)),
                    serverKey: hash))
        }
    }

    /// Reads a file.
    /// - Parameters:
    ///   - text: its bytes; a byte order mark and carriage returns are passed over.
    ///   - file: its name in errors.
    /// - Throws: the first error, with its line and without anything of a hash or password.
    package static func parse(_ text: [UInt8], file: String) throws(SecurityFileError) -> PasswordFile {
        var hashes: [[UInt8]: [PasswordHash]] = [:]
        for (index, line) in SecurityLines.split(text).enumerated() {
            func error(_ message: String) -> SecurityFileError {
                SecurityFileError(file: file, line: index + 1, message: message)
            }
            guard let entry = try PasswordLine(line, error) else { continue }
            let hash: PasswordHash
            do throws(PasswordHash.Fault) {
                hash = try PasswordHash(entry.secret)
            } catch let fault {
                throw error("expected \(fault.expected)")
            }
            if hashes[entry.user]?.contains(where: { $0.kind == hash.kind }) == true {
                let user = String(decoding: entry.user, as: UTF8.self)
                throw error("the user '\(user)' has a '\(hash.kind.mark)' already")
            }
            hashes[entry.user, default: []].append(hash)
        }
        return PasswordFile(hashes)
    }

    /// What tells this reading of the file from others for as long as it is there.
    package var version: ObjectIdentifier { ObjectIdentifier(token) }

    /// The names of the users, in no order.
    package var users: [[UInt8]] { Array(hashes.keys) }

    /// Whether a user is here.
    package func has(_ user: [UInt8]) -> Bool { hashes[user] != nil }

    /// Whether a password is the user's. A user who is not here costs as much as one who is.
    /// - Complexity: milliseconds, so never on a loop.
    package func verify(_ user: [UInt8], password: [UInt8], _ hashing: some SecretHashing) -> Bool {
        guard let hash = hashes[user]?.first else {
            _ = decoy.isOf(password, hashing)
            return false
        }
        // HMAC pads its keys with zeros, and mosquitto's strings end there: no other password may pass for this one.
        return hash.isOf(password, hashing) && !password.contains(0)
    }

    /// What SCRAM keeps of a user's password: a line of the mechanism, or for SCRAM-SHA-512 a `$7$` of at least 4,096
    /// iterations, whose hash is the salted password.
    /// - Complexity: a few digests; a loop may wait for it.
    package func scramCredential(
        _ user: [UInt8], _ mechanism: ScramMechanism, _ hashing: some SecretHashing
    ) -> ScramCredential? {
        for hash in hashes[user] ?? [] {
            if case .scram(mechanism, let credential) = hash { return credential }
        }
        guard mechanism == .sha512 else { return nil }
        for hash in hashes[user] ?? [] {
            if case .pbkdf2(let iterations, let salt, let salted) = hash,
                ScramCredential.iterationsRange.contains(iterations)
            {
                return ScramCredential(
                    saltedPassword: salted, salt: salt, iterations: iterations, .sha512, hashing)
            }
        }
        return nil
    }
}

extension PasswordFile: CustomStringConvertible {
    /// How many users there are: what may be logged of it.
    package var description: String { "\(hashes.count) users" }
}

/// A line of a password file that says something.
struct PasswordLine {
    let user: [UInt8]
    let secret: ArraySlice<UInt8>

    /// The line, without blanks at its end; nil for a comment and for nothing.
    init?(
        _ line: ArraySlice<UInt8>, form: String = "USER:HASH", _ error: (String) -> SecurityFileError
    ) throws(SecurityFileError) {
        if line.isEmpty || line.first == UInt8(ascii: "#") { return nil }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            throw error("expected \(form), found no ':'")
        }
        user = Array(SecurityLines.trimmed(line[..<colon]))
        secret = SecurityLines.trimmed(line[(colon + 1)...])
        if user.isEmpty { throw error("expected \(form), found nothing before the ':'") }
        guard user.count <= 65_535, !user.contains(0), String(validating: user, as: UTF8.self) != nil else {
            throw error("expected a name in UTF-8 of up to 65535 bytes")
        }
        if secret.isEmpty { throw error("expected \(form), found nothing behind the ':'") }
    }
}
