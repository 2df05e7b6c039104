import LogInterface
import TopicRouting

extension TopicSelection {
    /// Topics by name cost a short look-up each in a section of the index; thousands cost more than reading it all.
    private static let topicCountMax = 1024
    /// Filters with wildcards each walk a part of a section's dictionary.
    private static let wildcardCountMax = 16

    /// The topics that checked `filters` match, of which an empty one matches every topic; nil when that is everything,
    /// or so much that an index is of no use.
    package init?(filters: [[UInt8]]) {
        var topics: [[UInt8]] = []
        var wildcards: [Wildcard] = []
        for filter in filters {
            guard !filter.isEmpty else { return nil }
            guard let wild = filter.firstIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }) else {
                topics.append(filter)
                continue
            }
            guard filter != [UInt8(ascii: "#")] else { return nil }
            // `a/#` matches `a` too.
            let prefix = filter[wild] == UInt8(ascii: "#") ? filter[..<wild].dropLast() : filter[..<wild]
            wildcards.append(
                Wildcard(prefix: Array(prefix)) { topic in FilterSyntax.matches(filter: filter.span, topic: topic) })
        }
        guard topics.count <= Self.topicCountMax, wildcards.count <= Self.wildcardCountMax else { return nil }
        self.init(topics: topics, wildcards: wildcards)
    }
}
