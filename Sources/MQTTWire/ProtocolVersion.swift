/// The MQTT versions that Sluice speaks; the raw value is the protocol level that CONNECT carries.
@usableFromInline package enum ProtocolVersion: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    /// MQTT 3.1, protocol name `MQIsdp`.
    case v31 = 3
    /// MQTT 3.1.1.
    case v311 = 4
    /// MQTT 5.0.
    case v5 = 5

    /// The protocol name in CONNECT.
    var protocolName: StaticString {
        switch self {
        case .v31: "MQIsdp"
        case .v311, .v5: "MQTT"
        }
    }
}

/// How often a message may arrive: at most once, at least once, exactly once.
@usableFromInline package enum QoS: UInt8, CaseIterable, Comparable, Sendable, BitwiseCopyable {
    /// Fire and forget.
    case atMostOnce = 0
    /// Acknowledged with PUBACK.
    case atLeastOnce = 1
    /// Acknowledged with PUBREC, PUBREL and PUBCOMP.
    case exactlyOnce = 2

    /// The weaker guarantee comes first.
    @inlinable @inline(__always)
    package static func < (left: QoS, right: QoS) -> Bool { left.rawValue < right.rawValue }
}

/// The number that ties an acknowledgement to its packet; 0 stands for "none" and is never sent.
@usableFromInline
package struct PacketID: RawRepresentable, Hashable, Comparable, Sendable, BitwiseCopyable, ExpressibleByIntegerLiteral
{
    /// The number on the wire.
    @usableFromInline package var rawValue: UInt16

    /// Wraps a raw number.
    @inlinable @inline(__always)
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// A literal number.
    @inlinable @inline(__always)
    package init(integerLiteral value: UInt16) { rawValue = value }

    /// No identifier: what a QoS 0 PUBLISH has.
    package static let none = PacketID(rawValue: 0)

    /// The smaller raw value comes first.
    @inlinable @inline(__always)
    package static func < (left: PacketID, right: PacketID) -> Bool { left.rawValue < right.rawValue }
}
