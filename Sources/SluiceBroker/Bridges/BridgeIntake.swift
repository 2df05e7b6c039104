import Bridging
import LogInterface
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore
import TopicRouting

/// What a bridge takes in, on its way into the log: routed and stored as a shard stores a client's publishes.
///
/// Isolation: one bridge's thread.
struct BridgeIntake: ~Copyable {
    private var routes: RouteTable
    private var accumulators: BatchAccumulators
    private var retained: [RetainedChange] = []
    private var scratch = ByteBuffer()
    private let retainedPartition: PartitionID?
    private let limits: Limits

    init(_ log: any LogEngine, rules: RuleSet, limits: Limits) {
        routes = RouteTable(rules: rules, streams: log.streams, limits: limits)
        let partitionCount = log.streams.reduce(0) { $0 + $1.partitions.count }
        accumulators = BatchAccumulators(count: partitionCount, in: BatchMemory())
        retainedPartition = log.streams.first { $0.settings.name == RetainedReplay.stream }?.partitions.first
        self.limits = limits
    }

    /// Whether nothing was taken in since the batches were taken.
    var isEmpty: Bool { accumulators.isEmpty }

    /// Takes in a message of `topic`.
    /// - Parameter origin: who is on record as its publisher.
    /// - Returns: why it cannot be taken, if it cannot.
    mutating func store(_ message: BridgeMessage, topic: [UInt8], qos: BridgeQoS, origin: [UInt8], at time: Timestamp)
        -> String?
    {
        guard !ReservedTopic.contains(topic.span) else { return "the topic is the broker's own" }
        guard message.payload.count + topic.count < limits.packetBytesMax else {
            return "it has \(message.payload.count) bytes, more than a packet may have here"
        }
        let route: Route
        do throws(MQTTDecodeError) { route = try routes.route(topic.span) } catch {
            return "its topic here is none: \(error)"
        }
        let payload = message.payload.span
        let headers = headers(message, topic, qos, origin)
        let index = route.partitionIndex
        accumulators.append(to: index, at: time, keyField: route.keyField, value: payload, headersField: headers.span)
        accumulators.note(route.topicHash, in: index)
        accumulators.expect(in: index)
        if message.isRetained { retain(message, topic, headers, at: time) }
        return nil
    }

    /// The record's headers, made as those of a packet are.
    private mutating func headers(
        _ message: BridgeMessage, _ topic: [UInt8], _ qos: BridgeQoS, _ origin: [UInt8]
    ) -> [UInt8] {
        scratch.removeAll()
        let properties = message.properties
        if let format = properties.payloadFormat {
            PropertyWriter.append(.payloadFormatIndicator, UInt32(format), to: &scratch)
        }
        if let expiry = properties.expirySeconds {
            PropertyWriter.append(.messageExpiryInterval, expiry, to: &scratch)
        }
        if let type = properties.contentType { PropertyWriter.append(.contentType, type.span, to: &scratch) }
        if let topic = properties.responseTopic { PropertyWriter.append(.responseTopic, topic.span, to: &scratch) }
        if let data = properties.correlationData { PropertyWriter.append(.correlationData, data.span, to: &scratch) }
        for pair in properties.user {
            PropertyWriter.append(userProperty: pair.name.span, pair.value.span, to: &scratch)
        }
        let publish = PublishAction(
            topic: .name(.empty), payload: .empty, properties: ByteRange(start: 0, byteCount: scratch.count),
            packetID: .none, qos: QoS(qos), retain: message.isRetained, duplicate: false)
        return RecordFields.headers(
            MessageHeader.headers(topic.span, publish, in: scratch.bytes, clientID: origin))
    }

    private mutating func retain(_ message: BridgeMessage, _ topic: [UInt8], _ headers: [UInt8], at time: Timestamp) {
        guard let partition = retainedPartition else { return }
        let key = RecordFields.key(topic)
        retained.append(
            RetainedChange(
                topic: topic, recordIndex: accumulators.recordCount(in: partition.index),
                isPresent: !message.payload.isEmpty,
                expiresAt: message.properties.expirySeconds.map {
                    Timestamp(rawValue: time.rawValue + Int64($0) * 1000)
                }))
        if message.payload.isEmpty {
            accumulators.appendTombstone(
                to: partition.index, at: time, keyField: key.span, headersField: headers.span)
        } else {
            accumulators.append(
                to: partition.index, at: time, keyField: key.span, value: message.payload.span,
                headersField: headers.span)
        }
    }

    /// Finishes the batches of what was taken in.
    mutating func takeBatches(into appends: inout [Append], scanned: Bool) {
        accumulators.takeBatches(into: &appends, scanned: scanned)
    }

    /// Whether the batches change what is retained.
    var changesRetained: Bool { !retained.isEmpty }

    /// What the batches retain, to be found when they have settled.
    mutating func takeRetained(_ ticket: AppendTicket, number: UInt64, _ appends: [Append]) -> RetainedAppend {
        guard let append = appends.first(where: { $0.partition == retainedPartition }) else {
            preconditionFailure("Cannot retain without a batch of the retained messages")
        }
        defer { retained.removeAll(keepingCapacity: true) }
        return RetainedAppend(ticket: ticket, number: number, batch: append.batch, changes: retained)
    }
}

extension QoS {
    /// The same, of a bridge.
    init(_ qos: BridgeQoS) {
        self =
            switch qos {
            case .atMostOnce: .atMostOnce
            case .atLeastOnce: .atLeastOnce
            case .exactlyOnce: .exactlyOnce
            }
    }
}

extension BridgeQoS {
    /// The same, of MQTT.
    init(_ qos: QoS) {
        self =
            switch qos {
            case .atMostOnce: .atMostOnce
            case .atLeastOnce: .atLeastOnce
            case .exactlyOnce: .exactlyOnce
            }
    }
}
