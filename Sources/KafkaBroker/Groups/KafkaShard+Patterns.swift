import AccessControl
import GroupCoordination
import KafkaWire
import RegularExpressions

/// Topics that members of groups read by a pattern (KIP-848).
extension KafkaShard {
    /// What a heartbeat says of its member's pattern. Topics are matched when the pattern, the member's rights or the
    /// topics are others than when it was heard of before, and not with each heartbeat.
    func patternChange(
        _ request: ConsumerGroupHeartbeatRequest, _ memberID: String, _ call: KafkaCall
    ) throws(TopicPatterns.Fault) -> TopicPatternChange {
        guard request.memberEpoch >= 0 else { return .none }
        let known = peers.withOffsets {
            $0.consumers.pattern(of: memberID, instanceID: request.instanceID, in: request.groupID)
        }
        guard let text = request.subscribedTopicRegex ?? known?.text else { return .none }
        guard !text.isEmpty else { return .dropped }
        let rights = call.connection.identity.rights
        if let known, known.text == text, known.scope === rights, known.generation >= topicGeneration { return .none }
        let matched = try patterns.topics(of: text, among: topics)
        return .matched(
            TopicPattern(
                text, in: rights, at: topicGeneration,
                topics: rights.map { rights in matched.filter { rights.admits($0) } } ?? matched))
    }

    /// What the patterns of all members match when topics were made or deleted.
    /// - Parameters:
    ///   - added: the topics that were not there in the catalogue's state `former`.
    func rematched(added: Set<String>, since former: UInt64) -> [PatternMember] {
        peers.withOffsets { $0.consumers.patternMembers }.compactMap { member in
            let pattern = member.pattern
            guard pattern.generation < topicGeneration else { return nil }
            var followed = member
            followed.pattern.generation = topicGeneration
            do throws(TopicPatterns.Fault) {
                let matched = try patterns.topics(of: pattern.text, among: topics)
                // What was refused before is not judged again.
                let isOneStep = pattern.generation == former
                followed.pattern.topics = matched.filter { topic in
                    guard let scope = pattern.scope, !pattern.topics.contains(topic) else { return true }
                    return (!isOneStep || added.contains(topic)) && scope.admits(topic)
                }
                return followed
            } catch {
                // There was no memory for it, or no time: its next heartbeat tries again.
                return nil
            }
        }
    }
}

extension AccessRights: TopicScope {
    /// Whether the topic may be read.
    package func admits(_ topic: String) -> Bool { mayReadStream(Array(topic.utf8).span).isAllowed }
}
