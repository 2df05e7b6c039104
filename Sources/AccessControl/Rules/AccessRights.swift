import TopicRouting

/// What one connection may do. Made once for it, and again when the rules change.
///
/// Rules are asked in tiers, as Mosquitto does: first those of the user, then the patterns of everybody; within a tier
/// a denial comes before what is given; a tier that says nothing leaves it to the next; what no rule gives is refused.
/// Isolation: any thread; never changes.
package final class AccessRights: Sendable {
    let store: RuleStore?
    /// The user's own rules, or those of its roles.
    private let own: [RuleTable]
    /// The patterns that apply to everybody.
    private let shared: RuleTable?
    private let names: Names
    private let areNamesDangerous: Bool

    init(_ store: RuleStore?, own: [RuleTable], shared: RuleTable?, names: Names) {
        self.store = store
        self.own = own
        self.shared = shared
        self.names = names
        areNamesDangerous = names.areDangerous
    }

    /// The rights where there are no rules, of bridges, and of the node itself: all.
    package static let unrestricted = AccessRights(nil, own: [], shared: nil, names: Names(user: nil, client: []))

    /// Whether there is nothing to ask.
    package var areUnrestricted: Bool { store == nil }

    // MARK: Topics

    /// Whether a message may be published to a checked topic.
    /// - Complexity: O(levels) for a user's rules, O(1) for each pattern; no allocation.
    package func mayPublish(_ topic: Span<UInt8>) -> Verdict {
        guard let store else { return .unrestricted }
        if ReservedTopic.contains(topic), !Self.isForRules(topic) { return .refused(.brokersOwn) }
        return verdict(store, topic, .write)
    }

    /// Whether a message of a checked topic may be delivered: live, retained, replayed or by a group.
    /// - Complexity: as `mayPublish`.
    package func mayRead(_ topic: Span<UInt8>) -> Verdict {
        guard let store else { return .unrestricted }
        return verdict(store, topic, .read)
    }

    /// Whether anything that a checked filter matches could ever be read. Mosquitto grants every subscription and looks
    /// at each message; a refusal here says that no message would ever pass, so that it may be granted as well.
    /// - Parameter filter: the inner filter: without `$share/GROUP/` and the like.
    /// - Complexity: O(rules of the user); of those that have to do with the filter, times the denials that have.
    package func maySubscribe(_ filter: Span<UInt8>) -> Verdict {
        guard let store else { return .unrestricted }
        var wanted: [UInt8] = []
        for index in filter.indices { wanted.append(filter[index]) }
        var denials: [(filter: [UInt8], rule: RuleNumber)] = []
        for tier in tiers {
            if tier.contains(where: isClosed) { return .refused(.dangerousName) }
            for index in tier.flatMap({ $0.rules.prefix($0.denialCount) }) where !store.isApart(index, from: filter) {
                if let denied = store.filter(index, names) { denials.append((denied, RuleNumber(index))) }
            }
            for index in tier.flatMap({ $0.rules.dropFirst($0.denialCount) })
            where store.rules[index].grant.gives(.read) && !store.isApart(index, from: filter) {
                guard let filter = store.filter(index, names),
                    let common = FilterSets.intersection(wanted, filter)
                else { continue }
                if !denials.contains(where: { FilterSets.isCovered(common, by: $0.filter) }) {
                    return .allowed(RuleNumber(index))
                }
            }
        }
        return .refused(denials.first { FilterSets.isCovered(wanted, by: $0.filter) }?.rule ?? .noRule)
    }

    // MARK: Streams, groups, administration

    /// Whether a stream may be read as a whole, as Kafka clients do: `read_streams` names it, or a rule gives or denies
    /// `read` on `$stream/NAME`, or `read` on `#` is given and nothing denied.
    /// - Complexity: O(rules); for the first batch of a connection, not for each.
    package func mayReadStream(_ name: Span<UInt8>) -> Verdict { mayUse("$stream/", name, .readStream, .read) }

    /// Whether records may be written to a stream as they are, as Kafka clients do: as `mayReadStream`, by
    /// `write_streams` and `write`.
    package func mayWriteStream(_ name: Span<UInt8>) -> Verdict { mayUse("$stream/", name, .writeStream, .write) }

    /// Whether a Kafka client may be a member of a group, and read, commit and reset its offsets: as `mayReadStream`,
    /// by `groups` and `read` on `$share/NAME`.
    package func mayUseGroup(_ name: Span<UInt8>) -> Verdict { mayUse("$share/", name, .group, .read) }

    /// Whether a Kafka producer may use a transactional identifier: as `mayWriteStream`, by `transactions` and `write`
    /// on `$transaction/NAME`. Where no rule gives any to anybody it may, unless a rule denies it.
    package func mayUseTransaction(_ name: Span<UInt8>) -> Verdict {
        guard let store else { return .unrestricted }
        let verdict = mayUse(Self.transactionPrefix, name, .transaction, .write)
        if verdict.isAllowed || verdict.rule.isRule || store.givesTransactions { return verdict }
        return .allowed(.openTransaction)
    }

    /// Whether a client may be told of a transactional identifier and its transaction: whom a rule lets use it, or
    /// gives `read` on `$transaction/NAME`.
    package func maySeeTransaction(_ name: Span<UInt8>) -> Verdict {
        let verdict = mayUse(Self.transactionPrefix, name, .transaction, .write)
        return verdict.isAllowed ? verdict : mayUse(Self.transactionPrefix, name, .transaction, .read)
    }

    /// Whether an MQTT client may share a group: it may, as with Mosquitto, unless a rule denies `$share/NAME`. What it
    /// reads is asked by `mayRead` all the same.
    package func mayShare(_ name: Span<UInt8>) -> Verdict {
        let verdict = mayUseGroup(name)
        return verdict.isAllowed || verdict.rule.isRule ? verdict : .allowed(.openGroup)
    }

    /// Whether streams, sessions and the like may be changed: `admin: true`, or `write` on `$sluice/#`.
    package var mayAdminister: Verdict {
        guard let store else { return .unrestricted }
        if let rule = own.lazy.compactMap(\.administration).first { return .allowed(rule) }
        let topic = Array(Self.requests.utf8)
        return verdict(store, topic.span, .write)
    }

    // MARK: Leaves

    private var tiers: [[RuleTable]] { [own, shared.map { [$0] } ?? []] }

    /// Whether a table is not to be asked for names such as these: they would be wildcards in its patterns.
    private func isClosed(_ table: borrowing RuleTable) -> Bool { areNamesDangerous && table.hasPlaceholders }

    /// Whether a reserved topic is one that rules speak of: requests, and what other brokers' bridges say of
    /// themselves.
    private static func isForRules(_ topic: Span<UInt8>) -> Bool {
        isBelow(requests, topic) || isBelow(bridgeStates, topic)
    }

    private static func isBelow(_ prefix: String, _ topic: Span<UInt8>) -> Bool {
        var position = 0
        for byte in prefix.utf8 {
            guard position < topic.count, topic[position] == byte else { return false }
            position += 1
        }
        return position == topic.count || topic[position] == UInt8(ascii: "/")
    }

    static let transactionPrefix = "$transaction/"
    private static let bridgeStates = "$SYS/broker/connection"
    private static let requests = "$sluice"

    private func verdict(_ store: RuleStore, _ topic: Span<UInt8>, _ access: Access) -> Verdict {
        var given: Verdict?
        for index in own.indices {
            if isClosed(own[index]) { return .refused(.dangerousName) }
            guard let verdict = store.verdict(own[index], topic, access, names) else { continue }
            if !verdict.isAllowed { return verdict }
            if given == nil { given = verdict }
        }
        if let given { return given }
        guard let shared else { return .refused(.noRule) }
        // Mosquitto asks no pattern for such a name, not even those without a placeholder.
        if areNamesDangerous { return .refused(.dangerousName) }
        return store.verdict(shared, topic, access, names) ?? .refused(.noRule)
    }

    private func mayUse(
        _ prefix: String, _ name: Span<UInt8>, _ kind: NameRule.Kind, _ access: Access
    ) -> Verdict {
        guard let store else { return .unrestricted }
        var topic = Array(prefix.utf8)
        for index in name.indices { topic.append(name[index]) }
        let verdict = verdict(store, topic.span, access)
        if verdict.rule != .noRule { return verdict }
        for table in own {
            for rule in table.names where rule.kind == kind && rule.covers(name) { return .allowed(rule.number) }
        }
        return everything(store, access)
    }

    /// The verdict on all topics at once: given by `#`, with nothing denied in its tier or before.
    private func everything(_ store: RuleStore, _ access: Access) -> Verdict {
        if own.contains(where: \.deniesTopics) { return .refused(.noRule) }
        for table in own {
            if let index = store.gift(of: table, access) { return .allowed(RuleNumber(index)) }
        }
        guard let shared, !areNamesDangerous, let index = store.gift(of: shared, access) else {
            return .refused(.noRule)
        }
        return .allowed(RuleNumber(index))
    }
}
