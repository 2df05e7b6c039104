import Cryptography
package import HTTPWire

/// Why a request to become a WebSocket is refused, as HTTP says it.
package struct UpgradeRefusal: Error, Equatable, Sendable {
    /// The answer's status.
    package let status: HTTPStatus
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
/// Source: RFC 6455 §4.2.1.
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
        let request: RequestHead
        do throws(HTTPFault) {
            request = try RequestHead(head.span)
        } catch {
            throw UpgradeRefusal(status: error.status, reason: error.words)
        }
        guard request.isVersion11 else {
            throw UpgradeRefusal(status: .versionNotSupported, reason: "only HTTP/1.1 is spoken here")
        }
        guard request.method == "GET" else {
            throw UpgradeRefusal(status: .methodNotAllowed, reason: "only GET can be upgraded to a WebSocket")
        }
        guard "/" + request.path.joined(separator: "/") == offer.path else {
            throw UpgradeRefusal(status: .notFound, reason: "\(offer.name) is served on \(offer.path)")
        }
        guard request.framing == .none else { throw Self.bad("the request has a body") }
        guard request.lists("upgrade", "websocket") else {
            throw UpgradeRefusal(
                status: .upgradeRequired, reason: "only WebSocket is served here: 'Upgrade: websocket' is missing")
        }
        guard request.lists("connection", "upgrade") else { throw Self.bad("'Connection: Upgrade' is missing") }
        let versions = request.fields.filter { $0.name == "sec-websocket-version" }
        guard versions.count == 1 else { throw Self.bad("the header 'Sec-WebSocket-Version' must come once") }
        guard versions[0].value == "13" else {
            throw UpgradeRefusal(status: .upgradeRequired, reason: "only version 13 of WebSocket is spoken here")
        }
        let keys = request.fields.filter { $0.name == "sec-websocket-key" }.map { Array($0.value.utf8) }
        guard keys.count == 1, Self.isKey(keys[0]) else {
            throw Self.bad("the header 'Sec-WebSocket-Key' must come once, with 16 bytes in base 64")
        }
        key = keys[0]
        let offered = request.elements(of: "sec-websocket-protocol")
        guard let first = offer.subprotocols.first(where: offered.contains) else {
            let names = offer.subprotocols.map { "'\($0)'" }.joined(separator: " or ")
            throw Self.bad("'Sec-WebSocket-Protocol' does not offer \(names)")
        }
        subprotocol = first
    }

    /// The value of `Sec-WebSocket-Accept` (RFC 6455 §4.2.2).
    package var accept: [UInt8] {
        Base64.encode(Digest.sha1(key + Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)))
    }

    static func bad(_ reason: String) -> UpgradeRefusal { UpgradeRefusal(status: .badRequest, reason: reason) }

    /// Whether it is 16 bytes in base 64: 22 digits and the padding.
    private static func isKey(_ bytes: [UInt8]) -> Bool {
        bytes.count == 24 && bytes.suffix(2).elementsEqual("==".utf8)
            && bytes.prefix(22).allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "/"): true
                case _: false
                }
            }
    }
}
