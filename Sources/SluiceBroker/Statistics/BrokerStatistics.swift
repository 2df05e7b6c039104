import SluiceCore

/// What the broker's own topics need beside the counters: the start, the maximum, and rates.
///
/// Isolation: the first shard's.
struct BrokerStatistics {
    /// When the broker started, by the monotonic clock.
    let startedAt: Int64
    /// When the topics are told next.
    var nextTell: Int64
    private(set) var clientsMaximum: UInt64 = 0
    /// Bytes of memory that the process had when it was looked last; nil where nobody says.
    private(set) var heapBytes: UInt64?
    /// The most of them, of all looks.
    private(set) var heapMaximum: UInt64 = 0
    private var last = BrokerCounters()
    private var loads: [String: [Double]] = [:]

    /// The averages' time constants, for an observation every ten seconds: e to the power of -10 s by a minute, five
    /// and fifteen; as mosquitto's.
    private static let decays = [
        ("1min", 0.846_481_724_890_614), ("5min", 0.967_216_100_482_006), ("15min", 0.988_950_389_293_922),
    ]

    init(now: Int64) {
        startedAt = now
        nextTell = now
    }

    /// Takes the sums of all shards, every ten seconds.
    /// - Parameter heapBytes: bytes of memory that the process has; nil where nobody says.
    mutating func observe(_ sum: BrokerCounters, heapBytes: UInt64?) {
        clientsMaximum = max(clientsMaximum, sum.clientCount)
        self.heapBytes = heapBytes
        heapMaximum = max(heapMaximum, heapBytes ?? 0)
        observe("messages/received", sum.packetsReceived - last.packetsReceived)
        observe("messages/sent", sum.packetsSent - last.packetsSent)
        observe("publish/received", sum.publishesReceived - last.publishesReceived)
        observe("publish/sent", sum.messagesDelivered - last.messagesDelivered)
        observe("publish/dropped", sum.messagesDropped - last.messagesDropped)
        observe("bytes/received", sum.bytesReceived - last.bytesReceived)
        observe("bytes/sent", sum.bytesSent - last.bytesSent)
        observe("connections", sum.connectsReceived - last.connectsReceived)
        observe("sockets", sum.connectionsAccepted - last.connectionsAccepted)
        last = sum
    }

    private mutating func observe(_ name: String, _ count: UInt64) {
        let perMinute = Double(count) * 6
        let former = loads[name] ?? [0, 0, 0]
        loads[name] = zip(former, Self.decays).map { load, decay in load * decay.1 + perMinute * (1 - decay.1) }
    }

    /// The rates a minute, as mosquitto names them.
    var topics: [SystemTopic] {
        loads.sorted { $0.key < $1.key }.flatMap { name, values in
            zip(values, Self.decays).map { value, decay in
                SystemTopic("$SYS/broker/load/\(name)/\(decay.0)", Self.text(value))
            }
        }
    }

    /// A number with two decimals.
    private static func text(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}

extension BrokerCounters {
    /// Packets of any kind to clients.
    package var packetsSent: UInt64 { messagesDelivered + answersSent }
    /// Messages that did not go where they were meant to.
    var messagesDropped: UInt64 { deliveriesDropped + messagesRefused }

    /// The sum of two shards' counts.
    static func + (left: BrokerCounters, right: BrokerCounters) -> BrokerCounters {
        var sum = left
        for field in fields { sum[keyPath: field] += right[keyPath: field] }
        sum.publishTime += right.publishTime
        sum.deliveryTime += right.deliveryTime
        sum.refusedMessages += right.refusedMessages
        sum.endedConnections += right.endedConnections
        return sum
    }

    /// The sums of all shards' counts.
    package static func sum(of all: [BrokerCounters]) -> BrokerCounters { all.reduce(BrokerCounters()) { $0 + $1 } }

    private static var fields: [WritableKeyPath<BrokerCounters, UInt64>] {
        [
            \.packetsReceived, \.bytesReceived, \.bytesSent, \.receivedBytes, \.deliveredBytes, \.clientCount,
            \.connectionsAccepted, \.subscriptionCount, \.topicBytes, \.shareGroupCount, \.sessionsExpired,
            \.willsPublished,
            \.received.atMostOnce, \.received.atLeastOnce, \.received.exactlyOnce, \.messagesStored,
            \.duplicatesSuppressed, \.accessDenied,
            \.delivered.atMostOnce, \.delivered.atLeastOnce, \.delivered.exactlyOnce, \.answersSent, \.connectsReceived,
            \.deliveriesDropped, \.deliveriesSkipped,
        ]
    }
}
