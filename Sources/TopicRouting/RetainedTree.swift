package import SluiceCore

/// Where each topic's retained message is: topics by level, with the offset of the newest record of each.
///
/// The messages themselves stay in the log. Changes may come in any order, since shards make them side by side; the
/// largest offset of a topic counts, also when it took the message away, and so long that is remembered until `purge`.
///
/// Layout: nodes in one array, children linked as a list; one table holds the edges, keyed by parent and level bytes.
/// About 160 bytes for each level that no other topic shares.
/// Invariants: a node other than the root has an entry or a child; `all` is the sum of what is present.
/// Isolation: a value behind its owner's lock.
/// Source: MQTT 5.0 §3.3.1.3, §4.7.
package struct RetainedTree: Sendable {
    private var nodes: [Node] = [Node.unused]
    private var freeNodes: [UInt32] = []
    private var edges = EdgeTable()
    /// Topics without a message whose nodes are kept so that a late, older change is recognised; those of the last
    /// interval and of the one before.
    private var gone: [UInt32] = []
    private var goneBefore: [UInt32] = []
    /// Expiring messages, by the ten seconds in which they end.
    private var expiring: [Int64: [Expiry]] = [:]
    /// Appends to the log that may hold changes which are not applied yet, and the number of the last that began.
    private var openAppends: [UInt64] = []
    /// Where the newest appends that are over ended.
    private var recentEnds: [(number: UInt64, end: Offset)] = []
    private var lastAppend: UInt64 = 0
    /// The retained messages of everybody.
    package private(set) var all = RetainedUse()
    private var owners = RetainedOwners()
    /// The number of retained messages.
    package var count: Int { all.count }
    /// Bytes of memory that it takes, but for names of levels that are too long for a node, and for what expires.
    package var memoryByteCount: Int { nodes.capacity * MemoryLayout<Node>.stride + edges.memoryByteCount }

    private struct Node: Sendable {
        var parent: UInt32
        var name: LevelName
        var firstChild: UInt32 = .max
        var next: UInt32 = .max
        var previous: UInt32 = .max
        /// The newest record of the topic that ends here; nil when there is none.
        var offset: Offset?
        /// Whether that record is a message, and not the end of one.
        var isPresent = false
        /// Whose message it is.
        var owner: UInt32 = 0
        /// Bytes of its topic and payload.
        var byteCount: UInt32 = 0

        static var unused: Node { Node(parent: .max, name: LevelName(Span())) }

        var edgeHash: Int { name.hash(parent: parent) }
    }

    private struct Expiry: Sendable {
        var node: UInt32
        var offset: Offset
    }

    /// Appends whose ends are remembered: more than are under way at a time.
    private static let recentEndsMax = 256
    private static var root: UInt32 { 0 }
    private static var none: UInt32 { .max }
    private static let expiryMilliseconds: Int64 = 10_000

    /// A tree without messages.
    package init() {}

    // MARK: Appends

    /// An append with changes begins. Its records may be seen in the log from here on; they are applied before it ends.
    /// - Returns: its number.
    package mutating func beginAppend() -> UInt64 {
        lastAppend += 1
        openAppends.append(lastAppend)
        return lastAppend
    }

    /// The append is over: its changes are applied, or it was refused.
    /// - Parameter end: the offset behind its last record; nil when it was refused.
    package mutating func endAppend(_ number: UInt64, end: Offset?) {
        precondition(openAppends.contains(number), "Cannot end an append that did not begin")
        openAppends.removeAll { $0 == number }
        guard let end else { return }
        if recentEnds.count == Self.recentEndsMax { recentEnds.removeFirst() }
        recentEnds.append((number, end))
    }

    /// The offset behind what appends up to `number` have stored, as far as the newest of them are remembered: an
    /// engine may give offsets only when an append settles.
    /// - Complexity: O(256).
    package func end(through number: UInt64) -> Offset {
        var end = Offset.zero
        for recent in recentEnds where recent.number <= number { end = max(end, recent.end) }
        return end
    }

    /// The number of the last append that must end before the tree has all that may have been seen in the log by now;
    /// nil when it has.
    package var unsettled: UInt64? { openAppends.isEmpty ? nil : lastAppend }

    /// Whether every append up to `number` is over.
    package func isSettled(through number: UInt64) -> Bool { openAppends.allSatisfy { $0 > number } }

    // MARK: Changes

    /// Notes that the record at `offset` is the retained message of a checked `topic`, or takes it away.
    /// - Parameters:
    ///   - expiresAt: when the message expires, if it does.
    ///   - byteCount: bytes of its topic and payload.
    ///   - owner: whose it is; empty for nobody's.
    /// - Complexity: O(levels), amortised.
    package mutating func apply(
        _ topic: Span<UInt8>, at offset: Offset, isPresent: Bool, expiresAt: Timestamp? = nil, byteCount: Int = 0,
        owner: [UInt8] = []
    ) {
        let node = Int(insert(topic))
        if let known = nodes[node].offset, known >= offset { return }
        if nodes[node].isPresent {
            let use = RetainedUse(count: 1, byteCount: Int(nodes[node].byteCount))
            all.add(use, -1)
            owners.add(use, -1, to: nodes[node].owner)
        }
        nodes[node].offset = offset
        nodes[node].isPresent = isPresent
        nodes[node].owner = 0
        if isPresent {
            nodes[node].byteCount = UInt32(clamping: byteCount)
            nodes[node].owner = owners.number(of: owner)
            let use = RetainedUse(count: 1, byteCount: Int(nodes[node].byteCount))
            all.add(use, 1)
            owners.add(use, 1, to: nodes[node].owner)
        }
        if !isPresent { gone.append(UInt32(node)) }
        if isPresent, let expiresAt {
            let bucket = expiresAt.rawValue / Self.expiryMilliseconds + 1
            expiring[bucket, default: []].append(Expiry(node: UInt32(node), offset: offset))
        }
    }

    /// Forgets topics without a message that were noted before the last call.
    package mutating func purge() {
        for node in goneBefore where !nodes[Int(node)].isPresent && nodes[Int(node)].offset != nil {
            nodes[Int(node)].offset = nil
            removeUnused(node)
        }
        goneBefore = gone
        gone = []
    }

    /// The topics whose messages have expired, up to ten seconds late; they stay until a record takes them away.
    package mutating func takeExpired(at now: Timestamp) -> [[UInt8]] {
        let bucket = now.rawValue / Self.expiryMilliseconds
        var topics: [[UInt8]] = []
        for due in expiring.keys where due <= bucket {
            for expiry in expiring.removeValue(forKey: due) ?? [] {
                guard nodes[Int(expiry.node)].isPresent, nodes[Int(expiry.node)].offset == expiry.offset else {
                    continue
                }
                topics.append(topic(of: expiry.node))
            }
        }
        return topics
    }

    // MARK: Queries

    /// The retained messages of an owner.
    package func use(of owner: [UInt8]) -> RetainedUse { owners.use(of: owner) }

    /// Bytes of a topic's retained message, and whether it is an owner's; nil when it has none.
    /// - Complexity: O(levels).
    package func message(of topic: Span<UInt8>, for owner: [UInt8]) -> (byteCount: Int, isOwn: Bool)? {
        guard let node = find(topic).map(Int.init), nodes[node].isPresent else { return nil }
        return (Int(nodes[node].byteCount), owners.isNumber(nodes[node].owner, of: owner))
    }

    /// The place of a topic's retained message; nil when it has none.
    /// - Complexity: O(levels).
    package func offset(of topic: Span<UInt8>) -> Offset? {
        guard let node = find(topic), nodes[Int(node)].isPresent else { return nil }
        return nodes[Int(node)].offset
    }

    /// The places of the messages that a checked `filter` matches, in no particular order.
    /// - Returns: nil when there are more than `countMax`, or when finding them takes more than `visitsMax` steps: then
    ///   it is cheaper to read all of the log's retained messages.
    package func matches(_ filter: Span<UInt8>, countMax: Int, visitsMax: Int) -> [Offset]? {
        var found: [Offset] = []
        var visits = 0
        var stack: [(node: UInt32, start: Int)] = [(Self.root, 0)]
        while let (node, start) = stack.popLast() {
            visits += 1
            if visits > visitsMax || found.count > countMax { return nil }
            if start > filter.count {
                if nodes[Int(node)].isPresent, let offset = nodes[Int(node)].offset { found.append(offset) }
                continue
            }
            // Negative: below a `#`, everything matches.
            let end = start < 0 ? start : FilterSyntax.levelEnd(in: filter, from: start)
            let isEverything = start < 0 || filter.extracting(start..<end).isHash
            if isEverything, nodes[Int(node)].isPresent, let offset = nodes[Int(node)].offset { found.append(offset) }
            if isEverything || filter.extracting(start..<end).isPlus {
                var child = nodes[Int(node)].firstChild
                while child != Self.none {
                    // A leading wildcard does not match what starts with `$`.
                    if node != Self.root || nodes[Int(child)].name.bytes.first != ASCII.dollar {
                        stack.append((child, isEverything ? -1 : end + 1))
                    }
                    child = nodes[Int(child)].next
                    visits += 1
                    if visits > visitsMax { return nil }
                }
            } else if let child = child(of: node, filter.extracting(start..<end)) {
                stack.append((child, end + 1))
            }
        }
        return found.count > countMax ? nil : found
    }

    // MARK: Nodes

    private func topic(of node: UInt32) -> [UInt8] {
        var levels: [[UInt8]] = []
        var node = node
        while node != Self.root {
            levels.append(nodes[Int(node)].name.bytes)
            node = nodes[Int(node)].parent
        }
        return Array(levels.reversed().joined(separator: [UInt8(ascii: "/")]))
    }

    private func child(of node: UInt32, _ level: Span<UInt8>) -> UInt32? {
        let key = LevelName.Key(level)
        var probe = edges.probe(hash: LevelName.hash(parent: node, level, key))
        while let candidate = edges.next(&probe) {
            let index = Int(candidate)
            if nodes[index].parent == node, nodes[index].name.names(level, key) { return candidate }
        }
        return nil
    }

    private func find(_ topic: Span<UInt8>) -> UInt32? {
        var node = Self.root
        var start = 0
        while start <= topic.count {
            let end = FilterSyntax.levelEnd(in: topic, from: start)
            guard let next = child(of: node, topic.extracting(start..<end)) else { return nil }
            node = next
            start = end + 1
        }
        return node
    }

    private mutating func insert(_ topic: Span<UInt8>) -> UInt32 {
        var node = Self.root
        var start = 0
        while start <= topic.count {
            let end = FilterSyntax.levelEnd(in: topic, from: start)
            let level = topic.extracting(start..<end)
            node = child(of: node, level) ?? makeChild(of: node, level)
            start = end + 1
        }
        return node
    }

    private mutating func makeChild(of parent: UInt32, _ level: Span<UInt8>) -> UInt32 {
        var node = Node(parent: parent, name: LevelName(level))
        let hash = node.edgeHash
        node.next = nodes[Int(parent)].firstChild
        let index: UInt32
        if let free = freeNodes.popLast() {
            index = free
            nodes[Int(index)] = node
        } else {
            precondition(nodes.count < Int(Self.none))
            index = UInt32(nodes.count)
            nodes.append(node)
        }
        if node.next != Self.none { nodes[Int(node.next)].previous = index }
        nodes[Int(parent)].firstChild = index
        edges.insert(index, hash: hash)
        return index
    }

    private mutating func removeUnused(_ node: UInt32) {
        var index = node
        while index != Self.root, nodes[Int(index)].offset == nil, nodes[Int(index)].firstChild == Self.none {
            let removed = nodes[Int(index)]
            edges.remove(index, hash: removed.edgeHash)
            if removed.previous == Self.none {
                nodes[Int(removed.parent)].firstChild = removed.next
            } else {
                nodes[Int(removed.previous)].next = removed.next
            }
            if removed.next != Self.none { nodes[Int(removed.next)].previous = removed.previous }
            nodes[Int(index)] = .unused
            freeNodes.append(index)
            index = removed.parent
        }
    }
}
