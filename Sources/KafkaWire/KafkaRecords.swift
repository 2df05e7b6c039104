package import SluiceCore

/// Record batches in a message, which are not copied through it.
package enum KafkaRecords: Equatable, Sendable {
    /// None, told apart from no bytes.
    case null
    /// Bytes of the frame that was read: where they lie in the span that the reader had.
    case frame(ByteRange)
    /// Bytes to write.
    case bytes([UInt8])
    /// Bytes that the transport puts in when it sends: the writer leaves a gap for them.
    case external(byteCount: Int)

    /// How many bytes there are; null has none.
    package var byteCount: Int {
        switch self {
        case .null: 0
        case .frame(let range): range.count
        case .bytes(let bytes): bytes.count
        case .external(let byteCount): byteCount
        }
    }

    /// Where the bytes lie in the frame that was read; nil for other records, and for null.
    package var range: ByteRange? {
        guard case .frame(let range) = self else { return nil }
        return range
    }

    /// The same with bytes of its own, in place of bytes of `frame`.
    package func copied(from frame: Span<UInt8>) -> KafkaRecords {
        guard case .frame(let range) = self else { return self }
        return .bytes(frame.copy(range))
    }
}

/// Where bytes are missing in what a writer wrote: the transport sends them from elsewhere, in this place.
package struct KafkaGap: Equatable, Sendable {
    /// How many bytes of the writer's buffer come before.
    package var offset: Int
    /// How many bytes are missing.
    package var byteCount: Int

    /// A gap of `byteCount` bytes behind `offset` bytes.
    package init(offset: Int, byteCount: Int) {
        self.offset = offset
        self.byteCount = byteCount
    }
}
