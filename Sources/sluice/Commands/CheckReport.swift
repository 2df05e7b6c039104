import Bridging
import SluiceConfiguration
import SluiceTransport
import TopicRouting

/// What a configuration means, for scripts.
struct CheckReport {
    private let configuration: Configuration
    private let rules: RuleSet
    private let certificates: Certificates
    private let bridges: [BridgeSettings]

    /// The report of a configuration.
    /// - Throws: everything wrong with it.
    init(_ configuration: Configuration) throws(ConfigurationErrors) {
        self.configuration = configuration
        rules = try RuleTranslation.rules(configuration)
        certificates = try Certificates(configuration.listeners)
        bridges = try BridgeTranslation.settings(configuration)
    }

    /// Errors, each with its place.
    static func json(_ errors: ConfigurationErrors) -> JSON {
        .members([
            "ok": .bool(false), "errors": .array(errors.errors.map(place)),
            "more_errors": .integer(Int64(errors.moreCount)),
        ])
    }

    private static func place(_ error: ConfigurationError) -> JSON {
        .members([
            "file": .string(error.file), "line": .integer(Int64(error.line)), "column": .integer(Int64(error.column)),
            "message": .string(error.message),
        ])
    }

    var json: JSON {
        .members([
            "ok": .bool(true), "errors": .array([]), "warnings": .array(warnings),
            "listeners": .array(
                configuration.listeners.addresses.map { kind, address in
                    .members(["kind": .string(kind.rawValue), "address": .string(address.description)])
                }), "data": .string(configuration.dataDirectory), "loops": .integer(Int64(configuration.loopCount)),
            "log_level": .string(configuration.logging.level.rawValue), "streams": .array(streams),
            "rules": .array(
                rules.rules.map { rule in
                    .members([
                        "from": .string(rule.pattern.text), "stream": .string(rule.stream),
                        "key": .string(rule.key.text),
                    ])
                }),
            "bridges": .array(
                bridges.map { bridge in
                    .members([
                        "name": .string(bridge.name),
                        "addresses": .array(bridge.addresses.map { .string($0.description) }),
                        "protocol": .string(bridge.version.rawValue),
                    ])
                }),
        ])
    }

    private var streams: [JSON] {
        configuration.streams.map { stream in
            .members([
                "name": .string(stream.name), "partitions": .integer(Int64(stream.partitionCount)),
                "durability": .string(stream.durability.text),
                "retention_ms": .optional(stream.retention.age?.milliseconds),
                "retention_bytes": .optional(stream.retention.byteCount.map(Int64.init)),
                "segment_bytes": .integer(Int64(stream.segmentBytes)),
            ])
        }
    }

    private var warnings: [JSON] {
        let plain =
            certificates.warnings + bridges.flatMap { bridge in bridge.remarks.map { "bridge \(bridge.name): \($0)" } }
        return RuleTranslation.warnings(configuration, rules).map(Self.place)
            + plain.map { text in
                .members(["file": .null, "line": .null, "column": .null, "message": .string(text)])
            }
    }
}
