import Administration
import BridgeClients
import Bridging
import CommitLogPosix
import SluiceBroker
import SluiceConfiguration
import SluiceCore

/// `sluice bridges list`, `describe`, `pause`, `resume`, `seek` and `test`.
enum BridgesCommand {
    private static let json = CommandOption("json", "print JSON")

    static let list = Command(
        name: "bridges list", summary: "List a running broker's bridges",
        notes: """
            BEHIND counts the records, of any topic, that are not forwarded yet, OLDER is the age of the oldest of them.
            States: connecting, catching up, live, idle (lazy, with too little to do), paused, held (not connected, and
            retention waits for it), failed.
            """,
        example: "sluice bridges list --broker 127.0.0.1:1883", options: BrokerOption.options + [json]
    ) { arguments in
        let (document, reports) = try bridges(arguments)
        if arguments.has("json") {
            print(document)
            return ExitCode.success
        }
        var table = Table(
            ["BRIDGE", "STATE", "UPSTREAM", "BEHIND", "BYTES", "OLDER", "REASON"],
            [.left, .left, .left, .right, .right, .right, .left])
        for report in reports {
            table.add([
                report.name, report.state, report.address, String(report.lagRecords),
                Readable.bytes(report.lagBytes), Readable.milliseconds(report.lagMilliseconds), report.reason ?? "",
            ])
        }
        print(table.text(), terminator: "")
        return ExitCode.success
    }

    static let describe = Command(
        name: "bridges describe", operands: ["NAME"], summary: "Describe one bridge of a running broker",
        example: "sluice bridges describe cloud --json", options: BrokerOption.options + [json]
    ) { arguments in
        let (document, reports) = try bridges(arguments)
        let report = try find(arguments.operands[0], in: reports)
        if arguments.has("json") {
            print(document["bridges"]?.elements?.first { $0["name"]?.text == report.name } ?? .null)
            return ExitCode.success
        }
        var settings = Table(columns: [.left, .left])
        settings.add(["bridge", report.name])
        settings.add(["state", report.state])
        settings.add(["upstream", report.address])
        settings.add(["last failure", report.reason ?? "none"])
        settings.add(["behind", "\(report.lagRecords) records of any topic, \(Readable.bytes(report.lagBytes))"])
        settings.add(["oldest of them", Readable.milliseconds(report.lagMilliseconds)])
        settings.add(["on its way", String(report.inflight)])
        settings.add(["forwarded", String(report.forwarded)])
        settings.add(["taken in", String(report.received)])
        settings.add(["lost to retention", String(report.dropped)])
        settings.add(["refused", String(report.refused)])
        settings.add(["had been here", String(report.looped)])
        settings.add(["repeated", String(report.repeated)])
        for refusal in report.refusals { settings.add(["refusal", refusal]) }
        for remark in report.remarks { settings.add(["note", remark]) }
        print(settings.text())
        var table = Table(
            ["STREAM", "PARTITION", "START", "POSITION", "END", "FORWARDED", "REFUSED", "LOST", "SKIPPED", "REPEATED"],
            [.left] + Array(repeating: .right, count: 9))
        for place in report.partitions {
            let numbers = [
                place.number, place.start, place.position, place.end, place.forwarded, place.refused, place.dropped,
                place.skipped, place.repeated,
            ]
            table.add([place.stream] + numbers.map { String($0) })
        }
        print(table.text(), terminator: "")
        return ExitCode.success
    }

    static let pause = Command(
        name: "bridges pause", operands: ["NAME"], summary: "Stop a bridge until it is resumed",
        notes: "It keeps its place, also through a restart of the broker.", example: "sluice bridges pause cloud",
        options: BrokerOption.options + [json]
    ) { arguments in
        try command(.pause, arguments, done: "is paused")
    }

    static let resume = Command(
        name: "bridges resume", operands: ["NAME"], summary: "Let a bridge go on, at once",
        notes: "A bridge that waits for its next attempt makes it now.", example: "sluice bridges resume cloud",
        options: BrokerOption.options + [json]
    ) { arguments in
        try command(.resume, arguments, done: "goes on")
    }

    static let seek = Command(
        name: "bridges seek", operands: ["NAME", "WHERE"], summary: "Let a bridge go on from another place",
        notes: """
            WHERE is earliest, latest, now, -24h, a date or a time of RFC 3339, and holds for every partition. What lies
            before it is not forwarded, what lies behind it is, also again.
            """,
        example: "sluice bridges seek cloud -24h", options: BrokerOption.options + [json]
    ) { arguments in
        let now = Timestamp(rawValue: WallClock.milliseconds())
        let action: AdministrationRequest.BridgeAction
        switch ReplayPosition(arguments.operands[1], now: now) {
        case .earliest: action = .seekEarliest
        case .latest: action = .seekLatest
        case .time(let time): action = .seekTime(max(0, time.rawValue))
        case .offset, .committed, nil:
            throw UsageError(
                description: "'\(arguments.operands[1])': expected earliest, latest, \(ReplayPosition.timeExpectation)",
                command: arguments.command)
        }
        return try command(action, arguments, done: "goes on from \(arguments.operands[1])")
    }

    static let test = Command(
        name: "bridges test", operands: ["NAME"], summary: "Try to reach a bridge's upstream broker",
        notes: """
            Reads the configuration and connects from here to every address, under another client identifier: the
            running bridge is not disturbed. Says what refused: DNS, TCP, TLS (which check), credentials or protocol
            version.
            """,
        example: "sluice bridges test cloud --config config/bridge.example.yaml", options: [ConfigurationSource.option]
    ) { arguments in
        let configuration = try ConfigurationSource.load(arguments)
        let all = try BridgeTranslation.settings(configuration)
        guard var settings = all.first(where: { $0.name == arguments.operands[0] }) else {
            let advice = Nearest.advice(for: arguments.operands[0], among: all.map(\.name))
            throw CommandFailure("the configuration has no bridge '\(arguments.operands[0])'\(advice)")
        }
        settings.remoteClientID += ".test"
        settings.isClean = true
        var isReached = true
        for address in settings.addresses {
            let failure = BridgeProbe.failure(settings, address)
            print("\(address): \(failure.map { "\($0)" } ?? "connected")")
            isReached = isReached && failure == nil
        }
        if let warning = rateWarning(settings) { Sluice.complain(warning) }
        return isReached ? ExitCode.success : ExitCode.failure
    }

    // MARK: Leaves

    /// What the upstream may drop of what it acknowledges.
    private static func rateWarning(_ settings: BridgeSettings) -> String? {
        guard settings.topics.contains(where: \.direction.isOut), settings.messagesPerSecondMax == nil else {
            return nil
        }
        let drops =
            "an upstream such as mosquitto drops what it has no room for (max_queued_messages, 1000 for each "
            + "subscriber), though it has acknowledged it"
        guard settings.pacesCatchUp else {
            return "warning: 'rate: unlimited': after an outage everything goes at once, and \(drops)"
        }
        return "warning: without 'rate' only history is paced, with \(CatchUpPace.messagesPerSecond) messages a second "
            + "above what is published; what is published faster than a subscriber reads goes at once, and \(drops)"
    }

    private static func command(
        _ action: AdministrationRequest.BridgeAction, _ arguments: Arguments, done: String
    ) throws -> Int32 {
        let client = try BrokerOption.connect(arguments)
        let name = arguments.operands[0]
        let (document, reply) = try client.request(.bridge(name, action))
        try client.disconnect()
        if case .failed(let reason) = reply { throw CommandFailure(reason) }
        guard reply == .done(true) else { throw CommandFailure("the broker has no bridge '\(name)'") }
        print(arguments.has("json") ? "\(document)" : "the bridge '\(name)' \(done)")
        return ExitCode.success
    }

    private static func bridges(_ arguments: Arguments) throws -> (JSON, [BridgeReport]) {
        let client = try BrokerOption.connect(arguments)
        let (document, reports) = try client.bridges()
        try client.disconnect()
        return (document, reports)
    }

    private static func find(_ name: String, in reports: [BridgeReport]) throws(CommandFailure) -> BridgeReport {
        if let report = reports.first(where: { $0.name == name }) { return report }
        throw CommandFailure(
            "the broker has no bridge '\(name)'\(Nearest.advice(for: name, among: reports.map(\.name)))")
    }
}

/// One attempt to reach an upstream broker, from the command line.
enum BridgeProbe {
    /// Why `address` is not reached; nil when it is.
    static func failure(_ settings: BridgeSettings, _ address: BridgeSettings.Address) -> UpstreamFailure? {
        let failure = attempt(settings, address)
        // Whoever refuses a certificate says so, and may be gone before it is read: once more.
        return failure == MosquittoUpstream.brokenOff ? attempt(settings, address) : failure
    }

    private static func attempt(_ settings: BridgeSettings, _ address: BridgeSettings.Address) -> UpstreamFailure? {
        let upstream = MosquittoUpstream(settings, will: nil)
        let deadline = MonotonicClock.nanoseconds() + BridgeConnection.attemptNanoseconds
        upstream.connect(UpstreamAttempt(address: address))
        defer { upstream.disconnect() }
        while MonotonicClock.nanoseconds() < deadline {
            var events: [UpstreamEvent] = []
            upstream.receive(into: &events)
            for event in events {
                switch event {
                case .connected: return nil
                case .lost(let failure): return failure
                case .warning(let text): print("warning: \(text)")
                case .finished, .received, .subscribed, .message: break
                }
            }
            upstream.flush()
            upstream.wait(until: deadline, isHeld: false)
        }
        return UpstreamFailure(.timeout, "no answer within \(BridgeConnection.attemptNanoseconds / 1_000_000_000) s")
    }
}
