/// The share groups that live on one shard, by what follows `$share/` in their filter.
///
/// Isolation: one shard's.
struct ShareGroupTable {
    private var groups: [[UInt8]: ShareGroup] = [:]

    /// How many there are.
    var count: Int { groups.count }

    /// Every group, in no order.
    var all: [ShareGroup] { Array(groups.values) }

    /// Whether nothing that one has handed out waits for its acknowledgement.
    var isDrained: Bool { groups.values.allSatisfy { $0.pending.isEmpty } }

    /// The group of a key.
    subscript(key: [UInt8]) -> ShareGroup? {
        get { groups[key] }
        set {
            assert(newValue == nil || newValue?.key == key)
            assert(newValue == nil || groups[key] == nil, "a group takes no other's place")
            assert(newValue != nil || groups[key]?.subscription == nil, "a group that goes has let go of its reader")
            groups[key] = newValue
        }
    }
}
