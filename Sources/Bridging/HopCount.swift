/// What tells a bridge that a message has been here before: two user properties of MQTT 5.
///
/// A message that leaves by a bridge says which node it came from first (`sluice-origin`) and how many bridges it has
/// passed (`sluice-hops`). A node does not take what it sent itself, nor what has passed too many.
package enum HopCount {
    /// The property that names the first node.
    package static let originName = Array("sluice-origin".utf8)
    /// The property that counts bridges.
    package static let hopsName = Array("sluice-hops".utf8)
    /// Bridges in a row that nobody builds on purpose.
    package static let hopsMax = 16

    /// What becomes of a message that came in.
    package enum Verdict: Equatable, Sendable {
        /// It is taken.
        case take
        /// It began here.
        case ownMessage
        /// It goes in circles that have no Sluice node that knows it, or came a very long way.
        case tooFar(Int)
    }

    /// Judges a message from upstream.
    package static func verdict(_ properties: MessageProperties, node: [UInt8]) -> Verdict {
        if properties.user.contains(where: { $0.name == originName && $0.value == node }) { return .ownMessage }
        let hops = hops(properties)
        return hops >= hopsMax ? .tooFar(hops) : .take
    }

    /// Marks a message that leaves `node`.
    package static func mark(_ properties: inout MessageProperties, node: [UInt8]) {
        let hops = hops(properties) + 1
        if !properties.user.contains(where: { $0.name == originName }) { properties.user.append((originName, node)) }
        properties.user.removeAll { $0.name == hopsName }
        properties.user.append((hopsName, Array(String(hops).utf8)))
    }

    private static func hops(_ properties: MessageProperties) -> Int {
        guard let value = properties.user.last(where: { $0.name == hopsName })?.value else { return 0 }
        // What is no number came from somebody else, and says nothing of us.
        return Int(String(decoding: value, as: UTF8.self)).map { max(0, min($0, hopsMax)) } ?? 0
    }
}
