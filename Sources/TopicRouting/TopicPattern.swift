package import SluiceCore

/// A topic filter whose wildcards may have names: `sensors/{site}/+/{path...}`.
///
/// `{name}` matches what `+` matches, `{name...}` what `#` matches.
package struct TopicPattern: Equatable, Sendable {
    /// The pattern as it was written.
    package let text: String
    /// The names of the captures, from left to right.
    package let captureNames: [String]
    private let levels: [Level]

    /// What one level of the pattern asks of the topic.
    enum Level: Equatable, Sendable {
        /// These bytes exactly.
        case literal([UInt8])
        /// Any one level, as `+`; kept under `name` when there is one.
        case single(name: String?)
        /// This level and all below, or none, as `#`; kept under `name` when there is one.
        case rest(name: String?)
    }

    /// Where a pattern and a topic differ first.
    enum Difference: Error {
        /// The level at `index` holds the bytes at `found` instead.
        case level(index: Int, found: Range<Int>)
        /// The topic ends before the pattern's level at `levelIndex`.
        case topicShorter(levelIndex: Int)
        /// The topic goes on with `rest` after the pattern's last level.
        case topicLonger(rest: Range<Int>)
        /// The topic starts with `$`, the pattern with a wildcard.
        case systemTopic
    }

    /// Reads a pattern.
    /// - Throws: what is wrong, in the words of the person who wrote it.
    package init(_ text: String, limits: Limits = Limits()) throws(RuleError) {
        var levels: [Level] = []
        var names: [String] = []
        var filter: [UInt8] = []
        let parts = Array(text.utf8).split(separator: ASCII.slash, omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            let level = try Self.level(part, isLast: index == parts.count - 1)
            switch level {
            case .literal(let bytes): filter += bytes
            case .single(let name): filter.append(ASCII.plus); try Self.add(name, to: &names)
            case .rest(let name): filter.append(ASCII.hash); try Self.add(name, to: &names)
            }
            if index < parts.count - 1 { filter.append(ASCII.slash) }
            levels.append(level)
        }
        do throws(TopicSyntaxError) {
            try FilterSyntax.check(filter: filter.span, limits: limits)
        } catch {
            throw .pattern(text, error)
        }
        self.text = text
        self.levels = levels
        captureNames = names
    }

    /// The range of each capture in `topic`.
    /// - Throws: where the pattern does not match it, as cheap as a number; `explain` puts it into words.
    /// - Complexity: O(n); allocates the captures of a match only.
    func match(_ topic: Span<UInt8>) throws(Difference) -> [Range<Int>] {
        if topic.isEmpty { throw .topicShorter(levelIndex: 0) }
        if topic[0] == ASCII.dollar, startsWithWildcard { throw .systemTopic }
        var captures: [Range<Int>] = []
        // One past the end means that the topic has no further level; a trailing separator leaves an empty one.
        var start = 0
        for (index, level) in levels.enumerated() {
            if case .rest(let name) = level {
                if name != nil { captures.append(min(start, topic.count)..<topic.count) }
                return captures
            }
            if start > topic.count { throw .topicShorter(levelIndex: index) }
            let range = start..<FilterSyntax.levelEnd(in: topic, from: start)
            switch level {
            case .literal(let bytes):
                guard bytes.span.holdsSameBytes(as: topic.extracting(range)) else {
                    throw .level(index: index, found: range)
                }
            case .single(let name):
                if name != nil { captures.append(range) }
            case .rest: preconditionFailure("Cannot compare a level after the last")
            }
            start = range.upperBound + 1
        }
        if start <= topic.count { throw .topicLonger(rest: start..<topic.count) }
        return captures
    }

    /// Why `topic` is not matched, in words.
    func explain(_ difference: Difference, in topic: Span<UInt8>) -> TopicMismatch {
        switch difference {
        case .level(let index, let found):
            .level(index: index, expected: describe(levels[index]), found: String(copying: topic.extracting(found)))
        case .topicShorter(let index): .topicShorter(levelIndex: index, expected: describe(levels[index]))
        case .topicLonger(let rest):
            .topicLonger(patternLevelCount: levels.count, found: String(copying: topic.extracting(rest)))
        case .systemTopic: .systemTopic
        }
    }

    /// Whether every topic that `other` matches is matched by this one too.
    package func covers(_ other: TopicPattern) -> Bool {
        // The broker's own topics are for patterns that name them.
        if startsWithWildcard, other.namesSystemTopics { return false }
        // A topic has one level at least.
        if case .rest = other.levels[0], levels.count == 2, case .single = levels[0], case .rest = levels[1] {
            return true
        }
        for (index, level) in levels.enumerated() {
            if case .rest = level { return true }
            guard index < other.levels.count else { return false }
            switch (level, other.levels[index]) {
            case (_, .rest): return false
            case (.single, _): continue
            case (.literal(let bytes), .literal(let others)): if bytes != others { return false }
            case (.literal, .single), (.rest, _): return false
            }
        }
        return levels.count == other.levels.count
    }

    /// Whether some topic is matched by this one and by `other`.
    package func overlaps(_ other: TopicPattern) -> Bool {
        if startsWithWildcard, other.namesSystemTopics { return false }
        if other.startsWithWildcard, namesSystemTopics { return false }
        var index = 0
        while true {
            let (own, others) = (
                index < levels.count ? levels[index] : nil, index < other.levels.count ? other.levels[index] : nil
            )
            switch (own, others) {
            // A pattern's `#` matches what the other goes on with, and that it ends here.
            case (.rest, _), (_, .rest): return true
            case (nil, nil): return true
            case (nil, _), (_, nil): return false
            case (.literal(let bytes), .literal(let others)): if bytes != others { return false }
            case (.single, _), (_, .single): break
            }
            index += 1
        }
    }

    /// Whether its topics begin with `$`, which are the broker's own and are not stored.
    var namesSystemTopics: Bool {
        if case .literal(let bytes) = levels[0] { return bytes.first == ASCII.dollar }
        return false
    }

    private var startsWithWildcard: Bool {
        if case .literal = levels[0] { return false }
        return true
    }

    private func describe(_ level: Level) -> String {
        switch level {
        case .literal(let bytes): String(copying: bytes.span)
        case .single(let name): name.map { "{\($0)}" } ?? "+"
        case .rest(let name): name.map { "{\($0)...}" } ?? "#"
        }
    }

    private static func add(_ name: String?, to names: inout [String]) throws(RuleError) {
        guard let name else { return }
        if names.contains(name) { throw .captureRepeated(name) }
        names.append(name)
    }

    private static func level(_ part: ArraySlice<UInt8>, isLast: Bool) throws(RuleError) -> Level {
        let text = String(decoding: part, as: UTF8.self)
        if text == "+" { return .single(name: nil) }
        // A `#` that is not last stays a literal here; the filter's own check names it.
        if text == "#", isLast { return .rest(name: nil) }
        guard part.contains(ASCII.openBrace) || part.contains(ASCII.closeBrace) else { return .literal(Array(part)) }
        let inner = text.dropFirst().dropLast()
        guard text.hasPrefix("{"), text.hasSuffix("}"), text.count > 2, !inner.contains(where: { "{}".contains($0) })
        else {
            throw .captureNotWholeLevel(level: text)
        }
        let takesRest = inner.hasSuffix("...")
        let name = String(takesRest ? inner.dropLast(3) : inner)
        guard isCaptureName(name) else { throw .captureName(name) }
        if name == Rule.wholeTopic { throw .captureReserved(name) }
        guard takesRest else { return .single(name: name) }
        guard isLast else { throw .captureOfRestNotLast(name) }
        return .rest(name: name)
    }

    private static func isCaptureName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
