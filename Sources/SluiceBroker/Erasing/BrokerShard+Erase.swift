import Administration
import DeviceProfiles
import LogInterface
import SluiceCore
import Speaking
import TopicRouting

/// Requests to erase a device: its records, its dead letters, its retained messages and what is known of it.
extension BrokerShard {
    /// Begins a job.
    func erase(_ order: EraseOrder, _ client: Client) -> AdministrationReply {
        followStreams()
        guard let stream = streams.stream(named: order.stream) else { return .unknown }
        guard !stream.settings.isInternal else {
            return .failed("names that begin with '__' are the broker's own: what they have of a device goes with it")
        }
        submit()
        let job = EraseJob(
            order, event: event(.changed, client), rules: intake.rules, others: otherProfiles(than: order.stream),
            ends: log.endOffsets())
        guard let number = requests.erasing.add(job) else { return .failed("too many devices are being erased") }
        begin(number, .counting)
        return eraseJob(number)
    }

    /// How far a job has come.
    func eraseJob(_ number: Int64) -> AdministrationReply {
        requests.erasing.report(number).map { .eraseJob($0) } ?? .unknown
    }

    /// Goes on with jobs whose orders the log has carried out.
    func takeErasures() {
        guard !requests.erasing.jobs.isEmpty else { return }
        for (order, report) in log.takeErasures(loop) {
            guard let number = requests.erasing.job(of: order, isDone: report.isDone) else { continue }
            requests.erasing.jobs[number]?.report.examined = report.examinedBytes
            requests.erasing.jobs[number]?.report.total = report.totalBytes
            guard report.isDone else { continue }
            if let fault = report.fault { end(number, fault: fault) } else { goOn(number, report) }
        }
    }

    /// What follows devices has forgotten the one of a job, and wrote nothing of it behind these offsets.
    func deviceErased(_ number: Int64, _ ends: [PartitionID: Offset]) {
        guard var job = requests.erasing.jobs[number] else { return }
        job.knownEnds = ends
        requests.erasing.jobs[number] = job
        forgetRetained(number, job)
    }

    /// The profiles of other streams.
    private func otherProfiles(than stream: String) -> Set<String> {
        Set((intake.checks?.profiles.profiles ?? []).filter { $0.stream != stream }.map(\.name))
    }

    // MARK: Steps

    private func begin(_ number: Int64, _ stage: EraseJob.Stage) {
        guard var job = requests.erasing.jobs[number] else { return }
        job.begin(stage)
        if stage == .findingDeletions { job.deletionEnds = log.endOffsets() }
        requests.erasing.jobs[number] = job
        let known = partitions(DeviceRecord.stream) + partitions(Presence.stream)
        let retained = partitions(RetainedReplay.stream)
        let targets: [ErasureOrder.Target]
        switch stage {
        case .counting: targets = recordTargets(job)
        case .countingOwn:
            targets = retained.map { job.retainedTarget($0, before: job.ends) } + known.map(job.knownTarget)
        case .forgetting: return forgetDevice(number, job)
        case .findingDeletions: targets = retained.map { job.retainedTarget($0, before: job.deletionEnds) }
        case .erasing: targets = retained.map(job.retainedTarget) + known.map(job.knownTarget) + recordTargets(job)
        }
        let order = ErasureOrder(targets, isDryRun: stage != .erasing)
        log.erase(order, number: requests.erasing.nextOrder(of: number), for: loop)
    }

    private func goOn(_ number: Int64, _ report: ErasureReport) {
        guard var job = requests.erasing.jobs[number] else { return }
        var next: EraseJob.Stage?
        var fault: String?
        switch job.stage {
        case .counting:
            job.topics = Set(report.names.keys)
            job.take(report.tallies, streams)
            job.report.damaged = report.damagedCount
            next = .countingOwn
        case .countingOwn:
            job.retainedTopics = Array(report.names.keys)
            job.take(report.tallies, streams)
            job.report.damaged += report.damagedCount
            next = job.order.isDryRun ? nil : .forgetting
        case .forgetting: preconditionFailure("Cannot get an answer of the log while none is asked for")
        case .findingDeletions:
            job.deletions = report.names.compactMapValues { $0 }
            let areGone = job.retained.allSatisfy { topic, offset in job.deletions[topic].map { $0 > offset } ?? false }
            next = areGone ? .erasing : nil
            if next == nil { fault = "retained messages cannot be taken away: the log refuses it" }
        case .erasing:
            // Of the node's own streams it counts what was there before the deletions.
            let records = Set(recordTargets(job).map(\.partition))
            job.take(report.tallies.filter { records.contains($0.key) }, streams)
            job.report.damaged = report.damagedCount
            if report.damagedCount > 0 {
                fault = "\(report.damagedCount) damaged files stay as they are, whatever is in them"
            }
        }
        requests.erasing.jobs[number] = job
        if let next { begin(number, next) } else { end(number, fault: fault) }
    }

    /// Lets whoever follows devices forget this one, if anybody does.
    private func forgetDevice(_ number: Int64, _ job: EraseJob) {
        guard intake.checks != nil else { return forgetRetained(number, job) }
        let read = recordTargets(job).map { (partition: $0.partition, end: $0.end) }
        let erasure = DeviceErasure(
            job: number, shard: settings.index, key: job.key, others: job.others, read: read)
        peers.withDevices { $0.erasures.append(erasure) }
    }

    /// Takes the device's retained messages away, but for those that have come since the job began.
    private func forgetRetained(_ number: Int64, _ job: EraseJob) {
        let ends = Dictionary(uniqueKeysWithValues: partitions(RetainedReplay.stream).map { ($0, job.ends[$0.index]) })
        let end = ends.values.max() ?? .zero
        let present = peers.withRetained { tree in
            var present: [[UInt8]: Offset] = [:]
            for topic in job.retainedTopics {
                if let offset = tree.offset(of: topic.span), offset < end { present[topic] = offset }
            }
            return present
        }
        for topic in present.keys { intake.forgetRetained(topic, at: wallClock) }
        submit()
        requests.erasing.jobs[number]?.retained = present
        begin(number, .findingDeletions)
    }

    private func end(_ number: Int64, fault: String?) {
        guard let job = requests.erasing.end(number, fault: fault) else { return }
        var event = job.event
        event.request = job.order.isDryRun ? "erase/counted" : fault == nil ? "erase/done" : "erase/failed"
        event.subject = "\(job.order.stream) \(job.order.device)"
        let counts = job.report.streams.map { "\($0.stream) \($0.records)" }.joined(separator: ", ")
        event.reason =
            "\(job.report.recordCount) records" + (counts.isEmpty ? "" : ": \(counts)")
            + (fault.map { "; \($0)" } ?? "")
        settings.audit?.note(event)
    }

    /// The device's records and dead letters.
    private func recordTargets(_ job: EraseJob) -> [ErasureOrder.Target] {
        let letters = DeviceProfile.deadLetterStream(of: job.order.stream)
        // What tells whose topics are meant goes last: an erasure that is cut short finds it again.
        return partitions(letters).map { job.target($0, noting: .nothing) }
            + partitions(job.order.stream).map { job.target($0, noting: .topics) }
    }

    private func partitions(_ stream: String) -> [PartitionID] { streams.stream(named: stream)?.partitions ?? [] }
}
