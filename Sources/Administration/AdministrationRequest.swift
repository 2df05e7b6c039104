/// What somebody asks a node about itself, or to do, whichever way it comes: a `$sluice/` topic, or a request of HTTP.
package enum AdministrationRequest: Equatable, Sendable {
    /// Every stream.
    case streams
    /// Make a stream.
    case createStream(StreamOrder)
    /// Change how a stream is kept.
    case alterStream(StreamOrder)
    /// Delete a stream and all that is in it.
    case deleteStream(String)
    /// Every session.
    case sessions
    /// End a session for good.
    case deleteSession(clientID: [UInt8])
    /// What was refused of late.
    case refusals
    /// Every consumer group.
    case groups
    /// Forget a group without members.
    case deleteGroup(String)
    /// Move a group in a stream, to an offset in each of these partitions.
    case resetGroup(String, stream: String, [Int: Int64])
    /// The offset of the first record of a time or later, in milliseconds since 1970, in each partition of a stream.
    case offsets(stream: String, time: Int64)
    /// Every bridge.
    case bridges
    /// Let a bridge do something.
    case bridge(String, BridgeAction)
    /// Every address that is kept out.
    case bans
    /// Keep an address or a network out, for so many seconds, or until it is taken back.
    case ban(String, seconds: Int64?)
    /// Let an address or a network in again.
    case unban(String)

    /// Which log lines are written.
    case logLevels
    /// Write log lines of a part, or of all, from a level on, until it is changed or read again; without a level as it
    /// is configured.
    case setLogLevel(part: String?, level: String?)
    /// Tell of each packet of a client, or each message of some topics; further answers follow the first.
    case trace(TraceOrder)

    /// Devices, some at a time.
    case devices(DeviceQuery)
    /// Forget what is known of the devices of a key.
    case forgetDevice(String)
    /// Do something with dead letters; the answer is a job's number.
    case letters(LetterOrder)
    /// How far such a job has come.
    case letterJob(Int64)
    /// The dead letters of a stream that are dealt with.
    case letterRuns(stream: String)
    /// What became of what was published since a time, in milliseconds since 1970; nil for the node's start.
    case ledger(since: Int64?)
    /// Erase a device's records, or count them; the answer is a job's number.
    case erase(EraseOrder)
    /// How far such a job has come.
    case eraseJob(Int64)

    /// What a bridge may be asked to do.
    package enum BridgeAction: Equatable, Sendable {
        /// Stop until it is resumed.
        case pause
        /// Go on.
        case resume
        /// Go on with the oldest record kept.
        case seekEarliest
        /// Go on with what comes from now on.
        case seekLatest
        /// Go on with the first record of this time or later, in milliseconds since 1970.
        case seekTime(Int64)
    }
}

/// The form of requests in a PUBLISH: `$sluice/` and a name as topic, and lines of text as payload.
extension AdministrationRequest {
    /// What the topics of all requests begin with.
    package static let topicPrefix = "$sluice/"

    /// What follows `$sluice/` in the topic.
    package var name: String {
        switch self {
        case .streams: "streams"
        case .createStream: "streams/create"
        case .alterStream: "streams/alter"
        case .deleteStream: "streams/delete"
        case .sessions: "sessions"
        case .deleteSession: "sessions/delete"
        case .refusals: "refusals"
        case .groups: "groups"
        case .deleteGroup: "groups/delete"
        case .resetGroup: "groups/reset"
        case .offsets: "offsets"
        case .devices: "devices"
        case .forgetDevice: "devices/forget"
        case .letters: "deadletters"
        case .letterJob: "deadletters/job"
        case .letterRuns: "deadletters/done"
        case .ledger: "ledger"
        case .erase: "erase"
        case .eraseJob: "erase/job"
        case .logLevels: "log/levels"
        case .setLogLevel: "log/level"
        case .trace: "trace"
        case .bridges: "bridges"
        case .bridge(_, .pause): "bridges/pause"
        case .bridge(_, .resume): "bridges/resume"
        case .bans: "bans"
        case .ban: "bans/add"
        case .unban: "bans/remove"
        case .bridge(_, .seekEarliest), .bridge(_, .seekLatest), .bridge(_, .seekTime): "bridges/seek"
        }
    }

    /// The payload.
    package var payload: [UInt8] {
        switch self {
        case .streams, .sessions, .refusals, .groups, .bridges, .bans, .logLevels: return []
        case .ledger(let time): return Array((time.map { String($0) } ?? "").utf8)
        case .trace(let order): return Array(order.lines.joined(separator: "\n").utf8)
        case .setLogLevel(let part, let level): return Array("\(part ?? "")\n\(level ?? "")".utf8)
        case .devices(let query): return Array(query.lines.joined(separator: "\n").utf8)
        case .letters(let order): return Array(order.lines.joined(separator: "\n").utf8)
        case .erase(let order): return Array(order.lines.joined(separator: "\n").utf8)
        case .letterJob(let number), .eraseJob(let number): return Array(String(number).utf8)
        case .forgetDevice(let text), .letterRuns(let text): return Array(text.utf8)
        case .ban(let address, let seconds): return Array("\(address)\n\(seconds.map { String($0) } ?? "")".utf8)
        case .unban(let address): return Array(address.utf8)
        case .deleteSession(let clientID): return clientID
        case .deleteGroup(let name), .deleteStream(let name): return Array(name.utf8)
        case .createStream(let order), .alterStream(let order):
            return Array(order.lines.joined(separator: "\n").utf8)
        case .resetGroup(let name, let stream, let offsets):
            let lines = offsets.sorted { $0.key < $1.key }.map { "\($0) \($1)" }
            return Array(([name, stream] + lines).joined(separator: "\n").utf8)
        case .offsets(let stream, let time): return Array("\(stream)\n\(time)".utf8)
        case .bridge(let name, let action):
            let argument =
                switch action {
                case .pause, .resume: ""
                case .seekEarliest: "earliest"
                case .seekLatest: "latest"
                case .seekTime(let time): String(time)
                }
            return Array("\(name)\n\(argument)".utf8)
        }
    }

    /// Why a request is not understood.
    package enum Fault: Error, Equatable {
        /// There is none of this name.
        case unknown
        /// Its payload is not what it should be; what was expected.
        case malformed(String)
    }

    /// The request of a name and a payload.
    /// - Throws: `Fault`.
    package init(name: String, payload: [UInt8]) throws(Fault) {
        let text = String(decoding: payload, as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        func job(_ text: String) throws(Fault) -> Int64 {
            guard let number = Int64(text) else { throw .malformed("expected the number of a job") }
            return number
        }
        switch name {
        case "streams": self = .streams
        case "streams/create": self = .createStream(try StreamOrder(lines))
        case "streams/alter": self = .alterStream(try StreamOrder(lines))
        case "streams/delete": self = .deleteStream(text)
        case "sessions": self = .sessions
        case "sessions/delete": self = .deleteSession(clientID: payload)
        case "refusals": self = .refusals
        case "groups": self = .groups
        case "groups/delete": self = .deleteGroup(text)
        case "groups/reset": self = try Self.reset(lines)
        case "offsets":
            guard lines.count == 2, let time = Int64(lines[1]) else {
                throw .malformed("expected a stream, and milliseconds since 1970 on the next line")
            }
            self = .offsets(stream: lines[0], time: time)
        case "devices": self = .devices(try DeviceQuery(lines))
        case "devices/forget": self = .forgetDevice(text)
        case "deadletters": self = .letters(try LetterOrder(lines))
        case "deadletters/job": self = .letterJob(try job(text))
        case "deadletters/done": self = .letterRuns(stream: text)
        case "ledger":
            let time = Int64(text)
            guard text.isEmpty || time.map({ $0 >= 0 }) == true else {
                throw .malformed("expected nothing, or milliseconds since 1970")
            }
            self = .ledger(since: time)
        case "erase": self = .erase(try EraseOrder(lines))
        case "erase/job": self = .eraseJob(try job(text))
        case "bridges": self = .bridges
        case "bridges/pause": self = .bridge(lines[0], .pause)
        case "bridges/resume": self = .bridge(lines[0], .resume)
        case "bridges/seek": self = .bridge(lines[0], try Self.seek(lines.count > 1 ? lines[1] : ""))
        case "bans": self = .bans
        case "log/levels": self = .logLevels
        case "trace": self = .trace(try TraceOrder(lines))
        case "log/level":
            guard lines.count == 2 else {
                throw .malformed("expected a part or nothing, and on the next line a level or nothing")
            }
            self = .setLogLevel(part: lines[0].isEmpty ? nil : lines[0], level: lines[1].isEmpty ? nil : lines[1])
        case "bans/add": self = try Self.ban(lines)
        case "bans/remove": self = .unban(text)
        case _: throw .unknown
        }
    }

    private static func reset(_ lines: [String]) throws(Fault) -> AdministrationRequest {
        let expected = "expected a group, a stream, and lines of a partition and an offset"
        guard lines.count > 2 else { throw .malformed(expected) }
        var offsets: [Int: Int64] = [:]
        for line in lines[2...] {
            let words = line.split(separator: " ")
            guard words.count == 2, let number = Int(words[0]), number >= 0, let offset = Int64(words[1]), offset >= 0
            else { throw .malformed("\(expected), not '\(line)'") }
            offsets[number] = offset
        }
        return .resetGroup(lines[0], stream: lines[1], offsets)
    }

    private static func seek(_ argument: String) throws(Fault) -> BridgeAction {
        switch argument {
        case "earliest": return .seekEarliest
        case "latest": return .seekLatest
        case _:
            guard let time = Int64(argument), time >= 0 else {
                throw .malformed("expected earliest, latest or milliseconds since 1970")
            }
            return .seekTime(time)
        }
    }
}
