/// What a node answers to a request.
package enum AdministrationReply: Equatable, Sendable {
    /// Every stream.
    case streams([StreamReport])
    /// Every session.
    case sessions([SessionReport])
    /// What was refused, the latest first, and how many have made room for these.
    case refusals([RefusalReport], forgotten: Int64)
    /// Every consumer group.
    case groups([GroupReport])
    /// Every bridge.
    case bridges([BridgeReport])
    /// Every address that is kept out.
    case bans([BanReport])
    /// Which log lines are written, by part.
    case logLevels([LogLevelReport])
    /// Devices, where to go on if there are more, and how many there are in all.
    case devices([DeviceReport], next: Int64?, count: Int64)
    /// How far a job with dead letters has come.
    case letterJob(LetterReport)
    /// Dead letters that are dealt with.
    case letterRuns([LetterRun])
    /// What became of what came in since a time, in milliseconds since 1970.
    case ledger([LedgerReport], since: Int64)
    /// How far an erasure has come.
    case eraseJob(EraseReport)
    /// Offsets by partition.
    case offsets([Int: Int64])
    /// Whether there was what is now gone.
    case deleted(Bool)
    /// In how many partitions a group was moved.
    case reset(Int64)
    /// Whether there is what was to do something.
    case done(Bool)
    /// It was not done, for this reason: a word that programs know, or a sentence.
    case failed(String)

    /// What is asked for is not there.
    package static let unknown = AdministrationReply.failed("unknown")
    /// A group has members.
    package static let active = AdministrationReply.failed("active")
}

/// The form of replies as a document.
extension AdministrationReply {
    /// The document.
    package var json: JSON {
        switch self {
        case .streams(let reports): .members(["streams": .array(reports.map(\.json))])
        case .sessions(let reports): .members(["sessions": .array(reports.map(\.json))])
        case .refusals(let reports, let forgotten):
            .members(["refusals": .array(reports.map(\.json)), "forgotten": .integer(forgotten)])
        case .groups(let reports): .members(["groups": .array(reports.map(\.json))])
        case .devices(let reports, let next, let count):
            .members([
                "devices": .array(reports.map(\.json)), "next": .optional(next), "known": .integer(count),
            ])
        case .letterJob(let report): .members(["letters": report.json])
        case .letterRuns(let runs): .members(["dealt_with": .array(runs.map(\.json))])
        case .ledger(let reports, let time):
            .members(["ledger": .array(reports.map(\.json)), "since_ms": .integer(time)])
        case .eraseJob(let report): .members(["erasure": report.json])
        case .bridges(let reports): .members(["bridges": .array(reports.map(\.json))])
        case .bans(let reports): .members(["bans": .array(reports.map(\.json))])
        case .logLevels(let reports): .members(["log_levels": .array(reports.map(\.json))])
        case .offsets(let offsets):
            .members([
                "offsets": .array(
                    offsets.sorted { $0.key < $1.key }.map {
                        .members(["partition": .integer(Int64($0)), "offset": .integer($1)])
                    })
            ])
        case .deleted(let was): .members(["deleted": .bool(was)])
        case .reset(let count): .members(["reset": .integer(count)])
        case .done(let was): .members(["done": .bool(was)])
        case .failed(let reason): .members(["error": .string(reason)])
        }
    }

    /// The reply in a document; nil when it is none that is known.
    package init?(json: JSON) {
        func list<Value: AdministrationValue>(_ name: String) -> [Value]? {
            guard let elements = json[name]?.elements else { return nil }
            let values = elements.compactMap(Value.init(json:))
            return values.count == elements.count ? values : nil
        }
        if let reason = json["error"]?.text {
            self = .failed(reason)
        } else if let reports: [StreamReport] = list("streams") {
            self = .streams(reports)
        } else if let reports: [SessionReport] = list("sessions") {
            self = .sessions(reports)
        } else if let reports: [RefusalReport] = list("refusals"), let forgotten = json["forgotten"]?.integer {
            self = .refusals(reports, forgotten: forgotten)
        } else if let reports: [GroupReport] = list("groups") {
            self = .groups(reports)
        } else if let reports: [DeviceReport] = list("devices"), let count = json["known"]?.integer {
            self = .devices(reports, next: json["next"]?.integer, count: count)
        } else if let report = json["letters"].flatMap(LetterReport.init(json:)) {
            self = .letterJob(report)
        } else if let runs: [LetterRun] = list("dealt_with") {
            self = .letterRuns(runs)
        } else if let reports: [LedgerReport] = list("ledger"), let time = json["since_ms"]?.integer {
            self = .ledger(reports, since: time)
        } else if let report = json["erasure"].flatMap(EraseReport.init(json:)) {
            self = .eraseJob(report)
        } else if let reports: [BridgeReport] = list("bridges") {
            self = .bridges(reports)
        } else if let reports: [BanReport] = list("bans") {
            self = .bans(reports)
        } else if let reports: [LogLevelReport] = list("log_levels") {
            self = .logLevels(reports)
        } else if let elements = json["offsets"]?.elements {
            var offsets: [Int: Int64] = [:]
            for element in elements {
                guard let number = element["partition"]?.integer, let offset = element["offset"]?.integer else {
                    return nil
                }
                offsets[Int(number)] = offset
            }
            self = .offsets(offsets)
        } else if let was = json["deleted"]?.flag {
            self = .deleted(was)
        } else if let count = json["reset"]?.integer {
            self = .reset(count)
        } else if let was = json["done"]?.flag {
            self = .done(was)
        } else {
            return nil
        }
    }
}
