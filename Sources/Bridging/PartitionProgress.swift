package import SluiceCore

/// How far a bridge is in one partition: a position, and what above it is done already.
///
/// Invariants: in flight are offsets at or above the position, in rising order; everything below the position is
/// acknowledged or is nobody's; `read` is at or above all of them.
/// Isolation: a value with one owner.
package struct PartitionProgress: Sendable {
    /// The lowest offset that is not done.
    package private(set) var position: Offset
    /// Offsets above the position that are done, in rising order.
    package private(set) var done: [Offset]
    /// Where to read on.
    package private(set) var read: Offset
    /// Offsets on their way, in rising order, and whether each is done.
    private var inflight: [Entry] = []
    /// How many of the first entries are over.
    private var head = 0

    private struct Entry {
        var offset: Offset
        var isDone: Bool
        /// When the record was stored, if that is known.
        var storedAt: Timestamp?
    }

    /// Entries that are over before their memory is given back.
    private static let headMax = 1024

    /// Progress that a checkpoint tells of.
    package init(position: Offset, done: [Offset] = []) {
        self.position = position
        self.done = done.filter { $0 >= position }.sorted()
        read = position
    }

    /// How many offsets are on their way.
    package var inflightCount: Int { inflight[head...].count { !$0.isDone } }

    /// How many offsets from the position on were sent, those included that are done: what a bridge that remembers
    /// only its position would send again.
    package var unsettledCount: Int { inflight.count - head }

    /// Whether the record at `offset` was forwarded before.
    package func isDone(_ offset: Offset) -> Bool {
        guard !done.isEmpty else { return offset < position }
        return offset < position || done.contains(offset)
    }

    /// When the record at the position was stored, if it is on its way.
    package var oldestStoredAt: Timestamp? { head < inflight.count ? inflight[head].storedAt : nil }

    // MARK: Events

    /// The record at `offset`, which is where to read on or above, goes upstream.
    /// - Parameter storedAt: when it was stored, if that is known.
    package mutating func sent(_ offset: Offset, storedAt: Timestamp? = nil) {
        precondition(offset >= read, "Cannot send what was read before")
        inflight.append(Entry(offset: offset, isDone: false, storedAt: storedAt))
        read = offset.advanced(by: 1)
    }

    /// Everything below `offset` was looked at.
    package mutating func passed(_ offset: Offset) {
        guard offset > read else { return }
        read = offset
        settle()
    }

    /// The upstream has the record at `offset`. One that an earlier connection sent may not have been read again yet.
    /// - Returns: whether it was on its way.
    @discardableResult
    package mutating func acknowledged(_ offset: Offset) -> Bool {
        // Acknowledgements come in order nearly always.
        if offset >= read {
            guard !done.contains(offset) else { return false }
            done.append(offset)
            done.sort()
            return true
        }
        guard let index = inflight[head...].firstIndex(where: { $0.offset == offset }), !inflight[index].isDone else {
            return false
        }
        inflight[index].isDone = true
        if index == head { settle() }
        return true
    }

    /// The upstream did not take the record at `offset`. What was sent behind it counts as not done: it goes again with
    /// it, so that the order stays.
    package mutating func refused(_ offset: Offset) {
        for index in inflight.indices.dropFirst(head) where inflight[index].offset >= offset {
            inflight[index].isDone = false
        }
        done.removeAll { $0 >= offset }
    }

    /// The connection is gone: what is on its way and not done is to be sent again.
    package mutating func lost() {
        var kept = done.filter { $0 >= position }
        for entry in inflight[head...] where entry.isDone { kept.append(entry.offset) }
        inflight = []
        head = 0
        done = Array(Set(kept)).sorted()
        read = position
    }

    /// Begins anew at `offset`.
    package mutating func sought(_ offset: Offset) { self = PartitionProgress(position: offset) }

    /// What a checkpoint says: the position, and what is done above it.
    package var checkpoint: (position: Offset, done: [Offset]) {
        // The position itself may be done already, when it was acknowledged before it was read again.
        var all = done.filter { $0 >= position }
        for entry in inflight[head...] where entry.isDone { all.append(entry.offset) }
        return (position, all)
    }

    private mutating func settle() {
        while head < inflight.count, inflight[head].isDone { head += 1 }
        position = head < inflight.count ? inflight[head].offset : read
        if head == inflight.count || head > Self.headMax {
            inflight.removeFirst(head)
            head = 0
        }
        if let first = done.first, first < position { done.removeAll { $0 < position } }
    }
}
