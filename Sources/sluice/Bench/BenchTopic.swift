import SluiceCore

/// A topic or filter with `%c` for the connection's number and `%m` for the message's.
struct BenchTopic {
    private let parts: [Part]

    private enum Part: Equatable {
        case text([UInt8])
        case connection, message
    }

    init(_ pattern: String) {
        var parts: [Part] = []
        var text: [UInt8] = []
        var bytes = Array(pattern.utf8)[...]
        while let byte = bytes.popFirst() {
            let isPlaceholder = byte == UInt8(ascii: "%")
            switch bytes.first {
            case UInt8(ascii: "c")? where isPlaceholder, UInt8(ascii: "m")? where isPlaceholder:
                if !text.isEmpty { parts.append(.text(text)) }
                text = []
                parts.append(bytes.popFirst() == UInt8(ascii: "c") ? .connection : .message)
            case _: text.append(byte)
            }
        }
        if !text.isEmpty { parts.append(.text(text)) }
        self.parts = parts
    }

    /// Whether each message has a topic of its own.
    var variesByMessage: Bool { parts.contains(.message) }

    /// The topic of a message.
    func topic(connection: Int, message: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in parts {
            switch part {
            case .text(let text): bytes += text
            case .connection: bytes += Array(String(connection).utf8)
            case .message: bytes += Array(String(message).utf8)
            }
        }
        return bytes
    }
}

/// What is at the front of a benchmark's payloads, when they have room: a mark and when the message was due, so that a
/// subscriber in another process of the same machine can tell how long it took.
///
/// Layout (big-endian): mark u64 | nanoseconds of the monotonic clock i64.
enum BenchPayload {
    static let mark: UInt64 = 0x534C_5543_4542_4E31
    static let byteCount = 16

    /// The time in a payload; nil when there is none.
    static func time(_ bytes: Span<UInt8>) -> Int64? {
        guard bytes.count >= byteCount, load(bytes, at: 0) == mark else { return nil }
        return Int64(bitPattern: load(bytes, at: 8))
    }

    private static func load(_ bytes: Span<UInt8>, at index: Int) -> UInt64 {
        UInt64(bigEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
    }
}
