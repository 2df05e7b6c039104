package import SluiceCore

/// What a response says before its body.
///
/// Source: RFC 9112 §4 and §6, RFC 9110 §6.6.1.
package struct ResponseHead: Sendable {
    /// The status.
    package var status: HTTPStatus
    /// What the length of its body is known by.
    package var framing: Framing
    /// Whether the connection goes on behind it.
    package var keepsAlive: Bool
    /// Fields beside those of the framing.
    package var fields: [(name: String, value: String)] = []

    /// What the length of a body is known by.
    package enum Framing: Equatable, Sendable {
        /// There is none, and there can be none (204, 304).
        case none
        /// So many bytes.
        case length(Int)
        /// Chunks.
        case chunked
        /// It ends with the connection.
        case untilClosed
    }

    /// A head from its parts.
    package init(_ status: HTTPStatus, framing: Framing, keepsAlive: Bool) {
        self.status = status
        self.framing = framing
        self.keepsAlive = keepsAlive
    }

    /// Appends it.
    package func write(to buffer: inout ByteBuffer) {
        buffer.append(utf8: "HTTP/1.1 \(status.rawValue) \(status.phrase)\r\n")
        for (name, value) in fields {
            assert(!value.utf8.contains(0x0A) && !value.utf8.contains(0x0D), "a field is one line")
            buffer.append(utf8: "\(name): \(value)\r\n")
        }
        switch framing {
        case .none: break
        case .length(let count): buffer.append(utf8: "Content-Length: \(count)\r\n")
        case .chunked: buffer.append(utf8: "Transfer-Encoding: chunked\r\n")
        case .untilClosed: break
        }
        if !keepsAlive || framing == .untilClosed { buffer.append(utf8: "Connection: close\r\n") }
        buffer.append(utf8: "\r\n")
    }
}

/// Chunks of a body.
///
/// Source: RFC 9112 §7.1.
package enum Chunk {
    /// Appends a chunk; nothing when `bytes` are none, since an empty chunk ends the body.
    package static func append(_ bytes: Span<UInt8>, to buffer: inout ByteBuffer) {
        guard !bytes.isEmpty else { return }
        buffer.append(utf8: String(bytes.count, radix: 16))
        buffer.append(utf8: "\r\n")
        buffer.append(bytes)
        buffer.append(utf8: "\r\n")
    }

    /// Appends the end of a body, with what is said behind it.
    package static func end(_ trailers: [(name: String, value: String)] = [], to buffer: inout ByteBuffer) {
        buffer.append(utf8: "0\r\n")
        for (name, value) in trailers { buffer.append(utf8: "\(name): \(value)\r\n") }
        buffer.append(utf8: "\r\n")
    }
}
