/// Every bound that input could otherwise grow past, with the arithmetic that chose it.
///
/// More than twenty stored properties: each is a setting of its own, and they are handed around together.
package struct Limits: Sendable, Equatable {
    /// The largest MQTT packet taken, all bytes counted. 2 MiB: mosquitto takes 2,000,000 bytes, and a client that
    /// sends 1 MiB of payload means a little more with its topic.
    package var packetBytesMax = 2 << 20
    /// Levels of a topic or filter. mosquitto stops at 200 (its 1.6.6 overflowed the stack without a bound).
    package var topicLevelsMax = 200
    /// Bytes of a topic or filter; the protocol's own bound is 65,535. With 64 aliases a connection keeps 256 KiB of
    /// names at most.
    package var topicBytesMax = 4096
    /// QoS 1 publishes of one connection that are not acknowledged yet, and the Receive Maximum that MQTT 5 clients are
    /// told. What one sends beyond it is left in its socket; at QoS 2 there may be as many as there are identifiers.
    package var inflightInboundMax = 1024
    /// QoS 1 and 2 deliveries to one connection that are not acknowledged yet, unless the client asks for fewer.
    package var inflightOutboundMax = 1024
    /// The highest QoS that is taken and granted; MQTT 5 clients are told.
    package var qosMax = 2
    /// Whether clients may have messages retained; MQTT 5 clients are told.
    package var retainsMessages = true
    /// Filters of one session.
    package var subscriptionsMax = 10_000
    /// Topic aliases that one MQTT 5 client may set up.
    package var topicAliasesMax = 64
    /// The longest keep alive, in seconds, that MQTT 5 clients are granted; nil for any.
    package var keepAliveSecondsMax: Int?
    /// The longest time, in seconds, that a session outlives its connection; nil for any.
    package var sessionSecondsMax: Int?
    /// Filters that nobody may subscribe to, nor to a topic or filter that they match.
    package var refusedFilters: [[UInt8]] = []
    /// User properties in one packet, 0x97 beyond (mosquitto CVE-2021-41039: quadratic work in thousands).
    package var userPropertiesMax = 128
    /// Bytes waiting for one connection's socket; QoS 0 deliveries above it are dropped and counted, others wait in
    /// the log. More of it holds the loop up: with 1 MiB, ten replays made others wait 104 ms for a PUBACK (p99), with
    /// this 23 ms, at the same speed.
    package var outputBytesMax = 256 << 10
    /// Bytes that all clients together may hold: outputs, what is read ahead for them, packets that are half received.
    /// The composition derives it from what the process may take.
    package var clientMemoryMax = Int.max
    /// How long a connection may take to send its CONNECT, in seconds.
    package var connectSecondsMax = 10
    /// How long a share group without members keeps its position, in seconds: 7 days, as Kafka keeps a group's offsets.
    package var shareGroupSecondsMax = 7 * 86_400
    /// Connections of one process, or of one listener; fewer where the limit of open files allows fewer.
    package var connectionsMax = 100_000
    /// Connections of one address; nil for any.
    package var addressConnectionsMax: Int?
    /// How fast one address may connect; nil for any rate.
    package var connectRate: Rate?
    /// Messages that one connection may publish in a time; nil for any.
    package var publishRate: Rate?
    /// Bytes of PUBLISH packets that one connection may send in a time; nil for any.
    package var publishByteRate: Rate?
    /// Topics with a retained message; nil for any.
    package var retainedMax: Int?
    /// Bytes of retained messages, of topic and payload; nil for any.
    package var retainedBytesMax: Int?
    /// Bytes that one connection may hold: its output, what is read ahead for it, a packet that is half received; nil
    /// for what the other limits allow.
    package var connectionBytesMax: Int?
    /// Connections beyond that which are let in as far as their CONNECT, to be told why they are refused. The
    /// descriptors are kept for them; whoever comes while these are taken, too, is closed without a word.
    package static let surplusConnectionsMax = 16

    /// Partitions of a node, those of its own streams included: a delivery's token has 14 bits for the partition.
    package static let partitionsMax = 1 << 14
    /// Of them, what the node's own streams may take.
    package static let ownPartitionsMax = 16

    /// The defaults.
    package init() {
        precondition(topicBytesMax < packetBytesMax)
        precondition(inflightInboundMax <= 65_535 && inflightOutboundMax <= 65_535)
        precondition(topicAliasesMax <= 65_535)
        precondition((0...2).contains(qosMax))
    }
}

/// Bounds of one user or role, in place of those that its listener has; nil where it says nothing.
package struct IdentityLimits: Sendable, Equatable {
    /// Connections of all that show this identity; of a role, of each user.
    package var connectionsMax: Int?
    /// See `Limits.publishRate`.
    package var publishRate: Rate?
    /// See `Limits.publishByteRate`.
    package var publishByteRate: Rate?
    /// See `Limits.subscriptionsMax`.
    package var subscriptionsMax: Int?
    /// See `Limits.inflightInboundMax`; each way.
    package var inflightMax: Int?
    /// See `Limits.packetBytesMax`.
    package var packetBytesMax: Int?
    /// Topics whose retained message is the identity's.
    package var retainedMax: Int?
    /// Bytes of those messages.
    package var retainedBytesMax: Int?
    /// See `Limits.connectionBytesMax`.
    package var connectionBytesMax: Int?

    /// Nothing is said.
    package init() {}

    /// What who has both may do: the more of each.
    package func merged(with other: IdentityLimits) -> IdentityLimits {
        func most<Value: Comparable>(_ path: KeyPath<IdentityLimits, Value?>) -> Value? {
            guard let left = self[keyPath: path], let right = other[keyPath: path] else {
                return self[keyPath: path] ?? other[keyPath: path]
            }
            return max(left, right)
        }
        var limits = IdentityLimits()
        limits.connectionsMax = most(\.connectionsMax)
        limits.publishRate = most(\.publishRate)
        limits.publishByteRate = most(\.publishByteRate)
        limits.subscriptionsMax = most(\.subscriptionsMax)
        limits.inflightMax = most(\.inflightMax)
        limits.packetBytesMax = most(\.packetBytesMax)
        limits.retainedMax = most(\.retainedMax)
        limits.retainedBytesMax = most(\.retainedBytesMax)
        limits.connectionBytesMax = most(\.connectionBytesMax)
        return limits
    }

    /// These limits where something is said, and `other` where nothing is.
    package func over(_ other: IdentityLimits) -> IdentityLimits {
        var limits = other
        limits.connectionsMax = connectionsMax ?? other.connectionsMax
        limits.publishRate = publishRate ?? other.publishRate
        limits.publishByteRate = publishByteRate ?? other.publishByteRate
        limits.subscriptionsMax = subscriptionsMax ?? other.subscriptionsMax
        limits.inflightMax = inflightMax ?? other.inflightMax
        limits.packetBytesMax = packetBytesMax ?? other.packetBytesMax
        limits.retainedMax = retainedMax ?? other.retainedMax
        limits.retainedBytesMax = retainedBytesMax ?? other.retainedBytesMax
        limits.connectionBytesMax = connectionBytesMax ?? other.connectionBytesMax
        return limits
    }
}

extension Limits {
    /// What holds for one connection of an identity. What is counted for the identity as a whole (connections,
    /// retained messages) stays the listener's here.
    package func under(_ identity: IdentityLimits) -> Limits {
        var limits = self
        if let rate = identity.publishRate { limits.publishRate = rate }
        if let rate = identity.publishByteRate { limits.publishByteRate = rate }
        if let count = identity.subscriptionsMax { limits.subscriptionsMax = count }
        if let count = identity.inflightMax {
            limits.inflightInboundMax = count
            limits.inflightOutboundMax = count
        }
        if let size = identity.packetBytesMax { limits.packetBytesMax = size }
        if let size = identity.connectionBytesMax { limits.connectionBytesMax = size }
        return limits
    }
}
