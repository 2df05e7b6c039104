import CPayloadBound
import DeviceProfiles
import MQTTWire
import PayloadFormats
import SluiceBroker
import SluiceCore
import TopicRouting

/// What comparing a payload with a schema costs. A reading of 100 bytes has five fields that are looked at, and one
/// that is not.
extension Microbenchmarks {
    static var payloads: [Benchmark] {
        [
            jsonBound,
            payload("payload/json-100B-5-fields", json, format: .json, slack: 64),
            payload("payload/json-100B-5-fields-copied", json, format: .json, slack: 0),
            payload("payload/cbor-69B-5-fields", cbor, format: .cbor, slack: 0),
            payload("payload/delimited-37B-5-fields", line, format: .delimited, slack: 0),
            payload("payload/number-5B", Array("21.53".utf8), format: .number, slack: 0),
            sparkplug,
            publish("publish/100B-no-profile", profile: nil), publish("publish/100B-profile-no-fields", profile: .raw),
            publish("publish/100B-profile-5-fields", profile: .json),
        ]
    }

    private static let json = Array(
        #"{"temperature":21.53,"humidity":48.2,"battery":97,"state":"ok","linkquality":112,"ts":1767225600000}"#.utf8)
    private static let line = Array("21.53,48.2,97,ok,112,1767225600000,,,".utf8)
    /// The same reading, as cbor2 writes it.
    private static let cbor: [UInt8] =
        [0xA6, 0x6B] + Array("temperature".utf8) + [0xFB, 0x40, 0x35, 0x87, 0xAE, 0x14, 0x7A, 0xE1, 0x48]
        + [0x68] + Array("humidity".utf8) + [0xFB, 0x40, 0x48, 0x19, 0x99, 0x99, 0x99, 0x99, 0x9A]
        + [0x67] + Array("battery".utf8) + [0x18, 0x61] + [0x65] + Array("state".utf8) + [0x62] + Array("ok".utf8)
        + [0x6B] + Array("linkquality".utf8) + [0x18, 0x70]
        + [0x62] + Array("ts".utf8) + [0x1B, 0x00, 0x00, 0x01, 0x9B, 0x76, 0xDA, 0xA8, 0x00]

    private static func schema(_ format: PayloadFormat) -> PayloadSchema {
        func path(_ name: String, _ column: Int) -> String { format == .delimited ? String(column) : name }
        var fields = [
            PayloadField(
                name: "temperature", path: path("temperature", 1), type: .number, range: -40...85, isRequired: true)
        ]
        if format != .number {
            fields += [
                PayloadField(name: "humidity", path: path("humidity", 2), type: .number, range: 0...100),
                PayloadField(name: "battery", path: path("battery", 3), type: .integer, range: 0...100),
                PayloadField(
                    name: "state", path: path("state", 4), type: .text, enumeration: .texts(["low", "ok", "charging"])),
                PayloadField(name: "ts", path: path("ts", 6), type: .time(.milliseconds), role: .deviceTime),
            ]
        }
        return make(PayloadSchema.init, format, fields)
    }

    private static func make(
        _ made: (PayloadFormat, [PayloadField], Delimiters) throws -> PayloadSchema, _ format: PayloadFormat,
        _ fields: [PayloadField]
    ) -> PayloadSchema {
        do {
            return try made(format, fields, Delimiters())
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// The library alone.
    private static var jsonBound: Benchmark {
        Benchmark(name: "payload/json-100B-bound", operationsPerRun: 10_000) {
            let bytes = json + [UInt8](repeating: 0, count: 64)
            return {
                let found = bytes.withUnsafeBytes { bound_json($0.baseAddress, json.count, 10_000) }
                precondition(found == 50_000)
            }
        }
    }

    private static func payload(_ name: String, _ payload: [UInt8], format: PayloadFormat, slack: Int) -> Benchmark {
        Benchmark(name: name, operationsPerRun: 10_000) {
            let reader = PayloadReader()
            let schema = schema(format)
            let bytes = payload + [UInt8](repeating: 0, count: 64)
            return {
                var count = 0
                let span = bytes.span.extracting(0..<payload.count)
                for _ in 0..<10_000 where reader.check(span, slack: slack, schema: schema) == nil { count += 1 }
                precondition(count == 10_000)
            }
        }
    }

    /// A publish of the reading at QoS 0 through a shard, with a profile or without.
    private static func publish(_ name: String, profile: PayloadFormat?) -> Benchmark {
        let count = 10_000
        return Benchmark(name: name, operationsPerRun: count) {
            let bytes = packets(qos: .atMostOnce, content: json, count: 1000)
            let bench = ShardBench(profiles: profile.map { profiles($0) } ?? ProfileSet())
            let client = bench.client()
            return {
                for _ in 0..<count / 1000 {
                    precondition(bench.shard.received(client, bytes.span) == bytes.count)
                    bench.shard.endTick()
                    client.output.removeAll()
                }
            }
        }
    }

    private static func profiles(_ format: PayloadFormat) -> ProfileSet {
        do {
            let schema =
                format == .raw ? try PayloadSchema(format: .raw, fields: []) : schema(format)
            let message = DeviceMessage(
                pattern: try TopicPattern("sensors/{site}/{device}/temp"), schema: schema,
                signals: Array(repeating: nil, count: schema.fields.count))
            return try ProfileSet([
                DeviceProfile(name: "bench", stream: "mqtt", key: "{device}", messages: [message], place: "bench:1")
            ])
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// Five metrics by alias, in 62 bytes.
    private static var sparkplug: Benchmark {
        Benchmark(name: "payload/sparkplug-5-metrics", operationsPerRun: 10_000) {
            let names = ["temperature", "humidity", "battery", "pressure", "level"]
            var birth: [UInt8] = []
            var payload: [UInt8] = [0x08, 0x01]
            for (alias, name) in names.enumerated() {
                let metric = [0x0A, UInt8(name.utf8.count)] + Array(name.utf8) + [0x10, UInt8(alias), 0x20, 9]
                birth += [0x12, UInt8(metric.count)] + metric
                payload += [0x12, 9, 0x10, UInt8(alias), 0x38, 0, 0x65, 0, 0, 0xAC, 0x41]
            }
            payload += [0x18, 7]
            var aliases = SparkplugAliases()
            precondition(aliases.take(birth: birth.span) == nil)
            let table = aliases
            let reader = PayloadReader()
            let schema = make(
                PayloadSchema.init, .sparkplug,
                names.map { PayloadField(name: $0, path: $0, type: .number, range: 0...100) })
            return {
                var count = 0
                for _ in 0..<10_000
                where reader.check(payload.span, slack: 0, schema: schema, aliases: table) == nil { count += 1 }
                precondition(count == 10_000)
            }
        }
    }
}
