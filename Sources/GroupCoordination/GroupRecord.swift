import SluiceCore

/// A record of the stream `__consumer_offsets`, in Kafka's own format, so that Kafka's tools and clients read the same
/// state.
///
/// Layout of keys, big-endian, strings with their length as i16 in front:
///
///     offset     i16 1 · group · topic · partition i32
///     metadata   i16 2 · group
///
/// Layout of values: an offset is written in version 3 (i16 3 · offset i64 · leader epoch i32 · metadata · commit time
/// i64), metadata in version 3 (i16 3 · protocol type · generation i32 · protocol · leader · time i64 · members).
/// Versions 0 to 3 are read; 4 is Kafka's with tagged fields and is read for offsets. A null value takes the key away.
/// Source: Kafka's `OffsetCommitKey`, `OffsetCommitValue`, `GroupMetadataKey`, `GroupMetadataValue`,
/// `ConsumerProtocolAssignment`.
package enum GroupRecord: Equatable, Sendable {
    /// A committed offset, or that it is forgotten.
    case offset(group: String, StreamPartition, CommittedOffset?)
    /// What a group is, or that it is gone.
    case metadata(group: String, GroupMetadata?)

    /// The stream's name, Kafka's.
    package static let stream = "__consumer_offsets"

    // MARK: Writing

    /// The record's key.
    package var key: [UInt8] {
        var writer = KafkaWriter()
        switch self {
        case .offset(let group, let partition, _):
            writer.put(Int16(1))
            writer.put(group)
            writer.put(partition.stream)
            writer.put(partition.number)
        case .metadata(let group, _):
            writer.put(Int16(2))
            writer.put(group)
        }
        return writer.bytes
    }

    /// The record's value; nil takes the key away.
    package var value: [UInt8]? {
        switch self {
        case .offset(_, _, nil), .metadata(_, nil): return nil
        case .offset(_, _, let committed?):
            var writer = KafkaWriter()
            writer.put(Int16(3))
            writer.put(committed.offset.rawValue)
            writer.put(committed.leaderEpoch)
            writer.put(committed.metadata)
            writer.put(committed.committedAt.rawValue)
            return writer.bytes
        case .metadata(_, let metadata?): return Self.value(metadata)
        }
    }

    private static func value(_ metadata: GroupMetadata) -> [UInt8] {
        var writer = KafkaWriter()
        writer.put(Int16(3))
        writer.put(metadata.protocolType)
        writer.put(metadata.generation)
        writer.put(nullable: metadata.assignor)
        writer.put(nullable: metadata.members.first?.memberID)
        writer.put(metadata.changedAt.rawValue)
        writer.put(Int32(metadata.members.count))
        for member in metadata.members {
            let classic = member.classic
            writer.put(member.memberID)
            writer.put(nullable: classic?.instanceID)
            writer.put(member.clientID)
            writer.put(member.host)
            // MQTT's members have no timeouts.
            writer.put(classic.map { milliseconds($0.rebalanceTimeout) } ?? -1)
            writer.put(classic.map { milliseconds($0.sessionTimeout) } ?? -1)
            writer.put(bytes: classic?.subscription ?? [])
            writer.put(bytes: classic?.assignment ?? assignment(member.partitions))
        }
        return writer.bytes
    }

    private static func milliseconds(_ nanoseconds: Int64) -> Int32 {
        Int32(clamping: nanoseconds / 1_000_000)
    }

    /// Kafka's `ConsumerProtocolAssignment`, version 0.
    private static func assignment(_ partitions: [StreamPartition]) -> [UInt8] {
        var writer = KafkaWriter()
        let streams = Dictionary(grouping: partitions, by: \.stream).sorted { $0.key < $1.key }
        writer.put(Int16(0))
        writer.put(Int32(streams.count))
        for (stream, partitions) in streams {
            writer.put(stream)
            writer.put(Int32(partitions.count))
            for partition in partitions.sorted() { writer.put(partition.number) }
        }
        writer.put(Int32(-1))
        return writer.bytes
    }
}

// MARK: Reading

extension GroupRecord {
    /// The record of `key` and `value`; nil when it is none that is known here.
    package init?(key: [UInt8], value: [UInt8]?) {
        var reader = KafkaReader(key)
        guard let kind = reader.int(Int16.self), let group = reader.string() else { return nil }
        switch kind {
        case 0, 1:
            guard let stream = reader.string(), let number = reader.int(Int32.self) else { return nil }
            let partition = StreamPartition(stream: stream, number: number)
            guard let value else {
                self = .offset(group: group, partition, nil)
                return
            }
            guard let committed = Self.committed(value) else { return nil }
            self = .offset(group: group, partition, committed)
        case 2:
            guard let value else {
                self = .metadata(group: group, nil)
                return
            }
            guard let metadata = Self.metadata(value) else { return nil }
            self = .metadata(group: group, metadata)
        case _: return nil
        }
    }

    private static func committed(_ value: [UInt8]) -> CommittedOffset? {
        var reader = KafkaReader(value)
        guard let version = reader.int(Int16.self), (0...4).contains(version), let offset = reader.int(Int64.self),
            offset >= 0, let epoch = version >= 3 ? reader.int(Int32.self) : -1,
            let metadata = version >= 4 ? reader.compactString() : reader.string(), let time = reader.int(Int64.self)
        else { return nil }
        var committed = CommittedOffset(
            offset: Offset(rawValue: offset), metadata: metadata, committedAt: Timestamp(rawValue: time))
        committed.leaderEpoch = epoch
        return committed
    }

    private static func metadata(_ value: [UInt8]) -> GroupMetadata? {
        var reader = KafkaReader(value)
        guard let version = reader.int(Int16.self), (0...3).contains(version), let type = reader.string(),
            let generation = reader.int(Int32.self), let assignor = reader.nullableString(),
            reader.nullableString() != nil, let time = version >= 2 ? reader.int(Int64.self) : -1,
            let count = reader.int(Int32.self), count >= 0
        else { return nil }
        var metadata = GroupMetadata(
            generation: generation, assignor: assignor, changedAt: Timestamp(rawValue: time), members: [])
        metadata.protocolType = type
        for _ in 0..<count {
            guard let member = member(&reader, version) else { return nil }
            metadata.members.append(member)
        }
        return metadata
    }

    private static func member(_ reader: inout KafkaReader, _ version: Int16) -> GroupMetadata.Member? {
        guard let memberID = reader.string(), let instanceID = version < 3 ? .some(nil) : reader.nullableString(),
            let clientID = reader.string(), let host = reader.string(),
            let rebalance = version < 1 ? -1 : reader.int(Int32.self), let session = reader.int(Int32.self),
            let subscription = reader.byteString(), let assignment = reader.byteString()
        else { return nil }
        var member = GroupMetadata.Member(
            memberID: memberID, clientID: clientID, host: host, partitions: partitions(assignment))
        guard session >= 0 else { return member }
        member.classic = GroupMetadata.Classic(
            instanceID: instanceID, sessionTimeout: Int64(session) * 1_000_000,
            rebalanceTimeout: Int64(max(rebalance, session)) * 1_000_000, subscription: subscription,
            assignment: assignment)
        return member
    }

    /// The partitions of an assignment; those of another protocol's are not known.
    static func partitions(_ assignment: [UInt8]) -> [StreamPartition] {
        var reader = KafkaReader(assignment)
        var partitions: [StreamPartition] = []
        guard reader.int(Int16.self) != nil, let streamCount = reader.int(Int32.self), streamCount >= 0 else {
            return []
        }
        for _ in 0..<streamCount {
            guard let stream = reader.string(), let count = reader.int(Int32.self), count >= 0 else { return [] }
            for _ in 0..<count {
                guard let number = reader.int(Int32.self) else { return [] }
                partitions.append(StreamPartition(stream: stream, number: number))
            }
        }
        return partitions
    }
}
