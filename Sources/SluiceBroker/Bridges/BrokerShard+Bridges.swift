import MQTTWire

/// The node's bridges, as clients see them.
extension BrokerShard {
    /// A bridge came or went; new subscriptions are told what was told last.
    func told(bridge topic: SystemTopic) {
        bridgeTopics.removeAll { $0.topic == topic.topic }
        bridgeTopics.append(topic)
        broadcast(topic, retain: false)
    }

    /// Every bridge of the node.
    func bridgesDocument() -> String {
        let statuses = settings.bridges?.statuses ?? []
        return "{\"bridges\":[\(statuses.map(\.json).joined(separator: ","))]}"
    }

    /// Hands a command to a bridge; the payload is its name, and behind a line feed what the command needs.
    func commandBridge(_ verb: String, _ payload: [UInt8]) -> String? {
        let lines = String(decoding: payload, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        let name = lines.first.map(String.init) ?? ""
        let argument = lines.count > 1 ? String(lines[1]) : ""
        let command: BridgeCommand
        switch verb {
        case "pause": command = .pause
        case "resume": command = .resume
        case "seek":
            guard let seek = BridgeSeek(argument) else {
                return "{\"done\":false,\"error\":\"expected earliest, latest or milliseconds since 1970\"}"
            }
            command = .seek(seek)
        case _: return nil
        }
        return "{\"done\":\(settings.bridges?.perform(command, on: name) ?? false)}"
    }
}

extension BridgeSeek {
    /// Reads `earliest`, `latest`, or milliseconds since 1970.
    init?(_ text: String) {
        switch text {
        case "earliest": self = .earliest
        case "latest": self = .latest
        case _:
            guard let time = Int64(text), time >= 0 else { return nil }
            self = .time(time)
        }
    }
}
