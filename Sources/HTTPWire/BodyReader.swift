package import SluiceCore

/// Takes the body of a request out of what a connection brings.
///
/// Chunk extensions are passed over, trailers are refused: nothing here has a use for them.
///
/// Source: RFC 9112 §6 and §7.1.
package struct BodyReader: ~Copyable {
    /// What has come of the body.
    package private(set) var body = ByteBuffer()
    private let byteCountMax: Int
    private var state: State
    private var lineByteCount = 0

    private enum State: Equatable {
        case length(left: Int)
        case size(value: Int, digits: Int, isExtension: Bool)
        case sizeEnd(value: Int)
        case data(left: Int)
        case dataEnd(hasReturn: Bool)
        case end(hasReturn: Bool)
        case over
    }

    /// Bytes of a chunk's line at most.
    private static let lineByteCountMax = 256

    /// A reader of a body of at most `byteCountMax` bytes.
    /// - Throws: `HTTPFault` when its length is known to be more.
    package init(_ framing: BodyFraming, byteCountMax: Int) throws(HTTPFault) {
        self.byteCountMax = byteCountMax
        switch framing {
        case .none: state = .over
        case .length(let count):
            guard count <= byteCountMax else { throw Self.tooLarge(byteCountMax) }
            state = .length(left: count)
        case .chunked: state = .size(value: 0, digits: 0, isExtension: false)
        }
    }

    /// Whether all of it has come.
    package var isOver: Bool { state == .over }

    /// Takes what there is of the body.
    /// - Returns: how many bytes of `bytes` are of it.
    /// - Throws: `HTTPFault`; then the connection is of no use any more.
    package mutating func take(_ bytes: Span<UInt8>) throws(HTTPFault) -> Int {
        var index = 0
        while index < bytes.count, state != .over {
            switch state {
            case .length(let left), .data(let left):
                let taken = min(left, bytes.count - index)
                body.append(bytes.extracting(index..<index + taken))
                index += taken
                if case .length = state {
                    state = taken == left ? .over : .length(left: left - taken)
                } else {
                    state = taken == left ? .dataEnd(hasReturn: false) : .data(left: left - taken)
                }
            case _:
                try step(bytes[index])
                index += 1
            }
        }
        return index
    }

    private static func tooLarge(_ most: Int) -> HTTPFault {
        HTTPFault(.contentTooLarge, "a body has at most \(most) bytes here")
    }

    private mutating func step(_ byte: UInt8) throws(HTTPFault) {
        let malformed = HTTPFault(.badRequest, "a chunk of the body is malformed")
        switch state {
        case .size(let value, let digits, let isExtension):
            lineByteCount += 1
            guard lineByteCount <= Self.lineByteCountMax else { throw malformed }
            if byte == 0x0D {
                guard digits > 0 else { throw malformed }
                state = .sizeEnd(value: value)
            } else if isExtension {
                guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else { throw malformed }
            } else if let digit = HTTPCharacter.digit(byte) {
                guard digits < 15 else { throw malformed }
                let sum = value << 4 | Int(digit)
                guard sum <= byteCountMax - body.count else { throw Self.tooLarge(byteCountMax) }
                state = .size(value: sum, digits: digits + 1, isExtension: false)
            } else {
                guard byte == UInt8(ascii: ";"), digits > 0 else { throw malformed }
                state = .size(value: value, digits: digits, isExtension: true)
            }
        case .sizeEnd(let value):
            guard byte == 0x0A else { throw malformed }
            lineByteCount = 0
            state = value == 0 ? .end(hasReturn: false) : .data(left: value)
        case .dataEnd(let hasReturn):
            guard byte == (hasReturn ? 0x0A : 0x0D) else { throw malformed }
            state = hasReturn ? .size(value: 0, digits: 0, isExtension: false) : .dataEnd(hasReturn: true)
        case .end(let hasReturn):
            guard byte == (hasReturn ? 0x0A : 0x0D) else {
                throw HTTPFault(.badRequest, "trailers behind a body are not taken")
            }
            state = hasReturn ? .over : .end(hasReturn: true)
        case .length, .data, .over: preconditionFailure("Cannot step through data")
        }
    }
}
