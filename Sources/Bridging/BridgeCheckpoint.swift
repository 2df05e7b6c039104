package import SluiceCore

/// What a bridge knows of itself after a crash: the newest record of its name in the compacted stream `__bridges`.
///
/// Layout of the record's value, big-endian; its key is the bridge's name:
///
///     u8 version = 3 | u8 flags: 1 paused, 2 for a loop | u64 messages dropped | u64 messages forwarded
///     u16 last packet identifier
///     u16 partitions, each: u16 length, stream's name | u32 partition | i64 position
///                           u32 count, each: i64 an offset above the position that is done
///                           i64 start | u64 forwarded | u64 refused | u64 dropped | u64 skipped | u64 repeated
///                           i64 behind all that was sent
///     u16 QoS 2 messages on their way, each: u16 packet identifier | u16 index of the partition above | i64 offset
///                                            u8 1 when its PUBREC has come
///     u64 epoch of the notes (`BridgeNotes`)
///     u64 messages received | u64 refused | u64 looped | u64 repeated
///
/// The totals in front and at the end are those of `BridgeTotals`: without what the partitions count. Version 2 had no
/// counts of partitions, and ended with the epoch; version 1 ended before it.
///
/// A record batch's checksum covers it; a value that does not decode is reported and the bridge begins anew.
package struct BridgeCheckpoint: Equatable, Sendable {
    /// The stream's name.
    package static let stream = "__bridges"

    /// Progress in one partition.
    package struct Partition: Equatable, Sendable {
        /// The stream.
        package var stream: String
        /// The partition's number in the stream.
        package var number: Int
        /// The lowest offset that is not done.
        package var position: Offset
        /// Offsets above it that are.
        package var done: [Offset]
        /// What became of the records before it.
        package var counts: BridgeCounts
        /// Every record that the upstream was given lies before this offset.
        package var sentEnd: Offset

        /// Progress from its parts; without counts it starts at the position.
        package init(
            stream: String, number: Int, position: Offset, done: [Offset] = [], counts: BridgeCounts? = nil,
            sentEnd: Offset = .zero
        ) {
            self.stream = stream
            self.number = number
            self.position = position
            self.done = done
            self.counts = counts ?? BridgeCounts(start: position)
            self.sentEnd = max(sentEnd, position)
        }
    }

    /// A QoS 2 message on its way.
    package struct Assured: Equatable, Sendable {
        /// The packet identifier that the upstream knows it by.
        package var packetID: UInt16
        /// The index of its partition in `partitions`.
        package var partition: Int
        /// Its offset there.
        package var offset: Offset
        /// Whether the upstream has it (PUBREC).
        package var isReceived: Bool

        /// A message from its parts.
        package init(packetID: UInt16, partition: Int, offset: Offset, isReceived: Bool) {
            self.packetID = packetID
            self.partition = partition
            self.offset = offset
            self.isReceived = isReceived
        }
    }

    /// Whether somebody, or a loop, stopped the bridge.
    package var isPaused = false
    /// Whether it was a loop.
    package var isLooped = false
    /// What is counted besides the partitions.
    package var totals = BridgeTotals()
    /// The last packet identifier in use.
    package var lastPacketID: UInt16 = 0
    /// Progress in each partition that the bridge reads.
    package var partitions: [Partition] = []
    /// QoS 2 messages on their way, in the order of their packet identifiers' use.
    package var assured: [Assured] = []
    /// Which notes add to it; 0 for none.
    package var epoch: UInt64 = 0
    /// Whether its notes are those of version 2.
    package private(set) var hasShortNotes = false

    /// A bridge that has done nothing yet.
    package init() {}

    private static let version: UInt8 = 3
    private static let versionWithoutCounts: UInt8 = 2
    private static let versionWithoutNotes: UInt8 = 1
    private static let pausedFlag: UInt8 = 1
    private static let loopedFlag: UInt8 = 2

    /// The record's value.
    package func encoded() -> [UInt8] {
        var buffer = ByteBuffer(capacity: 64 + partitions.count * 64)
        buffer.append(Self.version)
        buffer.append((isPaused ? Self.pausedFlag : 0) | (isLooped ? Self.loopedFlag : 0))
        buffer.append(bigEndian: totals.dropped)
        buffer.append(bigEndian: totals.forwarded)
        buffer.append(bigEndian: lastPacketID)
        buffer.append(bigEndian: UInt16(partitions.count))
        for partition in partitions {
            buffer.append(bigEndian: UInt16(partition.stream.utf8.count))
            buffer.append(utf8: partition.stream)
            buffer.append(bigEndian: UInt32(partition.number))
            buffer.append(bigEndian: partition.position.rawValue)
            buffer.append(bigEndian: UInt32(partition.done.count))
            for offset in partition.done { buffer.append(bigEndian: offset.rawValue) }
            let counts = partition.counts
            buffer.append(bigEndian: counts.start.rawValue)
            for count in [counts.forwarded, counts.refused, counts.dropped, counts.skipped, counts.repeated] {
                buffer.append(bigEndian: count)
            }
            buffer.append(bigEndian: partition.sentEnd.rawValue)
        }
        buffer.append(bigEndian: UInt16(assured.count))
        for message in assured {
            buffer.append(bigEndian: message.packetID)
            buffer.append(bigEndian: UInt16(message.partition))
            buffer.append(bigEndian: message.offset.rawValue)
            buffer.append(message.isReceived ? 1 : 0)
        }
        buffer.append(bigEndian: epoch)
        for count in [totals.received, totals.refused, totals.looped, totals.repeated] {
            buffer.append(bigEndian: count)
        }
        return Array(copying: buffer.bytes)
    }

    /// Reads a record's value; nil when it is none that this version wrote.
    package init?(_ value: Span<UInt8>) {
        var reader = FieldReader(value)
        guard let version = reader.integer(UInt8.self), (Self.versionWithoutNotes...Self.version).contains(version),
            let flags = reader.integer(UInt8.self),
            let dropped = reader.integer(UInt64.self), let forwarded = reader.integer(UInt64.self),
            let lastPacketID = reader.integer(UInt16.self), let partitionCount = reader.integer(UInt16.self)
        else { return nil }
        isPaused = flags & Self.pausedFlag != 0
        isLooped = flags & Self.loopedFlag != 0
        totals.dropped = dropped
        totals.forwarded = forwarded
        self.lastPacketID = lastPacketID
        for _ in 0..<partitionCount {
            guard let partition = Self.partition(&reader, hasCounts: version == Self.version) else { return nil }
            partitions.append(partition)
        }
        guard let assuredCount = reader.integer(UInt16.self) else { return nil }
        for _ in 0..<assuredCount {
            guard let packetID = reader.integer(UInt16.self), let index = reader.integer(UInt16.self),
                let offset = reader.integer(Int64.self), let received = reader.integer(UInt8.self),
                Int(index) < partitions.count, offset >= 0, packetID > 0, received <= 1
            else { return nil }
            assured.append(
                Assured(
                    packetID: packetID, partition: Int(index), offset: Offset(rawValue: offset),
                    isReceived: received == 1))
        }
        if version > Self.versionWithoutNotes {
            guard let epoch = reader.integer(UInt64.self) else { return nil }
            self.epoch = epoch
            hasShortNotes = version == Self.versionWithoutCounts
        }
        if version == Self.version {
            guard let received = reader.integer(UInt64.self), let refused = reader.integer(UInt64.self),
                let looped = reader.integer(UInt64.self), let repeated = reader.integer(UInt64.self)
            else { return nil }
            totals.received = received
            totals.refused = refused
            totals.looped = looped
            totals.repeated = repeated
        }
        guard reader.isAtEnd else { return nil }
    }

    private static func partition(_ reader: inout FieldReader, hasCounts: Bool) -> Partition? {
        guard let nameByteCount = reader.integer(UInt16.self), let name = reader.text(Int(nameByteCount)),
            let number = reader.integer(UInt32.self), let position = reader.integer(Int64.self), position >= 0,
            let doneCount = reader.integer(UInt32.self), Int(doneCount) <= reader.remaining / 8
        else { return nil }
        var partition = Partition(stream: name, number: Int(number), position: Offset(rawValue: position))
        for _ in 0..<doneCount {
            guard let offset = reader.integer(Int64.self), offset >= position else { return nil }
            partition.done.append(Offset(rawValue: offset))
        }
        guard hasCounts else { return partition }
        guard let start = reader.integer(Int64.self), (0...position).contains(start),
            let forwarded = reader.integer(UInt64.self), let refused = reader.integer(UInt64.self),
            let dropped = reader.integer(UInt64.self), let skipped = reader.integer(UInt64.self),
            let repeated = reader.integer(UInt64.self), let sentEnd = reader.integer(Int64.self), sentEnd >= position
        else { return nil }
        partition.counts = BridgeCounts(start: Offset(rawValue: start))
        partition.counts.forwarded = forwarded
        partition.counts.refused = refused
        partition.counts.dropped = dropped
        partition.counts.skipped = skipped
        partition.counts.repeated = repeated
        partition.sentEnd = Offset(rawValue: sentEnd)
        return partition
    }
}

/// Reads big-endian fields one after the other; nil behind the end.
struct FieldReader: ~Escapable {
    private let bytes: Span<UInt8>
    private var index = 0

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    var remaining: Int { bytes.count - index }
    var isAtEnd: Bool { index == bytes.count }

    @_lifetime(self: copy self)
    mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) -> Integer? {
        let byteCount = Integer.bitWidth / 8
        guard remaining >= byteCount else { return nil }
        var value: Integer = 0
        for _ in 0..<byteCount {
            value = (byteCount == 1 ? 0 : value << 8) | Integer(truncatingIfNeeded: bytes[index])
            index += 1
        }
        return value
    }

    @_lifetime(self: copy self)
    mutating func text(_ byteCount: Int) -> String? {
        guard remaining >= byteCount else { return nil }
        let copy = Array(copying: bytes.extracting(index..<index + byteCount))
        index += byteCount
        return String(validating: copy, as: UTF8.self)
    }
}

/// Brings the checkpoints back from the stream `__bridges`.
package struct BridgeReplay: Sendable {
    /// The newest checkpoint of each bridge, by name.
    package private(set) var checkpoints: [String: BridgeCheckpoint] = [:]
    /// Names whose newest record does not decode.
    package private(set) var damaged: Set<String> = []

    /// A replay at the stream's oldest record.
    package init() {}

    /// Takes the next record.
    package mutating func apply(key: [UInt8], value: [UInt8]?) {
        let name = String(decoding: key, as: UTF8.self)
        checkpoints[name] = nil
        damaged.remove(name)
        guard let value else { return }
        if let checkpoint = BridgeCheckpoint(value.span) {
            checkpoints[name] = checkpoint
        } else {
            damaged.insert(name)
        }
    }
}
