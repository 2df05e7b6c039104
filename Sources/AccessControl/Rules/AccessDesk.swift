package import SluiceCore
package import Speaking

/// Where connections ask for their rights.
///
/// Isolation: any thread.
package protocol AccessDesk: Sendable {
    /// What a connection may do as of now; nil for everything. Asked when its principal is known, and again when
    /// everybody is told that rights have changed.
    /// - Parameters:
    ///   - clientID: MQTT's client identifier, or Kafka's client id.
    ///   - grant: what its credentials brought beside a name; nil for nothing.
    ///   - listener: where it came in; nil for what outlives its connection, as wills do.
    func rights(
        of principal: Principal, clientID: [UInt8], grant: CredentialGrant?, on listener: ListenerIdentity?
    ) -> AccessRights?
    /// Why a principal may not stay connected, as one whose user is gone; nil when it may.
    func dismissal(of principal: Principal, grant: CredentialGrant?, on listener: ListenerIdentity) -> String?
    /// The limits that a principal has of its own; nil where nothing is said of it.
    func limits(of principal: Principal, grant: CredentialGrant?) -> IdentityLimits?
}

extension AccessDesk {
    /// Nobody has limits of its own.
    package func limits(of principal: Principal, grant: CredentialGrant?) -> IdentityLimits? { nil }
}

extension AccessRights {
    /// What decided, in words, with file and line when it was a rule.
    package func description(of rule: RuleNumber) -> String { store?.description(of: rule) ?? AccessRules.reason(rule) }
}

extension RuleStore {
    /// A rule in words, as `acl.conf:12: topic read sensors/#`; what else decided, when none did.
    func description(of rule: RuleNumber) -> String {
        guard rule.isRule else { return AccessRules.reason(rule) }
        precondition(rule.index < rules.count, "Cannot describe the rule of other rules")
        let stored = rules[rule.index]
        let filter = String(decoding: words[stored.bytes], as: UTF8.self)
        let lead = leads[Int(stored.lead)]
        return "\(file):\(stored.line): \(filter.isEmpty ? lead : "\(lead) \(filter)")"
    }
}
