import MQTTWire
import SluiceConfiguration
import SluiceCore

/// A consumer group as the broker describes it.
struct GroupReport {
    var name: String
    var generation: Int64
    var members: [Member]
    var offsets: [Position]

    struct Member {
        var id: String
        var host: String
        /// Its partitions, as `STREAM:NUMBER`.
        var partitions: [String]
    }

    struct Position {
        var stream: String
        var partition: Int64
        var committed: Int64
        var start: Int64
        var end: Int64
        /// Records that the group has not done with; what retention has taken is none of them.
        var lag: Int64 { max(0, end - max(committed, start)) }
    }

    init(_ json: JSON) throws(CommandFailure) {
        guard let name = json["group"]?.text, let generation = json["generation"]?.integer,
            let members = json["members"]?.elements, let offsets = json["offsets"]?.elements
        else { throw CommandFailure("the broker describes a group in a way that this program does not know") }
        self.name = name
        self.generation = generation
        self.members = members.compactMap(Member.init)
        self.offsets = offsets.compactMap(Position.init)
    }

    var state: String { members.isEmpty ? "empty" : "stable" }
    var lag: Int64 { offsets.reduce(0) { $0 + $1.lag } }
    var streams: [String] { Array(Set(offsets.map(\.stream))).sorted() }

    /// Who has a partition.
    func owner(of position: Position) -> String? {
        members.first { $0.partitions.contains("\(position.stream):\(position.partition)") }?.id
    }
}

extension GroupReport.Member {
    init?(_ json: JSON) {
        guard let id = json["member_id"]?.text, let host = json["host"]?.text,
            let partitions = json["partitions"]?.elements
        else { return nil }
        self.init(
            id: id, host: host,
            partitions: partitions.map { "\($0["stream"]?.text ?? ""):\($0["partition"]?.integer ?? 0)" })
    }
}

extension GroupReport.Position {
    init?(_ json: JSON) {
        guard let stream = json["stream"]?.text, let partition = json["partition"]?.integer,
            let committed = json["committed"]?.integer, let start = json["start"]?.integer,
            let end = json["end"]?.integer
        else { return nil }
        self.init(stream: stream, partition: partition, committed: committed, start: start, end: end)
    }
}

extension MQTTClient {
    /// Asks the broker for its consumer groups.
    func groups() throws(CommandFailure) -> (document: JSON, reports: [GroupReport]) {
        let document = try request("groups")
        guard let groups = document["groups"]?.elements else {
            throw CommandFailure("the broker's list of groups is not the JSON that was expected")
        }
        var reports: [GroupReport] = []
        for group in groups { reports.append(try GroupReport(group)) }
        return (document, reports)
    }

    /// The first offset in each partition of a stream whose record is of `time` or later.
    func offsets(_ stream: String, at time: Timestamp) throws(CommandFailure) -> [Int: Int64] {
        let document = try request("offsets", Array("\(stream)\n\(time.rawValue)".utf8))
        var offsets: [Int: Int64] = [:]
        for element in document["offsets"]?.elements ?? [] {
            guard let partition = element["partition"]?.integer, let offset = element["offset"]?.integer else {
                continue
            }
            offsets[Int(partition)] = offset
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
