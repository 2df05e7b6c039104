import Bridging

/// A `connection` section of a mosquitto.conf as an element of `bridges`.
struct BridgeImport {
    private typealias Option = MosquittoFile.Option

    private let section: MosquittoFile.Section
    private var topics: [BridgeTopic] = []

    /// An import of `section`.
    init(_ section: MosquittoFile.Section) { self.section = section }

    /// Writes the bridge.
    mutating func write(to text: inout ImportedText) {
        guard !section.head.words.isEmpty else { return text.note(section.head, "the connection has no name") }
        guard let address = section.option("address", "addresses"), !address.words.isEmpty else {
            return text.note(section.head, "the connection has no address, and is left out")
        }
        var lines = ImportedText()
        for option in section.options where option.name == "topic" {
            do throws(BridgeTopic.Fault) {
                topics.append(try BridgeTopic(words: option.words))
                lines.add(6, "- topic", ImportedText.quoted(option.text))
            } catch {
                text.note(option, error.description)
            }
        }
        guard !topics.isEmpty else {
            return text.note(section.head, "the connection has no topics, and is left out")
        }
        text.add(2, "- name", Self.name(section.head, &text))
        text.add(4, "address", ImportedText.quoted(address.words.map(Self.address).joined(separator: " ")))
        text.add("    topics:")
        for line in lines.lines { text.add(line) }
        writeVersion(to: &text)
        for option in section.options { convert(option, &text) }
        writeRestart(to: &text)
        writeSecurity(to: &text)
    }

    /// A name of ours; what mosquitto allows besides becomes a hyphen.
    private static func name(_ option: MosquittoFile.Option, _ text: inout ImportedText) -> String {
        let allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
        let name = String(option.text.prefix(64).map { allowed.contains($0) ? $0 : "-" })
        if name != option.text { text.note(option, "the name '\(option.text)' becomes '\(name)'") }
        return ImportedText.quoted(name)
    }

    /// `HOST:PORT`, with brackets around an IPv6 address.
    private static func address(_ word: String) -> String {
        guard let colon = word.lastIndex(of: ":") else { return word + ":1883" }
        let host = word[..<colon]
        return host.contains(":") && !host.hasPrefix("[") ? "[\(host)]\(word[colon...])" : word
    }

    /// mosquitto marks a bridge in the protocol level of 3.1.1, which a client of libmosquitto cannot; MQTT 5 has an
    /// option for what that is good for.
    private func writeVersion(to text: inout ImportedText) {
        let isMarked = section.option("try_private").map { $0.words.first != "false" } ?? true
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
        switch option.words.first {
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

    private func convert(_ option: MosquittoFile.Option, _ text: inout ImportedText) {
        let quoted = ImportedText.quoted(option.text)
        switch option.name {
        case "address", "addresses", "topic", "bridge_protocol_version", "restart_timeout", "bridge_cafile",
            "bridge_capath", "bridge_certfile", "bridge_keyfile", "bridge_insecure", "bridge_tls_version",
            "bridge_identity", "bridge_psk":
            return
        case "remote_clientid", "clientid": text.add(4, "client_id", quoted)
        case "local_clientid": text.add(4, "local_client_id", quoted)
        case "remote_username", "username": text.add(4, "username", quoted)
        case "remote_password", "password": text.add(4, "password", quoted)
        case "notification_topic": text.add(4, "notification_topic", quoted)
        case "bridge_bind_address": text.add(4, "bind_address", quoted)
        case "bridge_max_packet_size": number(option, "packet_size", "", &text)
        case "round_robin": flag(option, "round_robin", &text)
        case "cleansession": flag(option, "clean_session", &text)
        case "try_private": flag(option, "try_private", &text)
        case "notifications": flag(option, "notifications", &text)
        case "notifications_local_only": flag(option, "notifications_local_only", &text)
        case "bridge_outgoing_retain": flag(option, "outgoing_retain", &text)
        case "keepalive_interval": number(option, "keep_alive", "s", &text)
        case "idle_timeout": number(option, "idle_timeout", "s", &text)
        case "threshold": number(option, "threshold", "", &text)
        case "start_type": start(option, &text)
        case "bridge_attempt_unsubscribe":
            text.note(option, "not needed: a bridge that takes nothing in has no subscription")
        case "local_cleansession": text.note(option, "not needed: what is not forwarded yet stays in the log")
        case "local_username", "local_password":
            text.note(option, "not needed: a bridge is no client of its own broker")
        case _: text.note(option, "is not converted")
        }
    }

    private func start(_ option: MosquittoFile.Option, _ text: inout ImportedText) {
        switch option.words.first {
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

    private func flag(_ option: MosquittoFile.Option, _ key: String, _ text: inout ImportedText) {
        switch option.words.first {
        case "true", "1": text.add(4, key, "true")
        case "false", "0": text.add(4, key, "false")
        case _: text.note(option, "expected true or false, found '\(option.text)'")
        }
    }

    private func number(_ option: MosquittoFile.Option, _ key: String, _ unit: String, _ text: inout ImportedText) {
        guard let value = option.words.first.flatMap({ Int($0) }), value > 0 else {
            return text.note(option, "expected a number, found '\(option.text)'")
        }
        text.add(4, key, "\(value)\(unit)")
    }

    private func writeRestart(to text: inout ImportedText) {
        guard let option = section.option("restart_timeout") else { return }
        let numbers = option.words.compactMap { Int($0) }
        guard numbers.count == option.words.count, (1...2).contains(numbers.count), numbers.allSatisfy({ $0 > 0 }),
            numbers[0] <= numbers[numbers.count - 1]
        else { return text.note(option, "expected one or two numbers of seconds, found '\(option.text)'") }
        text.add(4, "restart", "\(numbers[0])s")
        text.add(4, "restart_max", "\(numbers[numbers.count - 1])s")
    }

    private func writeSecurity(to text: inout ImportedText) {
        var lines = ImportedText()
        for (option, key) in [
            ("bridge_cafile", "ca"), ("bridge_capath", "ca_path"), ("bridge_certfile", "certificate"),
            ("bridge_keyfile", "key"), ("bridge_identity", "psk_identity"), ("bridge_psk", "psk"),
        ] {
            if let found = section.option(option) { lines.add(6, key, ImportedText.quoted(found.text)) }
        }
        guard !lines.lines.isEmpty else { return }
        if section.option("bridge_insecure")?.words.first == "true" { lines.add(6, "accept_other_hosts", "true") }
        if let version = section.option("bridge_tls_version") {
            switch version.words.first {
            case "tlsv1.3": lines.add(6, "min_version", "1.3")
            case "tlsv1.2": lines.add(6, "min_version", "1.2")
            case _: text.note(version, "nothing older than TLS 1.2 is spoken, found '\(version.text)'")
            }
        }
        text.add("    tls:")
        for line in lines.lines { text.add(line) }
    }
}
