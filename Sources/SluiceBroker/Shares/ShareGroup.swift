import AccessControl
import MQTTWire
import RecordFormat
import SluiceCore

/// A share group, `$share/<group>/<filter>`: a durable queue that its members empty together.
///
/// The group is a reader of its own, on the shard of whoever joined first: it has a position in the log, with or
/// without members, and hands each record to one member. What a member has and has not acknowledged is `pending`; when
/// the member is lost, it is handed out again before anything newer.
/// Invariants: a record is pending, returned, or on one side of the position, never two of these.
/// Isolation: its shard's; members elsewhere are reached by messages.
/// Source: MQTT 5.0 §4.8.2.
final class ShareGroup {
    /// What follows `$share/` in the filter.
    let key: [UInt8]
    /// What its topics are matched with.
    let filter: [UInt8]
    /// Its way through the log: set right after it is made, and taken away when the group ends.
    private(set) var subscription: Subscription?
    private(set) var members: [ShareMember] = []
    private var nextMember = 0
    /// What was handed out and not acknowledged.
    var pending: [DeliveryToken: PendingShare] = [:]
    /// What came back from lost members, in the order of the log.
    private(set) var returned: [(token: DeliveryToken, isRepeat: Bool)] = []
    /// The record that is looked up for `returned`.
    var lookup = RecordLookup()
    /// Whether its state has changed since it was recorded.
    var isDirty = false
    /// How much the shard had scanned when it was recorded.
    var recordedScan: UInt64 = 0
    /// Since when it has no members; nanoseconds.
    var emptySince: Int64?

    /// A record in a member's hands.
    struct PendingShare {
        var member: ClientOwner
        var qos: QoS
        /// Whether another member may have had it before: then it carries DUP.
        var isRepeat: Bool
    }

    init(key: [UInt8], filter: [UInt8]) {
        self.key = key
        self.filter = filter
    }

    /// Makes `subscription` its way through the log.
    func attach(_ subscription: Subscription) {
        precondition(self.subscription == nil)
        assert(subscription.reader.sink === self, "a group's reader gives its records to the group")
        self.subscription = subscription
    }

    /// Lets go of its reader, which holds it in turn.
    func detach() { subscription = nil }

    // MARK: Members

    /// Adds a member, in place of one of the same connection.
    func join(_ member: ShareMember) {
        assert(member.window > 0, "a member has room for a record")
        assert(member.outstandingCount == 0 && !member.isBlocked, "what a member has the group knows, not the member")
        if let index = members.firstIndex(where: { $0.owner == member.owner }) {
            members[index].options = member.options
            members[index].identifier = member.identifier
            members[index].rights = member.rights
        } else {
            var member = member
            // What it had when it left, and may still acknowledge.
            member.outstandingCount = pending.values.count { $0.member == member.owner }
            members.append(member)
        }
        emptySince = nil
    }

    /// Removes a member.
    /// - Returns: whether it was one.
    func leave(_ owner: ClientOwner) -> Bool {
        guard let index = members.firstIndex(where: { $0.owner == owner }) else { return false }
        members.remove(at: index)
        return true
    }

    /// Changes a member, if it still is one.
    func update(_ owner: ClientOwner, _ body: (inout ShareMember) -> Void) {
        guard let index = members.firstIndex(where: { $0.owner == owner }) else { return }
        body(&members[index])
    }

    /// Whether some member takes a record.
    var hasRoom: Bool { members.contains { $0.takesMore } }

    /// Who gets a record.
    enum Pick {
        case picked(ShareMember)
        /// Those who may read it take no more for now.
        case allHaveEnough
        /// There are members, and none of them may read it.
        case nobodyMayRead
    }

    /// The next member in turn that may read a topic and takes a record.
    func pickMember(for topic: Span<UInt8>) -> Pick {
        var isWanted = members.isEmpty
        for step in 0..<members.count {
            let index = (nextMember + step) % members.count
            guard members[index].rights?.mayRead(topic).isAllowed ?? true else { continue }
            isWanted = true
            guard members[index].takesMore else { continue }
            nextMember = (index + 1) % members.count
            return .picked(members[index])
        }
        return isWanted ? .allHaveEnough : .nobodyMayRead
    }

    // MARK: Records

    /// Notes that a member has a record.
    func handed(_ token: DeliveryToken, _ share: PendingShare) {
        assert(token.kind == .own, "a group knows records by their places alone")
        assert(pending[token] == nil, "a record is in one member's hands")
        assert(returned.first.map { $0.token != token } ?? true, "what is handed out does not wait for that any more")
        pending[token] = share
        update(share.member) { $0.outstandingCount += 1 }
        isDirty = true
    }

    /// Notes that a member is done with a record.
    /// - Returns: what was known of it; nil when that member did not have it.
    func done(_ token: DeliveryToken, by owner: ClientOwner) -> PendingShare? {
        guard let share = pending[token], share.member == owner else { return nil }
        pending[token] = nil
        update(owner) { member in
            member.outstandingCount -= 1
            assert(member.outstandingCount >= 0, "a member is done with no more than it was handed")
        }
        isDirty = true
        return share
    }

    /// Takes a record back, to be handed out again.
    /// - Parameter isRepeat: whether a member may have had it.
    func takeBack(_ token: DeliveryToken, isRepeat: Bool) {
        assert(pending[token] == nil, "what came back is in nobody's hands")
        let index = returned.firstIndex { $0.token.rawValue > token.rawValue } ?? returned.endIndex
        assert(index == 0 || returned[index - 1].token != token, "a record comes back once")
        returned.insert((token, isRepeat), at: index)
        isDirty = true
    }

    /// Takes back what a lost member has. What it has at QoS 2 stays with its session or goes with it: nobody else may
    /// get it [MQTT-4.8.2-4, MQTT-4.8.2-5].
    func takeBackAll(from owner: ClientOwner) {
        assert(!members.contains { $0.owner == owner }, "what a member has is its own until it is none any more")
        let lost = pending.filter { $0.value.member == owner }
        for (token, share) in lost {
            pending[token] = nil
            if share.qos != .exactlyOnce { takeBack(token, isRepeat: true) }
        }
        isDirty = isDirty || !lost.isEmpty
    }

    /// The first returned record was handed out, or is gone.
    func removeFirstReturned() {
        returned.removeFirst()
        isDirty = true
    }

    /// Everything below the position that nobody has acknowledged, in order.
    var unacknowledged: [DeliveryToken] {
        (Array(pending.keys) + returned.map(\.token)).sorted { $0.rawValue < $1.rawValue }
    }
}

/// A member of a share group.
package struct ShareMember: Sendable {
    /// Whose connection it is.
    var owner: ClientOwner
    /// What it asked for.
    var options: SubscriptionOptions
    var identifier: UInt32?
    /// How many records it may have at a time.
    var window: Int
    /// What its client may read; nil for everything.
    var rights: AccessRights?
    /// How many it has.
    var outstandingCount = 0
    /// Whether it took no more when it was last asked; it says when it does again.
    var isBlocked = false

    var takesMore: Bool { !isBlocked && outstandingCount < window }
}

/// A record that a share group hands to a member on another shard.
package struct ShareHandout: Sendable {
    /// The group, and the shard that it is on.
    var key: [UInt8]
    var groupShard: Int
    /// The member's connection.
    var clientNumber: UInt64
    var options: SubscriptionOptions
    var identifier: UInt32?
    /// The record.
    var batch: RecordBatch
    var offset: Offset
    var partition: PartitionID
    /// Whether another member may have had it.
    var isRepeat: Bool
}
