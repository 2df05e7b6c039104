/// Who a speaker speaks for: what rights are asked of.
///
/// A value that is compared and copied as it is; it holds what was proved, never what was only claimed.
package enum Principal: Sendable, Hashable {
    /// Nobody in particular: nothing was proved.
    case anonymous
    /// A user who has shown a password, a token or the like.
    case user(String)
    /// The owner of a certificate, by the name that the listener takes from it.
    case certificate(String)
    /// A bridge of this node, by its name.
    case bridge(String)
    /// The node itself: its own topics, and wills whose session is gone.
    case node
}

extension Principal: CustomStringConvertible {
    /// It, for log lines.
    package var description: String {
        switch self {
        case .anonymous: "anonymous"
        case .user(let name): "user \(name)"
        case .certificate(let name): "certificate \(name)"
        case .bridge(let name): "bridge \(name)"
        case .node: "the node"
        }
    }
}
