import Administration
import CommitLogPosix
import MQTTWire
import SluiceBroker
import SluiceConfiguration
import SluiceCore
import TopicRouting

/// `sluice trace client` and `sluice trace topic`.
enum TraceCommand {
    private static let options =
        [
            CommandOption("for", value: "TIME", "how long, such as 30s or 5m, a day at most; 1m unless given"),
            CommandOption("payloads", "show payloads too, up to a kibibyte of each"),
            CommandOption("json", "print JSON, a line for each packet"),
        ] + BrokerOption.options

    static let client = Command(
        name: "trace client", operands: ["ID"], summary: "Show each packet of one client of a running broker",
        notes: """
            Both ways, as they are decoded and as they are put out, from the next one on; the client may connect later,
            and again. Payloads and passwords are not shown. It ends with its time, or when it is interrupted. For who
            may administer; the record of who came and changed what has it.
            """,
        example: "sluice trace client dev42 --for 2s", options: options
    ) { try run($0, .client($0.operands[0])) }

    static let topic = Command(
        name: "trace topic", operands: ["FILTER"],
        summary: "Show the messages of some topics, and who sends and gets them",
        notes: """
            As `sluice trace client`, of every client, PUBLISH packets only. While it goes on all clients take the
            longer way into the broker. A message that a client sends with a topic alias alone has no name to match.
            """,
        example: "sluice trace topic 'sensors/#' --for 2s", options: options
    ) { try run($0, .topic($0.operands[0])) }

    private static func run(_ arguments: Arguments, _ subject: TraceOrder.Subject) throws -> Int32 {
        let time = try arguments.value("for", expected: "a time from 1s to 1d, such as 5m") { text in
            Quantity.duration(text).map { $0.milliseconds / 1000 }
                .flatMap { (1...TraceOrder.secondsMax).contains($0) ? $0 : nil }
        }
        if case .topic(let text) = subject {
            do throws(TopicSyntaxError) { try FilterSyntax.check(filter: Array(text.utf8).span) } catch {
                throw arguments.error("FILTER '\(text)': \(error)")
            }
        }
        let seconds = time ?? 60
        let client = try BrokerOption.connect(arguments)
        let order = TraceOrder(subject, seconds: seconds, showsPayloads: arguments.has("payloads"))
        let (document, reply) = try client.request(.trace(order))
        guard reply == .done(true) else {
            throw CommandFailure(document["error"]?.text ?? "the broker does not trace: \(document)")
        }
        Sluice.complain("tracing for \(Readable.milliseconds(seconds * 1000))")
        let output = StandardOutput()
        let end = MonotonicClock.nanoseconds() + seconds * 1_000_000_000
        while MonotonicClock.nanoseconds() < end {
            guard case .message(let message)? = try client.next(milliseconds: 200) else {
                output.flush()
                continue
            }
            guard let packet = JSONReader.read(message.payload)?["trace"] else { continue }
            output.line(arguments.has("json") ? packet.compact : text(packet))
        }
        output.flush()
        try client.disconnect()
        return ExitCode.success
    }

    /// A packet as a line for people.
    private static func text(_ packet: JSON) -> String {
        let time = RFC3339.text(packet["ts"]?.integer ?? 0)
        let name = (packet["packet"]?.text ?? "").padded(to: 11)
        let direction = packet["direction"]?.text == "in" ? "->" : "<-"
        var words = [Readable.oneLine(packet["topic"]?.text ?? "")]
        for member in ["alias", "id", "qos", "code", "version", "keep_alive"] {
            if let number = packet[member]?.integer { words.append("\(member) \(number)") }
        }
        if let count = packet["bytes"]?.integer { words.append("\(count) B") }
        for member in ["retain", "dup", "clean", "session_present"] where packet[member]?.flag ?? false {
            words.append(member)
        }
        for filter in packet["filters"]?.elements ?? [] {
            words.append("\(Readable.oneLine(filter["filter"]?.text ?? "")) qos \(filter["qos"]?.integer ?? 0)")
        }
        if let codes = packet["codes"]?.elements {
            words.append("codes " + codes.compactMap { $0.integer.map { String($0) } }.joined(separator: " "))
        }
        for member in ["will", "reason", "payload"] {
            if let text = packet[member]?.text { words.append("\(member) \(Readable.oneLine(text))") }
        }
        if let count = packet["left_out"]?.integer { words.append("(\(count) before it were left out)") }
        let rest = words.filter { !$0.isEmpty }.joined(separator: "  ")
        return "\(time)  \(Readable.oneLine(packet["client"]?.text ?? "")) \(direction) \(name) \(rest)"
    }
}
