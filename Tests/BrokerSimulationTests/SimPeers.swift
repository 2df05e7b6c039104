import GroupCoordination
import SluiceBroker
import SluiceCore
import TopicRouting

/// Whether a loop was woken.
// Sendable: only one thread ever touches it.
final class WakeFlag: @unchecked Sendable {
    var isSet = false

    func take() -> Bool {
        defer { isSet = false }
        return isSet
    }
}

/// The shards of a simulated node, to each other: mail lies until the simulation delivers it.
// Sendable: only one thread ever touches it.
final class SimPeers: ShardPeers, @unchecked Sendable {
    let shardCount: Int
    private let plant: Plant?
    private(set) var mail: [[ShardMessage]]
    private let wakes: [WakeFlag]
    var directory = SessionDirectory()
    var retained = RetainedTree()
    var offsets = OffsetTable()
    private var counters: [BrokerCounters] = []
    private var refusals: [RefusalList] = []
    private var devices = DeviceBook()
    private(set) var memoryUse = 0

    init(_ wakes: [WakeFlag], plant: Plant?) {
        shardCount = wakes.count
        self.wakes = wakes
        self.plant = plant
        mail = wakes.map { _ in [] }
    }

    func withDirectory<Result>(_ body: (inout SessionDirectory) -> Result) -> Result { body(&directory) }

    func withRetained<Result>(_ body: (inout RetainedTree) -> Result) -> Result { body(&retained) }
    func withCounters<Result>(_ body: (inout [BrokerCounters]) -> Result) -> Result { body(&counters) }
    func withOffsets<Result>(_ body: (inout OffsetTable) -> Result) -> Result { body(&offsets) }
    var shares = ShareTable()
    func withShares<Result>(_ body: (inout ShareTable) -> Result) -> Result { body(&shares) }
    func withDevices<Result>(_ body: (inout DeviceBook) -> Result) -> Result { body(&devices) }
    func withRefusals<Result>(_ body: (inout [RefusalList]) -> Result) -> Result { body(&refusals) }
    func addMemory(_ byteCount: Int) { memoryUse += byteCount }

    func post(_ message: ShardMessage, to shard: Int) {
        switch message {
        case .shareLeft where plant == .losesShareLeft: return
        case .groupReleased where plant == .losesGroupRelease: return
        case .released where plant == .losesReleased: return
        case _: break
        }
        mail[shard].append(message)
        wakes[shard].isSet = true
    }

    /// The oldest messages of a mailbox.
    func takeMail(of shard: Int, atMost countMax: Int) -> [ShardMessage] {
        let count = min(countMax, mail[shard].count)
        defer { mail[shard].removeFirst(count) }
        return Array(mail[shard].prefix(count))
    }
}
