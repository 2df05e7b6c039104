import RegularExpressions

/// What patterns match of the topics that there are, remembered until other topics are there.
///
/// All that clients see are matched, as Kafka does it: `.*` brings `__consumer_offsets` as well.
/// Invariants: what is remembered is right for the topics of the last call of `follow`.
/// Isolation: one shard's.
struct TopicPatterns {
    private struct Match {
        var topics: Set<String>
        /// Whether it was asked for since topics were made or deleted last.
        var isWanted: Bool
    }

    private var matches: [String: Match] = [:]
    /// Topics of all that is remembered.
    private var nameCount = 0
    /// Patterns that were compiled so far.
    private(set) var compileCount = 0
    /// What may be matched now, in instructions of patterns for each topic.
    private var budget = budgetMax
    /// What may be matched in half a second: 40 ms of the dearest patterns. One may take more than is left; then the
    /// loop is its other clients' until that is made up for.
    private static let budgetMax = 2_000_000
    /// What compiling a pattern counts for, which takes 0.1 to 0.2 ms.
    private static let compileCost = 10_000

    /// Patterns that are remembered, and topics of all of them: with their names some 50 MB at most.
    static let patternCountMax = 1024
    static let nameCountMax = 500_000

    /// Why a pattern's topics are not known.
    enum Fault: Error {
        /// What is wrong with the pattern.
        case wrong(RegularExpressionFault)
        /// More was matched of late than a loop has time for.
        case busy
    }

    /// Half a second has gone by.
    mutating func refill() { budget = min(Self.budgetMax, budget + Self.budgetMax) }

    /// The topics that a pattern matches as a whole.
    mutating func topics(of pattern: String, among table: TopicTable) throws(Fault) -> Set<String> {
        if let known = matches[pattern] {
            matches[pattern]?.isWanted = true
            return known.topics
        }
        guard budget > 0 else { throw .busy }
        let expression: RegularExpression
        do throws(RegularExpressionFault) {
            expression = try compile(pattern)
        } catch {
            budget -= Self.compileCost
            throw .wrong(error)
        }
        budget -= Self.compileCost + expression.instructionCount * table.topics.count
        var topics: Set<String> = []
        for topic in table.topics where expression.matches(topic.name) { topics.insert(topic.name) }
        if matches.count >= Self.patternCountMax || nameCount + topics.count > Self.nameCountMax {
            matches = [:]
            nameCount = 0
        }
        nameCount += topics.count
        matches[pattern] = Match(topics: topics, isWanted: true)
        return topics
    }

    /// Topics were made or are gone: what nobody has asked for since the last time is forgotten, all else is right for
    /// `table`.
    mutating func follow(_ table: TopicTable, added: Set<String>) {
        nameCount = 0
        for (pattern, match) in matches {
            guard match.isWanted, let topics = followed(match.topics, pattern, table, added) else {
                matches[pattern] = nil
                continue
            }
            nameCount += topics.count
            matches[pattern] = Match(topics: topics, isWanted: false)
        }
    }

    private mutating func followed(
        _ former: Set<String>, _ pattern: String, _ table: TopicTable, _ added: Set<String>
    ) -> Set<String>? {
        var topics = former
        if former.contains(where: { table[$0] == nil }) { topics = former.filter { table[$0] != nil } }
        guard !added.isEmpty else { return topics }
        do throws(RegularExpressionFault) {
            let expression = try compile(pattern)
            for name in added where expression.matches(name) { topics.insert(name) }
            return topics
        } catch {
            // For want of memory, since it was right before: who asks for it hears of it.
            return nil
        }
    }

    private mutating func compile(_ pattern: String) throws(RegularExpressionFault) -> RegularExpression {
        guard pattern.utf8.count <= KafkaBounds.patternBytesMax else {
            throw RegularExpressionFault(
                words: "it has \(pattern.utf8.count) bytes, \(KafkaBounds.patternBytesMax) are taken")
        }
        compileCount += 1
        let expression = try RegularExpression(pattern, memoryMax: KafkaBounds.patternMemoryMax)
        let count = expression.instructionCount
        guard count <= KafkaBounds.patternInstructionsMax else {
            throw RegularExpressionFault(
                words: "it takes \(count) instructions, \(KafkaBounds.patternInstructionsMax) are allowed; "
                    + "repetitions and classes of letters beyond ASCII take many")
        }
        return expression
    }
}
