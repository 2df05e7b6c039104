package import Speaking

/// Who may do what: the rules of one source, an ACL file or the section `access` of a configuration.
///
/// A value that never changes: a reload makes another, and connections ask it for their rights again.
/// Isolation: any thread.
package struct AccessRules: Sendable {
    private let store: RuleStore
    private let tables: [RuleTable]
    private let users: [[UInt8]: [Int]]
    private let roles: [[UInt8]: Int]
    private let anonymous: [Int]
    private let authenticated: [Int]
    private let patterns: Int?

    init(
        _ store: RuleStore, tables: [RuleTable], users: [[UInt8]: [Int]], roles: [[UInt8]: Int], anonymous: [Int],
        authenticated: [Int], patterns: Int?
    ) {
        self.store = store
        self.tables = tables
        self.users = users
        self.roles = roles
        self.anonymous = anonymous
        self.authenticated = authenticated
        self.patterns = patterns
    }

    /// How many rules there are.
    package var ruleCount: Int { store.rules.count }

    /// Whether somebody is given transactional identifiers to use, so that those that no rule gives are refused.
    package var givesTransactions: Bool { store.givesTransactions }

    /// The users that rules name, in no order.
    package var userNames: [[UInt8]] { Array(users.keys) }

    /// What a connection may do. Bridges of this node and the node itself may do everything, as with Mosquitto.
    /// - Parameters:
    ///   - principal: who it speaks for; a user is who an entry names byte for byte.
    ///   - clientID: what stands for `%c`: MQTT's client identifier, or Kafka's client id.
    ///   - granted: roles that a token brings, beside those that the user has here; one that is not here gives nothing.
    /// - Complexity: O(1), but for the user's roles.
    package func rights(of principal: Principal, clientID: [UInt8], granted: [String] = []) -> AccessRights {
        let user: [UInt8]?
        switch principal {
        case .bridge, .node: return .unrestricted
        case .anonymous: user = nil
        case .user(let name), .certificate(let name): user = Array(name.utf8)
        }
        var own = user.map { users[$0] ?? [] } ?? anonymous
        let more = granted.compactMap { roles[Array($0.utf8)] } + (user == nil ? [] : authenticated)
        for table in more where !own.contains(table) { own.append(table) }
        return AccessRights(
            store, own: own.map { tables[$0] }, shared: patterns.map { tables[$0] },
            names: Names(user: user, client: clientID))
    }

    /// A rule in words, with file and line, as `acl.conf:12: topic read sensors/#`; what else decided, when none did.
    package func description(of rule: RuleNumber) -> String { store.description(of: rule) }

    /// What decided when no rule did.
    package static func reason(_ rule: RuleNumber) -> String {
        switch rule {
        case .unrestricted: "there are no rules"
        case .dangerousName: "the user name or client identifier would be a wildcard in a pattern"
        case .brokersOwn: "only the broker publishes there"
        case .openGroup: "no rule denies the group"
        case .openTransaction: "no rule gives transactional identifiers to anybody"
        default: "no rule allows it"
        }
    }
}
