import Administration
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

    /// What intakes have counted, by their loops.
    private var counts: [Int: [ProfileCounts]] = [:]
    /// What the log has of it, by profiles' numbers.
    private var tallies: [Tally] = []
    /// Messages that were not taken, by their devices, until the follower has noted them.
    var refusals: [RefusedDevice: Int] = [:]

    /// What was stored since the node started.
    private struct Tally {
        var storedCount: UInt64 = 0
        var redrivenCount: UInt64 = 0
        var letterCount: UInt64 = 0
    }

    /// Dead letters that are dealt with, by the names and the partitions of their streams.
    var runs: [LetterPlace: OffsetRuns] = [:]
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

    /// Takes what an intake has counted so far, and whose messages it has not taken since it last said so.
    mutating func take(_ counts: [ProfileCounts], refused: [RefusedDevice: Int], of loop: LoopID) {
        self.counts[loop.index] = counts
        refusals.merge(refused, uniquingKeysWith: +)
    }

    /// Counts a message that the log has.
    mutating func tally(_ isPublished: Bool, _ isRedriven: Bool, of profile: Int) {
        growTallies(to: profile)
        if isPublished { tallies[profile].storedCount += 1 }
        if isRedriven { tallies[profile].redrivenCount += 1 }
    }

    /// Counts a dead letter that the log has.
    mutating func tallyLetter(_ isPublished: Bool, of profile: Int) {
        growTallies(to: profile)
        if isPublished { tallies[profile].letterCount += 1 }
    }

    private mutating func growTallies(to profile: Int) {
        while tallies.count <= profile { tallies.append(Tally()) }
    }

    /// What became of what was published since the node started, by profile: what came and what was refused as the
    /// intakes have counted it, what was stored as the log has it.
    var ledger: [LedgerReport] {
        names.enumerated().map { number, name in
            let all = counts.values.flatMap { $0 }.filter { $0.profile == name }
            var report = LedgerReport()
            report.profile = name
            var faults: [String: Int64] = [:]
            for count in all {
                report.published += Int64(clamping: count.publishedCount)
                report.accepted += Int64(clamping: count.acceptedBadCount)
                report.refused += Int64(clamping: count.refusedCount)
                for (reason, count) in count.faults { faults[reason.rawValue, default: 0] += Int64(clamping: count) }
            }
            if number < tallies.count {
                report.stored = Int64(clamping: tallies[number].storedCount)
                report.deadLettered = Int64(clamping: tallies[number].letterCount)
                report.redriven = Int64(clamping: tallies[number].redrivenCount)
            }
            report.reasons = faults.sorted { $0.key < $1.key }.map { LetterReport.Reason($0.key, $0.value) }
            return report
        }
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
        key = Array("device/".utf8) + device
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
