import Administration
import HTTPWire
import LogInterface
import MQTTWire
import SluiceBroker
import SluiceCore

/// A member of a consumer group that reads over HTTP: a session of the broker that outlives the request.
///
/// To the group it is a member like one over MQTT: it has its share of the partitions, what it has acknowledged is
/// committed, and what it leaves behind goes to others.
/// Isolation: its loop's thread.
final class HTTPMember {
    /// What its client knows it by.
    let id: String
    let group: String
    let stream: String
    /// The filter that it reads with, as it was given.
    let filter: String
    let credentials: HTTPCredentials
    fileprivate(set) var session: LocalSession?
    /// Records that have come and are not told of.
    fileprivate var waiting: [ReceivedMessage] = []
    /// Records that were told of, by their places, until they are acknowledged.
    fileprivate var unacknowledged: [String: PacketID] = [:]
    /// The request that waits for records.
    fileprivate var exchange: Exchange?
    fileprivate var limit = 0
    fileprivate var deadline: Int64 = 0
    /// When it was last asked for something.
    fileprivate var usedAt: Int64

    fileprivate init(
        id: String, group: String, stream: String, filter: String, credentials: HTTPCredentials, now: Int64
    ) {
        self.id = id
        self.group = group
        self.stream = stream
        self.filter = filter
        self.credentials = credentials
        usedAt = now
    }
}

/// The members of one endpoint.
struct HTTPMembers {
    fileprivate(set) var all: [String: HTTPMember] = [:]
    /// Those to whom something has come in this tick.
    fileprivate var news: [String: HTTPMember] = [:]

    var earliestDeadline: Int64? { all.values.compactMap { $0.exchange == nil ? nil : $0.deadline }.min() }
}

/// Consumer groups over HTTP.
extension HTTPShard {
    /// Records that a member may have in hand without an acknowledgement.
    private static let inflightMax = 1000
    /// Members at most.
    private static let memberCountMax = 10_000
    /// How long a member may be silent before it has left, in nanoseconds: Kafka's `session.timeout.ms` is 45 s.
    private static let silenceMax: Int64 = 45_000_000_000

    /// `GET /v1/streams/{stream}/records?group=…`
    func readAsMember(_ exchange: Exchange) {
        do throws(HTTPFault) {
            let stream = try readableStream(exchange)
            let filter = try recordFilter(exchange, stream)
            let limit = try Self.integer(exchange, "limit", 1...Self.inflightMax) ?? Self.defaultLimit
            let wait = try Self.integer(exchange, "wait", 0...300_000) ?? 1000
            for name in ["to", "key"] where exchange.head.parameter(name) != nil {
                throw HTTPFault(.badRequest, "'\(name)' is nothing that a group can be asked for")
            }
            if let format = exchange.head.parameter("format"), format != "json" {
                throw HTTPFault(.badRequest, "a group is read with format json, which says what to acknowledge")
            }
            let member = try member(exchange, stream.settings.name, filter)
            guard member.exchange == nil else {
                throw HTTPFault(.conflict, "member '\(member.id)' has a request under way")
            }
            member.usedAt = now
            (member.exchange, member.limit) = (exchange, limit)
            member.deadline = now + Int64(wait) * 1_000_000
            exchange.abandoned = { [weak member] in member?.exchange = nil }
            serve(member)
        } catch {
            exchange.fail(error)
        }
    }

    /// The member that a request names, or a new one.
    private func member(
        _ exchange: Exchange, _ stream: String, _ filter: RecordFilter
    ) throws(HTTPFault) -> HTTPMember {
        let group = exchange.head.parameter("group") ?? ""
        let credentials = try HTTPCredentials(exchange.head)
        let text = exchange.head.parameter("filter") ?? ""
        if let id = exchange.head.parameter("member") {
            guard let member = members.all[id], member.credentials == credentials, member.group == group,
                member.stream == stream
            else {
                throw HTTPFault(
                    .gone, "there is no member '\(id)' of '\(group)' in '\(stream)' any more; ask without it")
            }
            guard member.filter == text else {
                throw HTTPFault(.conflict, "member '\(id)' reads with the filter '\(member.filter)'")
            }
            return member
        }
        guard !group.isEmpty, !group.contains(where: { "/+#".contains($0) }) else {
            throw HTTPFault(.badRequest, "group '\(group)': expected a name without /, + and #")
        }
        guard members.all.count < Self.memberCountMax else {
            throw HTTPFault(.unavailable, "there are \(Self.memberCountMax) members, as many as may be")
        }
        let start = exchange.head.parameter("from")
        if let start, ReplayPosition(start, now: wallClock) == nil {
            throw HTTPFault(.badRequest, "from '\(start)': \(ReplayPosition.expectation)")
        }
        var random = SystemRandomNumberGenerator()
        let id = String(random.next(), radix: 16)
        let member = HTTPMember(
            id: id, group: group, stream: stream, filter: text, credentials: credentials, now: now)
        members.all[id] = member
        member.session = open(credentials, peer: exchange.peer, receiveMaximum: UInt16(Self.inflightMax)) {
            [unowned self, weak member] session, refusal in
            guard let member else { return session.end() }
            if let refusal {
                return end(member, HTTPFault(.unavailable, refusal.words ?? "reason \(refusal.code.rawValue)"))
            }
            join(member, session, from: start)
        }
        return member
    }

    private func join(_ member: HTTPMember, _ session: LocalSession, from start: String?) {
        session.received = { [unowned self, weak member] message in
            guard let member else { return }
            received(message, member)
        }
        session.ended = { [unowned self, weak member] in
            guard let member else { return }
            end(member, HTTPFault(.gone, "the broker has ended the member's session"))
        }
        let filter = member.filter.isEmpty ? "" : "/\(member.filter)"
        let properties = PropertyWriter.bytes { buffer in
            guard let start else { return }
            PropertyWriter.append(
                userProperty: Array("stream-offset".utf8).span, Array(start.utf8).span, to: &buffer)
        }
        session.subscribe(
            Array("$share/\(member.group)/$stream/\(member.stream)\(filter)".utf8), properties: properties
        ) { [unowned self, weak member] codes, words in
            guard let member, let failure = codes.first(where: \.isFailure) else { return }
            end(member, Self.fault(of: failure, words, "the group does not take a member"))
        }
    }

    private func received(_ message: ReceivedMessage, _ member: HTTPMember) {
        // What is over is told without a place.
        guard message.user("offset") != nil, message.packetID != .none else { return }
        member.waiting.append(message)
        members.news[member.id] = member
    }

    /// Answers members to whom something has come in this tick.
    func serveMembers() {
        guard !members.news.isEmpty else { return }
        let served = members.news
        members.news = [:]
        for member in served.values { serve(member) }
    }

    /// Answers a member's request as far as there are records.
    private func serve(_ member: HTTPMember) {
        guard let exchange = member.exchange, !member.waiting.isEmpty || now >= member.deadline else { return }
        let taken = member.waiting.prefix(member.limit)
        member.waiting.removeFirst(taken.count)
        member.exchange = nil
        member.usedAt = now
        for message in taken {
            if let place = message.user("offset") { member.unacknowledged[place] = message.packetID }
        }
        exchange.respond(
            .ok,
            .members([
                "records": .array(taken.map(Self.document)), "member": .string(member.id),
                "group": .string(member.group),
            ]), fields: [("Sluice-Member", member.id)])
    }

    /// A message as a record: the members that `GET …/records` has.
    private static func document(_ message: ReceivedMessage) -> JSON {
        let (payload, isText) = JSON.bytes(message.payload)
        let place = (message.user("offset") ?? "").split(separator: ":")
        var members: [JSON.Member] = [
            .init(name: "topic", value: .string(String(decoding: message.topic, as: UTF8.self))),
            .init(name: "partition", value: .optional(place.first.flatMap { Int64($0) })),
            .init(name: "offset", value: .optional(place.last.flatMap { Int64($0) })),
            .init(name: "timestamp", value: .optional(message.user("ts").flatMap { Int64($0) })),
            .init(name: "key", value: message.user("key").map { .string($0) } ?? .null),
            .init(name: "payload", value: payload),
        ]
        if !isText { members.append(.init(name: "encoding", value: .string("base64"))) }
        return .object(members)
    }

    /// `POST /v1/streams/{stream}/ack`
    func acknowledgeRecords(_ exchange: Exchange) {
        guard let document = JSONReader.read(exchange.body), let id = document["member"]?.text,
            let places = document["offsets"]?.elements?.map(\.text)
        else {
            return exchange.fail(
                .badRequest, "expected {\"group\", \"member\", \"offsets\": [\"PARTITION:OFFSET\", …]}")
        }
        guard let member = members.all[id], member.group == document["group"]?.text,
            member.stream == exchange.captures["stream"], member.credentials == exchange.session?.credentials
        else {
            return exchange.fail(
                .gone, "there is no member '\(id)' of the group any more; what it had goes to others")
        }
        member.usedAt = now
        var unknown: [JSON] = []
        var count: Int64 = 0
        for place in places {
            guard let place, let packet = member.unacknowledged.removeValue(forKey: place) else {
                unknown.append(place.map { .string($0) } ?? .null)
                continue
            }
            member.session?.acknowledge(packet)
            count += 1
        }
        exchange.respond(.ok, .members(["acknowledged": .integer(count), "unknown": .array(unknown)]))
    }

    /// Answers those whose time is over, and lets those go that nobody has asked for long.
    func expireMembers() {
        for member in Array(members.all.values) {
            serve(member)
            if member.exchange == nil, now - member.usedAt > Self.silenceMax { end(member, nil) }
        }
    }

    private func end(_ member: HTTPMember, _ fault: HTTPFault?) {
        members.all[member.id] = nil
        member.session?.end()
        member.session = nil
        let exchange = member.exchange
        member.exchange = nil
        if let fault { exchange?.fail(fault) }
    }
}
