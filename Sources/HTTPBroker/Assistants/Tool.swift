import AccessControl
import Administration
import HTTPWire
import LogInterface
import SluiceBroker
import SluiceCore

/// Something that an assistant may ask, which changes nothing.
struct Tool: Sendable {
    typealias Done = (Result<JSON, HTTPFault>) -> Void

    let name: String
    let summary: String
    let parameters: [Parameter]
    let run: @Sendable (HTTPShard, Exchange, Arguments, @escaping Done) throws(HTTPFault) -> Void

    /// Something that may be given.
    struct Parameter: Sendable {
        let name: String
        let help: String
        var kind = Kind.text
        var isRequired = false

        init(_ name: String, _ help: String, _ kind: Kind = .text, isRequired: Bool = false) {
            self.name = name
            self.help = help
            self.kind = kind
            self.isRequired = isRequired
        }

        /// What it is as JSON Schema has it. Assistants that write numbers and truth as text are understood too.
        fileprivate var schema: JSON {
            let kind: [JSON.Member] =
                switch kind {
                case .text: [JSON.Member(name: "type", value: .string("string"))]
                case .truth: [JSON.Member(name: "type", value: .string("boolean"))]
                case .number(let range):
                    [
                        JSON.Member(name: "type", value: .string("integer")),
                        JSON.Member(name: "minimum", value: .integer(range.lowerBound)),
                        JSON.Member(name: "maximum", value: .integer(range.upperBound)),
                    ]
                }
            return .object(kind + [JSON.Member(name: "description", value: .string(help))])
        }

        /// Why a value is none of it; nil when it is one.
        fileprivate func fault(of value: JSON) -> String? {
            switch (kind, value) {
            case (_, .null), (.text, .string), (.text, .integer), (.truth, .bool): nil
            case (.truth, .string("true")), (.truth, .string("false")): nil
            case (.truth, _): "'\(name)': expected true or false, found \(value.compact)"
            case (.text, _): "'\(name)': expected text, found \(value.compact)"
            case (.number(let range), _):
                range.contains(Self.number(value) ?? range.lowerBound - 1)
                    ? nil
                    : "'\(name)': expected \(range.lowerBound) to \(range.upperBound), found \(value.compact)"
            }
        }

        private static func number(_ value: JSON) -> Int64? { value.integer ?? value.text.flatMap { Int64($0) } }

        /// What a value may be.
        enum Kind: Sendable {
            case text
            case truth
            case number(ClosedRange<Int64>)
        }
    }

    /// What an assistant has given.
    struct Arguments {
        private let values: JSON

        /// Arguments of a tool.
        /// - Throws: what is wrong with them, for the assistant to put right.
        init(_ values: JSON?, of tool: Tool) throws(HTTPFault) {
            self.values = values ?? .object([])
            switch self.values {
            case .object(let members):
                for member in members {
                    guard let parameter = tool.parameters.first(where: { $0.name == member.name }) else {
                        let advice = Nearest.advice(for: member.name, among: tool.parameters.map(\.name))
                        throw HTTPFault(.badRequest, "\(tool.name) has no '\(member.name)'\(advice)")
                    }
                    if let words = parameter.fault(of: member.value) { throw HTTPFault(.badRequest, words) }
                }
            case .null: break
            case _: throw HTTPFault(.badRequest, "'arguments': expected an object")
            }
            for parameter in tool.parameters where parameter.isRequired { _ = try required(parameter.name) }
        }

        func text(_ name: String) -> String? {
            switch values[name] {
            case .string(let text)?: text
            case .integer(let number)?: String(number)
            case _: nil
            }
        }

        func flag(_ name: String) -> Bool { values[name]?.flag ?? (text(name) == "true") }

        func required(_ name: String) throws(HTTPFault) -> String {
            guard let text = text(name), !text.isEmpty else {
                throw HTTPFault(.badRequest, "'\(name)' is missing")
            }
            return text
        }
    }

    /// The tool as `tools/list` tells of it.
    var description: JSON {
        let properties = parameters.map { JSON.Member(name: $0.name, value: $0.schema) }
        return .members([
            "name": .string(name), "description": .string(summary),
            "inputSchema": .members([
                "type": .string("object"), "properties": .object(properties),
                "required": .array(parameters.filter(\.isRequired).map { .string($0.name) }),
                "additionalProperties": .bool(false),
            ]),
            "annotations": .members(["readOnlyHint": .bool(true), "openWorldHint": .bool(false)]),
        ])
    }

    private static let times = "a time: now, -1h, 2026-09-01T03:00Z"

    static let all: [Tool] = [
        Tool(name: "list_streams", summary: "Every stream with its settings and partitions.", parameters: []) {
            shard, exchange, _, done throws(HTTPFault) in
            shard.ask(exchange, .streams, for: done)
        },
        Tool(
            name: "list_devices", summary: "Devices: last reading, when it was last seen, whether it is silent.",
            parameters: [
                Parameter("profile", "only devices of this profile"),
                Parameter("silent", "whether only those that are silent", .truth),
            ]
        ) { shard, exchange, arguments, done throws(HTTPFault) in
            var query = DeviceQuery()
            query.limit = 200
            query.profile = arguments.text("profile") ?? ""
            query.isSilent = arguments.flag("silent")
            shard.ask(exchange, .devices(query), for: done)
        },
        Tool(
            name: "last_value", summary: "The last message of each topic that a filter matches.",
            parameters: [Parameter("filter", "a topic or a topic filter, such as plant1/+/temp", isRequired: true)]
        ) { shard, exchange, arguments, done throws(HTTPFault) in
            try shard.state(exchange, try arguments.required("filter"), "now", done)
        },
        Tool(
            name: "state_at", summary: "The last message of each topic that a filter matches, at a moment of the past.",
            parameters: [
                Parameter("filter", "a topic or a topic filter", isRequired: true),
                Parameter("time", times, isRequired: true),
            ]
        ) { shard, exchange, arguments, done throws(HTTPFault) in
            try shard.state(exchange, try arguments.required("filter"), try arguments.required("time"), done)
        },
        Tool(
            name: "history", summary: "Messages of a stream in their order, of a topic filter or a key, within a time.",
            parameters: [
                Parameter("stream", "the stream", isRequired: true), Parameter("filter", "a topic filter"),
                Parameter("key", "a key, a device's"),
                Parameter("from", times + ", earliest"), Parameter("to", times),
                Parameter("limit", "100 unless given", .number(1...1000)),
            ]
        ) { shard, exchange, arguments, done throws(HTTPFault) in
            try shard.history(exchange, arguments, done)
        },
        Tool(
            name: "lag", summary: "Consumer groups: members, positions, and how many records they have not done with.",
            parameters: []
        ) {
            shard, exchange, _, done throws(HTTPFault) in
            shard.ask(exchange, .groups, for: done)
        },
        Tool(
            name: "bridges", summary: "Bridges to other brokers: state, lag, what they forwarded and refused.",
            parameters: []
        ) {
            shard, exchange, _, done throws(HTTPFault) in
            shard.ask(exchange, .bridges, for: done)
        },
        Tool(
            name: "explain", summary: "Where messages of a topic go, and why.",
            parameters: [Parameter("topic", "the topic", isRequired: true)]
        ) { shard, exchange, arguments, done throws(HTTPFault) in
            let topic = try arguments.required("topic")
            if let fault = shard.faultOfAdministering(exchange) { throw fault }
            let document = shard.settings.node.explain(topic: topic)
            if let words = document["error"]?.text { throw HTTPFault(.badRequest, words) }
            done(.success(document))
        },
    ]
}

extension HTTPShard {
    /// Asks the broker for a tool.
    fileprivate func ask(_ exchange: Exchange, _ request: AdministrationRequest, for done: @escaping Tool.Done) {
        guard let session = exchange.session else { return }
        session.request(request) { answer in
            switch answer {
            case .document(let document): done(.success(document))
            case .refused(let refusal):
                done(.failure(Self.fault(of: refusal.code, refusal.words, "\(request.name) is not answered")))
            }
        }
    }

    fileprivate func state(
        _ exchange: Exchange, _ filter: String, _ time: String, _ done: @escaping Tool.Done
    ) throws(HTTPFault) {
        let bytes = try Self.stateFilter(filter, settings.limits)
        findState(exchange, bytes, at: try stateTime(time)) { result in
            done(result.map { .members(["values": .array($0)]) })
        }
    }

    fileprivate func history(
        _ exchange: Exchange, _ arguments: Tool.Arguments, _ done: @escaping Tool.Done
    ) throws(HTTPFault) {
        let stream = try readableStream(named: try arguments.required("stream"))
        let filter = try recordFilter(
            exchange, stream, filter: arguments.text("filter"), key: arguments.text("key"))
        let limit = arguments.text("limit").flatMap { Int($0) } ?? 100
        let from = try RequestPosition(arguments.text("from") ?? "earliest", of: "from", now: wallClock)
        var to: RequestPosition?
        if let text = arguments.text("to") { to = try RequestPosition(text, of: "to", now: wallClock) }
        let read = try read(exchange, stream, filter, .json, limit: limit, from: from, to: to)
        read.completion = { read in
            done(
                .success(
                    .members([
                        "records": .array(read.takeDocuments()), "next": .string(read.next),
                        "isAtEnd": .bool(read.isAtEnd),
                    ])))
        }
        begin(read, from, to)
    }

    /// Why who asks may not administer; nil when it may.
    func faultOfAdministering(_ exchange: Exchange) -> HTTPFault? {
        guard let rights = exchange.session?.rights, !rights.mayAdminister.isAllowed else { return nil }
        return HTTPFault(
            .forbidden, "who asks may not administer: \(rights.description(of: rights.mayAdminister.rule))")
    }
}
