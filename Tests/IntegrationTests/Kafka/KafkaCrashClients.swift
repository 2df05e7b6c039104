import Foundation
import KafkaWire

/// Where the broker of a crash test is, and how far its clients have come.
///
/// Isolation: any thread.
// Sendable: what changes is touched with the condition locked.
final class KafkaCrashStage: @unchecked Sendable {
    private let condition = NSCondition()
    private var portNow: Int?
    private var isOver = false
    private var counts: [String: Int] = [:]

    private func locked<Result>(_ body: () -> Result) -> Result {
        condition.lock()
        defer { condition.unlock() }
        return body()
    }

    /// The broker accepts on a port; nil when it does not.
    func set(port: Int?) {
        locked {
            portNow = port
            condition.broadcast()
        }
    }

    /// Nothing new is to be begun.
    func close() {
        locked {
            isOver = true
            condition.broadcast()
        }
    }

    /// A client has had something acknowledged.
    func note(_ name: String) {
        locked {
            counts[name, default: 0] += 1
            condition.broadcast()
        }
    }

    var isClosing: Bool { locked { isOver } }

    /// The port when the broker accepts; nil when it does not within a tenth of a second.
    var port: Int? {
        locked {
            if portNow == nil { _ = condition.wait(until: Date(timeIntervalSinceNow: 0.1)) }
            return portNow
        }
    }

    /// Lets a moment pass, so that who is refused does not connect without a pause.
    func pause() { locked { _ = condition.wait(until: Date(timeIntervalSinceNow: 0.01)) } }

    /// Waits until each client has had so much more acknowledged than it has now.
    func wait(more count: Int, of names: [String], within seconds: Double = 120) -> Bool {
        let end = Date(timeIntervalSinceNow: seconds)
        return locked {
            let before = counts
            while !names.allSatisfy({ counts[$0] ?? 0 >= (before[$0] ?? 0) + count }) {
                guard condition.wait(until: end) else { return false }
            }
            return true
        }
    }
}

/// A client that goes on when the broker has come back.
///
/// Isolation: its thread, until `join`; then whoever joined.
// Sendable: other threads read only after `join`.
class KafkaCrashClient: @unchecked Sendable {
    let name: String
    let stage: KafkaCrashStage
    private let done = DispatchSemaphore(value: 0)
    /// What went wrong that no crash explains.
    private(set) var fault: String?

    init(_ name: String, _ stage: KafkaCrashStage) {
        self.name = name
        self.stage = stage
    }

    /// One life of the broker; throws `Gone` at its end, and returns when everything is done.
    func live(_ client: KafkaClient) throws {}

    func start() {
        Thread.detachNewThread {
            self.run()
            self.done.signal()
        }
    }

    func join(within seconds: Double) -> Bool { done.wait(timeout: .now() + seconds) == .success }

    private func run() {
        while true {
            guard let port = stage.port else { continue }
            do {
                try live(try KafkaClient(port: port))
                return
            } catch is KafkaClient.Gone {
                stage.pause()
            } catch {
                fault = "\(name): \(error)"
                return
            }
        }
    }
}

/// An idempotent producer with several batches under way, which it sends again until they are acknowledged.
final class IdempotentCrashClient: KafkaCrashClient, @unchecked Sendable {
    private var producer: (id: Int64, epoch: Int16)?
    private var underWay: [(sequence: Int32, values: [String])] = []
    private var sequence: Int32 = 0
    /// How many records were acknowledged; they are the first ones.
    private(set) var acknowledgedCount = 0
    /// How many were sent.
    var sentCount: Int { Int(sequence) }
    let partition: Int32

    init(_ number: Int32, _ stage: KafkaCrashStage) {
        partition = number
        super.init("i\(number)", stage)
    }

    override func live(_ client: KafkaClient) throws {
        let producer = try self.producer ?? client.initProducer(nil)
        self.producer = producer
        for batch in underWay { try send(batch, producer, client) }
        while true {
            while underWay.count < 4, !stage.isClosing {
                let values = (0..<Int32.random(in: 1...5)).map { "\(name) \(sequence + $0)" }
                let batch = (sequence, values)
                underWay.append(batch)
                sequence += Int32(values.count)
                try send(batch, producer, client)
            }
            guard let first = underWay.first else { return }
            let response: ProduceResponse = try client.take(9).response
            guard response.responses.first?.partitionResponses.first?.errorCode == KafkaErrorCode.none else {
                throw KafkaClient.Unexpected(text: "batch \(first.sequence): \(response)")
            }
            underWay.removeFirst()
            acknowledgedCount += first.values.count
            stage.note(name)
        }
    }

    private func send(
        _ batch: (sequence: Int32, values: [String]), _ producer: (id: Int64, epoch: Int16), _ client: KafkaClient
    ) throws {
        let bytes = KafkaClient.batch(batch.values, producer, sequence: batch.sequence, isTransactional: false)
        try client.send(KafkaClient.production("plain", partition, bytes, name: nil), 9)
    }
}

/// A producer of transactions in two partitions, with an offset of a group; every third one it gives up.
class TransactionalCrashClient: KafkaCrashClient, @unchecked Sendable {
    enum Outcome { case committed, aborted, unknown }
    private(set) var outcomes: [Outcome] = []
    /// The end that was asked for and not answered.
    private var pendingEnd: EndTxnRequest?
    var group: String { "group-" + name }
    /// Whether its partitions are added by their first batches, and each end makes another epoch.
    var hasEpochs: Bool { false }

    override func live(_ client: KafkaClient) throws {
        if let end = pendingEnd { _ = try settle(end, client) }
        var producer = try client.initProducer(name)
        // What was open is given up.
        if outcomes.last == .unknown { outcomes[outcomes.count - 1] = .aborted }
        var sequences: [Int32] = [0, 0]
        while !stage.isClosing {
            let answer = try transact(client, producer, &sequences)
            guard hasEpochs else { continue }
            producer = (answer.producerID, answer.producerEpoch)
            sequences = [0, 0]
        }
    }

    /// Asks for an end, or asks again when its answer is missing.
    private func settle(_ end: EndTxnRequest, _ client: KafkaClient) throws -> EndTxnResponse {
        let response: EndTxnResponse = try client.ask(end, hasEpochs ? 5 : 3)
        guard response.errorCode == .none else {
            throw KafkaClient.Unexpected(text: "the end of \(outcomes.count - 1) again: \(response.errorCode)")
        }
        outcomes[outcomes.count - 1] = end.committed ? .committed : .aborted
        pendingEnd = nil
        return response
    }

    private func add(_ producer: (id: Int64, epoch: Int16), _ client: KafkaClient) throws {
        let added: AddPartitionsToTxnResponse = try client.ask(
            AddPartitionsToTxnRequest(
                v3AndBelowTransactionalID: name, v3AndBelowProducerID: producer.id,
                v3AndBelowProducerEpoch: producer.epoch,
                v3AndBelowTopics: [.init(name: "transacted", partitions: [0, 1])]), 3)
        let codes = added.resultsByTopicV3AndBelow.flatMap { $0.resultsByPartition.map(\.partitionErrorCode) }
        guard codes == [.none, .none] else { throw KafkaClient.Unexpected(text: "AddPartitionsToTxn: \(codes)") }
    }

    private func transact(
        _ client: KafkaClient, _ producer: (id: Int64, epoch: Int16), _ sequences: inout [Int32]
    ) throws -> EndTxnResponse {
        let number = outcomes.count
        outcomes.append(.unknown)
        if !hasEpochs { try add(producer, client) }
        for partition in Int32(0)...1 {
            let values = (0..<3).map { "\(name) \(number) \($0)" }
            let bytes = KafkaClient.batch(
                values, producer, sequence: sequences[Int(partition)], isTransactional: true)
            let response: ProduceResponse = try client.ask(
                KafkaClient.production("transacted", partition, bytes, name: name), hasEpochs ? 12 : 9)
            guard response.responses.first?.partitionResponses.first?.errorCode == KafkaErrorCode.none else {
                throw KafkaClient.Unexpected(text: "Produce: \(response)")
            }
            sequences[Int(partition)] += 3
        }
        let offset = TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition(
            partitionIndex: 0, committedOffset: Int64(number), committedMetadata: "")
        let committed: TxnOffsetCommitResponse = try client.ask(
            TxnOffsetCommitRequest(
                transactionalID: name, groupID: group, producerID: producer.id, producerEpoch: producer.epoch,
                topics: [.init(name: "plain", partitions: [offset])]), hasEpochs ? 5 : 3)
        guard committed.topics.first?.partitions.first?.errorCode == KafkaErrorCode.none else {
            throw KafkaClient.Unexpected(text: "TxnOffsetCommit: \(committed)")
        }
        let end = EndTxnRequest(
            transactionalID: name, producerID: producer.id, producerEpoch: producer.epoch, committed: number % 3 != 2)
        pendingEnd = end
        let answer = try settle(end, client)
        stage.note(name)
        return answer
    }
}

/// One of version 2 of Kafka's transactions.
final class EpochCrashClient: TransactionalCrashClient, @unchecked Sendable {
    override var hasEpochs: Bool { true }
}

/// A group that commits rising offsets, and looks after each crash whether they are there.
final class CommittingCrashClient: KafkaCrashClient, @unchecked Sendable {
    private var answered: Int64 = -1
    private var asked: Int64 = -1
    /// Offsets that were found behind what had been answered, or beyond what had been asked.
    private(set) var faults: [String] = []

    override func live(_ client: KafkaClient) throws {
        let offset = try committed(client)
        if offset < answered || offset > asked { faults.append("\(offset) is not of \(answered)...\(asked)") }
        while !stage.isClosing {
            asked += 1
            let part = OffsetCommitRequest.OffsetCommitRequestPartition(
                partitionIndex: 0, committedOffset: asked, committedMetadata: "")
            let request = OffsetCommitRequest(
                groupID: name, generationIDOrMemberEpoch: -1, topics: [.init(name: "plain", partitions: [part])])
            let response: OffsetCommitResponse = try client.ask(request, 8)
            guard response.topics.first?.partitions.first?.errorCode == KafkaErrorCode.none else {
                throw KafkaClient.Unexpected(text: "OffsetCommit: \(response)")
            }
            answered = asked
            stage.note(name)
        }
    }

    private func committed(_ client: KafkaClient) throws -> Int64 {
        try Self.committed(name, client)
    }

    /// What a group has committed; -1 for nothing.
    static func committed(_ group: String, _ client: KafkaClient) throws -> Int64 {
        let request = OffsetFetchRequest(
            groupID: group, topics: [.init(name: "plain", partitionIndexes: [0])], requireStable: true)
        let response: OffsetFetchResponse = try client.ask(request, 7)
        guard let part = response.topics.first?.partitions.first, part.errorCode == .none else {
            throw KafkaClient.Unexpected(text: "OffsetFetch: \(response)")
        }
        return part.committedOffset
    }
}
