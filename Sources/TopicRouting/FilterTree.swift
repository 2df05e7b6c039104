/// Topic filters by number, matched level by level; the part of `SubscriptionTrie` that is the same for all
/// subscriptions.
///
/// Layout: nodes in one array, linked by index; one table holds the exact edges of all nodes, keyed by parent and level
/// bytes. A filter's number is its node's index doubled, plus one when it ends with `#` below that node; numbers are
/// used again.
/// Invariants: a node other than the root holds a filter or has a child; `stack` is empty between calls.
@usableFromInline
struct FilterTree: ~Copyable {
    private var nodes: [Node] = [Node(parent: Self.none, level: [])]
    private var freeNodes: [UInt32] = []
    private var edges = EdgeTable()
    /// Where a match has still to go; at most one entry more than the topic has levels.
    private var stack: [Step] = []
    /// The numbers of the filters that matched last.
    @usableFromInline private(set) var matched: [Int] = []

    private struct Node {
        var parent: UInt32
        var level: [UInt8]
        var plus: UInt32 = .max
        var exactChildCount: UInt32 = 0
        /// Whether a filter ends at this node.
        var endsHere = false
        /// Whether a filter ends with `#` below this node.
        var endsBelow = false

        var isUnused: Bool { plus == .max && exactChildCount == 0 && !endsHere && !endsBelow }

        var edgeHash: Int { EdgeTable.hash(parent: parent, level.span) }

        func isChild(of parent: UInt32, at level: Span<UInt8>) -> Bool {
            self.parent == parent && self.level.span.holdsSameBytes(as: level)
        }
    }

    private struct Step {
        var node: UInt32
        /// Where the next level of the topic starts; one past its end when there is none.
        var start: Int
    }

    private static var root: UInt32 { 0 }
    private static var none: UInt32 { .max }

    init() {}

    /// One more than the largest number in use.
    var numbersEnd: Int { nodes.count * 2 }

    /// The number of `filter`, which is added when it is new.
    /// - Complexity: O(levels), amortised.
    mutating func insert(_ filter: Span<UInt8>) -> Int {
        var node = Self.root
        var start = 0
        while start <= filter.count {
            let end = FilterSyntax.levelEnd(in: filter, from: start)
            let level = filter.extracting(start..<end)
            if level.isHash {
                nodes[Int(node)].endsBelow = true
                return Int(node) * 2 + 1
            }
            node = child(of: node, level) ?? makeChild(of: node, level)
            start = end + 1
        }
        nodes[Int(node)].endsHere = true
        return Int(node) * 2
    }

    /// The number of `filter`, when it is here.
    borrowing func number(of filter: Span<UInt8>) -> Int? {
        var node = Self.root
        var start = 0
        while start <= filter.count {
            let end = FilterSyntax.levelEnd(in: filter, from: start)
            let level = filter.extracting(start..<end)
            if level.isHash { return nodes[Int(node)].endsBelow ? Int(node) * 2 + 1 : nil }
            guard let next = child(of: node, level) else { return nil }
            node = next
            start = end + 1
        }
        return nodes[Int(node)].endsHere ? Int(node) * 2 : nil
    }

    /// Removes the filter of `number` and the nodes that nothing else needs.
    mutating func remove(_ number: Int) {
        var index = UInt32(number / 2)
        if number.isMultiple(of: 2) {
            nodes[Int(index)].endsHere = false
        } else {
            nodes[Int(index)].endsBelow = false
        }
        while index != Self.root, nodes[Int(index)].isUnused {
            let parent = nodes[Int(index)].parent
            if nodes[Int(parent)].plus == index {
                nodes[Int(parent)].plus = Self.none
            } else {
                nodes[Int(parent)].exactChildCount -= 1
                edges.remove(index, hash: nodes[Int(index)].edgeHash)
            }
            nodes[Int(index)] = Node(parent: Self.none, level: [])
            freeNodes.append(index)
            index = parent
        }
    }

    /// Sets `matched` to the numbers of the filters that match `topic`.
    /// - Complexity: O(visited nodes), no allocation in the steady state.
    @usableFromInline
    mutating func match(_ topic: Span<UInt8>) {
        matched.removeAll(keepingCapacity: true)
        guard !topic.isEmpty else { return }
        let isSystemTopic = topic[0] == ASCII.dollar
        stack.append(Step(node: Self.root, start: 0))
        while let step = stack.popLast() {
            let isHidden = isSystemTopic && step.node == Self.root
            let index = Int(step.node)
            if !isHidden, nodes[index].endsBelow { matched.append(index * 2 + 1) }
            if step.start > topic.count {
                if nodes[index].endsHere { matched.append(index * 2) }
                continue
            }
            let end = FilterSyntax.levelEnd(in: topic, from: step.start)
            if !isHidden, nodes[index].plus != Self.none {
                stack.append(Step(node: nodes[index].plus, start: end + 1))
            }
            if nodes[index].exactChildCount > 0,
                let exact = exactChild(of: step.node, topic.extracting(step.start..<end))
            {
                stack.append(Step(node: exact, start: end + 1))
            }
        }
    }

    // MARK: Nodes

    private borrowing func child(of node: UInt32, _ level: Span<UInt8>) -> UInt32? {
        if level.isPlus {
            let plus = nodes[Int(node)].plus
            return plus == Self.none ? nil : plus
        }
        return exactChild(of: node, level)
    }

    private borrowing func exactChild(of node: UInt32, _ level: Span<UInt8>) -> UInt32? {
        var probe = edges.probe(hash: EdgeTable.hash(parent: node, level))
        while let candidate = edges.next(&probe) {
            if nodes[Int(candidate)].isChild(of: node, at: level) { return candidate }
        }
        return nil
    }

    private mutating func makeChild(of parent: UInt32, _ level: Span<UInt8>) -> UInt32 {
        var bytes: [UInt8] = []
        bytes.append(copying: level)
        let node = Node(parent: parent, level: bytes)
        let index: UInt32
        if let free = freeNodes.popLast() {
            index = free
            nodes[Int(index)] = node
        } else {
            precondition(nodes.count < Int(Self.none))
            index = UInt32(nodes.count)
            nodes.append(node)
        }
        if level.isPlus {
            nodes[Int(parent)].plus = index
        } else {
            nodes[Int(parent)].exactChildCount += 1
            edges.insert(index, hash: EdgeTable.hash(parent: parent, level))
        }
        return index
    }
}
