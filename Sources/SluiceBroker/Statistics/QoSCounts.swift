import MQTTWire

/// Counts of messages by the QoS that they were sent at.
package struct QoSCounts: Sendable, Equatable {
    /// Messages of QoS 0.
    package internal(set) var atMostOnce: UInt64 = 0
    /// Messages of QoS 1.
    package internal(set) var atLeastOnce: UInt64 = 0
    /// Messages of QoS 2.
    package internal(set) var exactlyOnce: UInt64 = 0

    /// Messages of any QoS.
    package var sum: UInt64 { atMostOnce + atLeastOnce + exactlyOnce }

    /// Counts a message.
    @inline(__always)
    mutating func add(_ qos: QoS) {
        switch qos {
        case .atMostOnce: atMostOnce += 1
        case .atLeastOnce: atLeastOnce += 1
        case .exactlyOnce: exactlyOnce += 1
        }
    }
}

extension BrokerCounters {
    /// PUBLISH packets from clients, of any QoS.
    package var publishesReceived: UInt64 { received.sum }
    /// PUBLISH packets to clients, of any QoS.
    package var messagesDelivered: UInt64 { delivered.sum }
}
