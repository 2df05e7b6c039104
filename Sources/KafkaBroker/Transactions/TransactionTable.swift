import GroupCoordination
import KafkaWire
import SluiceCore

/// The transactions of all producers, by the names that they give themselves: the state of `__transaction_state`.
///
/// A transaction ends by one append: the marks in its partitions, the offsets that it commits, and the record that says
/// it is over. So there is nothing between "going on" and "over" that a crash could leave (ADR 0026).
/// Isolation: a value behind its owner's lock, which is held while a transaction's batch is appended: no batch comes
/// behind the mark of its end.
/// Source: KIP-98, KIP-360, KIP-890 part 1.
package struct TransactionTable: Sendable {
    private(set) var transactions: [String: Transaction] = [:]
    private var names: [Int64: String] = [:]
    /// Transactions that were given up, by partition, in the order of their first offsets.
    private(set) var aborted: [StreamPartition: [AbortedRange]] = [:]
    /// The partitions in which some transaction is going on.
    private var openCounts: [StreamPartition: Int] = [:]
    /// Records that could not be understood.
    package private(set) var damagedCount = 0

    /// The stream's name; what it holds is this node's own form.
    package static let stream = "__transaction_state"

    /// No transactions.
    package init() {}

    /// One producer's.
    struct Transaction: Sendable, Equatable {
        var producerID: Int64
        var epoch: Int16
        /// How long a transaction may go on, in milliseconds.
        var timeout: Int32
        var phase = Phase.empty
        /// When the one that is going on began.
        var startedAt = Timestamp(rawValue: 0)
        /// The partitions that it writes to, and where each ended when it was added: none of its records is before.
        var partitions: [StreamPartition: Offset] = [:]
        /// What it commits for groups when it ends well.
        var offsets: [String: [StreamPartition: CommittedOffset]] = [:]
        /// The groups that it may commit for.
        var groups: Set<String> = []
        /// Who the producer was in the transaction that has ended last, when it is somebody else since: it may ask for
        /// the same end again.
        var former: Former?

        /// A producer's number and epoch.
        struct Former: Sendable, Equatable {
            var producerID: Int64
            var epoch: Int16
        }

        /// Begins a transaction, unless one is going on.
        mutating func goOn(at now: Timestamp) {
            guard phase != .ongoing else { return }
            (phase, startedAt, former) = (.ongoing, now, nil)
        }
    }

    enum Phase: UInt8, Sendable {
        /// None has begun. *a partition or a group is added => ongoing.*
        case empty = 0
        /// *it is to end => ending.*
        case ongoing = 1
        /// Its end is on the way to the log. *stored => committed or aborted; refused => ongoing.*
        case ending = 2
        /// The last one has ended well. *as empty.*
        case committed = 3
        /// The last one was given up. *as empty.*
        case aborted = 4

        /// Kafka's name.
        var name: String {
            switch self {
            case .empty: "Empty"
            case .ongoing: "Ongoing"
            case .ending: "PrepareCommit"
            case .committed: "CompleteCommit"
            case .aborted: "CompleteAbort"
            }
        }
    }

    /// Where records of a transaction that was given up lie in a partition.
    struct AbortedRange: Sendable, Equatable {
        var producerID: Int64
        /// None of its records is before.
        var first: Offset
        /// None of its records is behind: the mark of its end is here, or further on.
        var last: Offset
    }

    // MARK: Queries

    subscript(name: String) -> Transaction? { transactions[name] }

    /// Whether a producer's number belongs to a name.
    func name(of producerID: Int64) -> String? { names[producerID] }

    /// Before which offset everything in a partition is decided; nil when everything is.
    func firstOpen(in partition: StreamPartition) -> Offset? {
        guard openCounts[partition] != nil else { return nil }
        return transactions.values.compactMap { $0.partitions[partition] }.min()
    }

    /// The transactions that were given up and have records in a range.
    func aborted(in partition: StreamPartition, _ range: Range<Offset>) -> [AbortedRange] {
        guard let all = aborted[partition] else { return [] }
        return all.filter { $0.last >= range.lowerBound && $0.first < range.upperBound }
    }

    /// Whether a transaction that is going on commits something for a group in a partition.
    func commits(_ group: String, _ partition: StreamPartition) -> Bool {
        transactions.values.contains { $0.offsets[group]?[partition] != nil }
    }

    // MARK: Changes

    /// Puts a transaction's state in place.
    mutating func set(_ name: String, _ transaction: Transaction) {
        if let former = transactions[name] {
            for partition in former.partitions.keys { close(partition) }
            if former.producerID != transaction.producerID { names[former.producerID] = nil }
        }
        for partition in transaction.partitions.keys { openCounts[partition, default: 0] += 1 }
        names[transaction.producerID] = name
        transactions[name] = transaction
    }

    private mutating func close(_ partition: StreamPartition) {
        let count = (openCounts[partition] ?? 1) - 1
        openCounts[partition] = count > 0 ? count : nil
    }

    /// Notes that a transaction was given up.
    mutating func note(_ range: AbortedRange, in partition: StreamPartition) {
        var ranges = aborted[partition] ?? []
        let index = ranges.firstIndex { $0.first > range.first } ?? ranges.count
        ranges.insert(range, at: index)
        aborted[partition] = ranges
    }

    /// Forgets those that were given up and of which retention has left nothing.
    mutating func forget(in partition: StreamPartition, before start: Offset) -> [AbortedRange] {
        guard let ranges = aborted[partition], ranges.contains(where: { $0.last < start }) else { return [] }
        let kept = ranges.filter { $0.last >= start }
        aborted[partition] = kept.isEmpty ? nil : kept
        return ranges.filter { $0.last < start }
    }

    /// Those that have gone on for longer than they may.
    func expired(at now: Timestamp) -> [String] {
        transactions.filter {
            $0.value.phase == .ongoing && now.rawValue - $0.value.startedAt.rawValue > Int64($0.value.timeout)
        }.keys.sorted()
    }
}

// MARK: Records

extension TransactionTable {
    /// A record of the stream, which has its effect when it is read.
    ///
    /// Layout of keys: `u8 0, name` for a transaction, `u8 1, stream, partition i32, producer i64, first i64` for one
    /// that was given up. Values: `u8 1` (version), then a transaction's fields in the order of `Transaction` (of
    /// `former` both, -1 where there is none; version 0 ends before it), or the last offset. Numbers are big-endian,
    /// strings have two bytes of length in front.
    enum Record {
        case transaction(String, Transaction)
        case aborted(StreamPartition, AbortedRange)
        case forgotten(StreamPartition, AbortedRange)
    }

    /// Applies a record as it is in the stream.
    package mutating func apply(key: [UInt8], value: [UInt8]?) {
        do throws(KafkaWireError) {
            switch try Record(key: key, value: value) {
            case .transaction(let name, var transaction):
                // What was on its way when the process ended is not there.
                if transaction.phase == .ending { transaction.phase = .ongoing }
                set(name, transaction)
            case .aborted(let partition, let range): note(range, in: partition)
            case .forgotten(let partition, let range): aborted[partition]?.removeAll { $0.first == range.first }
            }
        } catch {
            damagedCount += 1
        }
    }
}

extension TransactionTable.Record {
    var key: [UInt8] {
        var writer = KafkaWriter()
        switch self {
        case .transaction(let name, _):
            writer.write(0 as UInt8)
            write(name, to: &writer)
        case .aborted(let partition, let range), .forgotten(let partition, let range):
            writer.write(1 as UInt8)
            write(partition, to: &writer)
            writer.write(range.producerID)
            writer.write(range.first.rawValue)
        }
        return writer.buffer.bytes.copied
    }

    var value: [UInt8]? {
        var writer = KafkaWriter()
        writer.write(1 as UInt8)
        switch self {
        case .forgotten: return nil
        case .aborted(_, let range): writer.write(range.last.rawValue)
        case .transaction(_, let transaction):
            writer.write(transaction.producerID)
            writer.write(transaction.epoch)
            writer.write(transaction.timeout)
            writer.write(transaction.phase.rawValue)
            writer.write(transaction.startedAt.rawValue)
            writer.write(Int32(transaction.partitions.count))
            for (partition, offset) in transaction.partitions.sorted(by: { $0.key < $1.key }) {
                write(partition, to: &writer)
                writer.write(offset.rawValue)
            }
            writer.write(Int32(transaction.groups.count))
            for group in transaction.groups.sorted() {
                write(group, to: &writer)
                let offsets = transaction.offsets[group] ?? [:]
                writer.write(Int32(offsets.count))
                for (partition, committed) in offsets.sorted(by: { $0.key < $1.key }) {
                    write(partition, to: &writer)
                    writer.write(committed.offset.rawValue)
                    writer.write(committed.leaderEpoch)
                    write(committed.metadata, to: &writer)
                    writer.write(committed.committedAt.rawValue)
                }
            }
            writer.write(transaction.former?.producerID ?? -1)
            writer.write(transaction.former?.epoch ?? -1)
        }
        return writer.buffer.bytes.copied
    }

    private func write(_ text: String, to writer: inout KafkaWriter) {
        do throws(KafkaWireError) {
            try writer.write(text, compact: false, "TransactionRecord")
        } catch {
            // Names come from the wire, where their length has two bytes as well.
            assertionFailure("\(error)")
        }
    }

    private func write(_ partition: StreamPartition, to writer: inout KafkaWriter) {
        write(partition.stream, to: &writer)
        writer.write(partition.number)
    }

    init(key: [UInt8], value: [UInt8]?) throws(KafkaWireError) {
        var reader = KafkaReader(key.span)
        guard try reader.readInt8("TransactionKey.kind") == 0 else {
            let partition = try Self.partition(&reader)
            var range = TransactionTable.AbortedRange(
                producerID: try reader.readInt64("TransactionKey.producer"),
                first: Offset(rawValue: try reader.readInt64("TransactionKey.first")), last: .zero)
            guard let value else {
                self = .forgotten(partition, range)
                return
            }
            var rest = KafkaReader(value.span)
            _ = try rest.readInt8("TransactionValue.version")
            range.last = Offset(rawValue: try rest.readInt64("TransactionValue.last"))
            self = .aborted(partition, range)
            return
        }
        let name = try reader.readString(compact: false, "TransactionKey.name")
        let content = value ?? []
        var rest = KafkaReader(content.span)
        let version = try rest.readInt8("TransactionValue.version")
        var transaction = TransactionTable.Transaction(
            producerID: try rest.readInt64("TransactionValue.producer"),
            epoch: try rest.readInt16("TransactionValue.epoch"),
            timeout: try rest.readInt32("TransactionValue.timeout"))
        let phase = UInt8(bitPattern: try rest.readInt8("TransactionValue.phase"))
        transaction.phase = TransactionTable.Phase(rawValue: phase) ?? .empty
        transaction.startedAt = Timestamp(rawValue: try rest.readInt64("TransactionValue.startedAt"))
        for _ in 0..<(try rest.readInt32("TransactionValue.partitions")) {
            let partition = try Self.partition(&rest)
            transaction.partitions[partition] = Offset(rawValue: try rest.readInt64("TransactionValue.first"))
        }
        for _ in 0..<(try rest.readInt32("TransactionValue.groups")) {
            let group = try rest.readString(compact: false, "TransactionValue.group")
            transaction.groups.insert(group)
            for _ in 0..<(try rest.readInt32("TransactionValue.offsets")) {
                let partition = try Self.partition(&rest)
                transaction.offsets[group, default: [:]][partition] = try Self.committed(&rest)
            }
        }
        if version >= 1 {
            let former = TransactionTable.Transaction.Former(
                producerID: try rest.readInt64("TransactionValue.formerProducer"),
                epoch: try rest.readInt16("TransactionValue.formerEpoch"))
            if former.producerID >= 0 { transaction.former = former }
        }
        self = .transaction(name, transaction)
    }

    private static func partition(_ reader: inout KafkaReader) throws(KafkaWireError) -> StreamPartition {
        let stream = try reader.readString(compact: false, "TransactionRecord.stream")
        return StreamPartition(stream: stream, number: try reader.readInt32("TransactionRecord.partition"))
    }

    private static func committed(_ reader: inout KafkaReader) throws(KafkaWireError) -> CommittedOffset {
        let offset = Offset(rawValue: try reader.readInt64("TransactionValue.offset"))
        let epoch = try reader.readInt32("TransactionValue.leaderEpoch")
        let metadata = try reader.readString(compact: false, "TransactionValue.metadata")
        var committed = CommittedOffset(
            offset: offset, metadata: metadata,
            committedAt: Timestamp(rawValue: try reader.readInt64("TransactionValue.committedAt")))
        committed.leaderEpoch = epoch
        return committed
    }
}
