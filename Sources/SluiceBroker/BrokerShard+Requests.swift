import CommitLog
import MQTTSession
import MQTTWire
import SluiceCore

/// Requests to the broker itself, over MQTT 5 request and response: what `sluice streams` asks.
///
/// A PUBLISH to `$sluice/streams` with a response topic is answered to that topic on the same connection, at QoS 0,
/// with a JSON document. Nothing is stored.
extension BrokerShard {
    /// Answers a request.
    /// - Returns: false when it is none that the broker knows.
    func answerRequest(
        _ name: String, _ publish: PublishAction, _ client: Client, _ bytes: Span<UInt8>
    ) -> Bool {
        guard name == "$sluice/streams" else { return false }
        var response: ByteRange?
        var correlation: ByteRange?
        var properties = PropertyReader(bytes, publish.properties)
        while let property = properties.next() {
            if property.id == .responseTopic { response = property.bytes }
            if property.id == .correlationData { correlation = property.bytes }
        }
        guard let response else { return false }
        scratch.removeAll()
        if let correlation { PropertyWriter.append(.correlationData, bytes.extracting(correlation), to: &scratch) }
        let document = Array(streamsDocument().utf8)
        PacketEncoder.publish(
            into: &client.output, topic: bytes.extracting(response), payload: document.span, packetID: .none,
            qos: .atMostOnce, retain: false, duplicate: false, properties: scratch.bytes, version: client.version)
        markDirty(client)
        return true
    }

    /// Every stream with its settings and the bounds of its partitions. Names and ids need no escapes.
    private func streamsDocument() -> String {
        let streams = log.streams.enumerated().map { index, stream in
            let partitions = stream.partitions.enumerated().map { number, partition in
                let bounds = log.bounds(partition)
                return """
                    {"partition":\(number),"start":\(bounds.start.rawValue),"durable":\(bounds.durable.rawValue),\
                    "appended":\(bounds.appended.rawValue),"flushed":\(bounds.flushed.rawValue),\
                    "bytes":\(bounds.byteCount),"segments":\(bounds.segmentCount)}
                    """
            }
            let setting = stream.settings
            let policy = log.policy(ofStream: index)
            return """
                {"name":"\(setting.name)","id":"\(stream.id)","durability":"\(setting.durability.rawValue)",\
                "cleanup":"\(policy.cleanup.rawValue)",\
                "retention_ms":\(policy.retentionMilliseconds.map { String($0) } ?? "null"),\
                "retention_bytes":\(policy.retentionBytesMax.map { String($0) } ?? "null"),\
                "partitions":[\(partitions.joined(separator: ","))]}
                """
        }
        return "{\"streams\":[\(streams.joined(separator: ","))]}"
    }

    /// A partition's number within its stream.
    func partitionNumber(_ partition: PartitionID) -> Int { partitionNumbers[partition.index] }
}
