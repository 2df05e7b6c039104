import GroupCoordination
import KafkaWire
import SluiceCore
import Testing

@testable import KafkaBroker

/// A member of a share group.
final class ShareMember {
    let kafka: TestKafka
    let client: TestConnection
    let group: String
    let name: String
    private(set) var memberEpoch: Int32 = 0
    var sessionEpoch: Int32 = 0

    init(_ kafka: TestKafka, _ name: String, group: String = "g") {
        self.kafka = kafka
        self.group = group
        self.name = name
        client = kafka.connect(name)
    }

    // MARK: Membership

    /// Joins, or goes on.
    @discardableResult
    func beat(_ topics: [String]? = nil) throws -> ShareGroupHeartbeatResponse {
        let response: ShareGroupHeartbeatResponse = try client.ask(
            ShareGroupHeartbeatRequest(
                groupID: group, memberID: name, memberEpoch: memberEpoch, subscribedTopicNames: topics), 1)
        if response.errorCode == .none { memberEpoch = response.memberEpoch }
        return response
    }

    func leave() throws -> ShareGroupHeartbeatResponse {
        memberEpoch = -1
        return try beat()
    }

    // MARK: Records

    /// What a partition of an answer has.
    struct Got: Equatable {
        var values: [String] = []
        var acquired: [ClosedRange<Int64>] = []
        var counts: [Int16] = []
        var code = KafkaErrorCode.none
        var acknowledgeCode = KafkaErrorCode.none
    }

    /// What became of an acknowledgement.
    struct Outcome: Equatable {
        var code = KafkaErrorCode.none
        /// Of its only partition.
        var part = KafkaErrorCode.none
    }

    typealias Words = (range: ClosedRange<Int64>, kinds: [Int8])

    /// The next request of the session.
    func request(
        _ topics: [String] = ["t"], words: [Words] = [], wait: Int32 = 0, maxRecords: Int32 = 500,
        batchSize: Int32 = 500, isStrict: Bool = false, partitions: [Int32] = [0], renews: Bool = false
    ) throws -> ShareFetchRequest {
        var request = ShareFetchRequest(
            groupID: group, memberID: name, shareSessionEpoch: sessionEpoch, maxWaitMs: wait, minBytes: 1,
            maxRecords: renews ? 0 : maxRecords, batchSize: batchSize, shareAcquireMode: isStrict ? 1 : 0,
            isRenewAck: renews)
        request.topics = try topics.map { name in
            .init(
                topicID: try kafka.id(of: name),
                partitions: partitions.map { number in
                    .init(
                        partitionIndex: number,
                        acknowledgementBatches: number != partitions[0]
                            ? []
                            : words.map {
                                .init(
                                    firstOffset: $0.range.lowerBound, lastOffset: $0.range.upperBound,
                                    acknowledgeTypes: $0.kinds)
                            })
                })
        }
        return request
    }

    private func advance(_ code: KafkaErrorCode) {
        if code == .none, sessionEpoch >= 0 { sessionEpoch += 1 }
    }

    /// Fetches, and takes the first partition of the answer that there is.
    func fetch(
        words: [Words] = [], maxRecords: Int32 = 500, batchSize: Int32 = 500, isStrict: Bool = false,
        renews: Bool = false, version: Int16 = 2
    ) throws -> Got {
        try client.send(
            try request(
                words: words, maxRecords: maxRecords, batchSize: batchSize, isStrict: isStrict, renews: renews),
            version)
        return try #require(try take(version: version)).first ?? Got()
    }

    /// Sends a request that may wait.
    func begin(wait: Int32 = 10_000, partitions: [Int32] = [0], words: [Words] = []) throws {
        try client.send(try request(words: words, wait: wait, partitions: partitions), 2)
    }

    /// The partitions of the next answer; nil when it does not come.
    func take(version: Int16 = 2) throws -> [Got]? {
        guard let response = try client.take(ShareFetchResponse.self, version) else { return nil }
        #expect(response.errorCode == .none)
        advance(response.errorCode)
        return try response.responses.flatMap(\.partitions).map { part in
            var got = Got(code: part.errorCode, acknowledgeCode: part.acknowledgeErrorCode)
            got.acquired = part.acquiredRecords.map { $0.firstOffset...$0.lastOffset }
            got.counts = part.acquiredRecords.map(\.deliveryCount)
            if let range = part.records.range {
                let bytes = Array(client.lastFrame[range.indices])
                got.values = try TestBatch.records(bytes).filter { record in
                    got.acquired.contains { $0.contains(record.offset) }
                }.map(\.value)
            }
            return got
        }
    }

    /// Acknowledges on its own.
    func acknowledge(
        _ words: [Words], topic: String = "t", partition: Int32 = 0, renews: Bool = false, version: Int16 = 2
    ) throws -> Outcome {
        try client.send(try acknowledgement(words, topic: topic, partition: partition, renews: renews), version)
        return try #require(try takeAcknowledged(version: version))
    }

    func acknowledgement(
        _ words: [Words], topic: String = "t", partition: Int32 = 0, renews: Bool = false
    ) throws -> ShareAcknowledgeRequest {
        ShareAcknowledgeRequest(
            groupID: group, memberID: name, shareSessionEpoch: sessionEpoch, isRenewAck: renews,
            topics: [
                .init(
                    topicID: try kafka.id(of: topic),
                    partitions: [
                        .init(
                            partitionIndex: partition,
                            acknowledgementBatches: words.map {
                                .init(
                                    firstOffset: $0.range.lowerBound, lastOffset: $0.range.upperBound,
                                    acknowledgeTypes: $0.kinds)
                            })
                    ])
            ])
    }

    func takeAcknowledged(version: Int16 = 2) throws -> Outcome? {
        guard let response = try client.take(ShareAcknowledgeResponse.self, version) else { return nil }
        advance(response.errorCode)
        return Outcome(
            code: response.errorCode, part: response.responses.first?.partitions.first?.errorCode ?? .none)
    }
}

extension TestKafka {
    /// The same log, and a process that begins anew: only what is on record is there.
    func restarted() throws -> TestKafka {
        let next = TestKafka(engine: engine)
        next.shard.now = shard.now
        next.shard.wallClock = shard.wallClock
        try forEachRecord(of: ShareStateRecord.stream) { next.peers.shares.apply(key: $0, value: $1) }
        try forEachRecord(of: TransactionTable.stream) { next.peers.transactions.apply(key: $0, value: $1) }
        try forEachRecord(of: GroupRecord.stream) { next.peers.offsets.apply(key: $0, value: $1) }
        try forEachRecord(of: ProducerNumbers.stream) {
            next.peers.numbers.apply(key: $0, value: $1)
            next.peers.offsets.settings.apply(key: $0, value: $1)
        }
        return next
    }
}
