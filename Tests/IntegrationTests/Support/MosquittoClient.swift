import CMosquitto
import Foundation
import Synchronization

/// A client of libmosquitto, whose network runs in a thread of the library's.
///
/// Isolation: any thread; callbacks note what happened in an object of their own. The last reference to it may go on
/// the library's thread; one to the client must not, which waits for that thread to end.
// Sendable: `isStarted` is its user's, what else changes is in `heard`, and the library's handle is made for threads.
final class MosquittoClient: @unchecked Sendable {
    struct Message: Equatable {
        var topic: String
        var payload: String
        var qos: Int
        var user: [String: String] = [:]
    }

    struct Failure: Error { let text: String }

    /// Loads the library once.
    static let library: Void = { mosquitto_lib_init() }()

    /// What the callbacks noted.
    // Sendable: everything that changes is touched with `condition` locked.
    private final class Heard: @unchecked Sendable {
        let condition = NSCondition()
        var connectCode: Int?
        var messages: [Message] = []
        var acknowledged: [Int32: Int] = [:]
        var granted: [Int32: [Int]] = [:]
        var grantedReason: [Int32: String] = [:]
        var unsubscribed: Set<Int32> = []
        /// What the library said of errors.
        var complaints: [String] = []

        func note(_ body: (Heard) -> Void) {
            condition.lock()
            body(self)
            condition.broadcast()
            condition.unlock()
        }
    }

    private let handle: OpaquePointer
    private let heard = Heard()
    private var isStarted = false

    /// - Parameter version: 3 for MQTT 3.1, 4 for 3.1.1, 5.
    init(id: String, version: Int32 = 4, clean: Bool = true, receiveMaximum: Int32? = nil) throws {
        _ = Self.library
        guard let handle = mosquitto_new(id, clean, nil) else { throw Failure(text: "mosquitto_new: \(errno)") }
        self.handle = handle
        mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION, version)
        if let receiveMaximum { mosquitto_int_option(handle, MOSQ_OPT_RECEIVE_MAXIMUM, receiveMaximum) }
        mosquitto_max_inflight_messages_set(handle, 100)
        mosquitto_user_data_set(handle, Unmanaged.passUnretained(heard).toOpaque())
        setCallbacks()
    }

    deinit {
        if isStarted {
            mosquitto_disconnect(handle)
            mosquitto_loop_stop(handle, true)
        }
        mosquitto_destroy(handle)
    }

    private static func heard(_ data: UnsafeMutableRawPointer?) -> Heard? {
        data.map { Unmanaged<Heard>.fromOpaque($0).takeUnretainedValue() }
    }

    private func setCallbacks() {
        mosquitto_log_callback_set(handle) { _, data, level, text in
            guard level == MOSQ_LOG_ERR, let text else { return }
            let line = String(cString: text)
            MosquittoClient.heard(data)?.note { $0.complaints.append(line) }
        }
        mosquitto_connect_callback_set(handle) { _, data, code in
            MosquittoClient.heard(data)?.note { $0.connectCode = Int(code) }
        }
        mosquitto_publish_v5_callback_set(handle) { _, data, id, reason, _ in
            MosquittoClient.heard(data)?.note { $0.acknowledged[id] = Int(reason) }
        }
        mosquitto_subscribe_v5_callback_set(handle) { _, data, id, count, codes, properties in
            let list = (0..<Int(count)).map { Int(codes?[$0] ?? 0x80) }
            let reason = MosquittoClient.reasonString(properties)
            MosquittoClient.heard(data)?.note {
                $0.granted[id] = list
                $0.grantedReason[id] = reason
            }
        }
        mosquitto_unsubscribe_callback_set(handle) { _, data, id in
            MosquittoClient.heard(data)?.note { $0.unsubscribed.insert(id) }
        }
        mosquitto_message_v5_callback_set(handle) { _, data, message, properties in
            guard let message = message?.pointee else { return }
            let payload = UnsafeRawBufferPointer(start: message.payload, count: Int(message.payloadlen))
            let received = Message(
                topic: String(cString: message.topic), payload: String(decoding: payload, as: UTF8.self),
                qos: Int(message.qos), user: MosquittoClient.userProperties(properties))
            MosquittoClient.heard(data)?.note { $0.messages.append(received) }
        }
    }

    private func wait<Value>(
        _ what: String, within seconds: Double = 60, _ value: (Heard) -> Value?
    ) throws -> Value {
        let end = Date(timeIntervalSinceNow: seconds)
        heard.condition.lock()
        defer { heard.condition.unlock() }
        while true {
            if let value = value(heard) { return value }
            guard heard.condition.wait(until: end) else {
                throw Failure(text: "no \(what) within \(seconds) s \(heard.complaints)")
            }
        }
    }

    // MARK: Commands

    /// Lets it speak TLS, before it connects.
    /// - Parameter name: the client's own certificate among `certificates`.
    func secure(_ certificates: Certificates, version: String? = nil, name: String? = nil) throws {
        let result = mosquitto_tls_set(
            handle, certificates.path("ca.pem"), nil, name.map { certificates.path($0 + ".pem") },
            name.map { certificates.path($0 + ".key") }, nil)
        guard result == 0 else { throw Failure(text: "TLS: \(String(cString: mosquitto_strerror(result)))") }
        mosquitto_tls_opts_set(handle, 1, version, nil)
    }

    /// Connects and waits for the CONNACK.
    /// - Returns: its code.
    @discardableResult
    func connect(port: Int, host: String = "127.0.0.1", keepAlive: Int32 = 60) throws -> Int {
        let result = mosquitto_connect(handle, host, Int32(port), keepAlive)
        guard result == 0 else { throw Failure(text: "connect: \(String(cString: mosquitto_strerror(result)))") }
        isStarted = true
        mosquitto_loop_start(handle)
        return try wait("CONNACK") { $0.connectCode }
    }

    /// Subscribes and waits for the SUBACK.
    /// - Returns: its code, and its reason string.
    @discardableResult
    func subscribe(_ filter: String, qos: Int32 = 0, user: [(String, String)] = []) throws -> (
        code: Int, reason: String?
    ) {
        var properties: OpaquePointer?
        defer { mosquitto_property_free_all(&properties) }
        for (name, value) in user {
            mosquitto_property_add_string_pair(&properties, Int32(MQTT_PROP_USER_PROPERTY.rawValue), name, value)
        }
        var id: Int32 = 0
        let result = mosquitto_subscribe_v5(handle, &id, filter, qos, 0, properties)
        guard result == 0 else { throw Failure(text: "subscribe: \(String(cString: mosquitto_strerror(result)))") }
        return try wait("SUBACK") { heard in
            heard.granted[id].map { ($0.first ?? 0x80, heard.grantedReason[id]) }
        }
    }

    func unsubscribe(_ filter: String) throws {
        var id: Int32 = 0
        mosquitto_unsubscribe(handle, &id, filter)
        try wait("UNSUBACK") { $0.unsubscribed.contains(id) ? () : nil }
    }

    /// Publishes.
    /// - Returns: the number of the message, for `waitForAcknowledgement`.
    func publish(_ topic: String, _ payload: String, qos: Int32 = 0) throws -> Int32 {
        var id: Int32 = 0
        let result = mosquitto_publish(handle, &id, topic, Int32(payload.utf8.count), payload, qos, false)
        guard result == 0 else { throw Failure(text: "publish: \(String(cString: mosquitto_strerror(result)))") }
        return id
    }

    /// Waits for the end of a publish's flow.
    /// - Returns: its reason code.
    @discardableResult
    func waitForAcknowledgement(_ id: Int32, within seconds: Double = 60) throws -> Int {
        try wait("acknowledgement \(id)", within: seconds) { $0.acknowledged[id] }
    }

    /// Waits until `count` messages have come.
    func receive(_ count: Int, within seconds: Double = 60) throws -> [Message] {
        var came = 0
        do {
            return try wait("message \(count)", within: seconds) { heard in
                came = heard.messages.count
                return came >= count ? heard.messages : nil
            }
        } catch {
            throw Failure(text: "\(came) of \(count) messages came within \(seconds) s")
        }
    }

    /// Waits until a payload has come so many times.
    /// - Returns: everything that came.
    func receive(until payload: String, times: Int, within seconds: Double) throws -> [Message] {
        var looked = 0
        var found = 0
        do {
            return try wait(payload, within: seconds) { heard in
                found += heard.messages[looked...].count { $0.payload == payload }
                looked = heard.messages.count
                return found >= times ? heard.messages : nil
            }
        } catch {
            throw Failure(text: "\(found) of \(times) '\(payload)' in \(seconds) s, \(looked) messages in all")
        }
    }

    /// The payloads that have come so far.
    var payloads: [String] {
        heard.condition.lock()
        defer { heard.condition.unlock() }
        return heard.messages.map(\.payload)
    }

    /// Whether a payload has come.
    func has(_ payload: String) -> Bool {
        heard.condition.lock()
        defer { heard.condition.unlock() }
        return heard.messages.contains { $0.payload == payload }
    }

    // MARK: Properties

    private static func userProperties(_ list: OpaquePointer?) -> [String: String] {
        var found: [String: String] = [:]
        var property = list
        while let current = property {
            if mosquitto_property_identifier(current) == MQTT_PROP_USER_PROPERTY.rawValue {
                var name: UnsafeMutablePointer<CChar>?
                var value: UnsafeMutablePointer<CChar>?
                mosquitto_property_read_string_pair(
                    current, Int32(MQTT_PROP_USER_PROPERTY.rawValue), &name, &value, false)
                if let name, let value { found[String(cString: name)] = String(cString: value) }
                free(name)
                free(value)
            }
            property = mosquitto_property_next(current)
        }
        return found
    }

    private static func reasonString(_ list: OpaquePointer?) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        mosquitto_property_read_string(list, Int32(MQTT_PROP_REASON_STRING.rawValue), &text, false)
        defer { free(text) }
        return text.map { String(cString: $0) }
    }
}
