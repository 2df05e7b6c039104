import Foundation
import Glibc
import KafkaWire
import Testing

@Suite(
    "Kafka Streams",
    .enabled(if: KafkaEndpoint.hasTools, "needs ../shared/kafka or SLUICE_KAFKA_HOME, and java"))
struct KafkaStreamsTests {
    private static let (input, output) = ("streams-plaintext-input", "streams-wordcount-output")

    /// A broker with the topics of the word count, and the application's settings in a file.
    private func prepare(_ settings: String) throws -> (broker: BrokerProcess, file: String) {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        let client = try KafkaClient(port: broker.port("kafka"))
        for topic in [Self.input, Self.output] { try client.create(topic, partitions: 1) }
        let file = try broker.directory.write(
            "streams.properties",
            """
            bootstrap.servers=\(try broker.kafka())
            state.dir=\(broker.directory.path)/state
            statestore.cache.max.bytes=0
            \(settings)

            """)
        return (broker, file)
    }

    private func start(_ file: String, _ broker: BrokerProcess) throws -> ChildProcess {
        try ChildProcess(
            [KafkaEndpoint.home + "/bin/kafka", "wordcount", file], in: broker.directory,
            environment: KafkaEndpoint.toolEnvironment)
    }

    /// Appends lines of two words each, from one number on.
    private func say(_ lines: Range<Int>, _ client: KafkaClient) throws {
        var rest = lines
        while !rest.isEmpty {
            let part = rest.prefix(50)
            let values = part.map { "w\($0 % 7) even\($0 % 2)" }
            let batch = KafkaClient.batch(values, (-1, -1), sequence: -1, isTransactional: false)
            let answer: ProduceResponse = try client.ask(KafkaClient.production(Self.input, 0, batch, name: nil), 9)
            #expect(answer.responses.first?.partitionResponses.first?.errorCode == KafkaErrorCode.none)
            rest = rest.dropFirst(part.count)
        }
    }

    /// The counts that a reader of committed records gets, by word, in their order.
    private func counts(_ broker: BrokerProcess, _ count: Int) throws -> [String: [Int]] {
        let read = try KafkaEndpoint.tool([
            "console-consumer", "--bootstrap-server", broker.kafka(), "--topic", Self.output, "--from-beginning",
            "--isolation-level", "read_committed", "--max-messages", "\(count)", "--timeout-ms", "100000",
            "--formatter-property", "print.key=true", "--formatter-property",
            "value.deserializer=org.apache.kafka.common.serialization.LongDeserializer",
        ])
        var counts: [String: [Int]] = [:]
        for line in read.lines {
            let parts = line.split(separator: "\t")
            counts[String(try #require(parts.first)), default: []].append(try #require(parts.last.flatMap { Int($0) }))
        }
        return counts
    }

    @Test("a word count, killed twice in the middle, counts each word exactly once")
    func exactlyOnce() throws {
        // A member that was killed is missed after six seconds, its transaction after ten.
        let (broker, file) = try prepare(
            """
            processing.guarantee=exactly_once_v2
            commit.interval.ms=100
            session.timeout.ms=6000
            heartbeat.interval.ms=1000
            """)
        let client = try KafkaClient(port: broker.port("kafka"))
        let (lineCount, portion) = (3000, 1000)
        var application = try start(file, broker)
        for portionNumber in 0..<3 {
            let start = portionNumber * portion
            try say(start..<start + portion, client)
            guard portionNumber < 2 else { break }
            let isGoing = try application.wait(within: 200) {
                try client.readCommitted(Self.output, 0, isOpen: true).count > start * 2
            }
            #expect(isGoing, "\(application.output.suffix(2000)) \(application.errors.suffix(2000))")
            application.kill(SIGKILL)
            #expect(application.exitCode(within: 60) != nil)
            application = try self.start(file, broker)
        }
        let isDone = try application.wait(within: 300) {
            try client.readCommitted(Self.output, 0, isOpen: true).count >= lineCount * 2
        }
        #expect(isDone, "\(application.output.suffix(2000)) \(application.errors.suffix(2000))")
        application.kill(SIGTERM)
        #expect(application.exitCode(within: 60) != nil)
        #expect(try client.readCommitted(Self.output, 0, isOpen: true).count == lineCount * 2)
        var expected: [String: [Int]] = [:]
        for number in 0..<lineCount {
            for word in ["w\(number % 7)", "even\(number % 2)"] {
                expected[word, default: []].append((expected[word]?.count ?? 0) + 1)
            }
        }
        #expect(try counts(broker, lineCount * 2) == expected)
        #expect(broker.stop() == 0)
    }

    @Test("a word count without guarantees")
    func atLeastOnce() throws {
        let (broker, file) = try prepare("commit.interval.ms=100")
        let client = try KafkaClient(port: broker.port("kafka"))
        let application = try start(file, broker)
        try say(0..<3, client)
        let counts = try counts(broker, 6)
        #expect(
            counts == ["w0": [1], "w1": [1], "w2": [1], "even0": [1, 2], "even1": [1]],
            "\(application.output.suffix(2000)) \(application.errors.suffix(2000))")
        application.kill(SIGTERM)
        #expect(application.exitCode(within: 60) != nil)
        #expect(broker.stop() == 0)
    }
}
