import HTTPWire

/// What assistants and Grafana ask, and the state of topics at a moment.
enum AssistantEndpoints {
    private static let json = "application/json"

    static let all: [Endpoint] = [
        Endpoint(
            "GET", "/v1/state", "The last record of each topic at a moment.",
            parameters: [
                .init(name: "filter", help: "which topics; # unless given"),
                .init(name: "at", help: "a time: now unless given, -1h, 2026-09-01T03:00Z"),
            ]
        ) { $0.tellState($1) },
        Endpoint(
            "POST", "/mcp", "Model Context Protocol: what assistants ask, read only.",
            body: .init(
                type: json,
                help: "a JSON-RPC 2.0 request: initialize or server/discover, tools/list, tools/call, ping")
        ) { $0.answerAssistant($1) },
        Endpoint("GET", "/grafana", "Whether Grafana's JSON data source finds what it asks.", answer: "text/plain") {
            $1.respond(.ok, "text/plain; charset=utf-8", Array("ok\n".utf8))
        },
        Endpoint(
            "POST", "/grafana/metrics", "Streams, as Grafana's JSON data source asks for metrics.",
            body: .init(type: json, help: "nothing that matters")
        ) { $0.listGrafanaMetrics($1) },
        Endpoint(
            "POST", "/grafana/query", "Numbers of a stream's records over time, for Grafana's JSON data source.",
            body: .init(
                type: json,
                help:
                    "{\"range\", \"maxDataPoints\", \"targets\": [{\"target\": STREAM, \"payload\"}]}"
            )
        ) { $0.queryForGrafana($1) },
    ]
}
