import MQTTWire

extension ReasonCode {
    /// The specification's name of a reason for a refusal, as a label has it; the number in hexadecimal digits where it
    /// has none.
    /// Source: MQTT 5.0, table 2-6.
    var metricLabel: String {
        switch self {
        case .malformedPacket: "malformed_packet"
        case .protocolError: "protocol_error"
        case .implementationSpecificError: "implementation_specific_error"
        case .unsupportedProtocolVersion: "unsupported_protocol_version"
        case .clientIdentifierNotValid: "client_identifier_not_valid"
        case .badUserNameOrPassword: "bad_user_name_or_password"
        case .notAuthorized: "not_authorized"
        case .serverUnavailable: "server_unavailable"
        case .serverBusy: "server_busy"
        case .banned: "banned"
        case .serverShuttingDown: "server_shutting_down"
        case .badAuthenticationMethod: "bad_authentication_method"
        case .keepAliveTimeout: "keep_alive_timeout"
        case .sessionTakenOver: "session_taken_over"
        case .topicNameInvalid: "topic_name_invalid"
        case .receiveMaximumExceeded: "receive_maximum_exceeded"
        case .topicAliasInvalid: "topic_alias_invalid"
        case .packetTooLarge: "packet_too_large"
        case .messageRateTooHigh: "message_rate_too_high"
        case .quotaExceeded: "quota_exceeded"
        case .administrativeAction: "administrative_action"
        case .payloadFormatInvalid: "payload_format_invalid"
        case .connectionRateExceeded: "connection_rate_exceeded"
        case .unspecifiedError: "unspecified_error"
        default: "0x" + String(rawValue, radix: 16)
        }
    }
}
