import SluiceConfiguration
import SluiceCore

/// A mosquitto.conf as a configuration of ours.
struct MosquittoImport {
    private typealias Option = MosquittoFile.Option

    private let file: MosquittoFile
    private let secretsDirectory: String
    private let isLocal: Bool
    private let plugins: [String: MosquittoPlugin]
    private let general: SecurityImport
    private var text = ImportedText()

    /// An import of `file`.
    /// - Parameters:
    ///   - secretsDirectory: where the files with passwords and keys will be.
    ///   - isLocal: whether listeners move to loopback.
    init(_ file: MosquittoFile, secretsDirectory: String, isLocal: Bool) {
        self.file = file
        self.secretsDirectory = secretsDirectory
        self.isLocal = isLocal
        plugins = MosquittoPlugin.named(file.general)
        general = SecurityImport(file.general, plugins)
    }

    /// The YAML, and what is not in it.
    mutating func run() -> ImportedText {
        text.add("# Converted from a mosquitto.conf.")
        writeSecurity()
        writeListeners()
        writeGeneral()
        var bridges = ImportedText()
        var names: Set<String> = []
        for section in file.connections {
            var bridge = BridgeImport(section, secretsDirectory: secretsDirectory)
            bridge.write(to: &bridges, &names)
        }
        if !bridges.lines.isEmpty { text.add("bridges:") }
        text.add(bridges)
        return text
    }

    // MARK: Security

    /// What holds for every listener, unless each says itself whom it lets in: then what stands before them is the
    /// default listener's.
    private mutating func writeSecurity() {
        guard !file.isByListener else { return }
        if file.listeners.isEmpty {
            // mosquitto is on loopback then, and lets everybody in unless told otherwise.
            return general.write(0, allows: general.isEmpty ? nil : general.allowsAnonymous ?? true, to: &text)
        }
        general.write(0, allows: general.allowsAnonymous ?? false, to: &text)
    }

    /// What a listener says itself.
    private func security(of section: MosquittoFile.Section) -> (own: SecurityImport, allows: Bool?) {
        let isDefault = section.head.name != "listener"
        let before = file.isByListener && isDefault ? file.general : []
        let own = SecurityImport(
            before + section.options, plugins, hasCertificate: section.option("certfile") != nil)
        return (own, file.isByListener ? own.allowsAnonymous ?? false : own.allowsAnonymous)
    }

    /// The keys that a listener's clients prove themselves with: where it has a hint and no certificate.
    private func keys(of section: MosquittoFile.Section) -> SecurityImport.File? {
        guard section.option("certfile") == nil, section.option("psk_hint")?.text.isEmpty == false else { return nil }
        return security(of: section).own.keys ?? (file.isByListener ? nil : general.keys)
    }

    /// A client with a key is its identity here. Where mosquitto asks it for a name beside that, it may be somebody
    /// else there, or nobody.
    private mutating func noteKeys(_ section: MosquittoFile.Section, _ hint: Option) {
        guard section.option("certfile") == nil, keys(of: section) != nil else {
            return text.notProtected(hint, "goes with a 'psk_file', and with no 'certfile'")
        }
        let allows = security(of: section).allows ?? general.allowsAnonymous ?? false
        if !section.isTrue("use_identity_as_username"), !allows {
            text.notProtected(
                hint, "needs 'use_identity_as_username true': Sluice asks for no name beside the identity")
        } else {
            text.note(hint, "the hint is not sent; a client's user name is the identity of its key")
        }
    }

    // MARK: Listeners

    private mutating func writeListeners() {
        var kinds: Set<String> = []
        var lines = ImportedText()
        for section in file.listeners {
            guard let address = address(of: section), isWhole(section) else { continue }
            let isWebSocket = section.option("protocol")?.text == "websockets"
            let keys = keys(of: section)
            let isSecure = section.option("certfile") != nil || keys != nil
            let kind = isWebSocket ? (isSecure ? "wss" : "ws") : (isSecure ? "mqtts" : "mqtt")
            guard kinds.insert(kind).inserted else {
                text.leaveOut(
                    section.head, "a second listener of the kind '\(kind)' is left out; Sluice has one of each")
                continue
            }
            let (own, allows) = security(of: section)
            let limits = limits(of: section)
            if isSecure || !own.isEmpty || allows != nil || !limits.lines.isEmpty {
                lines.add("  \(kind):")
                lines.add(4, "address", ImportedText.quoted(address.description))
                own.write(4, allows: allows, to: &lines)
                lines.add(limits)
                if let keys {
                    lines.carry(4, "psk_file", keys)
                } else if isSecure {
                    lines.add("    tls:")
                    writeCertificates(section, &lines)
                }
            } else {
                lines.add(2, kind, ImportedText.quoted(address.description))
            }
            noteUnconverted(section)
            noteClosed(section, own, allows)
        }
        guard !lines.lines.isEmpty else { return }
        text.add("listeners:")
        text.add(lines)
    }

    /// Options of one listener that bound its connections.
    private static let listenerLimits: Set<String> = [
        "enable_proxy_protocol", "max_connections", "max_qos", "max_topic_alias", "maximum_qos",
    ]

    /// What bounds the connections of a listener.
    private mutating func limits(of section: MosquittoFile.Section) -> ImportedText {
        var (limits, lines) = (ImportedText(), ImportedText())
        for option in held(section.options) {
            switch option.name {
            case "max_connections": number(option, "connections", 1...10_000_000, &limits, indent: 6)
            case "max_topic_alias": number(option, "topic_aliases", 0...65_535, &limits, indent: 6)
            case "max_qos", "maximum_qos":
                if file.listeners.count > 1 { number(option, "qos", 0...2, &limits, indent: 6) }
            case "enable_proxy_protocol" where ["1", "2"].contains(option.text):
                lines.add(4, "proxy_protocol", "[0.0.0.0/0, \"::/0\"]")
                text.note(option, "every address is taken for a proxy's, as with mosquitto: name those that are")
            case _: continue
            }
        }
        if !limits.lines.isEmpty {
            lines.add("    limits:")
            lines.add(limits)
        }
        return lines
    }

    private mutating func address(of section: MosquittoFile.Section) -> ListenAddress? {
        let head = section.head
        var host = "0.0.0.0"
        var port: UInt16?
        if head.name == "listener" {
            port = head.words.first.flatMap { UInt16($0) }
            if head.words.count > 1 { host = head.words[1] }
            if port == 0 {
                text.leaveOut(head, "Sluice listens on TCP ports only; '\(head.text)' is left out")
                return nil
            }
        } else {
            let option = section.option("port")
            port = option.map { $0.words.first.flatMap { UInt16($0) } } ?? 1883
            if let found = section.option("bind_address"), !found.text.isEmpty { host = found.text }
        }
        // Brackets are what tells the colons of an IPv6 address from the one before the port.
        guard let port, port > 0,
            let address = ListenAddress(host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
        else {
            text.leaveOut(head, "expected a port and an address, found '\(head.text)'; the listener is left out")
            return nil
        }
        return isLocal ? ListenAddress(host: "127.0.0.1", port: port) : address
    }

    /// Whether what secures a listener can be converted at all.
    private mutating func isWhole(_ section: MosquittoFile.Section) -> Bool {
        if let form = section.option("tls_keyform"), form.text != "pem" {
            text.leaveOut(form, "keys are PEM files; the listener is left out")
            return false
        }
        guard let certificate = section.option("certfile") else { return true }
        guard !certificate.text.isEmpty, section.option("keyfile").map({ !$0.text.isEmpty }) == true else {
            text.leaveOut(certificate, "goes with 'keyfile', and each names a file; the listener is left out")
            return false
        }
        return true
    }

    private mutating func writeCertificates(_ section: MosquittoFile.Section, _ lines: inout ImportedText) {
        for (option, key) in [("certfile", "certificate"), ("keyfile", "key"), ("ciphers", "ciphers")] {
            guard let found = section.option(option), !found.text.isEmpty else { continue }
            lines.add(6, key, ImportedText.quoted(found.text))
        }
        if let authorities = clientAuthorities(section) {
            lines.add(6, "client_ca", ImportedText.quoted(authorities.text))
            if let list = section.option("crlfile"), !list.text.isEmpty {
                lines.add(6, "crl", ImportedText.quoted(list.text))
            }
        }
        if section.option("tls_version")?.text == "tlsv1.3" { lines.add(6, "min_version", "1.3") }
    }

    /// The file that says which client certificates are accepted, where one is required.
    private func clientAuthorities(_ section: MosquittoFile.Section) -> Option? {
        guard section.isTrue("require_certificate"), section.option("certfile") != nil else { return nil }
        return section.option("cafile").flatMap { $0.text.isEmpty ? nil : $0 }
    }

    private mutating func noteUnconverted(_ section: MosquittoFile.Section) {
        let isVerifying = clientAuthorities(section) != nil
        if let authorities = section.option("cafile"), section.option("certfile") != nil,
            !section.isTrue("require_certificate")
        {
            text.note(
                authorities, "clients are shown what is in 'certfile': put there what leads from it to their authority"
            )
        }
        for option in section.options {
            switch option.name {
            case "port", "bind_address", "protocol", "certfile", "keyfile", "cafile", "ciphers", "tls_version":
                continue
            case _ where Self.listenerLimits.contains(option.name): continue
            case "require_certificate":
                if section.isTrue("require_certificate"), !isVerifying {
                    text.notProtected(option, "is not converted: it needs 'certfile' and the authorities in a 'cafile'")
                }
            case "use_identity_as_username", "use_subject_as_username":
                if keys(of: section) != nil { continue }
                if section.isTrue(option.name), !isVerifying {
                    text.notProtected(option, "needs 'require_certificate', 'certfile' and a 'cafile'")
                } else if option.name == "use_identity_as_username", section.isTrue(option.name) {
                    text.note(option, "of several common names Sluice takes the last, mosquitto the first")
                }
            case "psk_hint": noteKeys(section, option)
            case "crlfile":
                if !isVerifying { text.notProtected(option, "needs 'require_certificate', 'certfile' and a 'cafile'") }
            case "plugin":
                if MosquittoPlugin(option.text, following(option, in: section.options)) == nil {
                    text.notProtected(option, "is not converted, and kept people out")
                }
            case "plugin_use":
                if plugins[option.text] == nil { text.notProtected(option, "is not converted, and kept people out") }
            case _ where SecurityImport.names.contains(option.name) || option.name.hasPrefix("plugin_opt_"): continue
            case _ where Protections.all.contains(option.name):
                text.notProtected(option, "is not converted, and kept people out")
            case _: text.note(option, "is not converted")
            }
        }
    }

    /// A listener that nobody gets in at is seldom meant, though it is what the file says.
    private mutating func noteClosed(_ section: MosquittoFile.Section, _ own: SecurityImport, _ allows: Bool?) {
        let isShared = !file.isByListener
        let allows = allows ?? (isShared ? general.allowsAnonymous ?? false : false)
        let hasUsers =
            own.passwords != nil || own.certificateUser != nil || keys(of: section) != nil
            || isShared && general.passwords != nil
        guard !allows, !hasUsers else { return }
        text.note(section.head, "nobody is let in here, as with mosquitto: without 'allow_anonymous true' or users")
    }

    /// The options behind one.
    private func following(_ option: Option, in options: [Option]) -> ArraySlice<Option> {
        guard let index = options.firstIndex(where: { $0.file == option.file && $0.line == option.line }) else {
            return []
        }
        return options[(index + 1)...]
    }

    // MARK: Persistence and limits

    private mutating func writeGeneral() {
        var limits = ImportedText()
        for option in held(file.general) {
            switch option.name {
            case "persistence_location":
                if option.text.isEmpty {
                    text.note(option, "names no directory")
                } else {
                    text.add(0, "data", ImportedText.quoted(option.text))
                }
            case "persistence":
                if option.text != "true" {
                    text.note(option, "everything is stored; 'durability: memory' of a stream comes nearest")
                }
            case "max_connections", "global_max_connections":
                number(option, "connections", 1...10_000_000, &limits)
            case "max_inflight_messages": number(option, "inflight", 1...65_535, &limits)
            case "max_packet_size": number(option, "packet_size", 20...256 << 20, &limits)
            case "message_size_limit": messageSize(option, &limits)
            case "memory_limit": memory(option)
            case "max_queued_messages", "max_queued_bytes":
                text.note(option, "nothing is queued for clients: who is behind reads on in the log")
            case "max_inflight_bytes":
                text.note(
                    option, "messages in flight are bounded by limits.inflight, and bytes by limits.output_buffer")
            case "max_keepalive": number(option, "keep_alive", 1...65_535, &limits, unit: "s")
            case "max_topic_alias": number(option, "topic_aliases", 0...65_535, &limits)
            case "retain_available":
                if option.text == "false" { limits.add(2, "retain", "false") }
            case "persistent_client_expiration": expiry(option, &limits)
            case "plugin", "global_plugin":
                if MosquittoPlugin(option.text, following(option, in: file.general)) == nil {
                    text.notProtected(option, "is not converted, and kept people out")
                }
            case "plugin_load":
                let name = option.words.first ?? ""
                if plugins[name] == nil { text.notProtected(option, "is not converted, and kept people out") }
            case "per_listener_settings": continue
            case _ where SecurityImport.names.contains(option.name) || option.name.hasPrefix("plugin_opt_"): continue
            case "autosave_interval", "autosave_on_changes", "persistence_file":
                text.note(option, "not needed: what is acknowledged is on disk")
            case "log_dest", "log_facility", "log_timestamp", "log_timestamp_format", "connection_messages":
                text.note(option, "log lines go to standard error with their time")
            // One listener's highest QoS is the node's; here it is said for all of them.
            case "max_qos", "maximum_qos": continue
            case _ where Protections.all.contains(option.name):
                text.notProtected(option, "is not converted, and kept people out")
            case _: text.note(option, "is not converted")
            }
        }
        writeQoS(&limits)
        notePacketSize()
        guard !limits.lines.isEmpty else { return }
        text.add("limits:")
        text.add(limits)
    }

    /// A payload of mosquitto's is a packet of ours, with room for what is around it.
    private mutating func messageSize(_ option: Option, _ limits: inout ImportedText) {
        guard let value = option.words.first.flatMap({ Int($0) }), value > 0 else { return }
        guard !file.general.contains(where: { $0.name == "max_packet_size" }) else {
            return text.note(option, "bounds payloads; 'max_packet_size' bounds packets, and is carried over")
        }
        // A topic of 65,535 bytes and as much of properties as most have.
        limits.add(2, "packet_size", String(text.clamped(option, min(value, 1 << 40) + (64 << 10), to: 20...256 << 20)))
        text.note(option, "bounds payloads, which mosquitto loses; limits.packet_size closes who sends more")
    }

    private mutating func memory(_ option: Option) {
        guard let value = option.words.first.flatMap({ Int($0) }), value > 0 else { return }
        text.add(0, "memory", String(text.clamped(option, value, to: 64 << 20...1 << 44)))
    }

    /// A client whose packets are larger than what is taken is closed for each of them, and before MQTT 5 nobody tells
    /// it.
    private mutating func notePacketSize() {
        let most = Limits().packetBytesMax
        let option = file.general.last { $0.name == "max_packet_size" }
        // 0 is mosquitto's word for no bound.
        if let option, option.words.first.flatMap({ Int($0) }) != 0 { return }
        if file.general.contains(where: { $0.name == "message_size_limit" && $0.text != "0" }) { return }
        let lower =
            "mosquitto takes packets of 256 MiB (2,000,000 bytes from version 2.1 on); Sluice closes who sends one of "
            + "more than \(most) bytes, unless 'limits: packet_size' is larger"
        if let option { text.note(option, lower) } else { text.remark("no 'max_packet_size': \(lower)") }
    }

    /// What mosquitto has for each listener, and we for the node.
    private mutating func writeQoS(_ limits: inout ImportedText) {
        let ofNode = file.general.last { ["max_qos", "maximum_qos"].contains($0.name) }
        let ofListener = file.listeners.count == 1 ? file.listeners[0].option("max_qos", "maximum_qos") : nil
        if let option = ofListener ?? ofNode { number(option, "qos", 0...2, &limits) }
    }

    /// The last option of each name, which is the one that holds; but all of what keeps people out.
    private func held(_ options: [Option]) -> [Option] {
        options.enumerated().filter { index, option in
            Protections.all.contains(option.name) || ["plugin", "global_plugin", "plugin_load"].contains(option.name)
                || !options[(index + 1)...].contains { $0.name == option.name }
        }.map(\.element)
    }

    private mutating func number(
        _ option: MosquittoFile.Option, _ key: String, _ range: ClosedRange<Int>, _ limits: inout ImportedText,
        indent: Int = 2, unit: String = ""
    ) {
        guard let value = option.words.first.flatMap({ Int($0) }) else {
            return text.note(option, "expected a number, found '\(option.text)'")
        }
        // mosquitto's words for no bound at all.
        guard value > 0 || range.contains(value) else { return }
        limits.add(indent, key, "\(text.clamped(option, value, to: range))\(unit)")
    }

    private mutating func expiry(_ option: MosquittoFile.Option, _ limits: inout ImportedText) {
        let hours = ["h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24, "y": 365 * 24]
        guard let unit = option.text.last.map(String.init), let factor = hours[unit],
            let count = Int(option.text.dropLast()), (1...1_000_000).contains(count)
        else { return text.note(option, "expected a number with h, d, w, m or y, found '\(option.text)'") }
        // Seconds of a session are 32 bits in MQTT 5, and the largest number of them means for ever.
        let taken = text.clamped(option, count * factor, to: 1...(Int(UInt32.max) - 1) / 3600)
        limits.add(2, "session_expiry", taken.isMultiple(of: 24) ? "\(taken / 24)d" : "\(taken)h")
    }
}

/// Options of mosquitto that keep people out, or apart, and that Sluice has nothing for.
enum Protections {
    /// All but `allow_anonymous` and `require_certificate`, which depend on their values.
    static let all: Set<String> = [
        "auth_plugin", "bind_interface", "capath", "clientid_prefixes", "mount_point", "websockets_origin",
    ]
}

extension ImportedText {
    /// The number nearest to `value` in `range`, said when it is another.
    mutating func clamped(_ option: MosquittoFile.Option, _ value: Int, to range: ClosedRange<Int>) -> Int {
        let taken = min(max(value, range.lowerBound), range.upperBound)
        if taken != value { note(option, "\(value) becomes \(taken): \(range.lowerBound) to \(range.upperBound)") }
        return taken
    }
}

extension ListenAddress {
    /// Whether only this machine reaches it.
    var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}
