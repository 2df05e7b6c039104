import TopicRouting

/// The topics of a bridge, as a map both ways.
///
/// The first topic that matches decides, as in mosquitto.
/// Isolation: an immutable value.
package struct TopicMap: Sendable {
    /// A topic on its other side.
    package struct Mapped: Equatable, Sendable {
        /// The topic's name there.
        package var topic: [UInt8]
        /// The highest quality of service that it goes with.
        package var qos: BridgeQoS
    }

    /// What to ask the upstream broker for.
    package struct Subscription: Equatable, Sendable {
        /// The filter.
        package var filter: [UInt8]
        /// The quality of service.
        package var qos: BridgeQoS

        /// A subscription from its parts.
        package init(filter: [UInt8], qos: BridgeQoS) {
            self.filter = filter
            self.qos = qos
        }
    }

    private struct Side: Sendable {
        var filter: [UInt8]
        var prefix: [UInt8]
        var otherPrefix: [UInt8]
        var qos: BridgeQoS
    }

    private let outward: [Side]
    private let inward: [Side]

    /// A map of `topics`, in their order.
    package init(_ topics: [BridgeTopic]) {
        outward = topics.filter(\.direction.isOut).map { topic in
            Side(
                filter: Array(topic.localFilter.utf8), prefix: Array(topic.localPrefix.utf8),
                otherPrefix: Array(topic.remotePrefix.utf8), qos: topic.qos)
        }
        inward = topics.filter(\.direction.isIn).map { topic in
            Side(
                filter: Array(topic.remoteFilter.utf8), prefix: Array(topic.remotePrefix.utf8),
                otherPrefix: Array(topic.localPrefix.utf8), qos: topic.qos)
        }
    }

    /// Whether anything leaves.
    package var isOut: Bool { !outward.isEmpty }
    /// Whether anything comes.
    package var isIn: Bool { !inward.isEmpty }
    /// The filters of what leaves, here.
    package var localFilters: [[UInt8]] { outward.map(\.filter) }
    /// What to subscribe to upstream. Two topics of one filter are one subscription, at the higher quality of service.
    package var subscriptions: [Subscription] {
        var all: [Subscription] = []
        for side in inward {
            if let index = all.firstIndex(where: { $0.filter == side.filter }) {
                all[index].qos = max(all[index].qos, side.qos)
            } else {
                all.append(Subscription(filter: side.filter, qos: side.qos))
            }
        }
        return all
    }

    /// Where a message of `topic` goes upstream; nil when it stays.
    /// - Complexity: O(topics of the bridge × levels).
    package func outward(_ topic: Span<UInt8>) -> Mapped? { Self.map(topic, outward) }

    /// Where a message of the upstream's `topic` goes here; nil when nobody asked for it.
    package func inward(_ topic: Span<UInt8>) -> Mapped? { Self.map(topic, inward) }

    private static func map(_ topic: Span<UInt8>, _ sides: [Side]) -> Mapped? {
        for side in sides where FilterSyntax.matches(filter: side.filter.span, topic: topic) {
            // `a/#` matches `a` as well, which is shorter than a prefix `a/`: nothing of it is left to be renamed.
            guard topic.count >= side.prefix.count else { continue }
            var mapped = side.otherPrefix
            mapped.reserveCapacity(mapped.count + topic.count)
            for index in side.prefix.count..<topic.count { mapped.append(topic[index]) }
            return mapped.isEmpty ? nil : Mapped(topic: mapped, qos: side.qos)
        }
        return nil
    }
}
