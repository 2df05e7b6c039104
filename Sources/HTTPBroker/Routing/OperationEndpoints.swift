import AccessControl
import Administration
import HTTPWire
import LogInterface
import SluiceCore

/// What operators and their tools ask for.
enum OperationEndpoints {
    static let all: [Endpoint] = [
        Endpoint(
            "GET", "/healthz", "Whether the process answers.", answer: "text/plain", needsSession: false
        ) { $1.respond(.ok, "text/plain; charset=utf-8", Array("ok\n".utf8)) },
        Endpoint(
            "GET", "/readyz", "Whether the node takes messages, and what is not ready.", answer: "text/plain",
            needsSession: false
        ) { $0.tellReadiness($1) },
        Endpoint(
            "GET", "/metrics", "Figures for Prometheus.", answer: "application/openmetrics-text"
        ) { $0.tellMetrics($1) },
        Endpoint("GET", "/v1/openapi.json", "This description.", needsSession: false) {
            $1.respond(.ok, OpenAPI.document(version: $0.settings.version))
        },
        Endpoint("GET", "/v1/overview", "Rates, connections, disk, and what is wrong now.") { $0.tellOverview($1) },
        Endpoint(
            "GET", "/v1/events", "Server-sent events: the overview, once a second.", answer: "text/event-stream"
        ) { $0.followOverview($1) },
        Endpoint("GET", "/v1/traffic", "Rates and connections of the last hour, a point for every ten seconds.") {
            $0.tellTraffic($1)
        },
        Endpoint(
            "GET", "/v1/lag",
            "What groups and bridges had not done with in the last hour: points of time, records, age of the oldest."
        ) { $0.tellLag($1) },
        Endpoint(
            "GET", "/v1/explain", "Where messages of a topic go, and why.",
            parameters: [.init(name: "topic", help: "the topic")]
        ) { $0.explain($1) },
        Endpoint("GET", "/v1/configuration", "The configuration in force, as it was understood.") {
            $0.tellConfiguration($1)
        },
    ]
}

extension HTTPShard {
    /// What is not as it should be, so that messages are not taken.
    private var unready: [String] {
        var words = settings.node.unready
        if let trouble = log.trouble { words.append("the log takes no messages: \(trouble)") }
        if isDraining { words.append("the node is stopping") }
        return words
    }

    func tellReadiness(_ exchange: Exchange) {
        let words = unready
        let text = words.isEmpty ? "ready\n" : words.joined(separator: "\n") + "\n"
        exchange.respond(words.isEmpty ? .ok : .unavailable, "text/plain; charset=utf-8", Array(text.utf8))
    }

    func explain(_ exchange: Exchange) {
        guard let topic = exchange.head.parameter("topic"), !topic.isEmpty else {
            return exchange.fail(.badRequest, "expected a topic")
        }
        administer(exchange) { [unowned self] in exchange.respond(.ok, settings.node.explain(topic: topic)) }
    }

    func tellConfiguration(_ exchange: Exchange) {
        administer(exchange) { [unowned self] in exchange.respond(.ok, settings.node.configuration) }
    }

    /// Calls `body` when who asks may administer; else refuses.
    func administer(_ exchange: Exchange, _ body: () -> Void) {
        if let fault = faultOfAdministering(exchange) { return exchange.fail(fault) }
        body()
    }
}
