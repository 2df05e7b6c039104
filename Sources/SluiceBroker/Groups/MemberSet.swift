import SluiceCore

/// The memberships in consumer groups of one shard's clients that have something to commit.
///
/// Invariants: a membership is on the list once at most; a number is given once.
/// Isolation: one shard's.
struct MemberSet {
    private(set) var dirty: [GroupMembership] = []
    private var nextNumber: UInt64 = 1

    /// A number for the next membership.
    mutating func takeNumber() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    /// Puts a membership on the list of those with something to commit.
    mutating func markDirty(_ membership: GroupMembership) {
        guard !membership.isDirty else { return }
        membership.isDirty = true
        dirty.append(membership)
    }

    /// Takes the list.
    mutating func takeDirty() -> [GroupMembership] {
        guard !dirty.isEmpty else { return [] }
        var taken: [GroupMembership] = []
        swap(&taken, &dirty)
        for membership in taken {
            assert(membership.isDirty, "who is on the list knows it, and so is there once")
            membership.isDirty = false
        }
        return taken
    }
}

/// The consumer groups that one shard coordinates, by their names.
///
/// Isolation: one shard's.
struct CoordinatorTable {
    private var groups: [String: ConsumerGroup] = [:]

    /// The group of a name, if it is coordinated here.
    subscript(name: String) -> ConsumerGroup? {
        get { groups[name] }
        set {
            assert(newValue == nil || newValue?.name == name)
            groups[name] = newValue
        }
    }
}
