import AccessControl
import Bridging
import Checksums
import DeviceProfiles
import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore
import Speaking
import TopicRouting

/// The one way of messages into the log: whatever is published by a client, a will, a bridge or the node itself becomes
/// a record here, of the tick's one append.
///
/// Invariants: a message and what must not part from it (its retained copy, the note that it was received, the end of
/// the will that it was) are of one append; batches are appended in the order in which their first records came.
/// Isolation: its owner's, a shard or a bridge.
struct Intake: ~Copyable {
    /// Bytes of a batch after which it is appended before its tick ends: consumers fetch up to 1 MiB, and a batch that
    /// fits the processor's cache is written while it is there.
    private static let batchBytesMax = 256 << 10

    private var routes: RouteTable
    /// What device profiles say of payloads; nil without any.
    private(set) var checks: PayloadChecks?
    private var accumulators: BatchAccumulators
    private var limits: Limits
    /// Bytes of a message of anybody.
    private var messageBytesMax: Int
    private let retainedPartition: PartitionID?
    private var retained: [RetainedChange] = []
    private var retainedAppends = Ring<RetainedAppend>()
    /// What of it counts against limits until it has settled.
    var pendingRetained = PendingRetained()
    private var appends: [Append] = []
    /// Whether a reader of some loop scans the tail, as of the tick's start: then batches come with their topics.
    var isScanned = false
    /// Whether publishers' identifiers are to be on record, since some subscriber wants nothing of its own.
    var recordsOrigins = false
    /// Whether some batch is large enough to be appended before the tick ends.
    private(set) var isFull = false
    /// Messages taken in so far, and bytes of their payloads.
    private(set) var storedCount: UInt64 = 0
    private(set) var storedByteCount: UInt64 = 0

    /// An intake for a log with these streams.
    /// - Parameters:
    ///   - rules: what topics are routed by; the log holds the streams of all.
    ///   - profiles: what the rules' profiled topics carry.
    ///   - memory: where its batches lie.
    init(
        _ streams: StreamTable, rules: RuleSet, profiles: ProfileSet = ProfileSet(), limits: Limits,
        in memory: BatchMemory
    ) {
        self.limits = limits
        messageBytesMax = limits.packetBytesMax
        if !profiles.entries.isEmpty { checks = PayloadChecks(profiles, streams) }
        routes = RouteTable(rules: rules, streams: streams.streams, limits: limits)
        accumulators = BatchAccumulators(count: streams.partitionCount, in: memory)
        retainedPartition = streams.stream(named: RetainedReplay.stream)?.partitions.first
    }

    /// Goes on with the log's streams as they are now; what was taken in stays.
    mutating func follow(_ streams: StreamTable, in memory: BatchMemory) {
        routes.follow(streams.streams)
        checks?.follow(streams)
        accumulators.grow(to: streams.partitionCount, in: memory)
    }

    /// Other limits hold from now on.
    mutating func follow(_ limits: Limits) {
        self.limits = limits
        messageBytesMax = limits.packetBytesMax
        routes.follow(limits)
    }

    /// Somebody's messages may be larger than those of others.
    mutating func allow(messageBytesMax: Int) { self.messageBytesMax = max(self.messageBytesMax, messageBytesMax) }

    /// Routes and checks by other rules and profiles from here on; what was taken in stays. The log holds their
    /// streams.
    mutating func route(by rules: RuleSet, profiles: ProfileSet, _ streams: StreamTable) {
        routes = RouteTable(rules: rules, streams: streams.streams, limits: limits)
        let former = checks
        checks = profiles.entries.isEmpty ? nil : PayloadChecks(profiles, streams)
        if let former { checks?.goOn(from: former) }
    }

    /// What topics are routed by.
    var rules: RuleSet { routes.rules }
    /// Bytes of memory that what is known of topics takes.
    var topicByteCount: Int { routes.memoryByteCount }

    /// Whether nothing was taken in since the last append.
    var isEmpty: Bool { accumulators.isEmpty }

    /// Whether appends that retain something have not settled.
    var waitsForSettlement: Bool { !retainedAppends.isEmpty }

    // MARK: Messages

    /// Stores a message that has nothing special: the way of nearly every message.
    /// - Parameter slack: how many bytes behind the payload may be read.
    /// - Returns: false when it has, after all, and must take the other way: nothing was stored.
    /// - Throws: `MQTTDecodeError` when the topic is no topic name.
    /// - Complexity: one hash look-up for a known topic, and a copy of the payload.
    @inline(__always)
    mutating func storePlain(
        topic: Span<UInt8>, payload: Span<UInt8>, slack: Int, qos: QoS, at time: Timestamp
    ) throws(MQTTDecodeError) -> Bool {
        let route = try routes.route(topic)
        guard !recordsOrigins, route.isPlain || isGood(topic, payload, slack: slack, route, at: time) else {
            return false
        }
        append(route, payload, headersField: route.headersField(qos), qos, at: time)
        return true
    }

    /// Stores a message.
    /// - Parameters:
    ///   - access: what its publisher may do; nil for everything.
    ///   - origin: the publisher's identifier, for those who want nothing of their own.
    ///   - owner: whose it is if it is retained; empty for nobody's.
    /// - Throws: `MQTTDecodeError` when the topic is no topic name.
    mutating func store(
        _ message: borrowing IncomingMessage, under access: ClientAccess?, origin: [UInt8], owner: [UInt8] = [],
        at time: Timestamp
    ) throws(MQTTDecodeError) -> IntakeVerdict {
        let route = try routes.route(message.topic)
        guard !route.isReserved else { return .reserved }
        if let verdict = access?.mayPublish(message.topic), !verdict.isAllowed { return .denied(verdict) }
        guard message.payload.count + message.topic.count < messageBytesMax else {
            return .refused(
                .packetTooLarge, "it has \(message.payload.count) bytes, more than a packet may have here")
        }
        var time = time
        var arrival: Timestamp?
        if route.profiled >= 0, let checks {
            switch checks.examine(
                message.payload, of: message.topic, message: Int(route.profiled), keyField: route.keyField, at: time)
            {
            case .good(let recordTime):
                if let recordTime { (time, arrival) = (recordTime, time) }
            case .deadLetter(let letter):
                append(letter, message, route, origin: origin, at: time)
                return .deadLettered
            case .refused(let words): return .refused(.payloadFormatInvalid, words)
            }
        }
        guard !message.properties.isEmpty || message.isRetained || recordsOrigins || arrival != nil else {
            append(route, message.payload, headersField: route.headersField(message.qos), message.qos, at: time)
            return .stored
        }
        var named = MessageHeader.headers(message, origin: recordsOrigins ? origin : nil)
        if let arrival { named.append(MessageHeader.arrival(arrival)) }
        let headers = RecordFields.headers(named)
        append(route, message.payload, headersField: headers.span, message.qos, at: time)
        if message.isRetained {
            retain(
                message.topic, message.payload, headersField: headers.span,
                expirySeconds: MessageHeader.expirySeconds(message.properties), awaited: message.qos != .atMostOnce,
                owner: owner, at: time)
        }
        return .stored
    }

    /// Whether a message that needs a look may go the plain way for all that.
    @inline(never)
    private func isGood(
        _ topic: Span<UInt8>, _ payload: Span<UInt8>, slack: Int, _ route: Route, at time: Timestamp
    ) -> Bool {
        guard route.profiled >= 0, let checks else { return false }
        return checks.isGood(payload, of: topic, slack: slack, message: Int(route.profiled), at: time)
    }

    /// Stores what a profile does not take, as it came, under its device's key.
    private mutating func append(
        _ letter: DeadLetter, _ message: borrowing IncomingMessage, _ route: Route, origin: [UInt8],
        at time: Timestamp
    ) {
        let topic = DeadLetter.topic(of: message.topic)
        let headers = RecordFields.headers(
            MessageHeader.headers(message, topic: topic, origin: origin) + letter.headers
                + [RecordHeader(name: DeadLetter.Header.client, value: origin)])
        let index = letter.partition.index
        accumulators.append(
            to: index, at: time, keyField: route.keyField, value: message.payload, headersField: headers.span)
        if isScanned { accumulators.note(XXH3.hash(topic.span), in: index) }
        if message.qos != .atMostOnce { accumulators.expect(in: index) }
        if accumulators.byteCount(in: index) > Self.batchBytesMax { isFull = true }
    }

    @inline(__always)
    private mutating func append(
        _ route: Route, _ payload: Span<UInt8>, headersField: Span<UInt8>, _ qos: QoS, at time: Timestamp
    ) {
        assert(!route.isReserved, "the broker's own topics are in no stream")
        let index = route.partitionIndex
        accumulators.append(
            to: index, at: time, keyField: route.keyField, value: payload, headersField: headersField)
        if isScanned { accumulators.note(route.topicHash, in: index) }
        if qos != .atMostOnce { accumulators.expect(in: index) }
        if accumulators.byteCount(in: index) > Self.batchBytesMax { isFull = true }
        storedCount += 1
        storedByteCount += UInt64(payload.count)
    }

    /// Which message of the profiles a topic carries, and its device's key as a record has it; nil for a topic of no
    /// profile.
    mutating func profiled(_ topic: Span<UInt8>) -> (message: Int, keyField: [UInt8])? {
        do throws(MQTTDecodeError) {
            let route = try routes.route(topic)
            return route.profiled < 0 ? nil : (Int(route.profiled), Array(copying: route.keyField))
        } catch {
            // Topics that MQTT clients may not have here, Kafka clients may.
            let resolution = routes.rules.resolve(topic)
            return resolution.profiled.map { ($0, RecordFields.key(resolution.key)) }
        }
    }

    // MARK: State in one append with messages

    /// Writes a record of the node's own; nil takes the key away.
    /// - Parameters:
    ///   - awaited: whether the append settles no sooner than it is durable.
    ///   - topic: the topic under which it is read, of what others may read.
    mutating func put(
        _ key: [UInt8], _ value: [UInt8]?, to partition: PartitionID, at time: Timestamp, awaited: Bool,
        topic: [UInt8]? = nil
    ) {
        assert(!key.isEmpty, "compaction goes by keys")
        assert(partition != retainedPartition, "what is retained comes from messages")
        let keyField = RecordFields.key(key)
        let headers = RecordFields.headers(topic.map(Presence.headers) ?? [])
        if let value {
            accumulators.append(
                to: partition.index, at: time, keyField: keyField.span, value: value.span,
                headersField: headers.span)
        } else {
            accumulators.appendTombstone(
                to: partition.index, at: time, keyField: keyField.span, headersField: headers.span)
        }
        if isScanned, let topic { accumulators.note(XXH3.hash(topic.span), in: partition.index) }
        if awaited { accumulators.expect(in: partition.index) }
    }

    /// Takes a topic's retained message away: it has expired.
    mutating func forgetRetained(_ topic: [UInt8], at time: Timestamp) {
        let headers = RecordFields.headers([])
        retain(topic.span, Span(), headersField: headers.span, expirySeconds: nil, awaited: false, owner: [], at: time)
    }

    /// Keeps a message as its topic's retained one; one without payload takes it away [MQTT-3.3.1-6].
    private mutating func retain(
        _ topic: Span<UInt8>, _ payload: Span<UInt8>, headersField: Span<UInt8>, expirySeconds: UInt32?,
        awaited: Bool, owner: [UInt8], at time: Timestamp
    ) {
        guard let partition = retainedPartition else { return }
        assert(accumulators.recordCount(in: partition.index) == retained.count, "each record there is a change")
        let name = Array(copying: topic)
        let key = RecordFields.key(name)
        retained.append(
            RetainedChange(
                topic: name, recordIndex: accumulators.recordCount(in: partition.index), isPresent: !payload.isEmpty,
                expiresAt: expirySeconds.map { Timestamp(rawValue: time.rawValue + Int64($0) * 1000) }, owner: owner,
                byteCount: topic.count + payload.count))
        if payload.isEmpty {
            accumulators.appendTombstone(
                to: partition.index, at: time, keyField: key.span, headersField: headersField)
        } else {
            accumulators.append(
                to: partition.index, at: time, keyField: key.span, value: payload, headersField: headersField)
        }
        if awaited { accumulators.expect(in: partition.index) }
    }

    // MARK: The tick's append

    /// Appends what was taken in, and what goes with it.
    /// - Parameter companion: one more append that must not part from it.
    /// - Returns: the append's ticket; nil when there is nothing.
    mutating func submit(
        to log: any LogEngine, from loop: LoopID, _ peers: any ShardPeers, with companion: Append? = nil
    ) -> AppendTicket? {
        isFull = false
        appends.removeAll(keepingCapacity: true)
        accumulators.takeBatches(into: &appends, scanned: isScanned)
        assert(companion.map { own in !appends.contains { $0.partition == own.partition } } ?? true)
        if let companion { appends.append(companion) }
        guard !appends.isEmpty else { return nil }
        // Whoever subscribes from here on waits until what is retained has its place.
        let number = retained.isEmpty ? nil : peers.withRetained { $0.beginAppend() }
        let ticket = log.append(appends, from: loop)
        if let number { noteRetained(number, ticket) }
        return ticket
    }

    private mutating func noteRetained(_ number: UInt64, _ ticket: AppendTicket) {
        guard let append = appends.first(where: { $0.partition == retainedPartition }) else {
            preconditionFailure("Cannot retain without a batch of the retained messages")
        }
        assert(append.batch.recordCount == retained.count)
        assert(ticket > retainedAppends.last?.ticket ?? .none, "appends settle in the order of their tickets")
        assert(retainedAppends.last.map { $0.number < number } ?? true, "the tree counts appends as they are made")
        retainedAppends.append(
            RetainedAppend(ticket: ticket, number: number, batch: append.batch, changes: retained))
        retained.removeAll(keepingCapacity: true)
    }

    /// An append has settled: what it retains has its place, or was refused.
    mutating func settle(_ settlement: Settlement, _ peers: any ShardPeers) {
        assert(retainedAppends.first.map { settlement.ticket <= $0.ticket } ?? true, "no settlement is passed over")
        guard let append = retainedAppends.first, append.ticket == settlement.ticket else { return }
        _ = retainedAppends.popFirst()
        peers.withRetained { append.settle(settlement.outcome, &$0) }
        for change in append.changes { pendingRetained.end(change.topic) }
    }
}
