package import SluiceCore

/// What a client wants of one subscription, as one byte.
///
/// Layout: bits 0-1 QoS, 2 no local, 3 retain as published, 4-5 retain handling; only QoS before MQTT 5.
/// Source: MQTT 5.0 §3.8.3.1.
package struct SubscriptionOptions: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    /// The byte on the wire.
    package var rawValue: UInt8

    /// Wraps a byte.
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// When a subscription is answered with retained messages.
    package enum RetainHandling: UInt8, Sendable {
        /// At every SUBSCRIBE.
        case send = 0
        /// Unless the subscription existed already.
        case sendIfNew = 1
        /// Never.
        case doNotSend = 2
    }

    /// Options from their parts.
    package init(
        qos: QoS, noLocal: Bool = false, retainAsPublished: Bool = false, retainHandling: RetainHandling = .send
    ) {
        rawValue = qos.rawValue | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | retainHandling.rawValue << 4
    }

    /// The highest QoS of deliveries. QoS 3 does not pass the decoder.
    package var qos: QoS { QoS(rawValue: rawValue & 3) ?? .exactlyOnce }
    /// Whether the client's own messages are left out.
    package var noLocal: Bool { rawValue & 4 != 0 }
    /// Whether deliveries keep the publisher's RETAIN flag.
    package var retainAsPublished: Bool { rawValue & 8 != 0 }
    /// When retained messages are sent. 3 does not pass the decoder.
    package var retainHandling: RetainHandling { RetainHandling(rawValue: rawValue >> 4 & 3) ?? .doNotSend }

    /// What is wrong with the byte in `version`, if anything.
    func flaw(in version: ProtocolVersion, isShared: Bool) -> MQTTDecodeError.Cause? {
        let reserved: UInt8 =
            switch version {
            case .v31, .v311: 0xFC
            case .v5: 0xC0
            }
        if rawValue & reserved != 0 { return .subscribeOptionsReserved }
        if rawValue & 3 == 3 { return .subscribeQoSInvalid }
        if rawValue >> 4 == 3 { return .retainHandlingInvalid }
        return noLocal && isShared ? .sharedNoLocal : nil
    }
}

/// Walks the filters of a decoded SUBSCRIBE.
package struct SubscriptionReader: ~Escapable {
    private var reader: ByteReader

    /// A reader of the filters of `packet`, decoded from `bytes`.
    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>, _ packet: Packet.Subscribe) {
        let indices = packet.filters.indices
        reader = ByteReader(bytes, base: indices.lowerBound, position: indices.lowerBound, end: indices.upperBound)
    }

    /// The next filter and its options, or nil after the last one.
    package mutating func next() -> (filter: ByteRange, options: SubscriptionOptions)? {
        guard reader.remaining > 0 else { return nil }
        do {
            let filter = try reader.readBinary()
            return (filter, SubscriptionOptions(rawValue: try reader.readUInt8()))
        } catch {
            preconditionFailure("Cannot read filters that the decoder did not check")
        }
    }
}

/// Walks the filters of a decoded UNSUBSCRIBE.
package struct FilterReader: ~Escapable {
    private var reader: ByteReader

    /// A reader of the filters of `packet`, decoded from `bytes`.
    @_lifetime(copy bytes)
    package init(_ bytes: Span<UInt8>, _ packet: Packet.Unsubscribe) {
        let indices = packet.filters.indices
        reader = ByteReader(bytes, base: indices.lowerBound, position: indices.lowerBound, end: indices.upperBound)
    }

    /// The next filter, or nil after the last one.
    package mutating func next() -> ByteRange? {
        guard reader.remaining > 0 else { return nil }
        do {
            return try reader.readBinary()
        } catch {
            preconditionFailure("Cannot read filters that the decoder did not check")
        }
    }
}
