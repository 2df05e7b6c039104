import AccessControl
import Testing
import TopicRouting

@Suite("Filters as sets of topics")
struct FilterSetTests {
    private func matches(_ filter: [UInt8], _ topic: [UInt8]) -> Bool {
        FilterSyntax.matches(filter: filter.span, topic: topic.span)
    }

    @Test("intersections and covers are those of the topics, in a small world")
    func exhaustive() {
        let filters =
            (paths(of: ["a", "$b", "+"], lengthMax: 3) + ["#"]
            + paths(of: ["a", "$b", "+"], lengthMax: 2).map { $0 + "/#" }).map { Array($0.utf8) }
        // One level more than the filters have, and a letter that none has.
        let topics = paths(of: ["a", "$b", "z", ""], lengthMax: 4).map { Array($0.utf8) }.filter { !$0.isEmpty }
        var sets: [[UInt8]: Set<Int>] = [:]
        for filter in filters { sets[filter] = Set(topics.indices.filter { matches(filter, topics[$0]) }) }
        for one in filters {
            for other in filters {
                let (left, right) = (sets[one] ?? [], sets[other] ?? [])
                let common = FilterSets.intersection(one, other)
                let found = Set(topics.indices.filter { index in common.map { matches($0, topics[index]) } ?? false })
                #expect(found == left.intersection(right), "\(String(decoding: one, as: UTF8.self)) \(other)")
                #expect((common == nil) == left.isDisjoint(with: right))
                #expect(!FilterSets.areApart(one.span, other.span) || common == nil)
                #expect(FilterSets.isCovered(one, by: other) == left.isSubset(of: right))
            }
        }
    }
}

extension FilterSetTests {
    @Test(
        "filters are apart when a level differs before any wildcard or placeholder, and only then",
        arguments: [
            ("a/b", "a/c", true), ("a/b/#", "a/c/#", true), ("a", "ab", false), ("a/#", "ab", true),
            ("a/+/c", "a/b/d", false), ("%u/a", "x/b", false), ("a/%c", "a/b", false), ("a", "a/#", false),
            ("#", "a", false), ("$SYS/#", "a/#", true),
        ])
    func apart(left: String, right: String, areApart: Bool) {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        #expect(FilterSets.areApart(left.span, right.span) == areApart)
        #expect(FilterSets.areApart(right.span, left.span) == areApart)
    }

    @Test("a subscription is compared with 1,000 rules and 1,000 denials as it is with those that matter")
    func many() throws {
        let lines = (0..<1000).map { "topic deny d/\($0)/x\ntopic d/\($0)/#\n" }.joined()
        let rights = try rules("user u\n\(lines)topic deny e/#\ntopic e/f\n").rights("u")
        #expect(!rights.subscribes("d/7/x").isAllowed)
        #expect(rights.subscribes("d/7/+").isAllowed && rights.subscribes("#").isAllowed)
        #expect(!rights.subscribes("e/+").isAllowed && !rights.subscribes("d/1000/x").isAllowed)
    }
}
