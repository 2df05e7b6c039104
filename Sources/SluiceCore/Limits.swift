/// Every bound that input could otherwise grow past, with the arithmetic that chose it.
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
    /// Connections of one process; fewer where the limit of open files allows fewer.
    package var connectionsMax = 100_000
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
