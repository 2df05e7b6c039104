import Checksums
import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore
import TopicRouting

/// What a topic resolves to, with the parts of its records that never change encoded once.
///
/// A plain value of numbers and addresses, so that a publish takes it from the cache without counting a reference; the
/// bytes are in the table's arena and live until the cache is emptied. It is used within one publish and never kept.
/// Isolation: one shard's.
@safe
struct Route: BitwiseCopyable {
    /// The topic's hash, by which readers find batches that concern them.
    let topicHash: UInt64
    /// Where its records go, as an index.
    let partitionIndex: Int
    /// Whether the topic is the broker's own.
    let isReserved: Bool
    /// Which message of the device profiles its payloads are; -1 for none.
    let profiled: Int32
    /// Whether its messages are stored without a look at them.
    let isPlain: Bool
    private let fields: UnsafeRawPointer
    private let keyByteCount: Int32
    private let headersStart0: Int32
    private let headersStart1: Int32
    private let headersStart2: Int32
    private let end: Int32

    fileprivate init(
        topic: Span<UInt8>, partition: PartitionID, key: Span<UInt8>, profiled: Int?, arena: RouteArena
    ) {
        topicHash = XXH3.hash(topic)
        partitionIndex = partition.index
        isReserved = ReservedTopic.contains(topic)
        self.profiled = Int32(profiled ?? -1)
        isPlain = !isReserved && profiled == nil
        var bytes = ByteBuffer(capacity: key.count + 3 * (topic.count + 32))
        RecordFields.appendKey(key, to: &bytes)
        keyByteCount = Int32(bytes.count)
        headersStart0 = keyByteCount
        Self.appendHeaders(topic, nil, to: &bytes)
        headersStart1 = Int32(bytes.count)
        Self.appendHeaders(topic, .atLeastOnce, to: &bytes)
        headersStart2 = Int32(bytes.count)
        Self.appendHeaders(topic, .exactlyOnce, to: &bytes)
        end = Int32(bytes.count)
        assert(keyByteCount < headersStart1 && headersStart1 < headersStart2 && headersStart2 < end)
        unsafe fields = arena.keep(bytes.bytes)
    }

    private static let topicName = Array(MessageHeader.topic.utf8)
    private static let qosName = Array(MessageHeader.qos.utf8)

    private static func appendHeaders(_ topic: Span<UInt8>, _ qos: QoS?, to bytes: inout ByteBuffer) {
        Varint.append(qos == nil ? 1 : 2, to: &bytes)
        RecordFields.appendHeader(topicName.span, topic, to: &bytes)
        if let qos {
            let digit: InlineArray<1, UInt8> = [UInt8(ascii: "0") + qos.rawValue]
            RecordFields.appendHeader(qosName.span, digit.span, to: &bytes)
        }
    }

    /// The encoded record key.
    var keyField: Span<UInt8> {
        @_lifetime(borrow self)
        get { span(0, keyByteCount) }
    }

    /// The encoded headers of a message with nothing but its topic and `qos`.
    @_lifetime(borrow self)
    @inline(__always)
    func headersField(_ qos: QoS) -> Span<UInt8> {
        switch qos {
        case .atMostOnce: span(headersStart0, headersStart1)
        case .atLeastOnce: span(headersStart1, headersStart2)
        case .exactlyOnce: span(headersStart2, end)
        }
    }

    @_lifetime(borrow self)
    @inline(__always)
    private func span(_ start: Int32, _ end: Int32) -> Span<UInt8> {
        assert(start >= 0 && start < end && end <= self.end, "a field lies within the route's bytes")
        let pointer = unsafe (fields + Int(start)).assumingMemoryBound(to: UInt8.self)
        let span = unsafe Span<UInt8>(_unsafeStart: pointer, count: Int(end - start))
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}

/// Memory of the routes in a cache; freed with it.
///
/// Layout: blocks of 64 KiB filled from the front, and a block of its own for what does not fit one.
@safe
private final class RouteArena {
    private static let blockByteCount = 64 << 10
    private var blocks: [UnsafeMutableRawPointer] = unsafe []
    private var free = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private(set) var byteCount = 0

    deinit {
        unsafe blocks.forEach { block in unsafe block.deallocate() }
    }

    func keep(_ bytes: Span<UInt8>) -> UnsafeRawPointer {
        precondition(!bytes.isEmpty, "Cannot keep the fields of a route without any")
        if unsafe free.count < bytes.count {
            let size = max(Self.blockByteCount, bytes.count)
            unsafe free = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
            if let block = unsafe free.baseAddress { unsafe blocks.append(block) }
        }
        assert(unsafe free.count >= bytes.count, "a block has room for what it was made for")
        unsafe bytes.withUnsafeBytes { source in unsafe free.copyMemory(from: source) }
        guard let kept = unsafe free.baseAddress else { preconditionFailure("Cannot keep bytes without memory") }
        unsafe free = UnsafeMutableRawBufferPointer(rebasing: free[bytes.count...])
        byteCount += bytes.count
        return UnsafeRawPointer(kept)
    }
}

/// Resolves topics to routes: a cache in front of the rules.
///
/// Isolation: one shard's.
struct RouteTable: ~Copyable {
    /// 65,536 topics of 100 bytes: each stands in three header fields and, without a rule, in its key.
    private static let arenaBytesMax = 32 << 20
    let rules: RuleSet
    private var partitions: [String: [PartitionID]]
    private var limits: Limits
    private var cache = TopicCache<Route>()
    private var arena = RouteArena()
    /// Bytes of memory that the routes take.
    var memoryByteCount: Int { cache.memoryByteCount + arena.byteCount }

    init(rules: RuleSet, streams: [StreamDescription], limits: Limits) {
        self.rules = rules
        self.limits = limits
        partitions = Dictionary(uniqueKeysWithValues: streams.map { ($0.settings.name, $0.partitions) })
        for stream in rules.streams {
            precondition(partitions[stream] != nil, "Cannot route to a stream that does not exist")
        }
    }

    /// Goes on with the log's streams as they are now: keys of a stream that has grown go by its new number. A rule's
    /// stream that was deleted keeps its partitions, whose appends the log refuses by name.
    mutating func follow(_ streams: [StreamDescription]) {
        let former = partitions
        partitions = Dictionary(uniqueKeysWithValues: streams.map { ($0.settings.name, $0.partitions) })
        for stream in rules.streams where partitions[stream] == nil { partitions[stream] = former[stream] }
        assert(rules.streams.allSatisfy { partitions[$0] != nil }, "what rules name was there when they were taken")
        cache.removeAll()
        arena = RouteArena()
    }

    /// Other limits hold from now on, also for topics that are known.
    mutating func follow(_ limits: Limits) {
        self.limits = limits
        cache.removeAll()
        arena = RouteArena()
    }

    /// The route of a topic; valid until the next call.
    /// - Throws: `MQTTDecodeError` when it is no topic name; the name is checked once, when it is not in the cache.
    /// - Complexity: one hash look-up for a known topic.
    @inline(__always)
    mutating func route(_ topic: Span<UInt8>) throws(MQTTDecodeError) -> Route {
        if let route = cache.lookup(topic) { return route }
        return try resolve(topic)
    }

    @inline(never)
    private mutating func resolve(_ topic: Span<UInt8>) throws(MQTTDecodeError) -> Route {
        try TopicSyntax.validateName(topic, limits: limits)
        let resolution = rules.resolve(topic)
        guard let choices = partitions[resolution.stream] else {
            preconditionFailure("Cannot route to a stream that does not exist")
        }
        assert(!choices.isEmpty, "every stream has a partition")
        let partition = choices[resolution.partition(partitionCount: choices.count)]
        // Entries and the bytes behind them are forgotten together.
        if arena.byteCount > Self.arenaBytesMax {
            cache.removeAll()
            arena = RouteArena()
        }
        let route = Route(
            topic: topic, partition: partition, key: resolution.key.span, profiled: resolution.profiled, arena: arena)
        cache.insert(route, for: topic)
        return route
    }
}
