import Administration
import HTTPWire
import LogInterface
import RecordFormat
import SluiceBroker
import SluiceCore

/// What groups and bridges have not done with, now and in the last hour, and what came in and went out.
extension HTTPShard {
    /// Twice a second: every ten seconds it is looked where everybody stands.
    func watchLag() {
        if let lookedAt = lag.lookedAt, now - lookedAt < LagWatch.interval { return }
        lag.lookedAt = now
        let groups = broker.groupReports()
        lag.beginLook()
        // Who had no turn at a look-up the last time begins.
        let first = lag.nextGroup.flatMap { name in groups.firstIndex { $0.name == name } } ?? 0
        lag.nextGroup = nil
        for group in groups[first...] + groups[..<first] { look(at: group) }
        lag.endLook()
        let time = wallClock.rawValue
        lag.record(
            groups: groups.map { group in
                let places = group.offsets.filter { $0.lag > 0 }
                let age = places.compactMap { self.age(of: group.name, $0) }.max() ?? 0
                return (group.name, .init(time: time, records: places.reduce(0) { $0 + $1.lag }, age: age))
            },
            bridges: broker.bridgeReports().map {
                ($0.name, .init(time: time, records: $0.lagRecords, age: $0.lagMilliseconds))
            })
        let sum = counterSum
        traffic.append(
            TrafficPoint(
                time: time, messagesIn: rates.messagesIn, messagesOut: rates.messagesOut, bytesIn: rates.bytesIn,
                bytesOut: rates.bytesOut, clientCount: Int64(clamping: sum.clientCount)))
    }

    private func look(at group: GroupReport) {
        for position in group.offsets where position.lag > 0 {
            guard let partition = partition(of: position) else { continue }
            let place = LagWatch.Place(group: group.name, partition: partition)
            let offset = Offset(rawValue: max(position.committed, position.start))
            guard lag.note(place, at: offset) else { continue }
            guard lag.hasRoom else {
                if lag.nextGroup == nil { lag.nextGroup = group.name }
                continue
            }
            switch logReader.read(partition, from: offset, visibility: .durable, byteCountMax: 1) {
            case .found(let read): found(read, place, offset)
            case .coming(let number):
                lag.await(place)
                reads.waiting[number] = .age(place, offset)
            }
        }
    }

    /// The log has answered what it was asked for a group's oldest record; what failed is asked again by the next look.
    func took(_ answer: PartitionRead, _ place: LagWatch.Place, _ offset: Offset) {
        lag.answered(place)
        if !answer.isFailed, !answer.isGone { found(answer, place, offset) }
    }

    private func found(_ read: PartitionRead, _ place: LagWatch.Place, _ offset: Offset) {
        guard let batch = read.batches.first, batch.nextOffset > offset else { return }
        lag.found(place, at: offset, stored: time(of: offset, in: batch))
    }

    /// When the record at an offset, or the next that is there, was stored; of a compressed batch, its first record.
    private func time(of offset: Offset, in batch: RecordBatch) -> Timestamp {
        let bytes = batch.bytes
        var time = BatchLayout.baseTimestamp(bytes)
        guard !batch.isCompressed else { return time }
        var records = RecordReader(batch)
        do throws(BatchError) {
            while let record = try records.next(bytes) {
                time = KafkaMessage.time(of: record, in: batch)
                if batch.baseOffset.advanced(by: record.offsetDelta) >= offset { break }
            }
        } catch {
            // The batch's own time is as good as any for what cannot be read.
        }
        return time
    }

    private func partition(of position: GroupReport.Position) -> PartitionID? {
        guard let stream = streams.readable(named: position.stream),
            stream.partitions.indices.contains(Int(position.partition))
        else { return nil }
        return stream.partitions[Int(position.partition)]
    }

    /// How old the oldest record is that a group has not done with in a partition, in milliseconds; nil when that is
    /// not known yet.
    func age(of group: String, _ position: GroupReport.Position) -> Int64? {
        guard position.lag > 0 else { return 0 }
        guard let partition = partition(of: position),
            let time = lag.time(of: LagWatch.Place(group: group, partition: partition))
        else { return nil }
        return max(0, wallClock.rawValue - time.rawValue)
    }

    /// Bytes that a group has not done with in a partition, about.
    func lagBytes(_ position: GroupReport.Position) -> Int64 {
        guard let partition = partition(of: position) else { return 0 }
        return log.figures(partition).byteCount(of: position.lag, in: log.bounds(partition))
    }

    // MARK: Endpoints

    func tellLag(_ exchange: Exchange) {
        administer(exchange) { [unowned self] in
            let document = lag.document ?? lagDocument
            lag.document = document
            exchange.respond(.ok, "application/json", document)
        }
    }

    private var lagDocument: [UInt8] {
        let document = JSON.members([
            "stepSeconds": .integer(LagWatch.interval / 1_000_000_000),
            "groups": .array(documents(of: lag.groups, "group")),
            "bridges": .array(documents(of: lag.bridges, "bridge")),
        ])
        return Array(document.compact.utf8)
    }

    private func documents(of series: [String: TimeSeries<LagWatch.Point>], _ kind: String) -> [JSON] {
        series.sorted { $0.key < $1.key }.map { name, series in
            .members([
                kind: .string(name),
                "points": .array(
                    series.points.map { .array([.integer($0.time), .integer($0.records), .integer($0.age)]) }),
            ])
        }
    }

    func tellTraffic(_ exchange: Exchange) {
        if let fault = faultOfReadingFigures(exchange) { return exchange.fail(fault) }
        let points = traffic.points.map { point in
            JSON.members([
                "time": .integer(point.time), "messagesInPerSecond": .number(point.messagesIn),
                "messagesOutPerSecond": .number(point.messagesOut), "bytesInPerSecond": .number(point.bytesIn),
                "bytesOutPerSecond": .number(point.bytesOut), "clients": .integer(point.clientCount),
            ])
        }
        exchange.respond(
            .ok, .members(["stepSeconds": .integer(LagWatch.interval / 1_000_000_000), "points": .array(points)]))
    }
}

/// Rates at a moment.
struct TrafficPoint {
    /// Milliseconds since 1970.
    var time: Int64
    var messagesIn: Double
    var messagesOut: Double
    var bytesIn: Double
    var bytesOut: Double
    var clientCount: Int64
}
