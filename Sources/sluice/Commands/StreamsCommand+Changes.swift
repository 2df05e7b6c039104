import Administration
import SluiceConfiguration

/// `sluice streams create`, `alter` and `delete`.
extension StreamsCommand {
    private static let settings = [
        CommandOption("partitions", value: "N", "partitions; more than before, never fewer"),
        CommandOption("durability", value: "WORD", "what an acknowledgement promises: fsync, interval or memory"),
        CommandOption("cleanup", value: "WORD", "delete, compact or compact,delete"),
        CommandOption("retention-age", value: "SPAN", "how long records are kept, such as 7d, or unlimited"),
        CommandOption("retention-size", value: "SIZE", "what each partition keeps, such as 10GiB, or unlimited"),
    ]
    private static let notes = """
        Streams that the configuration declares are changed there. Kafka's clients see the stream as a topic at once,
        and streams that they make are changed here as well.
        """

    static let create = Command(
        name: "streams create", operands: ["NAME"], summary: "Make a stream of a running broker", notes: notes,
        example: "sluice streams create audit --partitions 2 --retention-age 30d",
        options: BrokerOption.options + settings
    ) { arguments in
        try perform(.createStream(order(arguments)), arguments)
        print("the stream '\(arguments.operands[0])' is made")
        return ExitCode.success
    }

    static let alter = Command(
        name: "streams alter", operands: ["NAME"], summary: "Change how a stream of a running broker is kept",
        notes: notes, example: "sluice streams alter audit --partitions 4 --retention-age 90d",
        options: BrokerOption.options + settings
    ) { arguments in
        let order = try order(arguments)
        guard order != StreamOrder(name: order.name) else {
            let names = settings.map { "--\($0.name)" }.joined(separator: ", ")
            throw arguments.error("expected a setting to change: \(names)")
        }
        try perform(.alterStream(order), arguments)
        print("the stream '\(order.name)' is changed")
        return ExitCode.success
    }

    static let delete = Command(
        name: "streams delete", operands: ["NAME"],
        summary: "Delete a stream of a running broker, and all that is in it",
        notes: "What groups have committed in it goes too.", example: "sluice streams delete audit",
        options: BrokerOption.options
    ) { arguments in
        try perform(.deleteStream(arguments.operands[0]), arguments)
        print("the stream '\(arguments.operands[0])' is deleted")
        return ExitCode.success
    }

    private static func perform(_ request: AdministrationRequest, _ arguments: Arguments) throws {
        let client = try BrokerOption.connect(arguments)
        let (_, reply) = try client.request(request)
        let name = arguments.operands[0]
        switch reply {
        case .done(true): try client.disconnect()
        case .unknown:
            let (_, reports) = try client.streams()
            _ = try find(name, in: reports)
        case .failed(let reason): throw CommandFailure(reason)
        case _: throw CommandFailure("the broker gave another answer than was expected")
        }
    }

    private static func order(_ arguments: Arguments) throws -> StreamOrder {
        var order = StreamOrder(name: arguments.operands[0])
        order.partitionCount = try arguments.integer("partitions", 1...16_368)
        order.durability = try choice("durability", ["fsync", "interval", "memory"], arguments)
        order.cleanup = try choice("cleanup", ["delete", "compact", "compact,delete"], arguments)
        order.retentionMilliseconds = try arguments.value("retention-age", expected: "a span such as 7d, or unlimited")
        { text in
            text == "unlimited" ? -1 : Quantity.duration(text).map(\.milliseconds)
        }
        order.retentionBytes = try arguments.value("retention-size", expected: "a size such as 10GiB, or unlimited") {
            text in
            text == "unlimited" ? -1 : Quantity.byteCount(text).map(Int64.init)
        }
        return order
    }

    private static func choice(_ name: String, _ words: [String], _ arguments: Arguments) throws -> String? {
        try arguments.value(name, expected: words.joined(separator: ", ")) { words.contains($0) ? $0 : nil }
    }
}
