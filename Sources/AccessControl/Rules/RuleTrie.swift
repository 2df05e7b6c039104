import Checksums
import TopicRouting

/// Filters of many rules, matched level by level: a topic is compared with those that share its levels, not with all.
///
/// Layout: nodes in one array, linked by index; the exact children of a node lie beside each other, in the order of
/// their hashes, and are found by halving.
/// Invariants: never changes after `init`. Ranks are those of the rules in their table; the least rank decides.
struct RuleTrie: Sendable {
    /// The rules that end at a node, or with `#` below it, by what they decide.
    private struct Ends {
        var read = UInt32.max
        var write = UInt32.max

        mutating func note(_ rank: UInt32, _ grant: Grant) {
            if grant != .write { read = min(read, rank) }
            if grant != .read { write = min(write, rank) }
        }
    }

    private struct Node {
        var here = Ends()
        var below = Ends()
        var plus = UInt32.max
        var firstEdge: UInt32 = 0
        var edgeCount: UInt32 = 0
    }

    private struct Edge {
        var hash: UInt64
        var name: Range<UInt32>
        var node: UInt32
    }

    private let nodes: [Node]
    private let edges: [Edge]
    private let names: [UInt8]

    /// A node while the trie is made.
    private struct Draft {
        var node = Node()
        var children: [[UInt8]: Int] = [:]
    }

    /// A trie of filters, each with its rank and what it grants.
    init(_ rules: some Sequence<(filter: [UInt8], rank: UInt32, grant: Grant)>) {
        var drafts = [Draft()]
        for rule in rules { Self.insert(rule.filter, rule.rank, rule.grant, &drafts) }
        var names: [UInt8] = []
        var edges: [Edge] = []
        for index in drafts.indices {
            drafts[index].node.firstEdge = UInt32(edges.count)
            drafts[index].node.edgeCount = UInt32(drafts[index].children.count)
            let sorted = drafts[index].children.map { (hash: XXH3.hash($0.key.span), name: $0.key, node: $0.value) }
                .sorted { $0.hash < $1.hash }
            for child in sorted {
                let start = UInt32(names.count)
                names += child.name
                edges.append(Edge(hash: child.hash, name: start..<UInt32(names.count), node: UInt32(child.node)))
            }
        }
        nodes = drafts.map(\.node)
        self.edges = edges
        self.names = names
    }

    private static func insert(_ filter: [UInt8], _ rank: UInt32, _ grant: Grant, _ drafts: inout [Draft]) {
        var node = 0
        for level in filter.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if level.elementsEqual("#".utf8) { return drafts[node].node.below.note(rank, grant) }
            if level.elementsEqual("+".utf8) {
                if drafts[node].node.plus == .max {
                    drafts[node].node.plus = UInt32(drafts.count)
                    drafts.append(Draft())
                }
                node = Int(drafts[node].node.plus)
            } else if let child = drafts[node].children[Array(level)] {
                node = child
            } else {
                drafts[node].children[Array(level)] = drafts.count
                node = drafts.count
                drafts.append(Draft())
            }
        }
        drafts[node].node.here.note(rank, grant)
    }

    /// The least rank of a rule that matches `topic` and decides `access`; nil when there is none.
    /// - Complexity: O(nodes that share levels with the topic), no allocation.
    func rank(of topic: Span<UInt8>, _ access: Access) -> UInt32? {
        guard !topic.isEmpty else { return nil }
        var least = UInt32.max
        descend(0, topic, 0, access, &least)
        return least == .max ? nil : least
    }

    /// As deep as the rules are, which `Limits.topicLevelsMax` bounds.
    private func descend(
        _ index: Int, _ topic: Span<UInt8>, _ start: Int, _ access: Access, _ least: inout UInt32
    ) {
        let node = nodes[index]
        // A wildcard in the first level leaves out the topics that start with '$'.
        let isHidden = index == 0 && topic[0] == UInt8(ascii: "$")
        if !isHidden { least = min(least, access == .read ? node.below.read : node.below.write) }
        if start > topic.count {
            least = min(least, access == .read ? node.here.read : node.here.write)
            return
        }
        guard node.edgeCount > 0 || node.plus != .max else { return }
        let end = FilterSyntax.levelEnd(in: topic, from: start)
        if !isHidden, node.plus != .max { descend(Int(node.plus), topic, end + 1, access, &least) }
        guard node.edgeCount > 0, let child = child(of: node, topic.extracting(start..<end)) else { return }
        descend(child, topic, end + 1, access, &least)
    }

    private func child(of node: Node, _ level: Span<UInt8>) -> Int? {
        let hash = XXH3.hash(level)
        var low = Int(node.firstEdge)
        let end = low + Int(node.edgeCount)
        var high = end
        while low < high {
            let middle = (low + high) / 2
            if edges[middle].hash < hash { low = middle + 1 } else { high = middle }
        }
        while low < end, edges[low].hash == hash {
            let name = Int(edges[low].name.lowerBound)..<Int(edges[low].name.upperBound)
            if names.span.extracting(name).holdsSameBytes(as: level) { return Int(edges[low].node) }
            low += 1
        }
        return nil
    }
}
