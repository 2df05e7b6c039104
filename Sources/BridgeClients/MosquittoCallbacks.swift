import Bridging
import CMosquitto
import Glibc

/// The library's callbacks, which find their client through the handle's user data.
enum MosquittoCallbacks {
    private static func client(_ data: UnsafeMutableRawPointer?) -> MosquittoUpstream? {
        data.map { Unmanaged<MosquittoUpstream>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Sets them all.
    /// - Parameter notes: whether the log is listened to, which costs a formatted line for each packet.
    static func set(_ handle: OpaquePointer, notes: Bool) {
        mosquitto_connect_v5_callback_set(handle) { _, data, code, flags, properties in
            MosquittoCallbacks.client(data)?.answered(
                Int(code), sessionPresent: flags & 1 != 0, limits: MosquittoLimits(properties),
                reason: MosquittoProperties.reason(properties))
        }
        mosquitto_disconnect_v5_callback_set(handle) { _, data, code, properties in
            MosquittoCallbacks.client(data)?.disconnected(code, reason: MosquittoProperties.reason(properties))
        }
        mosquitto_publish_v5_callback_set(handle) { _, data, packetID, reason, _ in
            MosquittoCallbacks.client(data)?.finished(
                UInt16(truncatingIfNeeded: packetID), reason: UInt8(truncatingIfNeeded: reason))
        }
        mosquitto_subscribe_v5_callback_set(handle) { _, data, packetID, count, codes, _ in
            let list = (0..<Int(count)).map { UInt8(truncatingIfNeeded: codes?[$0] ?? 0x80) }
            MosquittoCallbacks.client(data)?.subscribed(UInt16(truncatingIfNeeded: packetID), list)
        }
        mosquitto_message_v5_callback_set(handle) { _, data, message, properties in
            guard let message = message?.pointee, let topic = message.topic else { return }
            let payload = UnsafeRawBufferPointer(start: message.payload, count: Int(message.payloadlen))
            var received = BridgeMessage(
                topic: Array(String(cString: topic).utf8), payload: Array(payload),
                qos: BridgeQoS(rawValue: UInt8(truncatingIfNeeded: message.qos)) ?? .atMostOnce,
                isRetained: message.retain)
            received.properties = MosquittoProperties.read(properties)
            MosquittoCallbacks.client(data)?.came(received)
        }
        guard notes else { return }
        mosquitto_log_callback_set(handle) { _, data, level, text in
            guard let text else { return }
            if level == MOSQ_LOG_ERR { MosquittoCallbacks.client(data)?.complained(String(cString: text)) }
            if level == MOSQ_LOG_DEBUG { MosquittoCallbacks.client(data)?.noted(String(cString: text)) }
        }
    }
}

/// What an upstream says in its CONNACK that it takes; MQTT 5 only.
struct MosquittoLimits {
    /// How many publishes unacknowledged, if it says so.
    let inflightMax: Int?
    /// The largest packet; 0 for any.
    let packetBytesMax: Int
    /// The highest quality of service.
    let qosMax: UInt8
    /// Whether it keeps retained messages.
    let takesRetained: Bool
    /// Which node it is, if it says so.
    let node: [UInt8]?

    init(_ list: OpaquePointer?) {
        var byte: UInt8 = 0
        var short: UInt16 = 0
        var word: UInt32 = 0
        func has(_ property: mqtt5_property, _ read: (Int32) -> OpaquePointer?) -> Bool {
            read(Int32(property.rawValue)) != nil
        }
        inflightMax =
            has(MQTT_PROP_RECEIVE_MAXIMUM) { mosquitto_property_read_int16(list, $0, &short, false) }
            ? Int(short) : nil
        packetBytesMax =
            has(MQTT_PROP_MAXIMUM_PACKET_SIZE) { mosquitto_property_read_int32(list, $0, &word, false) }
            ? Int(word) : 0
        qosMax = has(MQTT_PROP_MAXIMUM_QOS) { mosquitto_property_read_byte(list, $0, &byte, false) } ? byte : 2
        takesRetained =
            has(MQTT_PROP_RETAIN_AVAILABLE) { mosquitto_property_read_byte(list, $0, &byte, false) } ? byte != 0 : true
        node = MosquittoProperties.read(list).user.first { $0.name == HopCount.nodeName }?.value
    }
}

/// MQTT 5 properties between the library's lists and ours.
enum MosquittoProperties {
    /// The library's list of `properties`; the caller frees it.
    static func list(_ properties: MessageProperties) -> OpaquePointer? {
        var list: OpaquePointer?
        if let format = properties.payloadFormat {
            mosquitto_property_add_byte(&list, number(MQTT_PROP_PAYLOAD_FORMAT_INDICATOR), format)
        }
        if let expiry = properties.expirySeconds {
            mosquitto_property_add_int32(&list, number(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL), expiry)
        }
        if let type = properties.contentType {
            mosquitto_property_add_string(&list, number(MQTT_PROP_CONTENT_TYPE), text(type))
        }
        if let topic = properties.responseTopic {
            mosquitto_property_add_string(&list, number(MQTT_PROP_RESPONSE_TOPIC), text(topic))
        }
        if let data = properties.correlationData {
            mosquitto_property_add_binary(
                &list, number(MQTT_PROP_CORRELATION_DATA), data, UInt16(clamping: data.count))
        }
        for pair in properties.user {
            mosquitto_property_add_string_pair(
                &list, number(MQTT_PROP_USER_PROPERTY), text(pair.name), text(pair.value))
        }
        return list
    }

    /// What a message came with.
    static func read(_ list: OpaquePointer?) -> MessageProperties {
        var read = MessageProperties()
        var property = list
        while let current = property {
            let identifier = mosquitto_property_identifier(current)
            switch UInt32(identifier) {
            case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR.rawValue:
                var value: UInt8 = 0
                mosquitto_property_read_byte(current, identifier, &value, false)
                read.payloadFormat = value
            case MQTT_PROP_MESSAGE_EXPIRY_INTERVAL.rawValue:
                var value: UInt32 = 0
                mosquitto_property_read_int32(current, identifier, &value, false)
                read.expirySeconds = value
            case MQTT_PROP_CONTENT_TYPE.rawValue: read.contentType = string(current, identifier)
            case MQTT_PROP_RESPONSE_TOPIC.rawValue: read.responseTopic = string(current, identifier)
            case MQTT_PROP_CORRELATION_DATA.rawValue: read.correlationData = binary(current, identifier)
            case MQTT_PROP_USER_PROPERTY.rawValue: if let pair = pair(current) { read.user.append(pair) }
            case _: break
            }
            property = mosquitto_property_next(current)
        }
        return read
    }

    /// The reason string among `list`.
    static func reason(_ list: OpaquePointer?) -> String? {
        string(list, number(MQTT_PROP_REASON_STRING)).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func number(_ property: mqtt5_property) -> Int32 { Int32(property.rawValue) }

    /// The library takes strings that end with a zero byte, and MQTT has none in them.
    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func string(_ property: OpaquePointer?, _ identifier: Int32) -> [UInt8]? {
        var value: UnsafeMutablePointer<CChar>?
        guard mosquitto_property_read_string(property, identifier, &value, false) != nil else { return nil }
        defer { free(value) }
        return value.map { Array(String(cString: $0).utf8) }
    }

    private static func binary(_ property: OpaquePointer?, _ identifier: Int32) -> [UInt8]? {
        var value: UnsafeMutableRawPointer?
        var count: UInt16 = 0
        guard mosquitto_property_read_binary(property, identifier, &value, &count, false) != nil else { return nil }
        defer { free(value) }
        return Array(UnsafeRawBufferPointer(start: value, count: Int(count)))
    }

    private static func pair(_ property: OpaquePointer?) -> (name: [UInt8], value: [UInt8])? {
        var name: UnsafeMutablePointer<CChar>?
        var value: UnsafeMutablePointer<CChar>?
        guard
            mosquitto_property_read_string_pair(property, number(MQTT_PROP_USER_PROPERTY), &name, &value, false) != nil
        else { return nil }
        defer {
            free(name)
            free(value)
        }
        guard let name, let value else { return nil }
        return (Array(String(cString: name).utf8), Array(String(cString: value).utf8))
    }
}
