package import AccessControl
import MQTTSession
import MQTTWire
package import SluiceCore
package import Speaking

/// One connection and its session, on the shard that owns it.
///
/// More than twenty stored properties: it is where what a connection, a session, its readers and its groups know of
/// each other meets; each of these has a type of its own for what is its alone.
/// Isolation: its shard's thread.
package final class Client {
    /// A number that no other client of the shard gets again.
    let number: UInt64
    /// The shard that owns it, which lives as long as its loop.
    let shard: BrokerShard
    /// The other side of the connection.
    let peer: PeerIdentity
    weak var link: (any ConnectionLink)?
    var decoder: PacketDecoder
    var session: Session
    /// What the socket is to be sent.
    package var outputQueue = OutputQueue()
    /// The client identifier; empty before its CONNECT.
    var clientID: [UInt8] = []
    var version = ProtocolVersion.v311
    /// Why its connection is not let in; nil when it is.
    var refusal: ConnectionRefusal?
    /// What it may grow, and is offered.
    var bounds: ClientBounds
    /// How fast it may publish; nil for as fast as it can.
    var pace: PublishPace?
    /// Whose connections it is counted among.
    var entered: Principal?
    /// Whether it is another broker's bridge.
    var isBridge = false
    /// Seconds that its session outlives the connection.
    var expirySeconds: UInt32 = 0
    /// Whether its session outlives the connection.
    var isPersistent: Bool { expirySeconds > 0 }
    /// What it goes on with, from its claim until the session is open.
    var resumed: StoredSession?
    /// Whether somebody watches its packets.
    var isTraced = false
    /// Bytes of its output that who watches was told of.
    var tracedByteCount = 0
    /// Whether its session was opened.
    var isOpened = false
    /// Whether the stream of sessions has records of it, to be taken away at its end.
    var isRecorded = false
    /// The will that is on record for it.
    var will: StoredWill?
    /// Packet identifiers whose delivery step is on record on top of the last progress.
    var recordedIDs: Set<UInt16> = []
    /// Whether its progress has changed since it was recorded.
    var isProgressDirty = false
    /// The deliveries of an earlier connection that are to be made again, before all others.
    var redelivery: Redelivery?
    /// Bytes for the socket that wait for the log.
    var deferredByteCount = 0
    /// How its user ended the connection, once that is known.
    var goodbye: Goodbye?
    /// Why it ended, where it was not simply lost.
    var endCause: String?
    /// Whether it holds the claim on its identifier.
    var hasClaim = false
    /// Whether the former holder of its identifier has yet to let go of it.
    var awaitsIdentifier = false
    /// The request that waits for another shard to let go of the identifier.
    var pendingRequest: ConnectRequest?
    /// Who it is, once that is known.
    package internal(set) var principal = Principal.anonymous
    /// What its credentials brought beside its name.
    var grant: CredentialGrant?
    /// What it may do; nil for everything.
    var access: ClientAccess?
    /// How it comes to be known; nil when there is nothing to remember of that.
    var authentication: ClientAuthentication?
    /// More properties of the CONNACK: what it says of an exchange, and to another broker's bridge.
    var greetingProperties: [UInt8] = []
    /// QoS 2 messages of it whose append has not settled: until then nobody knows whether it was received.
    var unsettledReceiptCount = 0
    /// Who wants the identifier as soon as this client has it, or has let go of it.
    var successor: ClientOwner?
    /// Whether a packet of it waits for the shard, and everything behind that: its socket is left unread.
    var isPostponed = false
    /// Bytes that it holds: output, read-ahead, a packet that is half received; as last accounted.
    var heldByteCount = 0
    /// Bytes of a packet that is half received, in its connection.
    var stashedByteCount = 0
    /// When its socket last took or gave something, by the shard's clock.
    var movedAt: Int64 = 0
    /// Since when some of its output waits for its socket without a moment in which none does.
    var waitsSince: Int64?
    /// Whether it is on the shard's list of clients with output.
    var isDirty = false
    /// Whether it has published: it is left unread while the log is under pressure.
    var isPublisher = false
    /// Whether it is closed or about to be.
    package var isClosing = false
    /// How many more bytes make the packet that is half received whole.
    package var wantedByteCount = 2
    var subscriptions: [Subscription] = []
    /// The reader of the ordinary subscriptions.
    var liveReader: Reader?
    /// The readers of its replays, and of retained messages on their way to it.
    var sideReaders: [Reader] = []
    /// What stands for it in deliveries from share groups.
    var shareReader: Reader?
    /// The share groups that it is a member of.
    var shares: [ShareMembership] = []
    /// The groups that its shared deliveries in flight belong to.
    var sharedInFlight: [UInt64: [ShareMembership]] = [:]
    /// The consumer groups that it is a member of.
    var memberships: [GroupMembership] = []
    /// The memberships that its deliveries in flight belong to.
    var groupInFlight: [UInt64: [GroupMembership]] = [:]
    /// Topics that have a topic alias on the way to the client, in the order of their aliases.
    var outboundAliases: [[UInt8]: UInt16] = [:]
    /// Whether a reader stopped because the output is full.
    var hasBlockedReader = false
    /// Topics that the client's topic aliases stand for: one an alias, however often it is bound anew.
    var aliasTopics: [UInt16: [UInt8]] = [:]
    /// QoS 0 deliveries that were dropped because its socket took no more.
    var droppedCount: UInt64 = 0

    init(number: UInt64, of shard: BrokerShard, peer: PeerIdentity, link: (any ConnectionLink)?) {
        let now = shard.now
        bounds = shard.boundsTable.bounds(of: peer.listener.name)
        let limits = bounds.limits
        self.number = number
        self.shard = shard
        self.peer = peer
        self.link = link
        movedAt = now
        decoder = PacketDecoder(side: .server, limits: limits)
        session = Session(limits: limits, now: now)
    }

    /// What it may do; nil for everything.
    package var rights: AccessRights? { access?.rights }

    /// The bytes at the end of what the socket is to be sent: all of it, since MQTT sends no regions of files.
    @inline(__always)
    package var output: ByteBuffer {
        _read { yield outputQueue.bytes }
        _modify { yield &outputQueue.bytes }
    }

    /// The peer's address, for log lines.
    var address: String { peer.address }

    /// The identifier as text, for log lines.
    package var name: String { clientID.isEmpty ? "(no id)" : String(decoding: clientID, as: UTF8.self) }
}

extension LogWords.StringInterpolation {
    /// Who a client is, and where it is.
    mutating func appendInterpolation(who client: Client) {
        appendInterpolation(client.name, as: .client)
        appendLiteral(" at ")
        appendInterpolation(client.address, as: .address)
    }
}

/// A client's place in a share group.
struct ShareMembership: Equatable {
    /// What follows `$share/` in the filter.
    var key: [UInt8]
    /// The shard that the group is on.
    var groupShard: Int
    /// Whether the group was told that the client takes no more.
    var isBlocked = false
}

/// How a connection ended on purpose: with DISCONNECT.
struct Goodbye {
    /// Whether the will is published all the same.
    var publishesWill: Bool
}

/// Where a client lives.
package struct ClientOwner: Sendable, Equatable {
    /// The shard's index.
    package var shard: Int
    /// The client's number on it.
    package var number: UInt64
}
