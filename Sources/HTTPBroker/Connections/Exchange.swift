import Administration
import Checksums
import HTTPWire
import SluiceCore
import Speaking

/// A request and the answer to it.
///
/// Whoever handles the request answers at once, later, or piece by piece; what comes for a connection that is gone goes
/// nowhere.
/// Isolation: its loop's thread.
final class Exchange {
    /// The request's head.
    let head: RequestHead
    /// The request's body.
    let body: [UInt8]
    /// Parts of the path that the route has names for.
    var captures: [String: String] = [:]
    private weak var connection: HTTPConnection?
    /// Who asks; set before the handler is called, but for what everybody may have.
    var session: LocalSession?
    private(set) var phase = Phase.waiting
    private var framing = ResponseHead.Framing.none
    /// Whether something was written that left no room: whoever writes may wait for it.
    private(set) var isFull = false
    /// Called when there is room again.
    var drained: (() -> Void)?
    /// Called when the connection is gone before the answer's end.
    var abandoned: (() -> Void)?
    /// When a byte was last written, by the loop's clock.
    private(set) var writtenAt: Int64 = 0

    /// How far the answer has come.
    enum Phase: Equatable {
        case waiting
        case body
        case over
    }

    init(_ head: RequestHead, _ body: [UInt8], on connection: HTTPConnection) {
        self.head = head
        self.body = body
        self.connection = connection
    }

    /// The other side of its connection.
    var peer: PeerIdentity { connection?.peer ?? Self.nobody }

    private static let nobody = PeerIdentity(
        address: "", listener: ListenerIdentity(name: "", conversation: .http))

    /// Whether nobody waits for the answer any more.
    var isOver: Bool { phase == .over || connection == nil }

    /// Bytes that wait for the socket.
    var pendingByteCount: Int { connection?.outputQueue.count ?? 0 }

    /// Whether more should be written now.
    var hasRoom: Bool { connection?.hasRoom ?? true }

    // MARK: Whole answers

    /// Answers with a document.
    /// - Parameter mayBeKept: whether browsers may keep it, and ask each time whether it is still the same.
    func respond(
        _ status: HTTPStatus, _ type: String, _ bytes: [UInt8], fields: [(name: String, value: String)] = [],
        mayBeKept: Bool = false
    ) {
        guard phase == .waiting, let connection else { return }
        var response = ResponseHead(
            status, framing: .length(bytes.count), keepsAlive: head.keepsAlive && !connection.isDraining)
        response.fields = [("Content-Type", type)] + fields + (mayBeKept ? Self.keeping : Self.safety)
        response.write(to: &connection.outputQueue.bytes)
        if head.method != "HEAD" { connection.outputQueue.bytes.append(bytes.span) }
        finish(keepsAlive: response.keepsAlive)
    }

    /// Answers with a JSON document.
    func respond(_ status: HTTPStatus = .ok, _ document: JSON, fields: [(name: String, value: String)] = []) {
        respond(status, "application/json", Array((document.compact + "\n").utf8), fields: fields)
    }

    /// Answers that there is nothing to say, or nothing new.
    func respond(empty status: HTTPStatus, fields: [(name: String, value: String)] = []) {
        guard phase == .waiting, let connection else { return }
        let hasNoBody = status == .noContent || status == .notModified
        var response = ResponseHead(
            status, framing: hasNoBody ? .none : .length(0), keepsAlive: head.keepsAlive && !connection.isDraining)
        response.fields = fields + Self.safety
        response.write(to: &connection.outputQueue.bytes)
        finish(keepsAlive: response.keepsAlive)
    }

    /// Answers why it is not done.
    ///
    /// Source: RFC 9457.
    func fail(_ fault: HTTPFault, fields: [(name: String, value: String)] = []) {
        let document = JSON.members([
            "type": .string("about:blank"), "title": .string(fault.status.phrase),
            "status": .integer(Int64(fault.status.rawValue)), "detail": .string(fault.words),
        ])
        respond(fault.status, "application/problem+json", Array((document.compact + "\n").utf8), fields: fields)
    }

    /// Answers why it is not done.
    func fail(_ status: HTTPStatus, _ words: String) { fail(HTTPFault(status, words)) }

    /// What browsers are told of every answer.
    private static let safety: [(name: String, value: String)] = [
        ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"),
    ]
    private static let keeping: [(name: String, value: String)] = [
        ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-cache"),
    ]

    // MARK: Answers in pieces

    /// Begins an answer whose length is not known.
    /// - Parameter isEndless: whether it goes on until somebody hangs up; then the connection's end is its own.
    func begin(_ type: String, isEndless: Bool, fields: [(name: String, value: String)] = []) {
        guard phase == .waiting, let connection else { return }
        // HTTP/1.0 knows no chunks.
        framing = isEndless || !head.isVersion11 ? .untilClosed : .chunked
        var response = ResponseHead(
            .ok, framing: framing, keepsAlive: framing == .chunked && head.keepsAlive && !connection.isDraining)
        response.fields = [("Content-Type", type)] + fields + Self.safety
        response.write(to: &connection.outputQueue.bytes)
        phase = .body
        writtenAt = connection.now
        connection.markDirty()
        if head.method == "HEAD" { end() }
    }

    /// Writes a piece.
    func write(_ bytes: Span<UInt8>) {
        guard phase == .body, let connection, !bytes.isEmpty else { return }
        if framing == .chunked {
            Chunk.append(bytes, to: &connection.outputQueue.bytes)
        } else {
            connection.outputQueue.bytes.append(bytes)
        }
        writtenAt = connection.now
        isFull = !hasRoom
        connection.account()
        connection.markDirty()
    }

    /// Whether more should be written now, if need be after the socket has taken what waits; else `drained` is called
    /// when it has.
    func makesRoom() -> Bool {
        if !hasRoom { connection?.flush() }
        isFull = !hasRoom
        return !isFull
    }

    /// The socket has taken something.
    /// - Returns: whether there is room that there was not.
    func hasRoomAgain() -> Bool {
        guard isFull, hasRoom else { return false }
        isFull = false
        return drained != nil
    }

    /// Writes a piece.
    func write(_ buffer: borrowing ByteBuffer) { write(buffer.bytes) }

    /// Ends an answer.
    /// - Parameter trailers: what is said behind it, where it has chunks.
    func end(trailers: [(name: String, value: String)] = []) {
        guard phase == .body, let connection else { return }
        if framing == .chunked, head.method != "HEAD" { Chunk.end(trailers, to: &connection.outputQueue.bytes) }
        finish(keepsAlive: framing == .chunked && head.keepsAlive && !connection.isDraining)
    }

    /// Breaks an answer off, so that its reader knows that it is not whole.
    func breakOff() {
        guard phase == .body, let connection else { return }
        phase = .over
        release()
        connection.finished(keepsAlive: false)
    }

    private func finish(keepsAlive: Bool) {
        phase = .over
        release()
        connection?.finished(keepsAlive: keepsAlive)
    }

    private func release() { (drained, abandoned) = (nil, nil) }

    /// The connection is gone.
    func lost() {
        guard phase != .over else { return }
        phase = .over
        let abandoned = abandoned
        release()
        abandoned?()
    }
}

extension Exchange {
    /// Answers with a document that has a tag of its own, or that nothing has changed since the client saw it.
    ///
    /// Source: RFC 9110 §8.8.3 and §13.1.2.
    func respondTagged(_ document: JSON) {
        let text = Array((document.compact + "\n").utf8)
        let tag = "\"\(String(XXH3.hash(text.span), radix: 16))\""
        guard head.method == "GET" || head.method == "HEAD" else {
            return respond(.ok, "application/json", text)
        }
        let known = head.field("if-none-match")?.split(separator: ",").map { $0.filter { $0 != " " } } ?? []
        guard !known.contains(tag), !known.contains("*") else {
            return respond(empty: .notModified, fields: [("ETag", tag)])
        }
        respond(.ok, "application/json", text, fields: [("ETag", tag)])
    }
}
