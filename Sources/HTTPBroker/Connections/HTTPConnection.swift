import HTTPWire
package import SluiceCore
package import Speaking

extension Conversation {
    /// HTTP/1.1.
    package static let http = Conversation(rawValue: "http")
}

/// One client's connection: requests in, one after the other, and their answers.
///
/// Isolation: its loop's.
package final class HTTPConnection: Speaker {
    /// What its socket is to be sent.
    package var outputQueue = OutputQueue()
    unowned let shard: HTTPShard
    private weak var link: (any ConnectionLink)?
    let peer: PeerIdentity
    private var state = State.head
    private var scannedByteCount = 0
    private var head: RequestHead?
    private var body: BodyReader?
    /// The request that is being answered.
    private(set) var exchange: Exchange?
    /// Who its last request was from.
    var session: LocalSession?
    /// Whether it is done with the connection.
    package private(set) var isClosing = false
    private var isGone = false
    /// Whether it is on the shard's list of connections with output.
    var isDirty = false
    /// Whether bytes of another request have come while one is answered.
    private var hasLeftBytes = false
    private var accountedByteCount = 0
    private var keptByteCount = 0
    private var patience: RequestPatience
    /// How slowly it may take its output.
    private var answerPatience = AnswerPatience()
    /// Bytes that its socket has taken.
    private var sentByteCount = 0

    private enum State {
        case head
        case body
        case exchange
        /// Its last answer is on its way: the rest goes as fast as it is taken, and nothing is read any more.
        case ending
    }

    /// Bytes that may wait for the socket before an answer in pieces waits.
    static let outputByteCountMax = 256 << 10

    init(_ shard: HTTPShard, _ link: any ConnectionLink, _ peer: PeerIdentity) {
        self.shard = shard
        self.link = link
        self.peer = peer
        patience = RequestPatience(now: shard.now)
    }

    var now: Int64 { shard.now }
    var isDraining: Bool { shard.isDraining }
    /// What log lines call it.
    package var label: LogWords { "an HTTP client at \(peer.address, as: .address)" }
    /// Nobody knows how long a head is.
    package var wantedByteCount: Int { 0 }

    /// Whether its socket is to be left unread: it has a request under way and has sent more behind it, or it does not
    /// read its answers, or the log or the account of memory is under pressure.
    package var mustWait: Bool {
        hasLeftBytes || state == .ending || outputQueue.count > 2 * Self.outputByteCountMax
            || state != .exchange && shard.isUnderPressure
    }

    // MARK: Receiving

    /// See `Speaker`.
    package func received(_ bytes: Span<UInt8>) -> Int {
        var offset = 0
        do throws(HTTPFault) {
            while offset < bytes.count, !isClosing {
                let rest = bytes.extracting(offset..<bytes.count)
                switch state {
                case .head:
                    // Some clients send an empty line behind a body (RFC 9112 §2.2).
                    if rest.count >= 2, rest[0] == 0x0D, rest[1] == 0x0A {
                        scannedByteCount = 0
                        offset += 2
                        continue
                    }
                    guard let end = try RequestHead.end(in: rest, scanned: &scannedByteCount) else {
                        patience.began(.head, now: now)
                        return offset
                    }
                    scannedByteCount = 0
                    try begin(try RequestHead(rest.extracting(0..<end)))
                    offset += end
                case .body:
                    let byteCount = try body?.take(rest) ?? 0
                    patience.took(byteCount)
                    offset += byteCount
                    account()
                    if body?.isOver == true { complete() }
                case .exchange:
                    hasLeftBytes = true
                    return offset
                case .ending: return bytes.count
                }
            }
        } catch {
            refuse(error)
        }
        return bytes.count
    }

    private func begin(_ head: RequestHead) throws(HTTPFault) {
        assert(exchange == nil)
        let body = try BodyReader(head.framing, byteCountMax: shard.bodyByteCountMax(of: head))
        guard head.framing == .none || !shard.isUnderPressure else {
            throw HTTPFault(.unavailable, "clients hold as much memory as they may")
        }
        self.head = head
        let isOver = body.isOver
        self.body = consume body
        state = .body
        if isOver { return complete() }
        patience.began(.body(byteCount: 0), now: now)
        guard head.expectsContinue else { return }
        ResponseHead(.continue, framing: .none, keepsAlive: true).write(to: &outputQueue.bytes)
        markDirty()
    }

    private func complete() {
        guard let head, let reader = body.take() else { preconditionFailure("Cannot complete what has not begun") }
        self.head = nil
        state = .exchange
        patience.began(.answer, now: now)
        let exchange = Exchange(head, Array(copying: reader.body.bytes), on: self)
        self.exchange = exchange
        shard.handle(exchange, of: self)
    }

    /// Answers what is no request, and closes: where the next one begins nobody knows.
    private func refuse(_ fault: HTTPFault) {
        shard.refused(fault, on: self)
        var response = ResponseHead(fault.status, framing: .length(fault.words.utf8.count + 1), keepsAlive: false)
        response.fields = [("Content-Type", "text/plain; charset=utf-8")]
        response.write(to: &outputQueue.bytes)
        outputQueue.bytes.append(utf8: "\(fault.words)\n")
        close()
    }

    /// Ends a connection that came though it may not.
    func turnAway(_ words: String) { refuse(HTTPFault(.unavailable, words)) }

    /// The answer is complete.
    func finished(keepsAlive: Bool) {
        markDirty()
        exchange = nil
        account()
        guard keepsAlive else {
            state = .ending
            link?.pause()
            return
        }
        state = .head
        guard hasLeftBytes else { return }
        hasLeftBytes = false
        shard.continueReading(self)
    }

    /// Reads on behind a request that is answered.
    func readOn() {
        guard !isGone, !isClosing else { return }
        link?.resume()
    }

    // MARK: Sending

    /// Whether more of an answer in pieces should be written. Where memory is scarce nothing is written behind what
    /// waits: thousands that do not read would hold what all clients may.
    var hasRoom: Bool {
        outputQueue.isEmpty || outputQueue.count < Self.outputByteCountMax && !shard.isMemoryScarce
    }

    func markDirty() { shard.markDirty(self) }

    /// Sends what there is.
    func flush() {
        guard !isGone else { return }
        link?.flush()
        account()
        endWhenTaken()
    }

    /// See `Speaker`.
    package func sent(_ byteCount: Int, isBehind: Bool) {
        sentByteCount += byteCount
        if isBehind { answerPatience.waits() } else { rest() }
        if let exchange, exchange.hasRoomAgain() { shard.hasRoom(exchange) }
    }

    /// See `Speaker`.
    package func drained() {
        rest()
        account()
        if let exchange, exchange.hasRoomAgain() { shard.hasRoom(exchange) }
        endWhenTaken()
    }

    /// The socket has taken all there was: the time until the next request counts from here.
    private func rest() {
        answerPatience.rests()
        if state == .head, patience.phase == .answer { patience.began(.idle, now: now) }
    }

    /// Ends a connection whose last answer has gone.
    private func endWhenTaken() {
        if state == .ending, outputQueue.isEmpty, !answerPatience.isWaiting { close() }
    }

    // MARK: Memory

    /// See `Speaker`.
    package func kept(byteCount: Int) {
        keptByteCount = byteCount
        account()
    }

    /// Tells the account of memory what it holds, where that has changed.
    func account() {
        let held =
            isGone
            ? 0 : keptByteCount + outputQueue.heldByteCount + (body?.body.capacity ?? 0) + (exchange?.body.count ?? 0)
        guard held != accountedByteCount else { return }
        shard.account(held - accountedByteCount)
        accountedByteCount = held
    }

    // MARK: Ends

    /// Twice a second: nobody may take for ever to say or to hear something.
    func elapsed() {
        guard !isClosing else { return }
        let tooFew = answerPatience.elapsed(now: now) { sentByteCount - (link?.unacknowledgedByteCount ?? 0) }
        if let tooFew { return drop(Self.words(ofSlowReader: tooFew)) }
        switch patience.elapsed(now: now) {
        case .go: break
        case .idle: close()
        case .late(let words): refuse(HTTPFault(.requestTimeout, words))
        }
    }

    private static func words(ofSlowReader count: Int) -> String {
        count <= 0
            ? "does not read its answer"
            : "takes its answer with fewer than \(AnswerPatience.byteCountMin) bytes in 30 seconds"
    }

    private func drop(_ cause: String) {
        shard.reportFailure(.httpClientClosed, "\(label) \(cause, as: .reason), and is closed")
        outputQueue.reset(keeping: 0)
        close()
    }

    /// Ends it, behind what is written.
    func close() {
        guard !isClosing else { return }
        isClosing = true
        exchange?.lost()
        exchange = nil
        link?.close()
        leave()
    }

    /// See `Speaker`.
    package func disconnected() {
        isClosing = true
        exchange?.lost()
        exchange = nil
        leave()
    }

    private func leave() {
        guard !isGone else { return }
        isGone = true
        account()
        session?.end()
        session = nil
        shard.left(self)
    }
}
