import Foundation

/// A broker with a Kafka listener, and the programs that talk to it.
enum KafkaEndpoint {
    static let configuration = BrokerProcess.plain + "listeners:\n  kafka: 127.0.0.1:0\n"

    /// The interpreter that has the clients: SLUICE_TEST_PYTHON, or the system's.
    static var python: String { ProcessInfo.processInfo.environment["SLUICE_TEST_PYTHON"] ?? "python3" }

    /// Whether the interpreter has a module.
    static func has(_ module: String) -> Bool {
        do { return try Program.run([python, "-c", "import \(module)"]).code == 0 } catch { return false }
    }

    /// Apache Kafka's own programs: SLUICE_KAFKA_HOME, or beside the repository.
    static let home: String = {
        if let home = ProcessInfo.processInfo.environment["SLUICE_KAFKA_HOME"] { return home }
        // Tests/IntegrationTests/Kafka/<this file>: four up is the package, its neighbour is `shared`.
        var url = URL(filePath: #filePath)
        for _ in 0..<5 { url.deleteLastPathComponent() }
        return url.appending(path: "shared/kafka").path
    }()

    /// Whether Apache Kafka's programs can be run.
    static var hasTools: Bool {
        FileManager.default.isExecutableFile(atPath: home + "/bin/kafka") && Program.isInstalled("java")
    }

    static let toolEnvironment = ["KAFKA_HEAP_OPTS": "-Xmx256M", "KAFKA_JIT": "1", "KAFKA_LOG_LEVEL": "error"]

    /// Runs one of Apache Kafka's programs to its end.
    static func tool(
        _ arguments: [String], input: String? = nil, within seconds: Double = 120
    ) throws -> Program.Result {
        try Program.run([home + "/bin/kafka"] + arguments, environment: toolEnvironment, input: input, within: seconds)
    }
}

extension BrokerProcess {
    /// Where Kafka's clients connect.
    func kafka() throws -> String { "127.0.0.1:\(try port("kafka"))" }
}
