import Administration
import DeviceProfiles
import PayloadFormats
import SluiceConfiguration
import SluiceCore
import TopicRouting

/// `sluice explain`.
enum ExplainCommand {
    static let command = Command(
        name: "explain", operands: ["TOPIC"], summary: "Say what a topic resolves to, and why",
        notes: """
            Lists each rule that was tried with what differs, then the match, its key, stream and partition. Where
            there are rules of access, it says who may read and publish the topic, and which line decides: of --user
            and --client, or of everybody whom the rules name.
            """,
        example: "sluice explain sensors/plant1/dev42/temp --config config/sluice.yaml",
        options: [
            ConfigurationSource.option, CommandOption("user", letter: "u", value: "NAME", "what this user may do"),
            CommandOption("client", letter: "i", value: "ID", "the client identifier, for patterns with %c"),
            CommandOption("json", "print JSON"),
        ], run: run)

    private static func run(_ arguments: Arguments) throws -> Int32 {
        let configuration = try ConfigurationSource.load(arguments)
        let rules = try RuleTranslation.rules(configuration)
        _ = try RuleTranslation.downlinks(configuration)
        for warning in RuleTranslation.warnings(configuration, rules) { Sluice.complain("warning: \(warning)") }
        let topic = Array(arguments.operands[0].utf8)
        do throws(TopicSyntaxError) {
            try FilterSyntax.check(topic: topic.span, limits: configuration.limits)
        } catch {
            throw CommandFailure("'\(arguments.operands[0])' is no topic: \(error)")
        }
        let explanation = rules.explain(topic.span)
        let name = explanation.resolution.stream
        guard let stream = configuration.streams.first(where: { $0.name == name }) else {
            preconditionFailure("Cannot resolve to a stream that the configuration does not have")
        }
        // What is in use decides, where there is something; what is configured, where there is not.
        let stored = try StreamChanges(configuration).stored?[name]
        if let stored, stored != stream.partitionCount {
            Sluice.complain(
                "warning: stream '\(name)' has \(stored) partitions in \(configuration.dataDirectory), and is "
                    + "configured with \(stream.partitionCount)")
        }
        let count = stored ?? stream.partitionCount
        let partition = explanation.resolution.partition(partitionCount: count)
        let access = AccessExplanation(
            of: topic, try AccessSources.load(configuration), user: arguments.text("user"),
            client: arguments.text("client"))
        if arguments.has("json") {
            print(json(explanation, rules, configuration, stream, partition, of: count, access))
        } else {
            print(text(explanation, rules, configuration, stream, partition, of: count) + access.text, terminator: "")
        }
        return ExitCode.success
    }

    /// What `sluice explain --json` says of a topic, by a configuration that is in force.
    /// - Throws: what is wrong with the topic.
    static func document(of name: String, _ configuration: Configuration) throws -> JSON {
        let topic = Array(name.utf8)
        try FilterSyntax.check(topic: topic.span, limits: configuration.limits)
        let rules = try RuleTranslation.rules(configuration)
        let explanation = rules.explain(topic.span)
        guard let stream = configuration.streams.first(where: { $0.name == explanation.resolution.stream }) else {
            preconditionFailure("Cannot resolve to a stream that the configuration does not have")
        }
        let count = try StreamChanges(configuration).stored?[stream.name] ?? stream.partitionCount
        return json(
            explanation, rules, configuration, stream, explanation.resolution.partition(partitionCount: count),
            of: count, AccessExplanation(of: topic, try AccessSources.load(configuration), user: nil, client: nil))
    }

    private static func text(
        _ explanation: Explanation, _ rules: RuleSet, _ configuration: Configuration, _ stream: StreamSettings,
        _ partition: Int, of count: Int
    ) -> String {
        let resolution = explanation.resolution
        var table = Table(columns: [.left, .left, .left])
        for refusal in explanation.refusals {
            let rule = RuleTranslation.name(ofRule: refusal.ruleIndex, rules, configuration)
            table.add([rule, refusal.pattern, "no: \(refusal.reason)"])
        }
        let rule =
            resolution.ruleIndex.map { RuleTranslation.name(ofRule: $0, rules, configuration) } ?? "catch-all"
        table.add([rule, resolution.pattern, "matches"])
        for capture in resolution.captures { table.add(["", "{\(capture.name)}", capture.value]) }
        table.add(["key", String(decoding: resolution.key, as: UTF8.self), ""])
        table.add(["stream", stream.name, "\(stream.durability.text), kept \(stream.retention.text)"])
        table.add(["partition", "\(partition) of \(count)", ""])
        if let index = resolution.profiled { describe(index, configuration, in: &table) }
        if let downlink = stream.downlink {
            table.add(["downlink", downlink, "the topic of the stream's records that have none of their own"])
        }
        return "\(explanation.topic)\n" + table.text(indent: 2)
    }

    /// What is expected of the payload.
    private static func describe(_ index: Int, _ configuration: Configuration, in table: inout Table) {
        let messages = configuration.profiles.flatMap { profile in profile.messages.map { (profile, $0) } }
        let (profile, message) = messages[index]
        table.add([
            "payload", message.schema.format.rawValue,
            message.schema.format == .raw ? "anything" : "else \(profile.badPayload.rawValue)",
        ])
        for field in message.schema.fields {
            var words = [field.type.word]
            if let range = field.range { words.append("\(range.lowerBound) to \(range.upperBound)") }
            if let unit = field.unit { words.append(unit) }
            if field.isRequired { words.append("required") }
            table.add(["", field.name, words.joined(separator: ", ")])
        }
        if let interval = profile.interval {
            let silence = Readable.milliseconds(profile.silenceMilliseconds ?? 0)
            table.add(["expected", "every \(Readable.milliseconds(interval.milliseconds))", "silent after \(silence)"])
        }
    }

    private static func json(
        _ explanation: Explanation, _ rules: RuleSet, _ configuration: Configuration, _ stream: StreamSettings,
        _ partition: Int, of count: Int, _ access: AccessExplanation
    ) -> JSON {
        func number(_ index: Int) -> JSON {
            let number = index - rules.profiledCount
            return number >= 0 ? .integer(Int64(number + 1)) : .null
        }
        func profile(_ index: Int) -> JSON {
            guard rules.rules[index].profiled != nil else { return .null }
            return .string(
                String(RuleTranslation.name(ofRule: index, rules, configuration).dropFirst("profile ".count)))
        }
        let resolution = explanation.resolution
        let tried = explanation.refusals.map { refusal in
            JSON.members([
                "rule": number(refusal.ruleIndex), "profile": profile(refusal.ruleIndex),
                "from": .string(refusal.pattern),
                "reason": .string("\(refusal.reason)"),
            ])
        }
        let captures = resolution.captures.map { JSON.Member(name: $0.name, value: .string($0.value)) }
        let (key, keyIsText) = JSON.bytes(resolution.key)
        return .members([
            "topic": .string(explanation.topic), "tried": .array(tried),
            "rule": resolution.ruleIndex.map(number) ?? .null,
            "profile": resolution.ruleIndex.map(profile) ?? .null, "from": .string(resolution.pattern),
            "captures": .object(captures), "key": key, "key_encoding": .string(keyIsText ? "utf8" : "base64"),
            "stream": .string(stream.name), "partition": .integer(Int64(partition)),
            "partitions": .integer(Int64(count)), "downlink": stream.downlink.map { .string($0) } ?? .null,
            "access": access.json,
        ])
    }
}
