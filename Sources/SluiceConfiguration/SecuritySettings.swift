/// Who is let in, and what decides what they may do: at every listener, or at one.
package struct SecuritySettings: Equatable, Sendable {
    /// Whether clients that show no name are let in; nil for: on loopback, unless users are named.
    package var allowsAnonymous: Bool?
    /// The users and their passwords, as mosquitto_passwd and `sluice passwd` write them.
    package var passwordFile: NamedFile?
    /// Who may do what, in Mosquitto's grammar.
    package var aclFile: NamedFile?
    /// Pre-shared keys of TLS, as `IDENTITY:KEY`.
    package var pskFile: NamedFile?
    /// What of a client's certificate is its user name, as it is written.
    package var certificateUser: String?
    /// Where it is written.
    package var location: SourceLocation?

    /// Nothing is said.
    package init() {}

    /// The same settings, wherever they are written.
    package static func == (left: SecuritySettings, right: SecuritySettings) -> Bool {
        left.allowsAnonymous == right.allowsAnonymous && left.passwordFile == right.passwordFile
            && left.aclFile == right.aclFile && left.pskFile == right.pskFile
            && left.certificateUser == right.certificateUser
    }

    /// The words of `certificate_user`.
    package static let certificateUsers = ["cn", "subject", "dns", "email", "uri"]

    /// Takes what a section says of it.
    mutating func take(_ section: SectionReader) {
        location = section.location
        if let allows = section.value("allow_anonymous", .boolean) { allowsAnonymous = allows }
        passwordFile = section.file("password_file", "a file of users, as 'sluice passwd' writes it") ?? passwordFile
        aclFile = section.file("acl_file", "a file of rules, in Mosquitto's grammar") ?? aclFile
        pskFile = section.file("psk_file", "a file of keys, IDENTITY:KEY in hexadecimal") ?? pskFile
        let choices = Self.certificateUsers.joined(separator: ", ")
        if let user = section.value("certificate_user", .text("one of \(choices)")) {
            guard Self.certificateUsers.contains(user) else {
                return section.report(
                    at: section.valueLocation(of: "certificate_user"),
                    "'certificate_user': expected one of \(choices), found '\(user)'")
            }
            certificateUser = user
        }
    }
}
