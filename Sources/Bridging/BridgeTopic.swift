import TopicRouting

/// The quality of service of a bridged message, by its number.
package enum BridgeQoS: UInt8, Comparable, Sendable, CaseIterable {
    /// At most once.
    case atMostOnce = 0
    /// At least once.
    case atLeastOnce = 1
    /// Exactly once.
    case exactlyOnce = 2

    /// The smaller number comes first.
    package static func < (left: BridgeQoS, right: BridgeQoS) -> Bool { left.rawValue < right.rawValue }
}

/// Which way a topic of a bridge goes.
package enum BridgeDirection: String, CaseIterable, Sendable {
    /// From here to the upstream broker.
    case out
    /// From the upstream broker to here.
    case `in`
    /// Both ways.
    case both

    /// Whether messages leave.
    package var isOut: Bool { self != .in }
    /// Whether messages come.
    package var isIn: Bool { self != .out }
}

/// One `topic` line of a bridge, in mosquitto's grammar:
///
///     topic PATTERN [[[out|in|both] QOS] LOCAL-PREFIX REMOTE-PREFIX]
///
/// A pattern `""` is left out: then the prefixes are the two topics themselves.
/// Source: mosquitto.conf(5), `topic`.
package struct BridgeTopic: Equatable, Sendable {
    /// The filter behind the prefixes; nil when both prefixes are whole topics.
    package var pattern: String?
    /// Which way.
    package var direction: BridgeDirection
    /// The highest quality of service of what goes.
    package var qos: BridgeQoS
    /// What topics begin with here, and do not upstream.
    package var localPrefix: String
    /// What topics begin with upstream, and do not here.
    package var remotePrefix: String

    /// Why a line is none.
    package struct Fault: Error, Equatable, CustomStringConvertible {
        /// What was found and what was expected.
        package let description: String
    }

    /// A topic from its parts.
    /// - Throws: `Fault` when they give no filter on one side.
    package init(
        pattern: String?, direction: BridgeDirection = .out, qos: BridgeQoS = .atMostOnce, localPrefix: String = "",
        remotePrefix: String = ""
    ) throws(Fault) {
        self.pattern = pattern.flatMap { $0.isEmpty ? nil : $0 }
        self.direction = direction
        self.qos = qos
        self.localPrefix = localPrefix
        self.remotePrefix = remotePrefix
        for (name, prefix) in [("local", localPrefix), ("remote", remotePrefix)] {
            guard !prefix.contains(where: { "+#".contains($0) }) else {
                throw Fault(description: "the \(name) prefix '\(prefix)' has a wildcard; wildcards go into the pattern")
            }
        }
        if self.pattern == nil {
            guard !localPrefix.isEmpty, !remotePrefix.isEmpty else {
                throw Fault(description: "without a pattern both prefixes must be topics")
            }
        }
        for filter in [localFilter, remoteFilter] where !FilterText.isValid(filter) {
            throw Fault(description: "'\(filter)' is no topic filter")
        }
        try checkReserved()
    }

    /// What could never go: topics that no log has, and topics that a node does not take.
    private func checkReserved() throws(Fault) {
        func level(_ filter: String) -> String {
            String(filter.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).first ?? "")
        }
        let local = level(localFilter)
        let remote = level(remoteFilter)
        if direction.isOut, ReservedTopic.requests.contains(local) {
            throw Fault(
                description: "'\(localFilter)' cannot go out: \(local) is no topic but a request of this broker")
        }
        if direction.isIn, ReservedTopic.requests.contains(local) || local == ReservedTopic.system {
            throw Fault(
                description: "'\(localFilter)' cannot be taken in: \(local) is this broker's own; give a local prefix")
        }
        if direction.isIn, ReservedTopic.requests.contains(remote) {
            throw Fault(description: "'\(remoteFilter)' cannot be taken in: \(remote) is in no topic that comes")
        }
    }

    /// Reads the words behind `topic`; an empty word is written `""`.
    /// - Throws: `Fault` that says which word is wrong.
    package init(words: [String]) throws(Fault) {
        let words = words.map { $0 == "\"\"" ? "" : $0 }
        guard (1...5).contains(words.count) else {
            throw Fault(
                description:
                    "expected PATTERN [[[out|in|both] QOS] LOCAL-PREFIX REMOTE-PREFIX], found \(words.count) words")
        }
        var direction = BridgeDirection.out
        if words.count > 1 {
            guard let named = BridgeDirection(rawValue: words[1]) else {
                throw Fault(description: "expected out, in or both behind the pattern, found '\(words[1])'")
            }
            direction = named
        }
        var qos = BridgeQoS.atMostOnce
        if words.count > 2 {
            guard let number = UInt8(words[2]), let named = BridgeQoS(rawValue: number) else {
                throw Fault(description: "expected a QoS of 0, 1 or 2 behind the direction, found '\(words[2])'")
            }
            qos = named
        }
        try self.init(
            pattern: words[0], direction: direction, qos: qos, localPrefix: words.count > 3 ? words[3] : "",
            remotePrefix: words.count > 4 ? words[4] : "")
    }

    /// What its topics match here.
    package var localFilter: String { localPrefix + (pattern ?? "") }
    /// What its topics match upstream.
    package var remoteFilter: String { remotePrefix + (pattern ?? "") }
}

/// What a topic filter may look like; MQTT 5.0 §4.7.
enum FilterText {
    static func isValid(_ filter: String) -> Bool {
        guard !filter.isEmpty, filter.utf8.count <= 65_535, !filter.utf8.contains(0) else { return false }
        let levels = filter.split(separator: "/", omittingEmptySubsequences: false)
        for (index, level) in levels.enumerated() {
            if level.contains("#"), level != "#" || index != levels.count - 1 { return false }
            if level.contains("+"), level != "+" { return false }
        }
        return true
    }
}
