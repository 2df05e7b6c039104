/// A mosquitto.conf, read into its sections.
///
/// Source: mosquitto.conf(5): one option a line, a number sign begins a comment; `listener` and `connection` begin
/// sections, and what follows belongs to them. Lines end as on Unix or as on Windows.
struct MosquittoFile {
    /// One option.
    struct Option {
        /// The file that it is in, by its path.
        let file: String
        let line: Int
        let name: String
        /// What stands behind the name, without the spaces around it; those in between belong to names and passwords.
        let text: String
        /// The words of the text.
        var words: [String] { text.split(whereSeparator: MosquittoFile.isSpace).map(String.init) }
    }

    /// A listener or a bridge.
    struct Section {
        let head: Option
        var options: [Option] = []

        /// The last option of one of these names: it is the one that holds.
        func option(_ names: String...) -> Option? { options.last { names.contains($0.name) } }

        /// Whether the last option of this name says yes.
        func isTrue(_ name: String) -> Bool { option(name).map { ["true", "1"].contains($0.text) } ?? false }
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
        "bridge_capath", "bridge_certfile", "bridge_ciphers", "bridge_ciphers_tls1.3", "bridge_identity",
        "bridge_insecure", "bridge_keyfile", "bridge_max_packet_size", "bridge_max_topic_alias",
        "bridge_outgoing_retain", "bridge_protocol_version", "bridge_psk", "bridge_reload_type",
        "bridge_require_ocsp", "bridge_tls_use_os_certs", "bridge_tls_version", "cleansession", "clientid",
        "idle_timeout", "keepalive_interval", "local_cleansession", "local_clientid", "local_password",
        "local_username", "notification_topic", "notifications", "notifications_local_only", "password",
        "remote_clientid", "remote_password", "remote_username", "restart_timeout", "round_robin", "start_type",
        "threshold", "topic", "try_private", "username",
    ]
    /// Options of a listener; before the first `listener` those of the default one, which the first of them makes.
    private static let ofListeners: Set<String> = [
        "bind_address", "bind_interface", "cafile", "capath", "certfile", "ciphers", "ciphers_tls1.3", "crlfile",
        "dhparamfile", "enable_proxy_protocol", "http_dir", "keyfile", "mount_point", "port", "protocol", "psk_hint",
        "require_certificate",
        "socket_domain", "tls_engine", "tls_engine_kpass_sha1", "tls_keyform", "tls_version",
        "use_identity_as_username", "use_subject_as_username", "use_username_as_clientid", "websockets_headers_size",
        "websockets_origin",
    ]
    /// Options of a listener where one is open, and of the node before.
    private static let ofEither: Set<String> = ["max_connections", "max_qos", "max_topic_alias", "maximum_qos"]

    private var isDefaultOpen = false

    /// Options of the node, or of a listener with `per_listener_settings`.
    private static let ofSecurity: Set<String> = [
        "acl_file", "allow_anonymous", "allow_zero_length_clientid", "auth_plugin", "auto_id_prefix", "password_file",
        "plugin", "psk_file",
    ]
    /// Options of mosquitto 2.1 that are a listener's wherever one is open.
    private static let ofOpenListener: Set<String> = ["listener_allow_anonymous", "plugin_use"]
    /// Whether the last plugin was a listener's, whose options follow it.
    private var isPluginOfListener = false

    /// Reads a file's text.
    /// - Parameters:
    ///   - path: its path.
    ///   - included: the files of a directory that `include_dir` names, in their order.
    init(_ text: String, path: String, included: (String) throws(CommandFailure) -> [Input]) throws(CommandFailure) {
        try read(Input(path: path, text: text), included)
    }

    /// A file's path and text.
    struct Input {
        let path: String
        let text: String
    }

    private mutating func read(
        _ input: Input, _ included: (String) throws(CommandFailure) -> [Input]
    ) throws(CommandFailure) {
        // By scalars: a carriage return and a line feed are one character.
        let lines = input.text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            guard let option = Self.option(input.path, index + 1, Substring(line)) else { continue }
            guard option.name != "include_dir" else {
                // Not deeper: a file that includes its own directory would have no end.
                for input in try included(option.text) { try read(input) { _ in [] } }
                continue
            }
            take(option)
        }
    }

    private mutating func take(_ option: Option) {
        switch option.name {
        case "listener": listeners.append(Section(head: option))
        case "connection": connections.append(Section(head: option))
        case "port", "bind_address":
            if !isDefaultOpen { listeners.insert(Section(head: option), at: 0) }
            isDefaultOpen = true
            listeners[0].options.append(option)
        case _ where Self.ofConnections.contains(option.name) && !connections.isEmpty:
            connections[connections.count - 1].options.append(option)
        case _ where Self.ofListeners.contains(option.name):
            if listeners.isEmpty {
                listeners.append(Section(head: option))
                isDefaultOpen = true
            }
            listeners[listeners.count - 1].options.append(option)
        case _ where Self.ofEither.contains(option.name) && !listeners.isEmpty:
            listeners[listeners.count - 1].options.append(option)
        case _ where Self.ofOpenListener.contains(option.name) && !listeners.isEmpty:
            listeners[listeners.count - 1].options.append(option)
        case _ where isByListener && Self.ofSecurity.contains(option.name) && !listeners.isEmpty:
            listeners[listeners.count - 1].options.append(option)
            isPluginOfListener = option.name == "plugin"
        case _ where option.name.hasPrefix("plugin_opt_") && isPluginOfListener:
            listeners[listeners.count - 1].options.append(option)
        case _:
            general.append(option)
            if ["plugin", "global_plugin", "plugin_load"].contains(option.name) { isPluginOfListener = false }
        }
    }

    /// Whether each listener says itself whom it lets in.
    var isByListener: Bool { general.last { $0.name == "per_listener_settings" }?.text == "true" }

    private static func option(_ file: String, _ line: Int, _ text: Substring) -> Option? {
        // An editor's mark before the first line is no part of it.
        let text = line == 1 && text.unicodeScalars.first == "\u{FEFF}" ? text.dropFirst() : text
        let start = text.drop(while: isSpace)
        guard let first = start.first, first != "#" else { return nil }
        let name = start.prefix { !isSpace($0) }
        var rest = start.dropFirst(name.count).drop(while: isSpace)
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return Option(file: file, line: line, name: String(name), text: String(rest))
    }

    private static func isSpace(_ character: Character) -> Bool {
        character == " " || character == "\t" || character == "\r"
    }
}
