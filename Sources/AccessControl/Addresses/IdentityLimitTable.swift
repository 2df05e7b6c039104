package import SluiceCore
package import Speaking

/// The limits of users and roles, as the section `access` has them.
package struct IdentityLimitTable: Sendable, Equatable {
    /// The limits of roles.
    package var roles: [String: IdentityLimits] = [:]
    /// Roles of everybody who shows a user name.
    package var authenticated: [String] = []
    /// Roles of those who show none.
    package var anonymous: [String] = []
    private var own: [[UInt8]: User] = [:]

    private struct User: Equatable {
        var limits: IdentityLimits
        var roles: [String]
    }

    /// Nobody has limits of its own.
    package init() {}

    /// Sets what a user has.
    package mutating func set(_ limits: IdentityLimits, roles: [String], of user: String) {
        own[Array(user.utf8)] = User(limits: limits, roles: roles)
    }

    /// Whether nobody has any.
    package var isEmpty: Bool {
        roles.values.allSatisfy { $0 == IdentityLimits() } && own.values.allSatisfy { $0.limits == IdentityLimits() }
    }

    /// The limits of a principal: its own, else the most that one of its roles has; nil when nothing is said of it.
    /// - Parameter granted: roles that a token brings.
    package func limits(of principal: Principal, granted: [String]) -> IdentityLimits? {
        if isEmpty { return nil }
        let names: [String]
        var user = IdentityLimits()
        switch principal {
        case .bridge, .node: return nil
        case .anonymous: names = anonymous
        case .user(let name), .certificate(let name):
            let known = own[Array(name.utf8)]
            user = known?.limits ?? IdentityLimits()
            names = (known?.roles ?? []) + granted + authenticated
        }
        let ofRoles = names.compactMap { roles[$0] }.reduce(IdentityLimits()) { $0.merged(with: $1) }
        let limits = user.over(ofRoles)
        return limits == IdentityLimits() ? nil : limits
    }
}
