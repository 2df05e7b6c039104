package import SluiceCore

/// What groups have committed, and what is on record of them: the state of `__consumer_offsets`.
///
/// Changed only by records: a handler makes a record, the record is appended, and `apply` gives it its effect; loading
/// applies the same records in the same order.
/// Isolation: a value behind its owner's lock.
package struct OffsetTable: Sendable {
    private var groups: [String: Group] = [:]
    /// Records that could not be understood.
    package private(set) var damagedCount = 0

    /// A group on record.
    package struct Group: Sendable, Equatable {
        /// How far it has come.
        package fileprivate(set) var offsets: [StreamPartition: CommittedOffset] = [:]
        /// Its members and generation, as last recorded.
        package fileprivate(set) var metadata: GroupMetadata?
        /// When it was last heard of.
        package var lastActive: Timestamp {
            let committed = offsets.values.map(\.committedAt).max() ?? Timestamp(rawValue: 0)
            return max(committed, metadata?.changedAt ?? Timestamp(rawValue: 0))
        }
    }

    /// A table without groups.
    package init() {}

    /// Applies a record as it is in the stream.
    package mutating func apply(key: [UInt8], value: [UInt8]?) {
        guard let record = GroupRecord(key: key, value: value) else {
            damagedCount += 1
            return
        }
        apply(record)
    }

    /// Gives a record its effect.
    package mutating func apply(_ record: GroupRecord) {
        switch record {
        case .offset(let group, let partition, let committed):
            groups[group, default: Group()].offsets[partition] = committed
            prune(group)
        case .metadata(let group, let metadata):
            groups[group, default: Group()].metadata = metadata
            prune(group)
        }
    }

    private mutating func prune(_ name: String) {
        if let group = groups[name], group.offsets.isEmpty, group.metadata == nil { groups[name] = nil }
    }

    // MARK: Queries

    /// How far `group` has come in `partition`; nil when it has committed nothing.
    package func committed(_ group: String, _ partition: StreamPartition) -> CommittedOffset? {
        groups[group]?.offsets[partition]
    }

    /// A group by its name.
    package subscript(name: String) -> Group? { groups[name] }

    /// Every group's name, sorted.
    package var names: [String] { groups.keys.sorted() }

    /// Groups without members that were last heard of before `time`: their offsets may go.
    package func idle(before time: Timestamp) -> [String] {
        groups.filter { ($0.value.metadata?.members ?? []).isEmpty && $0.value.lastActive < time }.keys.sorted()
    }

    /// The records that take a group away.
    package func removal(of name: String) -> [GroupRecord] {
        guard let group = groups[name] else { return [] }
        let offsets = group.offsets.keys.sorted().map { GroupRecord.offset(group: name, $0, nil) }
        return offsets + (group.metadata == nil ? [] : [.metadata(group: name, nil)])
    }
}
