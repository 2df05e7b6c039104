/// How fast a bridge that reads history hands it over: so much a second, and besides as much as is new meanwhile, so
/// that what is behind becomes less at any rate of publishing, and what is published is not slowed.
///
/// An upstream acknowledges what it queues for its subscribers, and drops what it has no room for: no window of the
/// bridge can tell. Mosquitto queues 1,000 messages for each subscriber (`max_queued_messages`) and has 20 on their way
/// to it (`max_inflight_messages`). At 1,000 a second a subscriber keeps up whose acknowledgements take up to 20 ms,
/// and one that stands still for a second finds everything in its queue. Source: ADR 0020.
/// Isolation: a value with one owner. Times are nanoseconds of a clock that never goes back.
package struct CatchUpPace: Sendable {
    /// Messages of history a second, unless `rate` says otherwise.
    package static let messagesPerSecond = 1000
    private static let rate = Double(messagesPerSecond)
    /// Messages that may go at once after a while without any.
    private static let burst = rate / 10
    /// What is new and has not gone, at most: what an upstream queues.
    private static let newsMax = 1000.0

    private var history = burst
    private var news = 0.0
    private var filledAt: Int64

    /// A pace that begins now.
    package init(now: Int64) { filledAt = now }

    /// Time has passed, in which about `newCount` messages were published.
    package mutating func elapsed(now: Int64, newCount: Double) {
        history = min(Self.burst, history + Self.rate * Double(max(0, now - filledAt)) / 1e9)
        filledAt = max(filledAt, now)
        news = min(max(Self.newsMax, newCount), news + newCount)
    }

    /// A message was handed over.
    package mutating func took() { if news >= 1 { news -= 1 } else { history -= 1 } }

    /// When the next message may go, if nothing is published until then; nil for now.
    package var due: Int64? {
        news >= 1 || history >= 1 ? nil : filledAt + Int64((1 - history) / Self.rate * 1e9) + 1
    }
}
