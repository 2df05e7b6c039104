import Bridging
import DeviceProfiles
package import LogInterface
import PayloadFormats
import RecordFormat
package import SluiceCore
import TopicRouting

/// Follows the streams of device profiles, and keeps what is known of each device: a cursor, like every other reader.
///
/// What it knows is what reading the streams from their beginning would give: `__devices` has it as of some positions,
/// and what lies behind them is read when the node starts. What a device has counted of its partition it does not count
/// again, so that a record of a device and the positions need not be of one append.
/// More than twenty stored properties: it reads, knows, tells and records, in one tick on one thread.
/// Isolation: one thread, its own; the table is behind the peers' lock, held for a few hundred records at a time.
package final class DeviceFollower {
    let log: any LogEngine
    let peers: any ShardPeers
    let report: (LogEvent, LogWords) -> Void
    let loop: LoopID
    var reads: LogReader
    var routing: Routing
    var streams: StreamTable
    private var generation: UInt64
    private(set) var sources: [Source] = []
    private let downlinks: [String: DownlinkTemplate]
    /// The places of the profiles' messages, by topic; -1 for topics of no profile.
    private var entries = TopicCache<Int32>()
    let reader = PayloadReader()
    private(set) var sparkplug = SparkplugNodes(byteCountMax: 16 << 20)
    let inflater = BatchInflater()
    /// Where its own batches lie.
    let memory = BatchMemory()
    let devicesPartition: PartitionID
    let presencePartition: PartitionID?
    /// Before this nothing was heard, since the node was not there.
    private let startedAt: Int64
    /// Where partitions ended, by their numbers, when each of the profiles' messages came into force; others began
    /// later. What lies before that was not published under the profile.
    private var since: [[Offset]] = []
    /// Appends that have not settled, with the devices that they record.
    var pending = Ring<(ticket: AppendTicket, devices: [Int])>()
    var checkpoint = CheckpointPlan()
    /// The positions of the record that is being made: everything before them is in the devices that it has.
    var recording: [(partition: PartitionID, offset: Offset)]?
    private var nextSweep: Int64 = 0
    /// The job with dead letters that goes on.
    var letters: LetterWork?
    /// The reading that is looked up.
    var reading: ReadingWork?
    var wallClock = Timestamp(rawValue: 0)

    /// One partition that is followed.
    struct Source {
        var cursor: PartitionCursor
        /// Where to go on.
        var next: Offset
        let number: UInt32
        /// Whether it has dead letters.
        let hasLetters: Bool
        /// What makes topics of records that have none of their own.
        let origin: KafkaOrigin
    }

    /// A follower that goes on from what was on record.
    /// - Parameters:
    ///   - downlinks: what the topics of records are made by that have none of their own, by their streams' names.
    ///   - startEnds: where partitions ended, by their numbers, before anybody could publish.
    package init(
        _ routing: Routing, replay: DeviceReplay, downlinks: [String: DownlinkTemplate] = [:], log: any LogEngine,
        peers: any ShardPeers, startEnds: [Offset], wake: @escaping @Sendable () -> Void, now: Timestamp,
        report: @escaping (LogEvent, LogWords) -> Void
    ) {
        self.routing = routing
        self.downlinks = downlinks
        self.log = log
        self.peers = peers
        self.report = report
        startedAt = now.rawValue
        since = routing.profiles.entries.map { _ in startEnds }
        loop = log.register(wake: wake)
        reads = LogReader(log, loop)
        generation = log.catalogueGeneration
        streams = StreamTable(log.streams)
        guard let partition = streams.stream(named: DeviceRecord.stream)?.partitions.first else {
            preconditionFailure("Cannot follow devices without the stream of what is known of them")
        }
        devicesPartition = partition
        presencePartition = streams.stream(named: Presence.stream)?.partitions.first
        restore(replay)
        follow(from: replay.positions)
    }

    private func restore(_ replay: DeviceReplay) {
        let floor = startedAt
        let profiles = routing.profiles
        peers.withDevices { book in
            book.take(profiles, silentFrom: floor)
            book.countedSince = floor
            book.runs = replay.runs
            replay.forEach { name, key, state in
                let profile = book.number(of: name)
                book.table.restore(placed(state, of: name), of: key.span, profile: profile, silentFrom: floor)
            }
        }
    }

    /// A device's state with places that its stream has: one that was made anew begins at offset 0 again.
    private func placed(_ state: DeviceState, of profile: String) -> DeviceState {
        guard let profile = routing.profiles.profile(named: profile) else { return state }
        var placed = state
        func end(_ name: String, _ number: Int) -> Int64 {
            guard let partitions = streams.stream(named: name)?.partitions, number < partitions.count else { return 0 }
            return log.bounds(partitions[number]).end.rawValue
        }
        if state.offset >= end(profile.stream, Int(state.partition)) { placed.offset = -1 }
        if state.deadLetterOffset >= end(DeviceProfile.deadLetterStream(of: profile.stream), 0) {
            placed.deadLetterOffset = -1
        }
        return placed
    }

    /// Follows every partition that profiles have messages or dead letters in.
    /// - Parameter positions: where to go on in those that are there as the node starts; nil when it has started.
    private func follow(from positions: [PartitionID: Offset]?) {
        let plain = Set(routing.profiles.profiles.map(\.stream))
        let letters = Set(routing.profiles.deadLetterStreams)
        var followed: [PartitionID: Source] = [:]
        for source in sources { followed[source.cursor.partition] = source }
        sources = []
        for stream in streams.streams {
            let hasLetters = letters.contains(stream.settings.name)
            guard hasLetters || plain.contains(stream.settings.name) else { continue }
            for (number, partition) in stream.partitions.enumerated() {
                let position = positions?[partition] ?? .zero
                let name = stream.settings.name
                sources.append(
                    followed[partition]
                        ?? Source(
                            cursor: PartitionCursor(partition),
                            next: position > log.bounds(partition).end ? .zero : position,
                            number: UInt32(number), hasLetters: hasLetters,
                            origin: KafkaOrigin(stream: Array(name.utf8), downlink: downlinks[name])))
            }
        }
    }

    /// Goes by other profiles from here on; devices of those that are gone stay as they were.
    /// - Parameter ends: where partitions ended, by their numbers, before anybody published by them.
    package func route(by routing: Routing, ends: [Offset]) {
        let former = zip(self.routing.profiles.entries, since)
        since = routing.profiles.entries.map { entry in
            let name = routing.profiles.profiles[entry.profileIndex].name
            return former.first {
                self.routing.profiles.profiles[$0.0.profileIndex].name == name
                    && $0.0.message.pattern == entry.message.pattern
            }?.1 ?? ends
        }
        self.routing = routing
        entries.removeAll()
        // What was looked up by other profiles is looked up anew.
        if let order = reading?.order { peers.withDevices { $0.readings.append(order) } }
        reading = nil
        let floor = startedAt
        peers.withDevices { $0.take(routing.profiles, silentFrom: floor) }
        followStreams(isChanged: true)
    }

    private func followStreams(isChanged: Bool = false) {
        let current = log.catalogueGeneration
        guard isChanged || current != generation else { return }
        generation = current
        streams = StreamTable(log.streams)
        follow(from: nil)
    }

    // MARK: Ticks

    /// Bytes that are read of a partition at a time.
    private static let readBytesMax = 256 << 10
    /// Records that are taken in under one lock.
    private static let recordsMax = 256
    /// How often silent devices are looked for, in milliseconds.
    private static let sweepMilliseconds: Int64 = 500
    /// Devices that are looked at under one lock.
    private static let sweepCountMax = 1 << 16

    /// Reads on, finds silent devices, and records what is known when it is time.
    /// - Returns: whether there is more to read right now.
    package func tick(at time: Timestamp) -> Bool {
        wallClock = time
        followStreams()
        settle()
        for (number, read) in reads.takeFetched() {
            if letters?.take(number, read) ?? false { continue }
            if reading?.take(number, read) ?? false { continue }
            guard let index = sources.firstIndex(where: { $0.cursor.awaited == number }) else { continue }
            sources[index].cursor.answered()
            received(read, index)
        }
        var isBehind = false
        takeRefusals()
        for index in sources.indices { isBehind = advance(index) || isBehind }
        eraseDevices()
        if time.rawValue >= nextSweep {
            nextSweep = time.rawValue + Self.sweepMilliseconds
            sweep()
        }
        let isComplete = !isBehind && isAtEnd
        if isComplete { peers.withDevices { $0.isComplete = true } }
        isBehind = workOnLetters() || isBehind
        isBehind = workOnReadings() || isBehind
        if recording == nil,
            checkpoint.isDue(at: time.rawValue, dirtyCount: peers.withDevices { $0.table.dirtyCount })
        {
            beginRecording()
        }
        if recording != nil { record() }
        return isBehind
    }

    /// Records everything that has changed, as the node stops.
    package func shutDown() {
        while recording != nil { record() }
        beginRecording()
        while recording != nil { record() }
    }

    /// Whether everything durable was read.
    private var isAtEnd: Bool {
        sources.allSatisfy {
            $0.cursor.isEmpty && $0.cursor.awaited == nil && $0.next >= log.bounds($0.cursor.partition).highWatermark
        }
    }

    private func received(_ read: PartitionRead, _ index: Int) {
        // What cannot be read now is asked for again.
        guard !read.isFailed else { return }
        sources[index].cursor.received(read)
        if sources[index].cursor.isEmpty { sources[index].next = max(sources[index].next, read.nextOffset) }
    }

    /// Reads on in one partition.
    /// - Returns: whether there is more right now.
    private func advance(_ index: Int) -> Bool {
        if sources[index].cursor.isEmpty {
            guard sources[index].cursor.awaited == nil, !streams.isGone(sources[index].cursor.partition),
                sources[index].next < log.bounds(sources[index].cursor.partition).highWatermark
            else { return false }
            let read = sources[index].cursor.load(
                from: sources[index].next, visibility: .durable, selection: nil, byteCountMax: Self.readBytesMax,
                by: &reads)
            guard let read else { return false }
            received(read, index)
        }
        while let batch = sources[index].cursor.batches.first {
            take(batch, index)
            sources[index].next = max(sources[index].next, sources[index].cursor.finishBatch())
        }
        return sources[index].next < log.bounds(sources[index].cursor.partition).highWatermark
    }

    // MARK: Records

    private func take(_ stored: RecordBatch, _ index: Int) {
        guard !stored.isControl else { return }
        do throws(BatchError) {
            let batch = try inflater.plain(stored)
            let bytes = batch.bytes
            var records = RecordReader(batch)
            var sightings: [(Int, Sighting)] = []
            var isDone = false
            while !isDone {
                sightings.removeAll(keepingCapacity: true)
                while sightings.count < Self.recordsMax {
                    guard let record = try records.next(bytes) else {
                        isDone = true
                        break
                    }
                    let offset = batch.baseOffset.advanced(by: record.offsetDelta)
                    guard offset >= sources[index].next else { continue }
                    if let sighting = sighting(record, bytes, at: offset, sources[index], batch) {
                        sightings.append(sighting)
                    }
                }
                note(sightings)
            }
        } catch {
            report(.deviceBatchPassedOver, "devices: a batch is passed over, \(error, as: .reason)")
        }
    }

    /// A message or a dead letter of a device.
    private enum Sighting {
        case message(key: [UInt8], DeviceSighting, origin: Origin)
        case letter(key: [UInt8], time: Int64, offset: Int64, isNew: Bool)
    }

    /// How a message came into its stream.
    private enum Origin {
        /// It was published or produced, since the node started.
        case published
        /// It was a dead letter, and was put through its profile again since.
        case redriven
        /// It was there before, or says no more than that its key is gone.
        case other
    }

    /// What a record is, by the place of its profile's message; nil when it is of no profile.
    private func sighting(
        _ record: RecordView, _ bytes: Span<UInt8>, at offset: Offset, _ source: Source, _ batch: RecordBatch
    ) -> (Int, Sighting)? {
        if batch.isFromKafka { return produced(record, bytes, at: offset, source, batch) }
        guard let range = TopicHeader.topic(of: record, in: bytes, isFromKafka: false) else { return nil }
        var topic = bytes.extracting(range.indices)
        if source.hasLetters {
            guard topic.count > DeadLetter.prefixByteCount else { return nil }
            topic = topic.extracting(DeadLetter.prefixByteCount..<topic.count)
        }
        guard let entry = entry(of: topic), let field = record.key else { return nil }
        let key = Array(copying: bytes.extracting(field.indices))
        let isNew = isNew(entry, source, offset)
        if source.hasLetters {
            let time = arrival(record, bytes, batch)
            return (entry, .letter(key: key, time: time, offset: offset.rawValue, isNew: isNew))
        }
        var sighting = message(record, bytes, of: topic, entry, at: offset, source, batch)
        sighting.isRedriven = isRedriven(record, bytes)
        let origin: Origin = !isNew ? .other : sighting.isRedriven ? .redriven : .published
        return (entry, .message(key: key, sighting, origin: origin))
    }

    /// What a record of a Kafka client is. It chooses its keys as it likes: a device is what its topic says.
    private func produced(
        _ record: RecordView, _ bytes: Span<UInt8>, at offset: Offset, _ source: Source, _ batch: RecordBatch
    ) -> (Int, Sighting)? {
        guard !source.hasLetters else { return nil }
        let topic = KafkaMessage(record, in: bytes, source.origin).topic
        guard let entry = entry(of: topic.span) else { return nil }
        let isPublished = isNew(entry, source, offset) && record.value != nil
        let sighting = message(record, bytes, of: topic.span, entry, at: offset, source, batch)
        let key = routing.rules.resolve(topic.span).key
        return (entry, .message(key: key, sighting, origin: isPublished ? .published : .other))
    }

    /// Whether a record came under its profile, since the node started.
    private func isNew(_ entry: Int, _ source: Source, _ offset: Offset) -> Bool {
        let index = source.cursor.partition.index
        return index >= since[entry].count || offset >= since[entry][index]
    }

    private func message(
        _ record: RecordView, _ bytes: Span<UInt8>, of topic: Span<UInt8>, _ entry: Int, at offset: Offset,
        _ source: Source, _ batch: RecordBatch
    ) -> DeviceSighting {
        var sighting = DeviceSighting(
            at: arrival(record, bytes, batch), partition: source.number, offset: offset.rawValue)
        if let value = record.value { read(bytes.extracting(value.indices), topic, entry, &sighting) }
        return sighting
    }

    private func isRedriven(_ record: RecordView, _ bytes: Span<UInt8>) -> Bool {
        guard record.headerCount > 1 else { return false }
        var headers = HeaderReader(record)
        while let (name, _) = headers.next(bytes) {
            if StoredMessage.isName(name, DeadLetter.Header.redriven, bytes) { return true }
        }
        return false
    }

    func entry(of topic: Span<UInt8>) -> Int? {
        if let known = entries.lookup(topic) { return known < 0 ? nil : Int(known) }
        let entry = routing.rules.resolve(topic).profiled
        entries.insert(Int32(entry ?? -1), for: topic)
        return entry
    }

    /// When a message came: what its header says, where its record has the device's own time.
    private func arrival(_ record: RecordView, _ bytes: Span<UInt8>, _ batch: RecordBatch) -> Int64 {
        let time = KafkaMessage.time(of: record, in: batch).rawValue
        guard record.headerCount > 1 else { return time }
        var headers = HeaderReader(record)
        while let (name, value) = headers.next(bytes) {
            guard StoredMessage.isName(name, MessageHeader.arrival, bytes) else { continue }
            return MessageHeader.milliseconds(bytes.extracting(value.indices)) ?? time
        }
        return time
    }

    private func read(
        _ payload: Span<UInt8>, _ topic: Span<UInt8>, _ entry: Int, _ sighting: inout DeviceSighting
    ) {
        let schema = routing.profiles.entries[entry].message.schema
        guard !schema.fields.isEmpty || schema.format == .sparkplug else { return }
        let fault =
            schema.format == .sparkplug
            ? sparkplug.check(payload, of: topic, slack: 0, schema: schema, by: reader)
            : reader.check(payload, slack: 0, schema: schema)
        if let fault {
            // What is stored was good when it came, unless bad ones are accepted; of a node that was born before the
            // first record that was read its aliases are not known.
            let isAccepted = routing.profiles.profile(ofEntry: entry).badPayload == .accept
            sighting.isBad = isAccepted && fault.reason != .unknownAlias
            return
        }
        for (place, field) in routing.profiles.entries[entry].readingFields.enumerated() {
            if let number = reader[field].number { sighting.values[place] = Float(number) }
        }
        if let field = schema.sequenceField, case .integer(let number) = reader[field] { sighting.sequence = number }
        if let field = schema.deviceTimeField, case .time(let nanoseconds) = reader[field] {
            sighting.deviceTime = nanoseconds / 1_000_000
        }
    }

    private func note(_ sightings: [(Int, Sighting)]) {
        guard !sightings.isEmpty else { return }
        let floor = startedAt
        let profiles = routing.profiles
        let news = peers.withDevices { book in
            var news: [(index: Int, news: DeviceNews)] = []
            for (entry, sighting) in sightings {
                let profile = book.numbers[profiles.entries[entry].profileIndex]
                let found: (index: Int, news: DeviceNews)?
                switch sighting {
                case .message(let key, let message, let origin):
                    book.tally(origin == .published, origin == .redriven, of: profile, at: message.time)
                    found = book.table.saw(message, of: key.span, profile: profile, silentFrom: floor)
                case .letter(let key, let time, let offset, let isNew):
                    book.tallyLetter(isNew, of: profile, at: time)
                    found = book.table.sawDeadLetter(
                        of: key.span, profile: profile, at: time, offset: offset, silentFrom: floor)
                }
                if let found, found.news != .none { news.append(found) }
            }
            return news
        }
        checkpoint.messageCount += sightings.count
        tell(news.map { ($0.index, $0.news) })
    }

    /// Notes messages that were not taken, by their devices: no record tells of them.
    private func takeRefusals() {
        let (floor, now) = (startedAt, wallClock.rawValue)
        peers.withDevices { book in
            guard !book.refusals.isEmpty else { return }
            for (device, count) in book.refusals {
                let number = book.number(of: device.profile)
                book.table.refused(count, of: device.key.span, profile: number, at: now, silentFrom: floor)
            }
            book.refusals.removeAll()
        }
    }

    // MARK: Silence

    private func sweep() {
        var left = peers.withDevices { $0.table.count }
        let now = wallClock.rawValue
        while left > 0 {
            let silent = peers.withDevices { $0.table.sweep(now: now, count: Self.sweepCountMax) }
            tell(silent.map { ($0, nil) })
            left -= Self.sweepCountMax
        }
    }

    private func settle() {
        var settlements: [Settlement] = []
        log.takeSettlements(of: loop, into: &settlements)
        for settlement in settlements {
            settleLetters(settlement)
            while let first = pending.first, first.ticket <= settlement.ticket {
                if first.ticket == settlement.ticket, case .refused = settlement.outcome {
                    peers.withDevices { $0.table.markDirty(first.devices) }
                }
                _ = pending.popFirst()
            }
        }
    }
}
