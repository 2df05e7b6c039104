import Foundation

/// A broker with device profiles in a directory of their own.
struct DeviceBroker {
    let directory: TemporaryDirectory
    let broker: BrokerProcess

    /// A temperature sensor.
    static let temperature = """
        name: temperature
        stream: sensors
        topic: sensors/{site}/{device}/temperature
        format: json
        fields:
          temperature: { type: number, unit: °C, range: [-40, 125], required: true }
          humidity: { type: number, range: [0, 100] }
          seq: { type: integer, role: sequence }

        """

    init(_ profiles: [String: String], more: String = "") throws {
        directory = try TemporaryDirectory()
        try Self.write(profiles, to: directory)
        broker = try BrokerProcess(Self.configuration(directory, more), directory: directory)
    }

    private init(_ directory: TemporaryDirectory, _ broker: BrokerProcess) {
        self.directory = directory
        self.broker = broker
    }

    private static func configuration(_ directory: TemporaryDirectory, _ more: String) -> String {
        BrokerProcess.plain + "devices: \(directory.path)/devices\n" + more
    }

    static func write(_ profiles: [String: String], to directory: TemporaryDirectory) throws {
        try FileManager.default.createDirectory(
            atPath: directory.path + "/devices", withIntermediateDirectories: true)
        for (name, text) in profiles { _ = try directory.write("devices/\(name).yaml", text) }
    }

    /// The same with its data, after it has ended.
    func restarted(more: String = "") throws -> DeviceBroker {
        DeviceBroker(directory, try broker.restarted(Self.configuration(directory, more)))
    }

    /// Publishes at QoS 1 with MQTT 5.
    /// - Returns: what mosquitto_pub says.
    func publish(_ topic: String, _ payload: String, qos: Int = 1) throws -> Program.Result {
        try broker.mosquitto("pub", ["-V", "5", "-q", String(qos), "-t", topic, "-m", payload])
    }

    /// The members of a command's JSON document.
    func json(_ arguments: [String]) throws -> [String: Any] {
        let result = try broker.sluice(arguments + ["--json"])
        let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
        return document as? [String: Any] ?? ["": document]
    }

    /// A device as the broker knows it.
    func device(_ key: String) throws -> [String: Any]? {
        let all = try json(["devices", "list"])["devices"] as? [[String: Any]]
        return all?.first { $0["device"] as? String == key }
    }

    /// A profile's line of the ledger, by column.
    func ledger(_ profile: String) throws -> [String: Int] {
        let lines = try json(["ledger"])["ledger"] as? [[String: Any]] ?? []
        let line = lines.first { $0["profile"] as? String == profile } ?? [:]
        return line.compactMapValues { $0 as? Int }
    }

    /// The payloads of a stream, in order.
    func payloads(_ stream: String) throws -> [String] {
        let result = try broker.sluice(["consume", stream, "--json"])
        return try result.lines.compactMap { line in
            let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return record?["payload"] as? String
        }
    }
}
