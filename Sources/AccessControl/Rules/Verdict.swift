/// Which rule decided.
///
/// Layout: the index of a rule in its `AccessRules`; the largest numbers are no rules but reasons.
package struct RuleNumber: Equatable, Hashable, Sendable, BitwiseCopyable {
    let raw: UInt32

    init(_ index: Int) {
        precondition(index < UInt32.max - 16, "Cannot number so many rules")
        raw = UInt32(index)
    }

    private init(reason: UInt32) { raw = .max - reason }

    /// No rule speaks of it, and what nobody allows is refused.
    package static let noRule = RuleNumber(reason: 0)
    /// There are no rules at all.
    package static let unrestricted = RuleNumber(reason: 1)
    /// The user name or the client identifier holds `+`, `#` or the null character, and patterns are to be asked.
    package static let dangerousName = RuleNumber(reason: 2)
    /// Only the broker publishes there.
    package static let brokersOwn = RuleNumber(reason: 3)
    /// A group that no rule speaks of is open to MQTT's share subscriptions.
    package static let openGroup = RuleNumber(reason: 4)
    /// No rule gives transactional identifiers to anybody, so that they are free to everybody.
    package static let openTransaction = RuleNumber(reason: 5)

    /// Whether a rule decided.
    package var isRule: Bool { raw < UInt32.max - 16 }

    var index: Int { Int(raw) }
}

/// Whether something is allowed, and what says so.
///
/// Layout: a trivial value of eight bytes; `AccessRules.description(of:)` turns the rule into words.
package struct Verdict: Equatable, Sendable, BitwiseCopyable {
    /// Whether it is allowed.
    package let isAllowed: Bool
    /// The rule or the reason that decided.
    package let rule: RuleNumber

    /// Everything is allowed where there are no rules.
    package static let unrestricted = Verdict.allowed(.unrestricted)

    /// It is allowed, by a rule or for a reason.
    package static func allowed(_ rule: RuleNumber) -> Verdict { Verdict(isAllowed: true, rule: rule) }

    /// It is refused, by a rule or for a reason.
    package static func refused(_ rule: RuleNumber) -> Verdict { Verdict(isAllowed: false, rule: rule) }
}
