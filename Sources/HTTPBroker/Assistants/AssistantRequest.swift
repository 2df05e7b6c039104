import Administration
import HTTPWire

/// One request of an assistant, and how it is answered.
///
/// Up to version 2025-11-25 an assistant begins with `initialize`, which agrees on a version; nothing is remembered of
/// it, since requests of these versions are alike. From 2026-07-28 on each request stands for itself and says its
/// version in `params._meta`, and what intermediaries go by in fields of the head too.
///
/// Source: Model Context Protocol (https://modelcontextprotocol.io/specification), transports; JSON-RPC 2.0.
struct AssistantRequest {
    /// The versions that begin with `initialize`, the newest first.
    static let agreedVersions = ["2025-11-25", "2025-06-18", "2025-03-26"]
    /// The version whose requests stand for themselves.
    static let ownVersion = "2026-07-28"

    /// What is wrong with a request.
    struct Fault: Error {
        var code: Code
        var words: String
        /// What a program needs to put it right.
        var data: JSON?

        init(_ code: Code, _ words: String, _ data: JSON? = nil) {
            self.code = code
            self.words = words
            self.data = data
        }
    }

    /// JSON-RPC's codes, and the protocol's own.
    enum Code: Int64 {
        case noJSON = -32700
        case noRequest = -32600
        case unknownMethod = -32601
        case badParameters = -32602
        case headDiffers = -32020
        case unknownVersion = -32022

        /// What HTTP says of it; to an assistant that has agreed on a version the answer says it alone.
        fileprivate func status(isOwn: Bool) -> HTTPStatus {
            switch self {
            case .noJSON, .noRequest, .headDiffers, .unknownVersion: .badRequest
            case .badParameters: isOwn ? .badRequest : .ok
            case .unknownMethod: isOwn ? .notFound : .ok
            }
        }
    }

    let exchange: Exchange
    /// What the answer is known by; null where nobody knows.
    private(set) var id = JSON.null
    private(set) var method = ""
    private(set) var parameters = JSON.object([])
    /// Whether it stands for itself.
    private(set) var isOwn = false
    /// Whether it is one, and no notification or answer, which are heard and not answered.
    private(set) var wantsAnswer = true

    /// A request that nothing is known of yet.
    init(_ exchange: Exchange) { self.exchange = exchange }

    /// Reads the body, as far as it can be understood.
    mutating func read() throws(Fault) {
        guard let document = JSONReader.read(exchange.body) else {
            throw Fault(.noJSON, "expected a JSON-RPC 2.0 request as a JSON document")
        }
        guard case .object = document, document["jsonrpc"]?.text == "2.0" else {
            throw Fault(.noRequest, "expected a JSON-RPC 2.0 request, one at a time")
        }
        id = document["id"] ?? .null
        guard let method = document["method"]?.text else {
            guard document["result"] != nil || document["error"] != nil else {
                throw Fault(.noRequest, "expected a JSON-RPC 2.0 request: 'method' is missing")
            }
            return wantsAnswer = false
        }
        self.method = method
        wantsAnswer = id != .null
        switch document["params"] {
        case .object(let members)?: parameters = .object(members)
        case nil, .null?: break
        case _?: throw Fault(.badParameters, "'params': expected an object")
        }
        try readVersion()
    }

    private mutating func readVersion() throws(Fault) {
        let told = exchange.head.field("mcp-protocol-version")
        let meta = parameters["_meta"] ?? .object([])
        guard let version = meta["io.modelcontextprotocol/protocolVersion"] else {
            guard let told, !Self.agreedVersions.contains(told) else { return }
            guard told != Self.ownVersion else {
                isOwn = true
                throw Fault(
                    .badParameters,
                    "params._meta: 'io.modelcontextprotocol/protocolVersion' is missing, which \(told) requires")
            }
            throw unknown(told)
        }
        isOwn = true
        try compare("MCP-Protocol-Version", told, "params._meta", version.text)
        guard version.text == Self.ownVersion else { throw unknown(version.text ?? "") }
        guard meta["io.modelcontextprotocol/clientCapabilities"] != nil else {
            throw Fault(
                .badParameters, "params._meta: 'io.modelcontextprotocol/clientCapabilities' is missing")
        }
        guard wantsAnswer else { return }
        try compare("Mcp-Method", exchange.head.field("mcp-method"), "method", method)
        guard method == "tools/call", let name = parameters["name"]?.text else { return }
        try compare("Mcp-Name", exchange.head.field("mcp-name"), "params.name", name)
    }

    /// What stands for those between must be what is asked for.
    private func compare(_ field: String, _ told: String?, _ place: String, _ asked: String?) throws(Fault) {
        guard told == asked, told != nil else {
            throw Fault(
                .headDiffers,
                "the field \(field): expected what \(place) says, '\(asked ?? "")', found "
                    + (told.map { "'\($0)'" } ?? "none"))
        }
    }

    private func unknown(_ version: String) -> Fault {
        let known = [Self.ownVersion] + Self.agreedVersions
        return Fault(
            .unknownVersion, "version '\(version)' is not spoken here, but \(known.joined(separator: ", "))",
            .members(["supported": .array(known.map { .string($0) }), "requested": .string(version)]))
    }

    // MARK: Answers

    /// Answers what it asks for.
    /// - Parameter isKept: whether the assistant may keep the answer for a while.
    func succeed(_ members: [JSON.Member], isKept: Bool = false) {
        var members = members
        if isOwn {
            members.append(JSON.Member(name: "resultType", value: .string("complete")))
            if isKept {
                // It changes with a new version of the broker only; another user is told the same.
                members.append(JSON.Member(name: "ttlMs", value: .integer(60_000)))
                members.append(JSON.Member(name: "cacheScope", value: .string("public")))
            }
        }
        exchange.respond(.ok, .members(["jsonrpc": .string("2.0"), "id": id, "result": .object(members)]))
    }

    /// Answers why it is not done.
    func fail(_ fault: Fault) {
        var error = [
            JSON.Member(name: "code", value: .integer(fault.code.rawValue)),
            JSON.Member(name: "message", value: .string(fault.words)),
        ]
        if let data = fault.data { error.append(JSON.Member(name: "data", value: data)) }
        exchange.respond(
            fault.code.status(isOwn: isOwn),
            .members(["jsonrpc": .string("2.0"), "id": id, "error": .object(error)]))
    }
}
