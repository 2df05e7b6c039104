import SluiceCore

/// Lets `SLUICE_…` variables override single settings: `SLUICE_JOURNAL_FILE_SIZE` is `file_size` under `journal`.
enum EnvironmentOverlay {
    /// The settings that a variable can override; lists are not among them.
    static let paths: [[String]] =
        [
            ["listeners", "mqtt"], ["listeners", "mqtts"], ["listeners", "ws"], ["listeners", "wss"],
            ["listeners", "kafka"], ["listeners", "kafkas"], ["kafka", "auto_create"],
            ["listeners", "http"], ["listeners", "https"],
            ["listeners", "tls", "certificate"], ["listeners", "tls", "key"], ["listeners", "tls", "client_ca"],
            ["listeners", "tls", "crl"], ["listeners", "tls", "require_certificate"],
            ["listeners", "tls", "min_version"],
            ["listeners", "tls", "ciphers"], ["data"], ["loops"], ["memory"],
            ["journal", "file_size"], ["journal", "commit_delay"],
            ["log", "tail_memory"], ["log", "segment_size"], ["log", "retention_size"], ["log", "quota"],
            ["log", "reserve"],
            ["limits", "packet_size"], ["limits", "topic_levels"], ["limits", "topic_size"], ["limits", "inflight"],
            ["limits", "qos"], ["limits", "retain"], ["limits", "topic_aliases"], ["limits", "keep_alive"],
            ["limits", "session_expiry"], ["limits", "connections"], ["limits", "output_buffer"],
            ["limits", "subscriptions"], ["limits", "connect_timeout"], ["limits", "user_properties"],
            ["limits", "connections_per_address"], ["limits", "connect_rate"], ["limits", "publish_rate"],
            ["limits", "publish_bytes"], ["limits", "client_memory"], ["limits", "retained"],
            ["limits", "retained_size"],
            ["bans", "failures"], ["bans", "within"], ["bans", "for"],
            ["logging", "level"], ["logging", "format"], ["audit", "file"], ["audit", "size"], ["audit", "keep"],
            ["allow_anonymous"], ["password_file"], ["acl_file"], ["psk_file"],
        ] + LogPart.allCases.map { ["logging", "parts", $0.rawValue] }

    private static let prefix = "SLUICE_"
    private static let addressKey = "address"

    /// Variables that mean something to the command line or the tests.
    private static let others: Set<String> = ["SLUICE_BROKER", "SLUICE_CONFIG", "SLUICE_EXECUTABLE", "SLUICE_SEED"]

    /// Puts the values of `environment` in place of those in `root`; an unknown variable is reported.
    static func apply(_ environment: [String: String], to root: inout YAMLNode, _ diagnostics: Diagnostics) {
        var pathOfName: [String: [String]] = [:]
        for path in paths { pathOfName[name(of: path)] = path }
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            guard name.hasPrefix(prefix), !others.contains(name) else { continue }
            let location = SourceLocation(file: name, line: 0, column: 0)
            if let path = pathOfName[name] {
                let node = YAMLNode(content: .scalar(value, isPlain: true), location: location)
                set(node, at: path[...], in: &root)
            } else {
                let nearest = Spelling.nearest(to: name, among: pathOfName.keys.sorted())
                let advice =
                    nearest.map { "did you mean \($0)?" } ?? "known: \(paths.map(name(of:)).joined(separator: ", "))"
                diagnostics.report(at: location, "this variable overrides no setting; \(advice)")
            }
        }
    }

    /// The variable that overrides the setting at `path`.
    static func name(of path: [String]) -> String {
        prefix + path.joined(separator: "_").uppercased()
    }

    private static func set(_ node: YAMLNode, at path: ArraySlice<String>, in parent: inout YAMLNode) {
        guard let key = path.first else {
            // A listener that is written long keeps its certificates.
            if case .mapping(var written) = parent.content,
                let index = written.firstIndex(where: { $0.key == addressKey })
            {
                written[index].value = node
                parent.content = .mapping(written)
            } else {
                parent = node
            }
            return
        }
        var entries: [YAMLNode.Entry] = []
        if case .mapping(let written) = parent.content {
            entries = written
        } else if !parent.isNothing {
            // Not a section; reading it reports so.
            return
        }
        if let index = entries.firstIndex(where: { $0.key == key }) {
            set(node, at: path.dropFirst(), in: &entries[index].value)
        } else {
            var value = YAMLNode(content: .mapping([]), location: node.location)
            set(node, at: path.dropFirst(), in: &value)
            entries.append(YAMLNode.Entry(key: key, keyLocation: node.location, value: value))
        }
        parent.content = .mapping(entries)
    }
}
