/// Why bytes are not a packet that their sender may send; the connection cannot go on.
package struct MQTTDecodeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package var cause: Cause
    /// Where: bytes from the packet's first byte (from the topic's first byte for `TopicSyntax`).
    package var offset: Int

    /// An error of `cause` at `offset`.
    package init(_ cause: Cause, at offset: Int) {
        self.cause = cause
        self.offset = offset
    }

    /// One rule of the specification, or one limit of ours, that was broken.
    package enum Cause: UInt8, CaseIterable, Sendable {
        /// The remaining length has a fifth byte.
        case remainingLengthTooLong
        /// The packet is larger than `Limits.packetBytesMax`.
        case packetTooLarge
        /// Packet type 0, or 15 before MQTT 5.
        case packetTypeReserved
        /// The lower half of the first byte is not what this type must have.
        case flagsReserved
        /// A packet that only the other side may send.
        case packetFromWrongSide
        /// The first packet of a client is not CONNECT.
        case connectExpected
        /// A second CONNECT.
        case connectRepeated
        /// A field runs past the end of its packet.
        case packetTruncated
        /// Bytes are left after the last field.
        case bytesLeftOver
        /// A variable byte integer has more than four bytes, or more than it needs.
        case variableIntegerMalformed
        /// A string is not UTF-8.
        case stringNotUTF8
        /// A string contains U+0000.
        case stringContainsNull
        /// A client's string contains a control character or a noncharacter.
        case stringContainsControl
        /// CONNECT does not start with `MQTT` or `MQIsdp`.
        case protocolNameUnknown
        /// The protocol name is known and the level is not one of ours.
        case protocolLevelUnsupported
        /// Bit 0 of the CONNECT flags is set.
        case connectFlagReserved
        /// Will QoS or will retain without a will.
        case willFlagsWithoutWill
        /// Will QoS 3.
        case willQoSInvalid
        /// A password without a user name, before MQTT 5.
        case passwordWithoutUserName
        /// PUBLISH with QoS 3.
        case qosInvalid
        /// DUP on a QoS 0 PUBLISH.
        case duplicateWithoutQoS
        /// Packet identifier 0 where one is needed.
        case packetIDZero
        /// An empty topic name.
        case topicNameEmpty
        /// An empty topic name and no alias, MQTT 5.
        case topicNameAndAliasMissing
        /// A topic name longer than `Limits.topicBytesMax`, or with more levels than `Limits.topicLevelsMax`.
        case topicNameTooLong
        /// A topic name with `+` or `#`.
        case topicNameHasWildcard
        /// An empty topic filter.
        case topicFilterEmpty
        /// A topic filter over one of the two limits for topics.
        case topicFilterTooLong
        /// `#` that is not the last level or shares it.
        case multiLevelWildcardMisplaced
        /// `+` that shares its level.
        case singleLevelWildcardMisplaced
        /// `$share/` without a share name, or with a wildcard in it.
        case shareNameInvalid
        /// `$share/name` without a filter.
        case shareFilterMissing
        /// No Local on a shared subscription.
        case sharedNoLocal
        /// SUBSCRIBE without a filter.
        case subscribeEmpty
        /// UNSUBSCRIBE without a filter.
        case unsubscribeEmpty
        /// Reserved bits of a subscription's options are set.
        case subscribeOptionsReserved
        /// QoS 3 asked for.
        case subscribeQoSInvalid
        /// Retain handling 3.
        case retainHandlingInvalid
        /// A property that the specification does not know.
        case propertyUnknown
        /// A property that this packet must not have.
        case propertyMisplaced
        /// A subscription identifier in a PUBLISH from a client.
        case subscriptionIdentifierFromClient
        /// A property that may appear once appears again.
        case propertyRepeated
        /// A property's value is not one that it may have.
        case propertyValueInvalid
        /// Topic alias 0.
        case topicAliasZero
        /// A response topic with a wildcard.
        case responseTopicHasWildcard
        /// Authentication data, or AUTH, without an authentication method.
        case authenticationMethodMissing
        /// More user properties than `Limits.userPropertiesMax`.
        case userPropertiesTooMany
        /// A reason or return code that this packet does not have.
        case reasonCodeUndefined
        /// Reserved bits of CONNACK's flags, or session present with a refusal.
        case connackFlagsInvalid
    }

    /// What to tell the peer, where the version has a way to.
    package var reasonCode: ReasonCode { cause.reasonCode }

    /// The clause of MQTT 5.0 that was broken (of 3.1.1 where 5 has none).
    package var clause: StaticString { cause.clause }

    /// One line for the log.
    package var description: String { "\(cause.summary) at byte \(offset) [\(cause.clause)]" }
}

extension MQTTDecodeError.Cause {
    /// The one mapping from causes to reason codes.
    package var reasonCode: ReasonCode {
        switch self {
        case .remainingLengthTooLong, .packetTypeReserved, .flagsReserved, .packetTruncated, .bytesLeftOver,
            .variableIntegerMalformed, .stringNotUTF8, .stringContainsNull, .stringContainsControl,
            .connectFlagReserved,
            .willFlagsWithoutWill, .willQoSInvalid, .passwordWithoutUserName, .qosInvalid, .duplicateWithoutQoS,
            .subscribeOptionsReserved, .propertyUnknown, .propertyMisplaced, .connackFlagsInvalid:
            .malformedPacket
        case .packetFromWrongSide, .connectExpected, .connectRepeated, .packetIDZero, .topicNameAndAliasMissing,
            .sharedNoLocal, .subscribeEmpty, .unsubscribeEmpty, .subscribeQoSInvalid, .retainHandlingInvalid,
            .subscriptionIdentifierFromClient, .propertyRepeated, .propertyValueInvalid, .responseTopicHasWildcard,
            .authenticationMethodMissing, .reasonCodeUndefined:
            .protocolError
        case .packetTooLarge: .packetTooLarge
        case .protocolNameUnknown, .protocolLevelUnsupported: .unsupportedProtocolVersion
        case .topicNameEmpty, .topicNameTooLong, .topicNameHasWildcard: .topicNameInvalid
        case .topicFilterEmpty, .topicFilterTooLong, .multiLevelWildcardMisplaced, .singleLevelWildcardMisplaced,
            .shareNameInvalid, .shareFilterMissing:
            .topicFilterInvalid
        case .topicAliasZero: .topicAliasInvalid
        case .userPropertiesTooMany: .quotaExceeded
        }
    }

    /// The clause, as the specification names it.
    package var clause: StaticString {
        switch self {
        case .remainingLengthTooLong, .variableIntegerMalformed: "MQTT-1.5.5-1"
        case .packetTooLarge: "MQTT-3.2.2-15"
        case .packetTypeReserved, .packetFromWrongSide: "MQTT 5.0 §2.1.2"
        case .flagsReserved: "MQTT-2.1.3-1"
        case .connectExpected: "MQTT-3.1.0-1"
        case .connectRepeated: "MQTT-3.1.0-2"
        case .packetTruncated, .bytesLeftOver: "MQTT 5.0 §2.1.4"
        case .stringNotUTF8: "MQTT-1.5.4-1"
        case .stringContainsNull: "MQTT-1.5.4-2"
        case .stringContainsControl: "MQTT 5.0 §1.5.4"
        case .protocolNameUnknown: "MQTT-3.1.2-1"
        case .protocolLevelUnsupported: "MQTT-3.1.2-2"
        case .connectFlagReserved: "MQTT-3.1.2-3"
        case .willFlagsWithoutWill: "MQTT-3.1.2-11"
        case .willQoSInvalid: "MQTT-3.1.2-12"
        case .passwordWithoutUserName: "MQTT 3.1.1 MQTT-3.1.2-22"
        case .qosInvalid: "MQTT-3.3.1-4"
        case .duplicateWithoutQoS: "MQTT-3.3.1-2"
        case .packetIDZero: "MQTT-2.2.1-3"
        case .topicNameEmpty, .topicFilterEmpty: "MQTT-4.7.3-1"
        case .topicNameAndAliasMissing: "MQTT 5.0 §3.3.2.1"
        case .topicNameTooLong, .topicFilterTooLong: "MQTT-4.7.3-3"
        case .topicNameHasWildcard: "MQTT-3.3.2-2"
        case .multiLevelWildcardMisplaced: "MQTT-4.7.1-1"
        case .singleLevelWildcardMisplaced: "MQTT-4.7.1-2"
        case .shareNameInvalid: "MQTT-4.8.2-1"
        case .shareFilterMissing: "MQTT-4.8.2-2"
        case .sharedNoLocal: "MQTT-3.8.3-4"
        case .subscribeEmpty: "MQTT-3.8.3-2"
        case .unsubscribeEmpty: "MQTT-3.10.3-2"
        case .subscribeOptionsReserved: "MQTT-3.8.3-5"
        case .subscribeQoSInvalid, .retainHandlingInvalid: "MQTT 5.0 §3.8.3.1"
        case .propertyUnknown, .propertyMisplaced, .propertyRepeated, .propertyValueInvalid, .userPropertiesTooMany:
            "MQTT 5.0 §2.2.2.2"
        case .subscriptionIdentifierFromClient: "MQTT-3.3.4-6"
        case .topicAliasZero: "MQTT-3.3.2-8"
        case .responseTopicHasWildcard: "MQTT-3.3.2-14"
        case .authenticationMethodMissing: "MQTT 5.0 §4.12"
        case .reasonCodeUndefined: "MQTT 5.0 §2.4"
        case .connackFlagsInvalid: "MQTT-3.2.2-1"
        }
    }

    /// What is wrong, in a few words.
    package var summary: StaticString {
        switch self {
        case .remainingLengthTooLong: "remaining length longer than four bytes"
        case .packetTooLarge: "packet larger than the limit"
        case .packetTypeReserved: "reserved packet type"
        case .flagsReserved: "reserved flags of the first byte set"
        case .packetFromWrongSide: "packet type that this side must not send"
        case .connectExpected: "first packet is not CONNECT"
        case .connectRepeated: "second CONNECT"
        case .packetTruncated: "field runs past the end of the packet"
        case .bytesLeftOver: "bytes left over after the last field"
        case .variableIntegerMalformed: "malformed variable byte integer"
        case .stringNotUTF8: "string is not UTF-8"
        case .stringContainsNull: "string contains U+0000"
        case .stringContainsControl: "string contains a control character or a noncharacter"
        case .protocolNameUnknown: "unknown protocol name"
        case .protocolLevelUnsupported: "unsupported protocol level"
        case .connectFlagReserved: "reserved CONNECT flag set"
        case .willFlagsWithoutWill: "will QoS or retain without a will"
        case .willQoSInvalid: "will QoS 3"
        case .passwordWithoutUserName: "password without user name"
        case .qosInvalid: "QoS 3"
        case .duplicateWithoutQoS: "DUP with QoS 0"
        case .packetIDZero: "packet identifier 0"
        case .topicNameEmpty: "empty topic name"
        case .topicNameAndAliasMissing: "empty topic name without alias"
        case .topicNameTooLong: "topic name over the limits"
        case .topicNameHasWildcard: "wildcard in a topic name"
        case .topicFilterEmpty: "empty topic filter"
        case .topicFilterTooLong: "topic filter over the limits"
        case .multiLevelWildcardMisplaced: "misplaced # in a topic filter"
        case .singleLevelWildcardMisplaced:
            "misplaced + in a topic filter (in a time of $replay, e02:00 stands for +02:00)"
        case .shareNameInvalid: "invalid share name"
        case .shareFilterMissing: "shared subscription without filter"
        case .sharedNoLocal: "no local on a shared subscription"
        case .subscribeEmpty: "SUBSCRIBE without filter"
        case .unsubscribeEmpty: "UNSUBSCRIBE without filter"
        case .subscribeOptionsReserved: "reserved subscription options set"
        case .subscribeQoSInvalid: "subscription with QoS 3"
        case .retainHandlingInvalid: "retain handling 3"
        case .propertyUnknown: "unknown property"
        case .propertyMisplaced: "property does not belong to this packet"
        case .subscriptionIdentifierFromClient: "subscription identifier from a client"
        case .propertyRepeated: "property given twice"
        case .propertyValueInvalid: "property value not allowed"
        case .topicAliasZero: "topic alias 0"
        case .responseTopicHasWildcard: "wildcard in the response topic"
        case .authenticationMethodMissing: "authentication method missing"
        case .userPropertiesTooMany: "too many user properties"
        case .reasonCodeUndefined: "reason code not defined for this packet"
        case .connackFlagsInvalid: "invalid CONNACK flags"
        }
    }
}
