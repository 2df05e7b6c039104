/// Topic filters by number, matched level by level; the part of `SubscriptionTrie` that is the same for all
/// subscriptions.
///
/// Layout: nodes in one array, linked by index; one table holds the exact edges of all nodes, keyed by parent and level
/// bytes. Filters are numbered from zero, and the numbers are used again. With 100,000 filters a match waits for memory
/// more than for anything else, hence the shortcut to an only child and the numbers in the nodes.
/// Invariants: a node other than the root holds a filter or has a child; `stack` is empty between calls.
@usableFromInline
struct FilterTree: ~Copyable {
    private var nodes: [Node] = [Node.unused]
    private var freeNodes: [UInt32] = []
    /// Where each filter ends, by its number.
    private var ends: [End] = []
    private var freeNumbers: [UInt32] = []
    private var edges = EdgeTable()
    /// Where a match has still to go; at most one entry more than the topic has levels.
    private var stack: [Step] = []
    /// The numbers of the filters that matched last.
    @usableFromInline private(set) var matched: [Int] = []

    private struct Node {
        var name: LevelName
        var parent: UInt32
        var plus: UInt32 = .max
        var exactChildCount: UInt32 = 0
        /// The exact child, when there never was another; else the table has to be asked.
        var onlyChild: UInt32 = .max
        /// That child's name, folded: most levels that are not its own are told apart without a look at it.
        var onlyFold: UInt32 = 0
        /// The number of the filter that ends at this node.
        var here: UInt32 = .max
        /// The number of the filter that ends with `#` below this node.
        var below: UInt32 = .max

        static var unused: Node { Node(name: LevelName(Span()), parent: .max) }

        var isUnused: Bool { plus == .max && exactChildCount == 0 && here == .max && below == .max }

        var edgeHash: Int { name.hash(parent: parent) }
    }

    private struct End {
        var node: UInt32
        var isBelow: Bool
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
    var numbersEnd: Int { ends.count }

    /// The number of `filter`, which is added when it is new.
    /// - Complexity: O(levels), amortised.
    mutating func insert(_ filter: Span<UInt8>) -> Int {
        var node = Self.root
        var start = 0
        while start <= filter.count {
            let end = FilterSyntax.levelEnd(in: filter, from: start)
            let level = filter.extracting(start..<end)
            if level.isHash {
                if nodes[Int(node)].below == Self.none {
                    nodes[Int(node)].below = takeNumber(End(node: node, isBelow: true))
                }
                return Int(nodes[Int(node)].below)
            }
            node = child(of: node, level) ?? makeChild(of: node, level)
            start = end + 1
        }
        if nodes[Int(node)].here == Self.none {
            nodes[Int(node)].here = takeNumber(End(node: node, isBelow: false))
        }
        return Int(nodes[Int(node)].here)
    }

    private mutating func takeNumber(_ end: End) -> UInt32 {
        if let free = freeNumbers.popLast() {
            ends[Int(free)] = end
            return free
        }
        precondition(ends.count < Int(Self.none))
        ends.append(end)
        return UInt32(ends.count - 1)
    }

    /// The number of `filter`, when it is here.
    borrowing func number(of filter: Span<UInt8>) -> Int? {
        var node = Self.root
        var start = 0
        while start <= filter.count {
            let end = FilterSyntax.levelEnd(in: filter, from: start)
            let level = filter.extracting(start..<end)
            if level.isHash { return Self.number(nodes[Int(node)].below) }
            guard let next = child(of: node, level) else { return nil }
            node = next
            start = end + 1
        }
        return Self.number(nodes[Int(node)].here)
    }

    private static func number(_ number: UInt32) -> Int? { number == none ? nil : Int(number) }

    /// Removes the filter of `number` and the nodes that nothing else needs.
    mutating func remove(_ number: Int) {
        let end = ends[number]
        var index = end.node
        if end.isBelow {
            precondition(nodes[Int(index)].below == number, "Cannot remove a filter that is not there")
            nodes[Int(index)].below = Self.none
        } else {
            precondition(nodes[Int(index)].here == number, "Cannot remove a filter that is not there")
            nodes[Int(index)].here = Self.none
        }
        freeNumbers.append(UInt32(number))
        while index != Self.root, nodes[Int(index)].isUnused {
            let parent = nodes[Int(index)].parent
            if nodes[Int(parent)].plus == index {
                nodes[Int(parent)].plus = Self.none
            } else {
                nodes[Int(parent)].exactChildCount -= 1
                if nodes[Int(parent)].onlyChild == index { nodes[Int(parent)].onlyChild = Self.none }
                edges.remove(index, hash: nodes[Int(index)].edgeHash)
            }
            nodes[Int(index)] = .unused
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
            if !isHidden, nodes[index].below != Self.none { matched.append(Int(nodes[index].below)) }
            if step.start > topic.count {
                if nodes[index].here != Self.none { matched.append(Int(nodes[index].here)) }
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
        let key = LevelName.Key(level)
        let only = nodes[Int(node)].onlyChild
        if only != Self.none {
            return nodes[Int(node)].onlyFold == key.fold && nodes[Int(only)].name.names(level, key) ? only : nil
        }
        var probe = edges.probe(hash: LevelName.hash(parent: node, level, key))
        while let candidate = edges.next(&probe) {
            let index = Int(candidate)
            if nodes[index].parent == node, nodes[index].name.names(level, key) { return candidate }
        }
        return nil
    }

    private mutating func makeChild(of parent: UInt32, _ level: Span<UInt8>) -> UInt32 {
        let node = Node(name: LevelName(level), parent: parent)
        let hash = node.edgeHash
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
            let isOnly = nodes[Int(parent)].exactChildCount == 1
            nodes[Int(parent)].onlyChild = isOnly ? index : Self.none
            nodes[Int(parent)].onlyFold = LevelName.Key(level).fold
            edges.insert(index, hash: hash)
        }
        return index
    }
}
