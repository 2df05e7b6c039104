/// Who mosquitto lets in, and what decides what they may do: what a listener says, or the node.
struct SecurityImport {
    /// A file that is carried over.
    struct File {
        /// What it holds.
        enum Kind {
            case passwords
            case rules
            case keys
        }

        let kind: Kind
        let option: MosquittoFile.Option

        var path: String { option.text }
    }

    /// `allow_anonymous`, or from mosquitto 2.1 on `listener_allow_anonymous`.
    private(set) var allowsAnonymous: Bool?
    private(set) var passwords: File?
    private(set) var rules: File?
    /// Pre-shared keys, which are of use where a listener has `psk_hint` and no certificate.
    private(set) var keys: File?
    /// What of a client's certificate is its user name.
    private(set) var certificateUser: String?

    /// Whether nothing is said.
    var isEmpty: Bool { allowsAnonymous == nil && passwords == nil && rules == nil && certificateUser == nil }

    /// Options that are read here.
    static let names: Set<String> = [
        "acl_file", "allow_anonymous", "global_plugin", "listener_allow_anonymous", "password_file", "plugin",
        "plugin_load", "plugin_use", "psk_file", "use_identity_as_username", "use_subject_as_username",
    ]

    /// Reads what some options say, the last of each name.
    /// - Parameters:
    ///   - plugins: those that `plugin_load` has given names.
    ///   - hasCertificate: whether clients may have certificates, whose names the options speak of.
    init(
        _ options: [MosquittoFile.Option], _ plugins: [String: MosquittoPlugin], hasCertificate: Bool = false
    ) {
        for (index, option) in options.enumerated() {
            switch option.name {
            case "allow_anonymous", "listener_allow_anonymous": allowsAnonymous = option.text == "true"
            case "password_file": passwords = File(kind: .passwords, option: option)
            case "acl_file": rules = File(kind: .rules, option: option)
            case "use_identity_as_username":
                if hasCertificate, option.text == "true" { certificateUser = "cn" }
            case "use_subject_as_username":
                if hasCertificate, option.text == "true" { certificateUser = "subject" }
            case "psk_file": keys = option.text.isEmpty ? nil : File(kind: .keys, option: option)
            case "plugin", "global_plugin": take(MosquittoPlugin(option.text, options[(index + 1)...])?.file)
            case "plugin_use": take(plugins[option.text]?.file)
            case _: continue
            }
        }
    }

    private mutating func take(_ file: File?) {
        guard let file else { return }
        switch file.kind {
        case .passwords: passwords = file
        case .rules: rules = file
        case .keys: keys = file
        }
    }

    /// Adds its settings to a configuration.
    /// - Parameter allows: whether clients without a name are let in; nil leaves it out.
    func write(_ indent: Int, allows: Bool?, to text: inout ImportedText) {
        if let allows { text.add(indent, "allow_anonymous", allows ? "true" : "false") }
        if let passwords { text.carry(indent, "password_file", passwords) }
        if let rules { text.carry(indent, "acl_file", rules) }
        if let certificateUser { text.add(indent, "certificate_user", certificateUser) }
    }
}

/// A plugin of mosquitto 2.1 that is a file of passwords or rules.
///
/// Source: mosquitto's plugins/password-file and plugins/acl-file.
struct MosquittoPlugin {
    let file: SecurityImport.File

    /// The plugin at `path`, whose options follow it; nil for any other, and for one without its file.
    init?(_ path: String, _ following: ArraySlice<MosquittoFile.Option>) {
        let name = path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        let stem = name.prefix { $0 != "." }
        let (key, kind): (String, SecurityImport.File.Kind)
        switch stem {
        case "mosquitto_password_file": (key, kind) = ("plugin_opt_password_file", .passwords)
        case "mosquitto_acl_file": (key, kind) = ("plugin_opt_acl_file", .rules)
        case _: return nil
        }
        let options = following.prefix { $0.name.hasPrefix("plugin_opt_") }
        guard let option = options.last(where: { $0.name == key && !$0.text.isEmpty }) else { return nil }
        file = SecurityImport.File(kind: kind, option: option)
    }

    /// The plugins that `plugin_load NAME PATH` gives names.
    static func named(_ options: [MosquittoFile.Option]) -> [String: MosquittoPlugin] {
        var plugins: [String: MosquittoPlugin] = [:]
        for (index, option) in options.enumerated() where option.name == "plugin_load" {
            let words = option.text.split(separator: " ", maxSplits: 1).map(String.init)
            if words.count == 2, let plugin = MosquittoPlugin(words[1], options[(index + 1)...]) {
                plugins[words[0]] = plugin
            }
        }
        return plugins
    }
}
