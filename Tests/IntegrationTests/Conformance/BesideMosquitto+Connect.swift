extension BesideMosquitto {
    static let connects: [Packet] = [
        Packet("first packet is PINGREQ", 4, "c0 00", "closed"),
        Packet("first packet is PUBLISH", 4, "30 | s:a t:x", "closed"),
        Packet("CONNECT of 3.1", 3, "10 | s:MQIsdp 03 02 000a s:a", "connack 0"),
        Packet("CONNECT", 4, "10 | s:MQTT 04 02 000a s:a", "connack 0"),
        Packet("CONNECT", 5, "10 | s:MQTT 05 02 000a { } s:a", "connack 0"),
        Packet("CONNECT with flags in its first byte", 4, "11 | s:MQTT 04 02 000a s:a", "closed"),
        Packet(
            "CONNECT with flags in its first byte", 5, "11 | s:MQTT 05 02 000a { } s:a", "connack 129, closed",
            "closed", .refusedConnect),
        Packet("CONNECT of an unknown protocol", 4, "10 | s:MQTX 04 02 000a s:a", "closed"),
        Packet("CONNECT of an empty protocol name", 4, "10 | s: 04 02 000a s:a", "closed"),
        Packet(
            "CONNECT of level 6", 5, "10 | s:MQTT 06 02 000a { } s:a", "connack 132, closed", "connack 1, closed",
            .futureLevel),
        Packet("CONNECT of level 0", 4, "10 | s:MQTT 00 02 000a s:a", "connack 1, closed"),
        Packet("CONNECT of level 3 by the name of 4", 4, "10 | s:MQTT 03 02 000a s:a", "connack 1, closed"),
        Packet("CONNECT with the reserved flag", 4, "10 | s:MQTT 04 03 000a s:a", "closed"),
        Packet(
            "CONNECT with the reserved flag", 5, "10 | s:MQTT 05 03 000a { } s:a", "connack 129, closed", "closed",
            .refusedConnect),
        Packet("CONNECT cut behind its flags", 4, "10 | s:MQTT 04 02", "closed"),
        Packet(
            "CONNECT cut behind its flags", 5, "10 | s:MQTT 05 02", "connack 129, closed", "closed", .refusedConnect),
        Packet("CONNECT without identifier", 4, "10 | s:MQTT 04 02 000a", "closed"),
        Packet(
            "CONNECT without identifier", 5, "10 | s:MQTT 05 02 000a { }", "connack 129, closed", "closed",
            .refusedConnect),
        Packet("CONNECT with an empty identifier, clean", 4, "10 | s:MQTT 04 02 000a s:", "connack 0"),
        Packet("CONNECT with an empty identifier, to stay", 4, "10 | s:MQTT 04 00 000a s:", "connack 2, closed"),
        Packet("CONNECT with an empty identifier, to stay", 5, "10 | s:MQTT 05 00 000a { } s:", "connack 0"),
        Packet("CONNECT with an empty identifier of 3.1", 3, "10 | s:MQIsdp 03 02 000a s:", "connack 2, closed"),
        Packet("CONNECT with bytes left over", 4, "10 | s:MQTT 04 02 000a s:a 00", "closed"),
        Packet(
            "CONNECT with bytes left over", 5, "10 | s:MQTT 05 02 000a { } s:a 00", "connack 129, closed", "closed",
            .refusedConnect),
        Packet("CONNECT, identifier with U+0000", 4, "10 | s:MQTT 04 02 000a S:6100", "closed"),
        Packet("CONNECT, identifier with U+0001", 4, "10 | s:MQTT 04 02 000a S:6101", "closed"),
        Packet(
            "CONNECT, identifier with U+001F", 5, "10 | s:MQTT 05 02 000a { } S:611f", "connack 129, closed", "closed",
            .refusedConnect),
        Packet(
            "CONNECT, identifier with U+009F", 5, "10 | s:MQTT 05 02 000a { } S:c29f", "connack 129, closed", "closed",
            .refusedConnect),
        Packet(
            "CONNECT, identifier with a surrogate", 5, "10 | s:MQTT 05 02 000a { } S:eda080", "connack 129, closed",
            "closed", .refusedConnect),
        Packet("CONNECT, identifier with U+FFFF", 4, "10 | s:MQTT 04 02 000a S:efbfbf", "closed"),
        Packet("CONNECT, user name with U+007F", 4, "10 | s:MQTT 04 82 000a s:a S:7f", "closed"),
        Packet(
            "CONNECT, user name with U+0001", 5, "10 | s:MQTT 05 82 000a { } s:a S:01", "connack 129, closed", "closed",
            .refusedConnect),
        Packet(
            "CONNECT, user name not UTF-8", 5, "10 | s:MQTT 05 82 000a { } s:a S:ff", "connack 129, closed", "closed",
            .refusedConnect),
        Packet("CONNECT, password with U+0001", 4, "10 | s:MQTT 04 c2 000a s:a s:u S:01", "connack 0"),
        Packet("CONNECT with an empty user name", 4, "10 | s:MQTT 04 82 000a s:a s:", "connack 0"),
        Packet("CONNECT, password without user name", 4, "10 | s:MQTT 04 42 000a s:a s:p", "closed"),
        Packet("CONNECT, password without user name", 5, "10 | s:MQTT 05 42 000a { } s:a s:p", "connack 0"),
        Packet("CONNECT without its user name", 4, "10 | s:MQTT 04 82 000a s:a", "closed"),
        Packet(
            "CONNECT without its user name", 5, "10 | s:MQTT 05 82 000a { } s:a", "connack 129, closed", "closed",
            .refusedConnect),
        Packet("CONNECT without its password", 4, "10 | s:MQTT 04 c2 000a s:a s:u", "closed"),
        Packet(
            "CONNECT without its password", 5, "10 | s:MQTT 05 c2 000a { } s:a s:u", "connack 129, closed", "closed",
            .refusedConnect),
        Packet(
            "CONNECT, receive maximum 0", 5, "10 | s:MQTT 05 02 000a { 210000 } s:a", "connack 130, closed", "closed",
            .refusedConnect),
        Packet(
            "CONNECT, maximum packet size 0", 5, "10 | s:MQTT 05 02 000a { 2700000000 } s:a", "connack 130, closed",
            "closed", .refusedConnect),
        Packet(
            "CONNECT, session expiry twice", 5, "10 | s:MQTT 05 02 000a { 1100000001 1100000001 } s:a",
            "connack 130, closed", "closed", .refusedConnect),
        Packet(
            "CONNECT, receive maximum twice", 5, "10 | s:MQTT 05 02 000a { 210001 210001 } s:a", "connack 130, closed",
            "closed", .refusedConnect),
        Packet(
            "CONNECT, request problem information 2", 5, "10 | s:MQTT 05 02 000a { 1702 } s:a", "connack 130, closed",
            "closed", .refusedConnect),
        Packet(
            "CONNECT, request response information 2", 5, "10 | s:MQTT 05 02 000a { 1902 } s:a", "connack 130, closed",
            "closed", .refusedConnect),
        Packet(
            "CONNECT, property of PUBLISH", 5, "10 | s:MQTT 05 02 000a { 0100 } s:a", "connack 129, closed", "closed",
            .refusedConnect),
        Packet(
            "CONNECT, property of CONNACK", 5, "10 | s:MQTT 05 02 000a { 2401 } s:a", "connack 129, closed", "closed",
            .refusedConnect),
        Packet(
            "CONNECT, unknown property", 5, "10 | s:MQTT 05 02 000a { 7e00 } s:a", "connack 129, closed", "closed",
            .refusedConnect),
        Packet(
            "CONNECT, property cut", 5, "10 | s:MQTT 05 02 000a { 1100 } s:a", "connack 129, closed", "closed",
            .refusedConnect),
        Packet(
            "CONNECT, properties past its end", 5, "10 | s:MQTT 05 02 000a 7f", "connack 129, closed", "closed",
            .refusedConnect),
        Packet(
            "CONNECT, length of properties too long", 5, "10 | s:MQTT 05 02 000a ffffffff7f", "connack 129, closed",
            "closed", .refusedConnect),
        Packet(
            "CONNECT, user property with U+0001", 5, "10 | s:MQTT 05 02 000a { 26 S:01 s: } s:a", "connack 129, closed",
            "closed", .refusedConnect),
        Packet("CONNECT, unknown method", 5, "10 | s:MQTT 05 02 000a { 15 s:x } s:a", "connack 140, closed"),
        Packet(
            "CONNECT, data without method", 5, "10 | s:MQTT 05 02 000a { 16 s:x } s:a", "connack 130, closed",
            "connack 0", .leniency),
        Packet("CONNECT twice", 4, "10 | s:MQTT 04 02 000a s:a ; 10 | s:MQTT 04 02 000a s:a", "connack 0, closed"),
        Packet(
            "CONNECT twice", 5, "10 | s:MQTT 05 02 000a { } s:a ; 10 | s:MQTT 05 02 000a { } s:a",
            "connack 0, disconnect 130, closed", "connack 0, closed", .closedWithoutReason),
        Packet("CONNECT, remaining length of five bytes", 4, "10 ffffffff7f", "closed"),
    ]

    static let wills: [Packet] = [
        Packet("CONNECT, will", 4, "10 | s:MQTT 04 06 000a s:a s:w s:x", "connack 0"),
        Packet("CONNECT, will", 5, "10 | s:MQTT 05 06 000a { } s:a { } s:w s:x", "connack 0"),
        Packet("CONNECT, empty will topic", 4, "10 | s:MQTT 04 06 000a s:a s: s:x", "closed"),
        Packet(
            "CONNECT, empty will topic", 5, "10 | s:MQTT 05 06 000a { } s:a { } s: s:x", "connack 144, closed",
            "closed", .refusedConnect),
        Packet("CONNECT, will topic with #", 4, "10 | s:MQTT 04 06 000a s:a s:# s:x", "closed"),
        Packet(
            "CONNECT, will topic with #", 5, "10 | s:MQTT 05 06 000a { } s:a { } s:# s:x", "connack 144, closed",
            "closed", .refusedConnect),
        Packet("CONNECT, will topic with +", 4, "10 | s:MQTT 04 06 000a s:a s:w/+ s:x", "closed"),
        Packet(
            "CONNECT, will topic with +", 5, "10 | s:MQTT 05 06 000a { } s:a { } s:w/+ s:x", "connack 144, closed",
            "closed", .refusedConnect),
        Packet("CONNECT, will topic with U+0000", 4, "10 | s:MQTT 04 06 000a s:a S:00 s:x", "closed"),
        Packet("CONNECT, will topic with U+0001", 4, "10 | s:MQTT 04 06 000a s:a S:01 s:x", "closed"),
        Packet(
            "CONNECT, will topic with U+0085", 5, "10 | s:MQTT 05 06 000a { } s:a { } S:c285 s:x",
            "connack 129, closed", "closed", .refusedConnect),
        Packet(
            "CONNECT, will topic to $SYS", 4, "10 | s:MQTT 04 06 000a s:a s:$SYS/w s:x", "connack 5, closed",
            "connack 0", .systemTopics),
        Packet("CONNECT, will QoS 3", 4, "10 | s:MQTT 04 1e 000a s:a s:w s:x", "closed"),
        Packet(
            "CONNECT, will QoS 3", 5, "10 | s:MQTT 05 1e 000a { } s:a { } s:w s:x", "connack 129, closed", "closed",
            .refusedConnect),
        Packet("CONNECT, will QoS without will", 4, "10 | s:MQTT 04 0a 000a s:a", "closed"),
        Packet(
            "CONNECT, will QoS without will", 5, "10 | s:MQTT 05 0a 000a { } s:a", "connack 129, closed", "closed",
            .refusedConnect),
        Packet("CONNECT, will retain without will", 4, "10 | s:MQTT 04 22 000a s:a", "closed"),
        Packet(
            "CONNECT, will retain without will", 5, "10 | s:MQTT 05 22 000a { } s:a", "connack 129, closed", "closed",
            .refusedConnect),
        Packet("CONNECT without its will", 4, "10 | s:MQTT 04 06 000a s:a", "closed"),
        Packet(
            "CONNECT without its will", 5, "10 | s:MQTT 05 06 000a { } s:a", "connack 129, closed", "closed",
            .refusedConnect),
        Packet("CONNECT without its will's payload", 4, "10 | s:MQTT 04 06 000a s:a s:w", "closed"),
        Packet(
            "CONNECT, will delay twice", 5, "10 | s:MQTT 05 06 000a { } s:a { 1800000000 1800000000 } s:w s:x",
            "connack 130, closed", "closed", .refusedConnect),
        Packet(
            "CONNECT, will format 2", 5, "10 | s:MQTT 05 06 000a { } s:a { 0102 } s:w s:x", "connack 130, closed",
            "connack 0", .leniency),
        Packet(
            "CONNECT, will with a topic alias", 5, "10 | s:MQTT 05 06 000a { } s:a { 230001 } s:w s:x",
            "connack 129, closed", "closed", .refusedConnect),
        Packet(
            "CONNECT, will response topic with #", 5, "10 | s:MQTT 05 06 000a { } s:a { 08 s:# } s:w s:x",
            "connack 130, closed", "connack 0", .leniency),
    ]
}
