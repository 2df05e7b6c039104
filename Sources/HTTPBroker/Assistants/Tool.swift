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
    let parameters: [(name: String, help: String, isRequired: Bool)]
    let run: @Sendable (HTTPShard, Exchange, Arguments, @escaping Done) throws(HTTPFault) -> Void

    /// What an assistant has given.
    struct Arguments {
        let values: JSON

        func text(_ name: String) -> String? {
            switch values[name] {
            case .string(let text)?: text
            case .integer(let number)?: String(number)
            case _: nil
            }
        }

        func required(_ name: String) throws(HTTPFault) -> String {
            guard let text = text(name), !text.isEmpty else {
                throw HTTPFault(.badRequest, "'\(name)' is missing")
            }
            return text
        }
    }

    /// The tool as `tools/list` tells of it.
    var description: JSON {
        let properties = parameters.map { parameter in
            JSON.Member(
                name: parameter.name,
                value: .members(["type": .string("string"), "description": .string(parameter.help)]))
        }
        return .members([
            "name": .string(name), "description": .string(summary),
            "inputSchema": .members([
                "type": .string("object"), "properties": .object(properties),
                "required": .array(parameters.filter(\.isRequired).map { .string($0.name) }),
            ]),
            "annotations": .members(["readOnlyHint": .bool(true)]),
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
                ("profile", "only devices of this profile", false), ("silent", "true for those that are silent", false),
            ]
        ) { shard, exchange, arguments, done throws(HTTPFault) in
            var query = DeviceQuery()
            query.limit = 200
            query.profile = arguments.text("profile") ?? ""
            query.isSilent = arguments.values["silent"]?.flag ?? (arguments.text("silent") == "true")
            shard.ask(exchange, .devices(query), for: done)
        },
        Tool(
            name: "last_value", summary: "The last message of each topic that a filter matches.",
            parameters: [("filter", "a topic or a topic filter, such as plant1/+/temp", true)]
        ) { shard, exchange, arguments, done throws(HTTPFault) in
            try shard.state(exchange, try arguments.required("filter"), "now", done)
        },
        Tool(
            name: "state_at", summary: "The last message of each topic that a filter matches, at a moment of the past.",
            parameters: [("filter", "a topic or a topic filter", true), ("time", times, true)]
        ) { shard, exchange, arguments, done throws(HTTPFault) in
            try shard.state(exchange, try arguments.required("filter"), try arguments.required("time"), done)
        },
        Tool(
            name: "history", summary: "Messages of a stream in their order, of a topic filter or a key, within a time.",
            parameters: [
                ("stream", "the stream", true), ("filter", "a topic filter", false),
                ("key", "a key, a device's", false),
                ("from", times + ", earliest", false), ("to", times, false),
                ("limit", "100 unless given, 1000 at most", false),
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
            parameters: [("topic", "the topic", true)]
        ) { shard, exchange, arguments, done throws(HTTPFault) in
            let topic = try arguments.required("topic")
            if let fault = shard.faultOfAdministering(exchange) { throw fault }
            done(.success(shard.settings.node.explain(topic: topic)))
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
        let limit = arguments.text("limit").map { Int($0) ?? 0 } ?? 100
        guard (1...1000).contains(limit) else { throw HTTPFault(.badRequest, "limit: expected 1 to 1000") }
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
