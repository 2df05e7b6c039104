import KafkaWire
import LogInterface
import SluiceCore
import Testing

@testable import KafkaBroker

@Suite("Settings of topics and of the node")
struct ConfigTests {
    private typealias Entry = DescribeConfigsResponse.DescribeConfigsResourceResult

    private func describe(
        _ client: TestConnection, _ kind: Int8 = 2, _ name: String = "t", keys: [String]? = nil, version: Int16 = 4
    ) throws -> (code: Int16, entries: [String: Entry]) {
        var request = DescribeConfigsRequest(
            resources: [.init(resourceType: kind, resourceName: name, configurationKeys: keys)])
        if version >= 1 { request.includeSynonyms = true }
        let response: DescribeConfigsResponse = try client.ask(request, version)
        let result = try #require(response.results.first)
        return (
            result.errorCode.rawValue,
            Dictionary(uniqueKeysWithValues: result.configs.map { ($0.name, $0) })
        )
    }

    private func alter(
        _ client: TestConnection, _ name: String, _ operation: Int8, _ value: String?, topic: String = "t",
        kind: Int8 = 2, validateOnly: Bool = false
    ) throws -> Int16 {
        let response: IncrementalAlterConfigsResponse = try client.ask(
            IncrementalAlterConfigsRequest(
                resources: [
                    .init(
                        resourceType: kind, resourceName: topic,
                        configs: [.init(name: name, configOperation: operation, value: value)])
                ], validateOnly: validateOnly), 1)
        return try #require(response.responses.first).errorCode.rawValue
    }

    /// A value for each setting that is not its own.
    private static let samples: [String: String] = [
        "cleanup.policy": "compact", "compression.type": "gzip", "delete.retention.ms": "1234",
        "file.delete.delay.ms": "1", "flush.messages": "7", "flush.ms": "8",
        "follower.replication.throttled.replicas": "*", "index.interval.bytes": "1000",
        "leader.replication.throttled.replicas": "0:1", "local.retention.bytes": "5", "local.retention.ms": "6",
        "max.compaction.lag.ms": "99", "max.message.bytes": "2000", "message.timestamp.after.max.ms": "9",
        "message.timestamp.before.max.ms": "10", "message.timestamp.type": "LogAppendTime",
        "min.cleanable.dirty.ratio": "0.25", "min.compaction.lag.ms": "11", "min.insync.replicas": "2",
        "preallocate": "true", "remote.log.copy.disable": "true", "remote.log.delete.on.disable": "true",
        "remote.storage.enable": "true", "retention.bytes": "1073741824", "retention.ms": "60000",
        "segment.bytes": "1048576", "segment.index.bytes": "4096", "segment.jitter.ms": "12", "segment.ms": "13000",
        "unclean.leader.election.enable": "true", "sluice.durability": "memory",
    ]

    @Test("Every setting is taken, shown as it was given, and goes back", arguments: samples.keys.sorted())
    func echoes(_ name: String) throws {
        let client = TestKafka().connect()
        let value = try #require(Self.samples[name])
        let before = try #require(try describe(client).entries[name])
        #expect(before.configSource == 5 && before.value != value)
        #expect(try alter(client, name, 0, value, validateOnly: true) == 0)
        #expect(try describe(client).entries[name] == before)
        #expect(try alter(client, name, 0, value) == 0)
        let given = try #require(try describe(client).entries[name])
        #expect(given.value == value)
        #expect(given.configSource == 1)
        #expect(given.synonyms.map(\.value) == [value, before.value])
        #expect(try alter(client, name, 1, nil) == 0)
        #expect(try describe(client).entries[name] == before)
    }

    @Test("All of Kafka's settings are there")
    func complete() throws {
        let shown = try describe(TestKafka().connect()).entries
        #expect(shown.keys.sorted() == Self.samples.keys.sorted())
        #expect(shown.values.allSatisfy { $0.value != nil && !$0.readOnly && !$0.isSensitive && $0.configType != 0 })
    }

    @Test("Settings are described in every version", arguments: Int16(0)...4)
    func versions(_ version: Int16) throws {
        let kafka = TestKafka()
        let client = kafka.connect()
        #expect(try alter(client, "retention.ms", 0, "77") == 0)
        let (_, entries) = try describe(client, keys: ["retention.ms", "flush.ms", "none"], version: version)
        #expect(entries.keys.sorted() == ["flush.ms", "retention.ms"])
        #expect(entries["retention.ms"]?.value == "77")
        if version == 0 {
            #expect(entries["retention.ms"]?.isDefault == false && entries["flush.ms"]?.isDefault == true)
        }
        let (_, node) = try describe(client, 4, "1", version: version)
        #expect(node["broker.id"]?.value == "1" && node["broker.id"]?.readOnly == true)
    }

    @Test("What is not there cannot be described")
    func unknown() throws {
        let client = TestKafka().connect()
        #expect(try describe(client, 2, "none").code == 3)
        #expect(try describe(client, 2, "a/b").code == 17)
        #expect(try describe(client, 4, "2").code == 42)
        #expect(try describe(client, 4, "").entries.isEmpty)
        #expect(try describe(client, 99, "x").code == 42)
        #expect(try describe(client, 32, "g").code == 0)
    }

    @Test("Values that are none are 40, and nothing of the request is done")
    func values() throws {
        let kafka = TestKafka(declared: ["t2"])
        let client = kafka.connect()
        let bad: [(String, String)] = [
            ("retention.ms", "x"), ("retention.ms", "-2"), ("retention.ms", ""), ("cleanup.policy", "shrink"),
            ("cleanup.policy", ""), ("segment.bytes", "13"), ("segment.bytes", "99999999999"),
            ("compression.type", "rar"), ("preallocate", "yes"), ("min.cleanable.dirty.ratio", "1.5"),
            ("min.cleanable.dirty.ratio", "nan"), ("message.timestamp.type", "Now"), ("none", "1"),
            ("max.message.bytes", "-1"),
        ]
        for (name, value) in bad { #expect(try alter(client, name, 0, value) == 40, "\(name)=\(value)") }
        #expect(try alter(client, "retention.ms", 7, "1") == 42)
        #expect(try alter(client, "retention.ms", 2, "1") == 40)
        #expect(try alter(client, "retention.ms", 0, "1", topic: "none") == 3)
        #expect(try alter(client, "retention.ms", 0, "1", topic: "__consumer_offsets") == 17)
        #expect(try alter(client, "retention.ms", 0, "1", topic: "1", kind: 4) == 42)
        let shown = try describe(client).entries.values
        #expect(shown.allSatisfy { $0.configSource == 5 })
    }

    @Test("What is wrong is said in few words, however many the client has sent", arguments: [Int16(0), 1])
    func words(_ version: Int16) throws {
        let client = TestKafka().connect()
        let long = String(repeating: "x", count: 32_767)
        for (name, value) in [("retention.ms", long), (long, "1")] {
            let response: IncrementalAlterConfigsResponse = try client.ask(
                IncrementalAlterConfigsRequest(
                    resources: [
                        .init(
                            resourceType: 2, resourceName: "t",
                            configs: [.init(name: name, configOperation: 0, value: value)])
                    ]), version)
            #expect(response.responses.map(\.errorCode) == [.invalidConfig])
            #expect(response.responses.first?.errorMessage?.count ?? 0 < 300)
        }
        let described: DescribeGroupsResponse = try client.ask(DescribeGroupsRequest(groups: [long]), 6)
        #expect(described.groups.map(\.errorCode) == [.groupIDNotFound])
    }

    @Test("Lists are added to and taken from")
    func lists() throws {
        let client = TestKafka().connect()
        func policy() throws -> String? { try describe(client).entries["cleanup.policy"]?.value ?? nil }
        #expect(try alter(client, "cleanup.policy", 2, "compact") == 0)
        #expect(Set(try #require(try policy()).split(separator: ",")) == ["compact", "delete"])
        #expect(try alter(client, "cleanup.policy", 3, "delete") == 0)
        #expect(try policy() == "compact")
        #expect(try alter(client, "cleanup.policy", 3, "compact") == 40)
    }

    @Test("The older request replaces all settings", arguments: Int16(0)...2)
    func replaces(_ version: Int16) throws {
        let client = TestKafka().connect()
        #expect(try alter(client, "retention.ms", 0, "77") == 0)
        #expect(try alter(client, "flush.ms", 0, "78") == 0)
        let response: AlterConfigsResponse = try client.ask(
            AlterConfigsRequest(
                resources: [
                    .init(resourceType: 2, resourceName: "t", configs: [.init(name: "segment.ms", value: "99")])
                ]), version)
        #expect(response.responses.map(\.errorCode) == [.none])
        let entries = try describe(client).entries
        #expect(entries.filter { $0.value.configSource == 1 }.keys.sorted() == ["segment.ms"])
    }

    @Test("A stream of the configuration file is not changed from outside")
    func declared() throws {
        let client = TestKafka(declared: ["t"]).connect()
        #expect(try alter(client, "retention.ms", 0, "77") == 44)
    }

    @Test("What has settings is listed")
    func resources() throws {
        let client = TestKafka().connect()
        let all: ListConfigResourcesResponse = try client.ask(ListConfigResourcesRequest(), 1)
        #expect(all.configResources.contains { $0.resourceName == "t" && $0.resourceType == 2 })
        #expect(all.configResources.contains { $0.resourceName == "1" && $0.resourceType == 4 })
        let nodes: ListConfigResourcesResponse = try client.ask(ListConfigResourcesRequest(resourceTypes: [4]), 1)
        #expect(nodes.configResources.map(\.resourceType) == [4])
        let metrics: ListConfigResourcesResponse = try client.ask(ListConfigResourcesRequest(), 0)
        #expect(metrics.configResources.isEmpty)
    }
}
