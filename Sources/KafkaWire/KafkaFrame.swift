import SluiceCore

/// The outermost layer of Kafka's protocol: a length of four bytes, then a header, then a message.
package enum KafkaFrame {
    /// The bytes of the length.
    package static let lengthByteCount = 4

    /// The bytes that every request has: key, version and correlation.
    package static let requestByteCountMin = 8

    /// Why a connection cannot go on with its next frame.
    package enum Fault: Error, Equatable, Sendable, CustomStringConvertible {
        /// Too short to be a request, or negative.
        case tooShort(Int)
        /// Longer than the broker takes.
        case tooLong(Int, limit: Int)
        /// What a client sends that expects TLS here.
        case looksLikeTLS
        /// What a web browser or a probe sends.
        case looksLikeHTTP

        /// One line for the log.
        package var description: String {
            switch self {
            case .tooShort(let byteCount): "a frame of \(byteCount) bytes is too short for a request"
            case .tooLong(let byteCount, let limit): "a frame of \(byteCount) bytes, at most \(limit) are taken"
            case .looksLikeTLS: "the bytes are TLS, and the listener has none"
            case .looksLikeHTTP: "the bytes are HTTP, and the listener speaks Kafka"
            }
        }
    }

    /// How many bytes follow the length at the start of `bytes`; nil when the length is not there whole.
    /// - Parameter isToken: whether a token of SASL is to come instead of a request: it may be empty.
    /// - Throws: when no request has such a length; the connection has to be closed.
    package static func byteCount(_ bytes: Span<UInt8>, limit: Int, isToken: Bool = false) throws(Fault) -> Int? {
        guard bytes.count >= lengthByteCount else { return nil }
        var length: Int32 = 0
        for index in 0..<lengthByteCount { length = length << 8 | Int32(bytes[index]) }
        let byteCount = Int(length)
        guard byteCount >= (isToken ? 0 : requestByteCountMin) else { throw .tooShort(byteCount) }
        guard byteCount > limit else { return byteCount }
        // Of TLS the first bytes are the type of a handshake and the version; of HTTP a method and a space.
        if bytes[0] == 0x16, bytes[1] == 0x03 { throw .looksLikeTLS }
        let letters = (UInt8(ascii: "A")...UInt8(ascii: "Z"))
        if (0..<3).allSatisfy({ letters.contains(bytes[$0]) }) { throw .looksLikeHTTP }
        throw .tooLong(byteCount, limit: limit)
    }
}

/// The first eight bytes of every request, which have the same meaning in all versions of all APIs.
package struct KafkaRequestPrefix: Equatable, Sendable {
    /// The number of the API, known or not.
    package var key: Int16
    /// The version of the request, served or not.
    package var version: Int16
    /// What the answer has to repeat.
    package var correlationID: Int32

    /// Reads a frame's first bytes, and none behind them.
    package init(_ frame: Span<UInt8>) throws(KafkaWireError) {
        var reader = KafkaReader(frame)
        key = try reader.readInt16("RequestHeader.requestApiKey")
        version = try reader.readInt16("RequestHeader.requestApiVersion")
        correlationID = try reader.readInt32("RequestHeader.correlationID")
    }

    /// The API; nil when its key is unknown.
    package var api: KafkaAPI? { KafkaAPI(rawValue: key) }
}

extension KafkaAPI {
    /// Whether a version has compact lengths and tagged fields.
    package func isFlexible(_ version: Int16) -> Bool { flexibleFrom.map { version >= $0 } ?? false }

    /// The version of the header before a request of `version`.
    package func requestHeaderVersion(_ version: Int16) -> Int16 { isFlexible(version) ? 2 : 1 }

    /// The version of the header before the response to a request of `version`.
    ///
    /// ApiVersions' is always 0, since the client does not know yet what the broker can do.
    package func responseHeaderVersion(_ version: Int16) -> Int16 {
        self != .apiVersions && isFlexible(version) ? 1 : 0
    }
}

extension KafkaReader {
    /// Reads the header of a request; the reader is then at the request's first byte.
    package mutating func readRequestHeader(
        _ api: KafkaAPI, version: Int16
    ) throws(KafkaWireError) -> KafkaRequestHeader {
        try KafkaRequestHeader(from: &self, version: api.requestHeaderVersion(version))
    }

    /// Reads the header of a response; the reader is then at the response's first byte.
    package mutating func readResponseHeader(
        _ api: KafkaAPI, version: Int16
    ) throws(KafkaWireError) -> KafkaResponseHeader {
        try KafkaResponseHeader(from: &self, version: api.responseHeaderVersion(version))
    }
}

extension KafkaWriter {
    /// Where a frame began.
    package struct FrameStart: Sendable {
        var bufferCount: Int
        var gapByteCount: Int
    }

    /// Leaves room for a frame's length.
    package mutating func beginFrame() -> FrameStart {
        let start = FrameStart(bufferCount: buffer.count, gapByteCount: gapByteCount)
        write(0 as Int32)
        return start
    }

    /// Fills in the length of the frame, with the bytes that are missing in it.
    package mutating func endFrame(_ start: FrameStart) throws(KafkaWireError) {
        let byteCount =
            buffer.count - start.bufferCount - KafkaFrame.lengthByteCount + gapByteCount - start.gapByteCount
        guard let length = Int32(exactly: byteCount) else { throw error(.tooLong(byteCount), "frame") }
        buffer.set(bigEndian: length, at: start.bufferCount)
    }

    /// Writes a whole frame: length, header and `response`. After an error nothing of it is left.
    package mutating func writeFrame<Response: KafkaResponse>(
        _ response: Response, correlationID: Int32, version: Int16
    ) throws(KafkaWireError) {
        let start = beginFrame()
        do {
            let headerVersion = KafkaAPI(rawValue: Response.key)?.responseHeaderVersion(version) ?? 0
            try KafkaResponseHeader(correlationID: correlationID).encode(to: &self, version: headerVersion)
            try response.encode(to: &self, version: version)
            try endFrame(start)
        } catch {
            truncate(to: start.bufferCount)
            throw error
        }
    }

    /// Writes a whole frame: length, header and `request`. After an error nothing of it is left.
    package mutating func writeFrame<Request: KafkaRequest>(
        _ request: Request, correlationID: Int32, clientID: String?, version: Int16
    ) throws(KafkaWireError) {
        let start = beginFrame()
        do {
            let header = KafkaRequestHeader(
                requestApiKey: Request.key, requestApiVersion: version, correlationID: correlationID,
                clientID: clientID)
            let headerVersion = KafkaAPI(rawValue: Request.key)?.requestHeaderVersion(version) ?? 1
            try header.encode(to: &self, version: headerVersion)
            try request.encode(to: &self, version: version)
            try endFrame(start)
        } catch {
            truncate(to: start.bufferCount)
            throw error
        }
    }
}
