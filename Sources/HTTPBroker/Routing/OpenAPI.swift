import Administration
import HTTPWire

/// The description of all endpoints, made of their table, so that it says what there is.
///
/// Source: https://spec.openapis.org/oas/v3.1.1.html
enum OpenAPI {
    /// The document.
    static func document(version: String) -> JSON {
        var paths: [(path: String, operations: [JSON.Member])] = []
        for endpoint in Router.all.endpoints where !endpoint.path.hasPrefix("/assets") && endpoint.path != "/" {
            let path = endpoint.path.replacing("...}", with: "}")
            let operation = JSON.Member(name: endpoint.method.lowercased(), value: operation(endpoint))
            if let index = paths.firstIndex(where: { $0.path == path }) {
                paths[index].operations.append(operation)
            } else {
                paths.append((path, [operation]))
            }
        }
        return .members([
            "openapi": .string("3.1.0"),
            "info": .members([
                "title": .string("Sluice"), "version": .string(version),
                "description": .string(
                    "Streams of records, their readers, and the devices behind them. Errors are RFC 9457 documents."),
            ]),
            "paths": .object(paths.map { JSON.Member(name: $0.path, value: .object($0.operations)) }),
            "components": .members([
                "securitySchemes": .members([
                    "basic": .members(["type": .string("http"), "scheme": .string("basic")]),
                    "bearer": .members(["type": .string("http"), "scheme": .string("bearer")]),
                ]),
                "schemas": .members(["Problem": problem]),
            ]),
            "security": .array([.object([]), .members(["basic": .array([])]), .members(["bearer": .array([])])]),
        ])
    }

    private static let problem = JSON.members([
        "type": .string("object"),
        "properties": .members([
            "type": .members(["type": .string("string")]), "title": .members(["type": .string("string")]),
            "status": .members(["type": .string("integer")]), "detail": .members(["type": .string("string")]),
        ]),
    ])

    private static func operation(_ endpoint: Endpoint) -> JSON {
        var members: [JSON.Member] = [
            .init(name: "operationId", value: .string(identifier(endpoint))),
            .init(name: "summary", value: .string(endpoint.summary)),
        ]
        let parameters = pathParameters(endpoint) + endpoint.parameters.map(parameter)
        if !parameters.isEmpty { members.append(.init(name: "parameters", value: .array(parameters))) }
        if let body = endpoint.body {
            let content = JSON.members([
                body.type: .members(["schema": .members(["description": .string(body.help)])])
            ])
            members.append(.init(name: "requestBody", value: .members(["content": content])))
        }
        members.append(.init(name: "responses", value: responses(endpoint)))
        if !endpoint.needsSession { members.append(.init(name: "security", value: .array([]))) }
        return .object(members)
    }

    private static func identifier(_ endpoint: Endpoint) -> String {
        let words = endpoint.path.split { !$0.isLetter && !$0.isNumber }.map(String.init)
        return ([endpoint.method.lowercased()] + words).joined(separator: "_")
    }

    private static func pathParameters(_ endpoint: Endpoint) -> [JSON] {
        endpoint.segments.filter { $0.hasPrefix("{") }.map { segment in
            let name = segment.dropFirst().dropLast().replacing("...", with: "")
            return .members([
                "name": .string(String(name)), "in": .string("path"), "required": .bool(true),
                "schema": .members(["type": .string("string")]),
            ])
        }
    }

    private static func parameter(_ parameter: Endpoint.Parameter) -> JSON {
        .members([
            "name": .string(parameter.name), "in": .string("query"), "required": .bool(false),
            "description": .string(parameter.help),
            "schema": .members(["type": .string(parameter.isInteger ? "integer" : "string")]),
        ])
    }

    private static func responses(_ endpoint: Endpoint) -> JSON {
        let types = endpoint.answer.split(separator: ", ").map(String.init)
        let answer: JSON =
            types == ["nothing"]
            ? .members(["description": .string("done")])
            : .members([
                "description": .string("the answer"),
                "content": .object(types.map { JSON.Member(name: $0, value: .object([])) }),
            ])
        let problem = JSON.members([
            "description": .string("why it was not done"),
            "content": .members([
                "application/problem+json": .members([
                    "schema": .members(["$ref": .string("#/components/schemas/Problem")])
                ])
            ]),
        ])
        return .members([types == ["nothing"] ? "204" : "200": answer, "default": problem])
    }
}
