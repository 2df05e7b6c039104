extension BesideMosquitto {
    static let publishes: [Packet] = [
        Packet("PUBLISH", 4, "30 | s:b t:x", ""),
        Packet("PUBLISH at QoS 1", 4, "32 | s:b 0007 t:x", "puback 7"),
        Packet("PUBLISH at QoS 1 with DUP", 5, "3a | s:b 0007 { } t:x", "puback 7", "puback 7 16", .noSubscribers),
        Packet("PUBLISH at QoS 2", 5, "34 | s:b 0007 { } t:x ; 62 | 0007", "pubrec 7, pubcomp 7"),
        Packet("PUBLISH at QoS 3", 4, "36 | s:b 0007 t:x", "closed"),
        Packet("PUBLISH at QoS 3", 5, "36 | s:b 0007 { } t:x", "disconnect 129, closed"),
        Packet("PUBLISH at QoS 0 with DUP", 4, "38 | s:b t:x", "closed", "", .leniency),
        Packet("PUBLISH at QoS 0 with DUP", 5, "38 | s:b { } t:x", "disconnect 129, closed", "", .leniency),
        Packet("PUBLISH with identifier 0", 4, "32 | s:b 0000 t:x", "closed"),
        Packet("PUBLISH with identifier 0", 5, "32 | s:b 0000 { } t:x", "disconnect 130, closed"),
        Packet("PUBLISH without its identifier", 4, "32 | s:b", "closed"),
        Packet("PUBLISH without its identifier", 5, "32 | s:b", "disconnect 129, closed"),
        Packet("PUBLISH without anything", 4, "30 |", "closed"),
        Packet("PUBLISH without anything", 5, "30 |", "disconnect 129, closed"),
        Packet("PUBLISH without its properties", 5, "30 | s:b", "disconnect 129, closed"),
        Packet("PUBLISH, topic past its end", 4, "30 | 0005 t:ab", "closed"),
        Packet("PUBLISH, topic past its end", 5, "30 | 0005 t:ab", "disconnect 129, closed"),
        Packet("PUBLISH, empty topic", 4, "30 | s: t:x", "closed"),
        Packet("PUBLISH, empty topic", 5, "30 | s: { } t:x", "disconnect 130, closed"),
        Packet("PUBLISH, topic with #", 4, "30 | s:b/# t:x", "closed"),
        Packet(
            "PUBLISH, topic with #", 5, "30 | s:b/# { } t:x", "disconnect 144, closed", "disconnect 130, closed",
            .topicCodes),
        Packet(
            "PUBLISH, topic with +", 5, "30 | s:+b { } t:x", "disconnect 144, closed", "disconnect 130, closed",
            .topicCodes),
        Packet("PUBLISH, topic with U+0000", 4, "30 | S:6200 t:x", "closed"),
        Packet("PUBLISH, topic with U+0000", 5, "30 | S:6200 { } t:x", "disconnect 129, closed"),
        Packet("PUBLISH, topic with U+0001", 4, "30 | S:6201 t:x", "closed"),
        Packet("PUBLISH, topic with U+0001", 5, "30 | S:6201 { } t:x", "disconnect 129, closed"),
        Packet("PUBLISH, topic with U+001F", 5, "30 | S:621f { } t:x", "disconnect 129, closed"),
        Packet("PUBLISH, topic with U+007F", 5, "30 | S:627f { } t:x", "disconnect 129, closed"),
        Packet("PUBLISH, topic with U+009F", 5, "30 | S:c29f { } t:x", "disconnect 129, closed"),
        Packet("PUBLISH, topic with U+00A0", 5, "32 | S:c2a0 0001 { } t:x", "puback 1", "puback 1 16", .noSubscribers),
        Packet("PUBLISH, topic with U+FDD0", 5, "30 | S:efb790 { } t:x", "disconnect 129, closed"),
        Packet("PUBLISH, topic with U+FFFF", 5, "30 | S:efbfbf { } t:x", "disconnect 129, closed"),
        Packet("PUBLISH, topic with U+10FFFE", 5, "30 | S:f48fbfbe { } t:x", "disconnect 129, closed"),
        Packet(
            "PUBLISH, topic with U+2A6D4", 5, "32 | S:f0aa9b94 0001 { } t:x", "puback 1", "puback 1 16",
            .noSubscribers),
        Packet("PUBLISH, topic with a surrogate", 5, "30 | S:eda080 { } t:x", "disconnect 129, closed"),
        Packet(
            "PUBLISH, payload with U+0001", 5, "32 | s:b 0001 { } 0001027f", "puback 1", "puback 1 16", .noSubscribers),
        Packet(
            "PUBLISH to $SYS", 5, "32 | s:$SYS/broker/uptime 0001 { } t:x", "puback 1 135", "puback 1 135, closed",
            .systemTopics),
        Packet("PUBLISH, remaining length of five bytes", 4, "30 8080808001", "closed"),
        Packet(
            "PUBLISH, remaining length of five bytes", 5, "30 8080808001", "disconnect 129, closed", "closed",
            .closedWithoutReason),
        Packet(
            "PUBLISH, the same QoS 2 three times", 4, "34 | s:b 0007 t:x ; 3c | s:b 0007 t:x ; 3c | s:b 0007 t:x",
            "pubrec 7, pubrec 7, pubrec 7", "pubrec 7, pubrec 7, closed", .repeatedQoS2),
        Packet(
            "PUBLISH, the same QoS 2 three times", 5,
            "34 | s:b 0007 { } t:x ; 3c | s:b 0007 { } t:x ; 3c | s:b 0007 { } t:x", "pubrec 7, pubrec 7, pubrec 7",
            "pubrec 7, pubrec 7, disconnect 130, closed", .repeatedQoS2),
    ]

    static let publishProperties: [Packet] = [
        Packet("PUBLISH, format 2", 5, "30 | s:b { 0102 } t:x", "disconnect 130, closed", "", .leniency),
        Packet(
            "PUBLISH, format twice", 5, "30 | s:b { 0100 0100 } t:x", "disconnect 130, closed", "closed",
            .closedWithoutReason),
        Packet("PUBLISH, format cut", 5, "30 | s:b { 01 } t:x", "disconnect 129, closed"),
        Packet("PUBLISH, expiry cut", 5, "30 | s:b { 020000 } t:x", "disconnect 129, closed"),
        Packet("PUBLISH, expiry 0", 5, "32 | s:b 0001 { 0200000000 } t:x", "puback 1", "puback 1 16", .noSubscribers),
        Packet(
            "PUBLISH, content type twice", 5, "30 | s:b { 03 s:a 03 s:a } t:x", "disconnect 130, closed", "closed",
            .closedWithoutReason),
        Packet(
            "PUBLISH, content type with U+0000", 5, "30 | s:b { 03 S:00 } t:x", "disconnect 129, closed", "closed",
            .closedWithoutReason),
        Packet(
            "PUBLISH, content type with U+0001", 5, "30 | s:b { 03 S:01 } t:x", "disconnect 129, closed", "closed",
            .closedWithoutReason),
        Packet("PUBLISH, response topic with +", 5, "30 | s:b { 08 s:+ } t:x", "disconnect 130, closed", "", .leniency),
        Packet(
            "PUBLISH, response topic with U+0001", 5, "30 | s:b { 08 S:01 } t:x", "disconnect 129, closed", "closed",
            .closedWithoutReason),
        Packet(
            "PUBLISH, empty response topic", 5, "32 | s:b 0001 { 08 s: } t:x", "puback 1", "puback 1 16", .noSubscribers
        ),
        Packet(
            "PUBLISH, correlation data with U+0001", 5, "32 | s:b 0001 { 09 S:01 } t:x", "puback 1", "puback 1 16",
            .noSubscribers),
        Packet(
            "PUBLISH, user property with U+0001", 5, "30 | s:b { 26 s:a S:01 } t:x", "disconnect 129, closed", "closed",
            .closedWithoutReason),
        Packet(
            "PUBLISH, name of a user property with U+009F", 5, "30 | s:b { 26 S:c29f s:a } t:x",
            "disconnect 129, closed", "closed", .closedWithoutReason),
        Packet("PUBLISH, half a user property", 5, "30 | s:b { 26 s:a } t:x", "disconnect 129, closed"),
        Packet("PUBLISH, subscription identifier", 5, "30 | s:b { 0b01 } t:x", "disconnect 130, closed", "", .leniency),
        Packet(
            "PUBLISH, topic alias 0", 5, "30 | s:b { 230000 } t:x", "disconnect 148, closed", "disconnect 129, closed",
            .namedCodes),
        Packet("PUBLISH, topic alias above the maximum", 5, "30 | s:b { 23000b } t:x", "disconnect 148, closed"),
        Packet("PUBLISH, unknown topic alias", 5, "30 | s: { 230001 } t:x", "disconnect 130, closed"),
        Packet(
            "PUBLISH, topic alias twice", 5, "30 | s:b { 230001 230001 } t:x", "disconnect 130, closed", "closed",
            .closedWithoutReason),
        Packet("PUBLISH, property of CONNECT", 5, "30 | s:b { 210001 } t:x", "disconnect 129, closed"),
        Packet("PUBLISH, unknown property", 5, "30 | s:b { 7e00 } t:x", "disconnect 129, closed"),
        Packet("PUBLISH, properties past its end", 5, "30 | s:b 05", "disconnect 129, closed"),
        Packet(
            "PUBLISH, 129 user properties", 5, "30 | s:b 8505 " + String(repeating: "26 s: s: ", count: 129),
            "disconnect 151, closed", "", .userProperties),
    ]

    static let subscribes: [Packet] = [
        Packet("SUBSCRIBE", 4, "82 | 0001 s:b 00", "suback 1 [0]"),
        Packet("SUBSCRIBE with other flags", 4, "80 | 0001 s:b 00", "closed"),
        Packet("SUBSCRIBE with other flags", 5, "80 | 0001 { } s:b 00", "disconnect 129, closed"),
        Packet("SUBSCRIBE with identifier 0", 4, "82 | 0000 s:b 00", "closed"),
        Packet(
            "SUBSCRIBE with identifier 0", 5, "82 | 0000 { } s:b 00", "disconnect 130, closed",
            "disconnect 129, closed", .namedCodes),
        Packet("SUBSCRIBE to nothing", 4, "82 | 0001", "closed"),
        Packet(
            "SUBSCRIBE to nothing", 5, "82 | 0001 { }", "disconnect 130, closed", "disconnect 129, closed",
            .namedCodes),
        Packet("SUBSCRIBE without options", 4, "82 | 0001 s:b", "closed"),
        Packet("SUBSCRIBE without options", 5, "82 | 0001 { } s:b", "disconnect 129, closed"),
        Packet("SUBSCRIBE at QoS 3", 4, "82 | 0001 s:b 03", "closed"),
        Packet(
            "SUBSCRIBE at QoS 3", 5, "82 | 0001 { } s:b 03", "disconnect 130, closed", "disconnect 129, closed",
            .namedCodes),
        Packet("SUBSCRIBE with reserved options", 4, "82 | 0001 s:b 04", "closed"),
        Packet("SUBSCRIBE with reserved options", 5, "82 | 0001 { } s:b 40", "disconnect 129, closed"),
        Packet(
            "SUBSCRIBE, retain handling 3", 5, "82 | 0001 { } s:b 30", "disconnect 130, closed",
            "disconnect 129, closed", .namedCodes),
        Packet("SUBSCRIBE to an empty filter", 4, "82 | 0001 s: 00", "closed"),
        Packet(
            "SUBSCRIBE to an empty filter", 5, "82 | 0001 { } s: 00", "disconnect 143, closed",
            "disconnect 129, closed", .topicCodes),
        Packet("SUBSCRIBE to b#", 4, "82 | 0001 s:b# 00", "closed"),
        Packet(
            "SUBSCRIBE to b#", 5, "82 | 0001 { } s:b# 00", "disconnect 143, closed", "disconnect 129, closed",
            .topicCodes),
        Packet(
            "SUBSCRIBE to #/b", 5, "82 | 0001 { } s:#/b 00", "disconnect 143, closed", "disconnect 129, closed",
            .topicCodes),
        Packet(
            "SUBSCRIBE to b+", 5, "82 | 0001 { } s:b+ 00", "disconnect 143, closed", "disconnect 129, closed",
            .topicCodes),
        Packet("SUBSCRIBE, filter with U+0000", 4, "82 | 0001 S:6200 00", "closed"),
        Packet("SUBSCRIBE, filter with U+0001", 4, "82 | 0001 S:6201 00", "closed"),
        Packet("SUBSCRIBE, filter with U+007F", 5, "82 | 0001 { } S:627f 00", "disconnect 129, closed"),
        Packet("SUBSCRIBE, filter with a surrogate", 5, "82 | 0001 { } S:eda080 00", "disconnect 129, closed"),
        Packet(
            "SUBSCRIBE, no local in a group", 5, "82 | 0001 { } s:$share/g/b 04", "disconnect 130, closed",
            "suback 1 [0]", .leniency),
        Packet(
            "SUBSCRIBE to $share//b", 5, "82 | 0001 { } s:$share//b 00", "disconnect 143, closed", "suback 1 [0]",
            .leniency),
        Packet(
            "SUBSCRIBE to $share/g", 5, "82 | 0001 { } s:$share/g 00", "disconnect 143, closed", "suback 1 [0]",
            .leniency),
        Packet(
            "SUBSCRIBE to $share/g+/b", 5, "82 | 0001 { } s:$share/g+/b 00", "disconnect 143, closed",
            "disconnect 129, closed", .topicCodes),
        Packet(
            "SUBSCRIBE, identifier 0 of a subscription", 5, "82 | 0001 { 0b00 } s:b 00", "disconnect 130, closed",
            "disconnect 129, closed", .namedCodes),
        Packet(
            "SUBSCRIBE, identifier twice", 5, "82 | 0001 { 0b01 0b01 } s:b 00", "disconnect 130, closed", "closed",
            .closedWithoutReason),
        Packet("SUBSCRIBE, property of PUBLISH", 5, "82 | 0001 { 0100 } s:b 00", "disconnect 129, closed"),
        Packet(
            "SUBSCRIBE, user property with U+0001", 5, "82 | 0001 { 26 S:01 s: } s:b 00", "disconnect 129, closed",
            "closed", .closedWithoutReason),
        Packet("UNSUBSCRIBE", 4, "a2 | 0001 s:b", "unsuback 1 []"),
        Packet("UNSUBSCRIBE", 5, "a2 | 0001 { } s:b", "unsuback 1 [17]"),
        Packet("UNSUBSCRIBE with other flags", 4, "a0 | 0001 s:b", "closed"),
        Packet("UNSUBSCRIBE with other flags", 5, "a0 | 0001 { } s:b", "disconnect 129, closed"),
        Packet(
            "UNSUBSCRIBE with identifier 0", 5, "a2 | 0000 { } s:b", "disconnect 130, closed", "disconnect 129, closed",
            .namedCodes),
        Packet("UNSUBSCRIBE from nothing", 4, "a2 | 0001", "closed"),
        Packet(
            "UNSUBSCRIBE from nothing", 5, "a2 | 0001 { }", "disconnect 130, closed", "disconnect 129, closed",
            .namedCodes),
        Packet(
            "UNSUBSCRIBE from an empty filter", 5, "a2 | 0001 { } s:", "disconnect 143, closed",
            "disconnect 129, closed", .topicCodes),
        Packet("UNSUBSCRIBE from b#", 4, "a2 | 0001 s:b#", "closed"),
        Packet(
            "UNSUBSCRIBE from b#", 5, "a2 | 0001 { } s:b#", "disconnect 143, closed", "disconnect 129, closed",
            .topicCodes),
        Packet("UNSUBSCRIBE, filter with U+0001", 5, "a2 | 0001 { } S:6201", "disconnect 129, closed"),
    ]

    static let others: [Packet] = [
        Packet("PUBACK of nothing", 4, "40 | 0009", ""),
        Packet("PUBACK of nothing", 5, "40 | 0009", ""),
        Packet("PUBACK with flags", 4, "41 | 0009", "closed", "", .leniency),
        Packet("PUBACK with flags", 5, "41 | 0009", "disconnect 129, closed", "", .leniency),
        Packet("PUBACK with identifier 0", 4, "40 | 0000", "closed"),
        Packet("PUBACK with identifier 0", 5, "40 | 0000", "disconnect 130, closed", "closed", .closedWithoutReason),
        Packet("PUBACK cut", 4, "40 | 00", "closed"),
        Packet("PUBACK with a reason that does not exist", 5, "40 | 0009 01", "disconnect 130, closed", "", .leniency),
        Packet("PUBACK with bytes left over", 4, "40 | 0009 00", "closed", "", .leniency),
        Packet("PUBREC of nothing", 4, "50 | 0009", "pubrel 9"),
        Packet("PUBREC of nothing", 5, "50 | 0009", "pubrel 9 146", "pubrel 9", .unknownIdentifier),
        Packet("PUBREL of nothing", 4, "62 | 0009", "pubcomp 9"),
        Packet("PUBREL of nothing", 5, "62 | 0009", "pubcomp 9 146", "pubcomp 9", .unknownIdentifier),
        Packet("PUBREL with other flags", 4, "60 | 0009", "closed"),
        Packet("PUBREL with other flags", 5, "60 | 0009", "disconnect 129, closed", "closed", .closedWithoutReason),
        Packet("PUBREL with identifier 0", 5, "62 | 0000", "disconnect 130, closed", "closed", .closedWithoutReason),
        Packet(
            "PUBREL with a reason that does not exist", 5, "62 | 0009 01", "disconnect 130, closed", "pubcomp 9",
            .leniency),
        Packet(
            "PUBREL with a property of PUBLISH", 5, "62 | 0009 00 { 0100 }", "disconnect 129, closed", "closed",
            .closedWithoutReason),
        Packet("PUBREL with bytes left over", 4, "62 | 0009 00", "closed", "pubcomp 9", .leniency),
        Packet("PUBCOMP of nothing", 4, "70 | 0009", ""),
        Packet("PINGREQ with flags", 4, "c1 00", "closed", "pingresp", .leniency),
        Packet("PINGREQ with flags", 5, "c1 00", "disconnect 129, closed", "pingresp", .leniency),
        Packet("PINGREQ with a body", 4, "c0 | 00", "closed", "pingresp", .leniency),
        Packet("PINGREQ with a body", 5, "c0 | 00", "disconnect 129, closed", "pingresp", .leniency),
        Packet("DISCONNECT with flags", 4, "e1 00", "closed"),
        Packet("DISCONNECT with flags", 5, "e1 00", "disconnect 129, closed", "closed", .closedWithoutReason),
        Packet("DISCONNECT with a body", 4, "e0 | 00", "closed"),
        Packet(
            "DISCONNECT with a reason that does not exist", 5, "e0 | 01", "disconnect 130, closed", "closed",
            .closedWithoutReason),
        Packet("DISCONNECT with an expiry after none", 5, "e0 | 00 { 1100000005 }", "disconnect 130, closed"),
        Packet(
            "DISCONNECT with a server reference", 5, "e0 | 00 { 1c s:a }", "disconnect 129, closed", "closed",
            .closedWithoutReason),
        Packet("AUTH", 4, "f0 00", "closed"),
        Packet("AUTH without a method", 5, "f0 00", "disconnect 140, closed", "closed", .closedWithoutReason),
        Packet(
            "AUTH with a method that the CONNECT had not", 5, "f0 | 19 { 15 s:x }", "disconnect 140, closed", "closed",
            .closedWithoutReason),
        Packet("AUTH with flags", 5, "f1 00", "disconnect 129, closed", "closed", .closedWithoutReason),
        Packet(
            "AUTH with a reason that does not exist", 5, "f0 | 01 { 15 s:x }", "disconnect 130, closed", "closed",
            .closedWithoutReason),
        Packet("CONNACK from a client", 4, "20 | 0000", "closed"),
        Packet("CONNACK from a client", 5, "20 | 0000 { }", "disconnect 130, closed", "closed", .closedWithoutReason),
        Packet("SUBACK from a client", 5, "90 | 0001 { } 00", "disconnect 130, closed", "", .leniency),
        Packet("PINGRESP from a client", 4, "d0 00", "closed", "", .leniency),
        Packet("PINGRESP from a client", 5, "d0 00", "disconnect 130, closed", "", .leniency),
        Packet("packet of type 0", 4, "00 00", "closed"),
        Packet("packet of type 0", 5, "00 00", "disconnect 129, closed", "disconnect 130, closed", .namedCodes),
    ]
}
