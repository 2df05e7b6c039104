import AccessControl
import Bridging
import SluiceCore

/// What one client may do, where not everything is allowed to everybody.
///
/// A device publishes to few topics again and again: those that were allowed are remembered by their bytes, so that a
/// repetition costs a comparison. What is remembered ends with the rights.
/// Isolation: its client's shard.
final class ClientAccess {
    let rights: AccessRights
    /// Topics that may be published to, each in the place that its last bytes choose.
    private var published: [[UInt8]] = []
    /// Topics and filters that were refused and reported.
    private var reported: Set<[UInt8]> = []

    private static let rememberedCount = 8
    /// Refusals that are reported one by one; of more, the list of refusals has the counts.
    private static let reportedCountMax = 16

    init(_ rights: AccessRights) {
        assert(!rights.areUnrestricted, "who may do everything has no need of it")
        self.rights = rights
    }

    /// Whether a topic was found to be allowed before.
    /// - Complexity: a comparison of bytes.
    @inline(__always)
    func remembers(_ topic: Span<UInt8>) -> Bool {
        guard !published.isEmpty else { return false }
        let remembered = published[Self.place(of: topic)]
        return topic.isEqual(to: remembered.span)
    }

    /// Whether a checked topic may be published to.
    func mayPublish(_ topic: Span<UInt8>) -> Verdict {
        if remembers(topic) { return .unrestricted }
        let verdict = rights.mayPublish(topic)
        if verdict.isAllowed {
            if published.isEmpty { published = Array(repeating: [], count: Self.rememberedCount) }
            published[Self.place(of: topic)] = Array(copying: topic)
        }
        return verdict
    }

    private static func place(of topic: Span<UInt8>) -> Int {
        let count = topic.count
        guard count > 0 else { return 0 }
        return Int(topic[count - 1] ^ topic[count / 2] &* 5) & (rememberedCount - 1)
    }

    /// Whether a refusal is to be reported by itself: the first of its kind is.
    func reports(_ asked: [UInt8]) -> Bool {
        guard reported.count < Self.reportedCountMax else { return false }
        return reported.insert(asked).inserted
    }
}
