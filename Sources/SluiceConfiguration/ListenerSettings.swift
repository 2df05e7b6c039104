package import SluiceCore

/// Where connections are accepted, and how they are secured.
package struct ListenerSettings: Equatable, Sendable {
    /// MQTT over TCP; nil when only others are given. Loopback, since an anonymous listener should not be reachable
    /// unasked.
    package var mqtt: ListenAddress? = ListenAddress(host: "127.0.0.1", port: 1883)
    /// MQTT over TLS.
    package var mqtts: SecureListener?
    /// MQTT over WebSocket.
    package var ws: ListenAddress?
    /// MQTT over WebSocket over TLS.
    package var wss: SecureListener?
    /// Kafka's protocol over TCP.
    package var kafka: ListenAddress?
    /// Kafka's protocol over TLS.
    package var kafkas: SecureListener?
    /// HTTP over TCP.
    package var http: ListenAddress?
    /// HTTP over TLS.
    package var https: SecureListener?
    /// What listeners say of who is let in, beside what the configuration says of all, by their names.
    package var security: [String: SecuritySettings] = [:]
    /// The limits of listeners that have their own, by their names.
    package var limits: [String: Limits] = [:]
    /// From where connections come by a proxy, which says whose they are; by the listeners' names.
    package var proxies: [String: [IPNetwork]] = [:]
    /// The names by which `http` and `https` are asked beside addresses and `localhost`; by the listeners' names.
    package var names: [String: [String]] = [:]
    /// Where clients of `kafka` and of `kafkas` are told to connect; nil for where it listens.
    package var advertised: (kafka: ListenAddress?, kafkas: ListenAddress?)

    /// The same listeners.
    package static func == (left: ListenerSettings, right: ListenerSettings) -> Bool {
        left.mqtt == right.mqtt && left.mqtts == right.mqtts && left.ws == right.ws && left.wss == right.wss
            && left.kafka == right.kafka && left.kafkas == right.kafkas && left.advertised == right.advertised
            && left.http == right.http && left.https == right.https
            && left.security == right.security && left.limits == right.limits && left.proxies == right.proxies
            && left.names == right.names
    }
}

/// What clients of Kafka's protocol may do.
package struct KafkaOptions: Equatable, Sendable {
    /// Whether a topic that a client asks for is made when there is none.
    package var createsTopics = true
}

/// A place to listen for TLS.
package struct SecureListener: Equatable, Sendable {
    /// The place.
    package var address: ListenAddress
    /// What it proves itself with; nil where clients and it prove themselves with pre-shared keys.
    package var tls: TLSSettings?
}

/// What a TLS listener proves itself with, and what it asks of clients.
package struct TLSSettings: Equatable, Sendable {
    /// The certificate and those that lead from it to an authority, PEM.
    package var certificate: NamedFile
    /// The private key of the certificate, PEM, without a passphrase.
    package var key: NamedFile
    /// The authorities of client certificates, PEM; nil asks clients for none.
    package var clientAuthorities: NamedFile?
    /// Whether a client without a certificate is refused.
    package var requiresCertificate = false
    /// Lists of certificates that their authorities have revoked, PEM; nil revokes none.
    package var revocations: NamedFile?
    /// The oldest version that is spoken.
    package var leastVersion = TLSVersionChoice.v12
    /// Cipher suites of TLS 1.2 in OpenSSL's words; nil leaves OpenSSL's choice.
    package var ciphers: String?
    /// Where `ciphers` is written.
    package var ciphersLocation: SourceLocation

    /// The same settings, wherever they are written.
    package static func == (left: TLSSettings, right: TLSSettings) -> Bool {
        left.certificate == right.certificate && left.key == right.key
            && left.clientAuthorities == right.clientAuthorities
            && left.requiresCertificate == right.requiresCertificate && left.leastVersion == right.leastVersion
            && left.ciphers == right.ciphers && left.revocations == right.revocations
    }
}

/// A file that a setting names.
package struct NamedFile: Equatable, Sendable {
    /// Its path as it was written; relative ones begin at the working directory.
    package var path: String
    /// Where it is written.
    package var location: SourceLocation

    /// The same file, wherever it is named.
    package static func == (left: NamedFile, right: NamedFile) -> Bool { left.path == right.path }
}

/// The oldest version of TLS that a listener speaks.
package enum TLSVersionChoice: String, CaseIterable, Sendable {
    /// TLS 1.2; nothing older is spoken at all.
    case v12 = "1.2"
    /// TLS 1.3.
    case v13 = "1.3"
}

extension ListenerSettings {
    /// Takes the section `listeners`.
    /// - Parameters:
    ///   - hasKeys: whether there are pre-shared keys for all of them.
    ///   - general: the limits of all.
    mutating func take(_ section: SectionReader, hasKeys: Bool, _ general: Limits) {
        var entries: [String: ListenerEntry] = [:]

        let shared = section.isWritten("tls") ? TLSSettings(section, "tls") : nil
        let plain = section.address("mqtt", general, &entries["mqtt"])
        ws = section.address("ws", general, &entries["ws"])
        mqtts = section.secureAddress("mqtts", shared, hasKeys, general, &entries["mqtts"])
        wss = section.secureAddress("wss", shared, hasKeys, general, &entries["wss"])
        kafka = section.advertisedAddress("kafka", &advertised.kafka, general, &entries["kafka"])
        kafkas = section.advertisedSecureAddress(
            "kafkas", shared, hasKeys, &advertised.kafkas, general, &entries["kafkas"])
        http = section.address("http", general, &entries["http"])
        https = section.secureAddress("https", shared, hasKeys, general, &entries["https"])
        for (name, entry) in entries {
            if entry.security != SecuritySettings() { security[name] = entry.security }
            limits[name] = entry.limits
            if !entry.proxies.isEmpty { proxies[name] = entry.proxies }
            if !entry.names.isEmpty { names[name] = entry.names }
        }
        let hasOthers = ["mqtts", "ws", "wss"].contains { section.isWritten($0) }
        if plain != nil || hasOthers { mqtt = plain }
        if shared != nil, !["mqtts", "wss", "kafkas", "https"].contains(where: { section.isWritten($0) }) {
            section.report(
                at: section.location(of: "tls"),
                "'tls' is for 'mqtts', 'wss', 'kafkas' and 'https', and none of them is given")
        }
    }
}

extension TLSSettings {
    /// Reads the section `key`; nil when something in it was reported.
    fileprivate init?(_ parent: SectionReader, _ key: String) {
        var read: TLSSettings?
        parent.section(key) { section in
            let certificate = section.file("certificate", required: "a file with the certificate and its chain, PEM")
            let key = section.file("key", required: "a file with the certificate's private key, PEM")
            let authorities = section.file("client_ca", "a file with the authorities of client certificates, PEM")
            let isRequired = section.value("require_certificate", .boolean)
            if isRequired == true, !section.has("client_ca") {
                section.report(
                    at: section.location(of: "require_certificate"),
                    "'require_certificate' needs 'client_ca': the authorities whose certificates are accepted")
            }
            let revocations = section.file("crl", "a file with lists of revoked client certificates, PEM")
            if revocations != nil, !section.has("client_ca") {
                section.report(
                    at: section.location(of: "crl"),
                    "'crl' needs 'client_ca': the authorities whose certificates are accepted")
            }
            let version = section.value("min_version", .choice()) as TLSVersionChoice?
            let ciphers = section.value("ciphers", .text("cipher suites of TLS 1.2, such as ECDHE+AESGCM"))
            guard let certificate, let key else { return }
            // Whoever names authorities means it, unless told otherwise.
            read = TLSSettings(
                certificate: certificate, key: key, clientAuthorities: authorities,
                requiresCertificate: isRequired ?? (authorities != nil), revocations: revocations,
                leastVersion: version ?? .v12,
                ciphers: ciphers, ciphersLocation: section.valueLocation(of: "ciphers"))
        }
        guard let read else { return nil }
        self = read
    }
}

extension SectionReader {
    /// Whether `key` has a value here.
    fileprivate func isWritten(_ key: String) -> Bool { has(key) && !isNothing(key) }

    private static var listenAddress: Expectation<ListenAddress> {
        Expectation(description: "HOST:PORT, such as 127.0.0.1:1883", takesQuoted: true, parse: ListenAddress.init)
    }

    /// An address, also when it is written as a section.
    fileprivate func address(_ key: String, _ general: Limits, _ entry: inout ListenerEntry?) -> ListenAddress? {
        var advertised: ListenAddress?
        return address(key, advertised: &advertised, isAdvertised: false, general, &entry)
    }

    /// An address, and where clients are told to connect, which a listener on all addresses has to say: nobody can
    /// connect to 0.0.0.0.
    fileprivate func advertisedAddress(
        _ key: String, _ advertised: inout ListenAddress?, _ general: Limits, _ entry: inout ListenerEntry?
    ) -> ListenAddress? {
        let address = address(key, advertised: &advertised, isAdvertised: true, general, &entry)
        expectAdvertised(key, address, advertised)
        return address
    }

    private func address(
        _ key: String, advertised: inout ListenAddress?, isAdvertised: Bool, _ general: Limits,
        _ entry: inout ListenerEntry?
    ) -> ListenAddress? {
        guard isSection(key) else { return value(key, Self.listenAddress) }
        var address: ListenAddress?
        var told: ListenAddress?
        var own = ListenerEntry()
        section(key) { section in
            address = section.required("address", Self.listenAddress)
            if isAdvertised { told = section.value("advertised", Self.listenAddress) }
            own.take(section, general: general, isKafka: isAdvertised, isHTTP: key.hasPrefix("http"))
        }
        advertised = told
        entry = own
        return address
    }

    private func expectAdvertised(_ key: String, _ address: ListenAddress?, _ advertised: ListenAddress?) {
        guard let address, advertised == nil, ["0.0.0.0", "::"].contains(address.host) else { return }
        report(
            at: location(of: key),
            "'\(key)' on \(address.host) needs 'advertised', the HOST:PORT that clients can connect to: "
                + "they are told it by the broker")
    }

    /// An address with what it needs for TLS, of its own or `shared`.
    fileprivate func secureAddress(
        _ key: String, _ shared: TLSSettings?, _ hasKeys: Bool, _ general: Limits, _ entry: inout ListenerEntry?
    ) -> SecureListener? {
        var advertised: ListenAddress?
        return secureAddress(key, shared, hasKeys, advertised: &advertised, isAdvertised: false, general, &entry)
    }

    /// The same, and where clients are told to connect.
    fileprivate func advertisedSecureAddress(
        _ key: String, _ shared: TLSSettings?, _ hasKeys: Bool, _ advertised: inout ListenAddress?,
        _ general: Limits, _ entry: inout ListenerEntry?
    ) -> SecureListener? {
        let listener = secureAddress(key, shared, hasKeys, advertised: &advertised, isAdvertised: true, general, &entry)
        expectAdvertised(key, listener?.address, advertised)
        return listener
    }

    private func secureAddress(
        _ key: String, _ shared: TLSSettings?, _ hasKeys: Bool, advertised: inout ListenAddress?, isAdvertised: Bool,
        _ general: Limits, _ entry: inout ListenerEntry?
    ) -> SecureListener? {
        var address: ListenAddress?
        var told: ListenAddress?
        var own = ListenerEntry()
        var tls = shared
        var ownsTLS = false
        if isSection(key) {
            section(key) { section in
                address = section.required("address", Self.listenAddress)
                if isAdvertised { told = section.value("advertised", Self.listenAddress) }
                own.take(section, general: general, isKafka: isAdvertised, isHTTP: key.hasPrefix("http"))
                ownsTLS = section.isWritten("tls")
                if ownsTLS { tls = TLSSettings(section, "tls") }
            }
            advertised = told
            entry = own
        } else {
            address = value(key, Self.listenAddress)
        }
        guard let address else { return nil }
        guard let tls else {
            if ownsTLS || isWritten("tls") { return nil }
            if hasKeys || own.security.pskFile != nil { return SecureListener(address: address, tls: nil) }
            report(
                at: location(of: key),
                "'\(key)' needs 'tls' with a certificate and its key, here or under 'listeners', or a 'psk_file'")
            return nil
        }
        return SecureListener(address: address, tls: tls)
    }

    func file(_ key: String, required description: String) -> NamedFile? {
        required(key, .text(description)).map { NamedFile(path: $0, location: valueLocation(of: key)) }
    }

    func file(_ key: String, _ description: String) -> NamedFile? {
        value(key, .text(description)).map { NamedFile(path: $0, location: valueLocation(of: key)) }
    }
}
