/// A credential that a client has set, as a record of the node's own: the last one of its key counts.
///
/// Layout: key `scram/MECHANISM/USER`; value the line of a password file behind `USER:`, nil takes it away.
package enum ScramRecord {
    private static let prefix = Array("scram/".utf8)

    /// The key of a user's credential.
    package static func key(_ user: [UInt8], _ mechanism: ScramMechanism) -> [UInt8] {
        prefix + Array(mechanism.rawValue.utf8) + [UInt8(ascii: "/")] + user
    }

    /// Whose credential a key is; nil for a key of something else.
    package static func parse(key: [UInt8]) -> (user: [UInt8], mechanism: ScramMechanism)? {
        guard key.starts(with: prefix) else { return nil }
        let rest = key.dropFirst(prefix.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")),
            let mechanism = ScramMechanism(rawValue: String(decoding: rest[..<slash], as: UTF8.self))
        else { return nil }
        return (Array(rest[(slash + 1)...]), mechanism)
    }

    /// The value of a credential.
    package static func value(_ credential: ScramCredential, _ mechanism: ScramMechanism) -> [UInt8] {
        Array(PasswordHash.scram(mechanism, credential).text.utf8)
    }

    /// The credential that a value says; nil when it says none.
    package static func credential(_ value: [UInt8]) -> ScramCredential? {
        do throws(PasswordHash.Fault) {
            guard case .scram(_, let credential) = try PasswordHash(value[...]) else { return nil }
            return credential
        } catch {
            return nil
        }
    }
}

/// The credentials that clients have set, by user.
package struct ScramTable: Sendable {
    private var credentials: [[UInt8]: [ScramMechanism: ScramCredential]] = [:]
    /// Records that were not understood.
    package private(set) var damagedCount = 0

    /// None was set.
    package init() {}

    /// A record of the stream, when it is read at the start.
    package mutating func apply(key: [UInt8], value: [UInt8]?) {
        guard let (user, mechanism) = ScramRecord.parse(key: key) else { return }
        guard let value else { return set(nil, of: user, mechanism) }
        guard let credential = ScramRecord.credential(value) else {
            damagedCount += 1
            return
        }
        set(credential, of: user, mechanism)
    }

    /// Whether there are none.
    package var isEmpty: Bool { credentials.isEmpty }

    /// What a user has.
    package subscript(user: [UInt8]) -> [ScramMechanism: ScramCredential]? { credentials[user] }

    /// The users.
    package var users: [[UInt8]: [ScramMechanism: ScramCredential]] { credentials }

    /// Sets a credential, or takes it away.
    package mutating func set(_ credential: ScramCredential?, of user: [UInt8], _ mechanism: ScramMechanism) {
        credentials[user, default: [:]][mechanism] = credential
        if credentials[user]?.isEmpty == true { credentials[user] = nil }
    }
}
