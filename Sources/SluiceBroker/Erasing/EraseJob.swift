import Administration
import Bridging
import LogInterface
import SluiceCore
import Speaking
import TopicRouting

/// An erasure of a device, from the request to its end.
///
/// Everything that tells what is to go is read before anything goes, and the stream's own records go last, so that a
/// job which is cut short finds the same when it is done again.
struct EraseJob {
    /// What it waits for.
    enum Stage {
        /// The log counts the device's records, and says which topics they have.
        case counting
        /// The log counts what the node's own streams have of the device and of these topics.
        case countingOwn
        /// What follows devices forgets this one.
        case forgetting
        /// The log says where retained messages were taken away.
        case findingDeletions
        /// The log takes everything away.
        case erasing
    }

    let order: EraseOrder
    /// Who asked, for the record.
    let event: AuditEvent
    let key: [UInt8]
    /// What topics are routed by.
    let rules: RuleSet
    var report = EraseReport()
    var stage = Stage.counting
    /// Where partitions ended when the job began, by their numbers: what came later stays.
    let ends: [Offset]
    /// The topics that the device's records have.
    var topics: Set<[UInt8]> = []
    /// Profiles of other streams, whose devices of the same name stay.
    let others: Set<String>
    /// The topics of the device that there are retained messages of, or were.
    var retainedTopics: [[UInt8]] = []
    /// Where the retained messages are that this job takes away, by topic.
    var retained: [[UInt8]: Offset] = [:]
    /// Where those were taken away.
    var deletions: [[UInt8]: Offset] = [:]
    /// Where partitions ended, by their numbers, when these were looked for.
    var deletionEnds: [Offset] = []
    /// Where the partitions of what is known of devices end, for this job.
    var knownEnds: [PartitionID: Offset] = [:]
    /// What was found, by partition.
    var found: [PartitionID: ErasureReport.Tally] = [:]

    init(_ order: EraseOrder, event: AuditEvent, rules: RuleSet, others: Set<String>, ends: [Offset]) {
        self.order = order
        self.event = event
        self.rules = rules
        self.others = others
        self.ends = ends
        key = Array(order.device.utf8)
    }

    /// Goes on to a stage.
    mutating func begin(_ stage: Stage) {
        self.stage = stage
        report.examined = 0
        report.total = 0
        switch stage {
        case .counting, .countingOwn, .findingDeletions: report.stage = "counting"
        case .forgetting: report.stage = "forgetting"
        case .erasing: report.stage = "erasing"
        }
    }

    /// The records of the device in a partition of its stream, or of the dead letters.
    func target(_ partition: PartitionID, noting note: ErasureOrder.Note) -> ErasureOrder.Target {
        let key = key
        return ErasureOrder.Target(partition, before: ends[partition.index], noting: note) { field, _ in
            field.isEqual(to: key)
        }
    }

    /// Whether a topic's retained message is the device's: as topics are routed now, or as its records say.
    var ownsTopic: @Sendable (Span<UInt8>) -> Bool {
        let (rules, topics, stream, key) = (rules, topics, order.stream, key)
        return { topic in
            if topics.contains(Array(copying: topic)) { return true }
            let resolution = rules.resolve(topic)
            return resolution.stream == stream && resolution.key == key
        }
    }

    /// What is known of the device in a partition of `__devices` or `__presence`.
    func knownTarget(_ partition: PartitionID) -> ErasureOrder.Target {
        let (key, event, others) = (key, DeviceEvent.key(of: key), others)
        return ErasureOrder.Target(partition, before: knownEnds[partition] ?? ends[partition.index]) { field, _ in
            if field.isEqual(to: event) { return true }
            guard let known = DeviceRecord.parse(key: Array(copying: field)) else { return false }
            return known.device == key && !others.contains(known.profile)
        }
    }

    /// The retained messages of the device's topics, as they were when the job began.
    func retainedTarget(_ partition: PartitionID, before ends: [Offset]) -> ErasureOrder.Target {
        let owns = ownsTopic
        return ErasureOrder.Target(partition, before: ends[partition.index], noting: .keys) { topic, _ in owns(topic) }
    }

    /// The same with what took them away, and whatever came between.
    func retainedTarget(_ partition: PartitionID) -> ErasureOrder.Target {
        let (owns, deletions, end) = (ownsTopic, deletions, ends[partition.index])
        return ErasureOrder.Target(partition, before: deletionEnds[partition.index]) { topic, offset in
            guard owns(topic) else { return false }
            return offset < end || deletions[Array(copying: topic)].map { offset <= $0 } ?? false
        }
    }

    /// Takes in what an order of the log has found.
    mutating func take(_ tallies: [PartitionID: ErasureReport.Tally], _ streams: StreamTable) {
        found.merge(tallies) { $1 }
        report.streams = streams.streams.compactMap { stream in
            var part = EraseReport.Part()
            part.stream = stream.settings.name
            for partition in stream.partitions {
                part.records += found[partition]?.recordCount ?? 0
                part.bytes += found[partition]?.byteCount ?? 0
            }
            return part.records > 0 ? part : nil
        }
    }
}

/// Jobs that erase, by their numbers.
struct EraseDesk {
    /// Jobs that go on.
    var jobs: [Int64: EraseJob] = [:]
    /// How jobs ended, the latest last.
    private(set) var ended: [EraseReport] = []
    /// The jobs that wait for an order of the log, by its number.
    private var awaited: [UInt64: Int64] = [:]
    private var lastOrder: UInt64 = 0
    private var lastJob: Int64 = 0

    /// Jobs that go on at a time, and ends that are remembered.
    private static let jobsMax = 16

    /// Takes a job in.
    /// - Returns: its number; nil when too many go on.
    mutating func add(_ job: EraseJob) -> Int64? {
        guard jobs.count < Self.jobsMax else { return nil }
        lastJob += 1
        jobs[lastJob] = job
        jobs[lastJob]?.report.number = lastJob
        return lastJob
    }

    /// The number of the log's next order, which a job waits for.
    mutating func nextOrder(of job: Int64) -> UInt64 {
        lastOrder += 1
        awaited[lastOrder] = job
        return lastOrder
    }

    /// The job that waits for an order; when that is over it waits no more.
    mutating func job(of order: UInt64, isDone: Bool) -> Int64? {
        isDone ? awaited.removeValue(forKey: order) : awaited[order]
    }

    /// A job is over.
    mutating func end(_ number: Int64, fault: String?) -> EraseJob? {
        guard var job = jobs.removeValue(forKey: number) else { return nil }
        job.report.isDone = true
        job.report.fault = fault
        if ended.count == Self.jobsMax { ended.removeFirst() }
        ended.append(job.report)
        return job
    }

    /// How far a job has come.
    func report(_ number: Int64) -> EraseReport? {
        jobs[number]?.report ?? ended.last { $0.number == number }
    }
}

extension Span where Element == UInt8 {
    /// Whether it has the bytes of `other`.
    func isEqual(to other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }
}
