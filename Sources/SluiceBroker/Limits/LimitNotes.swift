import MQTTSession
import MQTTWire
import SluiceCore

/// What a limit that ends a connection is called in the configuration, what it is, and what came: an operator who reads
/// the line can change it.
extension BrokerShard {
    /// What limit of the configuration a packet was over; empty when it was no limit.
    func limitNote(_ error: MQTTDecodeError, _ client: Client) -> String {
        let limits = client.bounds.limits
        switch error.cause {
        case .packetTooLarge:
            return Self.note(
                "packet_size", "\(limits.packetBytesMax) bytes", found: "\(client.decoder.announcedByteCount)")
        case .topicNameTooLong, .topicFilterTooLong:
            // The decoder stops where the limit is: the length is known to be more.
            return error.offset == limits.topicBytesMax
                ? Self.note("topic_size", "\(limits.topicBytesMax) bytes", found: "more")
                : Self.note("topic_levels", "\(limits.topicLevelsMax)", found: "more")
        case .userPropertiesTooMany:
            return Self.note("user_properties", "\(limits.userPropertiesMax)", found: "more")
        case _: return ""
        }
    }

    /// What limit of the configuration a session has broken; empty when it was no limit.
    func limitNote(_ fault: SessionFault, _ client: Client) -> String {
        let limits = client.bounds.limits
        switch fault {
        case .connectTimeout: return Self.note("connect_timeout", "\(limits.connectSecondsMax)s", found: "longer")
        case .topicAliasInvalid: return Self.note("topic_aliases", "\(limits.topicAliasesMax)", found: "a larger one")
        case .retainNotSupported: return Self.note("retain", "\(limits.retainsMessages)", found: "RETAIN")
        case .qosNotSupported: return Self.note("qos", "\(limits.qosMax)", found: "a higher one")
        case .keepAliveTimeout:
            // The client's own, unless it was told of a shorter one.
            guard let longest = limits.keepAliveSecondsMax, client.version == .v5 else { return "" }
            return Self.note("keep_alive", "\(longest)s", found: "silence for half as long again, or longer")
        case .connectExpected, .connectRepeated, .packetFromWrongSide, .topicAliasUnknown, .acknowledgementMismatch,
            .sessionExpiryForbidden, .authenticationExpected, .authenticationUnexpected:
            return ""
        }
    }

    private static func note(_ name: String, _ value: String, found: String) -> String {
        "; 'limits: \(name)' is \(value), found \(found)"
    }
}
