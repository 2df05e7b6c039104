import RecordFormat
import SluiceCore

/// Sensor readings as devices send them, as the batches that ingest makes of them.
struct Readings {
    /// Batches of 1 to 20 records, in the order of offsets.
    private(set) var batches: [RecordBatch] = []
    /// Bytes of the payloads alone.
    private(set) var payloadByteCount = 0
    /// Bytes of the batches.
    var logByteCount: Int { batches.reduce(0) { $0 + $1.byteCount } }
    var recordCount: Int { batches.reduce(0) { $0 + $1.recordCount } }

    fileprivate struct Device {
        var key: [UInt8]
        var headers: [UInt8]
        var id: Int
        /// Hundredths of a degree, tenths of a percent, hundredths of a volt.
        var temperature: Int
        var humidity: Int
        var battery: Int
        var sequence: Int
    }

    init(recordCount: Int, deviceCount: Int, seed: UInt64) {
        var random = SplitMix(state: seed)
        var devices = (0..<deviceCount).map { number in
            let id = 4000 + number
            let topic = Array("sensors/plant3/dev-\(id)/telemetry".utf8)
            return Device(
                key: RecordFields.key(Array("dev-\(id)".utf8)),
                headers: RecordFields.headers([RecordHeader(name: "mqtt.topic", value: topic)]), id: id,
                temperature: 1800 + random.below(800), humidity: 400 + random.below(200),
                battery: 330 + random.below(90), sequence: 1000 + random.below(900_000))
        }
        var now: Int64 = 1_767_225_600_000
        var builder = RecordBatchBuilder()
        var offset: Int64 = 0
        while offset < recordCount {
            for _ in 0...random.below(20) {
                now += Int64(random.below(3))
                let index = random.below(deviceCount)
                devices[index].step(&random)
                let payload = Array(devices[index].payload(at: now - Int64(random.below(50))).utf8)
                payloadByteCount += payload.count
                let (key, headers) = (devices[index].key, devices[index].headers)
                builder.append(
                    at: Timestamp(rawValue: now), keyField: key.span, value: payload.span,
                    headersField: headers.span)
            }
            let batch = builder.finish()
            batch.assign(Offset(rawValue: offset))
            offset = batch.nextOffset.rawValue
            batches.append(batch)
        }
    }
}

extension Readings.Device {
    /// A random walk, one step.
    fileprivate mutating func step(_ random: inout SplitMix) {
        temperature += random.below(11) - 5
        humidity = max(0, min(1000, humidity + random.below(5) - 2))
        if random.below(200) == 0, battery > 250 { battery -= 1 }
        sequence += 1
    }

    fileprivate func payload(at time: Int64) -> String {
        "{\"device\":\"dev-\(id)\",\"ts\":\(time),\"temperature\":\(Self.decimal(temperature, 100)),"
            + "\"humidity\":\(Self.decimal(humidity, 10)),\"battery\":\(Self.decimal(battery, 100)),"
            + "\"status\":\"\(sequence % 997 == 0 ? "low" : "ok")\",\"seq\":\(sequence)}"
    }

    private static func decimal(_ value: Int, _ unit: Int) -> String {
        let fraction = String(abs(value) % unit)
        let zeros = String(repeating: "0", count: String(unit).count - 1 - fraction.count)
        return "\(value / unit).\(zeros)\(fraction)"
    }
}

/// A seeded generator.
struct SplitMix {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}
