import TopicRouting

/// The rules of one user, of one role, or the patterns of everybody, ready to be asked.
///
/// Invariants: the rules lie beside each other in the store, denials first; a rule's rank is its place among them.
struct RuleTable: Sendable {
    /// Where its rules lie.
    let rules: Range<Int>
    /// How many of them deny.
    let denialCount: Int
    /// The rules without placeholders, when there are many.
    let trie: RuleTrie?
    /// The places of the rules with placeholders, when there is a trie for the others.
    let patterns: [Int]
    /// Rights to streams and groups by name.
    let names: [NameRule]
    /// What gives the right to administer.
    let administration: RuleNumber?
    /// Whether topics are denied, those aside that start with '$', which `#` does not give either.
    let deniesTopics: Bool
    /// Whether a rule has placeholders.
    let hasPlaceholders: Bool

    /// So many rules are asked one after the other; a trie of few costs more memory than it saves time.
    static let scannedMax = 8

    func isDenial(_ index: Int) -> Bool { index - rules.lowerBound < denialCount }
}

/// All rules of one source, and their words.
///
/// Isolation: any thread; never changes after `init`.
struct RuleStore: Sendable {
    let file: String
    let words: [UInt8]
    let rules: [StoredRule]
    let leads: [String]
    /// Whether somebody is given transactional identifiers to use.
    let givesTransactions: Bool

    init(file: String, words: [UInt8], rules: [StoredRule], leads: [String], givesTransactions: Bool) {
        self.file = file
        self.words = words
        self.rules = rules
        self.leads = leads
        self.givesTransactions = givesTransactions
    }

    /// What the rule that decides says; nil when none of the table speaks of it.
    func verdict(
        _ table: borrowing RuleTable, _ topic: Span<UInt8>, _ access: Access, _ names: borrowing Names
    ) -> Verdict? {
        guard let trie = table.trie else {
            for index in table.rules where decides(index, topic, access, names) { return verdict(table, index) }
            return nil
        }
        var found = trie.rank(of: topic, access).map { table.rules.lowerBound + Int($0) } ?? .max
        for index in table.patterns {
            if index >= found { break }
            if decides(index, topic, access, names) { found = index }
        }
        return found == .max ? nil : verdict(table, found)
    }

    private func verdict(_ table: borrowing RuleTable, _ index: Int) -> Verdict {
        table.isDenial(index) ? .refused(RuleNumber(index)) : .allowed(RuleNumber(index))
    }

    private func decides(
        _ index: Int, _ topic: Span<UInt8>, _ access: Access, _ names: borrowing Names
    ) -> Bool {
        let rule = rules[index]
        guard rule.grant == .deny || rule.grant.gives(access) else { return false }
        let filter = words.span.extracting(rule.bytes)
        return rule.hasPlaceholders
            ? PatternMatch.matches(filter, topic, names) : FilterSyntax.matches(filter: filter, topic: topic)
    }

    /// Whether a rule certainly says nothing of the topics of a filter.
    func isApart(_ index: Int, from filter: Span<UInt8>) -> Bool {
        FilterSets.areApart(words.span.extracting(rules[index].bytes), filter)
    }

    /// The filter of a rule for `names`; nil for a pattern that stands for nothing.
    func filter(_ index: Int, _ names: borrowing Names) -> [UInt8]? {
        let filter = words.span.extracting(rules[index].bytes)
        guard rules[index].hasPlaceholders else { return Array(words[rules[index].bytes]) }
        return PatternMatch.filter(filter, names)
    }

    /// The first rule of the table that gives `access` to every topic, when nothing in the table denies.
    func gift(of table: borrowing RuleTable, _ access: Access) -> Int? {
        guard !table.deniesTopics else { return nil }
        return table.rules.first { rules[$0].grant.gives(access) && words[rules[$0].bytes].elementsEqual("#".utf8) }
    }
}
