/// Reason strings: what a failure means, in words, beside its code.
///
/// Source: MQTT 5.0 §2.2.2.2, §3.2.2.3.9 and its like in every acknowledgement.
package enum ReasonString {
    /// Bytes of text at most: enough for a sentence with a filter in it, and a bound for what quotes its client.
    static let byteCountMax = 1024

    /// Encoded properties that say `text`, cut after a whole character; none when it is empty.
    package static func properties(_ text: String) -> [UInt8] {
        var content: [UInt8] = []
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            guard content.count + bytes.count <= byteCountMax else { break }
            content += bytes
        }
        guard !content.isEmpty else { return [] }
        return PropertyWriter.bytes { PropertyWriter.append(.reasonString, content.span, to: &$0) }
    }
}
