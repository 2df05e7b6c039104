import CommitLogPosix
import Glibc
import MQTTWire

/// `sluice publish`.
enum PublishCommand {
    static let command = Command(
        name: "publish", operands: ["TOPIC"], summary: "Publish messages",
        notes: """
            Ends with 0 when every message is acknowledged: on the broker's disk, unless its stream is kept less
            carefully. Exactly one of --message, --file and --stdin-lines says what is published.
            """,
        example: "sluice publish sensors/plant1/dev42/temp --message 21.5",
        options: [
            CommandOption("message", letter: "m", value: "TEXT", "the payload"),
            CommandOption("file", letter: "f", value: "FILE", "a file that is the payload"),
            CommandOption("stdin-lines", letter: "l", "one message for each line of standard input"),
            CommandOption("qos", letter: "q", value: "QOS", "0, 1 or 2; 1 unless given"),
            CommandOption("retain", letter: "r", "ask the broker to keep the message for later subscribers"),
            CommandOption("count", letter: "n", value: "N", "how often to publish it; 1 unless given"),
        ] + BrokerOption.options, run: run)

    /// Messages under way at a time; each takes a slot of the broker's window.
    private static let windowMax = 1000

    private static func run(_ arguments: Arguments) throws -> Int32 {
        let topic = Array(arguments.operands[0].utf8)
        guard !topic.isEmpty, topic.count <= 65_535 else { throw arguments.error("'' is no topic") }
        let qosNumber = try arguments.integer("qos", 0...2) ?? 1
        let count = try arguments.integer("count", 1...Int.max) ?? 1
        let sources = [arguments.text("message") != nil, arguments.text("file") != nil, arguments.has("stdin-lines")]
        guard sources.count(where: { $0 }) == 1 else {
            throw arguments.error("say what to publish with one of --message, --file and --stdin-lines")
        }
        var payload: [UInt8]?
        if let message = arguments.text("message") { payload = Array(message.utf8) }
        if let file = arguments.text("file") { payload = try FileBytes.contents(of: file, byteCountMax: 256 << 20) }
        if payload == nil, arguments.text("count") != nil {
            throw arguments.error("--count goes with --message and --file")
        }
        let client = try BrokerOption.connect(arguments)
        guard !arguments.has("retain") || client.isRetainAvailable else {
            throw CommandFailure("this broker keeps no retained messages")
        }
        var publisher = WindowedPublisher(
            client: client, topic: topic, qos: QoS(rawValue: UInt8(qosNumber)) ?? .atLeastOnce,
            retain: arguments.has("retain"), window: min(windowMax, client.receiveMaximum))
        if let payload {
            for _ in 0..<count { try publisher.publish(payload) }
        } else {
            while let line = readLine() { try publisher.publish(Array(line.utf8)) }
        }
        try publisher.finish()
        return ExitCode.success
    }
}

/// Publishes one message after the other, a window of them unacknowledged.
struct WindowedPublisher {
    let client: MQTTClient
    let topic: [UInt8]
    let qos: QoS
    let retain: Bool
    let window: Int
    private var underWay: Set<PacketID> = []

    init(client: MQTTClient, topic: [UInt8], qos: QoS, retain: Bool, window: Int) {
        precondition(window > 0)
        self.client = client
        self.topic = topic
        self.qos = qos
        self.retain = retain
        self.window = window
    }

    /// Publishes, after waiting for room.
    mutating func publish(_ payload: [UInt8]) throws(CommandFailure) {
        if underWay.count >= window { try client.flush() }
        while underWay.count >= window { try takeAcknowledgement() }
        let id = try client.publish(topic, payload, qos: qos, retain: retain)
        if qos != .atMostOnce { underWay.insert(id) }
    }

    /// Waits for what is under way, and that the broker has read everything.
    mutating func finish() throws(CommandFailure) {
        try client.flush()
        while !underWay.isEmpty { try takeAcknowledgement() }
        try client.ping()
        while let event = try client.next(milliseconds: MQTTClient.patienceMilliseconds) {
            guard case .pong = event else { continue }
            return try client.disconnect()
        }
        throw client.silent("a ping")
    }

    private mutating func takeAcknowledgement() throws(CommandFailure) {
        guard let event = try client.next(milliseconds: MQTTClient.patienceMilliseconds) else {
            throw client.silent("a publish")
        }
        guard case .acknowledged(let id, let reason) = event else { return }
        guard !reason.isFailure else {
            throw CommandFailure("the broker refuses the message, reason \(reason.rawValue) (\(reason.meaning))")
        }
        underWay.remove(id)
    }
}

extension ReasonCode {
    /// What a refused publish means.
    fileprivate var meaning: String {
        switch self {
        case .notAuthorized: "not allowed"
        case .quotaExceeded: "its disk is full"
        case .topicNameInvalid: "not a topic that it takes"
        case .unspecifiedError: "its log takes nothing any more"
        default: "see MQTT 5.0 §2.4"
        }
    }
}
