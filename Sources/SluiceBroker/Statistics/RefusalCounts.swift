package import MQTTWire

/// Counts of what was refused, by the reason code that was or would have been given.
///
/// Refusals are rare: a table of the few reasons that there are costs nothing while there are none.
/// Source: MQTT 5.0, section 2.4.
package struct RefusalCounts: Sendable, Equatable {
    private var counts: [UInt8: UInt64] = [:]

    /// How many there were for each reason, by the code's number.
    package var all: [(reason: ReasonCode, count: UInt64)] {
        counts.sorted { $0.key < $1.key }.map { (ReasonCode(rawValue: $0.key), $0.value) }
    }

    /// Of any reason.
    package var sum: UInt64 { counts.values.reduce(0, +) }

    mutating func add(_ reason: ReasonCode, count: UInt64 = 1) { counts[reason.rawValue, default: 0] += count }

    static func += (left: inout RefusalCounts, right: RefusalCounts) {
        left.counts.merge(right.counts) { $0 + $1 }
    }
}

extension BrokerCounters {
    /// Messages that were refused, for any reason.
    package var messagesRefused: UInt64 { refusedMessages.sum }
}
