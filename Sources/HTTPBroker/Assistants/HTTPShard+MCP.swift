import Administration
import HTTPWire
import SluiceCore

/// `POST /mcp`: what assistants ask, read only, with the rights of who asks for them.
///
/// Source: Model Context Protocol, Streamable HTTP without a stream of the server's own
/// (https://modelcontextprotocol.io/specification/2025-06-18/basic/transports); JSON-RPC 2.0.
extension HTTPShard {
    private static let versions = ["2025-06-18", "2025-03-26"]

    func answerAssistant(_ exchange: Exchange) {
        guard let document = JSONReader.read(exchange.body), document["jsonrpc"]?.text == "2.0",
            let method = document["method"]?.text
        else { return exchange.respond(.badRequest, Self.failure(.null, -32700, "expected a JSON-RPC 2.0 request")) }
        // A notification is heard, and not answered.
        guard let id = document["id"], id != .null else { return exchange.respond(empty: .accepted) }
        let parameters = document["params"] ?? .object([])
        switch method {
        case "initialize":
            let asked = parameters["protocolVersion"]?.text ?? ""
            exchange.respond(
                .ok,
                Self.success(
                    id,
                    .members([
                        "protocolVersion": .string(Self.versions.contains(asked) ? asked : Self.versions[0]),
                        "capabilities": .members(["tools": .object([])]),
                        "serverInfo": .members(["name": .string("sluice"), "version": .string(settings.version)]),
                        "instructions": .string(
                            "Sensor messages are records of streams. Topics say where a device is; keys are devices."),
                    ])))
        case "ping": exchange.respond(.ok, Self.success(id, .object([])))
        case "tools/list":
            exchange.respond(.ok, Self.success(id, .members(["tools": .array(Tool.all.map(\.description))])))
        case "tools/call": call(exchange, id, parameters)
        case _: exchange.respond(.ok, Self.failure(id, -32601, "there is no method '\(method)'"))
        }
    }

    private func call(_ exchange: Exchange, _ id: JSON, _ parameters: JSON) {
        let name = parameters["name"]?.text ?? ""
        guard let tool = Tool.all.first(where: { $0.name == name }) else {
            let advice = Nearest.advice(for: name, among: Tool.all.map(\.name))
            return exchange.respond(.ok, Self.failure(id, -32602, "there is no tool '\(name)'\(advice)"))
        }
        let values = parameters["arguments"] ?? .object([])
        if case .object(let members) = values {
            for member in members where !tool.parameters.contains(where: { $0.name == member.name }) {
                let names = tool.parameters.map(\.name)
                return exchange.respond(
                    .ok,
                    Self.failure(
                        id, -32602,
                        "\(name) has no '\(member.name)'\(Nearest.advice(for: member.name, among: names))"))
            }
        }
        func answer(_ result: Result<JSON, HTTPFault>) {
            switch result {
            case .success(let document): exchange.respond(.ok, Self.success(id, Self.content(document)))
            // What the tool was asked is for the assistant to put right.
            case .failure(let fault):
                let content = JSON.members(["type": .string("text"), "text": .string(fault.words)])
                exchange.respond(
                    .ok, Self.success(id, .members(["content": .array([content]), "isError": .bool(true)])))
            }
        }
        do throws(HTTPFault) {
            try tool.run(self, exchange, Tool.Arguments(values: values), answer)
        } catch {
            answer(.failure(error))
        }
    }

    private static func content(_ document: JSON) -> JSON {
        .members([
            "content": .array([.members(["type": .string("text"), "text": .string(document.compact)])]),
            "structuredContent": document, "isError": .bool(false),
        ])
    }

    private static func success(_ id: JSON, _ result: JSON) -> JSON {
        .members(["jsonrpc": .string("2.0"), "id": id, "result": result])
    }

    private static func failure(_ id: JSON, _ code: Int64, _ words: String) -> JSON {
        .members([
            "jsonrpc": .string("2.0"), "id": id,
            "error": .members(["code": .integer(code), "message": .string(words)]),
        ])
    }
}
