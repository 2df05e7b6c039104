package import SluiceCore

/// What there is to say of a listener beside its address: who is let in, its limits, its proxies.
struct ListenerEntry {
    var security = SecuritySettings()
    /// The limits that hold there; nil where they are those of all.
    var limits: Limits?
    /// From where connections come by a proxy.
    var proxies: [IPNetwork] = []
    /// The names by which a listener for HTTP is asked.
    var names: [String] = []

    /// Takes what the section of a listener says.
    /// - Parameters:
    ///   - general: the limits of all.
    ///   - isKafka: whether Kafka's protocol is spoken there.
    ///   - isHTTP: whether HTTP is.
    mutating func take(_ section: SectionReader, general: Limits, isKafka: Bool, isHTTP: Bool) {
        security.take(section)
        section.section("limits") { section in
            var limits = general
            limits.takeConnections(section)
            if !isKafka { limits.takeClients(section) }
            self.limits = limits
        }
        proxies = section.list("proxy_protocol", .network).map(\.value)
        if isHTTP {
            names = section.list("names", .text("a host's name, such as sluice.example.org")).map(\.value)
        }
    }
}

extension Expectation<IPNetwork> {
    /// Addresses that begin alike.
    static var network: Expectation {
        Expectation(
            description: "an address or a network, such as 10.0.0.0/8 or ::1", takesQuoted: true, parse: IPNetwork.init)
    }
}

extension Expectation<Rate> {
    private static var units: [(name: String, nanoseconds: Int64)] {
        [("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000)]
    }

    private static func parse(_ text: String, _ number: (String) -> Int?, _ most: Int) -> Rate? {
        if text == "unlimited" { return .unlimited }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let unit = units.first(where: { $0.name == parts[1] }),
            let count = number(String(parts[0])), (1...most).contains(count)
        else { return nil }
        return Rate(count, per: unit.nanoseconds)
    }

    /// So many in a time.
    static var count: Expectation {
        Expectation(description: "a rate, such as 100/s, 6/m or 10/h, or unlimited") {
            parse($0, { Quantity.wholeNumber($0) }, 1_000_000_000)
        }
    }

    /// Bytes in a time.
    static var bytes: Expectation {
        Expectation(description: "bytes in a time, such as 1MiB/s or 10MiB/m, or unlimited") {
            parse($0, { Quantity.byteCount($0) }, 1 << 40)
        }
    }
}

extension SectionReader {
    /// The value of a setting with a name of its own and one that people know from mosquitto; both are one too many.
    func value<Value>(_ key: String, or other: String, _ expectation: Expectation<Value>) -> Value? {
        if has(key), has(other) {
            report(
                at: location(of: other),
                "'\(other)' is mosquitto's word for '\(key)' (line \(location(of: key).line)); one of them is enough")
        }
        let own = value(key, expectation)
        let mosquittos = value(other, expectation)
        return own ?? mosquittos
    }
}

extension Limits {
    /// Takes the section `limits` of the node.
    mutating func take(_ section: SectionReader) {
        takeConnections(section)
        takeClients(section)
        if let levels = section.value("topic_levels", .integer(1...1024)) { topicLevelsMax = levels }
        if let size = section.value("topic_size", .byteCount(1...65_535)) { topicBytesMax = size }
        if let size = section.value("output_buffer", .byteCount(64 << 10...1 << 30)) { outputBytesMax = size }
        if let count = section.value("retained", Expectation<Int>.integer(1...1_000_000_000).orUnlimited()) {
            retainedMax = count
        }
        if let size = section.value("retained_size", Expectation<Int>.byteCount(1...1 << 50).orUnlimited()) {
            retainedBytesMax = size
        }
    }

    /// Takes what there is to say of connections, whatever is spoken on them.
    mutating func takeConnections(_ section: SectionReader) {
        if let count = section.value("connections", or: "max_connections", .integer(1...10_000_000)) {
            connectionsMax = count
        }
        let ofAddress = Expectation<Int>.integer(1...10_000_000).orUnlimited()
        if let count = section.value("connections_per_address", ofAddress) { addressConnectionsMax = count }
        if let rate = section.value("connect_rate", .count) { connectRate = rate == .unlimited ? nil : rate }
        if let timeout = section.value("connect_timeout", .duration(.seconds(1) ... .seconds(3600))) {
            // Whole seconds are what the limit has; a fraction is rounded up.
            connectSecondsMax = Int((timeout / .seconds(1)).rounded(.up))
        }
    }

    /// Takes what there is to say of MQTT clients.
    mutating func takeClients(_ section: SectionReader) {
        // 20 bytes are a CONNECT of a few letters; mosquitto takes no less either.
        if let size = section.value("packet_size", or: "max_packet_size", .byteCount(20...256 << 20)) {
            packetBytesMax = size
        }
        if let count = section.value("inflight", or: "max_inflight_messages", .integer(1...65_535)) {
            inflightInboundMax = count
            inflightOutboundMax = count
        }
        if let qos = section.value("qos", or: "max_qos", .integer(0...2)) { qosMax = qos }
        if let retains = section.value("retain", or: "retain_available", .boolean) { retainsMessages = retains }
        if let count = section.value("topic_aliases", or: "max_topic_alias", .integer(0...65_535)) {
            topicAliasesMax = count
        }
        if let count = section.value("user_properties", .integer(0...65_535)) { userPropertiesMax = count }
        if let longest = section.value("keep_alive", .duration(.seconds(1) ... .seconds(65_535))) {
            keepAliveSecondsMax = Int(longest / .seconds(1))
        }
        if let longest = section.value("session_expiry", .duration(.zero ... .seconds(Int(UInt32.max) - 1))) {
            sessionSecondsMax = Int(longest / .seconds(1))
        }
        if let count = section.value("subscriptions", .integer(1...10_000_000)) { subscriptionsMax = count }
        if let rate = section.value("publish_rate", .count) { publishRate = rate == .unlimited ? nil : rate }
        if let rate = section.value("publish_bytes", .bytes) { publishByteRate = rate == .unlimited ? nil : rate }
        let memory = Expectation<Int>.byteCount(64 << 10...1 << 40).orUnlimited()
        if let size = section.value("client_memory", memory) { connectionBytesMax = size }
    }
}

extension IdentityLimits {
    /// Reads the section `limits` of a user or a role.
    init(_ section: SectionReader) {
        self.init()
        connectionsMax = section.value("connections", or: "max_connections", .integer(1...10_000_000))
        publishRate = section.value("publish_rate", .count)
        publishByteRate = section.value("publish_bytes", .bytes)
        subscriptionsMax = section.value("subscriptions", .integer(1...10_000_000))
        inflightMax = section.value("inflight", or: "max_inflight_messages", .integer(1...65_535))
        packetBytesMax = section.value("packet_size", or: "max_packet_size", .byteCount(20...256 << 20))
        retainedMax = section.value("retained", .integer(1...1_000_000_000))
        retainedBytesMax = section.value("retained_size", .byteCount(1...1 << 50))
        connectionBytesMax = section.value("client_memory", .byteCount(64 << 10...1 << 40))
    }
}

/// Keeping addresses out for their failures.
package struct BanOptions: Equatable, Sendable {
    /// How many failures an address may have.
    package var failureCount: Int
    /// In what time.
    package var within: Duration
    /// For how long it is kept out then.
    package var duration: Duration
    /// Addresses that are never kept out for their failures.
    package var exempt: [IPNetwork]

    init(_ section: SectionReader) {
        failureCount = section.value("failures", .integer(1...1_000_000)) ?? 10
        within = section.value("within", .duration(.seconds(1) ... .seconds(86_400))) ?? .seconds(60)
        duration = section.value("for", .duration(.seconds(1) ... .seconds(365 * 86_400))) ?? .seconds(600)
        exempt = section.list("exempt", .network).map(\.value)
    }
}
