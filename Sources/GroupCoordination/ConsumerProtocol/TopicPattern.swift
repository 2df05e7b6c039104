/// Which topics a member's pattern may bring it.
package protocol TopicScope: AnyObject, Sendable {
    /// Whether a topic is among them.
    func admits(_ topic: String) -> Bool
}

/// The topics that a member's pattern stands for.
///
/// Nothing here knows how a pattern is matched. It is matched again when any of what stands beside the topics is
/// another.
package struct TopicPattern: Sendable {
    /// The pattern, as the member has sent it.
    package var text: String
    /// What it was allowed; nil for everything.
    package var scope: (any TopicScope)?
    /// The number of the catalogue's state whose topics it was matched with.
    package var generation: UInt64
    /// What it matches of these.
    package var topics: Set<String>

    /// A pattern with its topics.
    package init(_ text: String, in scope: (any TopicScope)?, at generation: UInt64, topics: Set<String>) {
        self.text = text
        self.scope = scope
        self.generation = generation
        self.topics = topics
    }

    /// Whether this is what `other` has become, or still is, with topics that were made or deleted.
    func follows(_ other: TopicPattern) -> Bool {
        text == other.text && scope === other.scope && generation >= other.generation
    }
}

/// What a heartbeat says of its member's pattern.
package enum TopicPatternChange: Sendable {
    /// It is as it was.
    case none
    /// There is none any more.
    case dropped
    /// The member has it, with these topics.
    case matched(TopicPattern)
}

/// A member that has a pattern.
package struct PatternMember: Sendable {
    /// Its group.
    package let group: String
    /// What its group knows it by.
    let name: String
    /// Its pattern.
    package var pattern: TopicPattern
}

extension ConsumerProtocolGroups {
    /// The pattern of a member; nil when it has none or is no member.
    package func pattern(of memberID: String, instanceID: String?, in group: String) -> TopicPattern? {
        self[group]?.pattern(of: memberID, instanceID: instanceID)
    }

    /// All members that have a pattern.
    /// - Complexity: O(members of all groups).
    package var patternMembers: [PatternMember] {
        names.flatMap { group in
            (self[group]?.patterns ?? []).map { PatternMember(group: group, name: $0.name, pattern: $0.pattern) }
        }
    }
}
