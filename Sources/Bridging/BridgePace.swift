/// How fast a bridge hands over: a bucket of tokens for messages and one for bytes, each with what a tenth of a second
/// may hold, so that an upstream with queues of its own is never given more at once.
///
/// Isolation: a value with one owner. Times are nanoseconds of a clock that never goes back.
package struct BridgePace: Sendable {
    private let messagesPerSecond: Double?
    private let bytesPerSecond: Double?
    private var messages: Double
    private var bytes: Double
    private var filledAt: Int64

    private static let burstSeconds = 0.1

    /// A pace of so much a second; nil for any.
    package init(messagesPerSecond: Int?, bytesPerSecond: Int?, now: Int64) {
        precondition(messagesPerSecond.map { $0 > 0 } ?? true)
        precondition(bytesPerSecond.map { $0 > 0 } ?? true)
        self.messagesPerSecond = messagesPerSecond.map(Double.init)
        self.bytesPerSecond = bytesPerSecond.map(Double.init)
        messages = Self.most(self.messagesPerSecond)
        bytes = Self.most(self.bytesPerSecond)
        filledAt = now
    }

    private static func most(_ rate: Double?) -> Double { max(1, (rate ?? 0) * burstSeconds) }

    /// Time has passed.
    package mutating func elapsed(now: Int64) {
        let seconds = Double(max(0, now - filledAt)) / 1e9
        filledAt = max(filledAt, now)
        if let rate = messagesPerSecond { messages = min(Self.most(rate), messages + rate * seconds) }
        if let rate = bytesPerSecond { bytes = min(Self.most(rate), bytes + rate * seconds) }
    }

    /// A message was handed over. One that is larger than the bucket leaves a debt.
    package mutating func took(byteCount: Int) {
        if messagesPerSecond != nil { messages -= 1 }
        if bytesPerSecond != nil { bytes -= Double(byteCount) }
    }

    /// When the next message may go; nil for now.
    package var due: Int64? {
        var wait = 0.0
        if let rate = messagesPerSecond, messages < 1 { wait = (1 - messages) / rate }
        if let rate = bytesPerSecond, bytes < 1 { wait = max(wait, (1 - bytes) / rate) }
        return wait > 0 ? filledAt + Int64(wait * 1e9) + 1 : nil
    }
}
