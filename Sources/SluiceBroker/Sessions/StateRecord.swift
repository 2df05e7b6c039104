import MQTTSession
import MQTTWire
import SluiceCore
import Speaking

/// One piece of the node's session state, as a record of the compacted stream `__sessions`: the last record of a key
/// counts, and one without value takes it away.
///
/// Layout of the key: a zero byte (client identifiers have none), the kind's letter, the client identifier, and for `i`
/// and `o` the packet identifier u16, big-endian. The share group of `g` has its name in the identifier's place. `f`
/// has the identifier's length u16 before it, and the filter behind it.
///
/// | letter | value |
/// |--|--|
/// | `s` session | version 2, expiry, end of its connection + 1 or 0; version 1 had the subscriptions as well; |
/// | | version 4 has whose it is (kind, name) behind that, and is written of those that are somebody's |
/// | `f` filter | version 3, options, subscription identifier or 0, end of a replay |
/// | `p` progress | version 3, positions, QoS 2 ends, positions of replays, deliveries in flight, feeds of retained |
/// | `i` inbound | version 1: a QoS 2 message of the identifier is stored and not released |
/// | `o` outbound | version 3, stage (3: done), token: the step of a QoS 2 delivery |
/// | `w` will | version 5, whose it is (kind, name; not in version 1), its listener (not in version 2), delay, QoS, |
/// | | RETAIN, topic, payload, properties |
/// | `g` group | version 3, positions, records in flight |
///
/// Values of version 3 name partitions by their streams' identifiers, which are in a table behind the version; before,
/// they were numbers in the node (version 1).
///
/// Invariants: what `o` says counts on top of the last `p` before it in the stream; a `p` takes every `o` of the
/// session away, and is written before an identifier is used again.
enum StateRecord: Equatable, Sendable {
    case session(StoredSession)
    case subscription(StoredSubscription)
    case progress(StoredSession)
    case received
    case delivery(DeliveryStep)
    case will(StoredWill)
    case group(StoredShareGroup)

    /// The stream's name.
    static let stream = "__sessions"
    private static let version = 1
    /// The version of `w` that says whose will it is.
    private static let willVersion = 2
    /// The version of `w` that says to which listener its connection came.
    private static let placedWillVersion = 5
    /// The version from which on partitions are named by their streams.
    static let namedVersion = 3
    /// The version of `s` that leaves the subscriptions to records of their own: thousands of them, subscribed to one
    /// by one, were written thousands of times.
    private static let headVersion = 2
    /// The version of `s` that says whose session it is.
    private static let ownedVersion = 4

    /// The kinds, by their letter in the key.
    enum Kind: UInt8 {
        case session = 0x73
        case filter = 0x66
        case progress = 0x70
        case inbound = 0x69
        case outbound = 0x6F
        case will = 0x77
        case group = 0x67
    }

    // MARK: Keys

    /// The key of what there is one of for each session.
    static func key(_ kind: Kind, _ clientID: [UInt8]) -> [UInt8] { [0, kind.rawValue] + clientID }

    /// The key of a packet identifier.
    static func key(_ kind: Kind, _ clientID: [UInt8], _ id: UInt16) -> [UInt8] {
        assert(kind == .inbound || kind == .outbound, "other kinds have no packet identifier")
        assert(id != 0, "no packet has the identifier 0")
        return key(kind, clientID) + [UInt8(id >> 8), UInt8(id & 0xFF)]
    }

    /// The key of a subscription.
    static func key(_ clientID: [UInt8], filter: [UInt8]) -> [UInt8] {
        precondition(clientID.count <= UInt16.max)
        return [0, Kind.filter.rawValue, UInt8(clientID.count >> 8), UInt8(clientID.count & 0xFF)] + clientID + filter
    }

    /// A key in its parts.
    struct Key: Equatable {
        var kind: Kind
        var clientID: [UInt8]
        var packetID = PacketID.none
        var filter: [UInt8] = []
    }

    /// A key in its parts; nil when it is none.
    static func parse(key: [UInt8]) -> Key? {
        guard key.count > 2, key[0] == 0, let kind = Kind(rawValue: key[1]) else { return nil }
        switch kind {
        case .session, .progress, .will, .group: return Key(kind: kind, clientID: Array(key[2...]))
        case .filter:
            guard key.count > 4 else { return nil }
            let filterStart = 4 + Int(key[2]) << 8 + Int(key[3])
            guard filterStart < key.count else { return nil }
            return Key(kind: kind, clientID: Array(key[4..<filterStart]), filter: Array(key[filterStart...]))
        case .inbound, .outbound:
            guard key.count > 4 else { return nil }
            let id = UInt16(key[key.count - 2]) << 8 | UInt16(key[key.count - 1])
            guard id != 0 else { return nil }
            return Key(kind: kind, clientID: Array(key[2..<key.count - 2]), packetID: PacketID(rawValue: id))
        }
    }

    // MARK: Values

    /// The record's value, in a log with these streams.
    func encoded(_ streams: StreamTable) -> [UInt8] {
        var writer = StateWriter(streams)
        var version = Self.namedVersion
        switch self {
        case .session(let session):
            version = session.owner == .anonymous ? Self.headVersion : Self.ownedVersion
            Self.put(session, &writer)
            if session.owner != .anonymous { Self.put(session.owner, &writer) }
        case .subscription(let subscription):
            writer.put(Int(subscription.options.rawValue))
            writer.put(subscription.identifier.map { Int($0) } ?? 0)
            Self.put(subscription.bounds, &writer)
        case .progress(let session): Self.put(progress: session, &writer)
        case .received: version = Self.version
        case .delivery(let step):
            writer.put(Int(step.stage?.rawValue ?? 3))
            writer.put(step.token)
        case .will(let will):
            version = Self.placedWillVersion
            Self.put(will, &writer)
        case .group(let group): Self.put(group, &writer)
        }
        return writer.finish(version: version)
    }

    private static func put(_ session: StoredSession, _ writer: inout StateWriter) {
        writer.put(Int(session.expirySeconds))
        writer.put(session.disconnectedAt.map { Int($0.rawValue) + 1 } ?? 0)
    }

    private static func put(_ bounds: ReplayBounds?, _ writer: inout StateWriter) {
        switch bounds {
        case nil: writer.put(0)
        case .time(let time)?:
            writer.put(1)
            writer.put(Int(time.rawValue))
        case .offsets(let ends)?:
            writer.put(2)
            writer.put(ends.count)
            for (partition, end) in ends.sorted(by: { $0.key < $1.key }) {
                writer.put(partition)
                writer.put(Int(end.rawValue))
            }
        }
    }

    private static func put(progress session: StoredSession, _ writer: inout StateWriter) {
        writer.put(session.positions == nil ? 0 : 1)
        if let positions = session.positions { writer.put(positions) }
        writer.put(session.assuredEnds.count)
        for (partition, end) in session.assuredEnds.sorted(by: { $0.key < $1.key }) {
            writer.put(partition)
            writer.put(Int(end.rawValue))
        }
        let replays = session.subscriptions.filter { $0.positions != nil }
        writer.put(replays.count)
        for replay in replays {
            writer.put(replay.filter)
            if let positions = replay.positions { writer.put(positions) }
        }
        put(session.inflight, &writer)
        writer.put(session.feeds.count)
        for feed in session.feeds {
            writer.put(feed.filter)
            writer.put(Int(feed.position.rawValue))
            writer.put(Int(feed.end.rawValue))
        }
    }

    static func put(_ inflight: [InflightDelivery], _ writer: inout StateWriter) {
        writer.put(inflight.count)
        for delivery in inflight {
            writer.put(Int(delivery.packetID.rawValue))
            writer.put(Int(delivery.stage.rawValue))
            writer.put(DeliveryToken(rawValue: delivery.token))
        }
    }

    private static func put(_ principal: Principal, _ writer: inout StateWriter) {
        writer.put(principal.kind)
        writer.put(Array(principal.name.utf8))
    }

    private static func put(_ will: StoredWill, _ writer: inout StateWriter) {
        put(will.principal, &writer)
        writer.put(Array(will.listener.utf8))
        writer.put(Int(will.delaySeconds))
        writer.put(Int(will.message.qos.rawValue))
        writer.put(will.message.retain ? 1 : 0)
        writer.put(will.message.topic)
        writer.put(will.message.payload)
        writer.put(will.message.properties)
    }

    private static func put(_ group: StoredShareGroup, _ writer: inout StateWriter) {
        writer.put(group.positions)
        writer.put(group.pending.count)
        for token in group.pending { writer.put(token) }
    }
}

// MARK: Reading

extension StateRecord {
    /// The record in `value`, in a log with these streams; nil when it is none of a version that is known.
    init?(_ key: Key, _ value: Span<UInt8>, _ streams: StreamTable) {
        var version = 0
        guard var reader = StateReader(value, streams, version: &version) else { return nil }
        switch (version, key.kind) {
        case (Self.version, _), (Self.headVersion, .session), (Self.willVersion, .will): break
        case (Self.namedVersion, .filter), (Self.namedVersion, .progress), (Self.namedVersion, .outbound),
            (Self.namedVersion, .group), (Self.ownedVersion, .session), (Self.placedWillVersion, .will):
            guard reader.takeTable() else { return nil }
        case (_, _): return nil
        }
        switch key.kind {
        case .session:
            guard var session = Self.session(&reader, hasSubscriptions: version == Self.version) else { return nil }
            if version == Self.ownedVersion {
                guard let owner = Self.principal(&reader) else { return nil }
                session.owner = owner
            }
            self = .session(session)
        case .filter:
            guard let subscription = Self.subscription(&reader, key.filter) else { return nil }
            self = .subscription(subscription)
        case .progress:
            guard let session = Self.progress(&reader) else { return nil }
            self = .progress(session)
        case .inbound: self = .received
        case .outbound:
            guard let stage = reader.unsigned(UInt8.self), let token = reader.token(), stage <= 3 else { return nil }
            var step = DeliveryStep(
                packetID: key.packetID, token: .nobodys, stage: InflightDelivery.Stage(rawValue: stage))
            if case .found(let found) = token {
                step.token = found
            } else if step.stage != .awaitingPubcomp {
                // There is nothing left that could be sent again.
                step.stage = nil
            }
            self = .delivery(step)
        case .will:
            guard let will = Self.will(&reader, version) else { return nil }
            self = .will(will)
        case .group:
            guard let group = Self.group(&reader) else { return nil }
            self = .group(group)
        }
    }

    private static func session(_ reader: inout StateReader, hasSubscriptions: Bool) -> StoredSession? {
        guard let expiry = reader.unsigned(UInt32.self), let end = reader.int() else { return nil }
        var session = StoredSession(expirySeconds: expiry)
        session.disconnectedAt = end > 0 ? Timestamp(rawValue: Int64(end) - 1) : nil
        guard hasSubscriptions else { return session }
        guard let count = reader.count() else { return nil }
        for _ in 0..<count {
            guard let filter = reader.string(), let subscription = subscription(&reader, filter) else { return nil }
            session.subscriptions.append(subscription)
        }
        session.hasSubscriptionsInside = true
        return session
    }

    private static func subscription(_ reader: inout StateReader, _ filter: [UInt8]) -> StoredSubscription? {
        guard let options = reader.unsigned(UInt8.self), let identifier = reader.unsigned(UInt32.self),
            let bounds = bounds(&reader)
        else { return nil }
        return StoredSubscription(
            filter: filter, options: SubscriptionOptions(rawValue: options),
            identifier: identifier == 0 ? nil : identifier, bounds: bounds)
    }

    /// The end of a replay: nil when the bytes do not fit, nil inside when it has none.
    private static func bounds(_ reader: inout StateReader) -> ReplayBounds?? {
        switch reader.int() {
        case 0: return .some(nil)
        case 1: return reader.int().map { .time(Timestamp(rawValue: Int64($0))) }
        case 2:
            guard let count = reader.count() else { return nil }
            var ends: [PartitionID: Offset] = [:]
            for _ in 0..<count {
                guard let partition = reader.partition(), let end = reader.int() else { return nil }
                if case .found(let partition) = partition { ends[partition] = Offset(rawValue: Int64(end)) }
            }
            return .offsets(ends)
        case _: return nil
        }
    }

    private static func progress(_ reader: inout StateReader) -> StoredSession? {
        var session = StoredSession(expirySeconds: 0)
        guard let isPositioned = reader.int() else { return nil }
        if isPositioned == 1 {
            guard let positions = reader.positions() else { return nil }
            session.positions = positions
        }
        guard let endCount = reader.count() else { return nil }
        for _ in 0..<endCount {
            guard let partition = reader.partition(), let end = reader.int() else { return nil }
            if case .found(let partition) = partition {
                session.assuredEnds[partition] = Offset(rawValue: Int64(end))
            }
        }
        guard let replayCount = reader.count() else { return nil }
        for _ in 0..<replayCount {
            guard let filter = reader.string(), let positions = reader.positions() else { return nil }
            session.subscriptions.append(
                StoredSubscription(
                    filter: filter, options: SubscriptionOptions(qos: .atMostOnce), identifier: nil,
                    positions: positions))
        }
        guard let inflight = inflight(&reader) else { return nil }
        session.inflight = inflight
        guard let feedCount = reader.count() else { return nil }
        for _ in 0..<feedCount {
            guard let filter = reader.string(), let position = reader.int(), let end = reader.int() else { return nil }
            session.feeds.append(
                StoredFeed(
                    filter: filter, position: Offset(rawValue: Int64(position)), end: Offset(rawValue: Int64(end))))
        }
        return session
    }

    private static func inflight(_ reader: inout StateReader) -> [InflightDelivery]? {
        guard let count = reader.count() else { return nil }
        var inflight: [InflightDelivery] = []
        for _ in 0..<count {
            guard let id = reader.unsigned(UInt16.self), id > 0, let code = reader.unsigned(UInt8.self),
                let stage = InflightDelivery.Stage(rawValue: code), let token = reader.token()
            else { return nil }
            var delivery = InflightDelivery(
                packetID: PacketID(rawValue: id), token: DeliveryToken.nobodys.rawValue, stage: stage)
            if case .found(let found) = token {
                delivery.token = found.rawValue
            } else if stage != .awaitingPubcomp {
                // There is nothing left that could be sent again.
                continue
            }
            inflight.append(delivery)
        }
        return inflight
    }

    private static func principal(_ reader: inout StateReader) -> Principal? {
        guard let kind = reader.int(), let name = reader.string() else { return nil }
        return Principal(kind: kind, name: String(decoding: name, as: UTF8.self))
    }

    private static func will(_ reader: inout StateReader, _ version: Int) -> StoredWill? {
        var principal = Principal.anonymous
        if version != Self.version {
            guard let found = Self.principal(&reader) else { return nil }
            principal = found
        }
        var listener: [UInt8] = []
        if version == placedWillVersion {
            guard let found = reader.string() else { return nil }
            listener = found
        }
        guard let delay = reader.unsigned(UInt32.self), let code = reader.unsigned(UInt8.self),
            let qos = QoS(rawValue: code), let retain = reader.int(), let topic = reader.string(),
            let payload = reader.string(), let properties = reader.string()
        else { return nil }
        return StoredWill(
            message: ConnectPacket.Will(
                topic: topic, payload: payload, qos: qos, retain: retain == 1, properties: properties),
            principal: principal, listener: String(decoding: listener, as: UTF8.self), delaySeconds: delay)
    }

    private static func group(_ reader: inout StateReader) -> StoredShareGroup? {
        guard let positions = reader.positions(), let count = reader.count() else { return nil }
        var group = StoredShareGroup(positions: positions)
        for _ in 0..<count {
            guard let token = reader.token() else { return nil }
            if case .found(let token) = token { group.pending.append(token) }
        }
        return group
    }
}

/// What is kept of a share group: its position, and what was handed to members and not acknowledged.
package struct StoredShareGroup: Sendable, Equatable {
    var positions: Positions
    /// Records below the positions that nobody has acknowledged, in order.
    var pending: [DeliveryToken] = []
}

extension Principal {
    /// The kinds as they are on record.
    private enum Kind: Int {
        case anonymous, user, certificate, bridge, node
    }

    /// Its kind, as a number that is on record.
    fileprivate var kind: Int {
        let kind: Kind =
            switch self {
            case .anonymous: .anonymous
            case .user: .user
            case .certificate: .certificate
            case .bridge: .bridge
            case .node: .node
            }
        return kind.rawValue
    }

    /// Its name, if it has one.
    fileprivate var name: String {
        switch self {
        case .user(let name), .certificate(let name), .bridge(let name): name
        case .anonymous, .node: ""
        }
    }

    fileprivate init?(kind: Int, name: String) {
        switch Kind(rawValue: kind) {
        case .anonymous: self = .anonymous
        case .user: self = .user(name)
        case .certificate: self = .certificate(name)
        case .bridge: self = .bridge(name)
        case .node: self = .node
        case nil: return nil
        }
    }
}
