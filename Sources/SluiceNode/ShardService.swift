import HTTPBroker
package import KafkaBroker
import LogInterface
package import RecordFormat
package import SluiceBroker
package import SluiceCore
import Speaking
import Synchronization

/// A shard as a loop drives it, with the mailbox that its peers post to, and the Kafka endpoint beside it.
///
/// Isolation: its loop's thread, but for `post`.
// Sendable: other threads only call `post`, which uses the mutex, the atomic and a Sendable function, and read a count.
final class ShardService: LoopService, @unchecked Sendable {
    let shard: BrokerShard
    /// Nil where no listener speaks Kafka's protocol.
    private let kafka: KafkaShard?
    /// Nil on all loops but HTTP's own.
    private let http: HTTPShard?
    private let log: any LogEngine
    private let wake: @Sendable () -> Void
    private let mailbox = Mutex<[ShardMessage]>([])
    private let kafkaMailbox = Mutex<[KafkaMail]>([])
    /// Whether there is mail: a tick without any takes no lock.
    private let hasMail = Atomic<Bool>(false)
    private var lastPublishCount: UInt64 = 0
    /// How often the loop has kept the time so far.
    let elapsedCount = Atomic<UInt64>(0)

    init(
        _ settings: ShardSettings, _ kafkaSettings: KafkaSettings?, _ httpSettings: HTTPSettings?, log: any LogEngine,
        peers: any ShardPeers & KafkaPeers, wake: @escaping @Sendable () -> Void,
        report: @escaping (LogEvent, LogWords) -> Void
    ) {
        self.log = log
        self.wake = wake
        let shard = BrokerShard(
            settings: settings, log: log, peers: peers, wake: wake, report: report)
        self.shard = shard
        http = httpSettings.map {
            HTTPShard($0, broker: shard, log: log, peers: peers, wake: wake, report: report)
        }
        kafka = kafkaSettings.map {
            KafkaShard($0, log: log, peers: peers, wake: wake, report: report)
        }
        kafka?.examiner = shard
    }

    /// Puts a message into the mailbox. Any thread.
    func post(_ message: ShardMessage) {
        mailbox.withLock { $0.append(message) }
        hasMail.store(true, ordering: .releasing)
        wake()
    }

    /// Puts mail of another loop's Kafka endpoint into its box. Any thread.
    func post(_ mail: KafkaMail) {
        kafkaMailbox.withLock { $0.append(mail) }
        hasMail.store(true, ordering: .releasing)
        wake()
    }

    // MARK: Ticks

    func setClocks(now: Int64, wallClock: Timestamp) {
        shard.now = now
        shard.wallClock = wallClock
        kafka?.now = now
        kafka?.wallClock = wallClock
        http?.now = now
        http?.wallClock = wallClock
    }

    func takeMessages() {
        // Cleared before the box is emptied: what comes from here on is seen by the next tick, which its wake brings.
        guard hasMail.load(ordering: .acquiring) else { return }
        hasMail.store(false, ordering: .relaxed)
        var taken: [ShardMessage] = []
        mailbox.withLock { swap(&taken, &$0) }
        for message in taken { shard.received(message) }
        guard let kafka else { return }
        var mail: [KafkaMail] = []
        kafkaMailbox.withLock { swap(&mail, &$0) }
        for item in mail { kafka.received(item) }
    }

    func endTick() {
        shard.endTick()
        kafka?.endTick()
        http?.endTick()
    }

    func moved(receivedByteCount: Int, sentByteCount: Int) {
        shard.counters.bytesReceived += UInt64(receivedByteCount)
        shard.counters.bytesSent += UInt64(sentByteCount)
    }

    /// Publishes in a tick from which the loop has enough to do: then it reads on while the device works.
    private static let busyPublishCount: UInt64 = 16

    /// A commit is on its way that this loop waits for: its end wakes the loop once, for the acknowledgements and for
    /// what has come meanwhile; without this, each message wakes it, to be appended and to wait all the same. A wake of
    /// an idle processor was the largest cost of a message at 5,000 a second (ADR 0006).
    func gatheringTime() -> Int64 {
        let publishCount = shard.counters.publishesReceived + (kafka?.produceCount ?? 0)
        defer { lastPublishCount = publishCount }
        guard publishCount - lastPublishCount < Self.busyPublishCount,
            shard.waitsForCommit || kafka?.waitsForCommit == true
        else { return 0 }
        return log.patience
    }

    func elapsed() {
        elapsedCount.add(1, ordering: .relaxed)
        shard.elapsed()
        kafka?.elapsed()
        http?.elapsed()
    }

    func stoodStill(for nanoseconds: Int64) { shard.stoodStill(for: nanoseconds) }

    var nextPace: Int64? {
        let own = shard.nextPace
        guard kafka != nil || http != nil else { return own }
        return [own, kafka?.nextPace, http?.nextPace].compactMap(\.self).min()
    }

    func pace() {
        shard.pace()
        kafka?.pace()
        http?.pace()
    }

    // MARK: Connections

    func connected(_ link: any ConnectionLink, peer: PeerIdentity, refusal: ConnectionRefusal?) -> any Speaker {
        if let kafka, peer.listener.conversation == .kafka {
            return kafka.connected(link, peer: peer, refusal: refusal)
        }
        if let http, peer.listener.conversation == .http {
            return http.connected(link, peer: peer, refusal: refusal)
        }
        precondition(peer.listener.conversation == .mqtt, "Cannot speak what no speaker is made for")
        return shard.connected(link, peer: peer, refusal: refusal)
    }

    func refused(_ peer: PeerIdentity, because reason: String) { shard.refused(peer, because: reason) }

    var isUnderPressure: Bool { shard.isUnderPressure }

    // MARK: Stopping

    func beginDrain() {
        shard.beginDrain()
        kafka?.beginDrain()
        http?.beginDrain()
    }

    var isDrained: Bool { shard.isDrained && kafka?.isDrained ?? true && http?.isDrained ?? true }

    func shutDown() {
        http?.shutDown()
        shard.shutDown()
        kafka?.shutDown()
    }
}

/// Device profiles hold for what Kafka clients produce.
extension BrokerShard: ProduceExaminer {
    /// See `ProduceExaminer`.
    package func examines(_ topic: String) -> Bool { examinesProduced(into: topic) }

    /// See `ProduceExaminer`.
    package func examine(
        _ batch: RecordBatch, into topic: String, from client: String, stampedAt stamp: Timestamp?
    ) -> Examination {
        let found = examine(produced: batch, into: topic, from: client, stampedAt: stamp)
        return Examination(
            refusals: found.refusals, leftOut: found.letterNumbers, companions: found.letters,
            isTooLarge: found.isTooLarge, takeBack: { [unowned self] in takeBack(found) })
    }
}
