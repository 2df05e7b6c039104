package import Administration
import GroupCoordination
import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore

/// What `sluice groups` asks: groups with their members and positions, and to move or delete them.
extension BrokerShard {
    /// Every group on record, and every one that shares records.
    package func groupReports() -> [GroupReport] {
        let groups = peers.withOffsets { table in
            table.names.compactMap { name in table[name].map { (name, $0, table.members(of: name)) } }
        }
        return addingShares(to: groups.map { report($0, $1, $2) })
    }

    private func report(
        _ name: String, _ group: OffsetTable.Group, _ members: [GroupMetadata.Member]
    ) -> GroupReport {
        var report = GroupReport()
        report.name = name
        report.generation = Int64(group.metadata?.generation ?? 0)
        report.members = members.map(self.report)
        report.offsets = group.offsets.sorted { $0.key < $1.key }.map { partition, committed in
            let bounds = bounds(partition)
            var position = GroupReport.Position()
            position.stream = partition.stream
            position.partition = Int64(partition.number)
            position.committed = committed.offset.rawValue
            position.committedMilliseconds = committed.committedAt.rawValue
            position.metadata = committed.metadata
            position.start = bounds?.start.rawValue ?? 0
            position.end = bounds?.highWatermark.rawValue ?? 0
            return position
        }
        return report
    }

    func report(_ member: GroupMetadata.Member) -> GroupReport.Member {
        var report = GroupReport.Member()
        report.id = member.memberID
        report.clientID = member.clientID
        report.host = member.host
        report.partitions = member.partitions.map { GroupReport.Partition($0.stream, Int64($0.number)) }
        return report
    }

    func bounds(_ partition: StreamPartition) -> PartitionBounds? {
        guard let stream = streams.readable(named: partition.stream),
            stream.partitions.indices.contains(Int(partition.number))
        else { return nil }
        return log.bounds(stream.partitions[Int(partition.number)])
    }

    /// Forgets a group without members.
    func deleteGroup(_ name: String) -> AdministrationReply {
        let isShare = peers.withShares { !$0.positions(of: name).isEmpty }
        switch forgetGroup(name, awaited: true) {
        case .unknown where !isShare: return .unknown
        case .active: return .active
        case .removed, .unknown:
            if isShare { forgetShares(of: name) }
            return .deleted(true)
        }
    }

    /// Moves a group in some partitions of a stream.
    func resetGroup(_ name: String, _ streamName: String, _ offsets: [Int: Int64]) -> AdministrationReply {
        guard let stream = streams.readable(named: streamName),
            offsets.keys.allSatisfy(stream.partitions.indices.contains)
        else { return .unknown }
        // Kafka's clients go on where they are, whatever is on record; when they have left it counts.
        guard !peers.withOffsets({ $0.hasKafkaMembers(name) }) else { return .active }
        var places: [StreamPartition: Offset] = [:]
        for (number, offset) in offsets {
            places[StreamPartition(stream: streamName, number: Int32(number))] = Offset(rawValue: offset)
        }
        if !resetShares(of: name, stream, offsets) { resetGroup(name, to: places) }
        return .reset(Int64(places.count))
    }

    // MARK: Offsets of a time

    /// A request for the offsets of a time in each partition of a stream, and what has come so far.
    final class OffsetLookup {
        let place: ReplyPlace
        let time: Timestamp
        let partitions: [PartitionID]
        var offsets: [Int: Offset] = [:]
        /// Whether it was answered before it had all of them.
        var isRefused = false

        /// Whether nobody waits for the answer any more.
        var isOver: Bool { isRefused || place.client.isClosing }

        init(for place: ReplyPlace, time: Timestamp, partitions: [PartitionID]) {
            self.place = place
            self.time = time
            self.partitions = partitions
        }
    }

    /// Begins to look up the first record of a time or later in each partition of a stream.
    func lookUpOffsets(_ name: String, _ time: Timestamp, for place: ReplyPlace) {
        guard let stream = streams.readable(named: name) else { return respond(.unknown, to: place) }
        let lookup = OffsetLookup(for: place, time: time, partitions: stream.partitions)
        for number in stream.partitions.indices { find(lookup, number) }
    }

    /// Looks up the time in one partition.
    func find(_ lookup: OffsetLookup, _ number: Int) {
        readers.find(lookup.partitions[number], at: lookup.time, for: .offsets(lookup, number))
    }

    /// The index has said where to begin, or a batch has come to look into.
    func fetched(_ read: PartitionRead, for lookup: OffsetLookup, _ number: Int) {
        guard !lookup.isOver else { return }
        if read.isGone { return refuse(lookup) }
        var offset = read.nextOffset
        for batch in read.batches where batch.maxTimestamp >= lookup.time {
            guard let found = first(in: batch, lookup.partitions[number], since: lookup.time) else { continue }
            return answer(lookup, number, found)
        }
        // What the index does not know yet is in memory.
        while true {
            let tail = readers.read(
                lookup.partitions[number], from: offset, visibility: .durable, hint: read.hint, byteCountMax: 256 << 10,
                for: .offsets(lookup, number))
            guard let tail else { return }
            if tail.isGone { return refuse(lookup) }
            for batch in tail.batches {
                guard let found = first(in: batch, lookup.partitions[number], since: lookup.time) else { continue }
                return self.answer(lookup, number, max(found, offset))
            }
            guard tail.nextOffset > offset else { return self.answer(lookup, number, offset) }
            offset = tail.nextOffset
        }
    }

    private func first(in batch: RecordBatch, _ partition: PartitionID, since time: Timestamp) -> Offset? {
        guard batch.maxTimestamp >= time, let batch = plain(batch, partition) else { return nil }
        let bytes = batch.bytes
        var records = RecordReader(batch)
        while let record = next(&records, bytes, partition) {
            if KafkaMessage.time(of: record, in: batch) >= time {
                return batch.baseOffset.advanced(by: record.offsetDelta)
            }
        }
        return nil
    }

    /// The stream was deleted meanwhile.
    private func refuse(_ lookup: OffsetLookup) {
        lookup.isRefused = true
        respond(.unknown, to: lookup.place)
    }

    private func answer(_ lookup: OffsetLookup, _ number: Int, _ offset: Offset) {
        assert(lookup.offsets[number] == nil && !lookup.isRefused, "a partition answers once")
        assert(lookup.partitions.indices.contains(number))
        lookup.offsets[number] = offset
        guard lookup.offsets.count == lookup.partitions.count else { return }
        respond(.offsets(lookup.offsets.mapValues(\.rawValue)), to: lookup.place)
    }
}
