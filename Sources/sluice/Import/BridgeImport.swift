import Bridging
import SluiceConfiguration

/// A `connection` section of a mosquitto.conf as an element of `bridges`.
struct BridgeImport {
    private typealias Option = MosquittoFile.Option

    private let section: MosquittoFile.Section
    private let secretsDirectory: String
    private var topics: [BridgeTopic] = []
    private var name = ""

    /// An import of `section`.
    init(_ section: MosquittoFile.Section, secretsDirectory: String) {
        self.section = section
        self.secretsDirectory = secretsDirectory
    }

    /// Writes the bridge under a name that is not among `names`.
    mutating func write(to text: inout ImportedText, _ names: inout Set<String>) {
        guard !section.head.text.isEmpty else {
            return text.leaveOut(section.head, "the connection has no name, and is left out")
        }
        guard let addresses = addresses(&text) else {
            return text.leaveOut(section.head, "the connection has no address, and is left out")
        }
        var lines = ImportedText()
        for option in section.options where option.name == "topic" {
            do throws(BridgeTopic.Fault) {
                topics.append(try BridgeTopic(words: option.words))
                lines.add(6, "- topic", ImportedText.quoted(option.words.joined(separator: " ")))
            } catch {
                text.note(option, error.description)
            }
        }
        guard !topics.isEmpty else {
            return text.leaveOut(section.head, "the connection has no topics, and is left out")
        }
        takeName(&text, &names)
        guard let security = security(&text) else { return }
        text.add(2, "- name", ImportedText.quoted(name))
        text.add(4, "address", ImportedText.quoted(addresses))
        text.add("    topics:")
        text.add(lines)
        writeVersion(to: &text)
        for option in held { convert(option, &text) }
        writeRestart(to: &text)
        if !security.lines.isEmpty { text.add("    tls:") }
        text.add(security)
    }

    /// A name of ours: what mosquitto allows besides becomes a hyphen, and what is there already gets a number.
    private mutating func takeName(_ text: inout ImportedText, _ names: inout Set<String>) {
        let allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
        let base = String(
            section.head.text.unicodeScalars.prefix(60).map { scalar in
                allowed.unicodeScalars.contains(scalar) ? Character(scalar) : "-"
            })
        name = base
        var number = 2
        while !names.insert(name).inserted {
            name = "\(base)-\(number)"
            number += 1
        }
        if name != section.head.text {
            text.note(section.head, "the name '\(section.head.text)' becomes '\(name)'")
        }
    }

    /// `HOST:PORT` of each address that is one, with spaces between them.
    private func addresses(_ text: inout ImportedText) -> String? {
        guard let option = section.option("address", "addresses") else { return nil }
        var addresses: [String] = []
        for word in option.words {
            if let address = ListenAddress(Self.address(word)), address.port > 0 {
                addresses.append(address.description)
            } else {
                text.note(option, "expected HOST or HOST:PORT, found '\(word)'")
            }
        }
        return addresses.isEmpty ? nil : addresses.joined(separator: " ")
    }

    /// `HOST:PORT`, with brackets around an IPv6 address.
    private static func address(_ word: String) -> String {
        guard let colon = word.lastIndex(of: ":") else { return word + ":1883" }
        let host = word[..<colon]
        return host.contains(":") && !host.hasPrefix("[") ? "[\(host)]\(word[colon...])" : word
    }

    /// The last option of each name, which is the one that holds; mosquitto has two names for some.
    private var held: [Option] {
        func setting(_ name: String) -> String {
            switch name {
            case "clientid", "username", "password": "remote_\(name)"
            case _: name
            }
        }
        return section.options.enumerated().filter { index, option in
            !section.options[(index + 1)...].contains { setting($0.name) == setting(option.name) }
        }.map(\.element)
    }

    /// mosquitto marks a bridge in the protocol level of 3.1.1, which a client of libmosquitto cannot; MQTT 5 has an
    /// option for what that is good for.
    private func writeVersion(to text: inout ImportedText) {
        let isMarked = section.option("try_private").map { $0.text != "false" } ?? true
        let goesBothWays = topics.contains(where: \.direction.isIn) && topics.contains(where: \.direction.isOut)
        guard let option = section.option("bridge_protocol_version") else {
            if isMarked, goesBothWays {
                text.note(
                    section.head,
                    "topics go both ways, so MQTT 5 is spoken: its 'no local' does what try_private does in mosquitto"
                )
            }
            return text.add(4, "protocol", isMarked && goesBothWays ? "\"5\"" : "\"3.1.1\"")
        }
        switch option.text {
        case "mqttv50": text.add(4, "protocol", "\"5\"")
        case "mqttv311":
            text.add(4, "protocol", "\"3.1.1\"")
            if isMarked, goesBothWays {
                text.note(
                    option, "topics go both ways, and with 3.1.1 the upstream sends back what it gets; mqttv50 does not"
                )
            }
        case "mqttv31":
            text.add(4, "protocol", "\"3.1.1\"")
            text.note(option, "MQTT 3.1 is not spoken by bridges; 3.1.1 takes its place")
        case _: text.note(option, "expected mqttv50, mqttv311 or mqttv31, found '\(option.text)'")
        }
    }

    private func convert(_ option: Option, _ text: inout ImportedText) {
        switch option.name {
        case "address", "addresses", "bridge_alpn", "topic", "bridge_protocol_version", "restart_timeout",
            "bridge_cafile",
            "bridge_capath", "bridge_certfile", "bridge_keyfile", "bridge_insecure", "bridge_tls_version",
            "bridge_identity", "bridge_psk", "bridge_tls_use_os_certs":
            return
        case "remote_clientid", "clientid": string(option, "client_id", &text)
        case "local_clientid": string(option, "local_client_id", &text)
        case "remote_username", "username": string(option, "username", &text)
        case "remote_password", "password":
            noteQuotes(option, &text)
            guard !option.text.isEmpty else { return text.note(option, "has no value") }
            text.hide(4, "password_file", option.text, in: secretsDirectory, named: "\(name).password")
        case "notification_topic": string(option, "notification_topic", &text)
        case "bridge_bind_address": string(option, "bind_address", &text)
        case "bridge_max_packet_size": number(option, "packet_size", 64...256 << 20, "", &text)
        case "round_robin": flag(option, "round_robin", &text)
        case "cleansession": flag(option, "clean_session", &text)
        case "try_private": flag(option, "try_private", &text)
        case "notifications": flag(option, "notifications", &text)
        case "notifications_local_only": flag(option, "notifications_local_only", &text)
        case "bridge_outgoing_retain": flag(option, "outgoing_retain", &text)
        case "keepalive_interval": number(option, "keep_alive", 5...65_535, "s", &text)
        case "idle_timeout": number(option, "idle_timeout", 1...86_400, "s", &text)
        case "threshold": number(option, "threshold", 1...1_000_000, "", &text)
        case "start_type": start(option, &text)
        case "bridge_attempt_unsubscribe":
            text.note(option, "not needed: a bridge that takes nothing in has no subscription")
        case "local_cleansession": text.note(option, "not needed: what is not forwarded yet stays in the log")
        case "local_username", "local_password":
            text.note(option, "not needed: a bridge is no client of its own broker")
        case _: text.note(option, "is not converted")
        }
    }

    private func string(_ option: Option, _ key: String, _ text: inout ImportedText) {
        noteQuotes(option, &text)
        guard !option.text.isEmpty else { return text.note(option, "has no value") }
        text.add(4, key, ImportedText.quoted(option.text))
    }

    /// Quotes mean nothing in a mosquitto.conf.
    private func noteQuotes(_ option: Option, _ text: inout ImportedText) {
        guard let first = option.text.first, option.text.count > 1, first == option.text.last,
            first == "\"" || first == "'"
        else { return }
        text.note(option, "the quotes are part of the value, as they are to mosquitto")
    }

    private func start(_ option: Option, _ text: inout ImportedText) {
        switch option.text {
        case "automatic": text.add(4, "start", "automatic")
        case "lazy":
            if topics.contains(where: \.direction.isIn) {
                text.note(option, "a lazy bridge would not hear of its topics that come in; it is automatic")
            } else {
                text.add(4, "start", "lazy")
            }
        case _: text.note(option, "expected automatic or lazy, found '\(option.text)'; the bridge is automatic")
        }
    }

    private func flag(_ option: Option, _ key: String, _ text: inout ImportedText) {
        switch option.text {
        case "true", "1": text.add(4, key, "true")
        case "false", "0": text.add(4, key, "false")
        case _: text.note(option, "expected true or false, found '\(option.text)'")
        }
    }

    private func number(
        _ option: Option, _ key: String, _ range: ClosedRange<Int>, _ unit: String, _ text: inout ImportedText
    ) {
        guard let value = option.words.first.flatMap({ Int($0) }), value > 0 else {
            return text.note(option, "expected a number, found '\(option.text)'")
        }
        text.add(4, key, "\(text.clamped(option, value, to: range))\(unit)")
    }

    private func writeRestart(to text: inout ImportedText) {
        guard let option = section.option("restart_timeout") else { return }
        let numbers = option.words.compactMap { Int($0) }
        guard numbers.count == option.words.count, (1...2).contains(numbers.count), numbers.allSatisfy({ $0 > 0 }),
            numbers[0] <= numbers[numbers.count - 1]
        else { return text.note(option, "expected one or two numbers of seconds, found '\(option.text)'") }
        text.add(4, "restart", "\(text.clamped(option, numbers[0], to: 1...86_400))s")
        text.add(4, "restart_max", "\(min(numbers[numbers.count - 1], 86_400))s")
    }

    /// The lines of `tls`; nil when the bridge cannot be secured as it was, and is left out.
    private func security(_ text: inout ImportedText) -> ImportedText? {
        var lines = ImportedText()
        for (one, other) in [("bridge_certfile", "bridge_keyfile"), ("bridge_identity", "bridge_psk")] {
            let found = [section.option(one), section.option(other)].compactMap { $0 }
            guard let first = found.first, found.count == 1 || found.contains(where: \.text.isEmpty) else { continue }
            text.leaveOut(first, "'\(one)' and '\(other)' go together; the connection is left out")
            return nil
        }
        for (option, key) in [
            ("bridge_cafile", "ca"), ("bridge_capath", "ca_path"), ("bridge_certfile", "certificate"),
            ("bridge_keyfile", "key"), ("bridge_identity", "psk_identity"),
        ] {
            guard let found = section.option(option) else { continue }
            guard !found.text.isEmpty else {
                text.leaveOut(found, "has no value; the connection is left out")
                return nil
            }
            lines.add(6, key, ImportedText.quoted(found.text))
        }
        if let key = section.option("bridge_psk") {
            guard Hexadecimal.bytes(key.text) != nil else {
                text.leaveOut(key, "expected hexadecimal digits; the connection is left out")
                return nil
            }
            lines.hide(6, "psk_file", key.text, in: secretsDirectory, named: "\(name).psk")
        }
        let isOfSystem = section.isTrue("bridge_tls_use_os_certs")
        guard !lines.lines.isEmpty || isOfSystem else { return lines }
        if let name = section.option("bridge_alpn") {
            if (1...255).contains(name.text.utf8.count) {
                lines.add(6, "alpn", ImportedText.quoted(name.text))
            } else {
                text.note(name, "expected a protocol's name of 1 to 255 bytes, found '\(name.text)'")
            }
        }
        if section.isTrue("bridge_insecure") { lines.add(6, "accept_other_hosts", "true") }
        switch section.option("bridge_tls_version")?.text {
        case "tlsv1.3": lines.add(6, "min_version", "1.3")
        case "tlsv1.2", nil: lines.add(6, "min_version", "1.2")
        case .some(let version):
            lines.add(6, "min_version", "1.2")
            if let option = section.option("bridge_tls_version") {
                text.note(option, "nothing older than TLS 1.2 is spoken, found '\(version)'")
            }
        }
        return lines
    }
}
