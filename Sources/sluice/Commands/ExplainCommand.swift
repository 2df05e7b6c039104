import Administration
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
            print(json(explanation, stream, partition, of: count, access))
        } else {
            print(text(explanation, stream, partition, of: count) + access.text, terminator: "")
        }
        return ExitCode.success
    }

    private static func text(
        _ explanation: Explanation, _ stream: StreamSettings, _ partition: Int, of count: Int
    ) -> String {
        let resolution = explanation.resolution
        var table = Table(columns: [.left, .left, .left])
        for refusal in explanation.refusals {
            table.add(["rule \(refusal.ruleIndex + 1)", refusal.pattern, "no: \(refusal.reason)"])
        }
        let rule = resolution.ruleIndex.map { "rule \($0 + 1)" } ?? "catch-all"
        table.add([rule, resolution.pattern, "matches"])
        for capture in resolution.captures { table.add(["", "{\(capture.name)}", capture.value]) }
        table.add(["key", String(decoding: resolution.key, as: UTF8.self), ""])
        table.add(["stream", stream.name, "\(stream.durability.text), kept \(stream.retention.text)"])
        table.add(["partition", "\(partition) of \(count)", ""])
        if let downlink = stream.downlink {
            table.add(["downlink", downlink, "the topic of the stream's records that have none of their own"])
        }
        return "\(explanation.topic)\n" + table.text(indent: 2)
    }

    private static func json(
        _ explanation: Explanation, _ stream: StreamSettings, _ partition: Int, of count: Int,
        _ access: AccessExplanation
    ) -> JSON {
        let resolution = explanation.resolution
        let tried = explanation.refusals.map { refusal in
            JSON.members([
                "rule": .integer(Int64(refusal.ruleIndex + 1)), "from": .string(refusal.pattern),
                "reason": .string("\(refusal.reason)"),
            ])
        }
        let captures = resolution.captures.map { JSON.Member(name: $0.name, value: .string($0.value)) }
        let (key, keyIsText) = JSON.bytes(resolution.key)
        return .members([
            "topic": .string(explanation.topic), "tried": .array(tried),
            "rule": .optional(resolution.ruleIndex.map { Int64($0 + 1) }), "from": .string(resolution.pattern),
            "captures": .object(captures), "key": key, "key_encoding": .string(keyIsText ? "utf8" : "base64"),
            "stream": .string(stream.name), "partition": .integer(Int64(partition)),
            "partitions": .integer(Int64(count)), "downlink": stream.downlink.map { .string($0) } ?? .null,
            "access": access.json,
        ])
    }
}
