import MQTTWire
import SluiceConfiguration

/// A stream as the broker describes it.
struct StreamReport {
    var name: String
    var id: String
    var durability: String
    var retentionMilliseconds: Int64?
    var retentionBytes: Int64?
    var partitions: [PartitionReport]

    /// One partition's bounds.
    struct PartitionReport {
        var start: Int64
        var durable: Int64
        var appended: Int64
        var flushed: Int64
        var byteCount: Int64
        var segmentCount: Int64
        var recordCount: Int64 { durable - start }
    }

    /// The report in a member of the broker's document; nil when something is missing.
    init?(_ json: JSON) {
        guard let name = json["name"]?.text, let id = json["id"]?.text, let durability = json["durability"]?.text,
            let partitions = json["partitions"]?.elements
        else { return nil }
        self.name = name
        self.id = id
        self.durability = durability
        retentionMilliseconds = json["retention_ms"]?.integer
        retentionBytes = json["retention_bytes"]?.integer
        self.partitions = partitions.compactMap(PartitionReport.init)
        guard self.partitions.count == partitions.count else { return nil }
    }
}

extension StreamReport.PartitionReport {
    /// The report in a member of the broker's document; nil when something is missing.
    init?(_ json: JSON) {
        guard let start = json["start"]?.integer, let durable = json["durable"]?.integer,
            let appended = json["appended"]?.integer, let flushed = json["flushed"]?.integer,
            let byteCount = json["bytes"]?.integer, let segmentCount = json["segments"]?.integer
        else { return nil }
        self.init(
            start: start, durable: durable, appended: appended, flushed: flushed, byteCount: byteCount,
            segmentCount: segmentCount)
    }
}

extension MQTTClient {
    /// Asks the broker for its streams.
    /// - Returns: the document as it came, and what it says.
    func streams() throws(CommandFailure) -> (document: JSON, reports: [StreamReport]) {
        let document = try request("streams")
        guard let streams = document["streams"]?.elements else {
            throw CommandFailure("the broker's list of streams is not the JSON that was expected")
        }
        let reports = streams.compactMap(StreamReport.init)
        guard reports.count == streams.count else {
            throw CommandFailure("the broker describes a stream in a way that this program does not know")
        }
        return (document, reports)
    }

    /// Asks the broker for something of its own, with a request of MQTT 5.
    /// - Parameters:
    ///   - name: what follows `$sluice/`.
    ///   - payload: what the request is about.
    func request(_ name: String, _ payload: [UInt8] = []) throws(CommandFailure) -> JSON {
        let responseTopic = Array("sluice/command/\(name)".utf8)
        let properties = PropertyWriter.bytes { PropertyWriter.append(.responseTopic, responseTopic.span, to: &$0) }
        let id = try publish(Array("$sluice/\(name)".utf8), payload, qos: .atLeastOnce, properties: properties)
        try flush()
        while let event = try next(milliseconds: Self.patienceMilliseconds) {
            if case .acknowledged(id, let reason) = event, reason.isFailure {
                throw CommandFailure("the broker does not answer requests for \(name), reason \(reason.rawValue)")
            }
            guard case .message(let message) = event, message.topic == responseTopic else { continue }
            guard let document = JSONReader.read(message.payload) else {
                throw CommandFailure("the broker's answer about \(name) is not JSON")
            }
            return document
        }
        throw silent("a request for its \(name)")
    }
}
