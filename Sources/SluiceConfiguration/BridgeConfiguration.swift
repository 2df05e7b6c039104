/// One bridge as it was written; Bridging gives topics meaning, and its errors belong at these places.
/// More than twenty stored properties: one for each setting.
package struct BridgeConfiguration: Equatable, Sendable {
    /// A secret: as it is written, or the name of what holds it.
    package enum Secret: Equatable, Sendable {
        /// The secret itself.
        case text(String)
        /// A file that holds nothing else; a line feed at its end does not count.
        case file(NamedFile)
        /// An environment variable.
        case variable(String, SourceLocation)
    }

    /// A line in mosquitto's grammar.
    package struct Topic: Equatable, Sendable {
        /// The words behind `topic`.
        package var text: String
        /// Where it is written.
        package var location: SourceLocation
    }

    /// What secures it.
    package struct TLS: Equatable, Sendable {
        /// The authorities of the upstream's certificate, PEM; the system's unless given.
        package var authorities: NamedFile?
        /// A directory of authorities, by their hashes.
        package var authoritiesPath: String?
        /// The bridge's certificate and its chain, PEM.
        package var certificate: NamedFile?
        /// The certificate's private key, PEM.
        package var key: NamedFile?
        /// Whether the certificate may be of another host.
        package var acceptsOtherHosts = false
        /// The oldest version that is spoken.
        package var leastVersion = TLSVersionChoice.v12
        /// SHA-256 of the public key's SubjectPublicKeyInfo, in hexadecimal.
        package var pins: [[UInt8]] = []
        /// The identity of a pre-shared key.
        package var keyIdentity: String?
        /// The pre-shared key, in hexadecimal.
        package var sharedKey: Secret?
        /// The protocol that the upstream is asked for.
        package var applicationProtocol: String?
        /// Where the section is written.
        package var location: SourceLocation
    }

    /// When it connects.
    package enum Start: String, CaseIterable, Sendable {
        /// At once.
        case automatic
        /// When messages wait.
        case lazy
    }

    /// The version of MQTT.
    package enum Version: String, CaseIterable, Sendable {
        /// MQTT 3.1.1.
        case v311 = "3.1.1"
        /// MQTT 5.
        case v5 = "5"
    }

    /// What happens when retention reaches it.
    package enum Overtaken: String, CaseIterable, Sendable {
        /// Retention waits.
        case hold
        /// What it takes is counted.
        case dropAndCount = "drop-and-count"
    }

    /// What becomes of what the upstream refuses for good.
    package enum Refused: String, CaseIterable, Sendable {
        /// The bridge waits.
        case hold
        /// It is counted.
        case dropAndCount = "drop-and-count"
    }

    /// Where it begins.
    package enum Beginning: String, CaseIterable, Sendable {
        /// With what comes.
        case latest
        /// With the oldest record kept.
        case earliest
    }

    /// The name.
    package var name: String
    /// Where it is written.
    package var location: SourceLocation
    /// Where the upstream may be.
    package var addresses: [ListenAddress] = []
    /// Whether addresses are tried in turn, and the first not preferred.
    package var isRoundRobin = false
    /// What goes which way.
    package var topics: [Topic] = []
    /// The address of this machine that the connection is made from.
    package var bindAddress: String?
    /// What it is called upstream.
    package var clientID: String?
    /// What it is called here.
    package var localClientID: String?
    /// The user upstream.
    package var username: String?
    /// The user's password.
    package var password: Secret?
    /// The version of MQTT.
    package var version = Version.v5
    /// Whether the upstream forgets it with each connection.
    package var isClean = false
    /// Between two packets.
    package var keepAlive = Duration.seconds(60)
    /// When it connects.
    package var start = Start.automatic
    /// Messages that a lazy bridge waits for.
    package var threshold = 10
    /// How long a lazy bridge stays connected with nothing to do.
    package var idleTimeout = Duration.seconds(60)
    /// The least wait before another attempt.
    package var restart = Duration.seconds(5)
    /// The most.
    package var restartMax = Duration.seconds(30)
    /// Messages on their way.
    package var inflightMax = 1000
    /// Messages a second that it hands over at most.
    package var messagesPerSecondMax: Int?
    /// Whether `rate` is not given: history goes at a pace of its own then.
    package var hasDefaultRate = true
    /// Bytes a second that it hands over at most.
    package var bytesPerSecondMax: Int?
    /// Whether it asks not to get its own messages back.
    package var triesPrivate = true
    /// Whether it tells its state.
    package var notifies = true
    /// Whether it tells it here only.
    package var notifiesLocallyOnly = false
    /// The topic that it tells it on.
    package var notificationTopic: String?
    /// The largest message that goes upstream, in bytes.
    package var messageBytesMax: Int?
    /// Whether what was retained here is upstream.
    package var retainsOutgoing = true
    /// What happens when retention reaches it.
    package var overtaken = Overtaken.hold
    /// What retention waits for at most, in bytes.
    package var holdBytes = 10 << 30
    /// What becomes of what the upstream refuses for good.
    package var refused = Refused.dropAndCount
    /// Where it begins.
    package var beginning = Beginning.latest
    /// What secures it.
    package var tls: TLS?
}

extension BridgeConfiguration {
    /// Reads an element of `bridges`; nil when something that it needs is missing and reported.
    init?(_ section: SectionReader) {
        let name = section.required("name", .bridgeName)
        let addresses = section.required("address", .addresses)
        self.init(name: name ?? "", location: section.location)
        self.addresses = addresses ?? []
        takeTopics(section)
        takeIdentity(section)
        takeTimes(section)
        takeBehaviour(section)
        tls = TLS(section)
        guard name != nil, addresses != nil else { return nil }
    }

    private mutating func takeTopics(_ section: SectionReader) {
        var found: [Topic] = []
        section.sections("topics") { element in
            let expectation = Expectation<String>.text("PATTERN [[[out|in|both] QOS] LOCAL-PREFIX REMOTE-PREFIX]")
            guard let text = element.required("topic", expectation) else { return }
            found.append(Topic(text: text, location: element.valueLocation(of: "topic")))
        }
        topics = found
        if !section.has("topics") {
            section.report(
                at: section.location, "'topics' is missing: expected a list, such as '- topic: sensors/# out 1'")
        }
    }

    private mutating func takeIdentity(_ section: SectionReader) {
        if let order = section.value("round_robin", .boolean) { isRoundRobin = order }
        bindAddress = section.value("bind_address", .text("an address of this machine"))
        clientID = section.value("client_id", .text("the bridge's client identifier upstream"))
        localClientID = section.value("local_client_id", .text("the bridge's client identifier here"))
        username = section.value("username", .text("the user upstream"))
        password = section.secret("password")
        if let version = section.value("protocol", .choice()) as Version? { self.version = version }
        if let clean = section.value("clean_session", .boolean) { isClean = clean }
    }

    private mutating func takeTimes(_ section: SectionReader) {
        if let time = section.value("keep_alive", .duration(.seconds(5) ... .seconds(65_535))) { keepAlive = time }
        if let start = section.value("start", .choice()) as Start? { self.start = start }
        if let count = section.value("threshold", .integer(1...1_000_000)) { threshold = count }
        if let time = section.value("idle_timeout", .duration(.seconds(1) ... .seconds(86_400))) { idleTimeout = time }
        let restarts = Expectation.duration(.milliseconds(10) ... .seconds(86_400))
        let least = section.value("restart", restarts)
        let most = section.value("restart_max", restarts)
        if let least { restart = least }
        restartMax = most ?? max(restartMax, restart)
        if restartMax < restart {
            section.report(at: section.location(of: "restart_max"), "'restart_max' is less than 'restart'")
        }
    }

    private mutating func takeBehaviour(_ section: SectionReader) {
        if let count = section.value("inflight", .integer(1...10_000)) { inflightMax = count }
        if let rate = section.value("rate", Expectation.integer(1...10_000_000).orUnlimited()) {
            messagesPerSecondMax = rate
            hasDefaultRate = false
        }
        bytesPerSecondMax = section.value("byte_rate", .byteCount(1024...1 << 40))
        if let flag = section.value("try_private", .boolean) { triesPrivate = flag }
        if let flag = section.value("notifications", .boolean) { notifies = flag }
        if let flag = section.value("notifications_local_only", .boolean) { notifiesLocallyOnly = flag }
        notificationTopic = section.value("notification_topic", .text("a topic"))
        messageBytesMax = section.value("packet_size", .byteCount(64...256 << 20))
        if let flag = section.value("outgoing_retain", .boolean) { retainsOutgoing = flag }
        if let word = section.value("overtaken", .choice()) as Overtaken? { overtaken = word }
        if let size = section.value("hold", .byteCount(1 << 20...1 << 50)) { holdBytes = size }
        if section.has("hold"), overtaken != .hold {
            section.report(at: section.location(of: "hold"), "'hold' goes with 'overtaken: hold' only")
        }
        if let word = section.value("refused", .choice()) as Refused? { refused = word }
        if let word = section.value("from", .choice()) as Beginning? { beginning = word }
    }
}

extension BridgeConfiguration.TLS {
    fileprivate init?(_ parent: SectionReader) {
        guard parent.has("tls"), !parent.isNothing("tls") else { return nil }
        var read = BridgeConfiguration.TLS(location: parent.location(of: "tls"))
        parent.section("tls") { section in
            read.authorities = section.namedFile("ca", "a file with the authorities of the upstream's certificate, PEM")
            read.authoritiesPath = section.value("ca_path", .text("a directory of authorities, by their hashes"))
            read.certificate = section.namedFile("certificate", "a file with the bridge's certificate, PEM")
            read.key = section.namedFile("key", "a file with the certificate's private key, PEM")
            if let flag = section.value("accept_other_hosts", .boolean) { read.acceptsOtherHosts = flag }
            if let version = section.value("min_version", .choice()) as TLSVersionChoice? {
                read.leastVersion = version
            }
            if let pins = section.value("pins", .pins) { read.pins = pins }
            read.keyIdentity = section.value("psk_identity", .text("the identity of a pre-shared key"))
            read.sharedKey = section.secret("psk")
            read.applicationProtocol = section.value("alpn", .protocolName)
            if (read.certificate == nil) != (read.key == nil) {
                section.report(at: section.location, "'certificate' and 'key' go together")
            }
            if (read.keyIdentity == nil) != (read.sharedKey == nil) {
                section.report(at: section.location, "'psk_identity' and 'psk' go together")
            }
        }
        self = read
    }
}

extension SectionReader {
    fileprivate func namedFile(_ key: String, _ description: String) -> NamedFile? {
        value(key, .text(description)).map { NamedFile(path: $0, location: valueLocation(of: key)) }
    }

    /// A secret under `key`, or the name of what holds it under `key_file` or `key_variable`.
    fileprivate func secret(_ key: String) -> BridgeConfiguration.Secret? {
        let names = [key, key + "_file", key + "_variable"]
        let text = value(names[0], .text("a secret"))
        let file = namedFile(names[1], "a file that holds the secret")
        let variable = value(names[2], .text("the name of an environment variable"))
        let given = names.filter { has($0) }
        if given.count > 1 {
            report(at: location(of: given[1]), "'\(given[1])' and '\(given[0])' are both given; one of them is enough")
        }
        if let text { return .text(text) }
        if let file { return .file(file) }
        return variable.map { .variable($0, valueLocation(of: names[2])) }
    }
}

extension Expectation<String> {
    fileprivate static var bridgeName: Expectation {
        Expectation(
            description: "a name of 1 to 64 of the characters a-z A-Z 0-9 . _ -", takesQuoted: true
        ) { text in
            let isName =
                (1...64).contains(text.utf8.count)
                && text.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"):
                        true
                    case _: ".-_".utf8.contains(byte)
                    }
                }
            return isName ? text : nil
        }
    }
}

extension Expectation<String> {
    /// A protocol's name in TLS (RFC 7301).
    fileprivate static var protocolName: Expectation {
        Expectation(description: "a protocol's name of 1 to 255 bytes, such as mqtt", takesQuoted: true) { text in
            (1...255).contains(text.utf8.count) ? text : nil
        }
    }
}

extension Expectation<[ListenAddress]> {
    /// One or several addresses, with spaces between them; mosquitto's default port.
    fileprivate static var addresses: Expectation {
        Expectation(
            description: "HOST or HOST:PORT, several with spaces between them", takesQuoted: true
        ) { text in
            let words = text.split(separator: " ").map(String.init)
            let addresses = words.compactMap { word -> ListenAddress? in
                let address = ListenAddress(word) ?? ListenAddress(word + ":1883")
                return address.flatMap { $0.port > 0 ? $0 : nil }
            }
            return !words.isEmpty && addresses.count == words.count ? addresses : nil
        }
    }
}

extension Expectation<[[UInt8]]> {
    /// Hashes in hexadecimal, with spaces between them.
    fileprivate static var pins: Expectation {
        Expectation(
            description: "SHA-256 hashes of public keys, 64 hexadecimal digits each, with spaces between them",
            takesQuoted: true
        ) { text in
            let words = text.split(separator: " ")
            let pins = words.compactMap { Hexadecimal.bytes($0) }.filter { $0.count == 32 }
            return !words.isEmpty && pins.count == words.count ? pins : nil
        }
    }
}

/// Bytes as two digits each.
package enum Hexadecimal {
    /// The bytes that `text` stands for; nil when there is anything but pairs of digits.
    package static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard !digits.isEmpty, digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digit(digits[index]), let low = digit(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case _: nil
        }
    }
}
