import LogInterface
import SluiceCore

/// A request that waits for records.
protocol WaitingFetch: AnyObject {
    /// Its number among those that wait; 0 while it does not.
    var parkedNumber: UInt64 { get set }
    /// The number that it was parked under first: its place among those that wait for the same.
    var firstNumber: UInt64 { get set }
    /// When it is answered with whatever there is, in nanoseconds.
    var deadline: Int64 { get }
    /// The partitions whose records it waits for.
    var awaitedPartitions: [PartitionID] { get }
}

extension WaitingFetch {
    /// Whether it is among those that wait.
    var isParked: Bool { parkedNumber != 0 }
}

/// What waits for records in a loop: consumers' fetches, and those of share groups.
///
/// Isolation: its loop's.
struct WaitingFetches {
    var fetches = FetchQueue<PendingFetch>()
    var shares = FetchQueue<PendingShareFetch>()
    /// Whether the loop is woken by new records.
    var isInterested = false
    /// Where scans put what they find.
    var entries: [TailEntry] = []

    /// Whether nothing waits.
    var isEmpty: Bool { fetches.isEmpty && shares.isEmpty }

    /// A time before which none is to be answered; nil while none waits.
    var earliestDeadline: Int64? {
        guard let share = shares.earliestDeadline else { return fetches.earliestDeadline }
        return min(share, fetches.earliestDeadline ?? share)
    }
}

/// Fetches that wait for records, by partition and by the time until which they wait.
///
/// Invariants: a fetch is in the table of each of its partitions, and has an entry in the heap; entries of fetches that
/// wait no longer are dropped when they are met, or when they are most of the heap.
/// Complexity: O(partitions) to wait and to be woken, O(log n) for the time.
/// Isolation: its loop's.
struct FetchQueue<Fetch: WaitingFetch> {
    private var byPartition: [PartitionID: [UInt64: Fetch]] = [:]
    private var parked: [UInt64: Fetch] = [:]
    private var lastNumber: UInt64 = 0
    /// By deadline, the earliest on top.
    private var heap: [(deadline: Int64, number: UInt64)] = []

    /// All that wait, those first that came first.
    var all: [Fetch] { parked.sorted { $0.key < $1.key }.map(\.value) }

    var isEmpty: Bool { parked.isEmpty }

    /// A time before which none is to be answered; nil while none waits.
    var earliestDeadline: Int64? { parked.isEmpty ? nil : heap.first?.deadline }

    /// Those that wait for a partition, those first that came first.
    func waiting(for partition: PartitionID) -> [Fetch] {
        byPartition[partition].map { $0.values.sorted { $0.firstNumber < $1.firstNumber } } ?? []
    }

    mutating func park(_ fetch: Fetch) {
        assert(fetch.parkedNumber == 0)
        lastNumber += 1
        fetch.parkedNumber = lastNumber
        if fetch.firstNumber == 0 { fetch.firstNumber = lastNumber }
        parked[lastNumber] = fetch
        for partition in fetch.awaitedPartitions { byPartition[partition, default: [:]][lastNumber] = fetch }
        if heap.count > 2 * parked.count + 64 { dropForgotten() }
        push((fetch.deadline, lastNumber))
    }

    mutating func remove(_ fetch: Fetch) {
        guard fetch.parkedNumber != 0 else { return }
        let number = fetch.parkedNumber
        fetch.parkedNumber = 0
        parked[number] = nil
        for partition in fetch.awaitedPartitions {
            byPartition[partition]?[number] = nil
            if byPartition[partition]?.isEmpty == true { byPartition[partition] = nil }
        }
        if parked.isEmpty { heap.removeAll(keepingCapacity: true) }
    }

    /// Takes off those whose time is over.
    mutating func takeExpired(at now: Int64) -> [Fetch] {
        var expired: [Fetch] = []
        while let first = heap.first, first.deadline <= now {
            pop()
            guard let fetch = parked[first.number] else { continue }
            remove(fetch)
            expired.append(fetch)
        }
        return expired
    }

    // MARK: The heap

    private mutating func dropForgotten() {
        let known = heap.filter { parked[$0.number] != nil }.sorted { $0.deadline < $1.deadline }
        // What is sorted is a heap.
        heap = known
    }

    private mutating func push(_ entry: (deadline: Int64, number: UInt64)) {
        heap.append(entry)
        var index = heap.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].deadline < heap[parent].deadline else { break }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func pop() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].deadline < heap[least].deadline { least = child }
            }
            guard least != index else { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
