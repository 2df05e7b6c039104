import GroupCoordination
import KafkaBroker
import SluiceBroker
import SluiceCore
import Synchronization
import TopicRouting

/// The shards of one node, to each other.
// Sendable: `services` is set before their threads start and never changes then; the directory is behind its mutex.
final class Peers: ShardPeers, KafkaPeers, @unchecked Sendable {
    let directory = Mutex(SessionDirectory())
    let retained = Mutex(RetainedTree())
    let offsets = Mutex(OffsetTable())
    let producers = Mutex(ProducerNumbers())
    let transactions = Mutex(TransactionTable())
    let shares = Mutex(ShareTable())
    let counters = Mutex<[BrokerCounters]>([])
    let refusals = Mutex<[RefusalList]>([])
    let devices = Mutex(DeviceBook())
    let heldMemory = Atomic<Int>(0)
    var services: [ShardService] = []

    func withDirectory<Result>(_ body: (inout SessionDirectory) -> Result) -> Result {
        directory.withLock { directory in body(&directory) }
    }

    func withRetained<Result>(_ body: (inout RetainedTree) -> Result) -> Result {
        retained.withLock { retained in body(&retained) }
    }

    func withOffsets<Result>(_ body: (inout OffsetTable) -> Result) -> Result {
        offsets.withLock { offsets in body(&offsets) }
    }

    func withProducerNumbers<Result>(_ body: (inout ProducerNumbers) -> Result) -> Result {
        producers.withLock { producers in body(&producers) }
    }

    func withTransactions<Result>(_ body: (inout TransactionTable) -> Result) -> Result {
        transactions.withLock { transactions in body(&transactions) }
    }

    func withShares<Result>(_ body: (inout ShareTable) -> Result) -> Result {
        shares.withLock { shares in body(&shares) }
    }

    func withCounters<Result>(_ body: (inout [BrokerCounters]) -> Result) -> Result {
        counters.withLock { counters in body(&counters) }
    }

    func withRefusals<Result>(_ body: (inout [RefusalList]) -> Result) -> Result {
        refusals.withLock { refusals in body(&refusals) }
    }

    func withDevices<Result>(_ body: (inout DeviceBook) -> Result) -> Result {
        devices.withLock { devices in body(&devices) }
    }

    func addMemory(_ byteCount: Int) { heldMemory.add(byteCount, ordering: .relaxed) }

    var memoryUse: Int { heldMemory.load(ordering: .relaxed) }

    var shardCount: Int { services.count }

    func post(_ message: ShardMessage, to shard: Int) { services[shard].post(message) }

    func post(_ mail: KafkaMail, to shard: Int) { services[shard].post(mail) }
}
