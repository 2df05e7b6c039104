/// What is about records: reading, writing, acknowledging, publishing.
enum RecordEndpoints {
    private static let filter = Endpoint.Parameter(
        name: "filter", help: "a topic filter, such as sensors/+/dev42/#; + stands for itself, not for a space")
    private static let key = Endpoint.Parameter(name: "key", help: "only records of this key")

    /// Bytes of what a request has stored.
    private static let dataByteCountMax = 16 << 20

    static let all: [Endpoint] = [
        Endpoint(
            "GET", "/v1/streams/{stream}/records", "Reads records of a stream.",
            parameters: [
                .init(
                    name: "from",
                    help:
                        "where to begin: earliest (unless given), latest, a time, or PARTITION:OFFSET,…"
                ),
                .init(name: "to", help: "where to stop, before that record; unless given, where the stream ends now"),
                filter, key,
                .init(
                    name: "limit", help: "how many records at most; json: 100 unless given, 10000 at most",
                    isInteger: true),
                .init(
                    name: "wait", help: "how many milliseconds to wait for a record when there is none",
                    isInteger: true),
                .init(name: "group", help: "read as a member of this consumer group, which is that of MQTT and Kafka"),
                .init(
                    name: "member", help: "which member: what the first answer said in Sluice-Member; with group"),
                .init(
                    name: "format", help: "json (unless given), ndjson: one record a line, or raw: one payload"),
            ], answer: "application/json, application/x-ndjson, application/octet-stream"
        ) { $0.readRecords($1) },
        Endpoint(
            "POST", "/v1/streams/{stream}/records",
            "Appends records; answered when they are on disk. Idempotency-Key makes a repetition harmless.",
            parameters: [
                .init(name: "partition", help: "the partition; unless given, the key decides", isInteger: true)
            ],
            body: .init(
                type: "application/json",
                help:
                    "{\"payload\", \"key\", \"topic\", \"timestamp\", \"headers\", …}, or {\"records\": […]}"
            )
        ) { $0.appendRecords($1) },
        Endpoint(
            "GET", "/v1/streams/{stream}/tail",
            "Server-sent events: each record as it comes. Last-Event-ID goes on where an earlier answer ended.",
            parameters: [
                .init(name: "from", help: "where to begin: latest unless given; as for records"), filter, key,
            ], answer: "text/event-stream"
        ) { $0.tailRecords($1) },
        Endpoint(
            "POST", "/v1/streams/{stream}/ack", "Says that a member of a group is done with records.",
            body: .init(
                type: "application/json", help: "{\"group\", \"member\", \"offsets\": [\"PARTITION:OFFSET\", …]}")
        ) { $0.acknowledgeRecords($1) },
        Endpoint(
            "POST", "/v1/publish/{topic...}",
            "Publishes a message at QoS 1, as an MQTT client would; answered when it is on disk.",
            parameters: [.init(name: "retain", help: "true to keep it for later subscribers")],
            body: .init(type: "application/octet-stream", help: "the payload", byteCountMax: dataByteCountMax),
            answer: "nothing"
        ) { $0.publishMessage($1) },
    ]
}
