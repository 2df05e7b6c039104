import Administration
import CommitLogPosix
import DeviceProfiles
import MQTTWire
import PayloadFormats
import SluiceBroker
import SluiceConfiguration
import SluiceCore
import TopicRouting

/// What a configuration would have made of what a running broker has stored: its rules and profiles, put to history.
/// Nothing is changed.
///
/// Messages that were refused are on no record, and what Kafka clients produced goes by no rules: neither is looked at.
struct DryRun {
    /// What became of a message, or would have.
    enum Outcome: Hashable {
        case stored(stream: String)
        case deadLetter(profile: String, reason: String)
        case refused(profile: String, reason: String)

        var text: String {
            switch self {
            case .stored(let stream): "stored in \(stream)"
            case .deadLetter(let profile, let reason): "a dead letter of \(profile): \(reason)"
            case .refused(let profile, let reason): "refused by \(profile): \(reason)"
            }
        }
    }

    /// A kind of message that would have become something else.
    struct Difference {
        var count = 0
        /// The first of them: where each is, its topic, and what is wrong with it.
        var examples: [String] = []
    }

    /// What would be different, with how often it is.
    private(set) var differences: [Change: Difference] = [:]
    /// Messages that were looked at.
    private(set) var count = 0
    private let rules: RuleSet
    private let profiles: ProfileSet
    private let reader = PayloadReader()
    private var sparkplug = SparkplugNodes()

    /// What was, and what would have been.
    struct Change: Hashable {
        var was: Outcome
        var wouldBe: Outcome
    }

    private static let examplesMax = 3

    init(rules: RuleSet, profiles: ProfileSet) {
        self.rules = rules
        self.profiles = profiles
    }

    /// Reads the streams of a broker from a position on.
    mutating func run(_ arguments: Arguments, from position: ReplayPosition, _ text: String) throws {
        let client = try BrokerOption.connect(arguments)
        let streams = try client.streams().reports.filter { !$0.name.hasPrefix("__") }
        try client.disconnect()
        let total = streams.flatMap(\.partitions).reduce(0) { $0 + $1.recordCount }
        let progress = Progress("records", total: total, countsBytes: false)
        for stream in streams { try read(stream, arguments, position, text, progress) }
        progress.clear()
    }

    private mutating func read(
        _ stream: StreamReport, _ arguments: Arguments, _ position: ReplayPosition, _ text: String,
        _ progress: Progress
    ) throws {
        var consumption = Consumption(
            report: stream, from: position, until: nil, limit: nil, isFollowing: false, filter: nil)
        guard !consumption.isDone else { return }
        let client = try BrokerOption.connect(arguments)
        try ConsumeCommand.subscribe(client, to: stream, from: text)
        try ConsumeCommand.forEach(client, &consumption) { message, record in
            take(message, record, stream: stream.name)
            progress.advance(by: 1)
        }
        try client.disconnect()
    }

    private mutating func take(_ message: ReceivedMessage, _ record: ConsumedRecord, stream: String) {
        var topic = Array(record.topic.utf8)
        var was = Outcome.stored(stream: stream)
        if let reason = message.user("dlq.reason") {
            let prefix = Array("\(ReservedTopic.deadLetters)/".utf8)
            guard topic.starts(with: prefix) else { return }
            topic.removeFirst(prefix.count)
            was = .deadLetter(profile: message.user("dlq.profile") ?? "", reason: reason)
        }
        count += 1
        let (wouldBe, words) = outcome(topic, message.payload)
        guard wouldBe != was else { return }
        var difference = differences[Change(was: was, wouldBe: wouldBe)] ?? Difference()
        difference.count += 1
        if difference.examples.count < Self.examplesMax {
            let place = "\(stream) \(record.partition):\(record.offset)"
            difference.examples.append(
                "\(place)  \(String(decoding: topic, as: UTF8.self))" + (words.map { "  \($0)" } ?? ""))
        }
        differences[Change(was: was, wouldBe: wouldBe)] = difference
    }

    /// What would become of a message, and what is wrong with it in words.
    private mutating func outcome(_ topic: [UInt8], _ payload: [UInt8]) -> (Outcome, String?) {
        let resolution = rules.resolve(topic.span)
        let stored = Outcome.stored(stream: resolution.stream)
        guard let entry = resolution.profiled else { return (stored, nil) }
        let schema = profiles.entries[entry].message.schema
        guard let fault = sparkplug.check(payload.span, of: topic.span, slack: 0, schema: schema, by: reader) else {
            return (stored, nil)
        }
        let profile = profiles.profile(ofEntry: entry)
        let outcome: Outcome =
            switch profile.badPayload {
            case .accept: stored
            case .deadLetter: .deadLetter(profile: profile.name, reason: fault.reason.rawValue)
            case .refuse: .refused(profile: profile.name, reason: fault.reason.rawValue)
            }
        return (outcome, schema.explain(fault))
    }

    // MARK: Reports

    private var sorted: [(change: Change, difference: Difference)] {
        differences.map { (change: $0.key, difference: $0.value) }.sorted {
            ($1.difference.count, $0.change.was.text) < ($0.difference.count, $1.change.was.text)
        }
    }

    /// What would be different, for people.
    var text: String {
        guard !differences.isEmpty else { return "\(count) messages: each would have become what it has\n" }
        var lines = [
            "\(count) messages, \(differences.values.reduce(0) { $0 + $1.count }) would have become something else:"
        ]
        for (change, difference) in sorted {
            lines.append("\n\(difference.count) \(change.was.text) -> \(change.wouldBe.text)")
            lines += difference.examples.map { "  \($0)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What would be different, for scripts.
    var json: JSON {
        .members([
            "messages": .integer(Int64(count)),
            "differences": .array(
                sorted.map { change, difference in
                    .members([
                        "was": .string(change.was.text), "would_be": .string(change.wouldBe.text),
                        "count": .integer(Int64(difference.count)),
                        "examples": .array(difference.examples.map { .string($0) }),
                    ])
                }),
        ])
    }
}
