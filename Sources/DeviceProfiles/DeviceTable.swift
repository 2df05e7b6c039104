import Checksums

/// What is known of one device, without its key.
///
/// 112 bytes; times are milliseconds since 1970, of the broker's clock unless they say otherwise.
package struct DeviceState: Equatable, Sendable {
    /// When its first message came.
    package var firstSeen: Int64 = 0
    /// When its last one came, good or bad.
    package var lastSeen: Int64 = 0
    /// Messages that were stored.
    package var count: UInt64 = 0
    /// Where its last stored message is; what lies before it in that partition is counted.
    package var offset: Int64 = -1
    /// Where its last dead letter is.
    package var deadLetterOffset: Int64 = -1
    /// The number of its last message, by its own count.
    package var sequence: Int64 = 0
    /// The partition of its last message, by its number in the stream.
    package var partition: UInt32 = 0
    /// Payloads that were not as they should be.
    package var badCount: UInt32 = 0
    /// Messages that were not taken.
    package var refusedCount: UInt32 = 0
    /// Numbers that did not come, by its own count.
    package var missedCount: UInt32 = 0
    /// Messages whose number was the one before.
    package var repeatedCount: UInt32 = 0
    /// How often it was silent.
    package var silenceCount: UInt32 = 0
    /// How far its clock is before the broker's, in milliseconds, when its last message came.
    package var skew: Int32 = 0
    /// The time between two messages of late, in milliseconds.
    package var meanInterval: Float = 0
    /// The first four fields of its last good reading, as far as they are numbers; NaN for others.
    package var values = SIMD4<Float>(repeating: .nan)
    /// Whether `sequence` and `skew` mean something, and whether it is silent.
    package var flags: Flags = []
    /// Messages that became dead letters.
    package var letterCount: UInt32 = 0
    /// Of those, messages that passed their profile later: they are stored ones as well.
    package var redrivenCount: UInt32 = 0

    /// What is known of a device besides numbers.
    package struct Flags: OptionSet, Sendable {
        /// The bits.
        package let rawValue: UInt8
        /// Flags of these bits.
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Its messages are numbered.
        package static let isNumbered = Flags(rawValue: 1)
        /// Its messages say when they were made.
        package static let hasClock = Flags(rawValue: 2)
        /// It has not been heard of for longer than it may be.
        package static let isSilent = Flags(rawValue: 4)
        /// It was erased, and not heard of since: nothing of it is to be on record.
        package static let isErased = Flags(rawValue: 8)
    }

    /// Nothing known.
    package init() {}
}

/// A message of a device, as the log has it.
package struct DeviceSighting: Sendable {
    /// When it came.
    package var time: Int64
    /// Its partition, by its number in the stream.
    package var partition: UInt32
    /// Its offset.
    package var offset: Int64
    /// Its number by the device's own count, if it has one.
    package var sequence: Int64?
    /// When the device says that it was made, if it says so.
    package var deviceTime: Int64?
    /// The first four fields, as far as they are numbers; NaN for others.
    package var values = SIMD4<Float>(repeating: .nan)
    /// Whether its payload was not as it should be, and was stored for all that.
    package var isBad = false
    /// Whether it was a dead letter before.
    package var isRedriven = false

    /// A message without a number or a time of its own.
    package init(at time: Int64, partition: UInt32, offset: Int64) {
        self.time = time
        self.partition = partition
        self.offset = offset
    }
}

/// What the sight of a message changes that somebody wants to hear of.
package enum DeviceNews: Equatable, Sendable {
    /// Nothing.
    case none
    /// The device was silent, and is not any more.
    case back(silentSince: Int64)
    /// So many of its numbers did not come.
    case gap(missed: Int64)
}

/// All devices of a node, by profile and key.
///
/// Layout: the states lie in blocks of 4,096, keys one behind the other, and a table of places finds them by hash with
/// linear probing, at most half full. With a key of 20 bytes a device takes some 170 bytes.
package struct DeviceTable: Sendable {
    private static let blockCount = 4096

    private struct Entry {
        var state: DeviceState
        var profile: UInt16
        var keyCount: UInt16
        var keyStart: UInt32
    }

    private var blocks: [[Entry]] = []
    private var deadlines: [Int64] = []
    private var keys: [[UInt8]] = []
    private var places: [UInt32] = Array(repeating: 0, count: 16)
    private var isDirty: [Bool] = []
    private var dirty: [Int] = []
    private var recorded: [Int] = []
    /// Milliseconds without a message after which a device of each profile is silent.
    package private(set) var silences: [Int64?]
    private var sweepIndex = 0
    /// Devices that there may be.
    private let countMax: Int
    /// Messages of devices that there was no room for.
    package private(set) var untrackedCount: UInt64 = 0

    /// A table of profiles whose devices are silent after these times, in milliseconds; nil for never.
    package init(silences: [Int64?], countMax: Int = 4_000_000) {
        self.silences = silences
        self.countMax = countMax
    }

    /// Profiles have other times from here on, or there are more of them.
    package mutating func setSilences(_ silences: [Int64?], silentFrom floor: Int64) {
        assert(silences.count >= self.silences.count, "a profile keeps its number")
        guard silences != self.silences else { return }
        self.silences = silences
        for index in deadlines.indices { setDeadline(self[index], at: index, silentFrom: floor) }
    }

    /// How many devices there are.
    package var count: Int { deadlines.count }
    /// Bytes of memory that it takes.
    package var memoryByteCount: Int {
        blocks.count * Self.blockCount * MemoryLayout<Entry>.stride + keys.count * Self.keyBlockBytes
            + deadlines.capacity * MemoryLayout<Int64>.stride + places.capacity * MemoryLayout<UInt32>.stride
            + isDirty.capacity + (dirty.capacity + recorded.capacity) * MemoryLayout<Int>.stride
    }
    /// How many of them are silent.
    package private(set) var silentCount = 0

    /// How many changed since they were last taken.
    package var dirtyCount: Int { dirty.count }

    /// The device at a place.
    package subscript(index: Int) -> DeviceState { blocks[index / Self.blockCount][index % Self.blockCount].state }

    /// The profile of the device at a place.
    package func profile(at index: Int) -> Int { Int(entry(index).profile) }

    /// The key of the device at a place.
    package func key(at index: Int) -> [UInt8] {
        let entry = entry(index)
        let (block, start) = (Int(entry.keyStart) / Self.keyBlockBytes, Int(entry.keyStart) % Self.keyBlockBytes)
        return Array(keys[block][start..<start + Int(entry.keyCount)])
    }

    /// The place of a device; nil when it is not known.
    /// - Complexity: one hash, and a probe or two.
    package func index(of key: Span<UInt8>, profile: Int) -> Int? {
        var slot = slot(key, profile)
        while places[slot] != 0 {
            let index = Int(places[slot]) - 1
            if holds(index, key, profile) { return index }
            slot = (slot + 1) & (places.count - 1)
        }
        return nil
    }

    // MARK: Messages

    /// Takes in that a device's message was stored. One that was taken in before changes nothing.
    /// - Returns: the device's place and what is new; nil when it was taken in before, or there is no room for it.
    package mutating func saw(
        _ sighting: DeviceSighting, of key: Span<UInt8>, profile: Int, silentFrom floor: Int64
    ) -> (index: Int, news: DeviceNews)? {
        guard let index = place(of: key, profile: profile, at: sighting.time) else { return nil }
        var state = self[index]
        if state.partition == sighting.partition, sighting.offset <= state.offset { return nil }
        var news = DeviceNews.none
        if state.count > 0, let interval = interval(state, to: sighting.time) {
            state.meanInterval =
                state.count == 1 ? Float(interval) : state.meanInterval * 0.9 + Float(interval) * 0.1
        }
        if let sequence = sighting.sequence {
            if state.flags.contains(.isNumbered) {
                // A smaller number is a device that began anew, or a message that was kept back.
                if sequence == state.sequence { state.repeatedCount &+= 1 }
                if sequence > state.sequence, sequence - state.sequence > 1 {
                    let missed = sequence - state.sequence - 1
                    state.missedCount = UInt32(clamping: Int64(state.missedCount) + missed)
                    news = .gap(missed: missed)
                }
            }
            state.sequence = sequence
            state.flags.insert(.isNumbered)
        }
        if let time = sighting.deviceTime {
            state.skew = Int32(clamping: time - sighting.time)
            state.flags.insert(.hasClock)
        }
        if sighting.isBad { state.badCount &+= 1 }
        if sighting.isRedriven { state.redrivenCount &+= 1 }
        for index in 0..<4 where !sighting.values[index].isNaN { state.values[index] = sighting.values[index] }
        if state.flags.contains(.isSilent) { news = .back(silentSince: state.lastSeen) }
        state.count += 1
        state.partition = sighting.partition
        state.offset = sighting.offset
        seen(&state, at: sighting.time)
        store(state, at: index, silentFrom: floor)
        return (index, news)
    }

    /// Takes in that a device's message has become a dead letter.
    package mutating func sawDeadLetter(
        of key: Span<UInt8>, profile: Int, at time: Int64, offset: Int64, silentFrom floor: Int64
    ) -> (index: Int, news: DeviceNews)? {
        guard let index = place(of: key, profile: profile, at: time) else { return nil }
        var state = self[index]
        guard offset > state.deadLetterOffset else { return nil }
        let news: DeviceNews = state.flags.contains(.isSilent) ? .back(silentSince: state.lastSeen) : .none
        state.deadLetterOffset = offset
        state.badCount &+= 1
        state.letterCount &+= 1
        seen(&state, at: time)
        store(state, at: index, silentFrom: floor)
        return (index, news)
    }

    /// Takes in that messages of a device were not taken, which are nowhere but here.
    package mutating func refused(
        _ count: Int, of key: Span<UInt8>, profile: Int, at time: Int64, silentFrom floor: Int64
    ) {
        guard let index = place(of: key, profile: profile, at: time) else { return }
        var state = self[index]
        state.refusedCount = UInt32(clamping: Int64(state.refusedCount) + Int64(count))
        state.badCount = UInt32(clamping: Int64(state.badCount) + Int64(count))
        seen(&state, at: time)
        store(state, at: index, silentFrom: floor)
    }

    private func interval(_ state: DeviceState, to time: Int64) -> Int64? {
        time >= state.lastSeen ? time - state.lastSeen : nil
    }

    private func seen(_ state: inout DeviceState, at time: Int64) {
        if state.firstSeen == 0 { state.firstSeen = time }
        state.lastSeen = max(state.lastSeen, time)
        state.flags.subtract([.isSilent, .isErased])
    }

    // MARK: Silence

    /// Finds devices that have become silent, looking at up to `count` of them from where it last stopped.
    /// - Returns: their places; they are silent from here on.
    /// - Complexity: O(count), eight bytes each.
    package mutating func sweep(now: Int64, count: Int) -> [Int] {
        var found: [Int] = []
        for _ in 0..<min(count, deadlines.count) {
            if sweepIndex >= deadlines.count { sweepIndex = 0 }
            if deadlines[sweepIndex] <= now {
                found.append(sweepIndex)
                deadlines[sweepIndex] = .max
                var state = self[sweepIndex]
                state.flags.insert(.isSilent)
                state.silenceCount &+= 1
                store(state, at: sweepIndex, silentFrom: .min)
            }
            sweepIndex += 1
        }
        return found
    }

    // MARK: State on record

    /// Brings back a device as it was recorded.
    package mutating func restore(_ state: DeviceState, of key: Span<UInt8>, profile: Int, silentFrom floor: Int64) {
        guard let index = place(of: key, profile: profile, at: state.firstSeen) else { return }
        store(state, at: index, silentFrom: floor)
        if isDirty[index] {
            isDirty[index] = false
            dirty.removeLast()
        }
    }

    /// What has changed until now is to be recorded; `takeRecorded` hands it out.
    package mutating func beginRecording() {
        recorded += dirty
        dirty.removeAll()
    }

    /// The places of up to `count` devices that are to be recorded; they count as unchanged from here on.
    package mutating func takeRecorded(_ count: Int) -> [Int] {
        let taken = Array(recorded.suffix(count))
        recorded.removeLast(taken.count)
        for index in taken { isDirty[index] = false }
        return taken
    }

    /// What was taken as changed could not be recorded.
    package mutating func markDirty(_ indexes: [Int]) { for index in indexes { markDirty(index) } }

    /// Forgets a device: nothing of it is known any more until it is heard of again.
    package mutating func forget(_ index: Int) {
        store(DeviceState(), at: index, silentFrom: .min)
        deadlines[index] = .max
    }

    /// Forgets a device whose records are erased.
    package mutating func erase(_ index: Int) {
        var state = DeviceState()
        state.flags = .isErased
        store(state, at: index, silentFrom: .min)
    }

    // MARK: Places

    private static let keyBlockBytes = 1 << 16

    private func entry(_ index: Int) -> Entry { blocks[index / Self.blockCount][index % Self.blockCount] }

    private mutating func store(_ state: DeviceState, at index: Int, silentFrom floor: Int64) {
        let wasSilent = entry(index).state.flags.contains(.isSilent)
        blocks[index / Self.blockCount][index % Self.blockCount].state = state
        silentCount += (state.flags.contains(.isSilent) ? 1 : 0) - (wasSilent ? 1 : 0)
        markDirty(index)
        setDeadline(state, at: index, silentFrom: floor)
    }

    private mutating func setDeadline(_ state: DeviceState, at index: Int, silentFrom floor: Int64) {
        let silence = silences[profile(at: index)]
        // A node that was not there heard nothing: silence begins no sooner than it.
        deadlines[index] =
            state.flags.contains(.isSilent) || state.lastSeen == 0
            ? .max : silence.map { max(state.lastSeen, floor) + $0 } ?? .max
    }

    private mutating func markDirty(_ index: Int) {
        guard !isDirty[index] else { return }
        isDirty[index] = true
        dirty.append(index)
    }

    private func slot(_ key: Span<UInt8>, _ profile: Int) -> Int {
        Int(truncatingIfNeeded: XXH3.hash(key) &+ UInt64(profile) &* 0x9E37_79B9_7F4A_7C15) & (places.count - 1)
    }

    private func holds(_ index: Int, _ key: Span<UInt8>, _ profile: Int) -> Bool {
        let entry = entry(index)
        guard Int(entry.profile) == profile, Int(entry.keyCount) == key.count else { return false }
        let (block, start) = (Int(entry.keyStart) / Self.keyBlockBytes, Int(entry.keyStart) % Self.keyBlockBytes)
        for position in key.indices where keys[block][start + position] != key[position] { return false }
        return true
    }

    private mutating func place(of key: Span<UInt8>, profile: Int, at time: Int64) -> Int? {
        if let index = index(of: key, profile: profile) { return index }
        guard count < countMax, key.count <= Self.keyBytesMax else {
            untrackedCount += 1
            return nil
        }
        if keys.isEmpty || keys[keys.count - 1].count + key.count > Self.keyBlockBytes {
            keys.append([])
            keys[keys.count - 1].reserveCapacity(Self.keyBlockBytes)
        }
        let block = keys.count - 1
        var entry = Entry(
            state: DeviceState(), profile: UInt16(profile), keyCount: UInt16(key.count),
            keyStart: UInt32(block * Self.keyBlockBytes + keys[block].count))
        for position in key.indices { keys[block].append(key[position]) }
        entry.state.firstSeen = time
        let index = deadlines.count
        if index.isMultiple(of: Self.blockCount) {
            blocks.append([])
            blocks[blocks.count - 1].reserveCapacity(Self.blockCount)
        }
        blocks[blocks.count - 1].append(entry)
        deadlines.append(.max)
        isDirty.append(false)
        if deadlines.count * 2 > places.count { rehash(places.count * 2) }
        insert(index, key, profile)
        return index
    }

    /// The longest key of a device that is kept track of.
    private static let keyBytesMax = 1024

    private mutating func insert(_ index: Int, _ key: Span<UInt8>, _ profile: Int) {
        var slot = slot(key, profile)
        while places[slot] != 0 { slot = (slot + 1) & (places.count - 1) }
        places[slot] = UInt32(index + 1)
    }

    private mutating func rehash(_ slotCount: Int) {
        places = Array(repeating: 0, count: slotCount)
        for index in 0..<deadlines.count - 1 {
            let key = key(at: index)
            insert(index, key.span, profile(at: index))
        }
    }
}
