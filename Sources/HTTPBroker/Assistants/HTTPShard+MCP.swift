import Administration
import HTTPWire
import SluiceCore

/// `POST /mcp`: what assistants ask, read only, with the rights of who asks for them.
///
/// Source: Model Context Protocol, Streamable HTTP without a stream of the server's own and without sessions
/// (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports, and 2026-07-28).
extension HTTPShard {
    func answerAssistant(_ exchange: Exchange) {
        var request = AssistantRequest(exchange)
        do throws(AssistantRequest.Fault) {
            try request.read()
            guard request.wantsAnswer else { return exchange.respond(empty: .accepted) }
            try answer(request)
        } catch {
            request.fail(error)
        }
    }

    private func answer(_ request: AssistantRequest) throws(AssistantRequest.Fault) {
        switch request.method {
        case "initialize" where !request.isOwn:
            let asked = request.parameters["protocolVersion"]?.text ?? ""
            let versions = AssistantRequest.agreedVersions
            let version = versions.contains(asked) ? asked : versions[0]
            request.succeed(
                [
                    JSON.Member(name: "protocolVersion", value: .string(version)),
                    JSON.Member(name: "serverInfo", value: serverInfo),
                ] + Self.introduction)
        case "server/discover" where request.isOwn:
            let versions = [AssistantRequest.ownVersion] + AssistantRequest.agreedVersions
            request.succeed(
                [
                    JSON.Member(name: "supportedVersions", value: .array(versions.map { .string($0) })),
                    JSON.Member(
                        name: "_meta", value: .members(["io.modelcontextprotocol/serverInfo": serverInfo])),
                ] + Self.introduction, isKept: true)
        case "ping" where !request.isOwn: request.succeed([])
        case "tools/list":
            request.succeed([JSON.Member(name: "tools", value: .array(Tool.all.map(\.description)))], isKept: true)
        case "tools/call": try call(request)
        case let method: throw AssistantRequest.Fault(.unknownMethod, "there is no method '\(method)'")
        }
    }

    private var serverInfo: JSON {
        .members([
            "name": .string("sluice"), "title": .string("Sluice"), "version": .string(settings.version),
        ])
    }

    private static var introduction: [JSON.Member] {
        [
            JSON.Member(name: "capabilities", value: .members(["tools": .object([])])),
            JSON.Member(
                name: "instructions",
                value: .string(
                    "Sensor messages are records of streams. Topics say where a device is; keys are devices.")),
        ]
    }

    private func call(_ request: AssistantRequest) throws(AssistantRequest.Fault) {
        let name = request.parameters["name"]?.text ?? ""
        guard let tool = Tool.all.first(where: { $0.name == name }) else {
            let advice = Nearest.advice(for: name, among: Tool.all.map(\.name))
            throw AssistantRequest.Fault(.badParameters, "there is no tool '\(name)'\(advice)")
        }
        func answer(_ result: Result<JSON, HTTPFault>) {
            switch result {
            case .success(let document):
                request.succeed([
                    Self.content(document.compact), JSON.Member(name: "structuredContent", value: document),
                    JSON.Member(name: "isError", value: .bool(false)),
                ])
            // What the tool was asked is for the assistant to put right, who is shown results and no errors.
            case .failure(let fault):
                request.succeed([Self.content(fault.words), JSON.Member(name: "isError", value: .bool(true))])
            }
        }
        do throws(HTTPFault) {
            let arguments = try Tool.Arguments(request.parameters["arguments"], of: tool)
            try tool.run(self, request.exchange, arguments, answer)
        } catch {
            answer(.failure(error))
        }
    }

    private static func content(_ text: String) -> JSON.Member {
        JSON.Member(
            name: "content", value: .array([.members(["type": .string("text"), "text": .string(text)])]))
    }
}
