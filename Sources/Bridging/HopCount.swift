/// What tells a bridge that a message has been here before: three user properties of MQTT 5.
///
/// A message that passes a bridge says which nodes it came from (`sluice-origin`, one for each), which nodes took it in
/// by a bridge of their own (`sluice-via`, one for each) and how many bridges it has passed (`sluice-hops`). A bridge
/// puts its marks on what leaves, and on what it takes in, before that is stored: whoever gets it next, a client or
/// another node's bridge, gets the marks with it. A node does not take what came from it, nor what its bridges took in
/// before, nor what has passed too many.
///
/// A client's publish is looked at for `sluice-origin` and `sluice-hops` only: an application that answers with the
/// properties of what it was given publishes where that was taken in. Source: ADR 0020.
package enum HopCount {
    /// The property that names a node that a message came from.
    package static let originName = Array("sluice-origin".utf8)
    /// The property that names a node whose bridge took a message in.
    package static let viaName = Array("sluice-via".utf8)
    /// The property that counts bridges.
    package static let hopsName = Array("sluice-hops".utf8)
    /// The property of a CONNECT with which a bridge says which node it is of, and asks for the upstream's.
    package static let bridgeName = Array("sluice-bridge".utf8)
    /// The property of a CONNACK that answers it.
    package static let nodeName = Array("sluice-node".utf8)
    /// Bridges in a row that nobody builds on purpose.
    package static let hopsMax = 16

    /// What becomes of a message that came in.
    package enum Verdict: Equatable, Sendable {
        /// It is taken.
        case take
        /// It was here.
        case ownMessage
        /// It goes in circles that have no Sluice node that knows it, or came a very long way.
        case tooFar(Int)
    }

    /// Judges a message from upstream.
    package static func verdict(_ properties: MessageProperties, node: [UInt8]) -> Verdict {
        let wasHere = properties.user.contains { ($0.name == originName || $0.name == viaName) && $0.value == node }
        if wasHere { return .ownMessage }
        let hops = hops(properties)
        return hops >= hopsMax ? .tooFar(hops) : .take
    }

    /// Marks a message that leaves `node` by a bridge of its own.
    package static func mark(_ properties: inout MessageProperties, node: [UInt8]) {
        pass(&properties)
        add(originName, node, to: &properties)
    }

    /// Marks a message that a bridge of `node` takes in.
    /// - Parameter upstream: the node that it comes from, when it is one that says so.
    package static func markTaken(_ properties: inout MessageProperties, node: [UInt8], upstream: [UInt8]?) {
        pass(&properties)
        if let upstream { add(originName, upstream, to: &properties) }
        add(viaName, node, to: &properties)
    }

    private static func pass(_ properties: inout MessageProperties) {
        let hops = hops(properties) + 1
        properties.user.removeAll { $0.name == hopsName }
        properties.user.append((hopsName, Array(String(hops).utf8)))
    }

    private static func add(_ name: [UInt8], _ node: [UInt8], to properties: inout MessageProperties) {
        guard !properties.user.contains(where: { $0.name == name && $0.value == node }) else { return }
        properties.user.append((name, node))
    }

    private static func hops(_ properties: MessageProperties) -> Int {
        guard let value = properties.user.last(where: { $0.name == hopsName })?.value else { return 0 }
        // What is no number came from somebody else, and says nothing of us.
        return Int(String(decoding: value, as: UTF8.self)).map { max(0, min($0, hopsMax)) } ?? 0
    }
}
