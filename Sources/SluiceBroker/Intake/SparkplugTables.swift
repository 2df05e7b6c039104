import PayloadFormats
import SluiceCore
import TopicRouting

/// What the births of Sparkplug's edge nodes have said, as messages come by.
///
/// An edge node publishes on one connection, its births first, and again after it has lost it; so whoever sees its
/// messages in order knows its aliases. Of too many edge nodes all are forgotten: they are told to be born again by the
/// dead letters that follow.
/// Isolation: its owner's.
/// Source: Sparkplug 3.0.0 §4.1 (topics), §6.4.7 (NBIRTH), §6.4.8 (DBIRTH).
struct SparkplugTables {
    private var tables: [[UInt8]: SparkplugAliases] = [:]
    private var byteCount = 0
    private let byteCountMax: Int

    /// Tables that take about so many bytes together at most.
    init(byteCountMax: Int = 16 << 20) { self.byteCountMax = byteCountMax }

    /// What the message of a topic is, and whose.
    private struct Place {
        enum Kind { case nodeBirth, deviceBirth, other }
        var kind: Kind
        /// The group and the edge node.
        var node: [UInt8]
    }

    /// Checks a payload of a topic, with what is known of its edge node; takes in what a birth says.
    mutating func check(
        _ payload: Span<UInt8>, of topic: Span<UInt8>, slack: Int, schema: PayloadSchema, by reader: PayloadReader
    ) -> PayloadFault? {
        guard let place = Self.place(topic) else { return reader.check(payload, slack: slack, schema: schema) }
        switch place.kind {
        case .other: break
        case .nodeBirth, .deviceBirth:
            let known = tables[place.node]
            // A node's birth begins anew.
            var table = place.kind == .nodeBirth ? SparkplugAliases() : known ?? SparkplugAliases()
            if let fault = table.take(birth: payload) { return fault }
            byteCount += table.byteCount + place.node.count - (known.map { $0.byteCount + place.node.count } ?? 0)
            if byteCount > byteCountMax {
                tables.removeAll()
                byteCount = table.byteCount + place.node.count
            }
            tables[place.node] = table
        }
        return reader.check(payload, slack: slack, schema: schema, aliases: tables[place.node])
    }

    /// `namespace/group/type/node[/device]`.
    private static func place(_ topic: Span<UInt8>) -> Place? {
        var levels: [Range<Int>] = []
        var start = 0
        while start <= topic.count, levels.count < 5 {
            let end = FilterSyntax.levelEnd(in: topic, from: start)
            levels.append(start..<end)
            start = end + 1
        }
        guard levels.count >= 4 else { return nil }
        var node: [UInt8] = []
        for index in levels[1] { node.append(topic[index]) }
        node.append(UInt8(ascii: "/"))
        for index in levels[3] { node.append(topic[index]) }
        let type = topic.extracting(levels[2])
        let isBirth = type.count == 6 && type[1] == UInt8(ascii: "B")
        let kind: Place.Kind =
            !isBirth ? .other : type[0] == UInt8(ascii: "N") ? .nodeBirth : .deviceBirth
        return Place(kind: kind, node: node)
    }
}
