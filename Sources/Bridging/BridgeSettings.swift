/// A bridge as it is configured: which broker upstream, which topics, and what to do when it is gone.
/// More than twenty stored properties: one for each setting.
package struct BridgeSettings: Equatable, Sendable {
    /// The version of MQTT that is spoken upstream.
    package enum Version: String, CaseIterable, Sendable {
        /// MQTT 3.1.1.
        case v311 = "3.1.1"
        /// MQTT 5.
        case v5 = "5"
    }

    /// When a bridge connects.
    package enum StartKind: String, CaseIterable, Sendable {
        /// At once, and again whenever the connection is lost.
        case automatic
        /// When `threshold` messages wait, and not for longer than it has something to do.
        case lazy
    }

    /// Which address is tried next.
    package enum AddressOrder: String, CaseIterable, Sendable {
        /// The one behind the last, around and around.
        case roundRobin = "round-robin"
        /// The first, and the others only while it is not to be had.
        case primaryFirst = "primary"
    }

    /// What happens when retention reaches what the bridge has not forwarded.
    package enum Overtaking: Equatable, Sendable {
        /// Retention waits, until the streams' files behind the bridge have this many bytes.
        case hold(quotaBytes: Int64)
        /// What retention takes is lost to the bridge, and counted.
        case dropAndCount
    }

    /// What becomes of a message that the upstream refuses for good.
    package enum Refused: String, CaseIterable, Sendable {
        /// The bridge waits, and tries again, until the upstream takes it.
        case hold
        /// It is passed over and counted.
        case dropAndCount
    }

    /// Where a bridge without a checkpoint begins.
    package enum Beginning: String, CaseIterable, Sendable {
        /// With what comes from now on.
        case latest
        /// With the oldest record that is kept.
        case earliest
    }

    /// How long to wait before another attempt.
    package struct RestartDelay: Equatable, Sendable {
        /// The least, in nanoseconds.
        package var baseNanoseconds: Int64
        /// The most, in nanoseconds; equal to the least for a wait that is always the same.
        package var capNanoseconds: Int64

        /// A delay between two bounds.
        package init(baseNanoseconds: Int64, capNanoseconds: Int64) {
            precondition(baseNanoseconds > 0 && capNanoseconds >= baseNanoseconds)
            self.baseNanoseconds = baseNanoseconds
            self.capNanoseconds = capNanoseconds
        }
    }

    /// One place where the upstream broker may be.
    package struct Address: Equatable, Sendable, CustomStringConvertible {
        /// A name or numeric address.
        package var host: String
        /// The TCP port.
        package var port: UInt16

        /// An address from its parts.
        package init(host: String, port: UInt16) {
            self.host = host
            self.port = port
        }

        /// `HOST:PORT`.
        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    /// The name, which its checkpoints bear.
    package var name: String
    /// Where the upstream broker may be; at least one.
    package var addresses: [Address]
    /// Which of them is tried next.
    package var order = AddressOrder.primaryFirst
    /// What goes which way.
    package var topics: [BridgeTopic]
    /// The address of this machine that the connection is made from; nil for the system's choice.
    package var bindAddress: String?
    /// What the bridge is called upstream.
    package var remoteClientID: String
    /// What it is called here, where its own messages are known by it.
    package var localClientID: String
    /// The user that the upstream broker knows.
    package var username: String?
    /// The user's password.
    package var password: String?
    /// The version of MQTT.
    package var version = Version.v5
    /// Whether the upstream broker forgets the bridge with each connection.
    package var isClean = false
    /// Seconds without a packet after which the connection is tried; mosquitto's default.
    package var keepAliveSeconds = 60
    /// When it connects.
    package var start = StartKind.automatic
    /// Messages that a lazy bridge waits for.
    package var threshold = 10
    /// How long a lazy bridge stays connected with nothing to do, in nanoseconds.
    package var idleNanoseconds: Int64 = 60_000_000_000
    /// How long it waits before it tries again.
    package var restart = RestartDelay(baseNanoseconds: 5_000_000_000, capNanoseconds: 30_000_000_000)
    /// Messages handed upstream that are not acknowledged and checkpointed yet.
    package var inflightMax = 1000
    /// Messages that it hands over in a second at most; nil for as fast as the upstream acknowledges.
    package var messagesPerSecondMax: Int?
    /// Whether history goes at the pace of `CatchUpPace`.
    package var pacesCatchUp = true
    /// Bytes of topics and payloads that it hands over in a second at most; nil for any.
    package var bytesPerSecondMax: Int?
    /// Whether it asks the upstream broker not to send its own messages back.
    package var triesPrivate = true
    /// Whether it tells, upstream and here, if it is connected.
    package var notifies = true
    /// Whether it tells so here only.
    package var notifiesLocallyOnly = false
    /// The topic that it tells it on; nil for `$SYS/broker/connection/<remote client>/state`.
    package var notificationTopic: String?
    /// The largest message that goes upstream, topic and payload and what MQTT puts around them, in bytes; nil for any.
    package var messageBytesMax: Int?
    /// Whether messages that were retained here are upstream.
    package var retainsOutgoing = true
    /// What happens when retention reaches it.
    package var overtaking = Overtaking.hold(quotaBytes: 10 << 30)
    /// What becomes of what the upstream refuses for good.
    package var refused = Refused.dropAndCount
    /// Where it begins.
    package var beginning = Beginning.latest
    /// What the upstream connection is secured with; nil for none.
    package var security: UpstreamSecurity?

    /// A bridge with the defaults.
    package init(name: String, addresses: [Address], topics: [BridgeTopic], nodeName: String) {
        precondition(!addresses.isEmpty)
        precondition(!topics.isEmpty)
        self.name = name
        self.addresses = addresses
        self.topics = topics
        remoteClientID = "\(nodeName).\(name)"
        localClientID = "local.\(nodeName).\(name)"
    }

    /// What an operator may not expect of these settings.
    package var remarks: [String] {
        let assured = topics.filter { $0.direction.isIn && $0.qos == .exactlyOnce }.map(\.remoteFilter)
        guard !assured.isEmpty else { return [] }
        return [
            "'\(assured.joined(separator: "', '"))' is subscribed to at QoS 1, not 2: a message may come twice after a "
                + "lost connection, none is lost"
        ]
    }

    /// The topic that it tells its state on.
    package var stateTopic: String { notificationTopic ?? "$SYS/broker/connection/\(remoteClientID)/state" }
}

/// What an upstream connection is secured with; PEM texts as their files hold them.
package struct UpstreamSecurity: Equatable, Sendable {
    /// The authorities that the upstream's certificate must lead to; nil with `key`.
    package var authorities: [UInt8]?
    /// A directory of authorities, by their hashes.
    package var authoritiesPath: String?
    /// The bridge's own certificate and those that lead from it to an authority.
    package var certificateChain: [UInt8]?
    /// The private key of its certificate.
    package var privateKey: [UInt8]?
    /// Whether the certificate may be of another host.
    package var acceptsOtherHosts = false
    /// Whether TLS 1.3 is the least that is spoken; TLS 1.2 otherwise.
    package var requiresTLS13 = false
    /// SHA-256 of the SubjectPublicKeyInfo that the upstream's certificate must have, one of them; none for any.
    package var pins: [[UInt8]] = []
    /// The identity of a pre-shared key, instead of certificates.
    package var keyIdentity: String?
    /// The pre-shared key.
    package var key: [UInt8]?
    /// The protocol that the upstream is asked for (RFC 7301); nil asks for none.
    package var applicationProtocol: String?

    /// Nothing set yet.
    package init() {}
}
