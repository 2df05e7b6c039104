import GroupCoordination
import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore

/// What `sluice groups` asks: groups with their members and positions, and to move or delete them.
extension BrokerShard {
    /// Every group on record.
    func groupsDocument() -> String {
        let groups = peers.withOffsets { table in
            table.names.compactMap { name in table[name].map { (name, $0, table.members(of: name)) } }
        }
        return "{\"groups\":[\(groups.map { document($0, $1, $2) }.joined(separator: ","))]}"
    }

    private func document(_ name: String, _ group: OffsetTable.Group, _ members: [GroupMetadata.Member]) -> String {
        let members = members.map { member in
            let partitions = member.partitions.map {
                "{\"stream\":\(JSONText.quoted($0.stream)),\"partition\":\($0.number)}"
            }
            return """
                {"member_id":\(JSONText.quoted(member.memberID)),"client_id":\(JSONText.quoted(member.clientID)),\
                "host":\(JSONText.quoted(member.host)),"partitions":[\(partitions.joined(separator: ","))]}
                """
        }
        let offsets = group.offsets.sorted { $0.key < $1.key }.map { partition, committed in
            let bounds = bounds(partition)
            return """
                {"stream":\(JSONText.quoted(partition.stream)),"partition":\(partition.number),\
                "committed":\(committed.offset.rawValue),"committed_ms":\(committed.committedAt.rawValue),\
                "metadata":\(JSONText.quoted(committed.metadata)),"start":\(bounds?.start.rawValue ?? 0),\
                "end":\(bounds?.highWatermark.rawValue ?? 0)}
                """
        }
        return """
            {"group":\(JSONText.quoted(name)),"generation":\(group.metadata?.generation ?? 0),\
            "members":[\(members.joined(separator: ","))],"offsets":[\(offsets.joined(separator: ","))]}
            """
    }

    private func bounds(_ partition: StreamPartition) -> PartitionBounds? {
        guard let stream = log.streams.first(where: { $0.settings.name == partition.stream }),
            stream.partitions.indices.contains(Int(partition.number))
        else { return nil }
        return log.bounds(stream.partitions[Int(partition.number)])
    }

    /// Forgets a group without members; the payload is its name.
    func deleteGroup(_ payload: [UInt8]) -> String {
        let name = String(decoding: payload, as: UTF8.self)
        return switch forgetGroup(name, awaited: true) {
        case .unknown: "{\"error\":\"unknown\"}"
        case .active: "{\"error\":\"active\"}"
        case .removed: "{\"deleted\":true}"
        }
    }

    /// Moves a group. The payload is lines of text: the group, the stream, then `PARTITION OFFSET` for each partition.
    func resetGroup(_ payload: [UInt8]) -> String {
        let lines = String(decoding: payload, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count > 2, let stream = log.streams.first(where: { $0.settings.name == lines[1] }),
            !stream.settings.isInternal
        else { return "{\"error\":\"unknown\"}" }
        var offsets: [StreamPartition: Offset] = [:]
        for line in lines[2...] {
            let words = line.split(separator: " ")
            guard words.count == 2, let number = Int(words[0]), let offset = Int64(words[1]), offset >= 0,
                stream.partitions.indices.contains(number)
            else { return "{\"error\":\"malformed\"}" }
            let partition = StreamPartition(stream: String(lines[1]), number: Int32(number))
            offsets[partition] = Offset(rawValue: offset)
        }
        reset(String(lines[0]), to: offsets)
        return "{\"reset\":\(offsets.count)}"
    }

    // MARK: Offsets of a time

    /// A request for the offsets of a time in each partition of a stream, and what has come so far.
    final class OffsetLookup {
        let client: Client
        let responseTopic: [UInt8]
        let time: Timestamp
        let partitions: [PartitionID]
        var offsets: [Int: Offset] = [:]

        init(client: Client, responseTopic: [UInt8], time: Timestamp, partitions: [PartitionID]) {
            self.client = client
            self.responseTopic = responseTopic
            self.time = time
            self.partitions = partitions
        }
    }

    /// Begins to look up the first record of a time or later in each partition. The payload is two lines: the stream,
    /// and milliseconds since 1970.
    /// - Returns: false when the request cannot be understood.
    func lookUpOffsets(_ payload: [UInt8], _ client: Client, _ responseTopic: [UInt8]) -> Bool {
        let lines = String(decoding: payload, as: UTF8.self).split(separator: "\n")
        guard lines.count == 2, let time = Int64(lines[1]),
            let stream = log.streams.first(where: { $0.settings.name == lines[0] && !$0.settings.isInternal })
        else { return false }
        let lookup = OffsetLookup(
            client: client, responseTopic: responseTopic, time: Timestamp(rawValue: time),
            partitions: stream.partitions)
        for (number, partition) in stream.partitions.enumerated() {
            readers.find(partition, at: lookup.time, for: .offsets(lookup, number))
        }
        return true
    }

    /// The index has said where to begin, or a batch has come to look into.
    func fetched(_ read: PartitionRead, for lookup: OffsetLookup, _ number: Int) {
        var offset = read.nextOffset
        for batch in read.batches where batch.maxTimestamp >= lookup.time {
            guard let found = first(in: batch, lookup.partitions[number], since: lookup.time) else { continue }
            return answer(lookup, number, found)
        }
        // What the index does not know yet is in memory.
        while true {
            let tail = readers.read(
                lookup.partitions[number], from: offset, level: .durable, hint: read.hint, byteCountMax: 256 << 10,
                for: .offsets(lookup, number))
            guard let tail else { return }
            for batch in tail.batches {
                guard let found = first(in: batch, lookup.partitions[number], since: lookup.time) else { continue }
                return self.answer(lookup, number, max(found, offset))
            }
            guard tail.nextOffset > offset else { return self.answer(lookup, number, offset) }
            offset = tail.nextOffset
        }
    }

    private func first(in batch: RecordBatch, _ partition: PartitionID, since time: Timestamp) -> Offset? {
        guard batch.maxTimestamp >= time else { return nil }
        let bytes = batch.bytes
        let base = BatchLayout.baseTimestamp(bytes).rawValue
        var records = RecordReader(batch)
        while let record = next(&records, bytes, partition) {
            if base &+ Int64(record.timestampDelta) >= time.rawValue {
                return batch.baseOffset.advanced(by: record.offsetDelta)
            }
        }
        return nil
    }

    private func answer(_ lookup: OffsetLookup, _ number: Int, _ offset: Offset) {
        lookup.offsets[number] = offset
        guard lookup.offsets.count == lookup.partitions.count, !lookup.client.isClosing else { return }
        let offsets = lookup.offsets.sorted { $0.key < $1.key }.map { number, offset in
            "{\"partition\":\(number),\"offset\":\(offset.rawValue)}"
        }
        respond(
            lookup.client, lookup.responseTopic, correlation: nil,
            "{\"offsets\":[\(offsets.joined(separator: ","))]}")
    }
}
