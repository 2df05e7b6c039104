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
    /// JSON Web Tokens in place of passwords.
    package var tokens: TokenSettings?
    /// Where it is written.
    package var location: SourceLocation?

    /// Nothing is said.
    package init() {}

    /// The same settings, wherever they are written.
    package static func == (left: SecuritySettings, right: SecuritySettings) -> Bool {
        left.allowsAnonymous == right.allowsAnonymous && left.passwordFile == right.passwordFile
            && left.aclFile == right.aclFile && left.pskFile == right.pskFile
            && left.certificateUser == right.certificateUser && left.tokens == right.tokens
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
        section.section("jwt") { tokens = TokenSettings($0) ?? tokens }
    }
}

/// What JSON Web Tokens must say, and where they say it.
package struct TokenSettings: Equatable, Sendable {
    /// A public key or certificate in PEM, a JSON Web Key Set, or a secret.
    package var keyFile: NamedFile
    /// The issuer (`iss`); nil for any.
    package var issuer: String?
    /// The audience (`aud`); nil for any.
    package var audience: String?
    /// How far clocks may be apart.
    package var leeway: Duration = .seconds(30)
    /// Whether a token without an end is refused.
    package var requiresExpiry = true
    /// The claim of the user name.
    package var userClaim = "sub"
    /// The claim of roles.
    package var rolesClaim: String?
    /// The claim of filters that may be published to.
    package var publishClaim: String?
    /// The claim of filters that may be read.
    package var readClaim: String?

    init?(_ section: SectionReader) {
        let file = section.file("key_file", required: "a public key in PEM, a JSON Web Key Set, or a secret")
        issuer = section.value("issuer", .text("what tokens say in 'iss'"))
        audience = section.value("audience", .text("what tokens say in 'aud'"))
        if let leeway = section.value("leeway", .duration(.zero ... .seconds(3600))) { self.leeway = leeway }
        if let requires = section.value("require_expiry", .boolean) { requiresExpiry = requires }
        if let claim = section.value("user_claim", .text("a claim, such as sub")) { userClaim = claim }
        rolesClaim = section.value("roles_claim", .text("a claim, such as roles"))
        publishClaim = section.value("publish_claim", .text("a claim, such as publish"))
        readClaim = section.value("read_claim", .text("a claim, such as subscribe"))
        guard let file else { return nil }
        keyFile = file
    }
}
