import Administration
import Bridging
import DeviceProfiles
import PayloadFormats
import SluiceConfiguration
import SluiceCore
import SluiceNode
import TopicRouting

/// What a configuration means, for scripts.
struct CheckReport {
    private let configuration: Configuration
    private let rules: RuleSet
    private let certificates: Certificates
    private let policy: NodePolicy
    private let bridges: [BridgeSettings]
    private let changes: StreamChanges

    /// The report of a configuration.
    /// - Throws: everything wrong with it.
    init(_ configuration: Configuration, _ changes: StreamChanges) throws(ConfigurationErrors) {
        self.configuration = configuration
        self.changes = changes
        rules = try RuleTranslation.rules(configuration)
        _ = try RuleTranslation.downlinks(configuration)
        certificates = try Certificates(configuration)
        policy = try SecurityTranslation.policy(configuration)
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
            "ok": .bool(changes.refused.isEmpty),
            "errors": .array(changes.refused.map { Self.place("\($0.text); \(StreamChanges.advice)") }),
            "warnings": .array(warnings),
            "listeners": .array(
                configuration.listeners.addresses.map { kind, address in
                    .members(["kind": .string(kind.rawValue), "address": .string(address.description)])
                }), "data": .string(configuration.dataDirectory), "loops": .integer(Int64(configuration.loopCount)),
            "log_level": .string(configuration.logging.level.rawValue), "streams": .array(streams),
            "rules": .array(
                rules.rules.dropFirst(rules.profiledCount).map { rule in
                    .members([
                        "from": .string(rule.pattern.text), "stream": .string(rule.stream),
                        "key": .string(rule.key.text),
                    ])
                }),
            "profiles": .array(profiles),
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

    private var profiles: [JSON] {
        configuration.profiles.map { profile in
            .members([
                "name": .string(profile.name), "stream": .string(profile.stream), "key": .string(profile.key),
                "interval_ms": .optional(profile.interval?.milliseconds),
                "bad_payload": .string(profile.badPayload.rawValue),
                "topics": .array(
                    profile.messages.map { message in
                        .members([
                            "from": .string(message.pattern.text), "format": .string(message.schema.format.rawValue),
                            "fields": .array(message.schema.fields.map { .string($0.name) }),
                        ])
                    }),
            ])
        }
    }

    private var streams: [JSON] {
        configuration.streams.map { stream in
            .members([
                "name": .string(stream.name), "partitions": .integer(Int64(changes.partitionCount(stream))),
                "durability": .string(stream.durability.text),
                "retention_ms": .optional(stream.retention.age?.milliseconds),
                "retention_bytes": .optional(stream.retention.byteCount.map(Int64.init)),
                "segment_bytes": .integer(Int64(stream.segmentBytes)),
                "downlink": stream.downlink.map { .string($0) } ?? .null,
            ])
        }
    }

    private var warnings: [JSON] {
        let plain =
            (certificates.warnings + SecurityTranslation.warnings(configuration, policy)).map(\.words.text)
            + bridges.flatMap { bridge in bridge.remarks.map { "bridge \(bridge.name): \($0)" } }
        let told = changes.changes.filter { !changes.refused.contains($0) }.map(\.text)
        return (RuleTranslation.warnings(configuration, rules) + BridgeTranslation.warnings(configuration, bridges))
            .map(Self.place) + (plain + told).map(Self.place)
    }

    private static func place(_ text: String) -> JSON {
        .members(["file": .null, "line": .null, "column": .null, "message": .string(text)])
    }
}
