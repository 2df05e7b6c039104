/// How severe a log line is, for parts that do not know where lines go.
package enum LogSeverity: String, Sendable {
    /// What an operator wants to know.
    case info
    /// What an operator should look at.
    case warning
    /// What is broken until somebody acts.
    case error
}

/// The part of a node that a log line is of.
package enum LogPart: String, CaseIterable, Sendable {
    /// Starting, stopping, the configuration.
    case node
    /// Listeners, and who is kept out.
    case network
    /// MQTT clients.
    case mqtt
    /// Kafka clients.
    case kafka
    /// HTTP clients.
    case http
    /// The log on disk.
    case log
    /// Bridges to other brokers.
    case bridges
    /// Devices, and their dead letters.
    case devices
}

/// Bounds the log lines of one cause: a burst, and then so many in a time. What a peer or a device repeats without end
/// does not fill the disk that the log is on.
///
/// Times are nanoseconds of a clock that never goes back.
/// Invariants: `0 <= room <= burst`.
package struct LineLimiter: Sendable {
    private let burst: Int
    private let nanosecondsPerLine: Int64
    private var room: Int
    private var refilledAt: Int64?
    private var leftOutCount = 0

    /// A limiter.
    /// - Parameters:
    ///   - burst: lines that are admitted at once.
    ///   - nanosecondsPerLine: how long it takes until there is room for another one.
    package init(burst: Int, nanosecondsPerLine: Int64) {
        precondition(burst > 0)
        precondition(nanosecondsPerLine > 0)
        self.burst = burst
        self.nanosecondsPerLine = nanosecondsPerLine
        room = burst
    }

    /// Whether a line is to be written; one that is not is counted.
    package mutating func admits(at now: Int64) -> Bool {
        refill(at: now)
        guard room > 0 else {
            leftOutCount += 1
            return false
        }
        room -= 1
        return true
    }

    /// How many lines were left out since the last call, once there is room to say so; 0 when there is nothing to say.
    package mutating func takeLeftOut(at now: Int64) -> Int {
        guard leftOutCount > 0 else { return 0 }
        refill(at: now)
        guard room > 0 else { return 0 }
        room -= 1
        defer { leftOutCount = 0 }
        return leftOutCount
    }

    private mutating func refill(at now: Int64) {
        guard let since = refilledAt else {
            refilledAt = now
            return
        }
        let lines = max(0, now - since) / nanosecondsPerLine
        guard lines > 0 else { return }
        room = Int(min(Int64(burst), Int64(room) + lines))
        refilledAt = since + lines * nanosecondsPerLine
    }
}
