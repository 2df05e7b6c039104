package import SluiceCore

/// The rules that topic names and topic filters follow.
///
/// Errors count their offset from the first byte given.
/// Source: MQTT 5.0 §4.7, §4.8.2.
package enum TopicSyntax {
    /// Throws unless `bytes` are a topic name: UTF-8, not empty, no wildcard, within `limits`.
    ///
    /// - Throws: the first flaw; close the connection with its reason code.
    /// - Complexity: O(bytes), no allocation.
    package static func validateName(_ bytes: Span<UInt8>, limits: Limits = Limits()) throws(MQTTDecodeError) {
        try validateName(bytes, bounds: TopicBounds(limits))
    }

    /// Throws unless `bytes` are a topic filter: UTF-8, not empty, wildcards alone in their level and `#` last, a
    /// shared subscription with a share name and a filter, all within `limits`.
    ///
    /// - Throws: the first flaw; close the connection with its reason code.
    /// - Complexity: O(bytes), no allocation.
    package static func validateFilter(_ bytes: Span<UInt8>, limits: Limits = Limits()) throws(MQTTDecodeError) {
        try validateFilter(bytes, bounds: TopicBounds(limits))
    }

    /// Whether the filter `bytes` asks for a shared subscription: starts with `$share/`.
    package static func isShared(_ bytes: Span<UInt8>) -> Bool {
        bytes.count >= sharePrefixByteCount && bytes.extracting(0..<sharePrefixByteCount).equals("$share/")
    }

    private static let sharePrefixByteCount = 7

    static func validateName(_ bytes: Span<UInt8>, bounds: TopicBounds) throws(MQTTDecodeError) {
        guard !bytes.isEmpty else { throw MQTTDecodeError(.topicNameEmpty, at: 0) }
        guard bytes.count <= bounds.bytesMax else {
            throw MQTTDecodeError(.topicNameTooLong, at: Int(bounds.bytesMax))
        }
        var levels = 1
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "+"), UInt8(ascii: "#"): throw MQTTDecodeError(.topicNameHasWildcard, at: index)
            case UInt8(ascii: "/"):
                levels += 1
                guard levels <= bounds.levelsMax else { throw MQTTDecodeError(.topicNameTooLong, at: index) }
            default: continue
            }
        }
        if let flaw = UTF8Flaw.first(in: bytes) { throw MQTTDecodeError(flaw.cause, at: flaw.offset) }
    }

    static func validateFilter(_ bytes: Span<UInt8>, bounds: TopicBounds) throws(MQTTDecodeError) {
        guard !bytes.isEmpty else { throw MQTTDecodeError(.topicFilterEmpty, at: 0) }
        guard bytes.count <= bounds.bytesMax else {
            throw MQTTDecodeError(.topicFilterTooLong, at: Int(bounds.bytesMax))
        }
        if let flaw = UTF8Flaw.first(in: bytes) { throw MQTTDecodeError(flaw.cause, at: flaw.offset) }
        let start = isShared(bytes) ? try validateShareName(bytes) : 0
        var levels = 1
        for index in start..<bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "/"):
                levels += 1
                guard levels <= bounds.levelsMax else { throw MQTTDecodeError(.topicFilterTooLong, at: index) }
            case UInt8(ascii: "#"):
                guard index == bytes.count - 1, opensLevel(index, from: start, in: bytes) else {
                    throw MQTTDecodeError(.multiLevelWildcardMisplaced, at: index)
                }
            case UInt8(ascii: "+"):
                guard opensLevel(index, from: start, in: bytes), closesLevel(index, in: bytes) else {
                    throw MQTTDecodeError(.singleLevelWildcardMisplaced, at: index)
                }
            default: continue
            }
        }
    }

    /// Where the filter proper starts in a shared filter.
    private static func validateShareName(_ bytes: Span<UInt8>) throws(MQTTDecodeError) -> Int {
        let nameStart = sharePrefixByteCount
        for index in nameStart..<bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "+"), UInt8(ascii: "#"): throw MQTTDecodeError(.shareNameInvalid, at: index)
            case UInt8(ascii: "/"):
                guard index > nameStart else { throw MQTTDecodeError(.shareNameInvalid, at: index) }
                guard index + 1 < bytes.count else { throw MQTTDecodeError(.shareFilterMissing, at: index) }
                return index + 1
            default: continue
            }
        }
        throw MQTTDecodeError(.shareFilterMissing, at: bytes.count)
    }

    private static func opensLevel(_ index: Int, from start: Int, in bytes: Span<UInt8>) -> Bool {
        index == start || bytes[index - 1] == UInt8(ascii: "/")
    }

    private static func closesLevel(_ index: Int, in bytes: Span<UInt8>) -> Bool {
        index == bytes.count - 1 || bytes[index + 1] == UInt8(ascii: "/")
    }
}

/// The two limits that topics have, small enough for every connection to keep.
struct TopicBounds: Sendable {
    var bytesMax: Int32
    var levelsMax: Int32

    init(_ limits: Limits) {
        bytesMax = Int32(clamping: limits.topicBytesMax)
        levelsMax = Int32(clamping: limits.topicLevelsMax)
    }
}
