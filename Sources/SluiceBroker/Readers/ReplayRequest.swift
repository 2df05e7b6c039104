import SluiceCore

/// A subscription that reads history: `$replay/<when>/<filter>` or `$stream/<name>[/<filter>]`.
struct ReplayRequest {
    /// The stream, or nil for all.
    var stream: String?
    /// The filter that topics must match.
    var filter: [UInt8]
    /// Where to start.
    var position: ReplayPosition
    /// Where a stored session was.
    var positions: Positions?

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

    static func parse(_ filter: [UInt8], position: String?, now: Timestamp) -> Parsed {
        let levels = filter.split(separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
        let isReplay = levels[0].elementsEqual("$replay".utf8)
        guard isReplay || levels[0].elementsEqual("$stream".utf8) else { return .ordinary }
        guard levels.count > 1, !levels[1].isEmpty else {
            return .refused(isReplay ? "expected $replay/WHEN/FILTER" : "expected $stream/NAME or $stream/NAME/FILTER")
        }
        let inner = levels.count > 2 ? Array(levels[2]) : []
        let second = String(decoding: levels[1], as: UTF8.self)
        if isReplay {
            guard !inner.isEmpty else { return .refused("expected $replay/WHEN/FILTER") }
            guard let position = ReplayPosition(second, now: now) else {
                return .refused("'\(second)' is no position: \(ReplayPosition.expectation)")
            }
            if case .offset = position { return .refused("$replay/ takes a time; an offset belongs to one $stream/") }
            return .replay(ReplayRequest(stream: nil, filter: inner, position: position))
        }
        let text = position ?? "latest"
        guard let position = ReplayPosition(text, now: now) else {
            return .refused("stream-offset '\(text)' is no position: \(ReplayPosition.expectation)")
        }
        return .replay(
            ReplayRequest(stream: second, filter: inner.isEmpty ? [UInt8(ascii: "#")] : inner, position: position))
    }
}
