import Bridging
import SluiceCore

/// Messages that go in circles, where no mark can end them.
extension BridgeRunner {
    /// A pause in both ways, while `LoopWatch` looks whether a message comes all the same.
    struct Pause {
        var way: LoopWatch.Way
        var nanoseconds: Int64
        /// When it is over; nil until it has begun.
        var until: Int64?
    }

    /// How often what comes is looked at during a pause, in nanoseconds.
    private static let pauseTickNanoseconds: Int64 = 5_000_000
    /// Messages that a pause keeps back at most.
    private static let withheldMax = 4096
    /// From so many on an upstream may wait for acknowledgements: mosquitto does from 20 on.
    private static let stallMin = 10

    /// Whether nothing may leave: acknowledgements would go with it, of messages that are not stored.
    var isWithholding: Bool { !withheld.isEmpty || pause?.until != nil }

    /// When a pause wants to be looked at.
    var pauseDeadline: Int64? {
        guard let until = pause?.until else { return pause == nil ? nil : now }
        return min(until, now + Self.pauseTickNanoseconds)
    }

    /// A message passes, marked or not: another bridge may take the marks off each time.
    func watch(_ topic: [UInt8], _ payload: [UInt8], _ way: LoopWatch.Way, storedAt: Int64) {
        let digest = LoopWatch.digest(topic: topic.span, payload: payload.span)
        let whole = loops.wholeDigest(topic: topic.span, payload: payload.span)
        switch loops.passed(digest, whole: whole, way, storedAt: storedAt, now: now) {
        case .pass: return
        case .pause(let nanoseconds):
            guard pause == nil else { return }
            // What came with this message is stored first, and acknowledged.
            pause = Pause(way: way, nanoseconds: nanoseconds)
        case .loop(let count):
            found(topic, "the same message passed \(count) times, and only while this bridge passed it on")
        case .flood(let inCount, let outCount):
            found(
                topic,
                "the same message came \(inCount) times and left \(outCount) times; over MQTT 3.1.1 "
                    + "what is sent comes back"
            )
        }
    }

    private func found(_ topic: [UInt8], _ evidence: String) {
        totals.looped += 1
        isCheckpointDirty = true
        loopFound = "'\(String(decoding: topic, as: UTF8.self))' goes in circles: \(evidence)"
    }

    private func beginPause() {
        guard let nanoseconds = pause?.nanoseconds else { return }
        assert(heldUntil == nil, "a pause begins when nothing waits to be acknowledged")
        assert(withheld.isEmpty, "only a pause keeps messages back")
        pause?.until = now + nanoseconds
        loops.began(nanoseconds: nanoseconds, now: now)
    }

    /// Begins and ends pauses, and holds the bridge whose messages go round. Nothing waits to be durable now.
    func settleLoops() {
        if let loopFound { return hold(loopFound) }
        guard let current = pause else { return }
        guard let until = current.until else { return beginPause() }
        let isEarly = withheld.last.map { $0.at < until - current.nanoseconds / 2 } ?? false
        guard now >= until || withheld.count >= Self.withheldMax else { return }
        pause = nil
        loops.ended(
            isStalled: current.way == .in && isEarly && withheld.count >= Self.stallMin || now < until, now: now)
        let kept = withheld
        withheld = []
        for (message, time) in kept { accept(message, at: time) }
    }

    /// Keeps a message back until the pause is over.
    /// - Returns: false when there is none.
    func withhold(_ message: BridgeMessage) -> Bool {
        guard pause?.until != nil else { return false }
        assert(withheld.last.map { $0.at <= now } ?? true, "what is kept back stays in its order")
        withheld.append((message, now))
        return true
    }

    /// The bridge stays away until somebody lets it go on, also through a restart of the node.
    private func hold(_ reason: String) {
        loopFound = nil
        let failure = UpstreamFailure(.loop, reason)
        loop = failure
        isCheckpointDirty = true
        report(
            .bridgeHeld,
            "bridge \(settings.name, as: .bridge): held, \(failure, as: .reason). Take one of its ways out or let all "
                + "of them speak MQTT 5, then 'sluice bridges resume \(settings.name)'")
        perform(connection.pause())
    }

    /// A connection begins, or is gone: what was kept back comes again.
    func forgetLoops() {
        pause = nil
        withheld = []
        loopFound = nil
        loops.restart(now: now)
    }
}
