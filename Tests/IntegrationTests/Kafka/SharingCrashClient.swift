import Foundation
import KafkaWire

/// What members of a share group were answered, all of them together.
///
/// Isolation: any thread.
// Sendable: what changes is touched with the lock held.
final class ShareLedger: @unchecked Sendable {
    struct Place: Hashable {
        var partition: Int32
        var offset: Int64
    }

    private let lock = NSLock()
    private var askedNow: Set<Place> = []
    private var acceptedNow: Set<Place> = []
    private var faultsNow: [String] = []

    private func locked<Result>(_ body: () -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return body()
    }

    /// Records of a partition that nobody ever accepted, up to the one of an offset.
    func missing(_ partition: Int32, before end: Int64) -> [Int64] {
        locked {
            // An answer may have been lost: then the record is done with all the same, or it comes again.
            let asked = askedNow.union(acceptedNow)
            return (0..<end).filter { !asked.contains(Place(partition: partition, offset: $0)) }
        }
    }

    /// Records that came although their acceptance was answered.
    var faults: [String] { locked { faultsNow } }

    func delivered(_ places: [Place], to name: String) {
        locked {
            for place in places where acceptedNow.contains(place) { faultsNow.append("\(place) comes to \(name)") }
        }
    }

    func asked(_ places: [Place]) { locked { askedNow.formUnion(places) } }

    func accepted(_ places: [Place]) { locked { acceptedNow.formUnion(places) } }
}

/// A member of a share group, which accepts what it gets, alone or with its next fetch, and gives some of it back.
final class SharingCrashClient: KafkaCrashClient, @unchecked Sendable {
    static let group = "sharing"
    private let ledger: ShareLedger
    private var random: SeededGenerator

    /// Records in hand, with the number of their deliveries.
    private struct Stretch {
        var partition: Int32
        var first: Int64
        var last: Int64
        var deliveryCount: Int16

        var places: [ShareLedger.Place] { (first...last).map { .init(partition: partition, offset: $0) } }
    }

    init(_ name: String, _ stage: KafkaCrashStage, _ ledger: ShareLedger, seed: UInt64) {
        self.ledger = ledger
        random = SeededGenerator(seed: seed)
        super.init(name, stage)
    }

    /// Has the group begin with the first record.
    static func prepare(_ client: KafkaClient) throws {
        let request = IncrementalAlterConfigsRequest(
            resources: [
                .init(
                    resourceType: 32, resourceName: group,
                    configs: [.init(name: "share.auto.offset.reset", configOperation: 0, value: "earliest")])
            ])
        let response: IncrementalAlterConfigsResponse = try client.ask(request, 1)
        guard response.responses.first?.errorCode == KafkaErrorCode.none else {
            throw KafkaClient.Unexpected(text: "IncrementalAlterConfigs: \(response)")
        }
    }

    override func live(_ client: KafkaClient) throws {
        let topic = try Self.topicID(client)
        var epoch: Int32 = 0
        var inHand: [Stretch] = []
        while !stage.isClosing {
            var ridesOn = inHand
            if !inHand.isEmpty, random.next() % 2 == 0 {
                try acknowledge(inHand, topic, epoch, client)
                epoch += 1
                ridesOn = []
            }
            inHand = try fetch(ridesOn, topic, epoch, client)
            epoch += 1
        }
        if !inHand.isEmpty { try acknowledge(inHand, topic, epoch, client) }
    }

    /// Takes all that is left.
    func drain(_ client: KafkaClient) throws {
        let topic = try Self.topicID(client)
        var inHand = try fetch([], topic, 0, client)
        var epoch: Int32 = 1
        while !inHand.isEmpty {
            inHand = try fetch(inHand, topic, epoch, client)
            epoch += 1
        }
    }

    static func topicID(_ client: KafkaClient) throws -> KafkaUUID {
        let response: MetadataResponse = try client.ask(MetadataRequest(topics: [.init(name: "plain")]), 12)
        guard let topic = response.topics.first else { throw KafkaClient.Unexpected(text: "Metadata: \(response)") }
        return topic.topicID
    }

    /// Whether it is given back: sometimes, and never for the last time.
    private func isReleased(_ stretch: Stretch) -> Bool { stretch.deliveryCount < 3 && random.next() % 8 == 0 }

    private func fetch(
        _ inHand: [Stretch], _ topic: KafkaUUID, _ epoch: Int32, _ client: KafkaClient
    ) throws -> [Stretch] {
        let released = inHand.map(isReleased)
        var request = ShareFetchRequest(
            groupID: Self.group, memberID: name, shareSessionEpoch: epoch, maxWaitMs: 100, minBytes: 1,
            maxBytes: 1 << 20, maxRecords: 20, batchSize: 20)
        request.topics = [
            .init(
                topicID: topic,
                partitions: (0..<3).map { partition in
                    .init(
                        partitionIndex: partition,
                        acknowledgementBatches: zip(inHand, released).filter { $0.0.partition == partition }.map {
                            .init(firstOffset: $0.first, lastOffset: $0.last, acknowledgeTypes: [$1 ? 2 : 1])
                        })
                })
        ]
        ask(inHand, released)
        let response: ShareFetchResponse = try client.ask(request, 2)
        let parts = response.responses.flatMap(\.partitions)
        guard response.errorCode == .none,
            parts.allSatisfy({ $0.errorCode == .none && $0.acknowledgeErrorCode == .none })
        else { throw KafkaClient.Unexpected(text: "ShareFetch: \(response)") }
        note(inHand, released)
        let stretches = parts.flatMap { part in
            part.acquiredRecords.map {
                Stretch(
                    partition: part.partitionIndex, first: $0.firstOffset, last: $0.lastOffset,
                    deliveryCount: $0.deliveryCount)
            }
        }
        ledger.delivered(stretches.flatMap(\.places), to: name)
        return stretches.sorted { ($0.partition, $0.first) < ($1.partition, $1.first) }
    }

    private func acknowledge(
        _ inHand: [Stretch], _ topic: KafkaUUID, _ epoch: Int32, _ client: KafkaClient
    ) throws {
        let released = inHand.map(isReleased)
        let request = ShareAcknowledgeRequest(
            groupID: Self.group, memberID: name, shareSessionEpoch: epoch,
            topics: [
                .init(
                    topicID: topic,
                    partitions: zip(inHand, released).map { stretch, isReleased in
                        .init(
                            partitionIndex: stretch.partition,
                            acknowledgementBatches: [
                                .init(
                                    firstOffset: stretch.first, lastOffset: stretch.last,
                                    acknowledgeTypes: [isReleased ? 2 : 1])
                            ])
                    })
            ])
        ask(inHand, released)
        let response: ShareAcknowledgeResponse = try client.ask(request, 2)
        guard response.errorCode == .none,
            response.responses.flatMap(\.partitions).allSatisfy({ $0.errorCode == .none })
        else { throw KafkaClient.Unexpected(text: "ShareAcknowledge: \(response)") }
        note(inHand, released)
    }

    private func ask(_ inHand: [Stretch], _ released: [Bool]) {
        ledger.asked(zip(inHand, released).filter { !$0.1 }.flatMap { $0.0.places })
    }

    private func note(_ inHand: [Stretch], _ released: [Bool]) {
        let accepted = zip(inHand, released).filter { !$0.1 }.flatMap { $0.0.places }
        ledger.accepted(accepted)
        if !accepted.isEmpty { stage.note(name) }
    }
}
