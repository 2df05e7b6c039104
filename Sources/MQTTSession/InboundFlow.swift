import MQTTWire
import SluiceCore

/// What a client sent and was not answered yet, and the topic aliases that it set up.
///
/// The identifiers belong to the session and outlive the connection; the count and the aliases do not.
struct InboundFlow {
    /// QoS 2 messages that wait for their PUBREL.
    var unreleased = PacketIDSet()
    /// QoS 1 messages of this connection whose PUBACK did not leave yet.
    private(set) var unacknowledgedCount = 0
    /// Whether the session is older than the connection.
    private(set) var isResumed = false
    /// Tokens by alias minus one; as long as the largest alias that was used.
    private var tokens: [UInt64] = []
    /// The server's Receive Maximum and Topic Alias Maximum.
    private var receiveMaximum = 0
    private var topicAliasMaximum = 0

    private static let unbound = UInt64.max

    /// Starts a connection, with the identifiers that an earlier one left behind; nil when there was none.
    mutating func open(receiveMaximum: UInt16, topicAliasMaximum: UInt16, unreleased ids: [PacketID]?) {
        isResumed = ids != nil
        self.receiveMaximum = Int(receiveMaximum)
        self.topicAliasMaximum = Int(topicAliasMaximum)
        for id in ids ?? [] {
            let isNew = unreleased.insert(id)
            precondition(isNew)
        }
    }

    /// Takes a PUBLISH of QoS 1 into account; false when there are too many: it waits, and all that is behind it, until
    /// PUBACKs have left.
    ///
    /// Before MQTT 5 nobody tells a client how many it may send, so only the owner's back-pressure bounds them. At QoS
    /// 2 the client has a step to take, and its PUBREL may be behind the PUBLISH that would wait: there as many are
    /// taken as there are identifiers.
    @inline(__always)
    mutating func admit(version: ProtocolVersion) -> Bool {
        if case .v5 = version, unacknowledgedCount >= receiveMaximum { return false }
        unacknowledgedCount += 1
        return true
    }

    /// Takes into account that `count` PUBACKs have left.
    mutating func acknowledged(_ count: Int) {
        precondition(count >= 0)
        assert(count <= unacknowledgedCount)
        unacknowledgedCount = max(0, unacknowledgedCount - count)
    }

    // MARK: Topic aliases

    /// What the topic of `publish` is, or how its alias breaks the rules.
    mutating func topic(of publish: Packet.Publish) throws(SessionFault) -> PublishAction.Topic {
        let alias = Int(publish.topicAlias)
        guard alias > 0 else { return .name(publish.topic) }
        guard alias <= topicAliasMaximum else { throw .topicAliasInvalid }
        guard publish.topic.isEmpty else {
            // The old meaning ends here, even if the owner never binds the new one.
            if alias <= tokens.count { tokens[alias - 1] = Self.unbound }
            return .namedAlias(publish.topic, alias: publish.topicAlias)
        }
        guard alias <= tokens.count, tokens[alias - 1] != Self.unbound else { throw .topicAliasUnknown }
        return .token(tokens[alias - 1])
    }

    /// Lets `alias` stand for `token`.
    mutating func bind(_ alias: UInt16, to token: UInt64) {
        precondition(alias > 0 && Int(alias) <= topicAliasMaximum)
        precondition(token != Self.unbound)
        while tokens.count < alias { tokens.append(Self.unbound) }
        tokens[Int(alias) - 1] = token
    }
}
