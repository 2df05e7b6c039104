import Administration
import DeviceProfiles
import PayloadFormats
import SluiceCore
import TopicRouting

/// Requests about devices, dead letters and the ledger.
extension BrokerShard {
    /// Devices that are looked at for one answer, so that no other shard waits long for the table.
    private static let devicesExamined = 20_000
    /// Devices in one answer: a few hundred bytes each, and an answer is one packet.
    private static let devicesTold = 1000

    /// Answers who asks for devices; what one has last said is read from the log where that is wanted.
    func tellDevices(_ query: DeviceQuery, to place: ReplyPlace) {
        let reply = devices(query)
        guard query.isReading, case .devices(let reports, _, let count) = reply, !reports.isEmpty,
            intake.checks != nil,
            let number = requests.readings.add(.init(place: place, reports: reports, count: count))
        else { return respond(reply, to: place) }
        let order = ReadingOrder(number: number, shard: settings.index, key: Array(query.key.utf8))
        peers.withDevices { $0.readings.append(order) }
    }

    /// What devices have last said was read.
    func deviceRead(_ number: UInt64, _ values: [String: [DeviceReport.Value]]) {
        guard var question = requests.readings.take(number) else { return }
        for index in question.reports.indices {
            if let read = values[question.reports[index].profile] { question.reports[index].reading = read }
        }
        respond(.devices(question.reports, next: nil, count: question.count), to: question.place)
    }

    /// Devices from a place on.
    func devices(_ query: DeviceQuery) -> AdministrationReply {
        peers.withDevices { book in
            guard book.isComplete || book.profiles.entries.isEmpty else { return .failed("starting") }
            let table = book.table
            var reports: [DeviceReport] = []
            if !query.key.isEmpty {
                let key = Array(query.key.utf8)
                for number in book.names.indices {
                    guard let index = table.index(of: key.span, profile: number), table[index].lastSeen > 0 else {
                        continue
                    }
                    reports.append(book.report(index))
                }
                return .devices(reports, next: nil, count: Int64(table.count))
            }
            var index = Int(clamping: query.start)
            let end = min(table.count, index + Self.devicesExamined)
            let most = min(Int(clamping: query.limit), Self.devicesTold)
            while index < end, reports.count < most {
                let state = table[index]
                let isMeant =
                    state.lastSeen > 0 && (!query.isSilent || state.flags.contains(.isSilent))
                    && (query.profile.isEmpty || book.names[table.profile(at: index)] == query.profile)
                if isMeant { reports.append(book.report(index)) }
                index += 1
            }
            return .devices(reports, next: index < table.count ? Int64(index) : nil, count: Int64(table.count))
        }
    }

    /// Forgets what is known of the devices of a key.
    /// - Returns: whether something was.
    func forgetDevice(_ name: String) -> Bool {
        let key = Array(name.utf8)
        return peers.withDevices { book in
            var wasKnown = false
            for number in book.names.indices {
                guard let index = book.table.index(of: key.span, profile: number), book.table[index].lastSeen > 0
                else { continue }
                book.table.forget(index)
                wasKnown = true
            }
            return wasKnown
        }
    }

    /// Begins a job with dead letters.
    func orderLetters(_ order: LetterOrder) -> AdministrationReply {
        let name = DeviceProfile.deadLetterStream(of: order.stream)
        guard streams.stream(named: name) != nil else { return .unknown }
        guard let number = peers.withDevices({ $0.order(order) }) else {
            return .failed("too many jobs with dead letters wait")
        }
        return letterJob(number)
    }

    /// How far a job has come.
    func letterJob(_ number: Int64) -> AdministrationReply {
        let report = peers.withDevices { $0.reports.last { $0.number == number } }
        return report.map { .letterJob($0) } ?? .unknown
    }

    /// The dead letters of a stream that are dealt with.
    func letterRuns(_ stream: String) -> AdministrationReply {
        let name = DeviceProfile.deadLetterStream(of: stream)
        let runs = peers.withDevices { book in book.runs.filter { $0.key.stream == name } }
        return .letterRuns(
            runs.sorted { $0.key.number < $1.key.number }.flatMap { place, runs in
                runs.ranges.map { LetterRun(partition: Int64(place.number), start: $0.lowerBound, end: $0.upperBound) }
            })
    }

    /// What became of what was published, by profile, since a time in milliseconds, or since the node started.
    ///
    /// What other shards have counted since they last told is asked for, for whoever asks again.
    func ledger(since time: Int64?) -> AdministrationReply {
        tellCounts()
        for shard in 0..<peers.shardCount where shard != settings.index { peers.post(.tellCounts, to: shard) }
        let now = wallClock.rawValue
        let (reports, start) = peers.withDevices { $0.ledger(since: time, now: now) }
        return .ledger(reports, since: start)
    }

    /// Messages go by other rules and profiles from here on, which name no stream that the log does not have.
    func route(by routing: Routing) {
        followStreams()
        submit()
        intake.route(by: routing.rules, profiles: routing.profiles, streams)
    }

    /// The ledger as topics: `$SYS/broker/ledger/<profile>/published` and the others.
    func ledgerTopics() -> [SystemTopic] {
        peers.withDevices { $0.ledger }.flatMap { report in
            [
                ("published", report.published), ("stored", report.stored), ("dead_lettered", report.deadLettered),
                ("refused", report.refused), ("open", report.open),
            ].map { name, count in SystemTopic("$SYS/broker/ledger/\(report.profile)/\(name)", String(count)) }
        }
    }

    /// Hands over what this shard's intake has counted of profiled messages.
    func tellCounts() {
        guard let checks = intake.checks else { return }
        let (counts, refused) = (checks.takeCounts(), checks.takeRefused())
        peers.withDevices { $0.take(counts, refused: refused) }
    }
}

extension DeviceBook {
    /// A device as somebody who asks is told.
    func report(_ index: Int) -> DeviceReport {
        let (state, number) = (table[index], table.profile(at: index))
        let profile = profile(number)
        var report = DeviceReport()
        report.key = String(decoding: table.key(at: index), as: UTF8.self)
        report.profile = names[number]
        report.stream = profile?.stream ?? ""
        report.firstMilliseconds = state.firstSeen
        report.lastMilliseconds = state.lastSeen
        report.isSilent = state.flags.contains(.isSilent)
        report.silences = Int64(state.silenceCount)
        report.count = Int64(clamping: state.count)
        report.faults.letters = Int64(state.letterCount)
        report.faults.redriven = Int64(state.redrivenCount)
        report.faults.bad = Int64(state.badCount)
        report.faults.refused = Int64(state.refusedCount)
        report.missed = Int64(state.missedCount)
        report.repeated = Int64(state.repeatedCount)
        if state.flags.contains(.isNumbered) { report.sequence = state.sequence }
        if state.flags.contains(.hasClock) { report.skew = Int64(state.skew) }
        if state.count > 1 { report.interval = Int64(state.meanInterval) }
        report.expected = profile?.interval.map { Int64($0 / .milliseconds(1)) }
        report.partition = Int64(state.partition)
        report.offset = state.offset
        report.messages = (profile?.messages ?? []).map { message in
            var topic = DeviceReport.Message()
            topic.pattern = message.pattern.text
            topic.format = message.schema.format.rawValue
            return topic
        }
        report.reading = reading(state, profile)
        return report
    }

    /// The fields of its last reading.
    private func reading(_ state: DeviceState, _ profile: DeviceProfile?) -> [DeviceReport.Value] {
        guard let reading = profile?.reading else { return [] }
        return reading.fields.enumerated().compactMap { index, place in
            let (value, field) = (state.values[index], reading.message.schema.fields[place])
            guard !value.isNaN else { return nil }
            let text = value == value.rounded() && abs(value) < 1e7 ? String(Int(value)) : "\(value)"
            return DeviceReport.Value(field.name, text, unit: field.unit)
        }
    }
}
