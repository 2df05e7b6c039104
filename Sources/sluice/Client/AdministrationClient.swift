import Administration
import MQTTWire
import SluiceConfiguration
import SluiceCore

extension MQTTClient {
    /// Asks the broker for something of its own, with a request of MQTT 5.
    /// - Returns: the document as it came, and what it says.
    func request(_ request: AdministrationRequest) throws(CommandFailure) -> (JSON, AdministrationReply) {
        let name = request.name
        let responseTopic = Array("sluice/command/\(name)".utf8)
        let properties = PropertyWriter.bytes { PropertyWriter.append(.responseTopic, responseTopic.span, to: &$0) }
        let topic = Array((AdministrationRequest.topicPrefix + name).utf8)
        let id = try publish(topic, request.payload, qos: .atLeastOnce, properties: properties)
        try flush()
        while let event = try next(milliseconds: Self.patienceMilliseconds) {
            if case .acknowledged(id, let reason) = event, reason.isFailure {
                throw CommandFailure("the broker does not answer requests for \(name), reason \(reason.rawValue)")
            }
            guard case .message(let message) = event, message.topic == responseTopic else { continue }
            guard let document = JSONReader.read(message.payload) else {
                throw CommandFailure("the broker's answer about \(name) is not JSON")
            }
            guard let reply = AdministrationReply(json: document) else {
                throw CommandFailure("the broker's answer about \(name) is of a kind that this program does not know")
            }
            return (document, reply)
        }
        throw silent("a request for its \(name)")
    }

    private static func unexpected(_ name: String) -> CommandFailure {
        CommandFailure("the broker's answer about \(name) is not what was asked for")
    }

    /// Asks the broker for its streams.
    /// - Returns: the document as it came, and what it says.
    func streams() throws(CommandFailure) -> (document: JSON, reports: [StreamReport]) {
        guard case (let document, .streams(let reports)) = try request(.streams) else {
            throw Self.unexpected("streams")
        }
        return (document, reports)
    }

    /// Asks the broker for its sessions.
    func sessions() throws(CommandFailure) -> (document: JSON, reports: [SessionReport]) {
        guard case (let document, .sessions(let reports)) = try request(.sessions) else {
            throw Self.unexpected("sessions")
        }
        return (document, reports)
    }

    /// Asks the broker for its consumer groups.
    func groups() throws(CommandFailure) -> (document: JSON, reports: [GroupReport]) {
        guard case (let document, .groups(let reports)) = try request(.groups) else {
            throw Self.unexpected("groups")
        }
        return (document, reports)
    }

    /// Asks the broker for its bridges.
    func bridges() throws(CommandFailure) -> (document: JSON, reports: [BridgeReport]) {
        guard case (let document, .bridges(let reports)) = try request(.bridges) else {
            throw Self.unexpected("bridges")
        }
        return (document, reports)
    }

    /// The first offset in each partition of a stream whose record is of `time` or later.
    func offsets(_ stream: String, at time: Timestamp) throws(CommandFailure) -> [Int: Int64] {
        guard case (_, .offsets(let offsets)) = try request(.offsets(stream: stream, time: time.rawValue)) else {
            throw Self.unexpected("the offsets of a time in '\(stream)'")
        }
        return offsets
    }

    /// The time of the first record of a partition at or behind `offset`, in milliseconds; nil when there is none.
    func recordTime(_ stream: String, _ partition: Int64, _ offset: Int64) throws(CommandFailure) -> Int64? {
        let properties = PropertyWriter.bytes {
            let (name, value) = (Array("stream-offset".utf8), Array("\(partition):\(offset)".utf8))
            PropertyWriter.append(userProperty: name.span, value.span, to: &$0)
        }
        try subscribe(Array("$stream/\(stream)/#".utf8), properties: properties)
        while let event = try next(milliseconds: 500) {
            guard case .message(let message) = event, let record = ConsumedRecord(message),
                Int64(record.partition) == partition
            else { continue }
            return record.timestamp / 1000
        }
        return nil
    }
}

extension GroupReport {
    /// Whether somebody is a member, in a word.
    var state: String { members.isEmpty ? "empty" : "stable" }
    /// Records that it has not done with.
    var lag: Int64 { offsets.reduce(0) { $0 + $1.lag } }
    /// The streams that it has committed in.
    var streams: [String] { Array(Set(offsets.map(\.stream))).sorted() }

    /// Who has a partition.
    func owner(of position: Position) -> String? {
        members.first { $0.partitions.contains(Partition(position.stream, position.partition)) }?.id
    }
}
