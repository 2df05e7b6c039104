import Bridging
import DeviceProfiles
import LogInterface
package import PayloadFormats
import RecordFormat
import SluiceCore
import TopicRouting

/// Looks at the payloads of profiled topics, on their way into the log, and counts what became of them.
///
/// Isolation: its intake's owner.
final class PayloadChecks {
    private struct Message {
        let schema: PayloadSchema
        let profile: DeviceProfile
        /// Whether any payload is good, and its record's time is that of its arrival.
        let isFree: Bool
        let usesDeviceTime: Bool
    }

    let profiles: ProfileSet
    private let messages: [Message]
    /// The profiles' streams.
    private let streams: Set<String>
    /// Where the dead letters of each message go; nil where there are none.
    private var letterPartitions: [PartitionID?] = []
    private let reader = PayloadReader()
    private var sparkplug = SparkplugNodes(byteCountMax: 16 << 20)
    /// What became of messages that came in this minute, by the profiles' messages, since it was last handed over.
    private var counts: [ProfileCounts]
    /// The minute, in milliseconds since 1970.
    private var minute: Range<Int64> = 0..<0
    /// The same of minutes before, and of profiles before.
    private var closed: [MinuteCounts] = []
    /// Devices whose messages were not taken since they were last handed over.
    private var refused: [RefusedDevice: Int] = [:]

    /// Devices that are told apart between two hand-overs; more are counted by their profile only.
    private static let refusedMax = 10_000

    /// Checks for messages of `profiles`, on a log that has the streams of their dead letters.
    init(_ profiles: ProfileSet, _ streams: StreamTable) {
        self.profiles = profiles
        self.streams = Set(profiles.profiles.map(\.stream))
        messages = profiles.entries.map { entry in
            let profile = profiles.profiles[entry.profileIndex]
            let (schema, usesDeviceTime) = (
                entry.message.schema, profile.skewMax != nil && entry.message.schema.deviceTimeField != nil
            )
            return Message(
                schema: schema, profile: profile, isFree: schema.format == .raw, usesDeviceTime: usesDeviceTime)
        }
        counts = profiles.entries.map { entry in
            ProfileCounts(
                profile: profiles.profiles[entry.profileIndex].name, pattern: entry.message.pattern.text)
        }
        follow(streams)
    }

    /// Goes on with the log's streams as they are now.
    func follow(_ streams: StreamTable) {
        letterPartitions = messages.map { message in
            guard message.profile.badPayload == .deadLetter else { return nil }
            let name = DeviceProfile.deadLetterStream(of: message.profile.stream)
            return streams.stream(named: name)?.partitions.first
        }
    }

    /// Hands over what others have counted before; of messages that are no more, too.
    func goOn(from former: PayloadChecks) { closed = former.takeCounts() + closed }

    /// What was counted since the last call, by the minutes in which messages came in.
    func takeCounts() -> [MinuteCounts] {
        close()
        defer { closed = [] }
        return closed
    }

    private func close() {
        let counted = counts.filter { $0.publishedCount > 0 }
        guard !counted.isEmpty else { return }
        closed.append(MinuteCounts(time: minute.lowerBound, counts: counted, areTakenBack: false))
        for index in counts.indices { counts[index].clear() }
    }

    /// Counts what comes in at a time, which its record says too.
    private func turn(to time: Timestamp) {
        // A clock may be set back.
        guard !minute.contains(time.rawValue) else { return }
        close()
        let start = LedgerPeriods.start(of: LedgerPeriods.minute, at: time.rawValue)
        minute = start..<start + LedgerPeriods.minute
    }

    /// Counts a message.
    private func count(_ index: Int, at time: Timestamp) {
        turn(to: time)
        counts[index].publishedCount += 1
    }

    /// Whether a payload is good and needs nothing besides; it is counted then. One that is not was not counted, and is
    /// to be examined.
    /// - Parameter slack: how many bytes behind it may be read.
    func isGood(
        _ payload: Span<UInt8>, of topic: Span<UInt8>, slack: Int, message index: Int, at time: Timestamp
    ) -> Bool {
        if !messages[index].isFree {
            guard !messages[index].usesDeviceTime,
                fault(of: payload, topic, slack: slack, messages[index].schema) == nil
            else { return false }
        }
        count(index, at: time)
        return true
    }

    /// What is to become of a payload.
    enum Finding {
        /// It is stored, at its device's own time if there is one here.
        case good(at: Timestamp?)
        /// It becomes a dead letter.
        case deadLetter(DeadLetter)
        /// It is not taken, for this reason.
        case refused(String)
    }

    /// Looks at a payload, and counts it.
    /// - Parameter key: its device's key, as a record has it.
    func examine(
        _ payload: Span<UInt8>, of topic: Span<UInt8>, message index: Int, keyField: Span<UInt8>, at time: Timestamp
    ) -> Finding {
        let message = messages[index]
        count(index, at: time)
        guard let fault = fault(of: payload, topic, slack: 0, message.schema) else {
            return .good(at: recordTime(message, at: time))
        }
        counts[index].faults[fault.reason, default: 0] += 1
        let finding = remedy(of: fault, message: index)
        switch finding {
        case .good: counts[index].acceptedBadCount += 1
        case .deadLetter: break
        case .refused: refuse(index, keyField)
        }
        return finding
    }

    /// What is to become of a payload with a fault.
    private func remedy(of fault: PayloadFault, message index: Int) -> Finding {
        let message = messages[index]
        switch message.profile.badPayload {
        case .accept: return .good(at: nil)
        case .refuse: return .refused("profile \(message.profile.name): \(message.schema.explain(fault))")
        case .deadLetter:
            guard let partition = letterPartitions[index] else {
                return .refused(
                    "profile \(message.profile.name): \(message.schema.explain(fault)), and the stream of dead letters "
                        + "is gone")
            }
            return .deadLetter(DeadLetter(fault, message.schema, profile: message.profile.name, partition: partition))
        }
    }

    // MARK: What Kafka clients produce

    /// Whether profiles have messages in a stream.
    func concerns(_ stream: String) -> Bool { streams.contains(stream) }

    /// Looks at a payload that a Kafka client has produced; it is counted in `tally` alone, since its batch may be
    /// refused, or be there already. Its record's time is what its producer says.
    ///
    /// An alias of Sparkplug that no birth on this loop has named is no fault: a producer's births may have come to
    /// another.
    /// - Parameter keyField: its device's key, as a record has it.
    func examine(
        produced payload: Span<UInt8>, of topic: Span<UInt8>, message index: Int, keyField: Span<UInt8>,
        in tally: inout ProducedTally
    ) -> Finding {
        var counted =
            tally.counts[index]
            ?? ProfileCounts(profile: messages[index].profile.name, pattern: counts[index].pattern)
        defer { tally.counts[index] = counted }
        counted.publishedCount += 1
        guard let fault = fault(of: payload, topic, slack: 0, messages[index].schema), fault.reason != .unknownAlias
        else { return .good(at: nil) }
        counted.faults[fault.reason, default: 0] += 1
        let finding = remedy(of: fault, message: index)
        switch finding {
        case .good: counted.acceptedBadCount += 1
        case .deadLetter: break
        case .refused:
            let key = RecordFields.key(in: keyField)
            tally.refused[RefusedDevice(profile: messages[index].profile.name, key: key), default: 0] += 1
        }
        return finding
    }

    /// Counts a batch that is on its way into the log, or, when it is refused, that all of its messages are.
    func count(_ tally: ProducedTally, isRefused: Bool) {
        turn(to: tally.time)
        for (index, counted) in tally.counts {
            counts[index].publishedCount += counted.publishedCount
            for (reason, count) in counted.faults { counts[index].faults[reason, default: 0] += count }
            if isRefused {
                counts[index].refusedCount += counted.publishedCount
            } else {
                counts[index].acceptedBadCount += counted.acceptedBadCount
            }
        }
        guard isRefused else { return }
        for (device, count) in tally.refused { refuse(device, count) }
    }

    /// Takes back what was counted of a batch that the log has not taken, or had already.
    func takeBack(_ tally: ProducedTally) {
        // What was counted is handed over before.
        close()
        let counted = Array(tally.counts.values)
        closed.append(MinuteCounts(time: tally.time.rawValue, counts: counted, areTakenBack: true))
    }

    private func fault(
        of payload: Span<UInt8>, _ topic: Span<UInt8>, slack: Int, _ schema: PayloadSchema
    ) -> PayloadFault? {
        guard schema.format == .sparkplug else { return reader.check(payload, slack: slack, schema: schema) }
        return sparkplug.check(payload, of: topic, slack: slack, schema: schema, by: reader)
    }

    private func refuse(_ index: Int, _ keyField: Span<UInt8>) {
        counts[index].refusedCount += 1
        refuse(RefusedDevice(profile: messages[index].profile.name, key: RecordFields.key(in: keyField)), 1)
    }

    private func refuse(_ device: RefusedDevice, _ count: Int) {
        guard refused.count < Self.refusedMax || refused[device] != nil else { return }
        refused[device, default: 0] += count
    }

    /// Devices whose messages were not taken since the last call.
    func takeRefused() -> [RefusedDevice: Int] {
        defer { refused.removeAll(keepingCapacity: true) }
        return refused
    }

    /// The device's own time where it may be the record's: no farther from the broker's than the profile allows.
    private func recordTime(_ message: Message, at time: Timestamp) -> Timestamp? {
        guard message.usesDeviceTime, let field = message.schema.deviceTimeField, let most = message.profile.skewMax,
            case .time(let nanoseconds) = reader[field]
        else { return nil }
        let milliseconds = nanoseconds / 1_000_000
        guard milliseconds >= 0, (milliseconds - time.rawValue).magnitude <= UInt64(most / .milliseconds(1)) else {
            return nil
        }
        return Timestamp(rawValue: milliseconds)
    }
}

/// What became of messages that came in within a minute.
package struct MinuteCounts: Sendable, Equatable {
    /// A time in the minute, in milliseconds since 1970.
    package let time: Int64
    /// By the profiles' messages.
    package let counts: [ProfileCounts]
    /// Whether they were counted before and are not to be any more.
    package let areTakenBack: Bool
}

/// What became of the messages that one message of a profile describes.
package struct ProfileCounts: Sendable, Equatable {
    /// The profile.
    package let profile: String
    /// Its topics.
    package let pattern: String
    /// Messages that came.
    package var publishedCount: UInt64 = 0
    /// Messages that are stored although they are not as they should be.
    package var acceptedBadCount: UInt64 = 0
    /// Messages that were not taken.
    package var refusedCount: UInt64 = 0
    /// What was wrong with the bad ones.
    package var faults: [PayloadFault.Reason: UInt64] = [:]

    /// Nothing counted.
    init(profile: String, pattern: String) {
        self.profile = profile
        self.pattern = pattern
    }

    /// Counts anew.
    mutating func clear() { self = ProfileCounts(profile: profile, pattern: pattern) }
}

/// What a batch of a Kafka client holds of the profiles' messages, as far as it was looked at.
struct ProducedTally {
    /// When it came in.
    let time: Timestamp
    /// By the profiles' messages.
    var counts: [Int: ProfileCounts] = [:]
    /// Devices whose messages are refused.
    var refused: [RefusedDevice: Int] = [:]
}

/// A message that its device's profile does not take, on its way into the stream of dead letters.
struct DeadLetter {
    /// Where it goes.
    let partition: PartitionID
    /// Why, as record headers.
    let headers: [RecordHeader]

    /// The names of the headers.
    enum Header {
        static let profile = "dlq.profile"
        static let reason = "dlq.reason"
        static let field = "dlq.field"
        static let offset = "dlq.offset"
        static let text = "dlq.text"
        static let client = "dlq.client"
        static let redriven = "dlq.redriven"
    }

    init(_ fault: PayloadFault, _ schema: PayloadSchema, profile: String, partition: PartitionID) {
        self.partition = partition
        var headers = [
            RecordHeader(name: Header.profile, value: Array(profile.utf8)),
            RecordHeader(name: Header.reason, value: Array(fault.reason.rawValue.utf8)),
            RecordHeader(name: Header.offset, value: Array(String(fault.offset).utf8)),
            RecordHeader(name: Header.text, value: Array(schema.explain(fault).utf8)),
        ]
        if let field = fault.field {
            headers.append(RecordHeader(name: Header.field, value: Array(schema.fields[field].name.utf8)))
        }
        self.headers = headers
    }

    private static let prefix = Array("\(ReservedTopic.deadLetters)/".utf8)

    /// The length of what stands before the topic.
    static var prefixByteCount: Int { prefix.count }

    /// The topic under which a dead letter of `topic` is on record: nobody publishes there, and no filter without it
    /// matches.
    static func topic(of topic: Span<UInt8>) -> [UInt8] { prefix + Array(copying: topic) }

    /// The topic of the message that has become a dead letter; nil when it is none.
    static func original(_ topic: [UInt8]) -> [UInt8]? {
        topic.starts(with: prefix) ? Array(topic[prefix.count...]) : nil
    }
}
