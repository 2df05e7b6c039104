import HTTPWire
import SluiceCore

/// Answers to a request to become a WebSocket.
enum UpgradeReply {
    /// From here on both sides speak WebSocket.
    static func accept(_ request: UpgradeRequest, into reply: inout ByteBuffer) {
        reply.append(utf8: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        reply.append(utf8: "Sec-WebSocket-Accept: \(String(decoding: request.accept, as: UTF8.self))\r\n")
        reply.append(utf8: "Sec-WebSocket-Protocol: \(request.subprotocol)\r\n\r\n")
    }

    /// Nothing follows this.
    static func refuse(_ refusal: UpgradeRefusal, into reply: inout ByteBuffer) {
        let headers =
            switch refusal.status {
            case .methodNotAllowed: "Allow: GET\r\n"
            case .upgradeRequired: "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            case _: ""
            }
        let (status, phrase) = (refusal.status.rawValue, refusal.status.phrase)
        // RFC 9110 §7.8: an Upgrade field needs its mention in Connection.
        let connection = refusal.status == .upgradeRequired ? "close, Upgrade" : "close"
        let body = refusal.reason + "\n"
        reply.append(utf8: "HTTP/1.1 \(status) \(phrase)\r\nConnection: \(connection)\r\n\(headers)")
        reply.append(utf8: "Content-Type: text/plain; charset=utf-8\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
        reply.append(utf8: body)
    }
}
