import SluiceCore

/// A subscription that reads history: `$replay/<when>/<filter>` or `$stream/<name>[/<filter>]`.
struct ReplayRequest {
    /// The stream, or nil for all.
    var stream: String?
    /// The filter that topics must match.
    var filter: [UInt8]
    /// Where to start.
    var position: ReplayPosition
    /// Where to stop: before that record; nil goes on with what comes.
    var until: ReplayPosition?
    /// How many times faster than it was published; nil for as fast as it goes.
    var speed: Double?
    /// Where a stored session was.
    var positions: Positions?
    /// Where a stored session's replay ends.
    var bounds: ReplayBounds?

    /// What a SUBSCRIBE says in user properties, as text.
    struct Options: Equatable {
        /// `stream-offset`
        var offset: String?
        /// `stream-until`
        var until: String?
        /// `stream-speed`
        var speed: String?
    }

    enum Parsed {
        /// Not a replay.
        case ordinary
        case replay(ReplayRequest)
        /// A replay that cannot be, and why.
        case refused(String)

        /// Whether it asks for history.
        var isReplay: Bool {
            switch self {
            case .replay, .refused: true
            case .ordinary: false
            }
        }
    }

    /// Reads a filter and its options.
    static func parse(_ filter: [UInt8], _ options: Options, now: Timestamp) -> Parsed {
        let levels = filter.split(separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
        let isReplay = levels[0].elementsEqual("$replay".utf8)
        guard isReplay || levels[0].elementsEqual("$stream".utf8) else { return .ordinary }
        guard levels.count > 1, !levels[1].isEmpty else {
            return .refused(isReplay ? "expected $replay/WHEN/FILTER" : "expected $stream/NAME or $stream/NAME/FILTER")
        }
        let inner = levels.count > 2 ? Array(levels[2]) : []
        let second = String(decoding: levels[1], as: UTF8.self)
        var request: ReplayRequest
        if isReplay {
            guard !inner.isEmpty else { return .refused("expected $replay/WHEN/FILTER") }
            guard let position = ReplayPosition(second, now: now) else {
                return .refused("'\(second)' is no position: \(ReplayPosition.expectation)")
            }
            if case .offset = position { return .refused("$replay/ takes a time; an offset belongs to one $stream/") }
            request = ReplayRequest(stream: nil, filter: inner, position: position)
        } else {
            let text = options.offset ?? "latest"
            guard let position = ReplayPosition(text, now: now) else {
                return .refused("stream-offset '\(text)' is no position: \(ReplayPosition.expectation)")
            }
            request = ReplayRequest(
                stream: second, filter: inner.isEmpty ? [UInt8(ascii: "#")] : inner, position: position)
        }
        return request.take(options, now: now).map { .refused($0) } ?? .replay(request)
    }

    /// Takes in where to stop and how fast to go.
    /// - Returns: what is wrong with them.
    private mutating func take(_ options: Options, now: Timestamp) -> String? {
        if let text = options.until {
            guard let until = ReplayPosition(text, now: now), until != .committed else {
                return "stream-until '\(text)' is no position: \(ReplayPosition.expectation)"
            }
            if case .offset = until, stream == nil { return "an offset belongs to one $stream/" }
            self.until = until
        }
        guard let text = options.speed, text != "max" else { return nil }
        guard text.last == "x", let speed = Double(text.dropLast()), speed > 0, speed <= 1_000_000 else {
            return "stream-speed '\(text)' is no speed: expected max, or a factor such as 1x, 0.5x or 10x"
        }
        self.speed = speed
        return nil
    }
}

/// Where a replay ends.
enum ReplayBounds: Equatable, Sendable {
    /// Before the first record of this time or later.
    case time(Timestamp)
    /// Before these offsets, by partition number of the node; elsewhere it has nothing to read.
    case offsets([PartitionID: Offset])
}

/// The end and the pace of one replay.
///
/// Isolation: one shard's.
final class ReplayCourse {
    let bounds: ReplayBounds?
    private let speed: Double?
    /// What the end marker is published to.
    let endTopic: [UInt8]
    /// Partitions that are not at their ends yet.
    var open: Set<PartitionID> = []
    /// How many records it has delivered.
    var deliveredCount = 0
    /// When the first record was delivered, by the monotonic clock, and what its time was.
    private var start: (now: Int64, time: Timestamp)?

    init(bounds: ReplayBounds?, speed: Double?, endTopic: [UInt8]) {
        self.bounds = bounds
        self.speed = speed
        self.endTopic = endTopic
    }

    /// Whether it goes at a pace.
    var isPaced: Bool { speed != nil }

    /// Whether a record lies at the end or behind it.
    func isBeyond(_ partition: PartitionID, _ offset: Offset, _ time: Timestamp) -> Bool {
        switch bounds {
        case nil: false
        case .time(let end)?: time >= end
        case .offsets(let ends)?: offset >= ends[partition] ?? .zero
        }
    }

    /// Whether nothing of a partition is left when everything before `offset` was read.
    func isOver(_ partition: PartitionID, readTo offset: Offset, now: Timestamp) -> Bool {
        switch bounds {
        case nil: false
        case .time(let end)?: now >= end
        case .offsets(let ends)?: offset >= ends[partition] ?? .zero
        }
    }

    /// Whether a record's time has come.
    func isDue(_ time: Timestamp, now: Int64) -> Bool {
        guard let speed else { return true }
        guard let start else {
            self.start = (now, time)
            return true
        }
        let elapsed = Double(time.rawValue - start.time.rawValue) * 1_000_000 / speed
        return Double(now - start.now) >= elapsed
    }
}
