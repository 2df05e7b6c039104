/// A mosquitto.conf as a configuration of ours.
struct MosquittoImport {
    private typealias Option = MosquittoFile.Option

    private let file: MosquittoFile
    private var text = ImportedText()

    /// An import of `text`.
    init(_ text: String) { file = MosquittoFile(text) }

    /// The YAML, and what is not in it, by line.
    mutating func run() -> (yaml: String, notes: [(line: Int, text: String)]) {
        text.add("# Converted from a mosquitto.conf.")
        writeListeners()
        writeGeneral()
        if !file.connections.isEmpty {
            text.add("bridges:")
            for section in file.connections {
                var bridge = BridgeImport(section)
                bridge.write(to: &text)
            }
            if text.lines.last == "bridges:" { text.add("  []") }
        }
        return (text.lines.joined(separator: "\n") + "\n", text.notes.sorted { $0.line < $1.line })
    }

    // MARK: Listeners

    private mutating func writeListeners() {
        var kinds: Set<String> = []
        var lines = ImportedText()
        for section in file.listeners {
            guard let address = address(of: section) else { continue }
            let isWebSocket = section.option("protocol")?.words.first == "websockets"
            let isSecure = section.option("certfile") != nil
            let kind = isWebSocket ? (isSecure ? "wss" : "ws") : (isSecure ? "mqtts" : "mqtt")
            guard kinds.insert(kind).inserted else {
                text.note(section.head, "a second listener of the kind '\(kind)' is left out; Sluice has one of each")
                continue
            }
            if isSecure {
                lines.add("  \(kind):")
                lines.add(4, "address", ImportedText.quoted(address))
                lines.add("    tls:")
                writeCertificates(section, &lines)
            } else {
                lines.add(2, kind, ImportedText.quoted(address))
            }
            noteUnconverted(section)
        }
        guard !lines.lines.isEmpty else { return }
        text.add("listeners:")
        for line in lines.lines { text.add(line) }
    }

    private mutating func address(of section: MosquittoFile.Section) -> String? {
        let head = section.head
        if head.name == "listener" {
            guard let port = head.words.first.flatMap({ UInt16($0) }), port > 0 else {
                text.note(head, "expected a port and an address, found '\(head.text)'")
                return nil
            }
            return Self.join(head.words.count > 1 ? head.words[1] : "0.0.0.0", port)
        }
        let port = section.option("port")?.words.first.flatMap { UInt16($0) } ?? 1883
        return Self.join(section.option("bind_address")?.text ?? "0.0.0.0", port)
    }

    private static func join(_ host: String, _ port: UInt16) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private mutating func writeCertificates(_ section: MosquittoFile.Section, _ lines: inout ImportedText) {
        for (option, key) in [("certfile", "certificate"), ("keyfile", "key"), ("ciphers", "ciphers")] {
            if let found = section.option(option) { lines.add(6, key, ImportedText.quoted(found.text)) }
        }
        let isRequired = section.option("require_certificate")?.words.first == "true"
        if let authorities = section.option("cafile"), isRequired {
            lines.add(6, "client_ca", ImportedText.quoted(authorities.text))
        }
        if section.option("tls_version")?.words.first == "tlsv1.3" { lines.add(6, "min_version", "1.3") }
    }

    private mutating func noteUnconverted(_ section: MosquittoFile.Section) {
        let converted: Set<String> = [
            "port", "bind_address", "protocol", "certfile", "keyfile", "cafile", "require_certificate", "ciphers",
            "tls_version",
        ]
        let asksForCertificates = section.option("require_certificate")?.words.first == "true"
        if let authorities = section.option("cafile"), section.option("certfile") != nil, !asksForCertificates {
            text.note(
                authorities, "clients are shown what is in 'certfile': put there what leads from it to their authority"
            )
        }
        for option in section.options where !converted.contains(option.name) {
            switch option.name {
            case "max_connections": text.note(option, "connections are bounded for the node, by limits.connections")
            case "max_topic_alias": text.note(option, "aliases are bounded for the node, by limits.topic_aliases")
            case "max_qos", "maximum_qos":
                if file.listeners.count > 1 { text.note(option, "the highest QoS is one for the node, limits.qos") }
            case _: text.note(option, "is not converted")
            }
        }
    }

    // MARK: Persistence and limits

    private mutating func writeGeneral() {
        var limits = ImportedText()
        for option in file.general {
            switch option.name {
            case "persistence_location": text.add(0, "data", ImportedText.quoted(option.text))
            case "persistence":
                if option.words.first != "true" {
                    text.note(option, "everything is stored; 'durability: memory' of a stream comes nearest")
                }
            case "max_connections": number(option, "connections", 1...10_000_000, &limits)
            case "max_inflight_messages": number(option, "inflight", 1...65_535, &limits)
            case "max_packet_size": number(option, "packet_size", 20...256 << 20, &limits)
            case "message_size_limit":
                text.note(option, "bounds payloads, and what is larger is lost; limits.packet_size refuses packets")
            case "max_keepalive": number(option, "keep_alive", 1...65_535, &limits, unit: "s")
            case "max_topic_alias": number(option, "topic_aliases", 0...65_535, &limits)
            case "retain_available":
                if option.words.first == "false" { limits.add(2, "retain", "false") }
            case "persistent_client_expiration": expiry(option, &limits)
            case "autosave_interval", "autosave_on_changes", "persistence_file":
                text.note(option, "not needed: what is acknowledged is on disk")
            case "include_dir": text.note(option, "the files there are not read; convert them one by one")
            case "log_dest", "log_facility", "log_timestamp", "log_timestamp_format", "connection_messages":
                text.note(option, "log lines go to standard error with their time")
            case _: text.note(option, "is not converted")
            }
        }
        // What mosquitto has for each listener, and we for the node.
        if file.listeners.count == 1, let option = file.listeners[0].option("max_qos", "maximum_qos") {
            number(option, "qos", 0...2, &limits)
        }
        guard !limits.lines.isEmpty else { return }
        text.add("limits:")
        for line in limits.lines { text.add(line) }
    }

    private mutating func number(
        _ option: MosquittoFile.Option, _ key: String, _ range: ClosedRange<Int>, _ limits: inout ImportedText,
        unit: String = ""
    ) {
        guard let value = option.words.first.flatMap({ Int($0) }) else {
            return text.note(option, "expected a number, found '\(option.text)'")
        }
        // mosquitto's words for no bound at all.
        guard value > 0 || range.contains(value) else { return }
        let taken = min(max(value, range.lowerBound), range.upperBound)
        if taken != value { text.note(option, "\(value) becomes \(taken): \(range.lowerBound) to \(range.upperBound)") }
        limits.add(2, key, "\(taken)\(unit)")
    }

    private mutating func expiry(_ option: MosquittoFile.Option, _ limits: inout ImportedText) {
        let days = ["h": 0, "d": 1, "w": 7, "m": 30, "y": 365]
        guard let unit = option.text.last.map(String.init), let factor = days[unit],
            let count = Int(option.text.dropLast()), count > 0
        else { return text.note(option, "expected a number with h, d, w, m or y, found '\(option.text)'") }
        limits.add(2, "session_expiry", factor == 0 ? "\(count)h" : "\(count * factor)d")
    }
}
