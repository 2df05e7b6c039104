import Administration
import HTTPWire

/// Something that may be asked for: a method, a path, and what does it.
struct Endpoint: Sendable {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    let method: String
    /// The path, as `/v1/streams/{stream}/records`; `{topic...}` takes all that follows.
    let path: String
    /// What it does, in a sentence.
    let summary: String
    /// The parameters of the query.
    let parameters: [Parameter]
    /// What its body is; nil when it takes none.
    let body: Body?
    /// What an answer is.
    let answer: String
    /// Whether it is for who is known, or may be nobody in particular, by the rules; else for everybody.
    let needsSession: Bool
    /// Does it.
    let handler: @Sendable (HTTPShard, Exchange) -> Void

    /// A parameter of the query.
    struct Parameter: Sendable {
        let name: String
        let help: String
        var isInteger = false
    }

    /// What a body is.
    struct Body: Sendable {
        let type: String
        let help: String
        /// Bytes of it at most.
        var byteCountMax = plainByteCountMax

        /// Bytes of a body that is not stored: nobody sends megabytes to delete a stream.
        static let plainByteCountMax = 64 << 10
    }

    init(
        _ method: String, _ path: String, _ summary: String, parameters: [Parameter] = [], body: Body? = nil,
        answer: String = "application/json", needsSession: Bool = true,
        _ handler: @escaping @Sendable (HTTPShard, Exchange) -> Void
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.parameters = parameters
        self.body = body
        self.answer = answer
        self.needsSession = needsSession
        self.handler = handler
    }

    /// The path's segments.
    var segments: [String] { path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init) }

    /// What a path has in the places that this one has names for; nil when it is another.
    func captures(of path: [String]) -> [String: String]? {
        let segments = self.path == "/" ? [] : segments
        var captures: [String: String] = [:]
        for (index, segment) in segments.enumerated() {
            if segment.hasSuffix("...}") {
                guard path.count > index else { return nil }
                captures[String(segment.dropFirst().dropLast(4))] = path[index...].joined(separator: "/")
                return captures
            }
            guard path.indices.contains(index) else { return nil }
            if segment.hasPrefix("{") {
                guard !path[index].isEmpty else { return nil }
                captures[String(segment.dropFirst().dropLast())] = path[index]
            } else if segment != path[index] {
                return nil
            }
        }
        return segments.count == path.count ? captures : nil
    }

    /// What is wrong with a request's parameters: one that there is not, or that comes twice.
    func fault(with head: RequestHead) -> HTTPFault? {
        var seen: Set<String> = []
        for (name, _) in head.query {
            guard parameters.contains(where: { $0.name == name }) else {
                let names = parameters.map(\.name)
                guard !names.isEmpty else { return HTTPFault(.badRequest, "there is no parameter here, not '\(name)'") }
                return HTTPFault(
                    .badRequest,
                    "there is no parameter '\(name)'\(Nearest.advice(for: name, among: names)); there are "
                        + names.joined(separator: ", "))
            }
            guard seen.insert(name).inserted else { return HTTPFault(.badRequest, "'\(name)' is given twice") }
        }
        return nil
    }
}

/// All that may be asked for.
struct Router: Sendable {
    let endpoints: [Endpoint]

    enum Match {
        case found(Endpoint, [String: String])
        /// The path is one of ours with these methods.
        case otherMethods([String])
        case nothing
    }

    /// Finds what a request asks for. What answers GET answers HEAD.
    func find(_ method: String, _ path: [String]) -> Match {
        let wanted = method == "HEAD" ? "GET" : method
        var methods: [String] = []
        for endpoint in endpoints {
            guard let captures = endpoint.captures(of: path) else { continue }
            if endpoint.method == wanted { return .found(endpoint, captures) }
            methods.append(endpoint.method)
        }
        return methods.isEmpty ? .nothing : .otherMethods(methods)
    }

    static let all = Router(
        endpoints: OperationEndpoints.all + RecordEndpoints.all + AdministrationEndpoints.all + AssistantEndpoints.all
            + AssetEndpoints.all)
}
