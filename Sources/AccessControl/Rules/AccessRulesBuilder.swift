import SluiceCore
package import TopicRouting

/// Collects rules from whatever they are written in.
///
/// Isolation: one reading.
package struct AccessRulesBuilder {
    /// A set of rules that is being collected: a user's, a role's, or the patterns of everybody.
    package struct Target: Hashable, Sendable {
        let index: Int
    }

    private struct Draft {
        var denials: [StoredRule] = []
        var gifts: [StoredRule] = []
        var names: [(kind: NameRule.Kind, rule: StoredRule, isPrefix: Bool)] = []
        var administration: StoredRule?
    }

    private let file: String
    private var drafts: [Draft] = []
    private var words: [UInt8] = []
    private var leads: [String] = []
    private var leadNumbers: [String: UInt32] = [:]
    private var users: [[UInt8]: [Int]] = [:]
    private var roles: [[UInt8]: Int] = [:]
    private var anonymous: [Int] = []
    private var authenticated: [Int] = []
    private var patterns: Int?
    /// Whether somebody is given transactional identifiers to use: those that no rule gives are refused then, and free
    /// to everybody before.
    package var givesTransactions = false

    /// No rules yet.
    /// - Parameter file: the name of their source in descriptions.
    package init(file: String) { self.file = file }

    // MARK: Targets

    /// The rules of one user.
    package mutating func user(_ name: [UInt8]) -> Target {
        if let index = users[name]?.first { return Target(index: index) }
        let target = makeTarget()
        users[name] = [target.index]
        return target
    }

    /// The rules of those who show no user name.
    package mutating func anonymousTarget() -> Target {
        if let index = anonymous.first { return Target(index: index) }
        let target = makeTarget()
        anonymous = [target.index]
        return target
    }

    /// The patterns of everybody.
    package mutating func patternTarget() -> Target {
        if let patterns { return Target(index: patterns) }
        let target = makeTarget()
        patterns = target.index
        return target
    }

    /// The rules of a new role.
    package mutating func role(_ name: String) -> Target {
        let target = makeTarget()
        roles[Array(name.utf8)] = target.index
        return target
    }

    /// Gives a user roles.
    package mutating func assign(_ targets: [Target], to user: [UInt8]) { users[user] = targets.map(\.index) }

    /// Gives those who show no user name roles.
    package mutating func assignToAnonymous(_ targets: [Target]) { anonymous = targets.map(\.index) }

    /// Gives roles to everybody who shows a user name.
    package mutating func assignToAuthenticated(_ targets: [Target]) { authenticated = targets.map(\.index) }

    private mutating func makeTarget() -> Target {
        drafts.append(Draft())
        return Target(index: drafts.count - 1)
    }

    // MARK: Rules

    /// Adds a rule of topics.
    /// - Parameters:
    ///   - lead: the words in front of the filter, for descriptions.
    ///   - takesPlaceholders: whether `%u` and `%c` stand for names in it.
    /// - Throws: what is wrong with the filter.
    package mutating func add(
        _ grant: Grant, _ filter: some Collection<UInt8>, to target: Target, line: Int, lead: String,
        takesPlaceholders: Bool
    ) throws(TopicSyntaxError) {
        let start = words.count
        words.append(contentsOf: filter)
        do throws(TopicSyntaxError) {
            // Topics of any length that the protocol has may be named, whatever the configuration takes.
            var limits = Limits()
            limits.topicBytesMax = 65_535
            try FilterSyntax.check(filter: words.span.extracting(start..<words.count), limits: limits)
        } catch {
            words.removeLast(words.count - start)
            throw error
        }
        var rule = makeRule(grant, start, line, lead)
        rule.hasPlaceholders = takesPlaceholders && PatternMatch.hasPlaceholders(words[start...])
        if grant.gives(.write), words[start...].starts(with: AccessRights.transactionPrefix.utf8) {
            givesTransactions = true
        }
        if grant == .deny {
            drafts[target.index].denials.append(rule)
        } else {
            drafts[target.index].gifts.append(rule)
        }
    }

    /// Adds a right to streams, groups or transactional identifiers.
    /// - Parameter name: the name, or with `*` at its end the beginning of names.
    package mutating func add(_ right: NamedRight, _ name: String, to target: Target, line: Int, lead: String) {
        let start = words.count
        words.append(contentsOf: name.utf8)
        let kind: NameRule.Kind =
            switch right {
            case .readStream: .readStream
            case .writeStream: .writeStream
            case .group: .group
            case .transaction: .transaction
            }
        if right == .transaction { givesTransactions = true }
        let rule = makeRule(.read, start, line, lead)
        drafts[target.index].names.append((kind, rule, name.hasSuffix("*")))
    }

    /// Gives the right to administer.
    package mutating func addAdministration(to target: Target, line: Int, lead: String) {
        drafts[target.index].administration = makeRule(.readWrite, words.count, line, lead)
    }

    /// What a name may be given a right to.
    package enum NamedRight: Sendable {
        /// Reading a stream as a whole.
        case readStream
        /// Writing records to a stream.
        case writeStream
        /// Membership of a group, and its offsets.
        case group
        /// Producing in transactions under an identifier.
        case transaction
    }

    private mutating func makeRule(_ grant: Grant, _ start: Int, _ line: Int, _ lead: String) -> StoredRule {
        precondition(words.count < UInt32.max, "Cannot keep rules of 4 GiB")
        let number: UInt32
        if let known = leadNumbers[lead] {
            number = known
        } else {
            number = UInt32(leads.count)
            leads.append(lead)
            leadNumbers[lead] = number
        }
        return StoredRule(
            start: UInt32(start), byteCount: UInt32(words.count - start), line: UInt32(clamping: line), lead: number,
            grant: grant, hasPlaceholders: false)
    }

    // MARK: Result

    /// The rules, ready to be asked.
    /// - Complexity: O(bytes of the rules).
    package func build() -> AccessRules {
        var rules: [StoredRule] = []
        let tables = drafts.map { table(of: $0, appendingTo: &rules) }
        let store = RuleStore(
            file: file, words: words, rules: rules, leads: leads, givesTransactions: givesTransactions)
        return AccessRules(
            store, tables: tables, users: users, roles: roles, anonymous: anonymous,
            authenticated: authenticated, patterns: patterns)
    }

    private func table(of draft: Draft, appendingTo rules: inout [StoredRule]) -> RuleTable {
        let start = rules.count
        rules += draft.denials
        rules += draft.gifts
        let range = start..<rules.count
        var trie: RuleTrie?
        var patterns: [Int] = []
        if range.count > RuleTable.scannedMax {
            patterns = range.filter { rules[$0].hasPlaceholders }
            trie = RuleTrie(
                rules[range].enumerated().filter { !$0.element.hasPlaceholders }.map { rank, rule in
                    (filter: Array(words[rule.bytes]), rank: UInt32(rank), grant: rule.grant)
                })
        }
        let names = draft.names.map { name in
            rules.append(name.rule)
            let bytes = words[name.rule.bytes].dropLast(name.isPrefix ? 1 : 0)
            return NameRule(
                kind: name.kind, name: Array(bytes), isPrefix: name.isPrefix, number: RuleNumber(rules.count - 1))
        }
        let administration = draft.administration.map { rule in
            rules.append(rule)
            return RuleNumber(rules.count - 1)
        }
        let deniesTopics = draft.denials.contains { words[$0.bytes].first != UInt8(ascii: "$") }
        return RuleTable(
            rules: range, denialCount: draft.denials.count, trie: trie, patterns: patterns, names: names,
            administration: administration, deniesTopics: deniesTopics,
            hasPlaceholders: (draft.denials + draft.gifts).contains(where: \.hasPlaceholders))
    }
}
