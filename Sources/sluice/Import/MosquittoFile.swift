/// A mosquitto.conf, read into its sections.
///
/// Source: mosquitto.conf(5): one option a line, a number sign begins a comment at the start of a line only; `listener`
/// and `connection` begin sections, and what follows belongs to them.
struct MosquittoFile {
    /// One option.
    struct Option {
        let line: Int
        let name: String
        /// The words behind it.
        let words: [String]
        /// All of them as one, for names with spaces.
        var text: String { words.joined(separator: " ") }
    }

    /// A listener or a bridge.
    struct Section {
        let head: Option
        var options: [Option] = []

        /// The last option of one of these names.
        func option(_ names: String...) -> Option? { options.last { names.contains($0.name) } }
    }

    /// What stands before every section, or belongs to none.
    private(set) var general: [Option] = []
    /// The listeners, the default one first when it has options.
    private(set) var listeners: [Section] = []
    /// The bridges.
    private(set) var connections: [Section] = []

    /// Options of a bridge, which mosquitto takes wherever a bridge is open.
    private static let ofConnections: Set<String> = [
        "address", "addresses", "bridge_alpn", "bridge_attempt_unsubscribe", "bridge_bind_address", "bridge_cafile",
        "bridge_capath", "bridge_certfile", "bridge_identity", "bridge_insecure", "bridge_keyfile",
        "bridge_max_packet_size", "bridge_outgoing_retain", "bridge_protocol_version", "bridge_psk",
        "bridge_require_ocsp", "bridge_tls_version", "cleansession", "clientid", "idle_timeout", "keepalive_interval",
        "local_cleansession", "local_clientid", "local_password", "local_username", "notification_topic",
        "notifications", "notifications_local_only", "password", "remote_clientid", "remote_password",
        "remote_username", "restart_timeout", "round_robin", "start_type", "threshold", "topic", "try_private",
        "username",
    ]
    /// Options of a listener.
    private static let ofListeners: Set<String> = [
        "bind_interface", "cafile", "capath", "certfile", "ciphers", "ciphers_tls1.3", "crlfile", "dhparamfile",
        "http_dir", "keyfile", "max_connections", "max_qos", "max_topic_alias", "maximum_qos", "mount_point",
        "protocol", "psk_hint", "require_certificate", "socket_domain", "tls_engine", "tls_keyform", "tls_version",
        "use_identity_as_username", "use_subject_as_username", "use_username_as_clientid", "websockets_headers_size",
        "websockets_origin",
    ]

    /// Reads a file's text.
    init(_ text: String) {
        var isFirstListenerOpen = false
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" }).map(String.init)
            guard let name = words.first, !name.hasPrefix("#") else { continue }
            let option = Option(line: index + 1, name: name, words: Array(words.dropFirst()))
            switch name {
            case "listener": listeners.append(Section(head: option))
            case "port", "bind_address":
                if !isFirstListenerOpen { listeners.insert(Section(head: option), at: 0) }
                isFirstListenerOpen = true
                listeners[0].options.append(option)
            case "connection": connections.append(Section(head: option))
            case _ where Self.ofConnections.contains(name) && !connections.isEmpty:
                connections[connections.count - 1].options.append(option)
            case _ where Self.ofListeners.contains(name) && !listeners.isEmpty:
                listeners[listeners.count - 1].options.append(option)
            case _: general.append(option)
            }
        }
    }
}

/// YAML under construction, and what did not get into it.
struct ImportedText {
    private(set) var lines: [String] = []
    private(set) var notes: [(line: Int, text: String)] = []

    /// Adds a line.
    mutating func add(_ line: String) { lines.append(line) }

    /// Adds a setting.
    mutating func add(_ indent: Int, _ key: String, _ value: String) {
        lines.append(String(repeating: " ", count: indent) + key + ": " + value)
    }

    /// Says what was not converted.
    mutating func note(_ option: MosquittoFile.Option, _ text: String) {
        notes.append((option.line, "'\(option.name)': \(text)"))
    }

    /// Text in double quotes, as YAML has it.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for character in text {
            if character == "\"" || character == "\\" { quoted.append("\\") }
            quoted.append(character)
        }
        return quoted + "\""
    }
}
