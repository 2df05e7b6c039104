import MQTTWire
import SluiceCore
import TopicRouting

/// A message that somebody has published, known by its serial number, which is its payload.
struct SimMessage {
    var serial: Int
    var publisher: String
    var topic: String
    var qos: QoS
    /// Whether its publisher has sent it more than once.
    var isRepeated = false
    /// Whether its publisher was told that the broker has it.
    var isAcknowledged = false
    /// Whether what it was told may have been taken back: its stream's durability does not outlive a power cut.
    var mayBeLost = false
}

/// A record of the log.
struct SimRecord {
    var stream: String
    var number: Int
    var offset: Offset
    var serial: Int
    var topic: String
}

/// What was promised to whom, and what came of it.
///
/// Serial numbers are given when a message is first sent: they are the simulation's time.
final class BrokerModel {
    struct Violation: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    /// What a subscription has a right to: everything that was sent from `since` on.
    struct Coverage {
        var filter: String
        var qos: QoS
        var since: Int
    }

    private(set) var messages: [SimMessage] = []
    /// The deliveries to each client's own subscription: how often each serial came.
    private var delivered: [String: [Int: Int]] = [:]
    /// The newest serial of each client, or group, and publisher, topic and QoS.
    private var newest: [String: Int] = [:]
    /// What each client may rely on.
    private(set) var coverage: [String: Coverage] = [:]
    /// What was sent before a client subscribed may come late, when it is sent again.
    private var begins: [String: Int] = [:]
    /// The same of groups, and what their members have acknowledged.
    private(set) var groups: [String: Coverage] = [:]
    private(set) var handled: [String: Set<Int>] = [:]
    /// What an upstream has taken: how often each serial was.
    private(set) var forwarded: [Int: Int] = [:]

    var nextSerial: Int { messages.count }

    func message(_ publisher: String, _ topic: String, _ qos: QoS) -> SimMessage {
        let message = SimMessage(serial: messages.count, publisher: publisher, topic: topic, qos: qos)
        messages.append(message)
        return message
    }

    func repeated(_ serial: Int) { messages[serial].isRepeated = true }

    func acknowledged(_ serial: Int) { messages[serial].isAcknowledged = true }

    /// Power was cut: what is in streams that do not wait for the device may be gone.
    func powerCut() {
        for index in messages.indices where messages[index].topic.hasPrefix("m/") { messages[index].mayBeLost = true }
    }

    // MARK: Subscriptions

    /// A client has subscribed.
    /// - Parameter stays: whether it has a right to what comes while it is away.
    func covers(_ client: String, _ filter: String, _ qos: QoS, stays: Bool) {
        if begins[client] == nil { begins[client] = nextSerial }
        if !stays || coverage[client]?.filter == filter { return }
        coverage[client] = Coverage(filter: filter, qos: qos, since: nextSerial)
    }

    func forget(_ client: String) {
        coverage[client] = nil
        begins[client] = nil
        delivered[client] = nil
        newest = newest.filter { !$0.key.hasPrefix(client + " ") }
    }

    func covers(group: String, _ filter: String) {
        if groups[group] == nil { groups[group] = Coverage(filter: filter, qos: .atLeastOnce, since: nextSerial) }
    }

    private func isConnection(_ reader: String) -> Bool { begins[reader] != nil }

    private func checkOrder(_ reader: String, _ serial: Int) throws {
        let message = messages[serial]
        guard serial >= begins[reader] ?? 0 else { return }
        let key = "\(reader) \(message.publisher) \(message.topic) \(message.qos.rawValue)"
        let before = newest[key] ?? -1
        newest[key] = max(before, serial)
        // What comes again comes behind something newer; what comes for the first time does not, unless it was missed
        // before, by somebody who has no right to everything.
        let isOwed = message.qos != .atMostOnce && (coverage[reader]?.qos ?? .atLeastOnce) != .atMostOnce
        let isMissed = isConnection(reader) && coverage[reader] == nil && message.isRepeated
        guard serial < before, delivered[reader]?[serial] == nil, isOwed, !isMissed else { return }
        throw Violation("\(reader) gets \(serial) on \(message.topic) for the first time behind \(before)")
    }

    /// A client got a message on its own subscription.
    func received(_ serial: Int, by client: String, _ qos: QoS) throws {
        // Before its SUBACK has come nobody knows what it has missed.
        if begins[client] != nil { try checkOrder(client, serial) }
        delivered[client, default: [:]][serial, default: 0] += 1
        let count = delivered[client]?[serial] ?? 0
        if qos == .exactlyOnce, count > 1 { throw Violation("\(client) gets \(serial) at QoS 2 \(count) times") }
    }

    /// A member of a group got a message.
    func received(_ serial: Int, inGroup group: String, inOrder: Bool) throws {
        if inOrder { try checkOrder(group, serial) }
        delivered[group, default: [:]][serial, default: 0] += 1
    }

    /// A member of a group has acknowledged a message.
    func handled(_ serial: Int, in group: String) { handled[group, default: []].insert(serial) }

    /// An upstream has taken a message.
    func forwarded(_ serial: Int) throws {
        try checkOrder("upstream", serial)
        delivered["upstream", default: [:]][serial, default: 0] += 1
        forwarded[serial, default: 0] += 1
    }

    // MARK: The log

    /// What must hold at any time of what the log has.
    func check(log records: [SimRecord]) throws {
        var seen: [Int: Int] = [:]
        var last: [String: Int] = [:]
        for record in records {
            let message = messages[record.serial]
            seen[record.serial, default: 0] += 1
            guard seen[record.serial] == 1 else { continue }
            let key = "\(message.publisher) \(message.topic)"
            if let before = last[key], before > record.serial {
                throw Violation("the log has \(record.serial) of \(key) behind \(before)")
            }
            last[key] = record.serial
        }
        for message in messages {
            if message.isAcknowledged, !message.mayBeLost, seen[message.serial] == nil {
                throw Violation("\(message.serial) on \(message.topic) was acknowledged and is not in the log")
            }
            if message.qos == .exactlyOnce, let count = seen[message.serial], count > 1 {
                throw Violation("\(message.serial) at QoS 2 is in the log \(count) times")
            }
        }
    }

    /// What a consumer group has committed must be done with.
    func check(committed offset: Offset, group: String, _ stream: String, _ number: Int, log: [SimRecord]) throws {
        for record in log where record.stream == stream && record.number == number && record.offset < offset {
            guard messages[record.serial].qos != .atMostOnce else { continue }
            guard handled[group]?.contains(record.serial) != true else { continue }
            throw Violation(
                "\(group) has committed \(offset.rawValue) of \(stream)-\(number), and \(record.serial) at "
                    + "\(record.offset.rawValue) is acknowledged by nobody")
        }
    }

    /// A bridge's position must be behind nothing that its upstream has not taken.
    func check(position offset: Offset, _ stream: String, _ number: Int, done: [Offset], log: [SimRecord]) throws {
        for record in log where record.stream == stream && record.number == number && isForwarded(record) {
            guard record.offset < offset || done.contains(record.offset), forwarded[record.serial] == nil else {
                continue
            }
            throw Violation(
                "the bridge stands at \(offset.rawValue) of \(stream)-\(number), and the upstream has not got "
                    + "\(record.serial) at \(record.offset.rawValue)")
        }
    }

    /// Whether a record goes upstream for certain.
    func isForwarded(_ record: SimRecord) -> Bool {
        record.topic.hasPrefix("t/") && messages[record.serial].qos != .atMostOnce
    }

    // MARK: The end

    /// What is missing when everybody has had the time to get everything; nil for nothing.
    func missing(log records: [SimRecord], hasBridge: Bool) -> String? {
        for record in records where messages[record.serial].qos != .atMostOnce {
            let topic = Array(record.topic.utf8)
            for (client, coverage) in coverage where coverage.qos != .atMostOnce && record.serial >= coverage.since {
                guard FilterSyntax.matches(filter: Array(coverage.filter.utf8).span, topic: topic.span) else {
                    continue
                }
                if delivered[client]?[record.serial] == nil {
                    return "\(client) has not got \(record.serial) on \(record.topic), since \(coverage.since)"
                }
            }
            for (group, coverage) in groups where record.serial >= coverage.since {
                if let stream = Self.stream(coverage.filter) {
                    guard record.stream == stream else { continue }
                } else {
                    guard FilterSyntax.matches(filter: Array(coverage.filter.utf8).span, topic: topic.span) else {
                        continue
                    }
                }
                if handled[group]?.contains(record.serial) != true {
                    return "nobody in \(group) has acknowledged \(record.serial) on \(record.topic)"
                }
            }
            if hasBridge, isForwarded(record), forwarded[record.serial] == nil {
                return "the upstream has not got \(record.serial) on \(record.topic)"
            }
        }
        return nil
    }

    private static func stream(_ filter: String) -> String? {
        filter.hasPrefix("$stream/") ? String(filter.dropFirst(8)) : nil
    }
}
