import SluiceCore

/// A subscription that reads history: `$replay/<when>/<filter>` or `$stream/<name>[/<filter>]`.
struct ReplayRequest {
    /// The stream, or nil for all.
    var stream: String?
    /// The filter that topics must match; empty for every record of a stream, also of topics that begin with `$`.
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
        /// A property that looks like one of these and is none.
        var stranger: String?

        private static let names = ["stream-offset", "stream-until", "stream-speed"]

        /// Takes a user property, when it is one of a replay or was meant to be.
        mutating func take(_ name: String, _ value: String) {
            switch name {
            case "stream-offset": offset = value
            case "stream-until": until = value
            case "stream-speed": speed = value
            case _: if Self.isNear(name) { stranger = stranger ?? name }
            }
        }

        private static func isNear(_ name: String) -> Bool {
            let name = name.lowercased()
            return name.hasPrefix("stream-") || name.hasPrefix("stream_") || names.contains { isSlip(name, of: $0) }
        }

        /// Whether `word` is `other` with a few letters missing, added or wrong.
        private static func isSlip(_ word: String, of other: String) -> Bool { distance(word, other) <= 3 }

        private static func distance(_ word: String, _ other: String) -> Int {
            let (left, right) = (Array(word.utf8), Array(other.utf8))
            guard left.count <= 2 * right.count else { return .max }
            var last = Array(0...right.count)
            for (row, letter) in left.enumerated() {
                var current = [row + 1]
                for (column, expected) in right.enumerated() {
                    let replaced = last[column] + (letter == expected ? 0 : 1)
                    current.append(min(replaced, last[column + 1] + 1, current[column] + 1))
                }
                last = current
            }
            return last[right.count]
        }

        /// Why these options cannot go with a filter that asks for history.
        func fault(with filter: [UInt8]) -> String? {
            guard ReplayRequest.asksForHistory(filter) else { return nil }
            if let stranger {
                let nearest = Self.names.min { Self.distance(stranger, $0) < Self.distance(stranger, $1) } ?? ""
                return "'\(stranger)' is no property of a replay; did you mean '\(nearest)'? "
                    + "There are \(Self.names.joined(separator: ", "))"
            }
            guard offset != nil, filter.starts(with: "$replay/".utf8) else { return nil }
            return "$replay/WHEN/FILTER has its position in the filter; stream-offset goes with $stream/NAME"
        }

        /// What is to be said of them when no filter asks for history.
        var remark: String? {
            guard offset != nil || until != nil || speed != nil else { return nil }
            return
                "stream-offset, stream-until and stream-speed mean nothing without $stream/NAME or $replay/WHEN/…"
        }
    }

    /// Whether a filter is one of a replay, or of a consumer group.
    static func asksForHistory(_ filter: [UInt8]) -> Bool {
        let levels = filter.split(separator: UInt8(ascii: "/"), maxSplits: 3, omittingEmptySubsequences: false)
        let inner = levels[0].elementsEqual("$share".utf8) && levels.count > 2 ? levels[2] : levels[0]
        return inner.elementsEqual("$replay".utf8) || inner.elementsEqual("$stream".utf8)
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
            request = ReplayRequest(stream: second, filter: inner, position: position)
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
        assert(bounds != nil || speed != nil, "a course is an end, a pace, or both")
        assert(speed.map { $0 > 0 } ?? true)
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
