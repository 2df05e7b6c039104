import DeviceProfiles
package import LogInterface
import RecordFormat
import SluiceCore

/// What is on record of devices, in the compacted stream `__devices`.
///
/// Layout, keys and values, all numbers as zigzag varints behind the version:
/// - `d`, the profile's name, a zero, the device's key -> version 1, the numbers of `DeviceState` in the order below;
/// - `p` -> version 3 with a table of streams, partitions with the offset from which a follower goes on;
/// - `r`, the name of a stream of dead letters, a zero, a partition's number as text -> version 1, the runs of offsets
///   that are dealt with, each as its distance from the one before and its length.
///
/// A device's numbers may be newer than the positions: what it has counted of its partition it does not count again.
package enum DeviceRecord {
    /// The stream's name.
    package static let stream = "__devices"

    static let positionsKey = [UInt8(ascii: "p")]
    private static let version = 1

    /// The key of a device.
    static func key(_ device: [UInt8], profile: String) -> [UInt8] {
        [UInt8(ascii: "d")] + Array(profile.utf8) + [0] + device
    }

    /// The profile and the key of a device; nil when it is the key of something else.
    static func parse(key: [UInt8]) -> (profile: String, device: [UInt8])? {
        guard key.first == UInt8(ascii: "d"), let end = key.firstIndex(of: 0) else { return nil }
        return (String(decoding: key[1..<end], as: UTF8.self), Array(key[(end + 1)...]))
    }

    /// The key of the dead letters of a partition that are dealt with.
    static func key(_ place: LetterPlace) -> [UInt8] {
        [UInt8(ascii: "r")] + Array(place.stream.utf8) + [0] + Array(String(place.number).utf8)
    }

    /// The partition of such a key; nil when it is the key of something else.
    static func place(key: [UInt8]) -> LetterPlace? {
        guard key.first == UInt8(ascii: "r"), let end = key.firstIndex(of: 0),
            let number = Int(String(decoding: key[(end + 1)...], as: UTF8.self))
        else { return nil }
        return LetterPlace(stream: String(decoding: key[1..<end], as: UTF8.self), number: number)
    }

    /// Runs of offsets.
    static func value(_ runs: OffsetRuns) -> [UInt8] {
        var writer = StateWriter()
        writer.put(runs.ranges.count)
        var end: Int64 = 0
        for range in runs.ranges {
            writer.put(Int(range.lowerBound - end))
            writer.put(range.count)
            end = range.upperBound
        }
        return writer.finish(version: version)
    }

    /// Runs as they were recorded; nil when they are not understood.
    static func runs(_ value: Span<UInt8>) -> OffsetRuns? {
        var version = 0
        guard var reader = StateReader(value, StreamTable([]), version: &version), version == self.version,
            let count = reader.count()
        else { return nil }
        var runs = OffsetRuns()
        var end: Int64 = 0
        for _ in 0..<count {
            guard let gap = reader.unsigned(Int64.self), let length = reader.unsigned(Int64.self), gap >= 0,
                length > 0, end < 1 << 60, gap < 1 << 60, length < 1 << 60
            else { return nil }
            runs.insert(end + gap..<end + gap + length)
            end += gap + length
        }
        return runs
    }

    /// A device's numbers.
    static func value(_ state: DeviceState) -> [UInt8] {
        var writer = StateWriter()
        for number in numbers(state) { writer.put(number) }
        return writer.finish(version: version)
    }

    private static func numbers(_ state: DeviceState) -> [Int] {
        [
            Int(state.firstSeen), Int(state.lastSeen), Int(state.count), Int(state.offset), Int(state.deadLetterOffset),
            Int(state.sequence), Int(state.partition), Int(state.badCount), Int(state.missedCount),
            Int(state.repeatedCount), Int(state.refusedCount), Int(state.silenceCount), Int(state.skew),
            Int(state.meanInterval.bitPattern),
            Int(state.flags.rawValue), Int(state.values[0].bitPattern), Int(state.values[1].bitPattern),
            Int(state.values[2].bitPattern), Int(state.values[3].bitPattern), Int(state.letterCount),
            Int(state.redrivenCount),
        ]
    }

    /// A device as it was recorded; nil when it is not understood.
    static func state(_ value: Span<UInt8>) -> DeviceState? {
        var version = 0
        guard var reader = StateReader(value, StreamTable([]), version: &version), version == self.version else {
            return nil
        }
        var state = DeviceState()
        guard let first = reader.unsigned(Int64.self), let last = reader.unsigned(Int64.self),
            let count = reader.unsigned(UInt64.self), let offset = reader.unsigned(Int64.self),
            let letter = reader.unsigned(Int64.self), let sequence = reader.unsigned(Int64.self),
            let partition = reader.unsigned(UInt32.self), let bad = reader.unsigned(UInt32.self),
            let missed = reader.unsigned(UInt32.self), let repeated = reader.unsigned(UInt32.self),
            let refused = reader.unsigned(UInt32.self), let silences = reader.unsigned(UInt32.self),
            let skew = reader.unsigned(Int32.self),
            let interval = reader.unsigned(UInt32.self), let flags = reader.unsigned(UInt8.self)
        else { return nil }
        state.firstSeen = first
        state.lastSeen = last
        state.count = count
        state.offset = offset
        state.deadLetterOffset = letter
        state.sequence = sequence
        state.partition = partition
        state.badCount = bad
        state.missedCount = missed
        state.repeatedCount = repeated
        state.refusedCount = refused
        state.silenceCount = silences
        state.skew = skew
        state.meanInterval = Float(bitPattern: interval)
        state.flags = DeviceState.Flags(rawValue: flags)
        for index in 0..<4 {
            guard let bits = reader.unsigned(UInt32.self) else { return nil }
            state.values[index] = Float(bitPattern: bits)
        }
        // Records from before these were counted end here; what was bad and not refused became dead letters mostly.
        state.letterCount = reader.unsigned(UInt32.self) ?? (letter >= 0 && bad > refused ? bad - refused : 0)
        state.redrivenCount = reader.unsigned(UInt32.self) ?? 0
        return state
    }

    /// The offsets from which a follower goes on, by partition.
    static func value(_ positions: [(partition: PartitionID, offset: Offset)], _ streams: StreamTable) -> [UInt8] {
        var writer = StateWriter(streams)
        writer.put(positions.count)
        for (partition, offset) in positions {
            writer.put(partition)
            writer.put(Int(offset.rawValue))
        }
        return writer.finish(version: StateRecord.namedVersion)
    }

    /// The positions that were recorded, of partitions that there still are; nil when they are not understood.
    static func positions(_ value: Span<UInt8>, _ streams: StreamTable) -> [PartitionID: Offset]? {
        var version = 0
        guard var reader = StateReader(value, streams, version: &version), version >= StateRecord.namedVersion,
            reader.takeTable(), let count = reader.count()
        else { return nil }
        var positions: [PartitionID: Offset] = [:]
        for _ in 0..<count {
            guard let name = reader.partition(), let offset = reader.int() else { return nil }
            if case .found(let partition) = name { positions[partition] = Offset(rawValue: Int64(offset)) }
        }
        return positions
    }
}

/// Devices as they were on record when the node started.
package struct DeviceReplay: Sendable {
    private let streams: StreamTable
    private var devices: [[UInt8]: DeviceState] = [:]
    private(set) var positions: [PartitionID: Offset] = [:]
    private(set) var runs: [LetterPlace: OffsetRuns] = [:]
    /// Records that are not understood.
    package private(set) var damagedCount = 0

    /// A replay for a log with these streams.
    package init(_ streams: [StreamDescription]) { self.streams = StreamTable(streams) }

    /// Takes a record of the stream.
    package mutating func apply(key: [UInt8], value: [UInt8]?) {
        if key == DeviceRecord.positionsKey {
            if let value, let found = DeviceRecord.positions(value.span, streams) {
                positions = found
            } else {
                damagedCount += 1
            }
        } else if DeviceRecord.parse(key: key) != nil {
            guard let value else {
                devices[key] = nil
                return
            }
            if let state = DeviceRecord.state(value.span) { devices[key] = state } else { damagedCount += 1 }
        } else if let place = DeviceRecord.place(key: key) {
            guard let value else {
                runs[place] = nil
                return
            }
            if let found = DeviceRecord.runs(value.span) { runs[place] = found } else { damagedCount += 1 }
        } else {
            damagedCount += 1
        }
    }

    /// The devices, by the names of their profiles.
    func forEach(_ body: (_ profile: String, _ key: [UInt8], DeviceState) -> Void) {
        for (key, state) in devices {
            guard let (profile, device) = DeviceRecord.parse(key: key) else { continue }
            body(profile, device, state)
        }
    }
}
