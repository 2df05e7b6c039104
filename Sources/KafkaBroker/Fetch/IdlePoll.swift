import KafkaWire
import LogInterface
import SluiceCore

/// A fetch that was answered with nothing, kept for the client to send it again, as consumers at the end of their
/// partitions do for as long as nothing comes.
///
/// The same bytes mean the same request, and while its partitions are as they were they have the same answer: neither
/// is decoded nor encoded again. Only its number, and the epoch within a fetch session, go on.
/// Invariant: nothing was found, and no partition had a fault.
/// Complexity: O(bytes + partitions) for each request, without an allocation for them.
/// Isolation: its loop's.
final class IdlePoll {
    let fetch: PendingFetch
    /// The request without its frame's length.
    private let request: [UInt8]
    /// Where the session's epoch is in it; nil without a session.
    private let epochOffset: Int?
    /// The answer with its frame's length.
    private var answer: [UInt8]
    /// For as long as this is so, the answer is true.
    let state: PollState

    /// Bytes of a request that is kept; a larger one is worth its decoding.
    static let requestBytesMax = 4096

    init(_ fetch: PendingFetch, _ request: [UInt8], epochOffset: Int?, answer: [UInt8], _ state: PollState) {
        assert(request.count <= Self.requestBytesMax && (epochOffset ?? 0) + 4 <= request.count)
        assert(fetch.byteCount == 0 && !fetch.hasFault, "only what found nothing is repeated")
        self.fetch = fetch
        self.request = request
        self.epochOffset = epochOffset
        self.answer = answer
        self.state = state
    }

    /// Bytes of memory that it takes.
    var byteCount: Int { request.count + answer.count + state.bounds.count * MemoryLayout<PartitionBounds>.stride }

    /// Whether a request is the same again, but for its number.
    func isRepeated(by frame: Span<UInt8>) -> Bool {
        guard frame.count == request.count else { return false }
        for index in 0..<4 where frame[index] != request[index] { return false }
        guard let epochOffset else { return isEqual(frame, 8..<frame.count) }
        return isEqual(frame, 8..<epochOffset) && isEqual(frame, epochOffset + 4..<frame.count)
            && Self.int32(frame, at: epochOffset) == fetch.session?.epoch
    }

    private static func int32(_ bytes: Span<UInt8>, at offset: Int) -> Int32 {
        (0..<4).reduce(0) { $0 << 8 | Int32(bytes[offset + $1]) }
    }

    private func isEqual(_ frame: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for index in range where frame[index] != request[index] { return false }
        return true
    }

    /// The answer to the request with a number.
    func answer(to correlationID: Int32) -> [UInt8] {
        for index in 0..<4 { answer[4 + index] = UInt8(truncatingIfNeeded: correlationID >> (24 - 8 * index)) }
        return answer
    }
}

/// What the answer to a fetch that finds nothing depends on, as it was.
struct PollState {
    /// The number of the catalogue's state.
    let generation: UInt64
    /// The bounds of its partitions, in their order.
    let bounds: [PartitionBounds]
    /// Where the first open transaction of each begins; empty for a client that does not ask.
    let open: [Offset?]
}

extension KafkaShard {
    /// Begins a request if it is its connection's last fetch again.
    /// - Returns: whether it is; if not, it is to be read.
    func repeatPoll(_ frame: Span<UInt8>, _ prefix: KafkaRequestPrefix, _ connection: KafkaConnection) -> Bool {
        guard let poll = connection.idlePoll, poll.isRepeated(by: frame) else { return false }
        followTopics()
        // What came before the loop was to be woken shows in the bounds.
        _ = beginWakes()
        guard !poll.fetch.isParked, isCurrent(poll) else { return false }
        let call = KafkaCall(connection, prefix, .fetch, clientID: connection.clientID)
        connection.begin(call)
        poll.fetch.session?.advance()
        poll.fetch.begin(call, now: now)
        wait(poll.fetch)
        return true
    }

    /// Answers a fetch whose time is over as it was answered before.
    /// - Returns: whether that answer is still true.
    func answerAgain(_ fetch: PendingFetch) -> Bool {
        let connection = fetch.call.connection
        guard let poll = connection.idlePoll, poll.fetch === fetch, isCurrent(poll) else { return false }
        connection.fetches.removeAll { $0 === fetch }
        answer(fetch.call, poll.answer(to: fetch.call.correlationID))
        return true
    }

    /// Keeps a fetch that was answered with nothing, for the client to send it again.
    func keepPoll(_ fetch: PendingFetch, _ response: FetchResponse) {
        let connection = fetch.call.connection
        connection.idlePoll = nil
        // A session's answer has what is new, which it is only once.
        guard let request = fetch.keptRequest, fetch.session == nil || response.responses.isEmpty else { return }
        let state = pollState(of: fetch)
        do throws(KafkaWireError) {
            try writer.writeFrame(response, correlationID: fetch.call.correlationID, version: fetch.call.version)
        } catch { return writer.removeAll() }
        connection.idlePoll = IdlePoll(
            fetch, request.bytes, epochOffset: request.epochOffset, answer: writer.buffer.bytes.copied, state)
        writer.removeAll()
    }

    private func pollState(of fetch: PendingFetch) -> PollState {
        let open = fetch.readsCommitted ? fetch.parts.map { openStart($0) } : []
        return PollState(
            generation: topicGeneration, bounds: fetch.parts.compactMap(\.partition).map { log.bounds($0) }, open: open)
    }

    /// Whether a poll has the answer that it had.
    private func isCurrent(_ poll: IdlePoll) -> Bool {
        let fetch = poll.fetch
        let state = poll.state
        guard state.generation == topicGeneration,
            fetch.session == nil || fetch.session === fetch.call.connection.fetchSession
        else { return false }
        for (index, part) in fetch.parts.enumerated() {
            guard let partition = part.partition, log.bounds(partition) == state.bounds[index] else { return false }
            if fetch.readsCommitted, openStart(part) != state.open[index] { return false }
        }
        return true
    }
}
