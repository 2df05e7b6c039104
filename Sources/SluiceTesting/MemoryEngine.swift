import Compression
package import LogInterface
package import RecordFormat
package import SluiceCore
import Synchronization

/// A log engine in memory, which shares nothing with the embedded one: what both do is what the interface says.
///
/// It answers as a cluster does: an append has no offset until it settles, and what has not settled is seen by nobody.
/// Isolation: any thread; everything is behind one lock, which is given back before anybody is woken.
package final class MemoryEngine: LogEngine {
    /// When appends settle.
    package enum Pace: Sendable {
        /// At once.
        case atOnce
        /// When a test says so: `settle`.
        case whenTold
    }

    struct Partition {
        var name: String
        var isGone = false
        var start = Offset.zero
        var end = Offset.zero
        var entries: [TailEntry] = []
        var producers: [ProducerID: Producer] = [:]
    }

    struct Producer {
        var epoch: Int16
        /// The sequence that is due.
        var due: Int32
        /// The last batches: first sequence, end of it, base offset. Kafka keeps five.
        var recent: [(first: Int32, end: Int32, offset: Offset)] = []
    }

    struct Loop {
        var wake: @Sendable () -> Void
        var lastTicket: UInt64 = 0
        var settlements: [Settlement] = []
        var fetched: [(number: UInt64, read: PartitionRead)] = []
        var administered: [(number: UInt64, result: Result<StreamDescription, StreamFault>)] = []
        var erasures: [(number: UInt64, report: ErasureReport)] = []
        /// How many entries of `order` its scans have passed; nil while it does not scan.
        var scans: (appended: Int?, durable: Int?)
    }

    struct Pending {
        var loop: LoopID
        var ticket: AppendTicket
        var appends: [Append]
        var isSequenced: Bool
    }

    struct State {
        var streams: [StreamDescription] = []
        var generation: UInt64 = 1
        /// How many streams there have been.
        var serial = 0
        var partitions: [Partition] = []
        var loops: [Loop] = []
        var pending: [Pending] = []
        /// Everything that has settled, in its order.
        var order: [TailEntry] = []
    }

    private let pace: Pace
    let state: Mutex<State>

    /// An engine with these streams, empty.
    package init(_ settings: [StreamSettings], pace: Pace = .atOnce) {
        self.pace = pace
        var initial = State()
        for setting in settings { Self.add(setting, to: &initial) }
        state = Mutex(initial)
    }

    // MARK: What a test does

    /// Lets the oldest appends settle that have not.
    /// - Returns: how many have.
    @discardableResult
    package func settle(atMost countMax: Int = .max) -> Int {
        let (count, wakes) = state.withLock { state in Self.settle(&state, atMost: countMax) }
        for wake in wakes { wake() }
        return count
    }

    /// Whether appends wait to settle.
    package var hasPending: Bool { state.withLock { !$0.pending.isEmpty } }

    /// Every record of a partition, in its order.
    package func batches(of partition: PartitionID) -> [RecordBatch] {
        state.withLock { $0.partitions[partition.index].entries.map(\.batch) }
    }

    private static func settle(_ state: inout State, atMost countMax: Int) -> (Int, [@Sendable () -> Void]) {
        let count = min(countMax, state.pending.count)
        var woken: Set<LoopID> = []
        for pending in state.pending.prefix(count) {
            let outcome = perform(pending, &state)
            state.loops[pending.loop.index].settlements.append(Settlement(ticket: pending.ticket, outcome: outcome))
            woken.insert(pending.loop)
        }
        state.pending.removeFirst(count)
        if count > 0 {
            for (index, loop) in state.loops.enumerated() where loop.scans.appended != nil || loop.scans.durable != nil
            {
                woken.insert(LoopID(index: index))
            }
        }
        return (count, woken.map { state.loops[$0.index].wake })
    }

    private static func perform(_ pending: Pending, _ state: inout State) -> Settlement.Outcome {
        if pending.appends.contains(where: { state.partitions[$0.partition.index].isGone }) {
            return .refused(.unknownStream)
        }
        if pending.isSequenced, let append = pending.appends.first {
            if let outcome = verdict(append, state) { return outcome }
            note(append, &state)
        }
        for append in pending.appends {
            let index = append.partition.index
            append.batch.assign(state.partitions[index].end)
            state.partitions[index].end = append.batch.nextOffset
            let entry = TailEntry(
                batch: append.batch, partition: append.partition, topicHashes: append.topicHashes)
            state.partitions[index].entries.append(entry)
            state.order.append(entry)
        }
        return .stored
    }

    private static func isInternal(_ partition: PartitionID, _ state: State) -> Bool {
        state.partitions[partition.index].name.hasPrefix("__")
    }

    // MARK: Streams

    @discardableResult
    private static func add(_ settings: StreamSettings, to state: inout State) -> StreamDescription {
        state.serial += 1
        let stream = StreamDescription(
            settings: settings, id: id(of: state.serial),
            partitions: newPartitions(settings.partitionCount, settings.name, &state))
        state.streams.append(stream)
        return stream
    }

    /// 22 characters of base64url, as `StreamDescription` wants them; the last one has two bits.
    private static func id(of serial: Int) -> String {
        let number = String(serial)
        return "memory-" + String(repeating: "0", count: 14 - number.count) + number + "A"
    }

    private static func newPartitions(_ count: Int, _ name: String, _ state: inout State) -> [PartitionID] {
        let first = state.partitions.count
        for _ in 0..<count { state.partitions.append(Partition(name: name)) }
        return (first..<first + count).map { PartitionID(rawValue: UInt32($0)) }
    }

    private static func perform(
        _ request: StreamRequest, _ state: inout State
    ) -> Result<StreamDescription, StreamFault> {
        let place = state.streams.firstIndex { $0.settings.name == request.name }
        switch request {
        case .create(let settings):
            if let fault = settings.fault { return .failure(fault) }
            if place != nil { return .failure(.exists) }
            if let fault = lacksRoom(for: settings.partitionCount, state) { return .failure(fault) }
            return .success(add(settings, to: &state))
        case .alter(_, let change):
            guard let place else { return .failure(.unknown) }
            let stream = state.streams[place]
            let settings: StreamSettings
            do throws(StreamFault) {
                settings = try stream.settings.altered(by: change)
            } catch {
                return .failure(error)
            }
            for (number, start) in change.startOffsets where stream.partitions.indices.contains(number) {
                advance(stream.partitions[number], to: start, &state)
            }
            let added = settings.partitionCount - stream.partitions.count
            if let fault = lacksRoom(for: added, state) { return .failure(fault) }
            let partitions = stream.partitions + newPartitions(added, settings.name, &state)
            state.streams[place] = StreamDescription(settings: settings, id: stream.id, partitions: partitions)
            return .success(state.streams[place])
        case .delete:
            guard let place else { return .failure(.unknown) }
            if state.streams[place].settings.isInternal { return .failure(.isInternal) }
            let stream = state.streams.remove(at: place)
            for partition in stream.partitions {
                state.partitions[partition.index] = Partition(name: stream.settings.name, isGone: true)
            }
            return .success(stream)
        }
    }

    private static func advance(_ partition: PartitionID, to start: Offset, _ state: inout State) {
        let index = partition.index
        state.partitions[index].start = max(state.partitions[index].start, start)
        state.partitions[index].entries.removeAll { $0.batch.nextOffset <= start }
    }

    private static func lacksRoom(for count: Int, _ state: State) -> StreamFault? {
        let countMax = Limits.partitionsMax - Limits.ownPartitionsMax
        return count > max(0, countMax - state.partitions.count) ? .partitionLimit(countMax) : nil
    }

    // MARK: Producers

    private static func verdict(_ append: Append, _ state: State) -> Settlement.Outcome? {
        let header = append.batch.header
        guard let producer = state.partitions[append.partition.index].producers[header.producerID] else { return nil }
        if header.producerEpoch < producer.epoch { return .refused(.fenced(epoch: producer.epoch)) }
        guard header.producerEpoch == producer.epoch else {
            return header.baseSequence == 0 ? nil : .refused(.outOfOrder(due: 0))
        }
        if let known = producer.recent.first(where: { $0.first == header.baseSequence }) {
            return .duplicate(known.offset)
        }
        return header.baseSequence == producer.due ? nil : .refused(.outOfOrder(due: producer.due))
    }

    private static func note(_ append: Append, _ state: inout State) {
        let (header, index) = (append.batch.header, append.partition.index)
        var producer = state.partitions[index].producers[header.producerID] ?? Producer(epoch: 0, due: 0)
        if producer.epoch != header.producerEpoch { producer.recent = [] }
        producer.epoch = header.producerEpoch
        producer.due = header.baseSequence + Int32(header.lastOffsetDelta) + 1
        producer.recent.append((header.baseSequence, producer.due, state.partitions[index].end))
        if producer.recent.count > 5 { producer.recent.removeFirst() }
        state.partitions[index].producers[header.producerID] = producer
    }

    // MARK: The engine

    /// See `LogEngine`.
    package var streams: [StreamDescription] { state.withLock { $0.streams } }

    /// See `LogEngine`.
    package var catalogueGeneration: UInt64 { state.withLock { $0.generation } }

    /// See `LogEngine`.
    package func administer(_ request: StreamRequest, number: UInt64, for loop: LoopID) {
        let wakes = state.withLock { state in
            let result = Self.perform(request, &state)
            state.loops[loop.index].administered.append((number, result))
            guard case .success = result else { return [state.loops[loop.index].wake] }
            state.generation += 1
            return state.loops.map(\.wake)
        }
        for wake in wakes { wake() }
    }

    /// See `LogEngine`.
    package func takeAdministered(
        _ loop: LoopID
    ) -> [(number: UInt64, result: Result<StreamDescription, StreamFault>)] {
        state.withLock { state in
            defer { state.loops[loop.index].administered = [] }
            return state.loops[loop.index].administered
        }
    }

    /// Everything of an append settles in one step.
    package var appendsAtomically: Bool { true }

    /// See `LogEngine`.
    package func register(wake: @escaping @Sendable () -> Void) -> LoopID {
        state.withLock { state in
            state.loops.append(Loop(wake: wake, scans: (nil, nil)))
            return LoopID(index: state.loops.count - 1)
        }
    }

    /// See `LogEngine`.
    package func append(_ appends: [Append], from loop: LoopID) -> AppendTicket {
        take(appends, isSequenced: false, from: loop)
    }

    /// See `LogEngine`.
    package func append(sequenced append: Append, with companions: [Append], from loop: LoopID) -> AppendTicket {
        take([append] + companions, isSequenced: true, from: loop)
    }

    /// See `LogEngine`.
    package func fence(from loop: LoopID) -> AppendTicket { take([], isSequenced: false, from: loop) }

    private func take(_ appends: [Append], isSequenced: Bool, from loop: LoopID) -> AppendTicket {
        let (ticket, wakes) = state.withLock { state in
            state.loops[loop.index].lastTicket += 1
            let ticket = AppendTicket(rawValue: state.loops[loop.index].lastTicket)
            state.pending.append(Pending(loop: loop, ticket: ticket, appends: appends, isSequenced: isSequenced))
            switch pace {
            case .whenTold: return (ticket, [@Sendable () -> Void]())
            case .atOnce: return (ticket, Self.settle(&state, atMost: .max).1)
            }
        }
        for wake in wakes { wake() }
        return ticket
    }

    /// See `LogEngine`.
    package func takeSettlements(of loop: LoopID, into settlements: inout [Settlement]) {
        settlements += state.withLock { state in
            defer { state.loops[loop.index].settlements = [] }
            return state.loops[loop.index].settlements
        }
    }

    /// See `LogEngine`.
    package var patience: Int64 { 0 }

    /// See `LogEngine`.
    package var isUnderPressure: Bool { false }

    /// See `LogEngine`.
    package var trouble: LogTrouble? { nil }

    /// See `LogEngine`.
    package func setInterest(_ loop: LoopID, appended: Bool, durable: Bool) {
        state.withLock { state in
            let (end, scans) = (state.order.count, state.loops[loop.index].scans)
            state.loops[loop.index].scans.appended = appended ? scans.appended ?? end : nil
            state.loops[loop.index].scans.durable = durable ? scans.durable ?? end : nil
        }
    }

    /// See `LogEngine`.
    package func scanOffsets(_ loop: LoopID) -> [Offset] {
        state.withLock { state in
            var offsets = state.partitions.map(\.end)
            let passed = state.loops[loop.index].scans.durable ?? state.order.count
            for entry in state.order[passed...].reversed() { offsets[entry.partition.index] = entry.batch.baseOffset }
            return offsets
        }
    }

    /// See `LogEngine`.
    package func endOffsets() -> [Offset] { state.withLock { $0.partitions.map(\.end) } }

    /// See `LogEngine`.
    package var isScanned: Bool {
        state.withLock { $0.loops.contains { $0.scans.appended != nil || $0.scans.durable != nil } }
    }

    /// See `LogEngine`.
    package func scan(_ loop: LoopID, _ visibility: Visibility, countMax: Int, into entries: inout [TailEntry]) {
        entries += state.withLock { state in
            let scans = state.loops[loop.index].scans
            guard let from = visibility == .appended ? scans.appended : scans.durable else { return [TailEntry]() }
            let end = min(state.order.count, from + countMax)
            switch visibility {
            case .appended: state.loops[loop.index].scans.appended = end
            case .durable: state.loops[loop.index].scans.durable = end
            }
            return state.order[from..<end].filter { !state.partitions[$0.partition.index].isGone }
        }
    }

    /// See `LogEngine`.
    package func readTail(
        _ partition: PartitionID, from offset: Offset, visibility: Visibility, loop: LoopID, byteCountMax: Int
    ) -> PartitionRead? {
        state.withLock { state in
            let scans = state.loops[loop.index].scans
            let passed = (visibility == .appended ? scans.appended : scans.durable) ?? state.order.count
            let partition = state.partitions[partition.index]
            var read = PartitionRead(nextOffset: offset)
            if partition.isGone {
                read.isGone = true
                read.isCaughtUp = true
                return read
            }
            guard offset >= partition.start else { return nil }
            // What the loop's scan has yet to come to is the scan's.
            let waiting = state.order[passed...].first { $0.partition == partition.entries.first?.partition }
            let limit = waiting?.batch.baseOffset ?? partition.end
            Self.fill(&read, partition, from: offset, before: limit, byteCountMax: byteCountMax) { _ in true }
            read.isCaughtUp = read.nextOffset >= limit
            return read
        }
    }

    private static func fill(
        _ read: inout PartitionRead, _ partition: Partition, from offset: Offset, before limit: Offset,
        byteCountMax: Int, _ isWanted: (RecordBatch) -> Bool
    ) {
        var byteCount = 0
        for entry in partition.entries where entry.batch.nextOffset > offset && entry.batch.baseOffset < limit {
            guard byteCount < byteCountMax else { break }
            read.nextOffset = entry.batch.nextOffset
            guard isWanted(entry.batch) else { continue }
            read.batches.append(entry.batch)
            byteCount += entry.batch.byteCount
        }
    }

    /// See `LogEngine`.
    package func fetch(_ request: ReadRequest, for loop: LoopID) {
        let wake = state.withLock { state in
            let partition = state.partitions[request.partition.index]
            let start = max(request.offset, partition.start)
            var read = PartitionRead(nextOffset: start)
            read.isGone = partition.isGone
            read.removedCount = start.rawValue - request.offset.rawValue
            Self.fill(&read, partition, from: start, before: partition.end, byteCountMax: request.byteCountMax) {
                Self.isWanted($0, request.selection)
            }
            if case .plain = request.form { Self.decompress(&read) }
            state.loops[loop.index].fetched.append((request.number, read))
            return state.loops[loop.index].wake
        }
        wake()
    }

    private static func decompress(_ read: inout PartitionRead) {
        var plain: [RecordBatch] = []
        for batch in read.batches {
            do throws(BatchError) {
                plain.append(try batch.decompressed(byteCountMax: BatchLayout.plainBytesMax))
            } catch {
                read.damagedByteCount += Int64(batch.byteCount)
            }
        }
        read.batches = plain
    }

    private static func isWanted(_ batch: RecordBatch, _ selection: TopicSelection?) -> Bool {
        guard let selection, !batch.isCompressed else { return true }
        var records = RecordReader(batch)
        let bytes = batch.bytes
        do throws(BatchError) {
            while let record = try records.next(bytes) {
                guard let topic = TopicHeader.topic(of: record, in: bytes, isFromKafka: batch.isFromKafka) else {
                    return true
                }
                if selection.contains(bytes.extracting(topic.indices)) { return true }
            }
        } catch {
            return true
        }
        return false
    }

    /// See `LogEngine`.
    package func fetchOffset(_ partition: PartitionID, at time: Timestamp, number: UInt64, for loop: LoopID) {
        let wake = state.withLock { state in
            let partition = state.partitions[partition.index]
            let found = partition.entries.first { $0.batch.maxTimestamp >= time }?.batch.baseOffset ?? partition.end
            var read = PartitionRead(nextOffset: found)
            read.isGone = partition.isGone
            state.loops[loop.index].fetched.append((number, read))
            return state.loops[loop.index].wake
        }
        wake()
    }

    /// See `LogEngine`.
    package func takeFetched(_ loop: LoopID) -> [(number: UInt64, read: PartitionRead)] {
        state.withLock { state in
            defer { state.loops[loop.index].fetched = [] }
            return state.loops[loop.index].fetched
        }
    }

    /// See `LogEngine`.
    package func setPolicy(_ policy: StreamPolicy, of stream: String) {
        let wakes = state.withLock { state in
            for index in state.streams.indices where state.streams[index].settings.name == stream {
                state.streams[index].settings.policy = policy
                state.generation += 1
            }
            return state.loops.map(\.wake)
        }
        for wake in wakes { wake() }
    }

    /// See `LogEngine`.
    package func trim(_ partition: PartitionID, before offset: Offset) {
        state.withLock { state in
            state.partitions[partition.index].entries.removeAll { $0.batch.nextOffset <= offset }
            let kept = state.partitions[partition.index]
            state.partitions[partition.index].start = kept.entries.first?.batch.baseOffset ?? kept.end
        }
    }

    /// Nothing is removed but by `trim`.
    package func hold(_ partition: PartitionID, from offset: Offset?, for loop: LoopID) -> Bool { false }
}
