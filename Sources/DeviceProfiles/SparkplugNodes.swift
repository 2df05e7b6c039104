package import PayloadFormats

/// A topic of Sparkplug B: `spBv1.0/group/NDATA/node`, below other levels or not.
///
/// Source: Sparkplug 3.0.0 §4.1.
package struct SparkplugTopic: Equatable, Sendable {
    /// What kind of message it is of.
    package enum Kind: String, Sendable {
        /// An edge node's birth.
        case nodeBirth = "NBIRTH"
        /// An edge node's readings.
        case nodeData = "NDATA"
        /// An edge node's end.
        case nodeDeath = "NDEATH"
        /// A device's birth.
        case deviceBirth = "DBIRTH"
        /// A device's readings.
        case deviceData = "DDATA"
        /// A device's end.
        case deviceDeath = "DDEATH"

        /// Whether such a message names metrics.
        package var isBirth: Bool { self == .nodeBirth || self == .deviceBirth }
    }

    /// What kind of message it is of.
    package let kind: Kind
    /// The edge node: everything before the kind, and the level behind it.
    package let node: [UInt8]

    /// Reads a topic; nil when it is none of Sparkplug's.
    package init?(_ topic: Span<UInt8>) {
        var start = 0
        var index = 0
        var found: (kind: Kind, start: Int, end: Int)?
        while index <= topic.count {
            if index == topic.count || topic[index] == UInt8(ascii: "/") {
                if let found {
                    guard index > start else { return nil }
                    var node: [UInt8] = []
                    for place in 0..<found.start { node.append(topic[place]) }
                    for place in found.end + 1..<index { node.append(topic[place]) }
                    kind = found.kind
                    self.node = node
                    return
                }
                // The namespace and the group come first.
                if start > 1, let kind = Self.kind(topic.extracting(start..<index)) { found = (kind, start, index) }
                start = index + 1
            }
            index += 1
        }
        return nil
    }

    private static func kind(_ level: Span<UInt8>) -> Kind? {
        guard (5...6).contains(level.count) else { return nil }
        var text = ""
        for index in level.indices { text.unicodeScalars.append(Unicode.Scalar(level[index])) }
        return Kind(rawValue: text)
    }
}

/// The births of edge nodes that are in force: what their aliases mean.
///
/// Isolation: a value.
package struct SparkplugNodes: Sendable {
    private var nodes: [[UInt8]: SparkplugAliases] = [:]
    private var byteCount = 0
    private let byteCountMax: Int

    /// No births.
    /// - Parameter byteCountMax: about how many bytes they may take; beyond it all are forgotten, and an edge node's
    ///   aliases are unknown until it is born again.
    package init(byteCountMax: Int = .max) { self.byteCountMax = byteCountMax }

    // MARK: Commands

    /// Takes a message in the order in which messages came: a node's birth begins anew what is known of it, a device's
    /// adds to it, others change nothing.
    /// - Returns: what is wrong with a birth; it then says nothing, and what was known stays.
    @discardableResult
    package mutating func take(_ topic: SparkplugTopic, _ payload: Span<UInt8>) -> PayloadFault? {
        guard topic.kind.isBirth else { return nil }
        var aliases = topic.kind == .nodeBirth ? SparkplugAliases() : nodes[topic.node] ?? SparkplugAliases()
        if let fault = aliases.take(birth: payload) { return fault }
        byteCount += aliases.byteCount - (nodes[topic.node]?.byteCount ?? -topic.node.count)
        if byteCount > byteCountMax {
            nodes.removeAll()
            byteCount = aliases.byteCount + topic.node.count
        }
        nodes[topic.node] = aliases
        return nil
    }

    /// Reads a payload of a topic, with what is known of its edge node; takes in what a birth says.
    /// - Parameter slack: see `PayloadReader.check`.
    /// - Returns: what is wrong with it; nil when nothing is.
    package mutating func check(
        _ payload: Span<UInt8>, of topic: Span<UInt8>, slack: Int, schema: PayloadSchema, by reader: PayloadReader
    ) -> PayloadFault? {
        guard schema.format == .sparkplug, let place = SparkplugTopic(topic) else {
            return reader.check(payload, slack: slack, schema: schema)
        }
        if let fault = take(place, payload) { return fault }
        return reader.check(payload, slack: slack, schema: schema, aliases: aliases(for: place))
    }

    // MARK: Queries

    /// What the births of a topic's edge node have said; nil when there was none.
    package func aliases(for topic: SparkplugTopic) -> SparkplugAliases? { nodes[topic.node] }

    /// How many edge nodes are known.
    package var count: Int { nodes.count }
}
