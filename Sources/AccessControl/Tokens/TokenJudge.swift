import Administration
import SluiceCore
import TopicRouting

/// What a token that was judged says.
package struct Token: Equatable, Sendable {
    /// The user name.
    package var user: String
    /// Roles, of those that the rules have.
    package var roles: [String] = []
    /// Filters of what may be published; nil when tokens say nothing of it.
    package var publish: [[UInt8]]?
    /// Filters of what may be read; nil when tokens say nothing of it.
    package var read: [[UInt8]]?
    /// When it ends, in seconds since 1970, leeway included: what was allowed by it ends then. Nil for never.
    package var expirySeconds: Int64?

    /// A token from its parts.
    package init(
        user: String, roles: [String] = [], publish: [[UInt8]]? = nil, read: [[UInt8]]? = nil,
        expirySeconds: Int64? = nil
    ) {
        self.user = user
        self.roles = roles
        self.publish = publish
        self.read = read
        self.expirySeconds = expirySeconds
    }

    /// Rules of what the token itself allows; nil when it says nothing of topics.
    package var rules: AccessRules? { rules(beside: nil) }

    /// Rules of what the token itself allows; nil when it says nothing of topics.
    /// - Parameter node: the rules that hold for others: where they give transactional identifiers to somebody, the
    ///   token is to name its own.
    package func rules(beside node: AccessRules?) -> AccessRules? {
        if publish == nil, read == nil { return nil }
        var builder = AccessRulesBuilder(file: "token")
        builder.givesTransactions = node?.givesTransactions ?? false
        let target = builder.user(Array(user.utf8))
        for (grant, filters) in [(Grant.write, publish), (.read, read)] {
            for filter in filters ?? [] {
                do throws(TopicSyntaxError) {
                    try builder.add(
                        grant, filter, to: target, line: 1, lead: grant.word, takesPlaceholders: false)
                } catch {
                    preconditionFailure("Cannot use a filter that was refused: \(error)")
                }
            }
        }
        return builder.build()
    }
}

/// Why a token is not taken.
package enum TokenFault: Error, Equatable, Sendable {
    /// It is no JSON Web Token of three parts, or longer than any.
    case malformed
    /// It is signed by no algorithm that there is a key for; `none` is never one.
    case algorithm
    /// It demands something that is not known (`crit`).
    case criticalExtension
    /// No key of ours has signed it.
    case signature
    /// It has ended.
    case expired
    /// It is not valid yet, or from the future.
    case notYetValid
    /// It is of another issuer.
    case issuer
    /// It is for somebody else.
    case audience
    /// A claim is missing or not of its kind.
    case claim(String)
}

extension TokenFault: CustomStringConvertible {
    /// A sentence for logs and reason strings.
    package var description: String {
        switch self {
        case .malformed: "it is no JSON Web Token"
        case .algorithm: "it is signed in a way that no key here is for"
        case .criticalExtension: "it demands an extension that is not known"
        case .signature: "no key here has signed it"
        case .expired: "it has ended"
        case .notYetValid: "it is not valid yet"
        case .issuer: "it is of another issuer"
        case .audience: "it is for another audience"
        case .claim(let name): "its claim '\(name)' is missing or not as expected"
        }
    }
}

/// Judges JSON Web Tokens.
///
/// Isolation: any thread; never changes.
/// Source: RFC 7519, RFC 7515, RFC 8725.
package struct TokenJudge: Sendable {
    /// What tokens must say, and where they say it. A claim's name may be a path, as `realm_access.roles`.
    package struct Settings: Sendable, Equatable {
        /// The issuer (`iss`); nil for any.
        package var issuer: String?
        /// The audience, one of a token's (`aud`); nil for any.
        package var audience: String?
        /// How far clocks may be apart, in seconds.
        package var leewaySeconds = 30
        /// Whether a token without an end is refused.
        package var requiresExpiry = true
        /// The claim of the user name.
        package var userClaim = "sub"
        /// The claim of roles: a list, or words with blanks between them.
        package var rolesClaim: String?
        /// The claim of filters that may be published to.
        package var publishClaim: String?
        /// The claim of filters that may be read.
        package var readClaim: String?

        /// What is usual.
        package init() {}
    }

    private let keys: TokenKeys
    private let settings: Settings

    /// A longer token is none.
    package static let bytesMax = 16 << 10
    /// Filters and roles of one token.
    private static let listMax = 256

    /// A judge.
    package init(_ keys: TokenKeys, _ settings: Settings) {
        self.keys = keys
        self.settings = settings
    }

    /// Judges a token.
    /// - Parameter now: seconds since 1970.
    /// - Throws: the first reason not to take it. What it says is looked at only once its signature is judged.
    /// - Complexity: a signature: 100 us.
    package func judge(_ text: [UInt8], now: Int64) throws(TokenFault) -> Token {
        guard text.count <= Self.bytesMax else { throw .malformed }
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]), let signature = Base64.urlBytes(parts[2]) else {
            throw .malformed
        }
        if header["crit"] != nil { throw .criticalExtension }
        guard let algorithm = header["alg"]?.text.flatMap(TokenAlgorithm.init(rawValue:)) else { throw .algorithm }
        let identifier = header["kid"]?.text
        if header["kid"] != nil, identifier == nil { throw .malformed }
        let candidates = keys.candidates(algorithm, identifier)
        if candidates.isEmpty { throw keys.candidates(algorithm, nil).isEmpty ? .algorithm : .signature }
        let message = Array(text[..<(parts[2].startIndex - 1)])
        guard candidates.contains(where: { $0.isSigned(message, by: signature) }) else { throw .signature }
        guard let claims = Self.object(parts[1]) else { throw .malformed }
        return try token(claims, now)
    }

    private static func object(_ part: ArraySlice<UInt8>) -> JSON? {
        guard let bytes = Base64.urlBytes(part), let document = JSONReader.read(bytes), case .object = document else {
            return nil
        }
        return document
    }

    // MARK: Claims

    private func token(_ claims: JSON, _ now: Int64) throws(TokenFault) -> Token {
        let leeway = Int64(settings.leewaySeconds)
        let expiry = try Self.seconds(claims, "exp")
        if let expiry, now >= expiry + leeway { throw .expired }
        if expiry == nil, settings.requiresExpiry { throw .claim("exp") }
        for name in ["nbf", "iat"] {
            if let start = try Self.seconds(claims, name), start > now + leeway { throw .notYetValid }
        }
        if let issuer = settings.issuer, claims["iss"]?.text?.utf8.elementsEqual(issuer.utf8) != true { throw .issuer }
        if let audience = settings.audience {
            let audiences = claims["aud"]?.elements ?? claims["aud"].map { [$0] } ?? []
            guard audiences.contains(where: { $0.text?.utf8.elementsEqual(audience.utf8) == true }) else {
                throw .audience
            }
        }
        guard let user = Self.claim(settings.userClaim, of: claims)?.text, !user.isEmpty, user.utf8.count <= 65_535,
            !user.utf8.contains(0)
        else { throw .claim(settings.userClaim) }
        return Token(
            user: user, roles: try roles(claims), publish: try filters(settings.publishClaim, claims),
            read: try filters(settings.readClaim, claims), expirySeconds: expiry.map { $0 + leeway })
    }

    /// A time; nil when nothing is said.
    private static func seconds(_ claims: JSON, _ name: String) throws(TokenFault) -> Int64? {
        switch claims[name] {
        case nil: return nil
        case .integer(let seconds) where (0...farthest).contains(seconds): return seconds
        case .number(let seconds) where seconds >= 0 && seconds <= Double(farthest): return Int64(seconds)
        default: throw .claim(name)
        }
    }

    /// The year 9999: later ones are no dates, and sums with them could overflow.
    private static let farthest: Int64 = 253_402_300_799

    /// The claim of a name, or at the end of a path.
    private static func claim(_ name: String, of claims: JSON) -> JSON? {
        if let value = claims[name] { return value }
        var value: JSON? = claims
        for part in name.split(separator: ".") { value = value?[String(part)] }
        return name.contains(".") ? value : nil
    }

    private func roles(_ claims: JSON) throws(TokenFault) -> [String] {
        guard let name = settings.rolesClaim, let claim = Self.claim(name, of: claims) else { return [] }
        if let text = claim.text { return text.split(separator: " ").prefix(Self.listMax).map(String.init) }
        return try Self.texts(claim, name)
    }

    /// The filters of a claim; none when tokens say it and this one does not, nil when tokens do not.
    private func filters(_ name: String?, _ claims: JSON) throws(TokenFault) -> [[UInt8]]? {
        guard let name else { return nil }
        guard let claim = Self.claim(name, of: claims) else { return [] }
        var filters: [[UInt8]] = []
        for text in try Self.texts(claim, name) {
            let filter = Array(text.utf8)
            do throws(TopicSyntaxError) { try FilterSyntax.check(filter: filter.span) } catch { throw .claim(name) }
            filters.append(filter)
        }
        return filters
    }

    private static func texts(_ claim: JSON, _ name: String) throws(TokenFault) -> [String] {
        guard let elements = claim.elements, elements.count <= listMax else { throw .claim(name) }
        var texts: [String] = []
        for element in elements {
            guard let text = element.text else { throw .claim(name) }
            texts.append(text)
        }
        return texts
    }
}
