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
                #expect(FilterSets.isCovered(one, by: other) == left.isSubset(of: right))
            }
        }
    }
}
