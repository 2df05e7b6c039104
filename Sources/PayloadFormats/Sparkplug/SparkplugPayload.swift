/// A Sparkplug B payload as a sequence of metrics.
///
/// Metadata, properties, data sets and templates are passed over as a whole: of them only the length is looked at.
/// Source: Sparkplug 3.0.0 §6.4.
enum SparkplugPayload {
    /// What a payload says beside its metrics.
    struct Head {
        var timestamp: UInt64?
        var timestampStart = 0
        var sequence: UInt64?
        var sequenceStart = 0
    }

    /// Calls with each metric in order.
    @discardableResult
    static func forEachMetric(
        in payload: Span<UInt8>, _ body: (SparkplugMetric) throws(PayloadFault) -> Void
    ) throws(PayloadFault) -> Head {
        guard payload.count <= PayloadLimits.payloadBytesMax else {
            throw PayloadFault(.tooLong, at: PayloadLimits.payloadBytesMax)
        }
        // A payload without anything is one of Protocol Buffers, but says nothing.
        guard payload.count > 0 else { throw PayloadFault(.truncated, at: 0) }
        var head = Head()
        var reader = WireReader(payload, 0..<payload.count)
        while let key = try reader.next() {
            switch (key.number, key.kind) {
            case (1, .varint):
                head.timestampStart = reader.position
                head.timestamp = try reader.varint()
            case (2, .delimited): try body(SparkplugMetric(payload, reader.delimited()))
            case (3, .varint):
                head.sequenceStart = reader.position
                head.sequence = try reader.varint()
            case (4, .delimited): _ = try reader.text()
            case (5, .delimited): try reader.skip(key.kind)
            case (1...5, _): throw PayloadFault(.notSparkplug, at: reader.position)
            default: try reader.skip(key.kind)
            }
        }
        return head
    }
}
