import GroupCoordination
import KafkaWire
import RecordFormat
package import SluiceCore
package import Speaking

/// One client's connection: frames in, and their answers out in the same order.
///
/// Requests are begun as they come, several at a time; one that must wait holds up the answers behind it, as it does in
/// Kafka. A connection with many requests that wait, or much that its socket has not taken, is left unread.
///
/// More than twenty stored properties: what a socket, requests, sessions and rights know of each other meets in it.
/// Isolation: its loop's.
package final class KafkaConnection: Speaker {
    /// What its socket is to be sent.
    package var outputQueue = OutputQueue()
    unowned let shard: KafkaShard
    private weak var link: (any ConnectionLink)?
    let peer: PeerIdentity
    /// What the client calls itself, as its last request said.
    var clientID: String?
    /// Who it is.
    let identity = KafkaIdentityState()
    private var calls = Ring<KafkaCall>()
    /// Bytes that its requests hold until they are answered.
    private var callByteCount = 0
    /// Bytes of memory that the connection keeps for a request that is half received.
    private(set) var keptByteCount = 0
    /// What the shard's account has of it.
    private var accountedByteCount = 0
    private var missingByteCount = 0
    /// Whether bytes were left because it had to wait.
    private var hasLeftBytes = false
    private(set) var isGone = false
    /// Whether it is done with the connection.
    package private(set) var isClosing = false
    /// What its client reads, if it has said so once for all.
    var fetchSession: FetchSession?
    /// Its fetches that wait.
    var fetches: [PendingFetch] = []
    /// What it has of share groups.
    var shares = ShareUse()

    /// What a connection has of share groups.
    struct ShareUse {
        /// Fetches that wait.
        var fetches: [PendingShareFetch] = []
        /// The sessions that were opened by it.
        var sessions: Set<ShareSessionID> = []
    }

    /// When it sent records last.
    var lastProduceTime = Int64.min / 2
    /// Its last fetch, if that found nothing.
    var idlePoll: IdlePoll?
    /// Why it ended, where it was not simply lost.
    private(set) var endCause: String?
    /// Whether it is on the shard's list of connections with output.
    var isDirty = false

    init(_ shard: KafkaShard, _ link: any ConnectionLink, _ peer: PeerIdentity) {
        self.shard = shard
        self.link = link
        self.peer = peer
        identity.activeAt = shard.now
    }

    /// A number that no other connection of the loop has while it is there.
    var number: UInt64 { UInt64(UInt(bitPattern: ObjectIdentifier(self))) }

    // MARK: The speaker

    /// What log lines call it.
    package var label: LogWords {
        "Kafka client '\(clientID ?? "", as: .client)' at \(peer.address, as: .address)"
    }

    /// At most a megabyte at a time: memory is taken as bytes come, not as they are announced.
    package var wantedByteCount: Int { min(missingByteCount, 1 << 20) }

    /// Whether as much of it is under way as may be.
    package var mustWait: Bool {
        shard.isDraining || calls.count >= KafkaBounds.callsMax || outputQueue.count >= KafkaBounds.outputBytesMax
            || callByteCount > 0 && shard.isUnderPressure
    }

    /// Takes the requests that are whole in `bytes`.
    package func received(_ bytes: Span<UInt8>) -> Int {
        var used = 0
        missingByteCount = 0
        hasLeftBytes = false
        while used < bytes.count, !isClosing {
            guard !mustWait else {
                hasLeftBytes = true
                break
            }
            let rest = bytes.extracting(used..<bytes.count)
            let byteCount: Int
            let isToken = identity.sasl?.isRaw == true
            // Before it is known who it is nobody has much to say.
            let limit = identity.principal == nil ? KafkaShard.tokenBytesMax + 1024 : KafkaBounds.requestBytesMax
            do throws(KafkaFrame.Fault) {
                guard let count = try KafkaFrame.byteCount(rest, limit: limit, isToken: isToken) else { break }
                byteCount = count + KafkaFrame.lengthByteCount
            } catch {
                fail("\(error)")
                break
            }
            guard rest.count >= byteCount else {
                missingByteCount = byteCount - rest.count
                break
            }
            let frame = rest.extracting(KafkaFrame.lengthByteCount..<byteCount)
            if isToken { shard.received(token: frame, from: self) } else { shard.received(frame, from: self) }
            used += byteCount
        }
        return isClosing ? bytes.count : used
    }

    /// Takes memory of a request that is half received into account.
    package func kept(byteCount: Int) {
        keptByteCount = byteCount
        account()
        shard.boundHalfRequests()
    }

    /// The socket took bytes.
    package func sent(_ byteCount: Int, isBehind: Bool) {
        if !isBehind { goOn() }
        account()
    }

    /// The socket took all that it had not taken before.
    package func drained() { goOn() }

    /// The connection is gone: nobody hears answers any more.
    package func disconnected() {
        isGone = true
        isClosing = true
        calls = Ring()
        callByteCount = 0
        keptByteCount = 0
        idlePoll = nil
        outputQueue.reset(keeping: 0)
        account()
        shard.disconnected(self)
    }

    // MARK: Calls

    /// A request begins.
    func begin(_ call: KafkaCall) {
        calls.append(call)
        // Who has not shown who it is has a time in all, and not one between two requests.
        if identity.principal != nil { identity.activeAt = shard.now }
    }

    /// A request holds so many bytes until it is answered.
    func hold(_ byteCount: Int, for call: KafkaCall) {
        call.heldByteCount += byteCount
        callByteCount += byteCount
        account()
    }

    /// Sends what is answered, up to the first request that is not.
    func advance() {
        guard !isGone else { return }
        while let call = calls.first, let answer = call.answer {
            _ = calls.popFirst()
            send(answer.bytes.span, answer.gaps, answer.records)
            callByteCount -= call.heldByteCount
        }
        account()
        shard.markDirty(self)
    }

    /// Whether nothing is unanswered before a call.
    func isNext(_ call: KafkaCall) -> Bool { calls.first === call }

    /// Puts an answer into the output, with the records that stand in its gaps.
    func send(_ bytes: Span<UInt8>, _ gaps: [KafkaGap], _ answer: [AnswerRecords]) {
        var start = 0
        for (gap, records) in zip(gaps, answer) {
            outputQueue.bytes.append(bytes.extracting(start..<gap.offset))
            start = gap.offset
            switch records {
            case .region(let region): outputQueue.append(region)
            case .batches(let batches): for batch in batches { outputQueue.bytes.append(batch.bytes) }
            }
        }
        outputQueue.bytes.append(bytes.extracting(start..<bytes.count))
    }

    /// Ends a connection on which nothing was asked for long, and one that has not shown who it is: its client opens
    /// another one when it has something to say, and hears of this by the end of the stream.
    func endIfIdle() {
        let limits = shard.settings.listenerLimits[peer.listener.name] ?? shard.settings.limits
        guard !isClosing else { return }
        if identity.principal == nil {
            guard shard.now - identity.activeAt > Int64(limits.connectSecondsMax) * 1_000_000_000 else { return }
            return fail(
                "it has not shown within \(limits.connectSecondsMax) s who it is ('limits: connect_timeout')")
        }
        guard calls.isEmpty, outputQueue.count == 0, shard.now - identity.activeAt > KafkaBounds.idleNanosecondsMax
        else { return }
        close()
    }

    /// Takes up reading again when nothing stands in the way any more.
    func goOn() {
        guard hasLeftBytes, !mustWait, !isClosing else { return }
        hasLeftBytes = false
        link?.resume()
    }

    /// Sends the output.
    func flush() { link?.flush() }

    /// Ends the connection, since what came cannot be answered; one line says why.
    func fail(_ reason: String) {
        guard !isClosing else { return }
        shard.reportFailure(.kafkaClientClosed, "\(label): closed: \(reason, as: .reason)")
        endCause = reason
        close()
    }

    /// Ends the connection, after its output.
    func close() {
        guard !isClosing else { return }
        isClosing = true
        link?.close()
    }

    private func account() {
        let held = keptByteCount + callByteCount + outputQueue.heldByteCount + (idlePoll?.byteCount ?? 0)
        shard.account(held - accountedByteCount)
        accountedByteCount = held
    }
}
