import Bridging
import Cryptography
import Glibc
import SluiceConfiguration

/// Bridges of a configuration into the broker's own types.
enum BridgeTranslation {
    /// Every bridge.
    /// - Throws: everything wrong with them, each with its place.
    static func settings(_ configuration: Configuration) throws(ConfigurationErrors) -> [BridgeSettings] {
        var errors: [ConfigurationError] = []
        let all = configuration.bridges.compactMap { settings($0, &errors) }
        if !errors.isEmpty { throw ConfigurationErrors(errors) }
        return all
    }

    private static func settings(
        _ bridge: BridgeConfiguration, _ errors: inout [ConfigurationError]
    ) -> BridgeSettings? {
        let before = errors.count
        var topics: [BridgeTopic] = []
        for topic in bridge.topics {
            let words = topic.text.split(separator: " ").map(String.init)
            do throws(BridgeTopic.Fault) { topics.append(try BridgeTopic(words: words)) } catch {
                errors.append(ConfigurationError(at: topic.location, "'topic': \(error.description)"))
            }
        }
        if topics.isEmpty, errors.count == before {
            errors.append(ConfigurationError(at: bridge.location, "the bridge '\(bridge.name)' has no topics"))
        }
        if bridge.start == .lazy, topics.contains(where: \.direction.isIn) {
            errors.append(
                ConfigurationError(
                    at: bridge.location,
                    "the bridge '\(bridge.name)' is lazy and takes topics in: it would not hear of them"))
        }
        let password = bridge.password.flatMap { self.secret($0, "password", &errors) }
        let security = bridge.tls.flatMap { self.security($0, &errors) }
        guard errors.count == before else { return nil }
        var settings = BridgeSettings(
            name: bridge.name,
            addresses: bridge.addresses.map { BridgeSettings.Address(host: $0.host, port: $0.port) }, topics: topics,
            nodeName: hostName)
        settings.order = bridge.isRoundRobin ? .roundRobin : .primaryFirst
        if let name = bridge.clientID { settings.remoteClientID = name }
        settings.localClientID = bridge.localClientID ?? "local.\(settings.remoteClientID)"
        settings.bindAddress = bridge.bindAddress
        settings.username = bridge.username
        settings.password = password
        settings.security = security
        take(bridge, &settings)
        return settings
    }

    /// What an operator should look at: bridges that take each other's place upstream.
    static func warnings(_ configuration: Configuration, _ settings: [BridgeSettings]) -> [ConfigurationError] {
        settings.enumerated().compactMap { index, bridge in
            let other = settings[..<index].first { other in
                other.remoteClientID == bridge.remoteClientID
                    && other.addresses.contains(where: bridge.addresses.contains)
            }
            guard let other, let written = configuration.bridges.first(where: { $0.name == bridge.name }) else {
                return nil
            }
            return ConfigurationError(
                at: written.location,
                "the bridges '\(other.name)' and '\(bridge.name)' are both '\(bridge.remoteClientID)' to one upstream, "
                    + "which lets one of them in at a time; give one another 'client_id'")
        }
    }

    private static func take(_ bridge: BridgeConfiguration, _ settings: inout BridgeSettings) {
        settings.version =
            switch bridge.version {
            case .v311: .v311
            case .v5: .v5
            }
        settings.isClean = bridge.isClean
        settings.keepAliveSeconds = Int(bridge.keepAlive.components.seconds)
        settings.start =
            switch bridge.start {
            case .automatic: .automatic
            case .lazy: .lazy
            }
        settings.threshold = bridge.threshold
        settings.idleNanoseconds = bridge.idleTimeout.nanoseconds
        settings.restart = BridgeSettings.RestartDelay(
            baseNanoseconds: bridge.restart.nanoseconds, capNanoseconds: bridge.restartMax.nanoseconds)
        settings.inflightMax = bridge.inflightMax
        settings.messagesPerSecondMax = bridge.messagesPerSecondMax
        settings.pacesCatchUp = bridge.hasDefaultRate
        settings.bytesPerSecondMax = bridge.bytesPerSecondMax
        settings.triesPrivate = bridge.triesPrivate
        settings.notifies = bridge.notifies
        settings.notifiesLocallyOnly = bridge.notifiesLocallyOnly
        settings.notificationTopic = bridge.notificationTopic
        settings.messageBytesMax = bridge.messageBytesMax
        settings.retainsOutgoing = bridge.retainsOutgoing
        settings.overtaking =
            switch bridge.overtaken {
            case .hold: .hold(quotaBytes: Int64(bridge.holdBytes))
            case .dropAndCount: .dropAndCount
            }
        settings.refused =
            switch bridge.refused {
            case .hold: .hold
            case .dropAndCount: .dropAndCount
            }
        settings.beginning =
            switch bridge.beginning {
            case .latest: .latest
            case .earliest: .earliest
            }
    }

    /// The machine's name, which mosquitto too puts into a bridge's client identifier.
    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "sluice" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func secret(
        _ secret: BridgeConfiguration.Secret, _ setting: String, _ errors: inout [ConfigurationError]
    ) -> String? {
        switch secret {
        case .text(let text): return text
        case .variable(let name, let location):
            guard let value = getenv(name) else {
                errors.append(
                    ConfigurationError(at: location, "'\(setting)_variable': there is no variable '\(name)'"))
                return nil
            }
            return String(cString: value)
        case .file(let file):
            guard let bytes = read(file, "\(setting)_file", &errors) else { return nil }
            let text = String(decoding: bytes, as: UTF8.self)
            return text.hasSuffix("\n") ? String(text.dropLast()) : text
        }
    }

    private static func read(
        _ file: NamedFile, _ setting: String, _ errors: inout [ConfigurationError]
    ) -> [UInt8]? {
        do throws(FileText.Failure) { return try FileText.read(file.path, byteCountMax: 4 << 20) } catch {
            errors.append(ConfigurationError(at: file.location, "'\(setting)': '\(file.path)' \(error.description)"))
            return nil
        }
    }

    private static func security(
        _ tls: BridgeConfiguration.TLS, _ errors: inout [ConfigurationError]
    ) -> UpstreamSecurity? {
        let before = errors.count
        var security = UpstreamSecurity()
        security.authorities = tls.authorities.flatMap { read($0, "ca", &errors) }
        security.authoritiesPath = tls.authoritiesPath
        security.certificateChain = tls.certificate.flatMap { read($0, "certificate", &errors) }
        security.privateKey = tls.key.flatMap { read($0, "key", &errors) }
        security.acceptsOtherHosts = tls.acceptsOtherHosts
        security.requiresTLS13 = tls.leastVersion == .v13
        security.pins = tls.pins
        security.keyIdentity = tls.keyIdentity
        security.applicationProtocol = tls.applicationProtocol
        if let text = tls.sharedKey.flatMap({ secret($0, "psk", &errors) }) {
            security.key = Hexadecimal.bytes(text)
            if security.key == nil {
                errors.append(ConfigurationError(at: tls.location, "'psk' is not in hexadecimal"))
            }
        }
        return errors.count == before ? security : nil
    }
}
