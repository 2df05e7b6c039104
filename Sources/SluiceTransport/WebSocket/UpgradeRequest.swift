import Cryptography

/// Why a request to become a WebSocket is refused, as HTTP says it.
package struct UpgradeRefusal: Error, Equatable, Sendable {
    /// The answer's status.
    package enum Status: Int, Sendable {
        /// What came is no request, or lacks something that the handshake needs.
        case badRequest = 400
        /// What the listener speaks is served on another path.
        case notFound = 404
        /// Only GET can be upgraded.
        case methodNotAllowed = 405
        /// The request asks for no WebSocket, or for another version of it.
        case upgradeRequired = 426
        /// The request's head is too long.
        case headTooLarge = 431
        /// Not HTTP/1.1.
        case versionNotSupported = 505
    }

    /// The status.
    package let status: Status
    /// What was expected, for the answer's body and the log.
    package let reason: String
}

/// What a listener speaks over WebSocket.
package struct WebSocketOffer: Equatable, Sendable {
    /// What it is called in answers and log lines.
    package var name: String
    /// The path that it is served on.
    package var path: String
    /// The subprotocols of which clients must offer one, the preferred first.
    package var subprotocols: [String]
    /// Bytes of one message at most. Nothing is kept of a message but what the speaker leaves, so this bounds no
    /// memory; what goes past it is another protocol.
    package var messageBytesMax: UInt64

    /// An offer from its parts.
    package init(name: String, path: String, subprotocols: [String], messageBytesMax: UInt64) {
        precondition(!subprotocols.isEmpty)
        self.name = name
        self.path = path
        self.subprotocols = subprotocols
        self.messageBytesMax = messageBytesMax
    }
}

/// An HTTP request to speak a subprotocol over WebSocket, as far as the handshake needs it.
///
/// Source: RFC 6455 §4.2.1, RFC 9112 §3 and §5.
package struct UpgradeRequest: Equatable, Sendable {
    /// Bytes of a request's head at most. Browsers send about 500, and a few kilobytes with cookies.
    package static let headBytesMax = 8 << 10

    /// What `Sec-WebSocket-Accept` is made from.
    package let key: [UInt8]
    /// The subprotocol that both sides speak.
    package let subprotocol: String

    /// Reads a head: everything up to and with the empty line.
    /// - Parameter offer: what may be asked for.
    /// - Throws: `UpgradeRefusal` for all that does not lead to a WebSocket.
    package init(head: [UInt8], offer: WebSocketOffer) throws(UpgradeRefusal) {
        var lines = try Self.lines(head)[...]
        guard let requestLine = lines.popFirst() else { throw Self.bad("the request is empty") }
        try Self.checkRequestLine(requestLine, offer)
        var fields = Fields(offer)
        for line in lines { try fields.take(line) }
        subprotocol = try fields.check()
        key = fields.key
    }

    /// The value of `Sec-WebSocket-Accept` (RFC 6455 §4.2.2).
    package var accept: [UInt8] {
        Base64.encode(Digest.sha1(key + Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)))
    }

    static func bad(_ reason: String) -> UpgradeRefusal { UpgradeRefusal(status: .badRequest, reason: reason) }

    private static func lines(_ head: [UInt8]) throws(UpgradeRefusal) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 0
        while index < head.count {
            if head[index] == HTTPByte.carriageReturn {
                guard index + 1 < head.count, head[index + 1] == HTTPByte.lineFeed else {
                    throw bad("a carriage return without line feed")
                }
                lines.append(head[start..<index])
                index += 2
                start = index
            } else if head[index] == HTTPByte.lineFeed {
                throw bad("a line feed without carriage return")
            } else {
                index += 1
            }
        }
        guard start == head.count, lines.last?.isEmpty == true else { throw bad("the head has no end") }
        lines.removeLast()
        return lines
    }

    private static func checkRequestLine(_ line: ArraySlice<UInt8>, _ offer: WebSocketOffer) throws(UpgradeRefusal) {
        let words = line.split(separator: HTTPByte.space, omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, words[0].allSatisfy(HTTPByte.isToken), !words[1].isEmpty,
            words[1].allSatisfy({ $0 > 0x20 && $0 < 0x7F }), words[2].starts(with: Array("HTTP/".utf8))
        else { throw bad("the first line is not 'GET \(offer.path) HTTP/1.1'") }
        guard words[2].elementsEqual("HTTP/1.1".utf8) else {
            throw UpgradeRefusal(status: .versionNotSupported, reason: "only HTTP/1.1 is spoken here")
        }
        guard words[0].elementsEqual("GET".utf8) else {
            throw UpgradeRefusal(status: .methodNotAllowed, reason: "only GET can be upgraded to a WebSocket")
        }
        guard target(words[1]).elementsEqual(offer.path.utf8) else {
            throw UpgradeRefusal(status: .notFound, reason: "\(offer.name) is served on \(offer.path)")
        }
    }

    /// The path of a request's target, which may be a whole URL and have a query.
    private static func target(_ word: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = word
        for scheme in ["http://", "https://"] where rest.count > scheme.utf8.count {
            guard HTTPByte.areEqual(rest.prefix(scheme.utf8.count), scheme) else { continue }
            rest = rest.dropFirst(scheme.utf8.count).drop { $0 != UInt8(ascii: "/") }
            break
        }
        return rest.prefix { $0 != UInt8(ascii: "?") }
    }
}

/// The header fields that the handshake is about; all others are only looked at for their form.
private struct Fields {
    private let offer: WebSocketOffer
    var key: [UInt8] = []
    private var hostCount = 0
    private var keyCount = 0
    private var version: ArraySlice<UInt8>?
    private var isUpgrade = false
    private var isConnectionUpgrade = false
    /// Which of the offer's subprotocols the client offers, too.
    private var offered: Set<Int> = []
    private var hasBody = false

    init(_ offer: WebSocketOffer) { self.offer = offer }

    mutating func take(_ line: ArraySlice<UInt8>) throws(UpgradeRefusal) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy(HTTPByte.isToken)
        else { throw UpgradeRequest.bad("a header line is not 'Name: value'") }
        let name = line[..<colon]
        let value = HTTPByte.trimmed(line[(colon + 1)...])
        func isNamed(_ text: String) -> Bool { HTTPByte.areEqual(name, text) }
        if isNamed("Host") {
            hostCount += 1
        } else if isNamed("Upgrade") {
            isUpgrade = isUpgrade || HTTPByte.list(value, contains: "websocket", ignoringCase: true)
        } else if isNamed("Connection") {
            isConnectionUpgrade = isConnectionUpgrade || HTTPByte.list(value, contains: "upgrade", ignoringCase: true)
        } else if isNamed("Sec-WebSocket-Key") {
            keyCount += 1
            key = Array(value)
        } else if isNamed("Sec-WebSocket-Version") {
            guard version == nil else { throw UpgradeRequest.bad("Sec-WebSocket-Version comes twice") }
            version = value
        } else if isNamed("Sec-WebSocket-Protocol") {
            for (index, name) in offer.subprotocols.enumerated()
            where HTTPByte.list(value, contains: name, ignoringCase: false) { offered.insert(index) }
        } else if isNamed("Content-Length") {
            hasBody = hasBody || !value.elementsEqual("0".utf8)
        } else if isNamed("Transfer-Encoding") {
            hasBody = true
        }
    }

    /// - Returns: the subprotocol to speak.
    func check() throws(UpgradeRefusal) -> String {
        guard hostCount == 1 else { throw UpgradeRequest.bad("the header 'Host' must come once") }
        guard !hasBody else { throw UpgradeRequest.bad("the request has a body") }
        guard isUpgrade else {
            throw UpgradeRefusal(
                status: .upgradeRequired, reason: "only WebSocket is served here: 'Upgrade: websocket' is missing")
        }
        guard isConnectionUpgrade else { throw UpgradeRequest.bad("'Connection: Upgrade' is missing") }
        guard let version else { throw UpgradeRequest.bad("the header 'Sec-WebSocket-Version' is missing") }
        guard version.elementsEqual("13".utf8) else {
            throw UpgradeRefusal(status: .upgradeRequired, reason: "only version 13 of WebSocket is spoken here")
        }
        guard keyCount == 1, HTTPByte.isKey(key) else {
            throw UpgradeRequest.bad("the header 'Sec-WebSocket-Key' must come once, with 16 bytes in base 64")
        }
        guard let first = offered.min() else {
            let names = offer.subprotocols.map { "'\($0)'" }.joined(separator: " or ")
            throw UpgradeRequest.bad("'Sec-WebSocket-Protocol' does not offer \(names)")
        }
        return offer.subprotocols[first]
    }
}

/// Bytes as HTTP and WebSocket sort them.
enum HTTPByte {
    static let carriageReturn: UInt8 = 13
    static let lineFeed: UInt8 = 10
    static let space: UInt8 = 32

    /// Whether it may be in a head at all; no text has the others, so what has them is another protocol.
    static func isText(_ byte: UInt8) -> Bool {
        byte >= space && byte != 0x7F || byte == carriageReturn || byte == lineFeed || byte == 9
    }

    /// Whether it may be in a name (RFC 9110 §5.6.2).
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// Whether both are the same text, whatever the case of ASCII letters.
    static func areEqual(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
        bytes.count == text.utf8.count && zip(bytes, text.utf8).allSatisfy { lowercase($0) == lowercase($1) }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    /// Without spaces and tabs around it.
    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes
        while let first = rest.first, first == space || first == 9 { rest.removeFirst() }
        while let last = rest.last, last == space || last == 9 { rest.removeLast() }
        return rest
    }

    /// Whether a list with commas has an element.
    static func list(_ value: ArraySlice<UInt8>, contains word: String, ignoringCase: Bool) -> Bool {
        value.split(separator: UInt8(ascii: ",")).contains { element in
            let element = trimmed(element)
            return ignoringCase ? areEqual(element, word) : element.elementsEqual(word.utf8)
        }
    }

    /// Whether it is 16 bytes in base 64: 22 digits and the padding.
    static func isKey(_ bytes: [UInt8]) -> Bool {
        bytes.count == 24 && bytes.suffix(2).elementsEqual("==".utf8)
            && bytes.prefix(22).allSatisfy { byte in
                isToken(byte) && !"!#$%&'*-.^_`|~".utf8.contains(byte) || byte == UInt8(ascii: "/")
            }
    }
}
