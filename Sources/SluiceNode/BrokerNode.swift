package import AccessControl
package import Cryptography
package import GroupCoordination
package import HTTPBroker
package import HTTPWire
package import KafkaBroker
package import LogInterface
package import SluiceBroker
package import SluiceCore
package import SluiceTransport
package import Speaking
import Synchronization
package import TopicRouting

/// What is spoken on a listener's connections.
package enum ListenerKind: String, CaseIterable, Sendable {
    /// MQTT over TCP.
    case mqtt
    /// MQTT over TLS.
    case mqtts
    /// MQTT over WebSocket.
    case ws
    /// MQTT over WebSocket over TLS.
    case wss
    /// Kafka's protocol over TCP.
    case kafka
    /// Kafka's protocol over TLS.
    case kafkas
    /// HTTP over TCP.
    case http
    /// HTTP over TLS.
    case https

    /// A place where this is spoken.
    /// - Parameter tls: what its connections prove themselves with, where TLS is spoken.
    package func endpoint(host: String, port: UInt16, tls: TLSContext?) -> ListenerEndpoint {
        switch self {
        case .mqtt, .ws, .kafka, .http: precondition(tls == nil)
        case .mqtts, .wss, .kafkas, .https: precondition(tls != nil)
        }
        let webSocket: WebSocketOffer? =
            switch self {
            case .mqtt, .mqtts, .kafka, .kafkas, .http, .https: nil
            case .ws, .wss: .mqtt
            }
        let conversation: Conversation =
            switch self {
            case .mqtt, .mqtts, .ws, .wss: .mqtt
            case .kafka, .kafkas: .kafka
            case .http, .https: .http
            }
        return ListenerEndpoint(
            ListenerIdentity(name: rawValue, conversation: conversation), host: host, port: port, tls: tls,
            webSocket: webSocket)
    }
}

extension WebSocketOffer {
    /// MQTT over WebSocket: the subprotocol that clients must offer [MQTT-6.0.0-3], and the longest packet there is.
    ///
    /// Source: MQTT 5.0 §6.
    static let mqtt = WebSocketOffer(
        name: "MQTT", path: "/mqtt", subprotocols: ["mqtt"], messageBytesMax: 268_435_460)
}

/// What a node has brought back from its log, and decides by.
package struct NodeState {
    /// What publishes are routed and checked by.
    package var routing: Routing
    /// Sessions that wait for their clients.
    package var sessions: SessionDirectory
    /// The tree of retained messages.
    package var retained: RetainedTree
    /// What consumer groups have committed.
    package var offsets: OffsetTable
    /// The numbers that producers are given.
    package var producers: ProducerNumbers
    /// The transactions of producers.
    package var transactions: TransactionTable
    /// What share groups have.
    package var shares: ShareTable

    /// State from its parts.
    package init(
        routing: Routing, sessions: SessionDirectory, retained: RetainedTree, offsets: OffsetTable,
        producers: ProducerNumbers = ProducerNumbers(), transactions: TransactionTable = TransactionTable(),
        shares: ShareTable = ShareTable()
    ) {
        self.shares = shares
        self.producers = producers
        self.transactions = transactions
        self.routing = routing
        self.sessions = sessions
        self.retained = retained
        self.offsets = offsets
    }
}

/// What a node says of itself to clients of Kafka's protocol.
package struct KafkaIdentity: Sendable {
    /// What clients tell clusters apart by: 22 characters of base64url.
    package var clusterID: String
    /// Where clients are told to connect, by the listener that they come to, where it is not where that listens.
    package var advertised: [String: KafkaAddress]
    /// Whether a topic that a client asks for is made when there is none.
    package var createsTopics: Bool
    /// Where the log lies.
    package var directory: String

    /// An identity from its parts.
    package init(
        clusterID: String, advertised: [String: KafkaAddress], createsTopics: Bool, directory: String
    ) {
        self.clusterID = clusterID
        self.advertised = advertised
        self.createsTopics = createsTopics
        self.directory = directory
    }
}

/// The shards of a node on the loops of its server.
///
/// Isolation: `init` and `run` on one thread, which accepts and takes signals; each loop has its own.
package final class BrokerNode {
    private var settings: ServerSettings
    private let log: any LogEngine
    private let routing: Routing
    private let report: @Sendable (LogEvent, LogWords) -> Void
    private let peers = Peers()
    private let server: Server
    /// The node's bridges, which clients ask about; set before `run`.
    package var bridges: (any BridgeDirectory)?
    /// What the topics of records are made by that have none of their own, by their streams' names; set before `run`.
    package var downlinks: [String: DownlinkTemplate] = [:]
    /// Decides who clients are and what they may do; set before `run`. Nil for everybody everything.
    package var access: NodeAccess?
    /// The streams that the configuration declares, which requests do not change; set before `run`.
    package var declaredStreams: Set<String> = []
    /// Keeps the record of what was done; set before `run`. Nil for none.
    package var audit: (any AuditTrail)? { didSet { gate.audit = audit } }
    /// Who writes the log lines, for clients who ask; set before `run`.
    package var logDesk: (any LogDesk)?
    /// Counts connections, and keeps addresses out.
    package let gate: NodeGate
    /// What Kafka's protocol is spoken with; set before `run`. Nil where no listener speaks it.
    package var kafka: KafkaIdentity?
    /// What is not asked of loops over HTTP, and what the program says of itself; set before `run`. Nil where no
    /// listener speaks HTTP.
    package var http: (version: String, node: any HTTPNode, hosts: [String: HostNames])?
    /// Bytes of memory that the process has for itself, from any thread; set before `run`. Nil where nobody says.
    package var heapBytes: (@Sendable () -> UInt64?)?
    /// Nanoseconds of the monotonic clock, for durations; nil where nobody measures them.
    package var exactClock: (@Sendable () -> Int64)?

    /// Called when no connection is accepted any more, while the loops drain.
    package var beforeStop: () -> Void {
        get { server.beforeStop }
        set { server.beforeStop = newValue }
    }

    /// What the shards share; posts only from `run`'s `ready` until `beforeStop` returns.
    package var sharedState: any ShardPeers { peers }

    /// How often each loop has kept the time so far, which it does twice a second; from any thread, while it runs.
    package var loopProgress: @Sendable () -> [UInt64] {
        { [peers] in peers.services.map { $0.elapsedCount.load(ordering: .relaxed) } }
    }

    /// Where it listens, as `HOST:PORT`, in the order of its settings.
    package var addresses: [(kind: ListenerKind, address: String)] {
        server.addresses.compactMap { listener, address in
            ListenerKind(rawValue: listener.name).map { ($0, address) }
        }
    }

    /// Binds the listeners; connections wait in the kernel until `run`.
    /// - Parameters:
    ///   - settings: its listeners are `ListenerKind`'s.
    ///   - log: recovered; it holds the streams of all rules.
    ///   - bans: which addresses are kept out for their failures.
    /// - Throws: `ListenError`.
    package init(
        settings: ServerSettings, log: any LogEngine, state: NodeState, bans: BanSettings? = nil,
        report: @escaping @Sendable (LogEvent, LogWords) -> Void
    ) throws(ListenError) {
        gate = NodeGate(settings.book, bans: bans, report: report)
        var settings = settings
        settings.gate = gate
        settings.ownLoops = [.http]
        self.settings = settings
        self.log = log
        self.report = report
        routing = state.routing
        server = try Server(settings: settings, report: report)
        peers.directory.withLock { $0 = state.sessions }
        peers.retained.withLock { $0 = state.retained }
        peers.offsets.withLock { $0 = state.offsets }
        peers.producers.withLock { $0 = state.producers }
        peers.transactions.withLock { $0 = state.transactions }
        peers.shares.withLock { $0 = state.shares }
        peers.addMemory(state.shares.byteCount)
    }

    /// Serves until SIGTERM or SIGINT, or until another process has its sockets. Then it takes no more publishes, waits
    /// up to a second for what is in flight to groups' members, closes every connection, and returns.
    /// - Parameters:
    ///   - reload: called on SIGHUP, on this thread; connections that come meanwhile wait in the kernel.
    ///   - ready: called when connections are accepted.
    package func run(reload: @escaping () -> Void, ready: () -> Void) {
        server.run(
            makeService: { index, wake in
                var shard = ShardSettings(index: index, limits: settings.limits, rules: routing.rules)
                shard.profiles = routing.profiles
                shard.listenerLimits = settings.book.listeners
                shard.gate = gate
                shard.audit = audit
                shard.bridges = bridges
                shard.downlinks = downlinks
                if let access { shard.admission = access }
                shard.authenticator = access
                shard.access = access
                shard.declaredStreams = declaredStreams
                shard.logDesk = logDesk
                shard.heapBytes = heapBytes
                shard.exactClock = exactClock
                shard.version = http?.version ?? ""
                let book = settings.book
                let kafka = kafka.map { identity in
                    var settings = KafkaSettings(
                        index: index, limits: settings.limits, clusterID: identity.clusterID,
                        advertised: advertised(identity), createsTopics: identity.createsTopics,
                        declared: declaredStreams, directory: identity.directory)
                    settings.access = access
                    settings.listenerLimits = book.listeners
                    settings.gate = gate
                    settings.audit = audit
                    return settings
                }
                // HTTP has the loop behind the others to itself.
                let http =
                    index < settings.loopCount
                    ? nil
                    : http.map { identity in
                        var http = HTTPSettings(
                            limits: settings.limits, version: identity.version, node: identity.node)
                        http.downlinks = downlinks
                        http.gate = gate
                        http.hosts = identity.hosts
                        return http
                    }
                let service = ShardService(shard, kafka, http, log: log, peers: peers, wake: wake, report: report)
                peers.services.append(service)
                return service
            },
            // No thread is there yet, and no client.
            beforeThreads: { peers.services.first?.shard.rewriteSessions() },
            reload: reload, ready: ready)
    }

    /// Puts another policy in force: connections have their rights by it at once, and those that may not be there any
    /// more end.
    package func replacePolicy(by policy: NodePolicy) {
        access?.replace(by: policy)
        for shard in 0..<peers.shardCount {
            peers.post(ShardMessage.accessChanged, to: shard)
            peers.post(KafkaMail.accessChanged, to: shard)
        }
    }

    /// Lets messages go by other rules and profiles from here on. The log holds their streams.
    package func route(by routing: Routing) {
        for shard in 0..<peers.shardCount { peers.post(ShardMessage.routing(routing), to: shard) }
    }

    /// Puts other limits in force; connections stay. On the thread that runs it.
    package func replaceLimits(by limits: LimitBook, bans: BanSettings?) {
        gate.replace(by: limits, bans: bans)
        server.replaceLimits(by: limits)
        for shard in 0..<peers.shardCount {
            peers.post(ShardMessage.limitsChanged(limits), to: shard)
            peers.post(KafkaMail.limitsChanged(limits), to: shard)
        }
    }

    /// Lets the proxies of a listener be others, for connections that come from now on.
    package func replaceProxies(of kind: ListenerKind, by proxies: [IPNetwork]) {
        server.replaceProxies(of: kind.rawValue, by: proxies)
    }

    /// Where clients of each listener are told to connect: where they were told by the configuration, else where it
    /// listens.
    private func advertised(_ identity: KafkaIdentity) -> [String: KafkaAddress] {
        var places = identity.advertised
        for (listener, address) in server.addresses where places[listener.name] == nil {
            guard let colon = address.lastIndex(of: ":"), let port = UInt16(address[address.index(after: colon)...])
            else { continue }
            let host = address[..<colon].filter { $0 != "[" && $0 != "]" }
            places[listener.name] = KafkaAddress(host: host, port: port)
        }
        return places
    }

    /// Lets connections that come from now on prove themselves with `context`; those there are keep theirs. On the
    /// thread that runs it.
    package func replaceContext(of kind: ListenerKind, by context: TLSContext) {
        server.replaceContext(of: kind.rawValue, by: context)
    }
}
