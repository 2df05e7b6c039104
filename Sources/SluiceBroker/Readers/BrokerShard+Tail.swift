import LogInterface
import MQTTWire
import SluiceCore

/// Tails: readers whose records go to somebody who is no client, such as a response that streams.
extension BrokerShard {
    /// Opens a tail: durable records that a request asks for, each partition's in order, history first and then what
    /// comes, with neither gap nor repeat between them.
    /// - Returns: what to close it with, or why there is none.
    func openTail(_ sink: any DeliverySink, _ request: ReplayRequest) -> Tail {
        followStreams()
        let candidates = streams.readable.filter { request.stream == nil || $0.settings.name == request.stream }
        guard let first = candidates.first else { return .refused("there is no stream '\(request.stream ?? "")'") }
        if let fault = fault(of: request.position, in: first) { return .refused(fault) }
        let reader = Reader(sink: sink, kind: .replay)
        let subscription = Subscription(
            client: nil, filter: request.filter, matched: request.filter,
            options: SubscriptionOptions(qos: .exactlyOnce, retainAsPublished: true), identifier: nil, reader: reader)
        // The scan's interest first: from then on the tail keeps what the cursors have not reached.
        insert(subscription)
        if request.position == .latest { subscription.since = startOfNews(reader) }
        for stream in candidates { start(reader, stream, request.position) }
        excludeOthers(reader, candidates)
        assert(reader.course == nil && !reader.isClosed)
        queue(reader)
        return .open(subscription)
    }

    /// What became of a request for a tail.
    enum Tail {
        /// It is open until `closeTail`.
        case open(Subscription)
        /// There is none, for this reason.
        case refused(String)
    }

    /// Ends a tail: nothing more is given to its sink.
    func closeTail(_ subscription: Subscription) {
        assert(subscription.client == nil)
        let reader = subscription.reader
        reader.isClosed = true
        remove(subscription)
        release(alone: reader)
    }

    /// A tail's sink takes more than before.
    func tailDrained(_ subscription: Subscription) {
        guard !subscription.reader.isClosed, !subscription.reader.isLive else { return }
        queue(subscription.reader)
    }
}
