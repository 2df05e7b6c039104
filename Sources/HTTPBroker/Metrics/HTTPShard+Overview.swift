import Administration
import DeviceProfiles
import HTTPWire
import LogInterface
import SluiceBroker
import SluiceCore

/// The overview: what a person looks at first.
extension HTTPShard {
    func tellOverview(_ exchange: Exchange) {
        if let fault = faultOfReadingFigures(exchange) { return exchange.fail(fault) }
        exchange.respond(.ok, overview)
    }

    /// `GET /v1/events`: the overview once a second, made once for everybody.
    func followOverview(_ exchange: Exchange) {
        if let fault = faultOfReadingFigures(exchange) { return exchange.fail(fault) }
        guard overviewers.count < 1000 else { return exchange.fail(.unavailable, "1000 follow, as many as may") }
        exchange.begin("text/event-stream", isEndless: true)
        guard !exchange.isOver else { return }
        overviewers[ObjectIdentifier(exchange)] = exchange
        exchange.abandoned = { [unowned self, unowned exchange] in
            overviewers[ObjectIdentifier(exchange)] = nil
        }
        exchange.write(Array("event: overview\ndata: \(overview.compact)\n\n".utf8).span)
    }

    /// Twice a second: every other time the followers are told.
    func tellOverviewers() {
        rates.observe(counterSum, at: now)
        guard now - toldOverviewAt >= 900_000_000, !overviewers.isEmpty else { return }
        toldOverviewAt = now
        let event = Array("event: overview\ndata: \(overview.compact)\n\n".utf8)
        for exchange in overviewers.values where exchange.hasRoom { exchange.write(event.span) }
    }

    /// The followers hear that the node stops.
    func endOverviewers() {
        let followers = overviewers.values
        overviewers = [:]
        for exchange in followers { exchange.end() }
    }

    private var overview: JSON {
        let sum = counterSum
        let stored = streams.readable.flatMap(\.partitions).reduce(into: (bytes: Int64(0), records: Int64(0))) {
            let bounds = log.bounds($1)
            $0.bytes += log.figures($1).byteCount
            $0.records += bounds.highWatermark.rawValue - bounds.start.rawValue
        }
        let (known, silent) = peers.withDevices { ($0.table.count, $0.table.silentCount) }
        return .members([
            "version": .string(settings.version),
            "uptimeSeconds": .integer((wallClock.rawValue - startedAt.rawValue) / 1000),
            "time": .integer(wallClock.rawValue),
            "clients": .integer(Int64(sum.clientCount)),
            "sessionsWaiting": .integer(Int64(peers.withDirectory { $0.parkedCount })),
            "subscriptions": .integer(Int64(sum.subscriptionCount)),
            "messagesIn": .integer(Int64(clamping: sum.publishesReceived)),
            "messagesOut": .integer(Int64(clamping: sum.messagesDelivered)),
            "messagesInPerSecond": .number(rates.messagesIn),
            "messagesOutPerSecond": .number(rates.messagesOut),
            "bytesInPerSecond": .number(rates.bytesIn),
            "bytesOutPerSecond": .number(rates.bytesOut),
            "refused": .integer(Int64(clamping: sum.messagesRefused + sum.accessDenied)),
            "dropped": .integer(Int64(clamping: sum.deliveriesDropped)),
            "streams": .integer(Int64(streams.readable.count)),
            "storedBytes": .integer(stored.bytes), "storedRecords": .integer(stored.records),
            "diskFreeBytes": .optional(settings.node.diskFreeBytes),
            "clientMemoryBytes": .integer(Int64(peers.memoryUse)),
            "devices": .integer(Int64(known)), "devicesSilent": .integer(Int64(silent)),
            "problems": .array(problems(silent: silent)),
        ])
    }

    /// What is wrong now, the worst first.
    private func problems(silent: Int) -> [JSON] {
        func problem(_ severity: String, _ words: String, _ page: String) -> JSON {
            .members(["severity": .string(severity), "words": .string(words), "page": .string(page)])
        }
        var problems: [JSON] = []
        if let trouble = log.trouble {
            problems.append(problem("error", "The log takes no messages: \(trouble)", "streams"))
        }
        problems += settings.node.unready.map { problem("error", $0, "overview") }
        if log.isUnderPressure {
            problems.append(problem("warning", "The disk is behind: publishers wait for it.", "streams"))
        }
        for bridge in broker.bridgeReports() where ["connecting", "failed", "held"].contains(bridge.state) {
            let reason = bridge.reason.map { ": \($0)" } ?? ""
            problems.append(problem("warning", "Bridge \(bridge.name) is \(bridge.state)\(reason)", "groups"))
        }
        if silent > 0 {
            let words = silent == 1 ? "1 device is silent." : "\(silent) devices are silent."
            problems.append(problem("warning", words, "devices"))
        }
        return problems
    }
}

/// Rates of the last seconds.
struct TrafficRates {
    private(set) var messagesIn = 0.0
    private(set) var messagesOut = 0.0
    private(set) var bytesIn = 0.0
    private(set) var bytesOut = 0.0
    private var last: (counters: BrokerCounters, time: Int64)?

    /// The average over some two seconds, so that a number can be read.
    private static let span: Int64 = 1_900_000_000

    mutating func observe(_ sum: BrokerCounters, at now: Int64) {
        guard let last else { return self.last = (sum, now) }
        guard now - last.time >= Self.span else { return }
        let seconds = Double(now - last.time) / 1_000_000_000
        func rate(_ path: KeyPath<BrokerCounters, UInt64>) -> Double {
            let count =
                sum[keyPath: path] >= last.counters[keyPath: path]
                ? sum[keyPath: path] - last.counters[keyPath: path] : 0
            return (Double(count) / seconds * 10).rounded() / 10
        }
        messagesIn = rate(\.publishesReceived)
        messagesOut = rate(\.messagesDelivered)
        bytesIn = rate(\.bytesReceived)
        bytesOut = rate(\.bytesSent)
        self.last = (sum, now)
    }
}
