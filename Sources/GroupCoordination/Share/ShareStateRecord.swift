import SluiceCore

/// Which partition a share group reads: the topic by its identifier, so that one that is made anew under the same name
/// is another.
package struct SharePlace: Hashable, Sendable, Comparable {
    /// The topic's identifier: the sixteen bytes read most significant first.
    package var topicID: UInt128
    /// The partition's number.
    package var number: Int32

    /// A place from its parts.
    package init(topicID: UInt128, number: Int32) {
        self.topicID = topicID
        self.number = number
    }

    /// A partition of the topic with an identifier of 22 characters of base64url; nil when it is something else.
    package init?(topicID text: String, number: Int32) {
        guard text.utf8.count == 22 else { return nil }
        var bits: UInt128 = 0
        for (index, digit) in text.utf8.enumerated() {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = digit - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = digit - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0") + 52
            case UInt8(ascii: "-"): value = 62
            case UInt8(ascii: "_"): value = 63
            case _: return nil
            }
            // Twenty-two digits are 132 bits, of which the last four are nothing.
            bits = index < 21 ? bits << 6 | UInt128(value) : bits << 2 | UInt128(value >> 4)
        }
        self.init(topicID: bits, number: number)
    }

    /// By topic, then by number.
    package static func < (left: SharePlace, right: SharePlace) -> Bool {
        (left.topicID, left.number) < (right.topicID, right.number)
    }
}

/// A record of the stream `__share_group_state`, in Kafka's own format: the whole state of a group in one partition.
///
/// Each record replaces the one before it with the same key, so that compaction leaves what is needed; of Kafka's two
/// kinds of records these are the snapshots, and updates are not written.
///
/// Layout of keys, big-endian: i16 0 · group (i16 length) · topic identifier (16 bytes) · partition i32.
///
/// Layout of values: i16 0 · snapshot epoch i32 · state epoch i32 · leader epoch i32 · start offset i64 · made at i64 ·
/// written at i64 · number of stretches + 1 as varint · stretches (first i64 · last i64 · state i8 · deliveries i16 ·
/// no tags) · one tag: number 0, 4 bytes: records of the window that are done with. A null value takes the key away.
///
/// A record that a member had when it was written stands as one that waits, without that delivery: when the node ends
/// before the member has said something, the delivery has not been.
/// Source: Kafka's `ShareSnapshotKey`, `ShareSnapshotValue`.
package struct ShareStateRecord: Equatable, Sendable {
    /// The stream's name, Kafka's.
    package static let stream = "__share_group_state"

    /// The group.
    package var group: String
    /// What it reads.
    package var place: SharePlace
    /// The state; nil when it is gone.
    var state: Recorded?

    /// What stands in a value.
    struct Recorded: Equatable, Sendable {
        var snapshotEpoch: Int32
        var createdAt: Timestamp
        var writtenAt: Timestamp
        var start: Offset
        var runs: [SharePartition.Run]
        var doneCount: Int32
    }

    /// What is to be appended of records that follow each other: the last one of each key.
    package static func latest(of records: [ShareStateRecord]) -> [ShareStateRecord] {
        var known: Set<ShareKey> = []
        return records.reversed().filter { known.insert(ShareKey($0.group, $0.place)).inserted }.reversed()
    }

    // MARK: Writing

    /// The record's key.
    package var key: [UInt8] {
        var writer = KafkaWriter()
        writer.put(Int16(0))
        writer.put(group)
        writer.put(place.topicID)
        writer.put(place.number)
        return writer.bytes
    }

    /// The record's value; nil takes the key away.
    package var value: [UInt8]? {
        guard let state else { return nil }
        var writer = KafkaWriter()
        writer.put(Int16(0))
        writer.put(state.snapshotEpoch)
        // There is one node, which never changes who leads.
        writer.put(Int32(0))
        writer.put(Int32(0))
        writer.put(state.start.rawValue)
        writer.put(state.createdAt.rawValue)
        writer.put(state.writtenAt.rawValue)
        writer.put(varint: UInt32(state.runs.count + 1))
        for run in state.runs {
            writer.put(run.range.lowerBound.rawValue)
            writer.put(run.range.upperBound.rawValue - 1)
            writer.put(Self.number(of: run.state))
            writer.put(run.deliveryCount)
            writer.put(varint: 0)
        }
        writer.put(varint: 1)
        writer.put(varint: 0)
        writer.put(varint: 4)
        writer.put(state.doneCount)
        return writer.bytes
    }

    /// Kafka's numbers; 1 is acquired, which is not put on record.
    private static func number(of state: SharePartition.State) -> Int8 {
        switch state {
        case .available, .acquired: 0
        case .acknowledged: 2
        case .archived: 4
        }
    }

    // MARK: Reading

    init(group: String, place: SharePlace, state: Recorded?) {
        self.group = group
        self.place = place
        self.state = state
    }

    /// The record of `key` and `value`; nil when it is none that is known here.
    package init?(key: [UInt8], value: [UInt8]?) {
        var reader = KafkaReader(key)
        guard reader.int(Int16.self) == 0, let group = reader.string(), let topicID = reader.int(UInt128.self),
            let number = reader.int(Int32.self)
        else { return nil }
        self.init(group: group, place: SharePlace(topicID: topicID, number: number), state: nil)
        guard let value else { return }
        guard let state = Self.state(value) else { return nil }
        self.state = state
    }

    private static func state(_ value: [UInt8]) -> Recorded? {
        var reader = KafkaReader(value)
        guard reader.int(Int16.self) == 0, let epoch = reader.int(Int32.self), reader.int(Int32.self) != nil,
            reader.int(Int32.self) != nil, let start = reader.int(Int64.self), start >= 0,
            let createdAt = reader.int(Int64.self), let writtenAt = reader.int(Int64.self),
            let count = reader.varint(), count >= 1
        else { return nil }
        var state = Recorded(
            snapshotEpoch: epoch, createdAt: Timestamp(rawValue: createdAt), writtenAt: Timestamp(rawValue: writtenAt),
            start: Offset(rawValue: start), runs: [], doneCount: 0)
        for _ in 1..<count {
            guard let run = run(&reader) else { return nil }
            state.runs.append(run)
        }
        state.doneCount = Int32(clamping: state.runs.reduce(0) { $0 + ($1.state.isDone ? $1.count : 0) })
        return state
    }

    private static func run(_ reader: inout KafkaReader) -> SharePartition.Run? {
        guard let first = reader.int(Int64.self), let last = reader.int(Int64.self), first >= 0, last >= first,
            last < Int64.max, let number = reader.int(Int8.self), let deliveryCount = reader.int(Int16.self),
            reader.varint() == 0
        else { return nil }
        let range = Offset(rawValue: first)..<Offset(rawValue: last + 1)
        switch number {
        case 0: return SharePartition.Run(range: range, .available, max(0, deliveryCount))
        case 2: return SharePartition.Run(range: range, .acknowledged, deliveryCount)
        case 4: return SharePartition.Run(range: range, .archived, deliveryCount)
        case _: return nil
        }
    }
}

extension SharePartition {
    /// Its runs as they are put on record: what is in somebody's hands waits, without that delivery, and what nobody
    /// has had at the end is left out.
    var recorded: [Run] {
        var recorded: [Run] = []
        for run in runs {
            var run = run
            if case .acquired = run.state {
                run.state = .available
                run.deliveryCount -= 1
            }
            if let last = recorded.last, last.continues(as: run) {
                recorded[recorded.count - 1].range = last.range.lowerBound..<run.range.upperBound
            } else {
                recorded.append(run)
            }
        }
        if let last = recorded.last, last.state == .available, last.deliveryCount == 0 { recorded.removeLast() }
        return recorded
    }
}
