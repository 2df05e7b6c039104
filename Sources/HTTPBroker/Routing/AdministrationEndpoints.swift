import Administration
import HTTPWire
import LogInterface
import SluiceBroker
import SluiceCore

/// What the command line can ask for and change, over HTTP: the same requests, the same rights, the same audit.
enum AdministrationEndpoints {
    private static let json = "application/json"

    static let all: [Endpoint] = streams + groups + bridges + clients + devices + letters

    // MARK: Streams

    private static let streams: [Endpoint] = [
        Endpoint("GET", "/v1/streams", "Every stream with its settings and partitions.") { $0.ask($1, .streams) },
        Endpoint("GET", "/v1/streams/{stream}", "One stream.") { shard, exchange in
            shard.ask(exchange, .streams, picking: "streams", "name", exchange.captures["stream"])
        },
        Endpoint(
            "PUT", "/v1/streams/{stream}", "Makes a stream.",
            body: .init(
                type: json,
                help: "{\"partitions\", \"durability\", \"cleanup\", \"retentionMilliseconds\", \"retentionBytes\"}")
        ) { shard, exchange in shard.order(exchange) { .createStream($0) } },
        Endpoint(
            "PATCH", "/v1/streams/{stream}", "Changes how a stream is kept.",
            body: .init(type: json, help: "as for PUT; what is left out stays as it is")
        ) { shard, exchange in shard.order(exchange) { .alterStream($0) } },
        Endpoint("DELETE", "/v1/streams/{stream}", "Deletes a stream and all that is in it.") { shard, exchange in
            shard.ask(exchange, .deleteStream(exchange.captures["stream"] ?? ""))
        },
    ]

    // MARK: Groups and bridges

    private static let groups: [Endpoint] = [
        Endpoint("GET", "/v1/groups", "Every consumer group with its members, positions and lag.") {
            $0.ask($1, .groups)
        },
        Endpoint("GET", "/v1/groups/{group}", "One group.") { shard, exchange in
            shard.ask(exchange, .groups, picking: "groups", "group", exchange.captures["group"])
        },
        Endpoint(
            "POST", "/v1/groups/{group}/reset", "Moves a group in a stream.",
            body: .init(
                type: json,
                help: "{\"stream\", \"to\": a position of the one grammar, \"dryRun\": true to see only where}")
        ) { $0.resetGroup($1) },
        Endpoint("DELETE", "/v1/groups/{group}", "Forgets a group without members.") { shard, exchange in
            shard.ask(exchange, .deleteGroup(exchange.captures["group"] ?? ""))
        },
    ]

    private static let bridges: [Endpoint] = [
        Endpoint("GET", "/v1/bridges", "Every bridge with its state, lag and counts.") { $0.ask($1, .bridges) },
        Endpoint("POST", "/v1/bridges/{bridge}/pause", "Lets a bridge stop until it is resumed.") { shard, exchange in
            shard.ask(exchange, .bridge(exchange.captures["bridge"] ?? "", .pause))
        },
        Endpoint("POST", "/v1/bridges/{bridge}/resume", "Lets a bridge go on.") { shard, exchange in
            shard.ask(exchange, .bridge(exchange.captures["bridge"] ?? "", .resume))
        },
        Endpoint(
            "POST", "/v1/bridges/{bridge}/seek", "Moves a bridge.",
            body: .init(type: json, help: "{\"to\": earliest, latest or a time}")
        ) { $0.seekBridge($1) },
    ]

    // MARK: Clients

    private static let clients: [Endpoint] = [
        Endpoint("GET", "/v1/sessions", "Every session: those that are connected, and those that wait.") {
            $0.ask($1, .sessions)
        },
        Endpoint("DELETE", "/v1/sessions/{client}", "Ends a session for good.") { shard, exchange in
            shard.ask(exchange, .deleteSession(clientID: Array((exchange.captures["client"] ?? "").utf8)))
        },
        Endpoint("GET", "/v1/refusals", "What was refused of late, by reason.") { $0.ask($1, .refusals) },
        Endpoint("GET", "/v1/bans", "The addresses that are kept out.") { $0.ask($1, .bans) },
        Endpoint(
            "PUT", "/v1/bans/{address...}", "Keeps an address or a network out.",
            parameters: [
                .init(name: "seconds", help: "for how long; unless given, until it is taken back", isInteger: true)
            ]
        ) { $0.ban($1) },
        Endpoint("DELETE", "/v1/bans/{address...}", "Lets an address or a network in again.") { shard, exchange in
            shard.ask(exchange, .unban(exchange.captures["address"] ?? ""))
        },
    ]

    // MARK: Devices

    private static let devices: [Endpoint] = [
        Endpoint(
            "GET", "/v1/devices", "What is known of devices, some at a time.",
            parameters: [
                .init(name: "start", help: "where to go on: 'next' of the answer before", isInteger: true),
                .init(name: "limit", help: "how many at most, 1000 unless given", isInteger: true),
                .init(name: "profile", help: "only those of a profile"),
                .init(name: "silent", help: "true for those that are silent only"),
            ]
        ) { $0.listDevices($1) },
        Endpoint("GET", "/v1/devices/{device}", "One device.") { shard, exchange in
            var query = DeviceQuery()
            query.key = exchange.captures["device"] ?? ""
            shard.ask(exchange, .devices(query), picking: "devices", "device", query.key)
        },
        Endpoint("DELETE", "/v1/devices/{device}", "Forgets what is known of a device.") { shard, exchange in
            shard.ask(exchange, .forgetDevice(exchange.captures["device"] ?? ""))
        },
        Endpoint(
            "GET", "/v1/ledger", "What became of what was published, by profile.",
            parameters: [.init(name: "since", help: "of what came in since a time; unless given, since the start")]
        ) { $0.tellLedger($1) },
    ]

    private static let letters: [Endpoint] = [
        Endpoint(
            "POST", "/v1/deadletters/{stream}/{action}",
            "Redrives, examines or discards the dead letters of a stream; the answer is a job.",
            body: .init(type: json, help: "{\"reason\", \"device\", \"from\", \"until\": milliseconds since 1970}")
        ) { $0.orderLetters($1) },
        Endpoint("GET", "/v1/deadletters/jobs/{job}", "How far a job has come.") { shard, exchange in
            guard let number = Int64(exchange.captures["job"] ?? "") else {
                return exchange.fail(.badRequest, "expected the number of a job")
            }
            shard.ask(exchange, .letterJob(number))
        },
    ]
}

extension HTTPShard {
    // MARK: Asking

    /// Asks the broker, and answers with what it says.
    func ask(_ exchange: Exchange, _ request: AdministrationRequest) {
        ask(exchange, request) { exchange.respondTagged($0) }
    }

    /// Asks the broker for a list, and answers with one of it.
    /// - Parameters:
    ///   - list: the member that the list is.
    ///   - member: what its elements are known by.
    func ask(
        _ exchange: Exchange, _ request: AdministrationRequest, picking list: String, _ member: String, _ name: String?
    ) {
        ask(exchange, request) { document in
            guard let found = document[list]?.elements?.first(where: { $0[member]?.text == name }) else {
                return exchange.fail(.notFound, "there is no '\(name ?? "")' among the \(list)")
            }
            exchange.respondTagged(found)
        }
    }

    /// Asks the broker, and calls `body` when it has done what was asked.
    func ask(_ exchange: Exchange, _ request: AdministrationRequest, _ body: @escaping (JSON) -> Void) {
        guard let session = exchange.session else { return }
        session.request(request) { answer in
            switch answer {
            case .refused(let refusal):
                exchange.fail(Self.fault(of: refusal.code, refusal.words, "\(request.name) is not answered"))
            case .document(let document):
                if let fault = Self.fault(in: document) { return exchange.fail(fault) }
                body(document)
            }
        }
    }

    /// Why the broker has not done what was asked.
    private static func fault(in document: JSON) -> HTTPFault? {
        if let words = document["error"]?.text {
            switch words {
            case "unknown": return HTTPFault(.notFound, "there is nothing of this name")
            case "active": return HTTPFault(.conflict, "it has members")
            case _: return HTTPFault(words.contains("there is no") ? .notFound : .unprocessableContent, words)
            }
        }
        if document["deleted"]?.flag == false || document["done"]?.flag == false {
            return HTTPFault(.notFound, "there is nothing of this name")
        }
        return nil
    }

    // MARK: Changing

    /// The body as a document whose members are among `names`.
    func document(of exchange: Exchange, _ names: [String]) throws(HTTPFault) -> JSON {
        guard !exchange.body.isEmpty else { return .object([]) }
        guard let document = JSONReader.read(exchange.body), case .object(let members) = document else {
            throw HTTPFault(.badRequest, "the body is no JSON object")
        }
        for member in members where !names.contains(member.name) {
            throw HTTPFault(
                .badRequest,
                "there is no member '\(member.name)'\(Nearest.advice(for: member.name, among: names)); there are "
                    + names.joined(separator: ", "))
        }
        return document
    }

    func order(_ exchange: Exchange, _ request: (StreamOrder) -> AdministrationRequest) {
        do throws(HTTPFault) {
            let document = try document(
                of: exchange, ["partitions", "durability", "cleanup", "retentionMilliseconds", "retentionBytes"])
            var order = StreamOrder(name: exchange.captures["stream"] ?? "")
            func integer(_ name: String) throws(HTTPFault) -> Int64? {
                guard let value = document[name], value != .null else { return nil }
                guard let number = value.integer else { throw HTTPFault(.badRequest, "'\(name)' is a whole number") }
                return number
            }
            order.partitionCount = try integer("partitions").map { Int($0) }
            order.retentionMilliseconds = try integer("retentionMilliseconds")
            order.retentionBytes = try integer("retentionBytes")
            order.durability = document["durability"]?.text
            order.cleanup = document["cleanup"]?.text
            ask(exchange, request(order))
        } catch {
            exchange.fail(error)
        }
    }

    /// Moves a group to a position of the one grammar; times are looked up first.
    func resetGroup(_ exchange: Exchange) {
        do throws(HTTPFault) {
            let document = try document(of: exchange, ["stream", "to", "dryRun"])
            guard let name = document["stream"]?.text, let stream = streams.readable(named: name) else {
                throw HTTPFault(.badRequest, "'stream' is the name of a stream")
            }
            guard let text = document["to"]?.text else { throw HTTPFault(.badRequest, "'to' is a position") }
            let position = try RequestPosition(text, of: "to", now: wallClock)
            try position.check(of: stream)
            let group = exchange.captures["group"] ?? ""
            let isDry = document["dryRun"]?.flag == true
            func move(_ offsets: [Int: Int64]) {
                let places = offsets.sorted { $0.key < $1.key }.map {
                    JSON.members(["partition": .integer(Int64($0.key)), "offset": .integer($0.value)])
                }
                let answer = JSON.members(["group": .string(group), "stream": .string(name), "offsets": .array(places)])
                guard !isDry else { return exchange.respond(.ok, answer) }
                ask(exchange, .resetGroup(group, stream: name, offsets)) { _ in exchange.respond(.ok, answer) }
            }
            switch position {
            case .vector(let offsets): move(offsets.mapValues(\.rawValue))
            case .one(.time(let time)):
                ask(exchange, .offsets(stream: name, time: time.rawValue)) { document in
                    guard case .offsets(let offsets)? = AdministrationReply(json: document) else {
                        return exchange.fail(.unavailable, "the time could not be looked up")
                    }
                    move(offsets)
                }
            case .one(let end):
                let bounds = stream.partitions.map { log.bounds($0) }
                let offsets = bounds.map { end == .earliest ? $0.start.rawValue : $0.highWatermark.rawValue }
                move(Dictionary(uniqueKeysWithValues: offsets.enumerated().map { ($0.offset, $0.element) }))
            }
        } catch {
            exchange.fail(error)
        }
    }

    func seekBridge(_ exchange: Exchange) {
        do throws(HTTPFault) {
            let document = try document(of: exchange, ["to"])
            guard let text = document["to"]?.text else { throw HTTPFault(.badRequest, "'to' is a position") }
            let action: AdministrationRequest.BridgeAction
            switch try RequestPosition(text, of: "to", now: wallClock) {
            case .one(.earliest): action = .seekEarliest
            case .one(.latest): action = .seekLatest
            case .one(.time(let time)): action = .seekTime(time.rawValue)
            case .one, .vector: throw HTTPFault(.badRequest, "to '\(text)': expected earliest, latest or a time")
            }
            ask(exchange, .bridge(exchange.captures["bridge"] ?? "", action))
        } catch {
            exchange.fail(error)
        }
    }

    func ban(_ exchange: Exchange) {
        do throws(HTTPFault) {
            let seconds = try Self.integer(exchange, "seconds", 1...Int(UInt32.max))
            ask(exchange, .ban(exchange.captures["address"] ?? "", seconds: seconds.map { Int64($0) }))
        } catch {
            exchange.fail(error)
        }
    }

    func listDevices(_ exchange: Exchange) {
        do throws(HTTPFault) {
            var query = DeviceQuery()
            query.start = Int64(try Self.integer(exchange, "start", 0...Int.max) ?? 0)
            query.limit = Int64(try Self.integer(exchange, "limit", 1...10_000) ?? 1000)
            query.profile = exchange.head.parameter("profile") ?? ""
            query.isSilent = exchange.head.parameter("silent") == "true"
            ask(exchange, .devices(query))
        } catch {
            exchange.fail(error)
        }
    }

    func tellLedger(_ exchange: Exchange) {
        guard let text = exchange.head.parameter("since") else { return ask(exchange, .ledger(since: nil)) }
        guard case .time(let time)? = ReplayPosition(text, now: wallClock) else {
            return exchange.fail(.badRequest, "since '\(text)': expected \(ReplayPosition.timeExpectation)")
        }
        ask(exchange, .ledger(since: time.rawValue))
    }

    func orderLetters(_ exchange: Exchange) {
        do throws(HTTPFault) {
            let name = exchange.captures["action"] ?? ""
            guard let action = LetterOrder.Action(rawValue: name) else {
                throw HTTPFault(.notFound, "'\(name)' is nothing to do with dead letters: redrive, examine or discard")
            }
            let document = try document(of: exchange, ["reason", "device", "from", "until"])
            var order = LetterOrder(action, stream: exchange.captures["stream"] ?? "")
            order.reason = document["reason"]?.text ?? ""
            order.device = document["device"]?.text ?? ""
            order.from = document["from"]?.integer ?? .min
            order.until = document["until"]?.integer ?? .max
            ask(exchange, .letters(order)) { exchange.respond(.accepted, $0) }
        } catch {
            exchange.fail(error)
        }
    }
}
