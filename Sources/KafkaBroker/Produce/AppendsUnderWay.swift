import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// A request to append, and what its partitions are answered.
///
/// Isolation: its loop's.
final class PendingProduce {
    let call: KafkaCall
    let acks: Int16
    var response = ProduceResponse()
    /// Whether its connection sends so seldom that its appends may wait for company.
    var isPatient = false
    /// Appends of it that have not settled.
    var awaitedCount = 0

    /// A partition's place in the response.
    struct Place {
        var topic: Int
        var partition: Int
    }

    /// A partition's batch that has not settled.
    struct Part {
        let place: Place
        let batch: RecordBatch
        let takeBack: (() -> Void)?

        init(place: Place, _ produced: ProducedBatch) {
            self.place = place
            batch = produced.append.batch
            takeBack = produced.takeBack
        }
    }

    init(_ call: KafkaCall, acks: Int16) {
        self.call = call
        self.acks = acks
    }

    /// Whether a partition was refused: whoever wants no answer is told by the end of the connection.
    var hasFault: Bool {
        response.responses.contains { $0.partitionResponses.contains { $0.errorCode != .none } }
    }

    func set(_ place: Place, _ body: (inout ProduceResponse.PartitionProduceResponse) -> Void) {
        body(&response.responses[place.topic].partitionResponses[place.partition])
    }
}

/// Appends that have not settled, in the order of their tickets.
struct AppendsUnderWay {
    /// What is to be done when one settles.
    enum Goal {
        /// Partitions of a request are answered, with the batches that have their offsets then.
        case produced(PendingProduce, [PendingProduce.Part])
        /// Something of the node's own.
        case then((Settlement.Outcome) -> Void)
    }

    private var ring = Ring<(ticket: AppendTicket, goal: Goal)>()
    private var settlements: [Settlement] = []
    /// Appends so far.
    private(set) var count: UInt64 = 0

    /// Whether all have settled.
    var isEmpty: Bool { ring.isEmpty }

    /// An append waits to settle.
    mutating func add(_ ticket: AppendTicket, _ goal: Goal) {
        assert(ring.last.map { $0.ticket < ticket } ?? true, "tickets grow")
        ring.append((ticket, goal))
        count += 1
    }

    /// Takes what has settled.
    mutating func take(from log: any LogEngine, _ loop: LoopID) -> [(goal: Goal, outcome: Settlement.Outcome)] {
        guard !ring.isEmpty else { return [] }
        settlements.removeAll(keepingCapacity: true)
        log.takeSettlements(of: loop, into: &settlements)
        var settled: [(goal: Goal, outcome: Settlement.Outcome)] = []
        for settlement in settlements {
            guard let first = ring.popFirst() else { preconditionFailure("Cannot settle what nobody waits for") }
            precondition(first.ticket == settlement.ticket, "Cannot settle appends out of their order")
            settled.append((first.goal, settlement.outcome))
        }
        return settled
    }
}
