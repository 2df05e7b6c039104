import PayloadFormats
package import TopicRouting

/// The device profiles of a node.
///
/// Invariants: no topic is matched by messages of two profiles, nor by two of one, so that their order means nothing.
package struct ProfileSet: Equatable, Sendable {
    /// A message, with the profile that it belongs to.
    package struct Entry: Equatable, Sendable {
        /// Its profile, by its place in `profiles`.
        package let profileIndex: Int
        /// The message.
        package let message: DeviceMessage
        /// What its topics are routed by.
        package let rule: Rule
        /// The fields that are a device's reading, up to four: of the first message that has any.
        package let readingFields: [Int]
    }

    /// The profiles, by name.
    package let profiles: [DeviceProfile]
    /// The messages of all, which `Rule.profiled` counts.
    package let entries: [Entry]

    /// No profiles.
    package init() {
        profiles = []
        entries = []
    }

    /// A set of `profiles`.
    /// - Throws: what is wrong with a pattern, a stream's name or a key.
    package init(_ profiles: [DeviceProfile]) throws(RuleError) {
        self.profiles = profiles
        var entries: [Entry] = []
        for (profileIndex, profile) in profiles.enumerated() {
            for message in profile.messages {
                let rule = try Rule(
                    from: message.pattern.text, stream: profile.stream, key: profile.key, profiled: entries.count)
                let reading = profile.reading
                entries.append(
                    Entry(
                        profileIndex: profileIndex, message: message, rule: rule,
                        readingFields: reading?.message == message ? reading?.fields ?? [] : []))
            }
        }
        self.entries = entries
    }

    /// The rules of all messages; profiles are more special than rules, and come before them.
    package var rules: [Rule] { entries.map(\.rule) }

    /// The profile of the message at `index`.
    package func profile(ofEntry index: Int) -> DeviceProfile { profiles[entries[index].profileIndex] }

    /// The profile of this name; nil for none.
    package func profile(named name: String) -> DeviceProfile? { profiles.first { $0.name == name } }

    /// The streams of dead letters that the profiles need, each once, with the stream whose letters they are.
    package var deadLetterStreams: [String] {
        var names: [String] = []
        for profile in profiles where profile.badPayload == .deadLetter {
            let name = DeviceProfile.deadLetterStream(of: profile.stream)
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// Two messages whose patterns match a topic both; nil when there are none.
    package static func overlap(_ profiles: [DeviceProfile]) -> (first: Place, second: Place)? {
        let all = profiles.enumerated().flatMap { index, profile in
            profile.messages.indices.map { Place(profileIndex: index, messageIndex: $0) }
        }
        for (position, second) in all.enumerated() {
            let pattern = profiles[second.profileIndex].messages[second.messageIndex].pattern
            for first in all[..<position]
            where profiles[first.profileIndex].messages[first.messageIndex].pattern.overlaps(pattern) {
                return (first, second)
            }
        }
        return nil
    }

    /// A message of a profile, by their places.
    package struct Place: Equatable, Sendable {
        /// The profile.
        package var profileIndex: Int
        /// Its message.
        package var messageIndex: Int
    }
}
