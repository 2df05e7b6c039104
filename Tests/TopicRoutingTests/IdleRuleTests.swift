import SluiceCore
import Testing
import TopicRouting

@Suite("Rules that never decide are found")
struct IdleRuleTests {
    @Test(
        "a rule behind one that takes all of its topics is named, with that one",
        arguments: [
            (["#", "a/b"], [1]), (["a/#", "a"], [1]), (["a/{x}", "a/b", "a/+", "a/b/c"], [1, 2]),
            (["a/b", "a/+"], []), (["a/+", "a/#"], []), (["{all...}", "+/x/#"], [1]), (["+/+", "a/#", "b/c"], [2]),
            (["$SYS/x", "#"], [0]), (["a/{rest...}", "b/#", "a/b/{c}/#"], [2]),
        ])
    func examples(patterns: [String], idle: [Int]) throws {
        let rules = RuleSet(try patterns.map { try Rule(from: $0, stream: "s", key: "k") })
        #expect(rules.idle.map(\.ruleIndex) == idle)
        for (index, reason) in rules.idle {
            if case .behind(let first) = reason { #expect(first < index) }
        }
    }

    @Test("of two rules the second is idle exactly when every topic that it matches is one of the first")
    func pairs() throws {
        let words = ["a", "b", "+"]
        var patterns = words + ["#"]
        for first in words {
            for second in words + ["#"] {
                patterns.append("\(first)/\(second)")
                if second != "#" { patterns += (words + ["#"]).map { "\(first)/\(second)/\($0)" } }
            }
        }
        let names = ["a", "b", "c"]
        var topics = names
        for first in names {
            for second in names {
                topics.append("\(first)/\(second)")
                for third in names {
                    topics.append("\(first)/\(second)/\(third)")
                    topics += names.map { "\(first)/\(second)/\(third)/\($0)" }
                }
            }
        }
        let sets = try patterns.map { RuleSet([try Rule(from: $0, stream: "s", key: "k")]) }
        let matched = sets.map { rules in Set(topics.filter { rules.resolve($0).ruleIndex == 0 }) }
        for (first, left) in sets.enumerated() {
            for (second, right) in sets.enumerated() {
                let isIdle = !RuleSet(left.rules + right.rules).idle.isEmpty
                let isTaken = matched[second].isSubset(of: matched[first])
                #expect(isIdle == isTaken, "\(patterns[first]) before \(patterns[second])")
            }
        }
    }
}
