/// How the node's own commands call themselves, so that a list of sessions can tell them from devices.
///
/// Layout: `sluice-cli-`, the command's words with dots between them, a hyphen, and what makes it unique.
package enum CommandIdentity {
    /// What the identifiers of commands begin with.
    package static let prefix = "sluice-cli-"

    /// The command that a client identifier is of, such as `sessions list`; nil for everybody else's.
    package static func command(of clientID: [UInt8]) -> String? {
        guard clientID.starts(with: prefix.utf8) else { return nil }
        let verb = clientID.dropFirst(prefix.utf8.count).prefix { $0 != UInt8(ascii: "-") }
        guard !verb.isEmpty,
            verb.allSatisfy({ $0 == UInt8(ascii: ".") || ("a"..."z").contains(Character(Unicode.Scalar($0))) })
        else { return nil }
        return String(decoding: verb.map { $0 == UInt8(ascii: ".") ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }
}
