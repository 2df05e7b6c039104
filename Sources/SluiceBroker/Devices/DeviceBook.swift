package import Administration
package import DeviceProfiles
import LogInterface
import PayloadFormats
import RecordFormat
import SluiceCore

/// What is known of the node's devices, with what their profiles are called.
package struct DeviceBook: Sendable {
    /// The devices; their profiles are places in `names`.
    package internal(set) var table = DeviceTable(silences: [])
    /// The names of profiles, those that are gone included.
    private(set) var names: [String] = []
    /// The profiles that there are.
    private(set) var profiles = ProfileSet()
    /// Where each of them is in `names`.
    private(set) var numbers: [Int] = []
    /// Whether everything that was stored before the node started is in it.
    package internal(set) var isComplete = false

    /// What came in, and what the log has of it, by profiles' numbers.
    private var periods = LedgerPeriods()
    /// Since when it is counted, in milliseconds since 1970.
    var countedSince: Int64 = 0
    /// Messages that were not taken, by their devices, until the follower has noted them.
    var refusals: [RefusedDevice: Int] = [:]

    /// Dead letters that are dealt with, by the names and the partitions of their streams.
    var runs: [LetterPlace: OffsetRuns] = [:]
    /// Devices of which somebody wants to know what they have last said.
    var readings: [ReadingOrder] = []
    /// Devices that are to be erased.
    var erasures: [DeviceErasure] = []
    /// Jobs with dead letters that have not begun.
    private(set) var orders: [(number: Int64, order: LetterOrder)] = []
    /// How far jobs have come, the latest last.
    private(set) var reports: [LetterReport] = []
    private var lastJob: Int64 = 0

    /// Jobs that wait, and jobs whose end is remembered.
    private static let jobsMax = 64

    /// No devices.
    package init() {}

    // MARK: The ledger

    /// Takes what an intake has counted, and whose messages it has not taken, since it last said so.
    mutating func take(_ minutes: [MinuteCounts], refused: [RefusedDevice: Int]) {
        for minute in minutes {
            for counts in minute.counts {
                periods.count(number(of: counts.profile), at: minute.time) {
                    if minute.areTakenBack { $0 -= counts } else { $0 += counts }
                }
            }
        }
        refusals.merge(refused, uniquingKeysWith: +)
    }

    /// Counts a message that the log has.
    /// - Parameter time: when it came in.
    mutating func tally(_ isPublished: Bool, _ isRedriven: Bool, of profile: Int, at time: Int64) {
        guard isPublished || isRedriven else { return }
        periods.count(profile, at: time) { tally in
            if isPublished { tally.storedCount += 1 }
            if isRedriven { tally.redrivenCount += 1 }
        }
    }

    /// Counts a dead letter that the log has.
    mutating func tallyLetter(_ isPublished: Bool, of profile: Int, at time: Int64) {
        if isPublished { periods.count(profile, at: time) { $0.letterCount += 1 } }
    }

    /// What became of what was published since the node started, by profile: what came and what was refused as the
    /// intakes have counted it, what was stored as the log has it.
    package var ledger: [LedgerReport] { names.indices.map { report(periods.total($0), of: $0) } }

    /// The same of what came in since a time, in milliseconds, and the time from which that counts: the start of a
    /// minute or an hour, or of the node.
    func ledger(since time: Int64?, now: Int64) -> (reports: [LedgerReport], since: Int64) {
        guard let time, time > countedSince else { return (ledger, countedSince) }
        let start = LedgerPeriods.start(for: time, now: now)
        let reports = names.indices.map { report(periods.sum($0, from: start, now: now), of: $0) }
        return (reports, max(start, countedSince))
    }

    private func report(_ tally: LedgerTally, of profile: Int) -> LedgerReport {
        var report = LedgerReport()
        report.profile = names[profile]
        report.published = Int64(clamping: tally.publishedCount)
        report.stored = Int64(clamping: tally.storedCount)
        report.accepted = Int64(clamping: tally.acceptedCount)
        report.deadLettered = Int64(clamping: tally.letterCount)
        report.redriven = Int64(clamping: tally.redrivenCount)
        report.refused = Int64(clamping: tally.refusedCount)
        report.reasons = tally.faults.map { LetterReport.Reason($0.key.rawValue, Int64(clamping: $0.value)) }
            .sorted { $0.reason < $1.reason }
        return report
    }

    // MARK: Dead letters

    /// Lets a job with dead letters be done.
    /// - Returns: its number; nil when too many wait.
    mutating func order(_ order: LetterOrder) -> Int64? {
        guard orders.count < Self.jobsMax else { return nil }
        lastJob += 1
        orders.append((lastJob, order))
        if reports.count == 2 * Self.jobsMax { reports.removeFirst() }
        var report = LetterReport()
        report.number = lastJob
        reports.append(report)
        return lastJob
    }

    /// The next job; nil when there is none.
    mutating func takeOrder() -> (number: Int64, order: LetterOrder)? { orders.isEmpty ? nil : orders.removeFirst() }

    /// Notes how far a job has come.
    mutating func note(_ report: LetterReport) {
        guard let index = reports.firstIndex(where: { $0.number == report.number }) else { return }
        reports[index] = report
    }

    /// Goes by these profiles from here on.
    mutating func take(_ profiles: ProfileSet, silentFrom floor: Int64) {
        self.profiles = profiles
        numbers = []
        for profile in profiles.profiles { numbers.append(number(of: profile.name)) }
        var silences = [Int64?](repeating: nil, count: names.count)
        for (profile, number) in zip(profiles.profiles, numbers) { silences[number] = profile.silenceMilliseconds }
        table.setSilences(silences, silentFrom: floor)
    }

    /// The number of a profile; a new one where it has none.
    mutating func number(of name: String) -> Int {
        if let number = names.firstIndex(of: name) { return number }
        names.append(name)
        table.setSilences(table.silences + [nil], silentFrom: 0)
        return names.count - 1
    }

    /// The profile of a number; nil when it is gone.
    func profile(_ number: Int) -> DeviceProfile? { profiles.profile(named: names[number]) }
}

/// A device that is to be erased, for a job of a shard.
struct DeviceErasure: Sendable {
    let job: Int64
    let shard: Int
    let key: [UInt8]
    /// Profiles whose devices of this key stay.
    let others: Set<String>
    /// What has to be read before: where its records end, by partition.
    let read: [(partition: PartitionID, end: Offset)]
}

/// A device whose message was not taken.
struct RefusedDevice: Hashable, Sendable {
    var profile: String
    var key: [UInt8]
}

/// Records of the node's own, on their way into the log.
struct DeviceAppend: ~Copyable {
    private var builder: RecordBatchBuilder
    private let time: Timestamp

    init(at time: Timestamp, in memory: BatchMemory) {
        self.time = time
        builder = RecordBatchBuilder(in: memory)
    }

    /// Adds a record; one without a value takes its key away.
    /// - Parameter topic: the topic under which it is read, of what others may read.
    mutating func put(_ key: [UInt8], _ value: [UInt8]?, topic: [UInt8]? = nil) {
        let (keyField, headers) = (RecordFields.key(key), RecordFields.headers(topic.map(Presence.headers) ?? []))
        if let value {
            builder.append(at: time, keyField: keyField.span, value: value.span, headersField: headers.span)
        } else {
            builder.appendTombstone(at: time, keyField: keyField.span, headersField: headers.span)
        }
    }

    /// The append of what was put.
    mutating func finish(_ partition: PartitionID) -> [Append] {
        [Append(partition: partition, batch: builder.finish(), isAwaited: true, topicHashes: nil)]
    }
}

/// What is new of a device: a message on `$SYS/broker/devices/<key>/silent`, `back` or `gap`, and a record of
/// `__presence` under `device/<key>`.
struct DeviceEvent {
    let key: [UInt8]
    let document: [UInt8]
    /// The topic; nil when the key cannot be part of one.
    let topic: SystemTopic?

    /// The key of a device's record in `__presence`.
    static func key(of device: [UInt8]) -> [UInt8] { Array("device/".utf8) + device }

    /// - Parameter news: nil when the device is silent.
    init(profile: String, key device: [UInt8], state: DeviceState, news: DeviceNews?, at time: Timestamp) {
        let name: String
        var members: [String: JSON] = [
            "device": .string(String(decoding: device, as: UTF8.self)), "profile": .string(profile),
            "ts": .integer(time.rawValue), "last_seen": .integer(state.lastSeen),
        ]
        switch news {
        case nil, .none?: name = "silent"
        case .back(let since)?:
            name = "back"
            members["silent_since"] = .integer(since)
        case .gap(let missed)?:
            name = "gap"
            members["missed"] = .integer(missed)
            members["sequence"] = .integer(state.sequence)
        }
        members["event"] = .string(name)
        document = Array(
            JSON.object(members.sorted { $0.key < $1.key }.map { JSON.Member(name: $0.key, value: $0.value) })
                .compact.utf8)
        key = Self.key(of: device)
        guard !device.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") || $0 == 0 }) else {
            topic = nil
            return
        }
        var topic = SystemTopic("$SYS/broker/devices/", "")
        topic.topic += device + Array("/\(name)".utf8)
        topic.payload = document
        self.topic = topic
    }
}
